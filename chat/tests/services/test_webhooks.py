"""What happens at the counter reaches the webhooks, each event once."""

import json
from datetime import UTC, datetime

import pytest

from chat.services import assignment, conversations, messages
from chat.tests.factories import ConversationFactory
from ops.kernel.ids import uuid7
from ops.kernel.outbox.services.dispatching import Dispatcher
from ops.kernel.webhooks.models import WebhookDelivery
from ops.kernel.webhooks.services import endpoints

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.transactional
def test_messages_states_and_assignees_are_told_in_public_names(acme, ana):
    endpoints.create(url="https://crm.example/hook", events=["*"], by=ana, now=NOON)
    conversation = ConversationFactory()

    messages.send(conversation_id=conversation.pk, by=ana, body="Bom dia", client_id=uuid7())
    assignment.claim(conversation_id=conversation.pk, by=ana)
    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=ana)
    Dispatcher().drain()

    told = {row.event: json.loads(row.body)["data"] for row in WebhookDelivery.objects.all()}
    assert told.keys() == {"conversation.created", "message.created", "conversation.assigned", "conversation.status"}
    assert told["message.created"]["message"]["body"] == "Bom dia"
    assert told["message.created"]["conversation"]["id"] == str(conversation.pk)
    assert (told["conversation.status"]["previous"], told["conversation.status"]["status"]) == ("open", "resolved")
    assert told["conversation.assigned"]["assignee_id"] == str(ana.pk)
