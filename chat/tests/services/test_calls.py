import base64
import hashlib
import hmac
from datetime import timedelta
from uuid import uuid4

import pytest
from django_tenants.utils import tenant_context

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.errors import (
    CallNotFound,
    CallsOff,
    CallTaken,
    ConversationNotFound,
    FeatureNotIncluded,
    InAnotherCall,
    NobodyToCall,
    VisitorAway,
    VisitorBusy,
)
from chat.models import Call, Conversation, Inbox, Message
from chat.services import calls, conversations, ice, presence
from chat.tests.factories import ConversationFactory
from conftest import person
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import Invalid

pytestmark = pytest.mark.django_db
PAGE, OTHER_PAGE, TAB = "page-of-agent", "page-of-visitor", "another-tab"


@pytest.fixture
def plan(acme):
    plan = PlanFactory(flags={"videoCall": True}, limits={})
    SubscriptionFactory(tenant=acme, plan=plan)
    entitlements.forget(acme)
    return plan


@pytest.fixture
def conversation(plan, bia):
    """A conversation whose visitor and agent are both there."""
    row = ConversationFactory()
    Inbox.objects.filter(pk=row.inbox_id).update(features={"video": True})
    presence.visitors_came([(row.contact_id, "v")])
    presence.agent_here(user=bia, session="a")
    return row


@pytest.fixture
def visitor(conversation):
    return conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))


def ring(conversation, by, *, peer=PAGE, now=None, video=True):
    return calls.start(conversation_id=conversation.pk, by=by, video=video, peer=peer, now=now)


def line_of(conversation):
    """What the newest activity line says."""
    row = Message.objects.filter(conversation=conversation, direction="activity", meta__action="call").latest("seq")
    return row.meta


def test_a_call_is_rung_answered_and_ended_with_its_length(conversation, visitor, bia, noon):
    told = ring(conversation, bia, now=noon)
    assert (told["state"], told["started_by"], told["agent"]["name"]) == ("ringing", "agent", "Bia Braga")

    answered = calls.accept(call_id=told["id"], by=visitor, peer=OTHER_PAGE, now=noon + timedelta(seconds=9))
    assert (answered["state"], answered["agent_peer"], answered["visitor_peer"]) == ("active", PAGE, OTHER_PAGE)
    calls.end(call_id=told["id"], by=visitor, now=noon + timedelta(seconds=150))
    calls.end(call_id=told["id"], by=bia, now=noon + timedelta(seconds=151))

    row = Call.objects.get()
    assert (row.state, row.reason, row.duration_s) == ("ended", "completed", 141)
    assert line_of(conversation) == {
        "action": "call",
        "reason": "completed",
        "video": True,
        "duration_s": 141,
        "started_by": "agent",
        "agent": {"id": str(bia.pk), "name": "Bia Braga"},
    }
    assert Message.objects.filter(meta__action="call").count() == 1
    with pytest.raises(CallNotFound):
        calls.accept(call_id=told["id"], by=visitor, peer=OTHER_PAGE)


def test_a_visitors_call_goes_to_the_first_agent_who_answers(acme, conversation, visitor, bia):
    carla = person(acme, "agent", email="carla@acme.example", name="Carla")
    told = ring(conversation, visitor, peer=OTHER_PAGE)
    assert (told["agent"], [row["id"] for row in calls.mine(by=bia)]) == (None, [told["id"]])

    calls.accept(call_id=told["id"], by=carla, peer=TAB)

    with pytest.raises(CallTaken):
        calls.accept(call_id=told["id"], by=bia, peer=PAGE)
    with pytest.raises(CallNotFound):
        calls.seat(call_id=told["id"], by=bia)
    with pytest.raises(CallNotFound):
        calls.end(call_id=told["id"], by=bia)
    assert calls.mine(by=bia) == []
    assert Conversation.objects.get(pk=conversation.pk).assignee == carla
    assert calls.seat(call_id=told["id"], by=carla).side == "agent"


def test_both_ring_at_once_and_talk_at_once(conversation, visitor, bia):
    mine = ring(conversation, bia)

    theirs = ring(conversation, visitor, peer=OTHER_PAGE)

    assert (theirs["id"], theirs["state"]) == (mine["id"], "active")
    assert Call.objects.count() == 1


def test_after_a_reload_the_last_page_holds_the_call(conversation, visitor, bia):
    told = ring(conversation, bia)
    calls.accept(call_id=told["id"], by=visitor, peer=OTHER_PAGE)

    assert calls.join(call_id=told["id"], by=visitor, peer=TAB)["visitor_peer"] == TAB
    assert ring(conversation, bia, peer="reloaded-page")["agent_peer"] == "reloaded-page"
    assert calls.mine(by=visitor)[0]["state"] == "active"


@pytest.mark.parametrize(("busy", "reason"), [(False, "declined"), (True, "busy")])
def test_a_visitor_declines(conversation, visitor, bia, busy, reason):
    told = ring(conversation, bia)

    calls.decline(call_id=told["id"], by=visitor, busy=busy)

    assert (Call.objects.get().reason, line_of(conversation)["reason"]) == (reason, reason)
    with pytest.raises(CallNotFound):
        calls.decline(call_id=told["id"], by=bia)


def test_an_agent_declines_for_herself_while_others_may_answer(acme, conversation, visitor, bia):
    carla = person(acme, "agent", email="carla@acme.example", name="Carla")
    presence.agent_here(user=carla, session="c")
    told = ring(conversation, visitor)

    calls.decline(call_id=told["id"], by=carla)
    assert Call.objects.get().state == "ringing"
    presence.agent_gone(user=carla, session="c")
    calls.decline(call_id=told["id"], by=bia)

    assert Call.objects.get().reason == "declined"


def test_nobody_answers_and_the_thread_remembers(conversation, visitor, bia, noon):
    told = ring(conversation, visitor, now=noon)
    calls.ring_out(call_id=told["id"], now=noon + timedelta(seconds=44))
    assert Call.objects.get().state == "ringing"

    calls.ring_out(call_id=told["id"], now=noon + timedelta(seconds=46))
    calls.ring_out(call_id=told["id"], now=noon + timedelta(seconds=47))

    assert line_of(conversation)["reason"] == "missed"
    assert Message.objects.filter(meta__action="call").count() == 1


def test_a_call_taken_back_is_cancelled(conversation, bia):
    told = ring(conversation, bia)

    calls.end(call_id=told["id"], by=bia)

    assert line_of(conversation)["reason"] == "cancelled"


def test_the_sweep_ends_what_lost_its_pages(conversation, visitor, bia, noon):
    told = ring(conversation, bia, now=noon)
    calls.accept(call_id=told["id"], by=visitor, peer=OTHER_PAGE, now=noon)
    calls.still_here(call_id=told["id"], by=bia, now=noon + timedelta(seconds=60))

    assert calls.sweep(now=noon + timedelta(seconds=80)) == 0
    assert calls.sweep(now=noon + timedelta(seconds=101)) == 1
    assert Call.objects.get().reason == "lost"
    with pytest.raises(CallNotFound):
        calls.still_here(call_id=told["id"], by=bia)


def test_one_call_at_a_time(conversation, visitor, bia, acme):
    told = ring(conversation, bia)
    calls.accept(call_id=told["id"], by=visitor, peer=OTHER_PAGE)
    other = ConversationFactory()
    presence.visitors_came([(other.contact_id, "w")])

    with pytest.raises(InAnotherCall):
        ring(other, bia)
    second = ConversationFactory(contact_inbox=conversation.contact_inbox)
    carla = person(acme, "agent", email="carla@acme.example", name="Carla")
    with pytest.raises(VisitorBusy):
        ring(second, carla)
    with pytest.raises(InAnotherCall):
        ring(second, visitor)
    with pytest.raises(CallTaken):
        ring(conversation, carla)
    assert Call.objects.count() == 1


def test_what_a_closed_page_left_behind_keeps_nobody_from_calling(conversation, visitor, bia, noon):
    ring(conversation, bia, now=noon)
    other = ConversationFactory()
    presence.visitors_came([(other.contact_id, "w")])

    told = ring(other, bia, now=noon + timedelta(seconds=5))
    assert Call.objects.get(conversation=conversation).reason == "cancelled"
    calls.accept(call_id=told["id"], by=conversations.visitor_of(other), peer=TAB, now=noon + timedelta(seconds=9))
    ring(conversation, bia, now=noon + timedelta(seconds=60))

    assert Call.objects.get(conversation=other).reason == "lost"
    assert Call.objects.live().count() == 1


def test_nobody_rings_where_nobody_is(conversation, visitor, bia):
    presence.visitors_left([(conversation.contact_id, "v")])
    with pytest.raises(VisitorAway):
        ring(conversation, bia)
    presence.agent_gone(user=bia, session="a")
    with pytest.raises(NobodyToCall):
        ring(conversation, visitor)


def test_plan_and_inbox_are_asked(conversation, visitor, bia, plan, acme):
    Inbox.objects.filter(pk=conversation.inbox_id).update(features={"video": False})
    with pytest.raises(CallsOff):
        ring(conversation, visitor)
    plan.flags = {"videoCall": False}
    plan.save()
    entitlements.forget(acme)
    with pytest.raises(FeatureNotIncluded):
        ring(conversation, bia)
    with pytest.raises(CallsOff):
        ring(conversation, visitor)
    assert not Call.objects.exists()


def test_a_stranger_reaches_no_call(conversation, visitor, bia, beta, caio):
    told = ring(conversation, bia)
    stranger = conversations.visitor_of(ConversationFactory())

    for verb in (calls.accept, calls.join):
        with pytest.raises(CallNotFound):
            verb(call_id=told["id"], by=stranger, peer=TAB)
    for verb in (calls.decline, calls.end, calls.still_here, calls.seat):
        with pytest.raises(CallNotFound):
            verb(call_id=told["id"], by=stranger)
    with pytest.raises(ConversationNotFound):
        ring(conversation, stranger)
    assert calls.mine(by=stranger) == []
    with tenant_context(beta), pytest.raises(CallNotFound):
        calls.join(call_id=told["id"], by=caio, peer=TAB)
    assert Call.objects.get().state == "ringing"


def test_the_relays_password_is_made_from_its_secret(acme, bia, noon):
    assert ice.servers(who=PAGE, now=noon) == []
    configuration.set(
        "chat.calls",
        {"stun_urls": ["stun:s.example:3478"], "turn_urls": ["turn:t.example:3478"], "turn_secret": "north"},
        by=bia,
    )

    stun, turn = ice.servers(who=PAGE, now=noon)

    assert stun == {"urls": ["stun:s.example:3478"]}
    ends, _, who = turn["username"].partition(":")
    assert (int(ends) - int(noon.timestamp()), who) == (6 * 3600, f"t_acme.{PAGE}")
    expected = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn["credential"]) == expected


def test_a_wrong_address_of_a_relay_is_refused(acme, bia):
    with pytest.raises(Invalid):
        configuration.set("chat.calls", {"turn_urls": ["https://turn.example"]}, by=bia)


def test_an_unknown_call_is_over(acme, bia):
    with pytest.raises(CallNotFound):
        calls.end(call_id=uuid4(), by=bia)
