"""Owners set webhooks up on their page and see what was sent."""

from datetime import UTC, datetime

import pytest
from django_tenants.utils import tenant_context

from ops.kernel.ids import uuid7
from ops.kernel.webhooks.models import WebhookDelivery, WebhookEndpoint
from ops.kernel.webhooks.services import deliveries, endpoints

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def endpoint(acme, ana):
    return endpoints.create(url="https://crm.example/hook", events=["*"], by=ana, now=NOON)


def test_an_owner_adds_one_and_gets_its_secret(acme, ana, client_of):
    client = client_of(acme, user=ana)
    sent = {"url": "https://crm.example/hook", "description": "CRM", "events": ["message.created"], "enabled": "on"}

    response = client.post("/settings/webhooks/add/", sent, follow=True)

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.events == ["message.created"]
    assert endpoint.secret in response.content.decode()
    assert "CRM" in client.get("/settings/webhooks/").content.decode()


def test_a_wrong_address_is_explained_and_kept(acme, ana, client_of, settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    client = client_of(acme, user=ana)

    response = client.post("/settings/webhooks/add/", {"url": "http://crm.example/", "events": ["message.created"]})

    assert response.status_code == 422
    assert 'value="http://crm.example/"' in response.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_page_of_one_shows_what_was_sent_and_sends_again(acme, ana, client_of, endpoint):
    event_id = uuid7()
    deliveries.emit("message.created", event_id=event_id, data={"text": "<b>oi</b>"}, at=NOON)
    delivery = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(state="failed")
    client = client_of(acme, user=ana)

    page = client.get(f"/settings/webhooks/{endpoint.pk}/").content.decode()
    assert str(event_id) in page
    assert "<b>oi</b>" not in page
    response = client.post(f"/settings/webhooks/{endpoint.pk}/replay/{delivery.pk}/")

    assert response.status_code == 302
    delivery.refresh_from_db()
    assert delivery.state == "queued"


def test_agents_and_other_tenants_do_not_see_them(acme, beta, bia, client_of, endpoint):
    agent, owner_of_beta = client_of(acme, user=bia), client_of(beta, role="owner")

    for address in ("/settings/webhooks/", f"/settings/webhooks/{endpoint.pk}/"):
        assert agent.get(address).status_code == 403
    assert owner_of_beta.get(f"/settings/webhooks/{endpoint.pk}/").status_code == 404
    assert owner_of_beta.post(f"/settings/webhooks/{endpoint.pk}/remove/").status_code == 404
    assert owner_of_beta.get(f"/api/v1/chat/webhooks/{endpoint.pk}/").status_code == 404
    with tenant_context(acme):
        assert WebhookEndpoint.objects.filter(pk=endpoint.pk).exists()


def test_the_api_does_the_same(acme, ana, client_of):
    client = client_of(acme, user=ana)
    sent = {"url": "https://crm.example/hook", "events": ["*"]}

    created = client.post("/api/v1/chat/webhooks/", sent, content_type="application/json")
    address = f"/api/v1/chat/webhooks/{created.json()['id']}/"
    assert created.status_code == 201
    assert created.json()["secret"].startswith("whsec_")
    assert "secret" not in client.get(address).json()
    test = client.post(f"{address}test/")
    assert (test.status_code, test.json()["event"]) == (202, "ping")
    (delivery,) = client.get(f"{address}deliveries/").json()["results"]
    assert client.post(f"{address}deliveries/{delivery['id']}/replay/").status_code == 202
    assert client.post(f"{address}deliveries/{uuid7()}/replay/").status_code == 404
    changed = client.patch(address, {"events": ["message.eaten"]}, content_type="application/json")
    assert (changed.status_code, changed.json()["errors"][0]["field"]) == (422, "events")
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
