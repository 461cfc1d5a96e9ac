"""Doors of hours, routing, service levels, surveys, rules, macros and left messages."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import AutomationRun, Conversation, CsatResponse, LeftMessage, SlaPolicy
from chat.services import conversations, csat, messages
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
from chat.tests.services.test_quota import plan, used_before  # noqa: F401

BASE = "/api/v1/chat/"
WIDGET = "/api/widget/v1/"
WORKDAY = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)  # a Wednesday, no holiday anywhere in Brazil
URGENT = [{"do": "set_priority", "priority": "urgent"}]


@pytest.fixture
def owner(acme, ana, client_of):
    return client_of(acme, user=ana)


@pytest.fixture
def agent(acme, bia, client_of):
    return client_of(acme, user=bia)


def send(client, method, address, body):
    return getattr(client, method)(BASE + address, body, content_type="application/json")


def test_hours_and_holidays(owner, time_machine):
    time_machine.move_to(WORKDAY)
    inbox = InboxFactory()

    changed = send(
        owner,
        "patch",
        f"hours/{inbox.pk}/",
        {"active": True, "week": [[["00:00", "24:00"]]] * 7, "calendar": "BR", "state": "SP"},
    )
    assert changed.status_code == 200, changed.json()
    day = {"on": "2026-11-25", "name": "Stocktaking"}
    made = send(owner, "post", f"hours/{inbox.pk}/holidays/", day)
    taken = send(owner, "post", f"hours/{inbox.pk}/holidays/", day)

    assert (made.status_code, taken.status_code, taken.json()["code"]) == (201, 409, "holiday_taken")
    told = owner.get(f"{BASE}hours/{inbox.pk}/").json()
    assert (told["open_now"], told["timezone"]) == (False, "America/Sao_Paulo")
    assert told["opens_at"] is not None
    listed = owner.get(f"{BASE}hours/{inbox.pk}/holidays/").json()["results"]
    assert [row["name"] for row in listed] == ["Stocktaking"]
    assert owner.delete(f"{BASE}hours/{inbox.pk}/holidays/{listed[0]['id']}/").status_code == 204
    assert owner.get(f"{BASE}hours/{inbox.pk}/").json()["open_now"]
    days = owner.get(f"{BASE}hours/{inbox.pk}/public-holidays/?year=2026").json()["days"]
    assert {"on": "2026-12-25", "name": "Natal"} in days


def test_a_bad_week_names_its_day(owner):
    answer = send(owner, "patch", f"hours/{InboxFactory().pk}/", {"week": [[["18:00", "09:00"]]] + [[]] * 6})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "week.0")


def test_routing(owner):
    inbox = InboxFactory()

    answer = send(owner, "patch", f"routing/{inbox.pk}/", {"mode": "least_busy", "capacity": 5})

    assert (answer.status_code, answer.json()["mode"], answer.json()["capacity"]) == (200, "least_busy", 5)
    assert answer.json()["reopen_to"] == "same_if_online"
    listed = owner.get(f"{BASE}routing/").json()["results"]
    assert [row["mode"] for row in listed if row["inbox"]["id"] == str(inbox.pk)] == ["least_busy"]


def test_service_levels(owner, agent):
    inbox = InboxFactory()
    body = {"name": "Gold", "first_response_min": 10, "inboxes": [str(inbox.pk)], "business_hours": False}

    made = send(owner, "post", "sla/", body)
    again = send(owner, "post", "sla/", body)

    assert (made.status_code, again.status_code) == (201, 409)
    assert [row["name"] for row in made.json()["inboxes"]] == [inbox.name]
    address = f"sla/{made.json()['id']}/"
    assert send(owner, "patch", address, {"inboxes": [], "resolution_min": 60}).json()["inboxes"] == []
    conversation = MessageFactory().conversation
    applied = send(agent, "post", address + "apply/", {"conversation": conversation.number})
    assert applied.status_code == 204
    told = agent.get(f"{BASE}conversations/{conversation.number}/").json()["sla"]
    assert (told["kind"], told["state"]) == ("first_response", "running")
    assert owner.delete(BASE + address).status_code == 204
    assert agent.get(f"{BASE}conversations/{conversation.number}/").json()["sla"] is None


def test_rules_are_made_tried_and_read(owner):
    conversation = MessageFactory(body="Please send an invoice").conversation
    body = {
        "name": "Invoices",
        "trigger": "message_received",
        "conditions": [{"field": "message", "op": "contains", "value": "invoice"}],
        "actions": URGENT,
    }

    made = send(owner, "post", "automation/", body)

    assert made.status_code == 201, made.json()
    assert made.json()["active"] is False  # until somebody says so
    address = f"automation/{made.json()['id']}/"
    one = send(owner, "post", address + "dry-run/", {"conversation": conversation.number}).json()
    assert (one["matched"], one["results"][0]["conditions"][0]["holds"]) == (1, True)
    every = send(owner, "post", address + "dry-run/", {}).json()
    assert (every["tried"], every["matched"]) == (1, 1)
    assert Conversation.objects.get().priority == "none"
    assert not AutomationRun.objects.exists()
    AutomationRunFactory(rule_id=made.json()["id"], conversation=conversation)
    assert [row["state"] for row in owner.get(BASE + address + "runs/").json()["results"]] == ["done"]
    assert send(owner, "patch", address, {"active": True}).json()["active"]
    assert owner.delete(BASE + address).status_code == 204


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"actions": [{"do": "dance"}]}, "actions.0.do"),
        ({"conditions": [{"field": "moon", "op": "is"}]}, "conditions.0.field"),
        ({"trigger": "full_moon"}, "trigger"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_rule_that_makes_no_sense_names_its_part(owner, change, field):
    body = {"name": "Rule", "trigger": "message_received", "actions": URGENT, **change}

    answer = send(owner, "post", "automation/", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_the_language_names_todays_choices(owner):
    InboxFactory(name="Front door")

    told = owner.get(f"{BASE}automation/language/").json()

    asked = {one["field"]: one for one in told["conditions"]}
    assert "Front door" in [one["label"] for one in asked["inbox"]["choices"]]
    assert {one["do"] for one in told["actions"]} >= {"assign_agent", "send_message", "resolve"}


def test_macros(owner, agent, acme):
    conversation = ConversationFactory()
    steps = [{"do": "add_note", "body": "Seen"}, {"do": "resolve"}]

    own = send(agent, "post", "macros/", {"name": "Done", "steps": steps})
    refused = send(agent, "post", "macros/", {"name": "Ours", "steps": steps, "shared": True})

    assert (own.status_code, refused.status_code, refused.json()["code"]) == (201, 403, "not_your_macro")
    ran = send(agent, "post", f"macros/{own.json()['id']}/run/", {"conversation": conversation.number})
    assert [one["ok"] for one in ran.json()["results"]] == [True, True]
    assert Conversation.objects.get().status == "resolved"
    assert owner.get(f"{BASE}macros/{own.json()['id']}/").status_code == 404  # somebody's own
    assert send(agent, "patch", f"macros/{own.json()['id']}/", {"name": "Fine"}).json()["name"] == "Fine"
    assert agent.delete(f"{BASE}macros/{own.json()['id']}/").status_code == 204


def test_answers_are_listed_narrowed_and_exported(owner):
    for rating in (1, 5):
        CsatResponseFactory(rating=rating, answered_at=timezone.now(), comment="Good" if rating == 5 else "")
    CsatResponseFactory()  # asked only

    assert [row["rating"] for row in owner.get(f"{BASE}csat/").json()["results"]] == [5, 1]
    assert [row["rating"] for row in owner.get(f"{BASE}csat/?with_comment=true").json()["results"]] == [5]
    table = owner.get(f"{BASE}csat/export/?rating=1")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert len(table.content.decode().strip().splitlines()) == 2


def test_the_survey_of_an_inbox(owner):
    inbox = InboxFactory()

    answer = send(owner, "patch", f"csat/settings/{inbox.pk}/", {"enabled": True, "scale": "numbers", "low": "Meh"})

    assert answer.status_code == 200
    assert (answer.json()["scale"], answer.json()["low"]) == ("numbers", "Meh")
    assert send(owner, "patch", f"csat/settings/{inbox.pk}/", {"scale": "dice"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("patch", "hours/{inbox}/", {"active": True}),
        ("post", "hours/{inbox}/holidays/", {"on": "2026-12-24", "name": "X"}),
        ("patch", "routing/{inbox}/", {"mode": "manual"}),
        ("post", "sla/", {"name": "X", "first_response_min": 1}),
        ("post", "automation/", {"name": "X", "trigger": "message_received", "actions": URGENT}),
        ("patch", "csat/settings/{inbox}/", {"enabled": True}),
    ],
)
def test_agents_do_not_set_things_up(agent, method, address, body):
    answer = send(agent, method, address.format(inbox=InboxFactory().pk), body)

    assert answer.status_code == 403
    assert not SlaPolicy.objects.exists()


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("listed", ["hours", "routing", "sla", "automation", "macros", "csat", "left-messages"])
def test_lists_ask_the_same_number_of_questions(acme, ana, client_of, rows, listed, django_assert_max_num_queries):
    for _ in range(rows):
        inbox = InboxFactory(sla_policy=SlaPolicyFactory())
        HolidayFactory(inbox=inbox)
        AutomationRuleFactory()
        MacroFactory()
        CsatResponseFactory(rating=3, answered_at=timezone.now())
        LeftMessageFactory()
    client = client_of(acme, user=ana)
    client.get(f"{BASE}{listed}/")

    with django_assert_max_num_queries(10):
        answer = client.get(f"{BASE}{listed}/")

    assert len(answer.json()["results"]) >= rows


# --- The widget ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(acme):
    return InboxFactory()


@pytest.fixture
def visitor(acme, shop, client_of):
    client = client_of(acme)
    session = client.post(
        f"{WIDGET}session/",
        {"visitor_id": str(uuid4())},
        content_type="application/json",
        headers={"X-Widget-Token": shop.website_token},
    ).json()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {session['jwt']}"
    return client


def begin(visitor, body="Do you deliver?"):
    body = {"client_id": str(uuid4()), "first_message": {"client_id": str(uuid4()), "body": body}}
    return body, visitor.post(f"{WIDGET}conversations/", body, content_type="application/json")


def test_a_visitor_answers_the_survey(visitor, shop, bia, ana):
    csat.configure(inbox=shop, by=ana, now=timezone.now(), enabled=True)
    _, started = begin(visitor)
    key = started.json()["id"]
    address = f"{WIDGET}conversations/{key}/csat/"
    assert visitor.post(address, {"rating": 4}, content_type="application/json").status_code == 404
    messages.send(conversation_id=key, by=bia, body="Yes", client_id=uuid4())
    conversations.set_status(conversation_id=key, status="resolved", by=bia)
    csat.ask(conversation_id=key, now=timezone.now())

    answer = visitor.post(address, {"rating": 4, "comment": "Quick"}, content_type="application/json")

    assert (answer.status_code, answer.json()) == (200, {"rating": 4, "comment": "Quick"})
    wrong = visitor.post(address, {"rating": 9}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "rating")
    assert CsatResponse.objects.get().rating == 4


def test_nobody_answers_for_somebody_else(visitor):
    asked = CsatResponseFactory()

    answer = visitor.post(
        f"{WIDGET}conversations/{asked.conversation_id}/csat/", {"rating": 1}, content_type="application/json"
    )

    assert answer.status_code == 404
    assert CsatResponse.objects.get().rating is None


def test_far_beyond_the_plan_the_widget_is_a_form(plan, visitor, shop, acme, agent, client_of):  # noqa: F811
    used_before(110, now=timezone.now())

    config = client_of(acme).get(f"{WIDGET}config/", headers={"X-Widget-Token": shop.website_token}).json()
    body, kept = begin(visitor)
    added = {**body["first_message"], "email": "rita@mail.example", "name": "Rita"}
    done = visitor.post(f"{WIDGET}left/", added, content_type="application/json")

    assert config["mode"] == "form"
    assert (kept.status_code, done.status_code) == (202, 201)
    assert kept.json() == done.json()
    assert not Conversation.objects.exists()
    row = LeftMessage.objects.get()
    assert (row.body, row.email) == ("Do you deliver?", "rita@mail.example")
    listed = agent.get(f"{BASE}left-messages/?waiting=true").json()["results"]
    assert [one["name"] for one in listed] == ["Rita"]
    taken = agent.post(f"{BASE}left-messages/{row.pk}/take-up/")
    assert (taken.status_code, Conversation.objects.get().number) == (201, taken.json()["conversation"])
    assert agent.post(f"{BASE}left-messages/{row.pk}/dismiss/").status_code == 409


def test_config_says_when_it_opens(acme, shop, ana, owner, client_of):
    send(owner, "patch", f"hours/{shop.pk}/", {"active": True, "week": [[]] * 7})

    config = client_of(acme).get(f"{WIDGET}config/", headers={"X-Widget-Token": shop.website_token}).json()

    assert (config["mode"], config["open"], config["opens_at"]) == ("chat", False, None)


def test_rows_of_another_tenant_are_not_there(acme, beta, caio, client_of):
    rule, policy, macro, left = AutomationRuleFactory(), SlaPolicyFactory(), MacroFactory(), LeftMessageFactory()
    stranger = client_of(beta, user=caio)
    with tenant_context(beta):
        assert stranger.get(f"{BASE}automation/{rule.pk}/").status_code == 404
        assert stranger.get(f"{BASE}sla/{policy.pk}/").status_code == 404
        assert (
            stranger.post(f"{BASE}macros/{macro.pk}/run/", {"conversation": 1}, "application/json").status_code == 404
        )
        assert stranger.post(f"{BASE}left-messages/{left.pk}/take-up/").status_code == 404
        assert stranger.get(f"{BASE}csat/").json()["results"] == []
