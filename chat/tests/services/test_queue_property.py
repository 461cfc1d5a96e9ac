"""Acceptance: the queue never stays while an agent has room, whatever happens and in whatever order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chat.enums import Availability, Status
from chat.models import AgentProfile, Conversation
from chat.services import agents as profiles
from chat.services import assignment, conversations, hours, presence
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from conftest import person
from ops.kernel.outbox.services.dispatching import Dispatcher


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


# --- Whatever happens, nobody waits while somebody has room ---------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "start",
                "start",
                "write",
                "claim",
                "unassign",
                "resolve",
                "snooze",
                "reopen",
                "come",
                "leave",
                "room",
                "open",
            ]
        ),
        st.integers(0, 9),
    ),
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=8,
    # A failure is told as it was found: making it smaller costs minutes, and a story is fourteen steps at most.
    phases=[Phase.generate],
)
@given(steps=STEPS)
def test_the_queue_never_stands_while_an_agent_has_room(inbox, ana, bia, dora, noon, steps):
    agents = [bia, dora]
    # One example after the other in one transaction: start from nothing.
    Conversation.objects.all().delete()
    AgentProfile.objects.all().delete()
    Dispatcher().drain()
    for user in agents:
        leave(user)
    clock = noon

    for step, number in steps:
        clock += timedelta(minutes=1)
        act(step, number, inbox=inbox, agents=agents, owner=ana, now=clock)
        # Each event is delivered by the dispatcher, and only they drain the queue: there is no sweep here.
        Dispatcher().drain()

        waiting = Conversation.objects.filter(status=Status.OPEN, assignee=None).count()
        with_room = [user for user in agents if has_room(user)]
        assert not (waiting and with_room), f"{waiting} wait although {with_room} could answer, after {step}"
        for user in agents:
            counted = Conversation.objects.filter(status=Status.OPEN, assignee=user).count()
            assert counted == getattr(AgentProfile.objects.filter(user=user).first(), "open_count", 0)


def act(step, number, *, inbox, agents, owner, now):
    agent = agents[number % 2]
    rows = list(Conversation.objects.order_by("number"))
    row = rows[number % len(rows)] if rows else None
    if step == "start" or row is None:
        talk(inbox)
    elif step == "write":
        MessageFactory(conversation=row, now=now, client_id=uuid4())
    elif step == "claim" and row.assignee_id is None:
        assignment.claim(conversation_id=row.pk, by=agent, now=now)
    elif step == "unassign":
        assignment.unassign(conversation_id=row.pk, by=owner, now=now)
    elif step in ("resolve", "snooze", "reopen"):
        wanted = {"resolve": Status.RESOLVED, "snooze": Status.SNOOZED, "reopen": Status.OPEN}[step]
        if wanted in conversations.MOVES[row.status]:
            conversations.set_status(conversation_id=row.pk, status=wanted, by=owner, now=now)
    elif step == "come":
        come(agent)
    elif step == "leave":
        leave(agent)
    elif step == "room":
        profiles.change(user=agent, by=owner, now=now, capacity=number % 4 or None)
    elif step == "open":
        hours.change(inbox=inbox, by=owner, now=now, active=True, week=[[["00:00", "24:00"]]] * 7)


def has_room(user):
    profile = AgentProfile.objects.filter(user=user).first()
    there = presence.states().get(str(user.pk)) == Availability.ONLINE
    capacity = profile.capacity if profile is not None and profile.capacity is not None else 2
    return there and (profile.open_count if profile is not None else 0) < capacity
