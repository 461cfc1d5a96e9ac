from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import ChatEvent, Conversation, Notification, SlaEvent, SlaPolicy
from chat.services import assignment, conversations, hours, messages, sla
from chat.tests.factories import ContactInboxFactory, InboxFactory, SlaPolicyFactory
from ops.kernel.errors import Invalid
from ops.kernel.outbox.models import OutboxEvent
from ops.kernel.outbox.services.dispatching import Dispatcher

MINUTE = timedelta(minutes=1)


@pytest.fixture
def inbox(acme):
    policy = SlaPolicyFactory(first_response_min=15, next_response_min=30, resolution_min=240)
    return InboxFactory(sla_policy=policy)


class Story:
    """One visitor and one agent, minute by minute."""

    def __init__(self, inbox, agent, began):
        link = ContactInboxFactory(inbox=inbox)
        self.visitor = conversations.Visitor(link.pk, link.contact_id, inbox.pk, "Rita")
        self.agent, self.began = agent, began
        self.pk = conversations.start(visitor=self.visitor, client_id=uuid4(), now=began).pk
        Conversation.objects.filter(pk=self.pk).update(created_at=began)
        sla.begin(conversation_id=self.pk, now=began)

    def at(self, minute):
        return self.began + minute * MINUTE

    def asks(self, minute):
        messages.send_from_visitor(
            conversation_id=self.pk, visitor=self.visitor, body="?", client_id=uuid4(), now=self.at(minute)
        )
        sla.follow(conversation_id=self.pk, now=self.at(minute))

    def replies(self, minute):
        messages.send(conversation_id=self.pk, by=self.agent, body="!", client_id=uuid4(), now=self.at(minute))
        sla.follow(conversation_id=self.pk, now=self.at(minute))

    def moves(self, minute, status):
        conversations.set_status(conversation_id=self.pk, status=status, by=self.agent, now=self.at(minute))
        sla.follow(conversation_id=self.pk, now=self.at(minute))

    def clock(self, kind):
        return SlaEvent.objects.filter(conversation=self.pk, kind=kind).order_by("started_at").last()

    @property
    def row(self):
        return Conversation.objects.get(pk=self.pk)


@pytest.fixture
def story(inbox, bia, noon):
    return Story(inbox, bia, noon)


def test_a_kept_promise(story):
    story.asks(0)
    assert story.row.sla["kind"] == "first_response"
    assert story.row.sla_due_at == story.at(15)

    story.replies(10)

    clock = story.clock("first_response")
    assert (clock.ended_at, clock.breached_at) == (story.at(10), None)
    assert story.row.sla["kind"] == "resolution"  # what ends next
    story.asks(20)
    assert (story.row.sla["kind"], story.row.sla_due_at) == ("next_response", story.at(50))
    story.replies(25)
    story.moves(30, "resolved")
    assert story.row.sla is None
    assert not SlaEvent.objects.filter(ended_at=None).exists()


def test_warned_then_broken_and_told(story):
    story.asks(0)

    assert sla.sweep(now=story.at(11)) == 0
    assert sla.sweep(now=story.at(12)) == 1  # 80 % of a quarter of an hour
    assert sla.sweep(now=story.at(12)) == 0
    assert story.row.sla["state"] == "warned"
    assert sla.sweep(now=story.at(16)) == 1
    assert story.row.sla["state"] == "breached"
    assert sla.sweep(now=story.at(17)) == 0

    told = ChatEvent.objects.filter(conversation=story.pk, type="conversation.sla").order_by("seq")
    assert [row.payload["what"] for row in told] == ["started", "started", "warning", "breach"]
    assert all(row.pub_seq is None for row in told)  # visitors do not hear of it
    names = OutboxEvent.objects.filter(name__startswith="chat.sla").values_list("name", flat=True)
    assert sorted(names) == ["chat.sla_breached", "chat.sla_warned"]


def test_whoever_has_the_conversation_is_told_before_it_is_late(story, bia):
    assignment.claim(conversation_id=story.pk, by=bia, now=story.at(0))
    story.asks(0)

    sla.sweep(now=story.at(12))
    Dispatcher().drain()

    assert [(row.user, row.kind) for row in Notification.objects.filter(kind="sla")] == [(bia, "sla")]


def test_a_late_reply_breaks_the_promise_even_when_nobody_looked(story):
    story.asks(0)

    story.replies(20)

    clock = story.clock("first_response")
    assert (clock.ended_at, clock.breached_at) == (story.at(20), story.at(15))


def test_a_snooze_stops_the_clock(story):
    story.asks(0)
    story.moves(5, "snoozed")
    assert story.row.sla["state"] == "paused"
    assert sla.sweep(now=story.at(100)) == 0

    story.moves(100, "open")

    assert story.row.sla_due_at == story.at(110)


def test_the_clock_stands_still_outside_the_hours(acme, bia, ana, noon):
    policy = SlaPolicyFactory(first_response_min=60, business_hours=True)
    inbox = InboxFactory(sla_policy=policy, timezone="UTC")
    # Noon is a Friday's; it closes in half an hour and opens on Monday.
    hours.change(inbox=inbox, by=ana, now=noon, active=True, week=[[["09:00", "12:30"]]] * 5 + [[], []])
    story = Story(inbox, bia, noon)

    story.asks(0)

    assert story.row.sla_due_at == noon + timedelta(days=3) - timedelta(hours=3) + 30 * MINUTE
    # Open longer on Friday: what is left runs there.
    hours.change(inbox=inbox, by=ana, now=story.at(10), week=[[["09:00", "18:00"]]] * 5 + [[], []])
    assert story.row.sla_due_at == story.at(60)


def test_following_twice_changes_nothing(story):
    story.asks(0)
    before = (story.row.last_seq, SlaEvent.objects.count())

    sla.follow(conversation_id=story.pk, now=story.at(1))

    assert (story.row.last_seq, SlaEvent.objects.count()) == before


def test_two_questions_between_two_looks_are_two_promises(story):
    story.asks(0)
    story.replies(1)
    story.asks(2)
    first = story.clock("next_response").pk
    # A reply and another question happen before anybody follows.
    messages.send(conversation_id=story.pk, by=story.agent, body="!", client_id=uuid4(), now=story.at(3))
    messages.send_from_visitor(
        conversation_id=story.pk, visitor=story.visitor, body="?", client_id=uuid4(), now=story.at(4)
    )

    sla.follow(conversation_id=story.pk, now=story.at(5))

    assert story.clock("next_response").pk != first
    assert story.row.sla_due_at == story.at(34)


def test_another_promise_cancels_the_first(story, noon):
    story.asks(0)

    sla.apply(conversation_id=story.pk, policy=SlaPolicyFactory(first_response_min=5), now=story.at(1))

    assert SlaEvent.objects.filter(cancelled=True).count() == 2
    assert story.row.sla_due_at == story.at(5)


def test_a_deleted_policy_stops_its_clocks(story, ana):
    story.asks(0)

    sla.delete_policy(policy=SlaPolicy.objects.get(), by=ana, now=story.at(1))

    assert story.row.sla is None
    assert not SlaEvent.objects.filter(ended_at=None).exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"first_response_min": None}, "first_response_min"),
        ({"first_response_min": 0}, "first_response_min"),
        ({"warn_percent": 0}, "warn_percent"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(acme, ana, fields, field):
    with pytest.raises(Invalid) as refusal:
        sla.create_policy(by=ana, now=timezone.now(), **{"name": "Fast", "first_response_min": 5, **fields})

    assert [error.field for error in refusal.value.errors] == [field]


def test_two_policies_cannot_have_one_name(acme, ana):
    sla.create_policy(by=ana, now=timezone.now(), name="Fast", first_response_min=5)

    with pytest.raises(sla.PolicyNameTaken):
        sla.create_policy(by=ana, now=timezone.now(), name="Fast", first_response_min=9)
