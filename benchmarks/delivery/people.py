"""Tenants, agents and visitors of a run, and their sockets."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import websockets
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Contact, ContactInbox, Conversation, Inbox
from chat.services import conversations, messages, widget
from ops.kernel import signing
from tenants.accounts.services import sessions
from tenants.models import Tenant
from tenants.services import lifecycle, provisioning

PASSWORD = "balcao-demo"


@dataclass
class Pair:
    """A tenant's conversation with an agent's and a visitor's token."""

    slug: str
    conversation: str
    agent: str
    visitor: str


def make_pairs(slugs: list[str]) -> list[Pair]:
    """A conversation in each of these tenants; a tenant named twice gets two."""
    found = []
    tenants: dict[str, Any] = dict.fromkeys(slugs)
    owner = provisioning.Owner("owner@bench.example", "Olga", PASSWORD, "")
    for slug in tenants:
        tenants[slug] = provisioning.create(name=slug, slug=slug, owner=owner, wait=True)
    for slug in slugs:
        with tenant_context(tenants[slug]):
            visitor, token = widget.open_session(
                inbox=Inbox.objects.earliest("created_at"), visitor_id=uuid4(), now=timezone.now()
            )
            conversation = conversations.start(visitor=visitor, client_id=uuid4())
            messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=visitor, body="Hello", client_id=uuid4()
            )
            pair = sessions.open_with_password(email="owner@bench.example", password=PASSWORD, now=timezone.now())
        found.append(Pair(slug, str(conversation.pk), pair.access, token))
    return found


def make_crowd(slug: str, count: int) -> list[tuple[str, str]]:
    """So many visitors, each with a contact and a conversation of their own: token and conversation."""
    now = timezone.now()
    with tenant_context(Tenant.objects.get(slug=slug)):
        inbox = Inbox.objects.earliest("created_at")
        first = Conversation.objects.latest("number").number + 1
        people = Contact.objects.bulk_create(Contact(name=f"Visitor {n}", last_seen_at=now) for n in range(count))
        links = ContactInbox.objects.bulk_create(
            ContactInbox(contact=contact, inbox=inbox, source_id=uuid4().hex) for contact in people
        )
        talks = Conversation.objects.bulk_create(
            Conversation(
                number=first + n,
                client_id=uuid4(),
                inbox=inbox,
                contact_id=link.contact_id,
                contact_inbox=link,
                last_activity_at=now,
                last_contact_message_at=now,
            )
            for n, link in enumerate(links)
        )
        return [
            (signing.dumps(str(link.pk), salt=widget.SALT), str(talk.pk))
            for link, talk in zip(links, talks, strict=True)
        ]


def clean_up(slug: str) -> None:
    """Take the tenant away again."""
    tenant = Tenant.objects.get(slug=slug)
    lifecycle.delete(tenant=tenant, grace=timedelta(0), by="benchmark")
    lifecycle.purge(tenant=tenant, by="benchmark")


async def connect(port: int, slug: str, path: str):
    """A socket that has said nothing yet."""
    return await websockets.connect(
        f"ws://{slug}.localhost:{port}{path}",
        host="127.0.0.1",
        port=port,
        subprotocols=["chat.v1"],
        compression=None,
        open_timeout=60,
        max_queue=None,
    )


async def dial(port: int, slug: str, path: str, **hello):
    """A greeted socket."""
    line = await connect(port, slug, path)
    await line.send(json.dumps({"type": "hello", **hello}))
    while json.loads(await line.recv())["type"] != "welcome":
        pass
    return line
