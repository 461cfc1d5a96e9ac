"""The frames of a call: who hears what, and who hears nothing."""

from uuid import uuid4

import pytest

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.tests import sockets
from chat.tests.test_consumers import Talk
from conftest import person

pytestmark = pytest.mark.transactional
PAGE, OTHER_PAGE = str(uuid4()), str(uuid4())


@pytest.fixture
def talk(acme, bia, client_of):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(flags={"videoCall": True}, limits={}))
    entitlements.forget(acme)
    return Talk(acme, bia, client_of(acme, user=bia))


@pytest.fixture
def others(acme, beta, client_of, talk):
    """A colleague, somebody who only reads, and a visitor of another tenant."""
    carla = person(acme, "agent", email="carla@acme.example", name="Carla")
    return {
        "colleague": client_of(acme, user=carla),
        "reader": client_of(acme, role="viewer"),
        "stranger": Talk(beta, person(beta, "agent", email="dora@beta.example"), None),
    }


async def ring(talk):
    answer = await sockets.inside(
        talk.tenant,
        talk.client.post,
        f"/api/v1/chat/conversations/{talk.conversation.number}/call/",
        {"video": True, "peer": PAGE},
        "application/json",
    )
    assert answer.status_code == 201, answer.content
    return answer.json()["call"]


async def test_two_pages_find_each_other_and_nobody_listens(acme, talk, others):
    async with (
        sockets.agent(acme, talk.client) as agent,
        sockets.agent(acme, others["colleague"]) as colleague,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await visitor.hear("sub.ok")
        call = await ring(talk)
        rung = await visitor.hear("call.ring")
        assert (rung["call"]["id"], rung["call"]["agent"]["name"]) == (call["id"], "Bia Braga")

        await agent.say(type="call.join", call=call["id"], peer=PAGE)
        assert (await agent.hear("call.ok"))["ice_servers"] == []
        await visitor.say(type="call.accept", call=call["id"], peer=OTHER_PAGE)
        assert (await visitor.hear("call.ok"))["call"]["state"] == "active"
        assert (await agent.hear("call.accept"))["call"]["visitor_peer"] == OTHER_PAGE

        await agent.say(type="call.offer", call=call["id"], peer=PAGE, to=OTHER_PAGE, sdp="v=0 offer")
        offer = await visitor.hear("call.offer")
        await visitor.say(type="call.answer", call=call["id"], peer=OTHER_PAGE, to=PAGE, sdp="v=0 answer")
        answer = await agent.hear("call.answer")
        candidate = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "evil": "x"}
        await visitor.say(type="call.ice", call=call["id"], peer=OTHER_PAGE, to=PAGE, candidate=candidate)
        way = await agent.hear("call.ice")
        await agent.say(type="call.media", call=call["id"], peer=PAGE, to=OTHER_PAGE, audio=False, video=True)
        muted = await visitor.hear("call.media")
        await visitor.say(type="call.end", call=call["id"])
        line = await agent.hear("event", event="conversation.call")
        ended = await agent.hear("call.end")
        public = await visitor.hear("event", event="conversation.call")
        await colleague.until_pong()

    assert (offer["sdp"], offer["from"], offer["to"]) == ("v=0 offer", PAGE, OTHER_PAGE)
    assert answer["sdp"] == "v=0 answer"
    assert way["candidate"] == {name: candidate[name] for name in ("candidate", "sdpMid")}
    assert (muted["audio"], muted["video"], muted["screen"]) == (False, True, False)
    assert ended["call"]["reason"] == "completed"
    assert line["data"]["message"]["meta"]["action"] == "call"
    assert public["data"]["message"]["direction"] == "activity"
    assert {"call.offer", "call.answer", "call.ice"}.isdisjoint(frame["type"] for frame in colleague.heard)


async def test_the_visitor_never_offers_and_nobody_speaks_uninvited(acme, beta, talk, others):
    async with (
        sockets.agent(acme, talk.client) as agent,
        sockets.agent(acme, others["reader"]) as reader,
        sockets.visitor(acme, talk.token, conversations={talk.id: 0}) as visitor,
    ):
        await visitor.hear("sub.ok")
        call = await ring(talk)
        await visitor.say(type="call.offer", call=call["id"], peer=OTHER_PAGE, to=PAGE, sdp="x")
        assert (await visitor.hear("nack"))["code"] == "call_not_found"
        await visitor.say(type="call.accept", call=call["id"], peer="short")
        assert (await visitor.hear("nack"))["code"] == "invalid"
        await visitor.say(type="call.accept", call=call["id"], peer=OTHER_PAGE)
        await visitor.hear("call.ok")
        await visitor.say(type="call.offer", call=call["id"], peer=OTHER_PAGE, to=PAGE, sdp="x")
        assert (await visitor.hear("nack"))["code"] == "invalid"
        await visitor.say(type="call.answer", call=call["id"], peer=OTHER_PAGE, to=PAGE, sdp="x" * 50_000)
        assert (await visitor.hear("nack"))["code"] == "invalid"
        await visitor.say(type="call.ice", call=call["id"], peer=OTHER_PAGE, to=PAGE, candidate="text")
        assert (await visitor.hear("nack"))["code"] == "invalid"
        await reader.say(type="call.join", call=call["id"], peer=PAGE)
        assert (await reader.hear("nack"))["code"] == "permission_refused"
        # Bia has not joined yet: she may not pass anything on.
        await agent.say(type="call.offer", call=call["id"], peer=PAGE, to=OTHER_PAGE, sdp="x")
        assert (await agent.hear("nack"))["code"] == "call_not_found"
    async with sockets.visitor(beta, others["stranger"].token) as outsider:
        await outsider.say(type="call.join", call=call["id"], peer=OTHER_PAGE)
        assert (await outsider.hear("nack"))["code"] == "call_not_found"
