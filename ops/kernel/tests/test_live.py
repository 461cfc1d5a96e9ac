import asyncio
import json
import uuid

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django_tenants.utils import schema_context

from ops.kernel import context, live
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.consumers import TenantConsumer
from ops.kernel.errors import Conflict, Invalid
from ops.kernel.redis import client as redis_client
from ops.kernel.testing import PATIENCE_S

PREFIX = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]


class Echo(TenantConsumer):
    """What these tests talk to."""

    async def connect(self):
        await self.join("room")
        await self.accept()

    async def disconnect(self, code):
        await self.part("room")

    async def receive_frame(self, frame):
        if frame["type"] == "where":
            await self.send_frame(await self.in_tenant(where))
        elif frame["type"] == "refuse":
            raise Conflict("Taken.")
        elif frame["type"] == "field":
            raise Invalid(field="body")
        elif frame["type"] == "bug":
            raise ZeroDivisionError("secret")
        elif frame["type"] == "async":
            await self.in_tenant(self.connect)

    async def room_said(self, message):
        await self.send_frame({"type": "said", "text": message["text"]})


def where():
    AuditEntryFactory()
    return {
        "schema": connection.schema_name,
        "tenant": connection.tenant.name,
        "marks": AuditEntry.objects.count(),
        "user": context.current_user_id(),
        "request": bool(context.request_id.get()),
    }


@pytest.fixture(autouse=True)
def _fresh_layer():
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


async def opened(tenant, user=None):
    socket = WebsocketCommunicator(Echo.as_asgi(), "/ws/")
    socket.scope["tenant"] = tenant
    socket.scope["user"] = user or AnonymousUser()
    connected, _protocol = await socket.connect(timeout=PATIENCE_S)
    assert connected
    return socket


async def ask(socket, frame):
    await socket.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))
    return json.loads(await socket.receive_from(timeout=PATIENCE_S))


@pytest.mark.alone
@pytest.mark.transactional
async def test_every_socket_reaches_its_own_tenant_also_when_they_ask_at_once(acme, beta, ana):
    sockets = [await opened(acme, ana), await opened(beta), await opened(acme), await opened(beta)]

    answers = await asyncio.gather(*(ask(socket, {"type": "where"}) for socket in sockets for _ in range(1)))

    assert all("schema" in one for one in answers), answers
    assert [(one["schema"], one["tenant"]) for one in answers] == [("t_acme", "Acme"), ("t_beta", "Beta")] * 2
    # Two of a tenant may write before either counts; nobody ever counts a row of the other tenant.
    assert {one["marks"] for one in answers} <= {1, 2}
    assert [(await ask(socket, {"type": "where"}))["marks"] for socket in sockets] == [3, 3, 4, 4]
    assert answers[0]["user"] == str(ana.pk)
    assert all(one["request"] for one in answers)
    for socket in sockets:
        await socket.disconnect(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "refuse", "client_id": "c-1"}, "conflict"),
        ({"type": "bug", "client_id": "c-1"}, "internal_error"),
        ({"type": "async", "client_id": "c-1"}, "internal_error"),
        ("not json", "unreadable"),
        ("[]", "unreadable"),
        ('{"type": 1}', "unreadable"),
        ('{"a": NaN, "type": "x"}', "unreadable"),
        ("[" * 100_000, "unreadable"),
        ('{"type": "where", "a": {"b": ["\\u0000"]}}', "invalid"),
        ('{"type": "where", "a": {"\\ud83d": 1}}', "invalid"),
        ('{"type": "\\ud83d"}', "invalid"),
        ('{"type": "where", "\\u0000": 1}', "unreadable"),
        ('{"type": "where", "a": "\\u0041", "b": ' + "[" * 40 + "]" * 40 + "}", "unreadable"),
        (json.dumps({"type": "x", "a": "y" * 300_000}), "too_large"),
    ],
)
async def test_a_bad_frame_is_refused_and_the_socket_stays_open(acme, frame, code):
    socket = await opened(acme)

    refused = await ask(socket, frame)

    assert (refused["type"], refused["code"]) == ("nack", code)
    assert refused.get("client_id") == (frame["client_id"] if isinstance(frame, dict) else None)
    assert "secret" not in json.dumps(refused)
    assert (await ask(socket, {"type": "field"}))["errors"][0]["field"] == "body"
    await socket.disconnect(timeout=PATIENCE_S)


async def test_a_text_that_cannot_be_kept_is_named_with_the_message_it_was_in(acme):
    socket = await opened(acme)

    refused = await ask(socket, '{"type": "where", "client_id": "c-1", "a": {"b": ["ok", "half \\ud83d"]}}')

    assert (refused["client_id"], refused["errors"][0]["field"]) == ("c-1", "a.b.1")
    await socket.disconnect(timeout=PATIENCE_S)


async def test_bytes_are_refused(acme):
    socket = await opened(acme)
    await socket.send_to(bytes_data=b"\x00")

    assert json.loads(await socket.receive_from(timeout=PATIENCE_S))["code"] == "unreadable"
    await socket.disconnect(timeout=PATIENCE_S)


@pytest.mark.transactional
async def test_a_push_reaches_the_sockets_of_its_tenant_after_the_commit(acme, beta):
    ours, theirs = await opened(acme), await opened(beta)

    def work():
        with schema_context(acme.schema_name), transaction.atomic():
            live.push(live.group("room"), {"type": "room.said", "text": "olá"})
            early = redis_client().pubsub_numsub(f"{PREFIX}__group__{live.group('room')}")
        return early

    assert (await sync_to_async(work)())[0][1] == 1
    assert json.loads(await ours.receive_from(timeout=PATIENCE_S)) == {"type": "said", "text": "olá"}
    # The first that beta hears is its own.
    await sync_to_async(live.publish)(live.group("room", schema=beta.schema_name), {"type": "room.said", "text": "oi"})
    assert json.loads(await theirs.receive_from(timeout=PATIENCE_S)) == {"type": "said", "text": "oi"}
    await ours.disconnect(timeout=PATIENCE_S)
    await theirs.disconnect(timeout=PATIENCE_S)


@pytest.mark.transactional
def test_what_is_rolled_back_is_never_said(acme):
    with redis_client().pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe(f"{PREFIX}__group__*")
        listener.get_message(timeout=PATIENCE_S)
        with transaction.atomic():
            live.push(live.group("room"), {"type": "room.said", "text": "lost"})
            transaction.set_rollback(True)
        live.push(live.group("room"), {"type": "room.said", "text": "kept"})
        message = None
        while message is None:
            message = listener.get_message(timeout=PATIENCE_S)

    assert get_channel_layer().deserialize(message["data"])["text"] == "kept"


def test_a_group_names_its_schema_and_nothing_else_is_pushed_to(acme):
    assert live.group("conversation.1") == "t_acme.conversation.1"
    assert live.group("room", schema="public") == "public.room"
    with pytest.raises(ValueError, match="no group name"):
        live.group("with space")
    with pytest.raises(ValueError, match="no group name"):
        live.group("x" * 100)
    with pytest.raises(ValueError, match="schema"):
        live.push("room", {"type": "x"})
    with pytest.raises(ValueError, match="type"):
        live.push(live.group("room"), {"text": "x"})


@pytest.mark.transactional
def test_without_redis_the_work_is_done_and_the_hint_is_dropped(acme, settings, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": uuid.uuid4().hex},
        }
    }
    channel_layers.backends.clear()
    with transaction.atomic():
        AuditEntryFactory()
        live.push(live.group("room"), {"type": "room.said", "text": "x"})

    assert AuditEntry.objects.count() == 1
    assert "Live message dropped" in caplog.text
