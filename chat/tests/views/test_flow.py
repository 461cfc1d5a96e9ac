"""Settings pages of hours, routing, service levels, rules, macros and surveys; the survey's public page; left messages."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import AutomationRule, BusinessHours, Conversation, CsatResponse, Holiday, Macro, SlaPolicy
from chat.services import csat, routing
from chat.tests.factories import (
    AutomationRuleFactory,
    AutomationRunFactory,
    ConversationFactory,
    CsatResponseFactory,
    HolidayFactory,
    InboxFactory,
    LeftMessageFactory,
    MacroFactory,
    MessageFactory,
    SlaPolicyFactory,
)

PAGES = [
    "/settings/chat/hours/",
    "/settings/chat/routing/",
    "/settings/chat/sla/",
    "/settings/chat/sla/add/",
    "/settings/chat/automation/",
    "/settings/chat/automation/add/",
    "/settings/chat/macros/",
    "/settings/chat/macros/add/",
    "/settings/chat/csat/",
    "/chat/csat/",
    "/chat/left/",
]
ADMINS = PAGES[:6] + ["/settings/chat/csat/"]


@pytest.fixture
def inbox(acme):
    return InboxFactory()


@pytest.fixture
def owner(acme, ana, inbox, client_of):
    return client_of(acme, user=ana)


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("filled", [False, True])
def test_every_page_is_drawn(owner, inbox, address, filled):
    if filled:
        HolidayFactory(inbox=inbox)
        InboxFactory(sla_policy=SlaPolicyFactory())
        AutomationRunFactory()
        MacroFactory()
        CsatResponseFactory(rating=4, answered_at=timezone.now(), comment="Good")
        LeftMessageFactory()

    assert owner.get(address).status_code == 200


@pytest.mark.parametrize("address", ADMINS)
def test_agents_do_not_set_things_up(acme, bia, inbox, client_of, address):
    assert client_of(acme, user=bia).get(address).status_code == 403


@pytest.mark.parametrize("address", PAGES)
def test_strangers_log_in_first(acme, inbox, client_of, address):
    assert client_of(acme).get(address).url.startswith("/login/")


def test_the_week_is_saved(owner, inbox, time_machine):
    time_machine.move_to(datetime(2026, 11, 25, 13, 0, tzinfo=UTC))  # the next holidays are shown, and Christmas is one
    sent = {"active": "on", "calendar": "on", "state": "SP", "timezone": "America/Recife", "away_reply": "Later"}
    sent |= {"open-0": "on", "from-0a": "08:00", "to-0a": "12:00", "from-0b": "13:00", "to-0b": "00:00"}

    answer = owner.post("/settings/chat/hours/", sent)

    assert answer.status_code == 302
    kept = BusinessHours.objects.get()
    assert kept.week == [[["08:00", "12:00"], ["13:00", "24:00"]], [], [], [], [], [], []]
    assert (kept.active, kept.calendar, kept.state, kept.inbox.timezone) == (True, "BR", "SP", "America/Recife")
    page = owner.get("/settings/chat/hours/").content.decode()
    assert 'value="13:00"' in page
    assert "Natal" in page


def test_a_wrong_day_says_so_where_it_is(owner):
    page = owner.post("/settings/chat/hours/", {"open-2": "on", "from-2a": "18:00", "to-2a": "09:00"}).content.decode()

    assert page.count('class="field-error" role="alert"') == 1
    assert not BusinessHours.objects.exists()


def test_an_open_day_without_a_time_is_not_kept_as_a_closed_one(owner):
    answer = owner.post("/settings/chat/hours/", {"open-2": "on", "from-4a": "09:00", "to-4a": "18:00"})

    assert answer.status_code == 422
    assert 'href="#open-2"' in answer.content.decode()
    assert not BusinessHours.objects.exists()


def test_a_day_that_is_refused_keeps_what_was_typed(owner, inbox):
    answer = owner.post(f"/settings/chat/hours/{inbox.pk}/days/", {"on": "2026-02-31", "name": "Stocktaking"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Stocktaking"' in page
    assert 'href="#id_on"' in page
    assert not Holiday.objects.exists()


def test_days_are_added_and_removed(owner, inbox):
    owner.post(f"/settings/chat/hours/{inbox.pk}/days/", {"on": "2026-12-24", "name": "Early"})
    day = Holiday.objects.get()
    assert day.on == date(2026, 12, 24)

    owner.post(f"/settings/chat/hours/days/{day.pk}/remove/")

    assert not Holiday.objects.exists()


def test_routing_is_saved(owner, inbox):
    owner.post("/settings/chat/routing/", {"mode": "round_robin", "capacity": "4", "reopen_to": "queue"})

    inbox.refresh_from_db()
    assert routing.settings_of(inbox) == {"mode": "round_robin", "reopen_to": "queue", "capacity": 4}


def test_a_service_level_is_added_changed_and_removed(owner, inbox):
    sent = {
        "name": "Gold",
        "first_response_min": "15",
        "warn_percent": "80",
        "active": "on",
        "inboxes": [str(inbox.pk)],
    }

    assert owner.post("/settings/chat/sla/add/", sent).status_code == 302
    policy = SlaPolicy.objects.get()
    assert list(policy.inboxes.all()) == [inbox]
    owner.post(f"/settings/chat/sla/{policy.pk}/", sent | {"name": "Silver", "inboxes": []})
    policy.refresh_from_db()
    assert (policy.name, policy.inboxes.count()) == ("Silver", 0)
    assert owner.post("/settings/chat/sla/add/", {"name": "", "warn_percent": "80"}).status_code == 422
    owner.post(f"/settings/chat/sla/{policy.pk}/remove/")
    assert not SlaPolicy.objects.exists()


def built(do, **more):
    """A rule as the builder posts it."""
    sent = {
        "name": "Invoices",
        "trigger": "message_received",
        "match": "all",
        "active": "on",
        "c-count": "1",
        "c-0-what": "message",
        "c-0-op": "contains",
        "c-0-value": "invoice",
        "a-count": "1",
        "a-0-what": "set_priority",
        "a-0-value": "urgent",
        "do": do,
    }
    return sent | more


ADD = "/settings/chat/automation/add/"


def test_a_rule_is_built_without_a_script(owner):
    page = owner.post(ADD, built("c-add")).content.decode()
    assert 'name="c-1-what"' in page
    page = owner.post(ADD, built("refresh", **{"c-0-what": "status"})).content.decode()
    assert '<option value="resolved">' in page  # what fits a state
    page = owner.post(ADD, built("a-remove-0")).content.decode()
    assert 'name="a-0-what"' not in page
    assert not AutomationRule.objects.exists()

    assert owner.post(ADD, built("save")).status_code == 302

    rule = AutomationRule.objects.get()
    assert rule.conditions == [{"field": "message", "op": "contains", "value": "invoice"}]
    assert rule.actions == [{"do": "set_priority", "priority": "urgent"}]
    page = owner.get(f"/settings/chat/automation/{rule.pk}/").content.decode()
    assert 'value="invoice"' in page


def test_a_rule_is_tried_before_it_is_kept(owner):
    message = MessageFactory(body="My invoice please")
    ConversationFactory()

    page = owner.post(ADD, built("try")).content.decode()

    assert f"#{message.conversation.number}" in page
    assert Conversation.objects.filter(priority="none").count() == 2
    assert not AutomationRule.objects.exists()


def test_what_is_wrong_with_a_rule_is_said_at_its_row(owner):
    answer = owner.post(ADD, built("save", **{"a-0-value": "huge"}))

    assert answer.status_code == 422
    assert answer.content.decode().count("flow-row-wrong") == 1
    assert not AutomationRule.objects.exists()


@pytest.mark.parametrize("count", ["-1", "x", "99999", ""])
def test_a_tampered_builder_is_answered(owner, count):
    assert owner.post(ADD, built("save", **{"c-count": count, "a-count": count})).status_code == 422


def test_a_rule_is_switched_and_removed(owner):
    rule = AutomationRuleFactory(active=False)
    address = f"/settings/chat/automation/{rule.pk}/"

    owner.post(address + "switch/", {"active": "on"})
    rule.refresh_from_db()
    assert rule.active
    owner.post(address + "remove/")
    assert not AutomationRule.objects.exists()


def test_a_rule_runs_earlier(owner):
    first, second = (AutomationRuleFactory(position=0) for _ in range(2))

    owner.post(f"/settings/chat/automation/{second.pk}/switch/", {"move": "up"})
    owner.post(f"/settings/chat/automation/{second.pk}/switch/", {"move": "up"})

    assert list(AutomationRule.objects.order_by("position", "pk")) == [second, first]


def test_an_agent_builds_a_macro_of_their_own(acme, bia, client_of):
    client = client_of(acme, user=bia)
    team = MacroFactory()
    steps = {"name": "Bye", "shared": "on", "a-count": "2", "a-0-what": "assign_me", "a-1-what": "resolve"}

    client.post("/settings/chat/macros/add/", steps | {"do": "save"})

    own = Macro.objects.exclude(pk=team.pk).get()
    assert (own.shared, own.owner, own.steps) == (False, bia, [{"do": "assign_me"}, {"do": "resolve"}])
    assert client.get(f"/settings/chat/macros/{own.pk}/").status_code == 200
    assert client.get(f"/settings/chat/macros/{team.pk}/").status_code == 404
    client.post(f"/settings/chat/macros/{own.pk}/remove/")
    assert Macro.objects.count() == 1


def test_the_survey_is_set_up(owner, inbox):
    owner.post(
        "/settings/chat/csat/", {"enabled": "on", "scale": "stars", "question": "How was it?", "pause_days": "7"}
    )

    inbox.refresh_from_db()
    assert (inbox.csat["enabled"], inbox.csat["scale"], inbox.csat["question"]) == (True, "stars", "How was it?")
    assert "How was it?" in owner.get("/settings/chat/csat/").content.decode()


def test_a_visitor_answers_by_the_link(acme, client_of):
    asked = CsatResponseFactory()
    address = "/" + csat.link(asked).split("/", 3)[3]
    visitor = client_of(acme)

    assert visitor.get(address).status_code == 200
    assert visitor.post(address, {"rating": "9"}).status_code == 200  # five faces: not an answer
    answer = visitor.post(address, {"rating": "5", "comment": "Quick"}, follow=True)

    assert (asked.scale, answer.status_code) == ("faces", 200)
    row = CsatResponse.objects.get()
    assert (row.rating, row.comment) == (5, "Quick")
    assert visitor.get("/csat/nonsense/").status_code == 404


def test_a_link_opens_nothing_on_another_host(acme, beta, client_of):
    address = "/" + csat.link(CsatResponseFactory()).split("/", 3)[3]

    assert client_of(beta).get(address).status_code == 404


def test_a_left_message_is_answered_or_put_away(acme, bia, client_of):
    first, second = LeftMessageFactory(email="rita@mail.example"), LeftMessageFactory()
    client = client_of(acme, user=bia)

    answer = client.post(f"/chat/left/{first.pk}/", {"do": "take-up"})
    client.post(f"/chat/left/{second.pk}/", {"do": "dismiss"})

    assert answer.url == f"/chat/c/{Conversation.objects.get().number}"
    assert client.post(f"/chat/left/{uuid4()}/").status_code == 404
    assert "rita@mail.example" in client.get("/chat/left/?show=handled").content.decode()
