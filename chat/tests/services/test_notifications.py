"""Who is told of what, once, on the page and on their browsers."""

import base64
import json
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import AgentProfile, Mention, Notification, PushSubscription
from chat.providers import webpush
from chat.services import agents, assignment, handling, messages, notifications, push
from chat.tests.factories import ConversationFactory, MessageFactory, NotificationFactory, TeamFactory
from conftest import person
from ops.kernel.errors import Invalid, NotFound, PermanentFailure, TemporaryFailure
from ops.kernel.http import ServiceUnavailable
from tenants.services import domains


def of(user):
    return {row.key.split(":")[0]: row for row in Notification.objects.filter(user=user)}


def note(conversation, by, *called):
    sent = messages.send(
        conversation_id=conversation.pk,
        by=by,
        body="Please look at this",
        client_id=uuid4(),
        private=True,
        mentions=called,
    )
    notifications.of_message(message_id=sent.id, now=timezone.now())
    return sent


def test_a_colleague_who_is_called_is_told_and_a_team_is_everybody_of_it(acme, ana, bia):
    caio = person(acme, "agent", email="caio@acme.example", name="Caio")
    conversation, team = ConversationFactory(), TeamFactory(members=[ana, caio])

    sent = note(conversation, bia, team.pk, bia.pk)

    assert {row.user for row in Mention.objects.all()} == {ana, caio}
    assert sorted(entry["name"] for entry in sent.wire["meta"]["mentions"]) == sorted(
        user.name for user in (ana, bia, caio)
    )
    told = of(ana)["mention"]
    assert (told.author, told.text, told.conversation) == (bia, "Please look at this", conversation)
    assert of(bia) == {}


def test_nobody_outside_the_team_can_be_called(acme, beta, bia, caio):
    conversation = ConversationFactory()

    with pytest.raises(Invalid) as refused:
        note(conversation, bia, caio.pk)

    assert refused.value.errors[0].field == "mentions"
    assert not Mention.objects.exists()


def test_names_of_who_is_called_reach_no_visitor(acme, ana, bia):
    conversation = ConversationFactory()

    sent = messages.send(
        conversation_id=conversation.pk, by=bia, body="Ana will help you", client_id=uuid4(), mentions=[ana.pk]
    )

    assert sent.wire["meta"] == {}
    assert Mention.objects.get().user == ana


def test_a_conversation_rings_once_until_somebody_looks(acme, bia):
    conversation = ConversationFactory(assignee=bia)
    for _ in range(3):
        message = MessageFactory(conversation=conversation)
        notifications.of_message(message_id=message.pk, now=timezone.now())

    assert (of(bia)["message"].count, Notification.objects.of(bia).unread().count()) == (3, 1)

    notifications.read_of(user=bia, conversation_id=conversation.pk, now=timezone.now())
    assert Notification.objects.of(bia).unread().count() == 0
    notifications.of_message(message_id=MessageFactory(conversation=conversation).pk, now=timezone.now())
    assert (of(bia)["message"].count, of(bia)["message"].read_at) == (1, None)


def test_a_muted_conversation_tells_nobody_but_who_is_called(acme, ana, bia):
    conversation = ConversationFactory(assignee=bia)
    handling.mute(conversation_id=conversation.pk, by=bia)

    notifications.of_message(message_id=MessageFactory(conversation=conversation).pk, now=timezone.now())
    note(conversation, ana, bia.pk)

    assert set(of(bia)) == {"mention"}


def test_who_is_given_a_conversation_is_told_and_who_takes_it_is_not(acme, ana, bia):
    given, taken = ConversationFactory(), ConversationFactory()
    assignment.assign(conversation_id=given.pk, to=bia, by=ana)
    assignment.claim(conversation_id=taken.pk, by=bia)

    for conversation, by in ((given, ana), (taken, bia)):
        notifications.of_assignment(
            conversation_id=conversation.pk, assignee_id=bia.pk, by_id=by.pk, now=timezone.now()
        )

    assert [row.conversation for row in Notification.objects.of(bia)] == [given]


def test_a_team_hears_of_a_conversation_nobody_has(acme, ana, bia):
    conversation, team = ConversationFactory(), TeamFactory(members=[ana, bia])
    assignment.assign_team(conversation_id=conversation.pk, team=team, by=bia)

    notifications.of_team(conversation_id=conversation.pk, team_id=team.pk, by_id=bia.pk, now=timezone.now())

    assert (set(of(ana)), set(of(bia))) == ({"team"}, set())


def test_everybody_chooses_what_they_are_told(acme, ana, bia):
    conversation = ConversationFactory(assignee=bia)
    agents.change(user=bia, by=bia, notify={"message": [], "queue": ["in_app"]})
    notifications.of_message(message_id=MessageFactory(conversation=conversation).pk, now=timezone.now())
    new = ConversationFactory()
    notifications.of_queue(conversation_id=new.pk, now=timezone.now())

    assert [row.key for row in Notification.objects.of(bia)] == [f"queue:{new.pk}"]
    assert not Notification.objects.of(ana).exists()
    with pytest.raises(Invalid):
        agents.change(user=bia, by=bia, notify={"message": ["pigeon"]})
    assert AgentProfile.objects.get(user=bia).notify == {"message": [], "queue": ["in_app"]}


# --- Web Push -------------------------------------------------------------------------------------------


class Browser:
    """A browser's half of Web Push, as RFC 8291 says: it makes its keys and reads what it gets."""

    def __init__(self, endpoint="https://push.example/send/abc?x=1"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"0123456789abcdef"
        self.endpoint = endpoint

    @property
    def point(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def said(self):
        return {"endpoint": self.endpoint, "p256dh": text(self.point), "auth": text(self.secret)}

    def read(self, body):
        salt, size, theirs = body[:16], int.from_bytes(body[16:20], "big"), body[21 : 21 + body[20]]
        assert size == 4096
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = hkdf(shared, self.secret, b"WebPush: info\x00" + self.point + theirs, 32)
        key = hkdf(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = hkdf(secret, salt, b"Content-Encoding: nonce\x00", 12)
        plain = AESGCM(key).decrypt(nonce, body[21 + body[20] :], None)
        assert plain.endswith(b"\x02")
        return json.loads(plain[:-1])


def hkdf(secret, salt, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(value):
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


@pytest.fixture
def push_service(fake_http, settings):
    settings.BASE_URLS = settings.BASE_URLS | {"webpush": fake_http.url}
    return fake_http


def test_a_notification_reaches_the_browser_encrypted_and_signed(acme, bia, push_service):
    push_service.on("POST", "/send/abc").reply(201)
    browser, conversation = Browser(), ConversationFactory()
    push.subscribe(user=bia, user_agent="Firefox", **browser.said)
    row = NotificationFactory(user=bia, conversation=conversation, text="Where is my order?", key="message:1")

    assert push.deliver(notification_id=row.pk, now=timezone.now()) == 1

    sent = push_service.requests[0]
    read = browser.read(sent.body)
    assert read.pop("why")
    assert read == {
        "title": str(conversation.contact),
        "kind": "mention",
        "body": "Where is my order?",
        "count": 1,
        "tag": "message:1",
        "url": domains.url_of(acme, f"/chat/c/{conversation.number}"),
    }
    assert (sent.headers["Content-Encoding"], sent.headers["Urgency"], sent.query) == (
        "aes128gcm",
        "high",
        {"x": ["1"]},
    )
    assert int(sent.headers["TTL"]) > 0
    scheme, rest = sent.headers["Authorization"].split(" ", 1)
    token, public = (part.split("=", 1)[1] for part in rest.split(", "))
    head, claims, signature = token.split(".")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(public))
    r, s = raw(signature)[:32], raw(signature)[32:]
    key.verify(
        encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")),
        f"{head}.{claims}".encode(),
        ec.ECDSA(hashes.SHA256()),
    )
    assert (scheme, public, json.loads(raw(claims))["aud"]) == ("vapid", push.public_key(), "https://push.example")
    assert json.loads(raw(claims))["sub"].startswith("mailto:")


def test_a_browser_that_is_gone_is_forgotten_and_a_busy_service_is_asked_again(acme, bia, push_service):
    push_service.on("POST", "/send/gone").reply(410)
    push_service.on("POST", "/send/busy").reply(429)
    row = NotificationFactory(user=bia)
    push.subscribe(user=bia, **Browser("https://push.example/send/gone").said)
    assert push.deliver(notification_id=row.pk, now=timezone.now()) == 0
    assert not PushSubscription.objects.exists()

    push.subscribe(user=bia, **Browser("https://push.example/send/busy").said)
    with pytest.raises(TemporaryFailure):
        push.deliver(notification_id=row.pk, now=timezone.now())
    assert PushSubscription.objects.get().failures == 0


def test_what_was_looked_at_meanwhile_is_not_pushed(acme, bia, push_service):
    push.subscribe(user=bia, **Browser().said)
    row = NotificationFactory(user=bia)
    Notification.objects.filter(pk=row.pk).update(read_at=row.created_at, updated_at=timezone.now())

    assert push.deliver(notification_id=row.pk, now=timezone.now()) == 0
    assert push_service.requests == []


def test_an_address_in_our_own_network_is_never_called(acme, bia, fake_http, settings):
    settings.BASE_URLS = settings.BASE_URLS | {"webpush": ""}
    row = NotificationFactory(user=bia)
    push.subscribe(user=bia, **Browser("https://127.0.0.1/send/abc").said)

    assert push.deliver(notification_id=row.pk, now=timezone.now()) == 0

    assert (fake_http.requests, PushSubscription.objects.get().failures) == ([], 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "http://push.example/x"}, "endpoint"),
        ({"endpoint": "https://user@push.example/x"}, "endpoint"),
        ({"auth": "short"}, "keys"),
        ({"p256dh": "AAAA"}, "keys"),
        ({"p256dh": "é"}, "keys"),
    ],
)
def test_what_no_browser_says_is_refused(acme, bia, change, field):
    with pytest.raises(Invalid) as refused:
        push.subscribe(user=bia, **Browser().said | change)

    assert refused.value.errors[0].field == field
    assert not PushSubscription.objects.exists()


def test_the_installation_has_one_key_and_a_browser_belongs_to_who_used_it_last(acme, beta, ana, bia):
    first = push.public_key()
    with tenant_context(beta):
        assert push.public_key() == first
    browser = Browser()
    push.subscribe(user=ana, **browser.said)
    push.subscribe(user=bia, **browser.said)

    assert PushSubscription.objects.get().user == bia
    with pytest.raises(NotFound):
        push.unsubscribe(user=ana, endpoint=browser.endpoint)
    push.unsubscribe(user=bia, endpoint=browser.endpoint)
    assert not PushSubscription.objects.exists()


def test_a_message_longer_than_a_push_service_takes_is_our_own_mistake():
    browser = webpush.Browser(**Browser().said)
    keys = webpush.Keys(private=webpush.new_keys(), contact="mailto:x@example.org")

    with pytest.raises(ValueError, match="at most"):
        webpush.send(browser, {"body": "x" * 4096}, keys=keys, ttl_s=1, base_url="http://127.0.0.1:9")
    with pytest.raises((ServiceUnavailable, PermanentFailure)):
        webpush.send(browser, {"body": "x"}, keys=keys, ttl_s=1, base_url="http://127.0.0.1:9")
