from uuid import uuid4

import pytest

from chat.errors import ClientIdReused, ConversationNotFound, EmptyMessage, MessageTooLong, TooManyMessages
from chat.models import ChatEvent, Conversation, Message
from chat.services import conversations, messages
from chat.tests.factories import ConversationFactory, MessageFactory


def visitor_of(conversation):
    return conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))


def test_a_reply_takes_the_next_numbers_and_clears_the_waiting(acme, bia, noon):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Do you have bread?")

    sent = messages.send(conversation_id=conversation.pk, by=bia, body="  We do.  ", client_id=uuid4(), now=noon)

    conversation.refresh_from_db()
    assert sent.created
    assert sent.seq == 3  # after the start and the question
    assert sent.wire["body"] == "We do."
    assert (conversation.last_seq, conversation.last_pub_seq) == (3, 3)
    assert conversation.waiting_since is None
    assert conversation.first_reply_at == noon
    assert conversation.preview == "We do."
    assert (conversation.agent_unread, conversation.contact_unread) == (0, 1)


def test_the_same_client_id_answers_the_stored_message(acme, bia):
    conversation = ConversationFactory()
    client_id = uuid4()
    first = messages.send(conversation_id=conversation.pk, by=bia, body="Hello", client_id=client_id)

    again = messages.send(conversation_id=conversation.pk, by=bia, body="Hello", client_id=client_id)

    assert (again.id, again.seq, again.created) == (first.id, first.seq, False)
    assert Message.objects.filter(conversation=conversation).count() == 1


def test_the_same_client_id_with_another_content_is_refused(acme, bia, ana):
    conversation = ConversationFactory()
    client_id = uuid4()
    messages.send(conversation_id=conversation.pk, by=bia, body="Hello", client_id=client_id)

    for other in ({"body": "Goodbye"}, {"private": True}, {"by": ana}):
        with pytest.raises(ClientIdReused):
            messages.send(
                **{"conversation_id": conversation.pk, "by": bia, "body": "Hello", "client_id": client_id, **other}
            )

    assert [row.body for row in Message.objects.filter(conversation=conversation)] == ["Hello"]


def test_a_note_takes_no_number_of_the_visitor_and_changes_nothing_they_see(acme, bia):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Hi")

    messages.send(
        conversation_id=conversation.pk, by=bia, body="Careful with this one", client_id=uuid4(), private=True
    )

    conversation.refresh_from_db()
    assert (conversation.last_seq, conversation.last_pub_seq) == (3, 2)
    assert conversation.preview == "Hi"
    assert conversation.waiting_since is not None
    note = Message.objects.get(private=True)
    assert (note.seq, note.pub_seq) == (3, None)
    assert ChatEvent.objects.get(message=note).pub_seq is None


@pytest.mark.parametrize(
    ("body", "refusal"), [("", EmptyMessage), (" \n\u200b\t ", EmptyMessage), ("x" * 8_001, MessageTooLong)]
)
def test_a_message_needs_words_and_a_measure(acme, bia, body, refusal):
    conversation = ConversationFactory()

    with pytest.raises(refusal):
        messages.send(conversation_id=conversation.pk, by=bia, body=body, client_id=uuid4())

    assert not Message.objects.exists()


def test_a_visitor_cannot_write_into_another_visitors_conversation(acme):
    mine, theirs = ConversationFactory(), ConversationFactory()

    with pytest.raises(ConversationNotFound):
        messages.send_from_visitor(conversation_id=theirs.pk, visitor=visitor_of(mine), body="Hi", client_id=uuid4())

    assert not Message.objects.exists()


def test_a_visitor_who_floods_is_told_to_wait(acme, monkeypatch):
    monkeypatch.setattr(messages, "VISITOR_WINDOW_S", 3600)  # ten messages may take a busy machine ten seconds
    conversation = ConversationFactory()
    visitor = visitor_of(conversation)
    for number in range(messages.VISITOR_LIMIT):
        messages.send_from_visitor(
            conversation_id=conversation.pk, visitor=visitor, body=str(number), client_id=uuid4()
        )

    with pytest.raises(TooManyMessages) as refused:
        messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, body="more", client_id=uuid4())

    assert 1 <= refused.value.retry_after <= messages.VISITOR_WINDOW_S
    assert Message.objects.count() == messages.VISITOR_LIMIT
