"""Events reach other systems signed, once in the record, again until they answer, and never a private address."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.ids import uuid7
from ops.kernel.webhooks import errors
from ops.kernel.webhooks.enums import State
from ops.kernel.webhooks.models import WebhookDelivery
from ops.kernel.webhooks.services import deliveries, endpoints

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PING = "message.created"


@pytest.fixture
def endpoint(acme, ana, fake_http, settings):
    """An endpoint of acme on the pretended internet."""
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    return endpoints.create(url=f"{fake_http.url}/hook", events=[PING], by=ana, now=NOON)


def emitted(at=NOON, **data):
    event_id = uuid7()
    deliveries.emit(PING, event_id=event_id, data=data, at=at)
    return WebhookDelivery.objects.get(event_id=event_id)


def verify(secret, request):
    """As the other side does it (Standard Webhooks 1.0, "Verifying signatures")."""
    message = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return wanted in request.headers["webhook-signature"].split(" ")


def test_an_event_arrives_signed_with_one_id(endpoint, fake_http):
    fake_http.on("POST", "/hook").reply(204)
    delivery = emitted(text="Bom dia, açúcar")

    deliveries.deliver(delivery_id=delivery.pk, now=NOON)

    (request,) = fake_http.requests
    assert verify(endpoint.secret, request)
    assert not verify("whsec_" + base64.b64encode(b"another key of somebody.").decode(), request)
    assert request.headers["X-Event-Id"] == request.headers["webhook-id"] == str(delivery.event_id)
    assert request.json == {
        "id": str(delivery.event_id),
        "type": PING,
        "timestamp": NOON.isoformat(),
        "data": {"text": "Bom dia, açúcar"},
    }
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.delivered_at) == (State.DELIVERED, 1, NOON)


def test_the_signature_is_that_of_the_published_example(endpoint):
    # The example of the specification's reference libraries.
    endpoint.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = deliveries.signed(
        endpoint, "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', now=datetime.fromtimestamp(1614265330, UTC)
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_same_event_again_adds_nothing(endpoint):
    event_id = uuid7()

    for _ in range(3):
        assert deliveries.emit(PING, event_id=event_id, data={}, at=NOON) == 1

    assert WebhookDelivery.objects.filter(event_id=event_id).count() == 1


def test_only_who_asks_gets_it(endpoint, ana):
    everything = endpoints.create(url=endpoint.url, events=["*"], by=ana, now=NOON)
    off = endpoints.create(url=endpoint.url, events=[PING], by=ana, enabled=False, now=NOON)

    deliveries.emit("conversation.created", event_id=uuid7(), data={}, at=NOON)
    deliveries.emit(PING, event_id=uuid7(), data={}, at=NOON)

    got = {
        row.pk: [*row.deliveries.order_by("event").values_list("event", flat=True)]
        for row in (endpoint, everything, off)
    }
    assert got == {endpoint.pk: [PING], everything.pk: ["conversation.created", PING], off.pk: []}


def test_a_failure_is_tried_again_later_and_later_with_the_same_bytes(endpoint, fake_http):
    fake_http.on("POST", "/hook").reply(500, {"detail": "busy"}).reply(302, headers={"Location": "/x"}).reply(200)
    delivery = emitted()

    deliveries.deliver(delivery_id=delivery.pk, now=NOON)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at) == (State.QUEUED, NOON + timedelta(seconds=5))
    deliveries.deliver(delivery_id=delivery.pk, now=NOON + timedelta(seconds=4))  # not yet
    assert len(fake_http.requests) == 1
    deliveries.deliver(delivery_id=delivery.pk, now=NOON + timedelta(seconds=5))
    delivery.refresh_from_db()
    assert delivery.due_at == NOON + timedelta(seconds=35)
    deliveries.deliver(delivery_id=delivery.pk, now=NOON + timedelta(seconds=35))

    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED
    assert [attempt["status"] for attempt in delivery.history] == [500, 302, 200]
    assert len({request.body for request in fake_http.requests}) == 1
    assert {request.headers["webhook-id"] for request in fake_http.requests} == {str(delivery.event_id)}
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_it_is_given_up_after_eleven_attempts(endpoint, fake_http):
    fake_http.on("POST", "/hook").reply(500)
    delivery, now = emitted(), NOON

    while delivery.state == State.QUEUED:
        deliveries.deliver(delivery_id=delivery.pk, now=now)
        delivery.refresh_from_db()
        now = delivery.due_at

    assert (delivery.state, delivery.attempts, len(fake_http.requests)) == (State.FAILED, 11, 11)
    endpoint.refresh_from_db()
    assert endpoint.enabled


@pytest.mark.parametrize(("status", "after"), [(410, timedelta()), (500, timedelta(days=5))])
def test_an_address_that_is_gone_is_switched_off_and_somebody_is_told(endpoint, fake_http, status, after):
    fake_http.on("POST", "/hook").reply(status)
    first, last = emitted(), emitted(at=NOON + after)

    deliveries.deliver(delivery_id=first.pk, now=NOON)
    deliveries.deliver(delivery_id=last.pk, now=NOON + after)

    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert Alert.objects.get(key=f"webhook:{endpoint.pk}").kind == "webhooks.switched_off"
    assert AuditEntry.objects.filter(action="webhooks.endpoint_switched_off").count() == 1
    assert deliveries.emit(PING, event_id=uuid7(), data={}, at=NOON) == 0


def test_a_replay_sends_the_same_event_again(endpoint, fake_http, ana):
    fake_http.on("POST", "/hook").reply(200)
    delivery = emitted(n=1)
    deliveries.deliver(delivery_id=delivery.pk, now=NOON)

    deliveries.replay(endpoint_id=endpoint.pk, delivery_id=delivery.pk, by=ana, now=NOON + timedelta(hours=1))
    deliveries.deliver(delivery_id=delivery.pk, now=NOON + timedelta(hours=1))

    first, second = fake_http.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert verify(endpoint.secret, second)
    delivery.refresh_from_db()
    assert [attempt["status"] for attempt in delivery.history] == [200, 200]


def test_a_second_process_finds_a_delivery_taken(endpoint, fake_http):
    fake_http.on("POST", "/hook").reply(200)
    delivery = emitted()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(due_at=NOON + deliveries.LEASE, attempts=1)

    deliveries.deliver(delivery_id=delivery.pk, now=NOON)

    assert fake_http.requests == []


def test_for_a_day_both_secrets_sign(endpoint, fake_http, ana):
    old = endpoint.secret
    endpoint = endpoints.rotate_secret(endpoint_id=endpoint.pk, by=ana, now=NOON)
    fake_http.on("POST", "/hook").reply(200)
    first, second = emitted(), emitted(at=NOON + timedelta(hours=24))

    deliveries.deliver(delivery_id=first.pk, now=NOON)
    deliveries.deliver(delivery_id=second.pk, now=NOON + timedelta(hours=24))

    early, late = fake_http.requests
    assert verify(endpoint.secret, early)
    assert verify(old, early)
    assert verify(endpoint.secret, late)
    assert not verify(old, late)


def test_a_private_address_is_never_called(endpoint, fake_http, settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    delivery = emitted()

    deliveries.deliver(delivery_id=delivery.pk, now=NOON)

    assert fake_http.requests == []
    delivery.refresh_from_db()
    assert (delivery.state, delivery.history[0]["status"]) == (State.QUEUED, 0)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"url": "http://shop.example/hook"}, errors.UnusableAddress),
        ({"url": "https://user:secret@shop.example/"}, errors.UnusableAddress),
        ({"url": "javascript:alert(1)"}, errors.UnusableAddress),
        ({"events": []}, errors.NoEvents),
        ({"events": ["message.eaten"]}, errors.UnknownEvent),
    ],
)
def test_bad_endpoints_are_refused(acme, ana, settings, changes, error):
    settings.WEBHOOK_PRIVATE_ADDRESSES = False

    with pytest.raises(error):
        endpoints.create(**{"url": "https://shop.example/hook", "events": [PING]} | changes, by=ana, now=NOON)


def test_the_secret_is_not_readable_in_the_database(endpoint):
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as sql:
        sql.execute("SELECT secret FROM webhooks_webhookendpoint")
        assert endpoint.secret not in json.dumps(sql.fetchall())


def test_settled_deliveries_are_forgotten_after_a_month(endpoint):
    old, new, waiting = emitted(), emitted(at=NOON + timedelta(days=5)), emitted()
    WebhookDelivery.objects.filter(pk__in=[old.pk, new.pk]).update(state=State.DELIVERED)

    deliveries.prune(now=NOON + timedelta(days=31))

    assert {*WebhookDelivery.objects.values_list("pk", flat=True)} == {new.pk, waiting.pk}
