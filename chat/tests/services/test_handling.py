"""Handing over, muting, spam, merging conversations, marking unread, taking by answering, many at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.enums import Status
from chat.errors import NotAnAgent, NotMergeable
from chat.models import AgentProfile, ChatEvent, Conversation, Message
from chat.queries import thread, wire
from chat.services import agents, assignment, bulk, conversations, handling, labels, messages
from chat.services.quota import METER
from chat.tests.factories import (
    ContactInboxFactory,
    ConversationFactory,
    LabelFactory,
    MessageFactory,
    TeamFactory,
)
from conftest import person
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid, PermissionRefused
from ops.kernel.metering import services as metering


def fresh(conversation):
    return Conversation.objects.get(pk=conversation.pk)


def test_a_conversation_goes_to_a_team_with_a_note_and_waits_in_its_queue(acme, ana, bia):
    conversation, team = ConversationFactory(assignee=bia), TeamFactory(name="Finance", members=[ana])

    handling.transfer(conversation_id=conversation.pk, by=bia, team=team, note="Asks for the invoice")

    moved = fresh(conversation)
    assert (moved.team, moved.assignee) == (team, None)
    note = Message.objects.get(conversation=conversation, direction="out")
    assert (note.private, note.body) == (True, "Asks for the invoice")
    told = ChatEvent.objects.filter(conversation=conversation, type="conversation.assigned").order_by("seq")
    assert [(event.pub_seq is None, event.payload.get("team")) for event in told] == [
        (True, {"id": str(team.pk), "name": "Finance"}),
        (False, None),
    ]


def test_a_transfer_that_is_refused_leaves_everything(acme, bia):
    conversation = ConversationFactory(assignee=bia)
    viewer = person(acme, "viewer", email="vera@acme.example", name="Vera")

    with pytest.raises(NotAnAgent):
        handling.transfer(conversation_id=conversation.pk, by=bia, to=viewer, team=TeamFactory(), note="Yours")
    with pytest.raises(Invalid):
        handling.transfer(conversation_id=conversation.pk, by=bia)

    assert (fresh(conversation).team, fresh(conversation).assignee) == (None, bia)
    assert not Message.objects.filter(conversation=conversation).exists()


def test_spam_is_put_away_given_back_to_the_plan_and_can_return(acme, bia):
    conversation = MessageFactory(body="Cheap watches").conversation
    now = timezone.now()
    assert metering.total(METER, period=now) == 1

    handling.mark_spam(conversation_id=conversation.pk, by=bia, block=True)
    handling.mark_spam(conversation_id=conversation.pk, by=bia)

    away = fresh(conversation)
    assert (away.status, away.spam_at is not None, away.contact.blocked) == (Status.RESOLVED, True, True)
    assert metering.total(METER, period=now) == 0

    handling.mark_spam(conversation_id=conversation.pk, by=bia, spam=False)

    assert (fresh(conversation).status, fresh(conversation).spam_at) == (Status.OPEN, None)
    assert metering.total(METER, period=now) == 1


def test_a_merged_conversation_continues_in_the_other_one(acme, bia):
    link = ContactInboxFactory()
    first, second = ConversationFactory(contact_inbox=link), ConversationFactory(contact_inbox=link)
    MessageFactory(conversation=first, body="Where is it?")
    label = LabelFactory()
    labels.set_on(conversation_id=first.pk, labels=[label], by=bia)

    handling.merge(conversation_id=first.pk, into=second.pk, by=bia)

    assert (fresh(first).status, fresh(first).merged_into) == (Status.RESOLVED, second)
    assert list(second.labels.all()) == [label]
    # What the visitor writes to the first one arrives in the second.
    sent = messages.send_from_visitor(
        conversation_id=first.pk,
        visitor=conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=first.pk)),
        body="Hello again",
        client_id=uuid4(),
    )
    assert sent.conversation_id == second.pk
    assert fresh(first).status == Status.RESOLVED


def test_only_conversations_of_one_person_are_merged_and_only_once(acme, bia):
    link = ContactInboxFactory()
    first, second = ConversationFactory(contact_inbox=link), ConversationFactory(contact_inbox=link)
    other = ConversationFactory()

    for gone, kept in ((first, other), (first, first)):
        with pytest.raises(NotMergeable):
            handling.merge(conversation_id=gone.pk, into=kept.pk, by=bia)
    handling.merge(conversation_id=first.pk, into=second.pk, by=bia)
    with pytest.raises(NotMergeable):
        handling.merge(conversation_id=second.pk, into=first.pk, by=bia)
    assert fresh(first).merged_into == second


def test_marking_unread_shows_it_again_and_reading_ends_it(acme, bia):
    conversation = MessageFactory(body="One").conversation
    MessageFactory(conversation=conversation, body="Two")
    conversations.mark_read(conversation_id=conversation.pk, seq=99)
    assert fresh(conversation).agent_unread == 0

    conversations.mark_unread(conversation_id=conversation.pk, by=bia)

    assert (fresh(conversation).agent_unread, fresh(conversation).agent_seen_seq) == (1, 2)
    conversations.mark_read(conversation_id=conversation.pk, seq=99)
    assert fresh(conversation).agent_unread == 0


def test_whoever_answers_a_conversation_of_nobody_has_it(acme, ana, bia):
    message = MessageFactory(by=bia, conversation=ConversationFactory())

    assert assignment.take_answered(message_id=message.pk, now=timezone.now())
    assert fresh(message.conversation).assignee == bia
    # A second run, a note, and somebody else's conversation change nothing.
    assert not assignment.take_answered(message_id=message.pk, now=timezone.now())
    note = MessageFactory(by=ana, conversation=ConversationFactory(), private=True)
    assert not assignment.take_answered(message_id=note.pk, now=timezone.now())


def test_who_put_it_back_after_answering_does_not_get_it_again(acme, bia):
    conversation = ConversationFactory(assignee=bia)
    message = MessageFactory(by=bia, conversation=conversation)
    assignment.unassign(conversation_id=conversation.pk, by=bia)

    assert not assignment.take_answered(message_id=message.pk, now=timezone.now())
    assert fresh(conversation).assignee is None


def test_the_database_counts_open_conversations_of_each_agent(acme, ana, bia):
    def counts():
        rows = dict(AgentProfile.objects.values_list("user", "open_count"))
        return rows.get(ana.pk, 0), rows.get(bia.pk, 0)

    one, two = ConversationFactory(assignee=bia), ConversationFactory(assignee=bia)
    assert counts() == (0, 2)
    assignment.assign(conversation_id=one.pk, to=ana, by=bia)
    assert counts() == (1, 1)
    conversations.set_status(conversation_id=one.pk, status=Status.RESOLVED, by=ana)
    assert counts() == (0, 1)
    conversations.set_status(conversation_id=one.pk, status=Status.OPEN, by=ana)
    assert counts() == (1, 1)
    conversations.set_status(
        conversation_id=two.pk, status=Status.SNOOZED, by=bia, snoozed_until=timezone.now() + timedelta(hours=1)
    )
    assert counts() == (1, 0)
    Conversation.objects.filter(pk=one.pk).delete()
    assert counts() == (0, 0)
    assert AgentProfile.objects.get(user=ana).last_assigned_at is not None


def test_many_at_once_each_with_its_own_answer_and_log(acme, bia):
    done, resolved = ConversationFactory(), ConversationFactory(status=Status.RESOLVED)
    now = timezone.now()

    rows = bulk.run(
        numbers=[done.number, resolved.number, 999_999_999, done.number],
        action="snooze",
        by=bia,
        now=now,
        snoozed_until=now + timedelta(hours=2),
    )

    assert [(row.number, row.error.code if row.error else None) for row in rows] == [
        (done.number, None),
        (resolved.number, "illegal_status"),
        (999_999_999, "conversation_not_found"),
    ]
    assert (fresh(done).status, fresh(resolved).status) == (Status.SNOOZED, Status.RESOLVED)
    moved = AuditEntry.objects.filter(action="chat.conversation_status_changed")
    assert [entry.object_id for entry in moved] == [str(done.pk)]
    summary = AuditEntry.objects.get(action="chat.conversations_changed_together")
    assert summary.detail == {
        "action": "snooze",
        "done": [done.number],
        "failed": [resolved.number, 999_999_999],
    }


def test_many_at_once_has_a_limit_and_asks_for_the_permission(acme, bia):
    conversation = ConversationFactory()
    viewer = person(acme, "viewer", email="vera@acme.example", name="Vera")

    with pytest.raises(Invalid):
        bulk.run(numbers=range(1, bulk.MOST + 2), action="resolve", by=bia, now=timezone.now())
    with pytest.raises(PermissionRefused):
        bulk.run(numbers=[conversation.number], action="resolve", by=viewer, now=timezone.now())
    assert fresh(conversation).status == Status.OPEN


def test_snapshot_and_events_of_the_desk_agree_with_a_fresh_snapshot(acme, ana, bia):
    link = ContactInboxFactory()
    conversation = MessageFactory(conversation=ConversationFactory(contact_inbox=link)).conversation
    other = ConversationFactory(contact_inbox=link)
    team, label = TeamFactory(members=[ana]), LabelFactory()
    key = conversation.pk

    def snapshot():
        row = wire.conversation(Conversation.objects.with_people().get(pk=key))
        # What every event brings besides: its place, and when it happened.
        return {name: value for name, value in row.items() if name not in {"last_seq", "last_activity_at"}}

    actions = [
        lambda: assignment.assign_team(conversation_id=key, team=team, by=bia),
        lambda: labels.set_on(conversation_id=key, labels=[label], by=bia),
        lambda: handling.mute(conversation_id=key, by=bia),
        lambda: conversations.set_attrs(conversation_id=key, attrs={"order": "4471"}, by=bia),
        lambda: assignment.assign(conversation_id=key, to=ana, by=bia),
        lambda: assignment.assign_team(conversation_id=key, team=None, by=bia),
        lambda: handling.merge(conversation_id=other.pk, into=key, by=bia),
    ]
    for act in actions:
        before, seq = snapshot(), Conversation.objects.get(pk=key).last_seq
        act()
        for event in thread.events_after(key, after=seq, visitor=False):
            before |= {name: value for name, value in event["data"].items() if name in before}
        assert before == snapshot()
    # And the visitor saw nothing of it but who answers.
    shown = thread.events_after(key, after=0, visitor=True)
    assert [event["event"] for event in shown] == [
        "conversation.created",
        "message.created",
        "conversation.assigned",
    ]
    assert "team" not in shown[-1]["data"]


def test_visitors_read_the_name_an_agent_chose_for_them_and_never_the_other(acme, ana, bia):
    agents.change(user=bia, by=bia, display_name="Beatriz da Padaria")
    bia.refresh_from_db()
    conversation = MessageFactory().conversation
    assignment.claim(conversation_id=conversation.pk, by=bia)
    MessageFactory(conversation=conversation, by=bia, body="Here you are")
    assignment.assign(conversation_id=conversation.pk, to=ana, by=bia)
    conversations.set_status(conversation_id=conversation.pk, status=Status.RESOLVED, by=bia)

    seen = wire.encode({"events": thread.events_after(conversation.pk, after=0, visitor=True)})
    shown = wire.visitor_conversation(thread.for_visitor(conversation.contact_inbox_id).get())

    assert bia.name not in seen
    assert "alias" not in seen
    assert seen.count("Beatriz da Padaria") >= 4
    assert shown["assignee"] == {"id": str(ana.pk), "name": ana.name}
    team = wire.encode({"events": thread.events_after(conversation.pk, after=0, visitor=False)})
    assert bia.name in team
