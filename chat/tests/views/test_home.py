"""The counter's numbers on the home page, with how the last days went."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Conversation
from chat.queries import trends
from chat.tests.factories import ConversationFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))


def begun(days_ago, *, resolved=None, **changes):
    """A conversation of some days before noon, resolved some days before noon."""
    at = NOON - timedelta(days=days_ago)
    changes |= {"created_at": at, "last_activity_at": at}
    if resolved is not None:
        end = NOON - timedelta(days=resolved)
        changes |= {"status": "resolved", "resolved_at": end, "last_activity_at": end}
    return ConversationFactory(**changes)


def test_the_days_are_counted_in_the_tenants_calendar(acme, bia):
    begun(20)
    begun(20, resolved=13)
    begun(3, resolved=1, assignee=bia)
    begun(1, resolved=0)
    begun(0)
    late = NOON.replace(hour=23, minute=30) - timedelta(days=2)  # already the next day in UTC
    Conversation.objects.filter(pk=begun(2).pk).update(created_at=late, last_activity_at=late)

    found = trends.of(user=bia, now=NOON, open_now=3)

    assert found.begun == [0] * 10 + [1, 1, 1, 1]
    assert found.resolved == [1] + [0] * 11 + [1, 1]
    assert found.mine == [0] * 12 + [1, 0]
    assert found.open == [1] * 10 + [2, 3, 3, 3]


def test_another_tenant_has_other_days(acme, beta, bia):
    begun(0)
    assert trends.of(user=bia, now=NOON, open_now=1).begun[-1] == 1

    with tenant_context(beta):
        assert trends.of(user=bia, now=NOON, open_now=0).begun == [0] * 14


def test_home_shows_each_number_with_its_days(acme, bia, client_of, time_machine):
    time_machine.move_to(NOON)  # today is one day while this runs
    ConversationFactory()
    ConversationFactory(status="resolved", resolved_at=timezone.now(), assignee=bia)
    bia.language = "en"
    bia.save()

    page = client_of(acme, user=bia).get("/").content.decode()

    assert page.count('class="sparkline') == 4
    assert "2 new today" in page
    assert "1 resolved today" in page
    assert "</svg>+1</span> than yesterday" in page


def test_a_quiet_tenant_draws_no_lines(acme, bia, client_of):
    assert 'class="sparkline' not in client_of(acme, user=bia).get("/").content.decode()


@pytest.mark.parametrize("rows", [1, 5])
def test_home_asks_the_same_number_of_questions(acme, bia, client_of, rows, django_assert_num_queries):
    ConversationFactory.create_batch(rows)
    client = client_of(acme, user=bia)
    client.get("/")

    with django_assert_num_queries(5):
        client.get("/")
