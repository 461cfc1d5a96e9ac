"""Roles of a tenant's own: nobody gives what they do not hold, and a change counts at once."""

import pytest
from django.test import Client
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.models import IdentityProvider, Invitation, Role, User
from tenants.accounts.services import roles, sessions, tokens, users

URL = "/api/v1/settings/roles/"
READER = ["chat.view_conversation", "chat.view_contact"]


def made(by, noon, *names, name="Front desk"):
    return roles.create(name=name, codenames=names or READER, by=by, now=noon)


def somebody(by, noon, role, email="dora@acme.example"):
    return users.create(email=email, role=role, by=by, now=noon, password="a quite long password")


def post(client, url, body, method="post"):
    return getattr(client, method)(url, body, "application/json")


def test_a_role_is_made_changed_and_written_down(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    role = post(browser, URL, {"name": "Front  desk", "permissions": READER}).json()
    changed = post(
        browser, f"{URL}{role['slug']}/", {"permissions": [*READER, "chat.reply_conversation"]}, "patch"
    ).json()

    assert (role["slug"], role["name"], role["takes_seat"], role["people"]) == ("front-desk", "Front desk", False, 0)
    assert (changed["takes_seat"], changed["permissions"]) == (True, sorted([*READER, "chat.reply_conversation"]))
    entry = AuditEntry.objects.get(action="accounts.role_edited")
    assert entry.detail["before"]["permissions"] == sorted(READER)
    assert entry.detail["after"]["permissions"] == changed["permissions"]
    assert (entry.detail["added"], entry.detail["removed"]) == (["chat.reply_conversation"], [])
    slugs = [one["slug"] for one in browser.get(URL).json()["results"]]
    assert set(slugs) == {"owner", "admin", "agent", "editor", "viewer", "billing", "front-desk"}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"name": "agent", "permissions": []}, 409, "role_taken", "name"),
        ({"name": " ", "permissions": []}, 422, "blank", "name"),
        ({"name": "X", "permissions": ["chat.rule_the_world"]}, 422, "unknown_permission", "permissions"),
        ({"name": "X"}, 422, "required", "permissions"),
    ],
)
def test_what_makes_no_role_is_named(acme, ana, client_of, body, status, code, field):
    answer = post(client_of(acme, user=ana), URL, body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.json()["errors"][0]["field"] == field


def test_nobody_gives_what_they_do_not_hold(acme, ana, noon, client_of):
    keeper = made(ana, noon, "accounts.manage_role", "accounts.view_user", "accounts.change_user", "chat.view_contact")
    wide = made(ana, noon, *READER, name="Wide")
    browser = client_of(acme, user=somebody(ana, noon, keeper.slug))

    own = post(browser, f"{URL}{keeper.slug}/", {"permissions": ["accounts.manage_role", "chat.view_report"]}, "patch")
    fresh = post(browser, URL, {"name": "Mine", "permissions": ["chat.view_report"]})
    taken = post(browser, f"{URL}{wide.slug}/", {"permissions": []}, "patch")
    promoted = post(
        browser, f"/api/v1/users/{User.objects.get(email='dora@acme.example').pk}/", {"role": "admin"}, "patch"
    )
    hired = post(browser, "/api/v1/users/", {"email": "eva@acme.example", "role": wide.slug})
    deleted = browser.delete(f"{URL}{wide.slug}/")

    for answer in (own, fresh, taken, promoted, hired, deleted):
        assert (answer.status_code, answer.json()["code"]) == (403, "more_than_yours"), answer.content
    assert post(browser, URL, {"name": "Less", "permissions": ["chat.view_contact"]}).status_code == 201
    assert sorted(Role.objects.get(slug=wide.slug).permissions.values_list("codename", flat=True)) == [
        "view_contact",
        "view_conversation",
    ]


def test_built_in_roles_stay_as_they_are(acme, ana, client_of):
    browser = client_of(acme, user=ana)

    assert post(browser, f"{URL}agent/", {"permissions": []}, "patch").json()["code"] == "role_fixed"
    assert browser.delete(f"{URL}agent/?move_to=viewer").json()["code"] == "role_fixed"


def test_a_change_counts_at_the_next_request_of_whoever_has_the_role(acme, ana, noon, client_of):
    role = made(ana, noon)
    dora = somebody(ana, noon, role.slug)
    pair = sessions.open_with_password(email=dora.email, password="a quite long password", now=timezone.now())
    page = client_of(acme, user=dora)
    program = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {pair.access}"})
    doors = [(page, "/chat/contacts/"), (page, "/api/v1/chat/contacts/"), (program, "/api/v1/chat/contacts/")]
    assert [client.get(path).status_code for client, path in doors] == [200, 200, 200]

    roles.change(role_id=role.pk, codenames=["chat.view_conversation"], by=ana, now=noon)

    assert [client.get(path).status_code for client, path in doors] == [403, 403, 403]


def test_deleting_moves_everything_that_names_the_role(acme, ana, noon, client_of):
    role = made(ana, noon)
    dora = somebody(ana, noon, role.slug)
    token, _plain = tokens.create_service(by=ana, name="Stock", role=role.slug, scope_names=["all"], days=5, now=noon)
    invitation = Invitation.objects.create(email="eva@acme.example", role=role, sent_at=noon, expires_at=noon)
    provider = IdentityProvider.objects.create(
        kind="oidc", name="Id", default_role=role, group_roles=[{"group": "a", "role": role.slug}]
    )
    browser = client_of(acme, user=ana)

    assert browser.delete(f"{URL}{role.slug}/").json()["code"] == "role_in_use"
    assert browser.delete(f"{URL}{role.slug}/?move_to=emperor").json()["errors"][0]["field"] == "move_to"
    assert browser.delete(f"{URL}{role.slug}/?move_to=viewer").status_code == 204

    for row in (dora, token, invitation, provider):
        row.refresh_from_db()
    viewer = Role.objects.get(slug="viewer")
    assert (dora.role, token.role, invitation.role, provider.default_role) == (viewer,) * 4
    assert provider.group_roles == [{"group": "a", "role": "viewer"}]
    entry = AuditEntry.objects.get(action="accounts.role_deleted")
    assert (entry.detail["move_to"], entry.detail["people"]) == ("viewer", ["dora@acme.example"])


def test_the_last_owner_stays_owner(acme, ana, client_of):
    answer = post(client_of(acme, user=ana), f"/api/v1/users/{ana.pk}/", {"role": "admin"}, "patch")

    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")


def test_a_role_that_answers_conversations_takes_seats(acme, ana, noon, monkeypatch):
    asked = []
    monkeypatch.setattr("tenants.accounts.services.seats._rule", asked.append)
    role = made(ana, noon)
    somebody(ana, noon, role.slug)
    assert (asked, User.objects.seated().count()) == ([], 1)

    roles.change(role_id=role.pk, codenames=["chat.reply_conversation"], by=ana, now=noon)

    assert (asked, User.objects.seated().count()) == ([1], 2)


def test_roles_of_one_tenant_are_not_there_in_another(acme, beta, ana, caio, noon, client_of):
    role = made(ana, noon)
    browser = client_of(beta, user=caio)

    assert browser.get(f"{URL}{role.slug}/").status_code == 404
    assert browser.get(f"/settings/roles/{role.pk}/").status_code == 404
    assert browser.post(f"/settings/roles/{role.pk}/delete/").status_code == 404
    assert role.slug not in [one["slug"] for one in browser.get(URL).json()["results"]]
    with tenant_context(beta):
        assert not Role.objects.filter(slug=role.slug).exists()
