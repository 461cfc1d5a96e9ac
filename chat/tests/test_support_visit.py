"""A visit of support on the agents' socket: it is told in the log and ends with the visit."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from chat.tests.factories import ConversationFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import PATIENCE_S, communicator
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import GrantEnd
from tenants.models import ImpersonationGrant, Tenant
from tenants.services import support


def come_in(acme: Tenant, ana: Any) -> tuple[str, str]:
    """The session of somebody of the platform's support inside acme, and a conversation there."""
    now = timezone.now()
    with schema_context("public"):
        alice = UserFactory(email="alice@x.example", name="Alice", is_staff=True, is_superuser=True)
    with tenant_context(acme):
        grant = support.request(tenant=acme, person=alice, role="agent", reason="Look at number 1", minutes=15, now=now)
        support.answer(grant=grant, approve=True, by=ana, now=now)
        url = support.entry_link(grant=grant, person=alice, now=now)
        browser = Client(headers={"host": "acme.localhost"})
        browser.post(url[url.index("/support/enter/") :])
        return browser.cookies[settings.SESSION_COOKIE_NAME].value, str(ConversationFactory().pk)


async def until(socket: Any, word: str) -> None:
    """Read frames until one holds the word."""
    for _ in range(50):
        if word in (await socket.receive_output(timeout=PATIENCE_S)).get("text", ""):
            return
    raise AssertionError(f"{word} never came")


@pytest.mark.transactional
async def test_a_visits_socket_is_told_in_the_log_and_ends_with_the_visit(acme, ana):
    key, conversation = await sync_to_async(come_in)(acme, ana)
    cookie = f"{settings.SESSION_COOKIE_NAME}={key}"
    socket = communicator("/ws/agent/", host="acme.localhost", headers={"cookie": cookie}, subprotocols=["chat.v1"])
    opened, _ = await socket.connect(timeout=PATIENCE_S)
    assert opened
    await socket.send_to(text_data='{"type": "hello"}')
    await until(socket, '"welcome"')

    send = f'{{"type": "msg.send", "client_id": "{uuid4()}", "conversation": "{conversation}", "body": "Hello"}}'
    await socket.send_to(text_data=send)
    await until(socket, '"msg.ack"')
    await socket.send_to(text_data='{"type": "ping"}')  # answered after the act before it is written
    await until(socket, '"pong"')

    def written() -> list[str]:
        with tenant_context(acme):
            return [row.detail["path"] for row in AuditEntry.objects.filter(action="tenants.support_acted")]

    assert await sync_to_async(written)() == ["msg.send"]

    def show_out() -> None:
        with tenant_context(acme):
            support.end(grant=ImpersonationGrant.objects.get(), why=GrantEnd.CUSTOMER, by=ana, now=timezone.now())

    await sync_to_async(show_out)()
    await until(socket, '"bye"')
    await socket.disconnect(timeout=PATIENCE_S)
