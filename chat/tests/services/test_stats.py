"""Figures by the hour: each event once, in its hour, the same however often they are counted."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chat.enums import StatKind
from chat.errors import BadPeriod
from chat.models import Conversation, HourlyStat, Message
from chat.queries import reports
from chat.services import conversations, messages, stats
from chat.tests.factories import ContactInboxFactory, CsatResponseFactory, LabelFactory, TeamFactory
from ops.kernel.ids import uuid7

MORNING = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
MARCH_2 = reports.period(first=date(2026, 3, 2), last=date(2026, 3, 2), zone=SAO_PAULO)


def minutes(count):
    return MORNING + timedelta(minutes=count)


def begun(at):
    """A conversation that began at `at` with a question, and its visitor."""
    link = ContactInboxFactory()
    visitor = conversations.Visitor(link.pk, link.contact_id, link.inbox_id, "Rui")
    conversation = conversations.start(visitor=visitor, client_id=uuid7(), now=at)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=at)
    asked(conversation, visitor, at)
    return conversation, visitor


def asked(conversation, visitor, at):
    messages.send_from_visitor(
        conversation_id=conversation.pk, visitor=visitor, body="Tem pão?", client_id=uuid7(), now=at
    )


def answered(conversation, by, at, **more):
    messages.send(conversation_id=conversation.pk, by=by, body="Tem", client_id=uuid7(), now=at, **more)


@pytest.fixture
def day(acme, bia):
    """Two conversations: one answered after 4 minutes and after 10 again, resolved in the next hour, one unanswered."""
    team, label = TeamFactory(), LabelFactory()
    first, visitor = begun(MORNING)
    Conversation.objects.filter(pk=first.pk).update(team=team)
    first.labels.add(label)
    answered(first, bia, minutes(2), private=True)
    answered(first, bia, minutes(4))
    answered(first, bia, minutes(5))
    asked(first, visitor, minutes(10))
    answered(first, bia, minutes(20))
    conversations.set_status(conversation_id=first.pk, status="resolved", by=bia, now=minutes(60))
    CsatResponseFactory(conversation=first, agent=bia, rating=4, answered_at=minutes(70))
    second, _visitor = begun(minutes(15))
    stats.catch_up(now=minutes(80))
    return first, second, team, label


def test_every_event_counts_once_in_its_hour(day, bia):
    total = reports.totals(MARCH_2)

    assert (total["started"], total["resolved"], total["reopened"]) == (2, 1, 0)
    assert (total["messages_in"], total["messages_out"], total["notes"]) == (3, 3, 1)
    assert (total["first_replies"], total.first_reply_mean_s) == (1, 240)
    # The second reply in a row answered nobody who waited; the third one waited ten minutes for.
    assert (total["replies"], total.reply_mean_s) == (2, (240 + 600) / 2)
    assert total.resolution_mean_s == 3600
    assert (total["csat_answers"], total.csat_share) == (1, 100)
    hours = {row.hour.hour: (row.started, row.resolved) for row in HourlyStat.objects.filter(kind=StatKind.ALL)}
    assert hours == {12: (2, 0), 13: (0, 1)}


def test_figures_belong_to_agents_teams_labels_inboxes_and_channels(day, bia):
    first, second, team, label = day

    (agent,) = reports.by(StatKind.AGENT, MARCH_2)
    (of_team,) = reports.by(StatKind.TEAM, MARCH_2)
    (of_label,) = reports.by(StatKind.LABEL, MARCH_2)
    (channel,) = reports.by(StatKind.CHANNEL, MARCH_2)
    assert (agent.name, agent.figures["messages_out"], agent.figures["resolved"]) == (bia.name, 3, 1)
    assert (of_team.name, of_team.figures["started"], of_team.figures["messages_in"]) == (team.name, 1, 2)
    assert (of_label.name, of_label.figures["resolved"]) == (label.name, 1)
    assert (channel.key, channel.figures["started"]) == ("web", 2)
    assert {row.key for row in reports.by(StatKind.INBOX, MARCH_2)} == {str(first.inbox_id), str(second.inbox_id)}


def test_the_parts_add_up_to_the_whole(day):
    for kind in (StatKind.INBOX, StatKind.CHANNEL):
        for name in reports.SUMS:
            parts = sum(row.figures[name] for row in reports.by(kind, MARCH_2))
            assert parts == reports.totals(MARCH_2)[name], (kind, name)


def test_counting_again_changes_nothing(day):
    def rows():
        return list(
            HourlyStat.objects.order_by("hour", "kind", "key").values_list("hour", "kind", "key", *reports.SUMS)
        )

    before = rows()
    stats.catch_up(now=minutes(81))
    stats.rebuild(start=MORNING - timedelta(days=3), now=minutes(82))

    assert rows() == before


def test_what_comes_later_is_counted_later(day, bia):
    _first, second, _team, _label = day
    answered(second, bia, minutes(90))

    assert stats.catch_up(now=minutes(95)) > 0
    assert stats.catch_up(now=minutes(96) + timedelta(hours=3)) == 0

    total = reports.totals(MARCH_2)
    assert (total["messages_out"], total["first_replies"]) == (4, 2)
    assert reports.median_of(reports.first_reply_spread(MARCH_2)) == 300


def test_a_conversation_opened_again_counts(day, bia):
    first, *_rest = day
    conversations.set_status(conversation_id=first.pk, status="open", by=bia, now=minutes(85))
    stats.catch_up(now=minutes(86))

    assert reports.totals(MARCH_2)["reopened"] == 1


def test_days_are_those_of_the_zone(day):
    # 12:10 in UTC is the evening of the same day in Tokyo, and 09:10 in São Paulo.
    week = reports.week(MARCH_2)

    assert week[0][9] == 3
    assert sum(map(sum, week)) == 3
    assert reports.totals(reports.period(first=date(2026, 3, 1), last=date(2026, 3, 1), zone=SAO_PAULO))["started"] == 0


def test_no_report_asks_for_a_message(day, django_assert_num_queries, django_assert_max_num_queries):
    Message.objects.all().delete()

    with django_assert_num_queries(1):
        assert reports.totals(MARCH_2)["messages_in"] == 3
    with django_assert_max_num_queries(2):
        assert len(reports.by(StatKind.AGENT, MARCH_2)) == 1
    with django_assert_num_queries(1):
        assert len(reports.steps(MARCH_2)) == 24


@pytest.mark.parametrize(
    ("first", "last"), [("2026-03-02", "2026-03-01"), ("2025-01-01", "2026-03-01"), ("0001-01-01", "0001-01-02")]
)
def test_odd_periods_are_refused(first, last):
    with pytest.raises(BadPeriod):
        reports.period(first=date.fromisoformat(first), last=date.fromisoformat(last), zone=SAO_PAULO)


def test_the_median_is_read_from_the_bins():
    assert reports.median_of([(30, 0), (60, 4), (None, 0)]) == 45
    assert reports.median_of([(30, 0), (60, 0), (None, 3)]) == 60
    assert reports.median_of([(30, 0), (None, 0)]) is None
