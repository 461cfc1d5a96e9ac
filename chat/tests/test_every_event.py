"""For every event there is: a snapshot with the events applied is a fresh snapshot, for the team and for the visitor.

A new value of `EventType` without a case here fails. A case is a function that does one thing to a conversation and
names the events it makes; `chat/tests/replica.py` is the client.
"""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.enums import EventType
from chat.models import ChatEvent, Conversation, Inbox, Message
from chat.queries import thread
from chat.services import (
    assignment,
    calls,
    contacts,
    conversations,
    handling,
    labels,
    message_changes,
    messages,
    presence,
    routing,
    sla,
)
from chat.services.bots import handing
from chat.tests import schema
from chat.tests.factories import (
    BotFactory,
    BotSessionFactory,
    ContactFactory,
    ConversationFactory,
    LabelFactory,
    SlaPolicyFactory,
    TeamFactory,
)
from chat.tests.replica import Replica, snapshot

Case = Callable[[SimpleNamespace], Any]
CASES: dict[str, tuple[Case, set[str], bool]] = {}


def case(*events: str, team_only: bool = False) -> Callable[[Case], Case]:
    """What a function does leads to these events, at least once each. `team_only`: visitors are not told on purpose."""

    def keep(function: Case) -> Case:
        CASES[function.__name__] = (function, set(events), team_only)
        return function

    return keep


@pytest.fixture
def scene(acme, ana, bia, noon):
    """A conversation with something in it: a question, an answer, a note."""
    conversation = ConversationFactory()
    visitor = conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))
    at = SimpleNamespace(
        tenant=acme,
        conversation=conversation,
        key=conversation.pk,
        visitor=visitor,
        ana=ana,
        bia=bia,
        now=timezone.now(),
    )
    at.question = _say(at, "Do you have bread?").id
    at.answer = _reply(at, "We do.").id
    at.note = _reply(at, "A regular", private=True).id
    return at


def _say(at: SimpleNamespace, body: str) -> messages.Sent:
    return messages.send_from_visitor(conversation_id=at.key, visitor=at.visitor, body=body, client_id=uuid4())


def _reply(at: SimpleNamespace, body: str, **more: Any) -> messages.Sent:
    return messages.send(conversation_id=at.key, by=at.bia, body=body, client_id=uuid4(), **more)


@case("message.created")
def the_visitor_writes(at):
    _say(at, "And\n\n  croissants?")
    _say(at, "Hello?")


@case("message.created")
def an_agent_answers(at):
    _say(at, "How much?")
    _reply(at, "Two reais.")


@case("message.created")
def an_agent_leaves_a_note(at):
    _reply(at, "Careful", private=True)


@case("message.created")
def a_bot_answers(at):
    messages.send_from_bot(conversation_id=at.key, bot=BotFactory(), body="From six.", client_id=uuid4())


@case("message.updated")
def the_newest_words_change(at):
    message_changes.edit(message_id=at.answer, by=at.bia, body="We do, fresh.")


@case("message.updated")
def older_words_and_a_note_change(at):
    _say(at, "Thanks")
    message_changes.edit(message_id=at.answer, by=at.bia, body="We do, fresh.")
    message_changes.edit(message_id=at.note, by=at.bia, body="A friend")


@case("message.deleted")
def words_are_taken_away(at):
    message_changes.delete(message_id=at.question, by=at.ana)
    message_changes.delete(message_id=at.answer, by=at.ana)
    message_changes.delete(message_id=at.note, by=at.bia)


@case("message.delivery")
def both_sides_read(at):
    _say(at, "One")
    _say(at, "Two")
    conversations.mark_read(conversation_id=at.key, seq=5)
    _reply(at, "Three")
    _reply(at, "Four")
    head = Conversation.objects.get(pk=at.key).last_pub_seq
    conversations.mark_delivered(conversation_id=at.key, visitor=at.visitor, pub_seq=head)
    conversations.mark_read_by_visitor(conversation_id=at.key, visitor=at.visitor, pub_seq=head - 1)
    conversations.mark_read(conversation_id=at.key, seq=99)


@case("message.delivery")
def a_provider_reports(at):
    Message.objects.filter(pk=at.answer).update(delivery="pending")
    message_changes.set_delivery(message_id=at.answer, delivery="sent")
    message_changes.set_delivery(message_id=at.answer, delivery="failed", error="no such number")
    message_changes.retry(message_id=at.answer, by=at.bia)


@case("conversation.status")
def it_is_snoozed_opened_and_resolved(at):
    until = at.now + timedelta(hours=2)
    conversations.set_status(conversation_id=at.key, status="snoozed", snoozed_until=until, by=at.bia)
    conversations.set_status(conversation_id=at.key, status="open", by=at.bia)
    conversations.set_status(conversation_id=at.key, status="resolved", by=at.bia)


@case("conversation.status", "message.created")
def the_visitor_opens_it_again(at):
    conversations.set_status(conversation_id=at.key, status="resolved", by=at.bia)
    _say(at, "One more thing")


@case("conversation.status")
def the_visitor_ends_it(at):
    conversations.end_by_visitor(conversation_id=at.key, visitor=at.visitor)


@case("conversation.assigned")
def it_is_taken_given_and_put_back(at):
    assignment.claim(conversation_id=at.key, by=at.bia)
    assignment.assign(conversation_id=at.key, to=at.ana, by=at.bia)
    assignment.assign_team(conversation_id=at.key, team=TeamFactory(), by=at.bia)
    assignment.unassign(conversation_id=at.key, by=at.ana)


@case("conversation.priority")
def it_becomes_urgent(at):
    conversations.set_priority(conversation_id=at.key, priority="urgent", by=at.bia)


@case("conversation.queue")
def its_place_in_the_queue_is_told(at):
    _say(at, "Anybody?")
    Conversation.objects.filter(pk=at.key).update(queue_position=None)
    routing.tell_places(now=timezone.now())


@case("conversation.labels")
def it_gets_labels(at):
    labels.change_on(conversation_id=at.key, add=[LabelFactory(), LabelFactory()], by=at.bia)


@case("conversation.attrs")
def its_details_change(at):
    conversations.set_attrs(conversation_id=at.key, attrs={"order": "17"}, by=at.bia)


# The visitor goes on seeing what they were told: somebody has read it.
@case("conversation.attrs", team_only=True)
def it_is_marked_unread(at):
    _say(at, "Are you sure?")
    conversations.mark_read(conversation_id=at.key, seq=99)
    conversations.mark_unread(conversation_id=at.key, by=at.bia)


@case("conversation.merged")
def it_goes_on_in_another_one(at):
    other = conversations.start(visitor=at.visitor, client_id=uuid4())
    handling.merge(conversation_id=at.key, into=other.pk, by=at.bia)


# Whom the team takes them for is not told to visitors.
@case("contact.merged", team_only=True)
def its_contact_turns_out_to_be_another(at):
    contacts.merge(keep=ContactFactory(name="Rita"), gone=at.conversation.contact, by=at.bia, now=timezone.now())


@case("conversation.sla")
def a_promise_begins(at):
    sla.apply(conversation_id=at.key, policy=SlaPolicyFactory(resolution_min=60), now=timezone.now())


@case("conversation.handoff", "conversation.status", "message.created")
def a_bot_calls_a_person(at):
    BotSessionFactory(conversation=at.conversation)
    Conversation.objects.filter(pk=at.key).update(status="pending")
    handing.over(conversation_id=at.key, reason="asked", now=timezone.now())


@case("conversation.call")
def a_call_is_not_answered(at):
    SubscriptionFactory(tenant=at.tenant, plan=PlanFactory(flags={"videoCall": True}, limits={}))
    entitlements.forget(at.tenant)
    Inbox.objects.update(features={"video": True})
    presence.visitors_came([(at.visitor.contact_id, "tab")])
    call = calls.start(conversation_id=at.key, by=at.bia, video=True, peer="page-0001")
    calls.end(call_id=UUID(call["id"]), by=at.bia)


@pytest.mark.parametrize("name", CASES)
def test_a_snapshot_and_its_events_are_a_fresh_snapshot(scene, name):
    act, promised, team_only = CASES[name]
    replicas = [Replica(scene.conversation, visitor=visitor) for visitor in ((False,) if team_only else (False, True))]

    act(scene)

    made = ChatEvent.objects.filter(conversation=scene.key, seq__gt=replicas[0].shown["last_seq"])
    assert promised <= set(made.values_list("type", flat=True))
    for replica in replicas:
        for frame in thread.events_after(scene.key, after=replica.shown["last_seq"], visitor=replica.visitor):
            schema.check(frame)
            replica.apply(frame)
        shown, said = snapshot(scene.conversation, visitor=replica.visitor)
        assert replica.shown == shown
        assert replica.messages == said


@pytest.mark.parametrize("visitor", [False, True])
def test_a_conversation_from_its_first_event_on(scene, visitor):
    frames = thread.events_after(scene.key, after=0, visitor=visitor)

    assert frames[0]["event"] == "conversation.created"
    shown, _ = snapshot(scene.conversation, visitor=visitor)
    assert frames[0]["data"] == shown  # read later it says how things are now; what follows is known by its number
    for frame in frames:
        schema.check(frame)


def test_every_event_type_has_a_case():
    covered = {name for _, names, _ in CASES.values() for name in names} | {"conversation.created"}

    assert covered == set(EventType.values)
