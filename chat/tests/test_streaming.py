import asyncio
import json
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from channels.testing import HttpCommunicator
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tenants.utils import tenant_context

from chat.errors import CursorUnknown
from chat.models import ChatEvent
from chat.queries import stream, thread
from chat.services import journal, messages, widget
from chat.tests import sockets
from chat.tests.factories import ConversationFactory, MessageFactory
from ops.kernel import signing

EVENTS = "/api/v1/chat/events/"


@pytest.fixture
def ask(acme, bia, client_of):
    """Bia's browser at the ASGI application: `await ask(wait=25)` gives the answer."""
    cookie = f"session={client_of(acme, user=bia).cookies['session'].value}".encode()
    headers = [(b"host", b"acme.localhost"), (b"cookie", cookie)]

    async def answer(**query: object) -> dict:
        asked = HttpCommunicator(
            import_string(settings.ASGI_APPLICATION), "GET", f"{EVENTS}?{urlencode(query)}", headers=headers
        )
        response = await asked.get_response(timeout=120)
        assert response["status"] == 200, response
        return json.loads(response["body"])

    return answer


@pytest.mark.transactional
async def test_a_waiting_request_answers_as_soon_as_something_happens(acme, bia, ask):
    conversation = await sockets.inside(acme, ConversationFactory)
    cursor = (await ask())["cursor"]
    # What older transactions of the cluster hold back comes at once and again: go on until there is nothing new.
    waiting = asyncio.create_task(ask(cursor=cursor, wait=25))
    bodies = []
    async with asyncio.timeout(120):
        await sockets.inside(
            acme,
            messages.send,
            conversation_id=conversation.pk,
            by=bia,
            body="Are you there?",
            client_id=uuid4(),
        )
        while "Are you there?" not in bodies:
            answer = await waiting
            bodies += [event["data"].get("body") for event in answer["events"]]
            waiting = asyncio.create_task(ask(cursor=answer["cursor"], wait=25))
    waiting.cancel()


@pytest.mark.transactional
async def test_nothing_to_tell_is_told_after_the_wait(acme, ask):
    cursor = (await ask())["cursor"]

    answer = await ask(cursor=cursor, wait=1)

    assert answer["events"] == []


@pytest.mark.parametrize("wait", ["-1", "26", "x", "9" * 30])
def test_a_wait_is_a_number_of_seconds(acme, bia, client_of, wait):
    answer = client_of(acme, user=bia).get(EVENTS, {"wait": wait})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wait")


def test_events_are_forgotten_after_ninety_days_and_who_missed_them_is_told(acme, bia):
    conversation = ConversationFactory()
    before = stream.now()
    for number in range(3):
        MessageFactory(conversation=conversation, by=bia, body=str(number))
    long_ago = timezone.now() - stream.KEPT_FOR - timedelta(days=1)
    ChatEvent.objects.filter(seq__lte=3).update(created_at=long_ago)

    forgotten = journal.forget_old(now=timezone.now())

    assert forgotten == 2
    assert list(ChatEvent.objects.order_by("seq").values_list("seq", flat=True)) == [3, 4]
    with pytest.raises(CursorUnknown):
        stream.after(stream.Cursor(before.epoch, 1, 0))
    with pytest.raises(CursorUnknown):
        thread.events_after(conversation.pk, after=1, visitor=False)
    assert [event["seq"] for event in thread.events_after(conversation.pk, after=3, visitor=False)] == [4]
    ChatEvent.objects.all().delete()
    with pytest.raises(CursorUnknown):
        thread.events_after(conversation.pk, after=3, visitor=True)


def test_another_tenants_request_waits_in_its_own_group(acme, beta):
    with tenant_context(beta):
        assert stream.parse(str(stream.now()))
    with tenant_context(acme):
        mine = str(stream.now())
    with tenant_context(beta), pytest.raises(CursorUnknown):
        stream.parse(mine)


@pytest.mark.transactional
async def test_a_visitor_without_a_socket_hears_of_an_answer_at_once_and_of_nothing_else(acme, bia):
    conversation = await sockets.inside(acme, ConversationFactory)
    other = await sockets.inside(acme, ConversationFactory)
    token = await sockets.inside(acme, signing.dumps, str(conversation.contact_inbox_id), salt=widget.SALT)
    headers = [(b"host", b"acme.localhost"), (b"authorization", f"Bearer {token}".encode())]

    async def ask(key, after, wait):
        path = f"/api/widget/v1/conversations/{key}/events/?after={after}&wait={wait}"
        asked = HttpCommunicator(import_string(settings.ASGI_APPLICATION), "GET", path, headers=headers)
        return await asked.get_response(timeout=120)

    waiting = asyncio.create_task(ask(conversation.pk, conversation.last_pub_seq, 25))
    await asyncio.sleep(0)
    for body, private in (("secret-note", True), ("Yes, we do.", False)):
        await sockets.inside(
            acme,
            messages.send,
            conversation_id=conversation.pk,
            by=bia,
            body=body,
            private=private,
            client_id=uuid4(),
        )
    events = json.loads((await waiting)["body"])["events"]
    if not events:  # a busy machine took longer over the two messages than a request may wait
        events = json.loads((await ask(conversation.pk, conversation.last_pub_seq, 25))["body"])["events"]

    assert [event["data"]["body"] for event in events] == ["Yes, we do."]
    assert (await ask(other.pk, 0, 1))["status"] == 404
