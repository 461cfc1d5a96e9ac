"""Rows of the counter for tests. Messages and events are made by the services, as in life."""

import hashlib
from uuid import uuid4

import factory
from django.db import transaction
from django.utils import timezone

from chat.models import ChatEvent, Contact, ContactInbox, Conversation, Inbox, Message
from chat.services import conversations, messages


class InboxFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Inbox

    name = factory.Sequence(lambda n: f"Website {n}")


class ContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Visitor {n}")


class ContactInboxFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactInbox

    contact = factory.SubFactory(ContactFactory)
    inbox = factory.SubFactory(InboxFactory)
    source_id = factory.LazyFunction(lambda: hashlib.sha256(uuid4().bytes).hexdigest())


class ConversationFactory(factory.django.DjangoModelFactory):
    """A conversation as `conversations.start` makes it; `assignee` is set without telling anybody."""

    class Meta:
        model = Conversation

    contact_inbox = factory.SubFactory(ContactInboxFactory)
    client_id = factory.LazyFunction(uuid4)

    @classmethod
    def _create(cls, model_class, *args, contact_inbox, client_id, **changes):
        visitor = conversations.Visitor(
            contact_inbox_id=contact_inbox.pk,
            contact_id=contact_inbox.contact_id,
            inbox_id=contact_inbox.inbox_id,
            name=contact_inbox.contact.name,
        )
        conversation = conversations.start(visitor=visitor, client_id=client_id, now=timezone.now())
        if changes:
            Conversation.objects.filter(pk=conversation.pk).update(**changes)
        return Conversation.objects.get(pk=conversation.pk)


class MessageFactory(factory.django.DjangoModelFactory):
    """A message of the visitor, or of the agent given as `by`."""

    class Meta:
        model = Message

    conversation = factory.SubFactory(ConversationFactory)
    body = factory.Sequence(lambda n: f"Message {n}")

    @classmethod
    def _create(cls, model_class, *args, conversation, body, by=None, client_id=None, **fields):
        client_id = client_id or uuid4()
        if by is not None:
            sent = messages.send(conversation_id=conversation.pk, by=by, body=body, client_id=client_id, **fields)
        else:
            visitor = conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))
            sent = messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=visitor, body=body, client_id=client_id, **fields
            )
        return Message.objects.get(pk=sent.id)


class ChatEventFactory(factory.django.DjangoModelFactory):
    """The event of a message."""

    class Meta:
        model = ChatEvent

    message = factory.SubFactory(MessageFactory)

    @classmethod
    def _create(cls, model_class, *args, message, **fields):
        with transaction.atomic():
            return ChatEvent.objects.get(conversation=message.conversation_id, seq=message.seq)
