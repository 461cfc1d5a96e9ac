"""A channel that people bring themselves: messages in over the API, messages out by webhook."""

import base64
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.enums import Channel
from chat.models import Contact, Conversation, Message
from chat.services import messages, own_channel
from chat.tests.channels import inbox_of
from ops.kernel.ids import uuid7
from ops.kernel.webhooks.models import WebhookDelivery
from ops.kernel.webhooks.services import endpoints

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def own(acme):
    return inbox_of(Channel.API, now=timezone.now())


def told(body="Oi", *, id="m-1", **more):
    return {"id": id, "contact": {"source_id": "u-42", "name": "Marta"}, "body": body, **more}


def door(inbox, name="incoming"):
    return f"/api/v1/chat/inboxes/{inbox.pk}/{name}/"


def test_the_same_message_again_is_the_same_message_of_the_same_person(acme, own, ana, client_of):
    client = client_of(acme, user=ana)

    answers = [client.post(door(own), told(), "application/json") for _ in range(3)]
    client.post(door(own), told("E mais", id="m-2"), "application/json")

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Contact.objects.get().name == "Marta"
    conversation = Conversation.objects.get()
    assert conversation.contact_inbox.source_id == "u-42"
    assert list(conversation.messages.filter(direction="in").order_by("seq").values_list("body", flat=True)) == [
        "Oi",
        "E mais",
    ]
    shown = client.get(f"/api/v1/chat/conversations/{conversation.number}/").json()
    assert (shown["inbox"]["channel"], shown["window_ends_at"]) == ("api", None)


def test_a_file_comes_in_the_request(acme, own, ana, client_of):
    content = base64.b64encode(b"2 loaves, 1 cake\n").decode()

    answer = client_of(acme, user=ana).post(
        door(own), told("", files=[{"name": "list.txt", "content": content}]), "application/json"
    )

    assert answer.status_code == 201
    assert [file["name"] for file in answer.json()["attachments"]] == ["list.txt"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": " "}, "body"),
        ({"id": ""}, "id"),
        ({"contact": {}}, "contact.source_id"),
        ({"files": [{"name": "a", "content": "%"}]}, "files"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_bad_input_names_its_field(acme, own, ana, client_of, change, field):
    answer = client_of(acme, user=ana).post(door(own), {**told(), **change}, "application/json")

    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])
    assert not Message.objects.exists()


def test_a_reply_is_told_to_the_other_system_and_its_receipts_only_rise(acme, own, ana, client_of):
    endpoints.create(url="https://own.example/hook", events=["channel.message"], by=ana, now=NOON)
    client = client_of(acme, user=ana)
    client.post(door(own), told(), "application/json")
    sent = messages.send(conversation_id=Conversation.objects.get().pk, by=ana, body="Bom dia", client_id=uuid4())

    event_id = uuid7()
    for _ in range(2):
        own_channel.tell(event_id=event_id, message_id=sent.id, at=NOON)

    data = json.loads(WebhookDelivery.objects.get().body)["data"]
    assert (data["contact"]["source_id"], data["message"]["body"]) == ("u-42", "Bom dia")
    for delivery, expected in (("read", "read"), ("delivered", "read"), ("failed", "read")):
        receipt = {"message": str(sent.id), "delivery": delivery}
        assert client.post(door(own, "receipts"), receipt, "application/json").status_code == 204
        assert Message.objects.get(pk=sent.id).delivery == expected


def test_the_doors_are_for_those_who_set_up_inboxes_and_only_of_this_tenant(acme, beta, own, bia, caio, client_of):
    site = inbox_of(Channel.TELEGRAM, now=timezone.now())

    assert client_of(acme, user=bia).post(door(own), told(), "application/json").status_code == 403
    for name in ("incoming", "receipts", "templates"):
        client = client_of(beta, user=caio)
        answer = client.get(door(own, name)) if name == "templates" else client.post(door(own, name), told())
        assert answer.status_code == 404
    with tenant_context(acme):
        assert not Message.objects.exists()
        assert site.channel == "telegram"


def test_another_channels_inbox_has_no_such_door(acme, ana, client_of):
    bot = inbox_of(Channel.TELEGRAM, now=timezone.now())
    client = client_of(acme, user=ana)

    assert client.post(door(bot), told(), "application/json").status_code == 404
    assert client.get(door(bot, "templates")).status_code == 409
