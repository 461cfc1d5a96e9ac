"""Pix cards: one a click, settled once, seen by both sides."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from billing.providers import brcode
from chat.enums import PixState
from chat.errors import PixChargeSettled, PixNotSetUp, PixRefused
from chat.models import ChatEvent, Message, PixCharge
from chat.services import pix
from chat.tests.factories import ConversationFactory
from ops.kernel.ids import uuid7
from ops.kernel.money import Money

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def shop(acme, ana):
    pix.set_up(key="529.982.247-25", name="Padaria São João", city="São Paulo", by=ana)


@pytest.fixture
def conversation(shop):
    return ConversationFactory()


def asked(conversation, by, **changes):
    given = {"amount": Money.of("58.90", "BRL"), "client_id": uuid7(), "text": "Encomenda", "now": NOON} | changes
    return pix.charge(conversation_id=conversation.pk, by=by, **given)


def test_the_card_carries_a_code_of_this_amount(conversation, bia):
    charge = asked(conversation, bia)

    message = Message.objects.get(pk=charge.message_id)
    assert (message.kind, message.body, message.pub_seq is not None) == ("pix", "Encomenda", True)
    assert message.meta["amount"] == {"amount": "58.90", "currency": "BRL"}
    assert message.meta["state"] == "open"
    assert "540558.90" in charge.brcode
    assert f"0525{charge.txid}" in charge.brcode
    assert int(charge.brcode[-4:], 16) == brcode.checksum(charge.brcode[:-4])
    assert message.meta["qr"]["size"] > 21


def test_a_retry_asks_once(conversation, bia):
    client_id = uuid7()

    assert asked(conversation, bia, client_id=client_id) == asked(conversation, bia, client_id=client_id)
    assert PixCharge.objects.count() == Message.objects.filter(kind="pix").count() == 1


def test_paid_is_told_to_both_sides_and_final(conversation, bia):
    charge = asked(conversation, bia)

    pix.mark_paid(charge_id=charge.pk, by=bia, now=NOON)

    assert Message.objects.get(pk=charge.message_id).meta["state"] == "paid"
    event = ChatEvent.objects.filter(conversation=conversation, type="message.updated").get()
    assert event.pub_seq is not None
    for act in (pix.mark_paid, pix.cancel):
        with pytest.raises(PixChargeSettled):
            act(charge_id=charge.pk, by=bia, now=NOON)
    charge.refresh_from_db()
    assert (charge.state, charge.settled_at) == (PixState.PAID, NOON)


def test_only_who_may_answer_settles_an_open_card(conversation, bia, acme, client_of):
    charge = asked(conversation, bia, now=timezone.now())
    page = f"/chat/c/{conversation.number}"
    button = f'data-pix-settle="paid" data-txid="{charge.txid}"'

    assert button in client_of(acme, user=bia).get(page).content.decode()
    assert button not in client_of(acme, role="viewer").get(page).content.decode()
    pix.mark_paid(charge_id=charge.pk, by=bia)
    assert button not in client_of(acme, user=bia).get(page).content.decode()


def test_what_nobody_paid_expires(conversation, bia):
    late, paid = asked(conversation, bia), asked(conversation, bia)
    pix.mark_paid(charge_id=paid.pk, by=bia, now=NOON)

    assert pix.expire_due(now=NOON + timedelta(hours=23)) == 0
    assert pix.expire_due(now=NOON + timedelta(hours=24)) == 1

    late.refresh_from_db()
    assert late.state == PixState.EXPIRED


def test_without_a_receiver_nobody_is_asked(acme, bia):
    with pytest.raises(PixNotSetUp):
        asked(ConversationFactory(), bia)
    assert not Message.objects.filter(kind="pix").exists()


@pytest.mark.parametrize("amount", [Money(0, "BRL"), Money(500, "USD")])
def test_odd_amounts_are_refused(conversation, bia, amount):
    with pytest.raises(PixRefused):
        asked(conversation, bia, amount=amount)


@pytest.mark.parametrize(
    ("changes", "field"), [({"key": "11111111111"}, "key"), ({"name": ""}, "name"), ({"city": "漢"}, "city")]
)
def test_odd_receivers_are_refused(acme, ana, changes, field):
    with pytest.raises(PixRefused) as refusal:
        pix.set_up(**{"key": "a@b.example", "name": "A", "city": "B"} | changes, by=ana)
    assert refusal.value.field == field


def test_the_receiver_of_one_tenant_is_not_anothers(shop, beta):
    with tenant_context(beta):
        assert not pix.is_set_up()


def test_the_api_and_the_page(conversation, acme, beta, ana, bia, client_of):
    agent, owner = client_of(acme, user=bia), client_of(acme, user=ana)
    sent = {"conversation": str(conversation.pk), "amount": "12.50", "client_id": str(uuid7())}

    made = agent.post("/api/v1/chat/pix/", sent, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["amount"] == {"amount": "12.50", "currency": "BRL"}
    address = f"/api/v1/chat/pix/{made.json()['id']}/"
    assert client_of(beta, role="owner").get(address).status_code == 404
    assert agent.post(f"{address}paid/").json()["state"] == "paid"
    assert agent.post(f"{address}cancel/").status_code == 409
    assert agent.get(f"/api/v1/chat/pix/{'z' * 30}/").status_code == 404
    refused = agent.post("/api/v1/chat/pix/", sent | {"amount": "1.001"}, content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "amount")

    other = asked(conversation, bia, now=timezone.now())
    assert client_of(beta, role="owner").post(f"/api/v1/chat/pix/{other.txid}/paid/").status_code == 404
    assert agent.post(f"/api/v1/chat/pix/{other.txid}/cancel/").json()["id"] == str(other.pk)
    assert agent.get("/api/v1/chat/pix/ZZZZZZZZZZZZZZZZZZZZZZZZZ/").status_code == 404

    assert agent.get("/settings/chat/pix/").status_code == 403
    page = owner.get("/settings/chat/pix/")
    assert "br.gov.bcb.pix" in page.content.decode()
    wrong = owner.post("/settings/chat/pix/", {"key": "11111111111", "name": "A", "city": "B"})
    assert wrong.status_code == 422
