"""Acceptance: what happens at 99, 100, 101 and 110 % of the month's conversations."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core import mail
from django_tenants.utils import schema_context

from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.models import Conversation, LeftMessage
from chat.services import conversations, left, messages, notices, quota
from chat.tests.factories import ContactInboxFactory
from ops.kernel.alerts.models import Alert
from ops.kernel.metering import services as metering
from tenants.models import Tenant
from tenants.services import resellers

LIMIT = 100


@pytest.fixture
def plan(acme):
    with schema_context("public"):
        SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"chat.conversations_month": LIMIT}))


@pytest.fixture
def visitor(acme):
    link = ContactInboxFactory()
    return conversations.Visitor(link.pk, link.contact_id, link.inbox_id, "Rita")


def used_before(count, *, now):
    metering.record_batch(
        [metering.Usage(quota.METER, event_id=f"conversation:{uuid4()}", at=now) for _ in range(count)], now=now
    )


def write(visitor, *, now):
    conversation = conversations.start(visitor=visitor, client_id=uuid4(), now=now)
    messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, body="Hi", client_id=uuid4(), now=now)
    return Conversation.objects.get(pk=conversation.pk)


@pytest.mark.parametrize(
    ("number", "over", "kinds", "room_after"),
    [
        (79, False, [], True),
        (80, False, ["chat.limit_near"], True),
        (90, False, ["chat.limit_near"], True),
        (99, False, [], True),
        (100, False, ["chat.limit_reached"], True),
        (101, True, [], True),
        (109, True, [], True),
        (110, True, ["chat.limit_passed"], False),
    ],
)
def test_each_step(plan, visitor, noon, number, over, kinds, room_after, django_capture_on_commit_callbacks):
    used_before(number - 1, now=noon)

    with django_capture_on_commit_callbacks() as after:
        conversation = write(visitor, now=noon)

    assert conversation.over_quota is over
    assert list(Alert.objects.values_list("kind", flat=True)) == kinds
    letters = [callback for callback in after if "send_limit_letter" in str(callback)]
    assert len(letters) == 2 * len(kinds)  # to the customer and to the reseller
    assert quota.has_room(now=noon) is room_after


def test_far_beyond_the_plan_an_old_thread_goes_on_instead_of_a_new_one(plan, visitor, ana, noon):
    conversation = write(visitor, now=datetime(2026, 10, 1, 12, tzinfo=UTC))
    conversations.set_status(
        conversation_id=conversation.pk, status="resolved", by=ana, now=datetime(2026, 10, 2, 12, tzinfo=UTC)
    )
    used_before(110, now=noon)

    sent = messages.send_from_visitor(
        conversation_id=conversation.pk, visitor=visitor, body="Hi again", client_id=uuid4(), now=noon
    )

    assert sent.conversation_id == conversation.pk
    assert metering.total(quota.METER, period=noon) == 110


def test_the_counter_starts_again_on_the_first_in_sao_paulo(plan, acme):
    used_before(110, now=datetime(2026, 11, 30, 12, tzinfo=UTC))

    assert not quota.has_room(now=datetime(2026, 12, 1, 2, 59, tzinfo=UTC))
    assert quota.has_room(now=datetime(2026, 12, 1, 3, 0, tzinfo=UTC))


def test_without_a_limit_there_is_always_room(acme, noon):
    with schema_context("public"):
        SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={}))

    assert quota.has_room(now=noon)


def test_the_customer_and_the_reseller_are_written_to(acme, ana, noon, django_capture_on_commit_callbacks):
    with schema_context("public"):
        reseller = resellers.create(
            name="Rede",
            slug="rede",
            owner_email="boss@rede.example",
            owner_name="Rui",
            owner_password="velho barco azul na ponte",
            now=noon,
        )
        Tenant.objects.filter(pk=acme.pk).update(reseller=reseller)
    mail.outbox.clear()

    about = {"step": 90, "limit": 1000, "used": 900}

    for audience, to in (("tenant", "ana@acme.example"), ("reseller", "boss@rede.example")):
        with django_capture_on_commit_callbacks() as tasks:
            assert notices.order_limit_letters(audience=audience, **about) == 1
        assert to in repr(tasks)
        # A task that runs again finds its letter sent.
        sent = [notices.send_limit_letter(audience=audience, to=to, **about) for _again in range(2)]
        assert sent == [True, False]

    assert [letter.to for letter in mail.outbox] == [["ana@acme.example"], ["boss@rede.example"]]
    assert "90" in mail.outbox[0].subject
    assert mail.outbox[1].subject.startswith("Acme")
    assert "1.000" in mail.outbox[1].body


def test_what_was_said_is_settled_when_the_month_is_over(plan, visitor, noon):
    used_before(99, now=noon)
    write(visitor, now=noon)

    quota.settle(now=noon)
    assert Alert.objects.active().count() == 1
    quota.settle(now=datetime(2026, 12, 1, 12, tzinfo=UTC))

    assert not Alert.objects.active().exists()


# --- What is left instead --------------------------------------------------------------------------------


def test_a_left_message_is_kept_once_and_completed(visitor, noon):
    key = uuid4()

    first = left.keep(visitor=visitor, client_id=key, body="Do you deliver?", now=noon)
    again = left.keep(visitor=visitor, client_id=key, body="Do you deliver?", email="Rita@mail.example", now=noon)

    assert first.pk == again.pk
    assert LeftMessage.objects.get().email == "rita@mail.example"


def test_a_left_message_becomes_a_conversation(visitor, bia, noon):
    row = left.keep(visitor=visitor, client_id=uuid4(), body="Do you deliver?", email="rita@mail.example", now=noon)

    conversation = left.take_up(left_id=row.pk, by=bia, now=noon)

    assert (conversation.assignee, conversation.contact.email) == (bia, "rita@mail.example")
    assert [message.body for message in conversation.messages.filter(direction="in")] == ["Do you deliver?"]
    with pytest.raises(left.AlreadyHandled):
        left.dismiss(left_id=row.pk, by=bia, now=noon)
