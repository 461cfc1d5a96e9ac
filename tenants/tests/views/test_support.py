"""Support's visit through the doors: what opens, what stays closed, what is written down, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_tenants.utils import schema_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.registry import permissions
from tenants.accounts.models import User
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import GrantEnd, ResellerRole, SupportMode
from tenants.gate import is_open_to_support
from tenants.models import ImpersonationGrant, SupportAccess, Tenant
from tenants.services import lifecycle, support
from tenants.tests.factories import ImpersonationGrantFactory, ResellerFactory, ResellerMemberFactory


@pytest.fixture
def renata(acme: Tenant) -> Any:
    """Of the support of acme's reseller."""
    with schema_context("public"):
        reseller = ResellerFactory(name="Rede Sul", slug="sul")
        Tenant.objects.filter(pk=acme.pk).update(reseller=reseller)
        user = UserFactory(email="renata@sul.example", name="Renata Vidal", is_staff=True)
        return ResellerMemberFactory(reseller=reseller, user=user, role=ResellerRole.SUPPORT).user


def link_for(tenant: Tenant, person: Any, owner: Any, role: str = "admin") -> str:
    """The path of a way in that the owner has approved."""
    now = timezone.now()
    grant = support.request(
        tenant=tenant, person=person, role=role, reason="The widget does not open", minutes=15, now=now
    )
    if grant.state == "requested":
        support.answer(grant=grant, approve=True, by=owner, now=now)
    url = support.entry_link(grant=grant, person=person, now=now)
    return url[url.index("/support/enter/") :]


@pytest.fixture
def visitor(acme: Tenant, ana: Any, renata: Any) -> Client:
    """Renata's browser inside acme."""
    browser = Client(headers={"host": "acme.localhost"})
    assert browser.post(link_for(acme, renata, ana)).status_code == 302
    return browser


def acts(*names: str) -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action__in=[f"tenants.support_{name}" for name in names]).order_by("at", "id")
    return [(row.detail["method"], row.detail["path"]) for row in rows]


# --- In and out ---------------------------------------------------------------------------------------


def test_the_link_asks_first_and_lets_in_once(acme, ana, renata):
    link = link_for(acme, renata, ana)
    browser, other = Client(headers={"host": "acme.localhost"}), Client(headers={"host": "acme.localhost"})

    asked = browser.get(link)
    assert "Enter Acme as support" in asked.content.decode() or "Acme" in asked.content.decode()
    assert "_auth_user_id" not in browser.session
    assert browser.post(link).status_code == 302
    assert other.post(link).status_code == 404
    assert browser.get("/").status_code == 200


def test_the_session_is_short_and_of_this_host_alone(visitor):
    cookie = visitor.cookies[settings.SESSION_COOKIE_NAME]

    assert cookie["domain"] == ""
    assert 0 < int(cookie["max-age"]) <= 15 * 60
    row = Session.objects.get(session_key=cookie.value)
    assert row.expire_date <= timezone.now() + timedelta(minutes=15, seconds=5)


def test_whoever_was_logged_in_here_is_logged_out_first(acme, ana, renata, client_of):
    browser = client_of(acme, user=ana)
    before = browser.cookies[settings.SESSION_COOKIE_NAME].value

    browser.post(link_for(acme, renata, ana))

    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("page", ["/", "/chat/", "/settings/", "/help/"])
def test_every_page_says_who_is_here_and_lets_them_go(visitor, page):
    body = visitor.get(page).content.decode()

    assert "Renata Vidal (Rede Sul)" in body
    assert "The widget does not open" in body
    assert "/support/leave/" in body


def test_leaving_ends_the_visit(visitor):
    assert visitor.post("/support/leave/").status_code == 200

    assert ImpersonationGrant.objects.get().end == GrantEnd.LEFT
    assert visitor.get("/chat/").status_code == 302
    assert not User.objects.get(support_person_id__isnull=False).is_active


@pytest.mark.parametrize("how", ["customer", "time", "suspended", "never", "team"])
def test_a_visit_that_is_over_opens_nothing(acme, ana, renata, visitor, how):
    grant = ImpersonationGrant.objects.get()
    match how:
        case "customer":
            support.end(grant=grant, why=GrantEnd.CUSTOMER, by=ana, now=timezone.now())
        case "time":
            ImpersonationGrant.objects.update(valid_until=timezone.now() - timedelta(seconds=1))
        case "suspended":
            lifecycle.suspend(tenant=acme, reason="Unpaid", now=timezone.now())
        case "never":
            support.set_access(tenant=acme, mode=SupportMode.NEVER, by=ana, now=timezone.now())
        case "team":
            with schema_context("public"):
                renata.reseller_member.delete()

    assert visitor.get("/chat/").status_code in {302, 404}
    assert visitor.get("/api/v1/chat/conversations/").status_code in {401, 404}
    assert "_auth_user_id" not in visitor.session or how in {"customer", "suspended", "never"}


# --- What stays closed --------------------------------------------------------------------------------

CLOSED = [
    "/settings/people/",
    "/settings/people/add/",
    "/settings/profile/",
    "/settings/webhooks/",
    "/settings/support-access/",
    "/chat/settings/pix/",
    "/chat/settings/bots/",
    "/api/v1/chat/webhooks/",
    "/api/v1/chat/csat/export/",
    "/api/v1/chat/push/",
    "/api/docs/",
]


@pytest.mark.parametrize("path", CLOSED)
def test_secrets_logins_and_copies_stay_closed(visitor, path):
    for method in ("get", "post"):
        assert getattr(visitor, method)(path).status_code in {403, 404}, method


def names(patterns: list[URLPattern | URLResolver], before: str = "") -> list[str]:
    found = []
    for one in patterns:
        if isinstance(one, URLResolver):
            found += names(one.url_patterns, f"{before}{one.namespace}:" if one.namespace else before)
        elif one.name:
            found.append(before + one.name)
    return found


def test_no_door_with_a_secret_or_a_copy_is_open():
    """Doors are open by name; a new one with such a word in its name is closed without anybody thinking of it."""
    words = (
        "password",
        "secret",
        "token",
        "export",
        "import",
        "erase",
        "webhook",
        "people",
        "person",
        "profile",
        "sso",
    )
    doors = names(get_resolver(settings.ROOT_URLCONF).url_patterns)
    wrong = [
        door
        for door in doors
        if any(word in door for word in words) and is_open_to_support(door, "POST") and not door.startswith("dev:")
    ]
    assert wrong == []
    assert is_open_to_support("chat:console", "GET")
    assert not is_open_to_support("billing:pay", "POST")
    assert not is_open_to_support("billing:overview", "POST")
    assert not is_open_to_support("something:new", "GET")


def test_no_permission_of_a_secret_is_for_support():
    held = {one.codename for one in permissions if one.support}
    words = (
        "token",
        "secret",
        "credential",
        "webhook",
        "user",
        "privacy",
        "export",
        "identity",
        "configuration",
        "role",
    )

    assert [name for name in held if any(word in name for word in words)] == ["accounts.view_user"]


def test_the_company_can_be_read_and_changed_but_not_its_access(acme, visitor):
    assert visitor.get("/settings/company/").status_code == 200
    assert visitor.get("/billing/").status_code == 200
    assert visitor.post("/billing/").status_code == 403
    assert visitor.get("/api/v1/users/").status_code == 200
    assert (
        visitor.post("/api/v1/users/", {"email": "x@x.example", "role": "admin"}, "application/json").status_code == 403
    )
    assert not SupportAccess.objects.filter(tenant=acme).exists()


def test_support_is_nobody_of_the_team(acme, ana, visitor, client_of):
    people = client_of(acme, user=ana).get("/settings/people/").content.decode()
    api = client_of(acme, user=ana).get("/api/v1/users/").content.decode()
    login = User.objects.get(support_person_id__isnull=False)

    assert "Renata" not in people
    assert "Renata" not in api
    assert client_of(acme, user=ana).get(f"/settings/people/{login.pk}/").status_code == 404


# --- What is written down -----------------------------------------------------------------------------


def test_what_is_opened_and_changed_is_in_the_customers_log(visitor):
    visitor.get("/chat/")
    visitor.post(
        "/settings/company/", {"name": "Acme", "language": "pt-br", "time_zone": "America/Bahia", "currency": "BRL"}
    )
    visitor.get("/settings/people/")

    assert acts("opened") == [("GET", "/chat/")]
    assert acts("acted") == [("POST", "/settings/company/")]
    assert acts("stopped") == [("GET", "/settings/people/")]
    changed = AuditEntry.objects.get(action="tenants.settings_changed")
    assert (changed.actor_kind, changed.actor_label) == ("support", "Renata Vidal (Rede Sul) · admin")


def test_the_owner_reads_it_all_and_ends_the_visit(acme, ana, visitor, client_of):
    visitor.get("/chat/")
    grant = ImpersonationGrant.objects.get()
    owner = client_of(acme, user=ana)

    page = owner.get(f"/settings/support-access/{grant.pk}/").content.decode()
    assert "/chat/" in page
    assert "renata@sul.example" in page
    assert owner.post(f"/settings/support-access/{grant.pk}/end/").status_code == 302
    assert visitor.get("/chat/").status_code == 302
    assert "Renata Vidal" in owner.get("/settings/support-access/").content.decode()


# --- The customer's pages -----------------------------------------------------------------------------


def test_owners_see_a_request_on_their_pages_and_answer_it(acme, ana, bia, renata, client_of):
    grant = support.request(
        tenant=acme, person=renata, role="viewer", reason="Number 12 is stuck", minutes=15, now=timezone.now()
    )
    owner, agent = client_of(acme, user=ana), client_of(acme, user=bia)

    assert "Number 12 is stuck" in owner.get("/").content.decode()
    assert "Number 12 is stuck" not in agent.get("/").content.decode()
    assert agent.post(f"/settings/support-access/{grant.pk}/answer/", {"answer": "approve"}).status_code == 403
    assert owner.post(f"/settings/support-access/{grant.pk}/answer/", {"answer": "approve"}).status_code == 302
    grant.refresh_from_db()
    assert grant.state == "approved"
    assert "Number 12 is stuck" not in owner.get("/").content.decode()


def test_the_letter_answers_without_a_login_and_by_a_button_only(acme, ana, renata):
    grant = support.request(
        tenant=acme, person=renata, role="viewer", reason="Number 12 is stuck", minutes=15, now=timezone.now()
    )
    path = support.answer_link(grant=grant, owner=ana)
    stranger = Client(headers={"host": "acme.localhost"})

    assert "Number 12 is stuck" in stranger.get(path).content.decode()
    grant.refresh_from_db()
    assert grant.state == "requested"
    assert stranger.post(path, {"answer": "refuse"}).status_code == 200
    grant.refresh_from_db()
    assert (grant.state, grant.answered_by) == ("refused", "ana@acme.example")
    assert stranger.post(path, {"answer": "approve"}).status_code == 404
    assert Client(headers={"host": "beta.localhost"}).get(path).status_code == 404


def test_only_owners_decide(acme, ana, bia, client_of):
    assert client_of(acme, role="admin").get("/settings/support-access/").status_code == 403
    assert client_of(acme, user=bia).post("/settings/support-access/", {"mode": "never"}).status_code == 403
    owner = client_of(acme, user=ana)
    assert owner.post("/settings/support-access/", {"mode": "never"}).status_code == 302
    assert SupportAccess.objects.get(tenant=acme).mode == SupportMode.NEVER
    for wrong in ({"mode": "always"}, {"mode": "allowed"}, {"mode": "allowed", "allowed_until": "2001-01-01"}):
        assert owner.post("/settings/support-access/", wrong).status_code == 422


def test_another_tenants_visits_are_nobodys(acme, beta, ana, client_of):
    theirs = ImpersonationGrantFactory(tenant=beta, reason="Secret of beta")
    owner = client_of(acme, user=ana)

    assert owner.get(f"/settings/support-access/{theirs.pk}/").status_code == 404
    assert owner.post(f"/settings/support-access/{theirs.pk}/end/").status_code == 404
    assert owner.post(f"/settings/support-access/{theirs.pk}/answer/", {"answer": "approve"}).status_code == 404
    assert "Secret of beta" not in owner.get("/settings/support-access/").content.decode()
    theirs.refresh_from_db()
    assert theirs.state == "requested"


def test_a_visits_cookie_is_nobody_next_door(beta, visitor):
    next_door = Client(headers={"host": "beta.localhost"})
    next_door.cookies[settings.SESSION_COOKIE_NAME] = visitor.cookies[settings.SESSION_COOKIE_NAME].value

    assert next_door.get("/chat/").status_code == 302
    assert next_door.get("/api/v1/auth/me/").status_code == 401
