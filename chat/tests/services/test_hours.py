from datetime import UTC, date, datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from chat.models import BusinessHours, Holiday, Message
from chat.queries import opening
from chat.services import hours
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from ops.kernel.errors import Invalid

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
OFFICE = [[["09:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[], []]


def local(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SAO_PAULO)


@pytest.fixture
def shop(acme, ana):
    inbox = InboxFactory()
    hours.change(inbox=inbox, by=ana, now=local(23, 8), active=True, week=OFFICE)
    return inbox


def test_an_inbox_without_hours_is_always_open(acme):
    inbox = InboxFactory()

    assert hours.is_open(inbox, local(22, 3))
    assert hours.next_opening(inbox, local(22, 3)) == local(22, 3)


@pytest.mark.parametrize(
    ("at", "is_open", "opens"),
    [
        (local(23, 9), True, local(23, 9)),  # a Monday
        (local(23, 12), False, local(23, 13)),
        (local(23, 17, 59), True, local(23, 17, 59)),
        (local(23, 18), False, local(24, 9)),
        (local(27, 18), False, local(30, 9)),  # over the weekend
    ],
)
def test_the_week_opens_and_closes(shop, at, is_open, opens):
    assert (hours.is_open(shop, at), hours.next_opening(shop, at)) == (is_open, opens)


def test_the_inbox_has_its_own_zone(shop, ana):
    hours.change(inbox=shop, by=ana, now=local(23, 8), timezone="America/Manaus")
    shop.refresh_from_db()

    assert not hours.is_open(shop, local(23, 9))  # eight o'clock in Manaus
    assert hours.is_open(shop, local(23, 10))


def test_public_holidays_close_it(shop, ana):
    christmas = local(25, 10, month=12)
    assert hours.is_open(shop, christmas)

    hours.change(inbox=shop, by=ana, now=local(23, 8), calendar="BR")

    assert not hours.is_open(shop, christmas)
    assert hours.next_opening(shop, christmas) == local(28, 9, month=12)
    assert hours.is_open(shop, local(9, 10, month=7))  # a holiday in São Paulo only
    hours.change(inbox=shop, by=ana, now=local(23, 8), state="SP")
    assert not hours.is_open(shop, local(9, 10, month=7))
    assert hours.is_open(shop, datetime(2027, 2, 9, 10, tzinfo=SAO_PAULO))  # Carnival
    hours.change(inbox=shop, by=ana, now=local(23, 8), optional_days=True)
    assert not hours.is_open(shop, datetime(2027, 2, 9, 10, tzinfo=SAO_PAULO))


def test_an_own_day_counts_before_a_public_holiday(shop, ana):
    hours.change(inbox=shop, by=ana, now=local(23, 8), calendar="BR")
    hours.add_holiday(
        inbox=shop, on=date(2026, 12, 25), name="Open", opens_at=time(10), closes_at=time(12), by=ana, now=local(23, 8)
    )
    yearly = hours.add_holiday(inbox=shop, on=date(2026, 11, 24), name="Our day", yearly=True, by=ana, now=local(23, 8))

    assert hours.is_open(shop, local(25, 11, month=12))
    assert not hours.is_open(shop, local(25, 13, month=12))
    assert not hours.is_open(shop, local(24, 10))
    assert not hours.is_open(shop, local(24, 10, year=2027))
    hours.remove_holiday(holiday_id=yearly.pk, by=ana, now=local(23, 8))
    assert hours.is_open(shop, local(24, 10))


def test_a_day_has_one_entry(shop, ana):
    hours.add_holiday(inbox=shop, on=date(2026, 12, 24), name="Early", by=ana, now=local(23, 8))

    with pytest.raises(hours.HolidayTaken):
        hours.add_holiday(inbox=shop, on=date(2026, 12, 24), name="Again", by=ana, now=local(23, 8))

    assert Holiday.objects.count() == 1


@pytest.mark.parametrize(
    ("week", "field"),
    [
        ([[]] * 6, "week"),
        ([[["9:00", "18:00"]]] + [[]] * 6, "week.0"),
        ([[], [["18:00", "09:00"]]] + [[]] * 5, "week.1"),
        ([[], [["09:00", "12:00"], ["11:00", "13:00"]]] + [[]] * 5, "week.1"),
        ([[], [["09:00", "25:00"]]] + [[]] * 5, "week.1"),
        ([[], ["nonsense"]] + [[]] * 5, "week.1"),
        ("always", "week"),
    ],
)
def test_a_week_that_makes_no_sense_is_refused(acme, ana, noon, week, field):
    inbox = InboxFactory()

    with pytest.raises(Invalid) as refusal:
        hours.change(inbox=inbox, by=ana, now=noon, week=week)

    assert [error.field for error in refusal.value.errors] == [field]
    assert not BusinessHours.objects.exists()


def test_open_time_is_counted_over_nights_and_breaks(shop):
    calendar = opening.of(shop)

    assert calendar.add(local(23, 11, 30), 3600) == local(23, 13, 30)
    assert calendar.add(local(27, 17), 2 * 3600) == local(30, 10)
    assert calendar.between(local(27, 17), local(30, 10)) == 2 * 3600
    assert calendar.between(local(30, 10), local(27, 17)) == -2 * 3600
    assert calendar.closes(local(23, 10)) == local(23, 12)
    assert calendar.closes(local(23, 12)) is None


def test_a_change_of_the_clocks_gives_no_hour_away():
    # Berlin, 29 March 2026: two o'clock is three.
    calendar = opening.Calendar(ZoneInfo("Europe/Berlin"), week=(((0, 24 * 60),),) * 7)
    before = datetime(2026, 3, 28, 23, tzinfo=UTC)

    assert calendar.between(before, datetime(2026, 3, 29, 22, tzinfo=UTC)) == 23 * 3600
    assert calendar.add(before, 23 * 3600) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_who_writes_while_closed_hears_it_once_a_night(shop, ana):
    hours.change(inbox=shop, by=ana, now=local(23, 8), away_reply="We are back tomorrow.")
    conversation = ConversationFactory(contact_inbox__inbox=shop, waiting_since=local(23, 8))

    assert not hours.reply_while_closed(conversation_id=conversation.pk, now=local(23, 10))
    assert hours.reply_while_closed(conversation_id=conversation.pk, now=local(23, 20))
    assert not hours.reply_while_closed(conversation_id=conversation.pk, now=local(24, 7))
    assert hours.reply_while_closed(conversation_id=conversation.pk, now=local(24, 20))

    replies = Message.objects.filter(conversation=conversation, direction="bot")
    assert [row.body for row in replies] == ["We are back tomorrow."] * 2


def test_who_was_answered_meanwhile_is_not_sent_away(shop, ana):
    hours.change(inbox=shop, by=ana, now=local(23, 8), away_reply="Later.")
    conversation = ConversationFactory(contact_inbox__inbox=shop, waiting_since=None)

    assert not hours.reply_while_closed(conversation_id=conversation.pk, now=local(23, 20))


def test_an_away_reply_is_no_answer(shop, ana):
    hours.change(inbox=shop, by=ana, now=local(23, 8), away_reply="Later.")
    message = MessageFactory(conversation__contact_inbox__inbox=shop, client_id=uuid4())

    hours.reply_while_closed(conversation_id=message.conversation_id, now=local(23, 20))

    message.conversation.refresh_from_db()
    assert message.conversation.waiting_since is not None
    assert message.conversation.first_reply_at is None
