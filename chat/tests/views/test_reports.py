"""Reports as pages, JSON and CSV, for those who may see them, where the plan has them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import entitlements
from billing.services import subscriptions
from billing.tests.factories import SubscriptionFactory
from chat.services import spreadsheet, stats
from chat.tests.factories import ConversationFactory, HourlyStatFactory, InboxFactory, MessageFactory
from chat.views.reports import duration

PAGES = ["", "agents/", "teams/", "inboxes/", "labels/", "channels/", "traffic/"]


def agree(tenant, plan):
    SubscriptionFactory(tenant=tenant, plan=subscriptions.plan_of(plan))
    entitlements.forget(tenant)


@pytest.fixture
def included(acme):
    agree(acme, "professional")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_and_without_figures(acme, ana, client_of, included, page):
    client = client_of(acme, user=ana)
    assert client.get(f"/chat/reports/{page}").status_code == 200
    MessageFactory(by=ana)
    stats.catch_up(now=timezone.now())

    response = client.get(f"/chat/reports/{page}")

    assert response.status_code == 200
    assert ("overview" if not page else page.strip("/")) == response.context["name"]


@pytest.mark.parametrize(
    "name", ["overview", "agents", "teams", "inboxes", "labels", "channels", "csat", "sla", "traffic"]
)
def test_every_report_answers_json_and_csv(acme, ana, client_of, included, name):
    MessageFactory(by=ana)
    stats.catch_up(now=timezone.now())
    client = client_of(acme, user=ana)

    told = client.get(f"/api/v1/chat/reports/{name}/")
    file = client.get(f"/api/v1/chat/reports/{name}/?format=csv")

    assert (told.status_code, told.headers["Content-Type"]) == (200, "application/json")
    assert file.status_code == 200
    assert file.headers["Content-Type"].startswith("text/csv")
    assert file.headers["Content-Disposition"].startswith(f'attachment; filename="{name}-')
    lines = file.content.decode("utf-8-sig").splitlines()
    assert len({line.count(",") for line in lines if '"' not in line}) == 1


def test_the_overview_tells_what_happened(acme, ana, client_of, included):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation)
    MessageFactory(conversation=conversation, by=ana)
    stats.catch_up(now=timezone.now())

    told = client_of(acme, user=ana).get("/api/v1/chat/reports/overview/?tz=UTC").json()

    assert (told["totals"]["started"], told["totals"]["messages_in"], told["totals"]["messages_out"]) == (1, 1, 1)
    assert told["before"]["started"] == 0
    assert len(told["series"]) == 30
    assert sum(one["count"] for one in told["first_reply_spread"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-02-30", "from"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("tz=Mars/Base", "tz"),
        ("since=1", "since"),
    ],
)
def test_odd_questions_are_explained(acme, ana, client_of, included, query, field):
    response = client_of(acme, user=ana).get(f"/api/v1/chat/reports/overview/?{query}")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_odd_days_of_a_page_show_the_last_thirty(acme, ana, client_of, included):
    response = client_of(acme, user=ana).get("/chat/reports/?from=2026-03-02&to=2020-01-01")

    assert response.status_code == 200
    assert response.context["problem"]


def test_a_plan_without_reports_says_so(acme, ana, client_of):
    agree(acme, "starter")
    client = client_of(acme, user=ana)

    assert client.get("/api/v1/chat/reports/overview/").status_code == 402
    page = client.get("/chat/reports/")
    assert page.status_code == 200
    assert page.context["limit"]


def test_agents_do_not_see_reports(acme, bia, client_of, included):
    client = client_of(acme, user=bia)

    assert client.get("/chat/reports/").status_code == 403
    assert client.get("/api/v1/chat/reports/overview/").status_code == 403


def test_figures_stay_with_their_tenant(acme, beta, ana, client_of, included):
    HourlyStatFactory(started=7)
    agree(beta, "professional")

    told = client_of(beta, role="owner").get("/api/v1/chat/reports/overview/").json()

    assert told["totals"]["started"] == 0


def test_the_number_of_queries_does_not_grow(acme, ana, client_of, included, django_assert_max_num_queries):
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for back in range(40):
        hour = this_hour - timedelta(hours=back)
        HourlyStatFactory(hour=hour, started=1)
        HourlyStatFactory(hour=hour, kind="inbox", key=str(InboxFactory().pk), started=1)
    client = client_of(acme, user=ana)
    client.get("/chat/reports/inboxes/")

    with django_assert_max_num_queries(16):
        client.get("/chat/reports/inboxes/")


@pytest.mark.parametrize("text", ["=1+1", "+551199", "-2", "@SUM(A1)", "\t=1"])
def test_a_cell_is_never_a_formula(text):
    assert spreadsheet.table(["a"], [[text]]).splitlines()[1].strip('"').startswith("'")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (90, "2 min"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words
