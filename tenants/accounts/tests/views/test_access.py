"""The pages of roles and tokens."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.accounts.models import ApiToken, Role
from tenants.accounts.services import roles, tokens, users

LOOK = "chat.view_conversation"


def queries_of(client, path):
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_the_table_says_what_each_role_allows(acme, ana, client_of):
    answer = client_of(acme, user=ana).get("/settings/roles/")

    lines = {line.name: line.held for section in answer.context["sections"] for line in section.lines}
    assert [role.slug for role in answer.context["roles"]] == ["owner", "admin", "agent", "editor", "viewer", "billing"]
    assert lines["chat.reply_conversation"] == [True, True, True, False, False, False]
    assert lines["accounts.manage_role"] == [True, True, False, False, False, False]


def test_more_roles_and_tokens_cost_no_more_questions(acme, ana, noon, client_of):
    browser = client_of(acme, user=ana)
    paths = ("/settings/roles/", "/settings/tokens/", "/settings/tokens/?show=service")

    def add(number):
        role = roles.create(name=f"Role {number}", codenames=[LOOK], by=ana, now=noon)
        common = {"scope_names": ["all"], "days": 30, "now": noon}
        tokens.create_personal(user=ana, name=f"Mine {number}", **common)
        tokens.create_service(by=ana, name=f"Service {number}", role=role.slug, **common)

    add(1)
    before = [queries_of(browser, path) for path in paths]
    for number in range(2, 6):
        add(number)

    assert [queries_of(browser, path) for path in paths] == before


def test_a_role_is_made_like_another_given_and_deleted(acme, ana, bia, noon, client_of):
    browser = client_of(acme, user=ana)
    form = browser.get("/settings/roles/new/?copy=viewer").context["form"]
    made = browser.post(
        "/settings/roles/new/?copy=viewer",
        {"name": "Front desk", "description": "Sees", "permissions": sorted(form.held)},
    )
    role = Role.objects.get(slug="front-desk")
    assert made["Location"] == f"/settings/roles/{role.pk}/"
    users.set_role(user=bia, role=role.slug, by=ana, now=noon)

    page = browser.get(f"/settings/roles/{role.pk}/").content.decode()
    assert "bia@acme.example" in page
    browser.post(f"/settings/roles/{role.pk}/", {"name": "Desk", "permissions": [LOOK]})
    role.refresh_from_db()
    assert (role.name, [one.codename for one in role.permissions.all()]) == ("Desk", ["view_conversation"])
    browser.post(f"/settings/roles/{role.pk}/delete/", {"move_to": "agent"})

    bia.refresh_from_db()
    assert bia.role.slug == "agent"
    assert not Role.objects.filter(pk=role.pk).exists()


def test_a_role_that_is_refused_keeps_what_was_typed(acme, ana, client_of):
    answer = client_of(acme, user=ana).post("/settings/roles/new/", {"name": "Agent", "permissions": [LOOK]})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="Agent"' in page
    assert re.search(rf'value="{LOOK}"[^>]*checked', page)


def test_what_one_does_not_hold_is_shown_and_stays(acme, ana, noon, client_of):
    keeper = roles.create(name="Keeper", codenames=["accounts.manage_role", LOOK], by=ana, now=noon)
    wide = roles.create(name="Wide", codenames=[LOOK, "chat.view_report"], by=ana, now=noon)
    dora = users.create(email="dora@acme.example", role=keeper.slug, by=ana, now=noon, password="a quite long password")
    browser = client_of(acme, user=dora)

    page = browser.get(f"/settings/roles/{wide.pk}/").content.decode()
    assert re.search(r'value="chat.view_report"[^>]*checked disabled', page)
    browser.post(f"/settings/roles/{wide.pk}/", {"name": "Wide", "permissions": ["accounts.manage_role"]})

    held = {one.codename for one in wide.permissions.all()}
    assert held == {"view_report", "manage_role"}


@pytest.mark.parametrize(
    ("path", "more"), [("/settings/tokens/new/", {}), ("/settings/tokens/new-service/", {"role": "agent"})]
)
def test_a_token_is_shown_once_and_a_form_sent_twice_makes_one(acme, ana, client_of, path, more):
    browser = client_of(acme, user=ana)
    once = browser.get(path).context["once"]
    body = {"name": "Stock", "days": 30, "access": "chosen", "area_contacts": "read", "once": once, **more}

    answer = browser.post(path, body)

    text = re.search(r"blc_[0-9A-Za-z]{36}", answer.content.decode())[0]
    assert tokens.looks_right(text)
    assert "no-store" in answer["Cache-Control"]
    assert ApiToken.objects.get().scopes == ["contacts:read"]
    assert browser.post(path, body)["Location"] == "/settings/tokens/"
    assert ApiToken.objects.count() == 1
    assert text not in browser.get("/settings/tokens/").content.decode()


def test_a_token_that_may_nothing_is_not_made(acme, ana, client_of):
    answer = client_of(acme, user=ana).post("/settings/tokens/new/", {"name": "Stock", "days": 30, "access": "chosen"})

    assert (answer.status_code, ApiToken.objects.count()) == (422, 0)


def test_only_who_manages_tokens_sees_those_of_others(acme, ana, bia, noon, client_of):
    mine, _plain = tokens.create_personal(user=ana, name="Secret plan", scope_names=["all"], days=30, now=noon)
    hers = client_of(acme, user=bia)

    assert "Secret plan" not in hers.get("/settings/tokens/?show=people").content.decode()
    assert hers.get("/settings/tokens/new-service/").status_code == 403
    assert hers.post("/settings/tokens/rule/", {"max_days": 700}).status_code == 403
    assert hers.post(f"/settings/tokens/{mine.pk}/revoke/").status_code == 404
    assert "Secret plan" in client_of(acme, role="admin").get("/settings/tokens/?show=people").content.decode()


def test_the_rule_binds_new_tokens(acme, ana, client_of):
    browser = client_of(acme, user=ana)
    browser.post("/settings/tokens/rule/", {"max_days": 14})

    offered = [value for value, _words in browser.get("/settings/tokens/new/").context["form"].fields["days"].choices]

    assert offered == [7, 14]
