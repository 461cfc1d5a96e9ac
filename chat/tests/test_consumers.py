import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context
from rest_framework_simplejwt.tokens import AccessToken

from billing.services import overrides
from chat.consumers import restart
from chat.consumers.agent import AgentConsumer
from chat.models import Conversation, Inbox, Message
from chat.services import conversations, labels, messages, notifications, widget
from chat.tests import sockets
from chat.tests.factories import ConversationFactory, InboxFactory, NotificationFactory
from conftest import PASSWORD
from ops.kernel.outbox.services.dispatching import Dispatcher
from ops.kernel.testing import communicator
from tenants.accounts.services import sessions, users

pytestmark = pytest.mark.transactional


class Talk:
    """A visitor with a conversation, and the browser of an agent."""

    def __init__(self, tenant, agent, client):
        self.tenant, self.agent, self.client = tenant, agent, client
        with tenant_context(tenant):
            self.inbox = InboxFactory()
            self.visitor, self.token = widget.open_session(inbox=self.inbox, visitor_id=uuid4(), now=timezone.now())
            self.conversation = conversations.start(visitor=self.visitor, client_id=uuid4())
        self.id = str(self.conversation.pk)

    def say(self, body, **fields):
        with tenant_context(self.tenant):
            return messages.send_from_visitor(
                conversation_id=self.conversation.pk, visitor=self.visitor, body=body, client_id=uuid4(), **fields
            )

    def reply(self, body, **fields):
        with tenant_context(self.tenant):
            return messages.send(
                conversation_id=self.conversation.pk, by=self.agent, body=body, client_id=uuid4(), **fields
            )


@pytest.fixture
def talk(acme, bia, client_of):
    return Talk(acme, bia, client_of(acme, user=bia))


async def test_both_sides_see_what_the_other_writes(acme, talk):
    async with (
        sockets.agent(acme, talk.client) as agent,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await visitor.hear("sub.ok")
        question, answer = str(uuid4()), str(uuid4())

        await visitor.say(type="msg.send", client_id=question, conversation=talk.id, body="Do you have bread?")
        ack = await visitor.hear("msg.ack", client_id=question)
        heard = await agent.hear("event", event="message.created")
        await agent.say(type="msg.send", client_id=answer, conversation=talk.id, body="We do.")
        await agent.hear("msg.ack", client_id=answer)
        reply = await visitor.hear("event", event="message.created", seq=3)

    assert (ack["seq"], ack["conversation"]) == (2, talk.id)
    assert (heard["seq"], heard["data"]["body"], heard["data"]["client_id"]) == (2, "Do you have bread?", question)
    assert heard["data"]["author"]["kind"] == "contact"
    assert (reply["data"]["body"], reply["data"]["author"]["name"]) == ("We do.", "Bia Braga")


async def test_free_words_outside_whatsapps_window_are_refused_on_the_socket_too(acme, talk):
    def hours_ago(hours):
        with tenant_context(acme):
            talk.say("oi")
            Inbox.objects.filter(pk=talk.inbox.pk).update(channel="whatsapp")
            Conversation.objects.update(last_contact_message_at=timezone.now() - timedelta(hours=hours))

    async with sockets.agent(acme, talk.client) as agent:
        for hours, body, private, told in (
            (25, "tarde", False, "msg.nack"),
            (25, "nota", True, "msg.ack"),
            (1, "a tempo", False, "msg.ack"),
        ):
            await sync_to_async(hours_ago)(hours)
            await agent.say(type="msg.send", conversation=talk.id, client_id=str(uuid4()), body=body, private=private)
            answer = await agent.hear(told)
            if told == "msg.nack":
                assert answer["code"] == "window_closed"


async def test_notes_never_reach_the_visitor(acme, talk):
    async with (
        sockets.agent(acme, talk.client, conversations={talk.id: 0}) as agent,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await agent.hear("sub.ok")
        await visitor.hear("sub.ok")
        await agent.say(type="typing", conversation=talk.id, on=True, private=True)
        await agent.say(type="msg.send", client_id=str(uuid4()), conversation=talk.id, body="secret-note", private=True)
        noted = await agent.hear("msg.ack")
        await agent.say(type="msg.send", client_id=str(uuid4()), conversation=talk.id, body="Hello")
        public = await visitor.hear("event", event="message.created")

        await visitor.until_pong()
        live = json.dumps(visitor.heard)
    async with sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as again:
        await again.hear("sub.ok")
        resumed = json.dumps(again.heard)

    assert noted["seq"] == 2
    assert public["seq"] == 2  # the note left no gap in the visitor's numbers
    assert "secret-note" not in live + resumed
    assert '"typing"' not in live


async def test_a_socket_that_comes_back_gets_what_it_missed_and_nothing_twice(acme, talk):
    async with sockets.agent(acme, talk.client) as agent:
        cursor = agent.heard[0]["cursor"]
    await sockets.inside(acme, talk.say, "one")
    await sockets.inside(acme, talk.reply, "a note", private=True)
    await sockets.inside(acme, talk.reply, "two")

    async with sockets.visitor(acme, talk.token, conversations={talk.id: 1}) as visitor:
        await visitor.hear("sub.ok", seq=3)
        seen_by_visitor = [frame for frame in visitor.heard if frame["type"] == "event"]
    async with sockets.agent(acme, talk.client, cursor=cursor, conversations={talk.id: 2}) as agent:
        await agent.hear("sub.ok", seq=4)
        known = [1]
        for frame in agent.heard:
            if frame["type"] == "event" and frame["seq"] == known[-1] + 1:
                known.append(frame["seq"])

    assert [(frame["seq"], frame["data"]["body"]) for frame in seen_by_visitor] == [(2, "one"), (3, "two")]
    assert known == [1, 2, 3, 4]


async def test_the_heartbeat_tells_what_a_lost_push_hid(acme, talk, monkeypatch):
    monkeypatch.setattr("chat.consumers.pulse.HEARTBEAT_S", 0.2)
    async with (
        sockets.agent(acme, talk.client) as agent,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await sockets.inside(acme, talk.say, "hello?")

        heads = await agent.hear("hb", heads={talk.id: 2})
        await visitor.hear("hb", heads={talk.id: 2})

    assert heads["cursor"].startswith(agent.heard[0]["epoch"] + ".")


async def test_a_deactivated_agent_is_put_outside(acme, talk, monkeypatch):
    monkeypatch.setattr("chat.consumers.pulse.HEARTBEAT_S", 0.2)
    async with sockets.agent(acme, talk.client) as agent:
        await sockets.inside(acme, type(talk.agent).objects.filter(pk=talk.agent.pk).update, is_active=False)

        assert await agent.closed() == 4003


async def test_typing_reading_and_delivery_are_told_to_the_other_side(acme, talk):
    await sockets.inside(acme, talk.say, "hello")
    await sockets.inside(acme, talk.reply, "hi")
    async with (
        sockets.agent(acme, talk.client, conversations={talk.id: 0}) as agent,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await agent.hear("sub.ok")
        await visitor.hear("sub.ok")
        await visitor.say(type="typing", conversation=talk.id, on=True)
        writes = await agent.hear("typing")
        await visitor.say(type="ack", conversation=talk.id, seq=3)
        delivered = await agent.hear("event", event="message.delivery")
        await visitor.say(type="read", conversation=talk.id, seq=3)
        read = await agent.hear("event", event="message.delivery", seq=5)
        await agent.say(type="typing", conversation=talk.id, on=True)
        told = await visitor.hear("typing")

    assert writes["by"]["kind"] == "contact"
    assert delivered["data"] == {"mark": "delivered", "by": "contact", "seq": 3}
    assert read["data"] == {"mark": "read", "by": "contact", "seq": 3}
    assert told["by"] == {"kind": "agent", "id": str(talk.agent.pk), "name": "Bia Braga"}


async def test_what_a_visitor_types_is_shown_to_agents_where_the_inbox_wants_it_and_kept_nowhere(
    acme, beta, talk, client_of
):
    def switch(on):
        with tenant_context(acme):
            Inbox.objects.filter(pk=talk.inbox.pk).update(features=talk.inbox.features | {"preview": on})

    def tables_with(words):
        with tenant_context(acme), connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
                " AND table_type = 'BASE TABLE'"
            )
            names = [name for (name,) in cursor.fetchall()]
            found = []
            for name in names:
                cursor.execute(f'SELECT 1 FROM "{name}" AS one WHERE one::text LIKE %s LIMIT 1', [f"%{words}%"])
                found += [name] if cursor.fetchone() else []
        return found

    stranger = await sockets.inside(beta, client_of, beta, role="owner")
    async with (
        sockets.agent(beta, stranger) as foreign,
        sockets.agent(acme, talk.client, conversations={talk.id: 0}) as agent,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await agent.hear("sub.ok")
        await visitor.hear("sub.ok")
        await visitor.say(type="typing", conversation=talk.id, on=True, preview="half a thought")
        await agent.hear("typing")
        await visitor.until_pong()
        unasked = await agent.until_pong()
        await sync_to_async(switch)(True)
        await visitor.say(type="typing", conversation=talk.id, on=True, preview="half a thought")
        shown = await agent.hear("preview")
        await visitor.say(type="typing", conversation=talk.id, on=True, preview="x" * 501)
        refused = await visitor.refusal()
        await visitor.until_pong()
        await foreign.until_pong()

    assert [frame for frame in unasked if frame["type"] == "preview"] == []
    assert (shown["conversation"], shown["text"]) == (talk.id, "half a thought")
    assert shown["by"]["kind"] == "contact"
    assert refused["code"] == "invalid"
    assert "half a thought" not in json.dumps(visitor.heard + foreign.heard)
    await sockets.inside(acme, talk.say, "a whole one")
    assert "chat_message" in await sync_to_async(tables_with)("a whole one")
    assert await sync_to_async(tables_with)("half a thought") == []


async def test_open_widgets_hear_what_the_company_switched_off(acme, beta, talk, ana):
    def switch_off():
        overrides.switch(tenant=acme, name="fileUpload", is_on=False, by=ana, now=timezone.now())
        Dispatcher().drain()

    async with sockets.visitor(acme, talk.token) as visitor:
        await visitor.until_pong()
        await sockets.inside(acme, switch_off)
        told = await visitor.hear("features")

    assert {"attachments", "voice"} <= set(told["off"])


async def test_presence_viewers_and_pages(acme, talk, ana, client_of):
    other = await sockets.inside(acme, client_of, acme, user=ana)
    async with sockets.agent(acme, talk.client, conversations={talk.id: 0}) as agent:
        await agent.hear("sub.ok")
        async with sockets.agent(acme, other) as second:
            came = await agent.hear("presence", user={"id": str(ana.pk), "name": "Ana Alves"})
            await agent.say(type="viewing", conversation=talk.id)
            looks = await second.hear("viewers")
            await second.say(type="presence", state="busy")
            busy = await agent.hear("presence", state="busy")
        left = await agent.hear("presence", state="offline")
        async with sockets.visitor(acme, talk.token) as visitor:
            here = await agent.hear("visitor")
            await visitor.say(type="page", url="https://shop.example/bread", title="Bread")
            page = await agent.hear("visitor", page={"url": "https://shop.example/bread", "title": "Bread"})
        gone = await agent.hear("visitor", online=False)

    assert came["state"] == "online"
    assert looks["users"] == [{"id": str(talk.agent.pk), "name": "Bia Braga"}]
    assert busy["user"]["id"] == left["user"]["id"] == str(ana.pk)
    assert visitor.heard[0]["presence"] == {"online": True}
    assert here["contact"] == page["contact"] == gone["contact"] == str(talk.visitor.contact_id)


async def test_a_viewer_may_listen_and_not_speak(acme, talk, client_of):
    browser = await sockets.inside(acme, lambda: client_of(acme, role="viewer"))
    async with sockets.agent(acme, browser) as agent:
        for frame in (
            {"type": "msg.send", "client_id": str(uuid4()), "conversation": talk.id, "body": "Hi"},
            {"type": "read", "conversation": talk.id, "seq": 1},
        ):
            await agent.say(**frame)
            assert (await agent.refusal())["code"] == "permission_refused"
    assert not await sockets.inside(acme, Message.objects.exists)


# --- Other tenants, other people -----------------------------------------------------------------------


async def test_nothing_of_one_tenant_opens_a_socket_of_another(acme, beta, caio, talk, client_of):
    stranger = await sockets.inside(beta, client_of, beta, user=caio)
    for path, headers, hello in (
        ("/ws/agent/", {"cookie": f"session={stranger.cookies['session'].value}"}, {}),
        ("/ws/agent/", {}, {"token": talk.token}),
        ("/ws/widget/", {}, {"token": await sockets.inside(beta, _token_of, InboxFactory)}),
        ("/ws/widget/", {}, {"token": talk.token + "x"}),
        ("/ws/widget/", {}, {}),
    ):
        async with sockets.line(path, acme, headers=headers, greet=False) as line:
            await line.say(type="hello", **hello)
            assert await line.closed() == 4001


def _token_of(inbox_factory):
    return widget.open_session(inbox=inbox_factory(), visitor_id=uuid4(), now=timezone.now())[1]


async def test_conversations_of_others_do_not_exist(acme, beta, talk):
    foreign = str((await sockets.inside(beta, ConversationFactory)).pk)
    neighbour = str((await sockets.inside(acme, ConversationFactory)).pk)
    async with (
        sockets.agent(acme, talk.client) as agent,
        sockets.visitor(acme, talk.token) as visitor,
    ):
        for line, key in ((agent, foreign), (visitor, foreign), (visitor, neighbour)):
            for frame in (
                {"type": "sub", "conversation": key, "after": 0},
                {"type": "msg.send", "client_id": str(uuid4()), "conversation": key, "body": "Hi"},
                {"type": "read", "conversation": key, "seq": 1},
                {"type": "typing", "conversation": key, "on": True},
            ):
                await line.say(**frame)
                assert (await line.refusal())["code"] == "conversation_not_found"


async def test_a_push_of_another_tenant_is_not_heard(acme, beta, talk):
    async with sockets.agent(acme, talk.client) as agent:
        await sockets.inside(beta, ConversationFactory)
        await sockets.inside(acme, talk.say, "mine")

        await agent.hear("event", event="message.created")

    assert [frame["data"]["body"] for frame in agent.heard if frame["type"] == "event"] == ["mine"]


async def test_the_door_is_closed_to_foreign_pages_hosts_and_protocols(acme, talk):
    cookie = f"session={talk.client.cookies['session'].value}"
    for host, headers, protocols in (
        ("acme.localhost", {"cookie": cookie, "origin": "https://evil.example"}, ["chat.v1"]),
        ("nobody.localhost", {}, ["chat.v1"]),
        ("acme.localhost", {"cookie": cookie}, []),
    ):
        socket = communicator("/ws/agent/", host=host, headers=headers, subprotocols=protocols)
        connected, _code = await socket.connect(timeout=sockets.PATIENCE_S)
        assert not connected


async def test_a_suspended_customers_counter_is_closed(acme, talk):
    await sockets.inside(acme, type(acme).objects.filter(pk=acme.pk).update, status="suspended")
    async with sockets.line("/ws/widget/", acme, greet=False) as line:
        await line.say(type="hello", token=talk.token)
        assert await line.closed() == 4003


# --- Frames that are not what they should be -----------------------------------------------------------

# What comes by itself between the answers.
HINTS = {"presence", "visitor", "hb"}
DEEP = '{"type":"sub","conversation":' + "[" * 20_000 + "]" * 20_000 + "}"
BAD_FRAMES = [
    "",
    "{",
    "null",
    "[]",
    "17",
    '"hello"',
    "{}",
    '{"type":null}',
    '{"type":"no.such.frame"}',
    '{"type":"hello"}',
    '{"type":"forward","text":"<b>"}',
    DEEP,
    '{"type":"sub","conversation":"' + "9" * 40_000 + '"}',
    '{"type":"ping","pad":"' + "x" * 70_000 + '"}',
    '{"type":"sub","conversation":"not-a-uuid","after":0}',
    '{"type":"sub","conversation":{"$ne":null}}',
    '{"type":"sub","conversation":"CONVERSATION","after":-1}',
    '{"type":"sub","conversation":"CONVERSATION","after":1e400}',
    '{"type":"sub","conversation":"CONVERSATION","after":99999999999999999999999}',
    '{"type":"sub","conversation":"CONVERSATION","after":true}',
    '{"type":"msg.send"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":7}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":"a\\u0000b"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":"\\ud800"}',
    '{"type":"msg.send","client_id":"\\ud800","conversation":"CONVERSATION","body":"hi"}',
    '{"type":"\\ud800"}',
    '{"type":"typing","conversation":"CONVERSATION","on":true,"preview":"half \\ud83d"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":"   "}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":"LONG"}',
    '{"type":"msg.send","client_id":["UUID"],"conversation":"CONVERSATION","body":"hi"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"UUID","body":"hi"}',
    '{"type":"msg.send","client_id":"UUID","conversation":"CONVERSATION","body":"hi","reply_to":5}',
    '{"type":"read","conversation":"CONVERSATION","seq":"1"}',
    '{"type":"read","conversation":"CONVERSATION","seq":1.5}',
    '{"type":"typing","conversation":"CONVERSATION","on":"yes"}',
    '{"type":"page","url":"javascript:alert(1)"}',
    '{"type":"page","url":["https://a.example"]}',
    '{"type":"presence","state":"away"}',
    '{"type":"viewing","conversation":5}',
    '{"type":"call.offer"}',
]


@pytest.mark.parametrize("side", ["agent", "widget"])
async def test_bad_frames_are_refused_and_the_line_stays_open(acme, talk, side, caplog):
    opened = sockets.agent(acme, talk.client) if side == "agent" else sockets.visitor(acme, talk.token)
    async with opened as line:
        await line.say(type="sub", conversation=talk.id, after=0)
        await line.hear("sub.ok")
        for text in BAD_FRAMES:
            text = text.replace("CONVERSATION", talk.id).replace("UUID", str(uuid4())).replace("LONG", "x" * 8_001)
            await line.socket.send_input({"type": "websocket.receive", "text": text})
            answers = await line.until_pong()
            answers = [frame for frame in answers if frame["type"] not in HINTS]
            assert [frame["type"] in {"nack", "msg.nack"} for frame in answers] == [True], text[:100]
            assert answers[0]["code"] != "internal_error", text[:100]
        await line.socket.send_to(bytes_data=b"\x00\xff")
        answers = [frame for frame in await line.until_pong() if frame["type"] not in HINTS]
        assert [frame["code"] for frame in answers] == ["unreadable"]

    assert not await sockets.inside(acme, Message.objects.exists)
    assert "Traceback" not in caplog.text


async def test_before_the_greeting_nothing_is_answered(acme, talk):
    async with sockets.line("/ws/agent/", acme, greet=False) as line:
        await line.say(type="sub", conversation=talk.id)
        assert await line.closed() == 4001


@pytest.mark.parametrize(
    "hello",
    [{"token": 5}, {"token": "x" * 5000}, {"conversations": []}, {"conversations": {"x": 1}}, {"cursor": {"a": 1}}],
)
async def test_a_greeting_with_wrong_types_is_refused(acme, talk, hello):
    cookie = f"session={talk.client.cookies['session'].value}"
    async with sockets.line("/ws/agent/", acme, headers={"cookie": cookie}, greet=False) as line:
        await line.say(type="hello", **hello)
        answer = await line.next()
        while answer["type"] in {"welcome", *HINTS}:
            answer = await line.next()
        assert (answer["type"], answer["re"], answer["code"]) == ("nack", "hello", "invalid")


async def test_a_socket_that_shouts_is_told_to_slow_down_and_then_closed(acme, talk, monkeypatch):
    monkeypatch.setattr("chat.consumers.base.FRAMES_PATIENCE", 5)
    monkeypatch.setattr("chat.consumers.base.FRAMES_END", 10)
    monkeypatch.setattr("chat.consumers.base.FRAMES_WINDOW_S", 3600)
    async with sockets.visitor(acme, talk.token) as line:
        for _ in range(12):
            await line.say(type="ping")
        assert await line.closed() == 4029
        answers = [frame["type"] for frame in line.heard if frame["type"] in {"pong", "nack"}]

    assert answers == ["pong"] * 4 + ["nack"]


async def test_a_message_to_a_long_resolved_thread_begins_a_new_one(acme, talk):
    await sockets.inside(
        acme, conversations.set_status, conversation_id=talk.conversation.pk, status="resolved", by=talk.agent
    )
    long_ago = timezone.now() - timezone.timedelta(days=30)
    await sockets.inside(acme, Conversation.objects.filter(pk=talk.id).update, resolved_at=long_ago)
    async with sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor:
        client_id = str(uuid4())
        for _ in range(2):
            await visitor.say(type="msg.send", client_id=client_id, conversation=talk.id, body="Me again")
            ack = await visitor.hear("msg.ack", client_id=client_id)
        assert ack["conversation"] != talk.id
        assert ack["seq"] == 2
    assert await sockets.inside(acme, Message.objects.filter(direction="in").count) == 1


async def test_who_is_deactivated_is_shown_out_at_once(acme, ana, bia, talk):
    async with sockets.agent(acme, talk.client) as agent:
        await sockets.inside(acme, users.deactivate, user=bia, by=ana, now=timezone.now())

        assert await agent.closed() == 4001


async def test_who_loses_the_right_to_answer_can_only_look(acme, ana, bia, talk):
    async with sockets.agent(acme, talk.client, conversations={talk.id: 0}) as agent:
        await agent.hear("sub.ok")
        await sockets.inside(acme, users.set_role, user=bia, role="viewer", by=ana, now=timezone.now())
        refused = None
        async with asyncio.timeout(sockets.PATIENCE_S):
            # The push that tells the socket and the frame come on two ways.
            while refused is None:
                await agent.say(type="msg.send", client_id=str(uuid4()), conversation=talk.id, body="still here?")
                answer = await agent.next()
                refused = answer if answer["type"] == "msg.nack" else None

    assert refused["code"] == "permission_refused"


async def test_a_login_that_ends_closes_its_sockets(acme, bia, talk):
    pair = await sockets.inside(
        acme, sessions.open_with_password, email=bia.email, password=PASSWORD, now=timezone.now()
    )
    async with sockets.line("/ws/agent/", acme, token=pair.access) as agent:
        await sockets.inside(acme, sessions.end, refresh=pair.refresh, now=timezone.now())

        assert await agent.closed() == 4001


async def test_a_token_that_runs_out_closes_its_socket(acme, bia, talk, monkeypatch):
    pair = await sockets.inside(
        acme, sessions.open_with_password, email=bia.email, password=PASSWORD, now=timezone.now()
    )
    end, ends = AgentConsumer._expire_at, []

    def brought_forward(socket, moment):
        # A token that really lived two seconds could be over before a busy machine has looked at it.
        ends.append(moment)
        end(socket, timezone.now() + timedelta(seconds=0.1))

    monkeypatch.setattr(AgentConsumer, "_expire_at", brought_forward)
    async with sockets.line("/ws/agent/", acme, token=pair.access) as agent:
        assert await agent.closed() == 4001
    assert agent.heard[-1] == {"type": "bye", "code": 4001}
    assert [int(moment.timestamp()) for moment in ends] == [AccessToken(pair.access)["exp"]]


async def test_a_browser_session_that_is_gone_is_noticed_by_the_heartbeat(acme, talk, monkeypatch):
    monkeypatch.setattr("chat.consumers.pulse.HEARTBEAT_S", 0.2)
    async with sockets.agent(acme, talk.client) as agent:
        await sockets.inside(acme, Session.objects.all().delete)

        assert await agent.closed() == 4001


async def test_a_long_absence_is_caught_up_over_the_api(acme, talk, monkeypatch):
    monkeypatch.setattr("chat.consumers.base.MAX_REPLAYED", 2)
    for number in range(3):
        await sockets.inside(acme, talk.say, str(number))

    async with sockets.visitor(acme, talk.token, conversations={talk.id: 1}) as visitor:
        gap = await visitor.hear("gap")
        done = await visitor.hear("sub.ok")

    assert gap == {"type": "gap", "conversation": talk.id, "from": 2, "to": 4}
    assert done["seq"] == 4


async def test_everybody_is_told_when_to_come_back_before_a_restart(acme, talk):
    async with sockets.visitor(acme, talk.token) as visitor, sockets.agent(acme, talk.client) as agent:
        assert restart.farewell() >= 2

        farewells = [await visitor.hear("bye"), await agent.hear("bye")]

    assert [bye["code"] for bye in farewells] == [1012, 1012]
    soonest, latest = restart.SOONEST_S, restart.SOONEST_S + restart.SHORTEST_S
    assert all(soonest <= bye["retry_after"] <= latest for bye in farewells)


@pytest.fixture
def anas_client(acme, ana, client_of):
    return client_of(acme, user=ana)


async def test_a_notification_reaches_its_person_and_a_changed_list_reaches_everybody(
    acme, ana, bia, talk, anas_client
):
    def at_the_desk():
        with tenant_context(acme):
            NotificationFactory(user=ana)
            notifications.notify(
                users=[bia],
                kind="mention",
                key="mention:1",
                conversation=talk.conversation,
                author=ana,
                text="Look",
                now=timezone.now(),
            )
            labels.create(name="refund", by=ana)

    async with (
        sockets.agent(acme, talk.client) as called,
        sockets.agent(acme, anas_client) as other,
    ):
        await sync_to_async(at_the_desk)()

        told = await called.hear("notification")
        assert (told["unread"], told["data"]["text"], told["data"]["conversation"]["id"]) == (1, "Look", talk.id)
        assert (await called.hear("catalogue"))["of"] == "labels"
        await other.hear("catalogue")
        await other.until_pong()
        assert [frame["type"] for frame in other.heard if frame["type"] == "notification"] == []

        await called.say(type="sub", conversation=talk.id, after=0)
        await called.hear("sub.ok")
        await called.say(type="viewing", conversation=talk.id)
        assert (await called.hear("notification"))["unread"] == 0
