import hashlib
import hmac
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from billing import entitlements
from chat.errors import ContactBlocked, IdentityRefused, OriginRefused, VisitorTokenRefused, WidgetTokenRefused
from chat.models import Contact, ContactInbox, Conversation
from chat.services import contacts, inboxes, widget
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from ops.kernel.alerts.models import Alert
from ops.kernel.errors import Invalid
from ops.kernel.metering import services as metering


def come(inbox, **identity):
    return widget.open_session(inbox=inbox, now=timezone.now(), **{"visitor_id": uuid4(), **identity})


def test_the_same_browser_is_the_same_visitor_and_the_secret_is_not_kept(acme):
    inbox, secret = InboxFactory(), uuid4()

    first, token = come(inbox, visitor_id=secret)
    again, _ = come(inbox, visitor_id=secret)
    other, _ = come(inbox)

    assert first == again == widget.visitor_behind(token)
    assert other.contact_id != first.contact_id
    assert str(secret) not in ContactInbox.objects.get(pk=first.contact_inbox_id).source_id


def test_an_identifier_counts_only_when_the_website_signed_it(acme):
    inbox = InboxFactory()
    signed = hmac.new(inbox.hmac_secret.encode(), b"customer-7", hashlib.sha256).hexdigest()

    phone, _ = come(inbox, identifier="customer-7", identifier_hash=signed)
    laptop, _ = come(inbox, identifier="customer-7", identifier_hash=signed)
    for wrong in ("", "0" * 64, "ç" * 64):
        with pytest.raises(IdentityRefused):
            come(inbox, identifier="customer-7", identifier_hash=wrong)

    assert phone == laptop
    assert Contact.objects.get().identifier == "customer-7"


def test_tokens_open_nothing_elsewhere(acme, beta):
    inbox = InboxFactory()
    visitor, token = come(inbox)

    with tenant_context(beta), pytest.raises(VisitorTokenRefused):
        widget.visitor_behind(token)
    for bad in ("", "x", token + "x", "\x00", "é"):
        with pytest.raises(VisitorTokenRefused):
            widget.visitor_behind(bad)
    Contact.objects.update(blocked=True)
    with pytest.raises(ContactBlocked):
        widget.visitor_behind(token)
    Contact.objects.update(blocked=False)
    inboxes.change(inbox=inbox, by=None, active=False)
    with pytest.raises(VisitorTokenRefused):
        widget.visitor_behind(token)


def test_only_listed_websites_may_use_an_inbox(acme):
    inbox = inboxes.change(
        inbox=InboxFactory(), by=None, allowed_origins=["HTTPS://Shop.example/", "https://shop.example"]
    )

    assert inbox.allowed_origins == ["https://shop.example"]
    assert widget.inbox_for(website_token=inbox.website_token, origin="https://shop.example") == inbox
    with pytest.raises(OriginRefused):
        widget.inbox_for(website_token=inbox.website_token, origin="https://evil.example")
    with pytest.raises(WidgetTokenRefused):
        widget.inbox_for(website_token="nobody")
    for bad in (
        "shop.example",
        "https://shop.example/path",
        "javascript:alert(1)",
        "https://[",
        "https://u@shop.example",
    ):
        with pytest.raises(Invalid):
            inboxes.change(inbox=inbox, by=None, allowed_origins=[bad])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("(11) 98811-2040", "+5511988112040"),
        ("011 3322-1144", "+551133221144"),
        ("+49 30 5550 1122", "+493055501122"),
        ("+1 (415) 555-0123", "+14155550123"),
    ],
)
def test_phones_are_kept_with_their_country(acme, written, kept):
    assert contacts.create(phone_e164=written).phone_e164 == kept


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("+5511912345678", "+55 11 91234-5678"),
        ("+14155550123", "+1 415-555-0123"),
        ("+351912345678", "+351 912 345 678"),
        ("", ""),
        ("not a phone", "not a phone"),
    ],
)
def test_phones_are_shown_as_people_write_them(kept, shown):
    assert Contact(phone_e164=kept).phone == shown


@pytest.mark.parametrize("fields", [{"phone_e164": "12"}, {"phone_e164": "call me"}, {"email": "nobody"}])
def test_what_is_no_address_is_refused(acme, fields):
    with pytest.raises(Invalid):
        contacts.create(**fields)

    assert not Contact.objects.exists()


def test_beyond_the_plan_a_message_still_arrives_and_the_team_is_told(acme, monkeypatch):
    limits = entitlements.Terms(plan="s", plan_name="S", order=1, limits={"chat.conversations_month": 1}, flags={})
    monkeypatch.setattr(entitlements, "terms", lambda tenant=None: limits)

    first, second = MessageFactory(), MessageFactory()
    MessageFactory(conversation=second.conversation)

    over = Conversation.objects.order_by("number").values_list("over_quota", flat=True)
    assert list(over) == [False, True]
    assert first.body
    assert metering.total("chat.conversations", period=timezone.now()) == 2
    assert Alert.objects.filter(kind="chat.limit_reached").count() == 1


def test_a_conversation_without_a_word_of_the_visitor_is_not_counted(acme, bia):
    MessageFactory(conversation=ConversationFactory(), by=bia)

    assert metering.total("chat.conversations", period=timezone.now()) == 0
