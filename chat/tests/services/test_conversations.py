from datetime import timedelta
from uuid import uuid4

import pytest

from chat import receivers
from chat.enums import Status
from chat.errors import AlreadyAssigned, IllegalStatus, NotAnAgent
from chat.models import ChatEvent, Conversation, Message
from chat.queries import thread
from chat.services import assignment, conversations, messages
from chat.tests.factories import ConversationFactory, MessageFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.metering import services as metering
from ops.kernel.outbox.models import OutboxEvent
from ops.kernel.outbox.receivers import Envelope
from tenants.accounts.tests.factories import UserFactory

ALLOWED = {
    ("open", "pending"),
    ("open", "snoozed"),
    ("open", "resolved"),
    ("pending", "open"),
    ("pending", "resolved"),
    ("snoozed", "open"),
    ("snoozed", "resolved"),
    ("resolved", "open"),
}


def visitor_of(conversation):
    return conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))


@pytest.mark.parametrize("before", Status.values)
@pytest.mark.parametrize("after", Status.values)
def test_a_conversation_goes_only_where_it_can(acme, bia, before, after):
    conversation = ConversationFactory(status=before)

    if before == after:
        conversations.set_status(conversation_id=conversation.pk, status=after, by=bia)
        expected = before
    elif (before, after) in ALLOWED:
        conversations.set_status(conversation_id=conversation.pk, status=after, by=bia)
        expected = after
    else:
        with pytest.raises(IllegalStatus):
            conversations.set_status(conversation_id=conversation.pk, status=after, by=bia)
        expected = before

    conversation.refresh_from_db()
    changes = ChatEvent.objects.filter(conversation=conversation, type="conversation.status").count()
    assert (conversation.status, changes) == (expected, 0 if expected == before else 1)


def test_resolving_leaves_a_line_an_audit_entry_and_an_event(acme, bia, noon):
    conversation = ConversationFactory()

    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=bia, now=noon)

    conversation.refresh_from_db()
    line = Message.objects.get(direction="activity")
    assert (conversation.status, conversation.resolved_at) == ("resolved", noon)
    assert line.meta == {"action": "status", "from": "open", "to": "resolved"}
    assert AuditEntry.objects.filter(action="chat.conversation_status_changed", actor_id=str(bia.pk)).count() == 1
    assert OutboxEvent.objects.filter(name="chat.conversation_status_changed").count() == 1


def test_snoozing_and_priority_are_the_teams_business(acme, bia):
    conversation = ConversationFactory()
    conversations.set_status(conversation_id=conversation.pk, status="snoozed", by=bia)
    conversations.set_priority(conversation_id=conversation.pk, priority="urgent", by=bia)

    for_agents = thread.events_after(conversation.pk, after=0, visitor=False)
    for_visitor = thread.events_after(conversation.pk, after=0, visitor=True)

    assert [event["event"] for event in for_agents] == [
        "conversation.created",
        "conversation.status",
        "conversation.priority",
    ]
    assert [event["event"] for event in for_visitor] == ["conversation.created"]
    assert thread.for_visitor(conversation.contact_inbox_id).get().status == "snoozed"
    assert for_visitor[0]["data"]["status"] == "open"


def test_a_visitors_message_wakes_and_reopens(acme, bia, noon):
    snoozed, resolved = ConversationFactory(), ConversationFactory()
    conversations.set_status(conversation_id=snoozed.pk, status="snoozed", by=bia, now=noon)
    conversations.set_status(conversation_id=resolved.pk, status="resolved", by=bia, now=noon)

    for conversation in (snoozed, resolved):
        messages.send_from_visitor(
            conversation_id=conversation.pk,
            visitor=visitor_of(conversation),
            body="Are you there?",
            client_id=uuid4(),
            now=noon + timedelta(days=6),
        )
        conversation.refresh_from_db()

    assert (snoozed.status, resolved.status) == ("open", "open")
    assert resolved.resolved_at is None


def test_a_snooze_ends_by_the_clock(acme, bia, noon):
    due, later, open_ended = ConversationFactory(), ConversationFactory(), ConversationFactory()
    for conversation, until in ((due, noon), (later, noon + timedelta(hours=1)), (open_ended, None)):
        conversations.set_status(
            conversation_id=conversation.pk,
            status="snoozed",
            snoozed_until=until,
            by=bia,
            now=noon - timedelta(hours=1),
        )

    woken = conversations.wake_due(now=noon)

    assert woken == 1
    states = [Conversation.objects.get(pk=row.pk).status for row in (due, later, open_ended)]
    assert states == ["open", "snoozed", "snoozed"]


def test_a_taken_conversation_can_be_given_but_not_claimed(acme, ana, bia):
    conversation = ConversationFactory()
    assignment.claim(conversation_id=conversation.pk, by=ana)
    assignment.claim(conversation_id=conversation.pk, by=ana)  # one's own again is no change

    with pytest.raises(AlreadyAssigned):
        assignment.claim(conversation_id=conversation.pk, by=bia)
    assignment.assign(conversation_id=conversation.pk, to=bia, by=ana)
    with pytest.raises(NotAnAgent):
        assignment.assign(conversation_id=conversation.pk, to=UserFactory(role__slug="viewer"), by=ana)

    conversation.refresh_from_db()
    assert conversation.assignee == bia
    assert ChatEvent.objects.filter(type="conversation.assigned").count() == 2


def test_read_marks_only_move_up_and_say_so_once(acme, bia):
    conversation = ConversationFactory()
    for _ in range(3):
        MessageFactory(conversation=conversation)

    conversations.mark_read(conversation_id=conversation.pk, seq=3)
    conversation.refresh_from_db()
    half = conversation.agent_unread
    conversations.mark_read(conversation_id=conversation.pk, seq=99)
    conversations.mark_read(conversation_id=conversation.pk, seq=2)

    conversation.refresh_from_db()
    told = ChatEvent.objects.filter(type="message.delivery").order_by("seq").values_list("payload__seq", flat=True)
    assert half == 1
    assert (conversation.agent_unread, conversation.agent_seen_seq) == (0, 5)
    assert list(told) == [3, 5]


def test_the_visitors_marks_are_counted_in_the_visitors_numbers(acme, bia):
    conversation = ConversationFactory()
    visitor = visitor_of(conversation)
    MessageFactory(conversation=conversation, by=bia, private=True)
    MessageFactory(conversation=conversation, by=bia)  # seq 3, pub_seq 2

    conversations.mark_delivered(conversation_id=conversation.pk, visitor=visitor, pub_seq=2)
    conversations.mark_read_by_visitor(conversation_id=conversation.pk, visitor=visitor, pub_seq=50)

    conversation.refresh_from_db()
    assert (conversation.contact_delivered_seq, conversation.contact_unread) == (4, 0)
    told = thread.for_visitor(visitor.contact_inbox_id).get()
    assert told.contact_seen_pub_seq == 2


def test_messages_are_told_to_the_outbox_and_counted_once(acme, bia):
    message = MessageFactory()
    event = OutboxEvent.objects.get(name="chat.message_sent")
    envelope = Envelope(
        id=event.id,
        name=event.name,
        schema=event.schema,
        aggregate=event.aggregate,
        payload=event.payload,
        at=event.at,
    )

    receivers.count_message(envelope)
    receivers.count_message(envelope)

    assert event.payload["message_id"] == str(message.pk)
    assert metering.total("chat.messages", period=event.at) == 1
