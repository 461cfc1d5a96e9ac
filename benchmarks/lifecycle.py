"""How long a copy of a tenant with 10,000 messages takes, beside copying its messages one by one.

    python benchmarks/lifecycle.py [messages]

Runs in a database of its own.
"""

import sys
import time
from datetime import timedelta
from uuid import uuid4

import throwaway  # noqa: F401 — first: it makes the database and sets Django up
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Contact, ContactInbox, Conversation, Inbox, Message
from tenants.services import cloning, lifecycle, provisioning

MESSAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
A_CONVERSATION = 20


def fill(tenant):
    """Contacts with a conversation each, twenty messages in every one."""
    with tenant_context(tenant), transaction.atomic():
        inbox = Inbox.objects.order_by("pk").first()
        contacts = Contact.objects.bulk_create(Contact(name=f"Pessoa {n}") for n in range(MESSAGES // A_CONVERSATION))
        ways = ContactInbox.objects.bulk_create(
            ContactInbox(contact=one, inbox=inbox, source_id=f"visitor-{n}") for n, one in enumerate(contacts)
        )
        conversations = [
            Conversation.objects.create(
                inbox=inbox,
                contact=way.contact,
                contact_inbox=way,
                number=n,
                client_id=uuid4(),
                last_activity_at=timezone.now(),
            )
            for n, way in enumerate(ways, start=1)
        ]
        Message.objects.bulk_create(
            Message(
                conversation=one,
                inbox=inbox,
                author_contact=one.contact,
                seq=n,
                client_id=uuid4(),
                body=f"Mensagem {n}",
                created_at=timezone.now(),
            )
            for one in conversations
            for n in range(1, A_CONVERSATION + 1)
        )


def main():
    """Fill, copy, copy naively, print."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    source = provisioning.create(name="Medida", by="benchmark", wait=True)
    made = None
    try:
        fill(source)
        begin = time.perf_counter()
        made = cloning.clone(source=source, name="Medida cópia", by="benchmark", wait=True)
        whole = time.perf_counter() - begin
        with tenant_context(made):
            assert Message.objects.count() == MESSAGES // A_CONVERSATION * A_CONVERSATION
        with tenant_context(source):
            rows = list(Message.objects.order_by("pk"))
        with tenant_context(made), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM chat_message")
            begin = time.perf_counter()
            for row in rows:
                row.save(force_insert=True)
            naive = time.perf_counter() - begin
            transaction.set_rollback(True)
        print(f"The whole copy, schema to open doors: {whole:.2f} s for {len(rows)} messages")
        print(f"Only the messages, row by row:        {naive:.2f} s")
        print(f"Ratio: {naive / whole:.1f}")
    finally:
        for tenant in (source, made):
            if tenant is not None:
                lifecycle.delete(tenant=tenant, by="benchmark", now=now, grace=timedelta(0))
                lifecycle.purge(tenant=tenant, by="benchmark", now=now)


main()
