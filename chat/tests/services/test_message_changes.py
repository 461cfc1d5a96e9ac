from uuid import uuid4

import pytest

from chat.enums import Delivery
from chat.errors import ChangedSince, MessageNotFound, NotChangeable, NothingToRetry, NotYourMessage
from chat.models import ChatEvent, Conversation, Inbox, Message
from chat.queries import thread
from chat.services import assignment, conversations, message_changes, messages
from chat.tests.factories import BotFactory, ConversationFactory, MessageFactory
from ops.kernel.outbox.models import OutboxEvent


def told(conversation, *, after, visitor=False):
    """What a client hears after a place."""
    return [
        (frame["event"], frame["seq"], frame["data"])
        for frame in thread.events_after(conversation.pk, after=after, visitor=visitor)
    ]


def test_the_author_changes_the_words_and_both_sides_are_told(acme, bia, noon):
    conversation = ConversationFactory()
    message = MessageFactory(conversation=conversation, by=bia, body="We open at nin")

    message_changes.edit(message_id=message.pk, by=bia, body="We open at nine", now=noon)
    message_changes.edit(message_id=message.pk, by=bia, body="We open at nine", now=noon)

    conversation.refresh_from_db()
    [(event, seq, data)] = told(conversation, after=2)
    [(_, seen_seq, seen)] = told(conversation, after=2, visitor=True)
    assert (event, seq, data["seq"], data["body"]) == ("message.updated", 3, 2, "We open at nine")
    assert (seen_seq, seen["body"], seen["edited_at"]) == (3, "We open at nine", noon.isoformat())
    assert (conversation.last_seq, conversation.preview) == (3, "We open at nine")
    assert OutboxEvent.objects.filter(name="chat.message_changed").count() == 1


def test_a_changed_note_stays_the_teams(acme, bia):
    conversation = ConversationFactory()
    note = MessageFactory(conversation=conversation, by=bia, body="rude", private=True)

    message_changes.edit(message_id=note.pk, by=bia, body="impatient")

    conversation.refresh_from_db()
    assert told(conversation, after=1, visitor=True) == []
    assert (conversation.last_seq, conversation.last_pub_seq, conversation.preview) == (3, 1, "")


def test_nobody_changes_what_somebody_else_said(acme, bia, ana):
    conversation = ConversationFactory()
    hers, visitors = MessageFactory(conversation=conversation, by=bia), MessageFactory(conversation=conversation)

    for by, message in ((ana, hers), (bia, visitors)):
        with pytest.raises(NotYourMessage):
            message_changes.edit(message_id=message.pk, by=by, body="other words")
    with pytest.raises(MessageNotFound):
        message_changes.edit(message_id=uuid4(), by=bia, body="other words")

    assert not Message.objects.exclude(edited_at=None).exists()
    assert ChatEvent.objects.count() == 3


def test_what_happened_and_what_has_left_stay_as_they_are(acme, bia):
    conversation = ConversationFactory()
    sent = MessageFactory(conversation=conversation, by=bia, body="Hello")
    assignment.claim(conversation_id=conversation.pk, by=bia)
    Inbox.objects.update(channel="telegram")

    with pytest.raises(NotChangeable):
        message_changes.edit(message_id=sent.pk, by=bia, body="Goodbye")
    with pytest.raises(NotChangeable):
        message_changes.delete(message_id=Message.objects.get(direction="activity").pk, by=bia)


def test_deleted_words_are_gone_for_everybody(acme, ana, bia):
    conversation = ConversationFactory()
    secret = MessageFactory(conversation=conversation, body="my password is hunter2")
    with pytest.raises(NotYourMessage):
        message_changes.delete(message_id=secret.pk, by=bia)  # an agent; Ana sets up inboxes

    message_changes.delete(message_id=secret.pk, by=ana)
    message_changes.delete(message_id=secret.pk, by=ana)

    conversation.refresh_from_db()
    for visitor in (False, True):
        events = told(conversation, after=0, visitor=visitor)
        assert [event for event, _, _ in events] == ["conversation.created", "message.created", "message.deleted"]
        assert "hunter2" not in str(events)
    assert (conversation.preview, Message.objects.get().body) == ("", "")


def test_the_same_send_again_after_a_change_is_still_the_same_message(acme, bia):
    conversation, client_id = ConversationFactory(), uuid4()
    words = {"conversation_id": conversation.pk, "by": bia, "body": "Hello", "client_id": client_id}
    first = messages.send(**words)
    message_changes.edit(message_id=first.id, by=bia, body="Good morning")

    again = messages.send(**words)

    assert (again.id, again.created, again.wire["body"]) == (first.id, False, "Good morning")


def test_delivery_only_moves_up_and_a_failure_ends_it(acme, bia):
    Inbox.objects.update(channel="telegram")
    conversation = ConversationFactory(contact_inbox__inbox__channel="telegram")
    message = MessageFactory(conversation=conversation, by=bia)
    assert message.delivery == Delivery.PENDING

    moved = [
        message_changes.set_delivery(message_id=message.pk, delivery=state, error="late")
        for state in ("delivered", "sent", "delivered", "unconfirmed", "failed", "read", "delivered")
    ]

    assert moved == [True, False, False, False, False, True, False]
    events = [data for event, _, data in told(conversation, after=2) if event == "message.delivery"]
    assert [(data["message_id"], data["delivery"], data["error"]) for data in events] == [
        (str(message.pk), "delivered", ""),
        (str(message.pk), "read", ""),
    ]


def test_a_failed_message_goes_out_again_when_somebody_asks(acme, bia):
    conversation = ConversationFactory(contact_inbox__inbox__channel="telegram")
    message = MessageFactory(conversation=conversation, by=bia)
    with pytest.raises(NothingToRetry):
        message_changes.retry(message_id=message.pk, by=bia)
    message_changes.set_delivery(message_id=message.pk, delivery="failed", error="131026: not on WhatsApp")

    shown = message_changes.retry(message_id=message.pk, by=bia)

    assert (shown["delivery"], shown["error"]) == ("pending", "")
    assert OutboxEvent.objects.get(name="chat.message_retried").payload["message_id"] == str(message.pk)
    failed = told(conversation, after=2)[0][2]
    assert failed["error"] == "131026: not on WhatsApp"
    assert told(conversation, after=2, visitor=True)[0][2]["error"] == ""


def test_a_provider_that_tells_twice_leaves_one_message(acme):
    conversation = ConversationFactory()
    visitor = conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))
    other = conversations.start(visitor=visitor, client_id=uuid4())

    sent = [
        messages.send_from_visitor(
            conversation_id=key, visitor=visitor, body="Oi", client_id=uuid4(), source_id="wamid.1"
        )
        for key in (conversation.pk, conversation.pk, other.pk)
    ]

    assert [one.created for one in sent] == [True, False, False]
    assert {one.conversation_id for one in sent} == {conversation.pk}
    other.refresh_from_db()
    assert other.last_seq == 1


def test_a_bot_speaks_under_its_own_name_and_nobody_stops_waiting(acme):
    conversation, bot = ConversationFactory(), BotFactory(name="Pão")
    MessageFactory(conversation=conversation, body="Do you have bread?")

    said = messages.send_from_bot(
        conversation_id=conversation.pk,
        bot=bot,
        body="Every day from six.",
        body_html='<p>Every day <b>from six</b>.<script>alert(1)</script><img src="x" onerror="alert(1)"></p>',
        client_id=uuid4(),
    )

    conversation.refresh_from_db()
    assert said.wire["author"] == {"kind": "bot", "id": str(bot.pk), "name": "Pão"}
    assert said.wire["body_html"] == "<p>Every day <b>from six</b>.</p>"
    assert said.wire == told(conversation, after=2)[0][2]
    assert conversation.waiting_since is not None
    assert conversation.first_reply_at is None


def test_a_change_of_a_state_the_caller_has_not_seen_is_refused(acme, bia):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation)

    with pytest.raises(ChangedSince):
        conversations.change(conversation_id=conversation.pk, by=bia, if_seq=1, status="resolved", priority="high")
    conversation.refresh_from_db()
    assert (conversation.status, conversation.priority) == ("open", "none")

    conversations.change(conversation_id=conversation.pk, by=bia, if_seq=2, status="resolved", priority="high")
    conversation.refresh_from_db()
    assert (conversation.status, conversation.priority) == ("resolved", "high")
