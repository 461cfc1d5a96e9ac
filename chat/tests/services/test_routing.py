"""Handing out. Who is there is told to the presence service, as their sockets do; events go through the dispatcher."""

from datetime import timedelta

import pytest

from chat.enums import Availability
from chat.models import AgentProfile, ChatEvent, Conversation, InboxMember, Team, TeamMember
from chat.services import assignment, hours, presence, routing
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from conftest import person
from ops.kernel.errors import Invalid


@pytest.fixture
def inbox(acme):
    return InboxFactory(assignment={"mode": "least_busy", "reopen_to": "same_if_online", "capacity": 2})


@pytest.fixture
def dora(acme):
    return person(acme, "agent", email="dora@acme.example", name="Dora")


def come(*users):
    for user in users:
        presence.agent_here(user=user, session=f"socket of {user.pk}")


def leave(user):
    presence.agent_gone(user=user, session=f"socket of {user.pk}")


def talk(inbox, **fields):
    return ConversationFactory(contact_inbox__inbox=inbox, **fields)


def assignees():
    return [row.assignee_id for row in Conversation.objects.order_by("number")]


def test_the_one_with_the_fewest_is_served_first(inbox, bia, dora, noon):
    come(bia, dora)
    talk(inbox, assignee=bia)
    talk(inbox)

    assert routing.drain(now=noon) == 1

    assert assignees() == [bia.pk, dora.pk]


def test_among_equals_who_was_served_longest_ago(inbox, bia, dora, noon):
    come(bia, dora)
    for user, minutes in ((bia, 5), (dora, 9)):
        AgentProfile.objects.create(user=user, last_assigned_at=noon - timedelta(minutes=minutes))
    talk(inbox)

    routing.drain(now=noon)

    assert assignees() == [dora.pk]


def test_in_turn_whatever_they_have(inbox, bia, dora, noon, ana):
    routing.configure(inbox=inbox, by=ana, now=noon, mode="round_robin")
    come(bia, dora)
    talk(inbox, assignee=dora)
    AgentProfile.objects.create(user=bia, last_assigned_at=noon)
    AgentProfile.objects.filter(user=dora).update(last_assigned_at=noon - timedelta(hours=1))
    talk(inbox)

    routing.drain(now=noon)

    assert assignees() == [dora.pk, dora.pk]


def test_full_agents_leave_a_queue(inbox, bia, noon):
    come(bia)
    for _ in range(3):
        talk(inbox)

    assert routing.drain(now=noon) == 2

    assert assignees() == [bia.pk, bia.pk, None]
    AgentProfile.objects.filter(user=bia).update(capacity=3)
    assert routing.drain(now=noon) == 1


@pytest.mark.parametrize("gone", ["no socket", "busy", "not a member", "not an agent"])
def test_who_is_not_there_gets_nothing(inbox, bia, dora, noon, gone):
    come(bia)
    if gone == "no socket":
        leave(bia)
    if gone == "busy":
        AgentProfile.objects.create(user=bia, availability=Availability.BUSY)
    if gone == "not a member":
        InboxMember.objects.create(inbox=inbox, user=dora)
    if gone == "not an agent":
        type(bia).objects.filter(pk=bia.pk).update(is_active=False)
    talk(inbox)

    assert routing.drain(now=noon) == 0

    assert assignees() == [None]


def test_a_conversation_of_a_team_goes_to_its_people(inbox, bia, dora, noon):
    come(bia, dora)
    sales = Team.objects.create(name="Sales")
    talk(inbox, team=sales)
    talk(inbox)
    assert routing.drain(now=noon) == 1  # nobody sells; the next one does not wait for that
    TeamMember.objects.create(team=sales, user=dora)
    AgentProfile.objects.filter(user=dora).update(open_count=1)

    assert routing.drain(now=noon) == 1

    assert assignees()[0] == dora.pk


@pytest.mark.parametrize("mode", ["manual", "closed", "never set"])
def test_an_inbox_that_does_not_hand_out(inbox, bia, ana, noon, mode):
    come(bia)
    talk(inbox)
    if mode == "manual":
        routing.configure(inbox=inbox, by=ana, now=noon, mode="manual")
    elif mode == "never set":
        type(inbox).objects.filter(pk=inbox.pk).update(assignment={})
    else:
        hours.change(inbox=inbox, by=ana, now=noon, active=True, week=[[]] * 7)

    assert routing.drain(now=noon) == 0


def test_the_house_hands_out_and_the_thread_says_so(inbox, bia, noon):
    come(bia)
    conversation = talk(inbox)

    routing.drain(now=noon)

    told = ChatEvent.objects.get(conversation=conversation, type="conversation.assigned")
    assert told.payload["assignee"]["id"] == str(bia.pk)
    assert told.payload["by"]["kind"] == "system"
    assert told.pub_seq is not None


def test_a_reopened_conversation_goes_on_with_who_is_there(inbox, bia, dora, noon):
    come(bia, dora)
    conversation = talk(inbox, assignee=bia)

    assert not routing.take_back(conversation_id=conversation.pk, now=noon)
    leave(bia)
    assert routing.take_back(conversation_id=conversation.pk, now=noon)

    assert assignees() == [None]


def test_a_reopened_conversation_may_always_queue(inbox, bia, ana, noon):
    routing.configure(inbox=inbox, by=ana, now=noon, reopen_to="queue")
    come(bia)

    assert routing.take_back(conversation_id=talk(inbox, assignee=bia).pk, now=noon)


def test_visitors_hear_where_they_stand(inbox, bia, noon):
    first, second = (MessageFactory(conversation__contact_inbox__inbox=inbox).conversation for _ in range(2))

    assert routing.tell_places(now=noon) == 2
    assert routing.tell_places(now=noon) == 0
    assignment.claim(conversation_id=first.pk, by=bia, now=noon)
    assert routing.tell_places(now=noon, inbox_id=inbox.pk) == 1

    told = ChatEvent.objects.filter(type="conversation.queue").order_by("id")
    assert [(row.conversation_id, row.payload) for row in told] == [
        (first.pk, {"position": 1, "wait_s": None}),
        (second.pk, {"position": 2, "wait_s": None}),
        (second.pk, {"position": 1, "wait_s": None}),
    ]
    first.refresh_from_db()
    assert first.queue_position is None  # whoever is served stands nowhere


def test_the_mean_wait_is_that_of_the_last_ones(inbox, bia, noon):
    for minutes in (2, 4, 6):
        conversation = talk(inbox)
        Conversation.objects.filter(pk=conversation.pk).update(queued_at=noon - timedelta(minutes=minutes))
        assignment.claim(conversation_id=conversation.pk, by=bia, now=noon)

    assert routing.mean_wait_s(inbox.pk, now=noon) == 240


@pytest.mark.parametrize(("field", "value"), [("mode", "dice"), ("reopen_to", "nobody"), ("capacity", 0)])
def test_settings_that_make_no_sense_are_refused(inbox, ana, noon, field, value):
    with pytest.raises(Invalid) as refusal:
        routing.configure(inbox=inbox, by=ana, now=noon, **{field: value})

    assert [error.field for error in refusal.value.errors] == [field]
