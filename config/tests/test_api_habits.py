"""What every address of the API does alike: one error shape, headers, strict input, safe repeats."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from billing.enums import PriceKind
from billing.models import Plan, PlanPrice
from billing.tests.factories import PlanFactory, PlanPriceFactory, SubscriptionFactory
from ops.kernel.idempotency.models import IdempotencyRecord
from ops.kernel.webhooks.models import WebhookEndpoint
from tenants.accounts.models import User
from tenants.accounts.services import users
from tenants.models import Tenant
from tenants.queries import hosts
from tenants.tests.factories import ResellerFactory

# Answered without a login, each for a reason.
OPEN = {
    "/api/v1/auth/login/": "it is the login",
    "/api/v1/auth/refresh/": "the refresh token is the proof",
    "/api/v1/auth/logout/": "the refresh token is the proof",
    "/api/v1/chat/files/{token}": "the signed address is the proof",
    "/api/v1/chat/exports/file/{token}": "the signed address is the proof",
    "/hooks/bot/{bot_id}/": "the signature of the program is the proof",
}
PROBLEM = {"type", "title", "status", "detail", "code", "errors", "request_id"}


class Examples(dict):
    """A value for every name in an address: most are ids."""

    def __missing__(self, name):
        return {"number": "1"}.get(name, "0195b2c0-0000-7000-8000-000000000000")


def api(client, ana):
    """A client that carries Ana's access token."""
    pair = client.post(
        "/api/v1/auth/login/", {"email": ana.email, "password": "balcao-demo"}, "application/json"
    ).json()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {pair['access']}"
    return client


def assert_problem(answer, status, code=None):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert set(body) == PROBLEM
    assert body["status"] == status
    assert body["request_id"] == answer["X-Request-ID"]
    if code:
        assert body["code"] == code
    return body


@pytest.fixture
def client(acme, ana, client_of):
    return api(client_of(acme), ana)


def test_strangers_get_401_everywhere_but_at_the_named_doors(acme, client_of):
    paths = SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)["paths"]
    assert set(OPEN) <= set(paths)
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={}))
    client = client_of(acme)
    for path, item in paths.items():
        if path in OPEN or path.startswith("/api/widget/"):
            continue
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            url = path.format_map(Examples())
            answer = client.generic(method.upper(), url, "{}", "application/json")
            assert_problem(answer, 401)


@pytest.mark.parametrize(
    ("method", "url", "body", "content_type", "status"),
    [
        ("GET", "/api/v1/nothing/here/", "", "", 404),
        ("POST", "/api/v1/users", "{}", "application/json", 404),
        ("DELETE", "/api/v1/users/", "", "", 403),
        ("POST", "/api/v1/users/", "{", "application/json", 400),
        ("POST", "/api/v1/users/", '{"email": "\\u0000@x.example", "role": "agent"}', "application/json", 400),
        ("POST", "/api/v1/users/", b'{"email": "\xff"}', "application/json", 400),
        ("POST", "/api/v1/users/", "a=b", "text/plain", 415),
        ("POST", "/api/v1/users/", "[1]", "application/json", 422),
        ("POST", "/api/v1/users/", "null", "application/json", 422),
        ("GET", "/api/v1/users/not-an-id/", "", "", 404),
        ("GET", "/api/v1/users/?cursor=nonsense", "", "", 422),
        ("GET", "/api/v1/users/?role=emperor", "", "", 422),
    ],
)
def test_every_refusal_has_the_one_shape_and_the_headers(client, method, url, body, content_type, status):
    answer = client.generic(method, url, body, content_type or "application/octet-stream")

    assert_problem(answer, status)
    assert int(answer["X-RateLimit-Limit"]) == 100
    assert 0 <= int(answer["X-RateLimit-Remaining"]) < 100
    assert int(answer["X-RateLimit-Reset"]) > 0


def test_a_program_without_cookies_is_told_that_an_address_does_not_exist(acme):
    client = Client(headers={"host": "acme.localhost"}, enforce_csrf_checks=True)

    assert_problem(client.post("/api/v1/nothing/here/", {}, "application/json"), 404, "not_found")


def test_unknown_fields_are_named_and_nothing_happens(client):
    body = {"email": "dora@acme.example", "role": "viewer", "is_superuser": True, "colour": "red"}

    problem = assert_problem(client.post("/api/v1/users/", body, "application/json"), 422, "invalid")

    assert {(error["field"], error["code"]) for error in problem["errors"]} == {
        ("is_superuser", "unknown_field"),
        ("colour", "unknown_field"),
    }
    assert not User.objects.filter(email="dora@acme.example").exists()


def test_the_plan_s_number_of_requests_binds_each_person_alone(acme, ana, bia, client_of):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"api.requests_15min": 3}))
    hers = api(client_of(acme), ana)

    left = [
        client_answer["X-RateLimit-Remaining"] for client_answer in [hers.get("/api/v1/auth/me/") for _ in range(3)]
    ]
    refused = hers.get("/api/v1/auth/me/")

    assert left == ["2", "1", "0"]
    assert_problem(refused, 429, "rate_limited")
    assert int(refused["Retry-After"]) > 0
    assert refused["X-RateLimit-Remaining"] == "0"
    assert api(client_of(acme), bia).get("/api/v1/auth/me/").status_code == 200


def test_guessing_tokens_is_counted_too(acme, client_of):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"api.requests_15min": 2}))
    client = client_of(acme)

    answers = [client.get("/api/v1/users/", headers={"authorization": f"Bearer guess{number}"}) for number in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_a_repeated_key_gets_the_first_answer_and_makes_one_person(client):
    body = {"email": "dora@acme.example", "role": "viewer"}
    headers = {"idempotency-key": "invite-dora-1"}

    first = client.post("/api/v1/users/", body, "application/json", headers=headers)
    second = client.post("/api/v1/users/", body, "application/json", headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert User.objects.filter(email="dora@acme.example").count() == 1

    other = client.post("/api/v1/users/", body | {"role": "editor"}, "application/json", headers=headers)
    assert_problem(other, 409)


def test_a_request_id_is_echoed(client):
    assert client.get("/api/v1/auth/me/", headers={"x-request-id": "my-own-id-1"})["X-Request-ID"] == "my-own-id-1"


# --- Logging in -----------------------------------------------------------------------------------------


def test_login_refresh_logout(acme, ana, client_of):
    client = client_of(acme)
    answer = client.post(
        "/api/v1/auth/login/", {"email": "ANA@acme.example", "password": "balcao-demo"}, "application/json"
    )
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert answer["Cache-Control"] == "no-store"

    fresh = client.post("/api/v1/auth/refresh/", {"refresh": answer.json()["refresh"]}, "application/json").json()
    bearer = {"authorization": f"Bearer {fresh['access']}"}
    assert client.get("/api/v1/auth/me/", headers=bearer).json()["email"] == "ana@acme.example"

    assert client.post("/api/v1/auth/logout/", {"refresh": fresh["refresh"]}, "application/json").status_code == 204
    assert_problem(client.get("/api/v1/auth/me/", headers=bearer), 401, "authentication_failed")
    again = client.post("/api/v1/auth/refresh/", {"refresh": fresh["refresh"]}, "application/json")
    assert_problem(again, 401, "token_refused")


def test_a_used_refresh_token_ends_the_login(acme, ana, client_of):
    client = client_of(acme)
    pair = client.post(
        "/api/v1/auth/login/", {"email": ana.email, "password": "balcao-demo"}, "application/json"
    ).json()
    refresh = "/api/v1/auth/refresh/"
    second = client.post(refresh, {"refresh": pair["refresh"]}, "application/json").json()
    # The one used last is answered a moment longer, for a second tab: with the same successor.
    assert client.post(refresh, {"refresh": pair["refresh"]}, "application/json").status_code == 200
    fresh = client.post(refresh, {"refresh": second["refresh"]}, "application/json").json()

    assert client.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}, "application/json").status_code == 401

    bearer = {"authorization": f"Bearer {fresh['access']}"}
    assert client.get("/api/v1/auth/me/", headers=bearer).status_code == 401


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
def test_a_refused_login_says_the_same_for_known_and_unknown(acme, ana, client_of, email):
    answer = client_of(acme).post("/api/v1/auth/login/", {"email": email, "password": "wrong"}, "application/json")

    body = assert_problem(answer, 401, "login_refused")
    assert body["errors"] == []
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_token_does_not_open_doors(acme, ana, client_of):
    client = client_of(acme)
    pair = client.post(
        "/api/v1/auth/login/", {"email": ana.email, "password": "balcao-demo"}, "application/json"
    ).json()

    assert client.get("/api/v1/auth/me/", headers={"authorization": f"Bearer {pair['refresh']}"}).status_code == 401
    assert client.post("/api/v1/auth/refresh/", {"refresh": pair["access"]}, "application/json").status_code == 401


def test_the_tokens_of_the_deactivated_stop_at_once(acme, ana, bia, client_of):
    hers = api(client_of(acme), bia)
    assert hers.get("/api/v1/auth/me/").status_code == 200

    users.deactivate(user=bia, by=ana, now=timezone.now())

    assert hers.get("/api/v1/auth/me/").status_code == 401


def test_a_browser_session_needs_the_csrf_token_to_write(acme, ana, client_of):
    client = client_of(acme, user=ana, enforce_csrf_checks=True)
    assert client.get("/api/v1/users/").status_code == 200

    answer = client.post("/api/v1/users/", {"email": "dora@acme.example", "role": "viewer"}, "application/json")

    assert_problem(answer, 403)
    assert not User.objects.filter(email="dora@acme.example").exists()


# --- People ---------------------------------------------------------------------------------------------


def test_people_are_listed_by_cursor_filtered_and_ordered(client, ana, bia):
    page = client.get("/api/v1/users/?page_size=1&ordering=email").json()
    assert [row["email"] for row in page["results"]] == ["ana@acme.example"]
    rest = client.get(page["next"]).json()
    assert [row["email"] for row in rest["results"]] == ["bia@acme.example"]
    assert rest["next"] is None

    assert [row["id"] for row in client.get("/api/v1/users/?q=braga").json()["results"]] == [str(bia.pk)]
    assert [row["id"] for row in client.get("/api/v1/users/?role=owner").json()["results"]] == [str(ana.pk)]
    assert client.get("/api/v1/users/?is_active=false").json()["results"] == []
    assert "password" not in client.get(f"/api/v1/users/{ana.pk}/").json()


def test_role_and_access_are_patched(client, bia):
    url = f"/api/v1/users/{bia.pk}/"

    assert client.patch(url, {"role": "editor"}, "application/json").json()["role"] == "editor"
    assert client.patch(url, {"is_active": False}, "application/json").json()["is_active"] is False
    assert client.patch(url, {}, "application/json").status_code == 200

    bia.refresh_from_db()
    assert (bia.role.slug, bia.is_active) == ("editor", False)


def test_half_a_patch_is_no_patch(client, acme, ana):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"chat.agents": 0}))
    now = timezone.now()
    viewer = users.create(email="vera@acme.example", role="viewer", password="a quite long password", by=ana, now=now)
    users.deactivate(user=viewer, by=ana, now=now)

    answer = client.patch(f"/api/v1/users/{viewer.pk}/", {"role": "agent", "is_active": True}, "application/json")

    assert_problem(answer, 402, "limit_reached")
    viewer.refresh_from_db()
    assert (viewer.role.slug, viewer.is_active) == ("viewer", False)


def test_the_last_owner_stays_over_the_api_too(client, ana):
    answer = client.patch(f"/api/v1/users/{ana.pk}/", {"is_active": False}, "application/json")

    assert_problem(answer, 409, "last_owner")
    ana.refresh_from_db()
    assert ana.is_active


@pytest.mark.parametrize(
    ("role", "list_status", "create_status"), [("admin", 200, 201), ("agent", 200, 403), ("viewer", 200, 403)]
)
def test_the_role_decides_what_the_api_does(acme, client_of, role, list_status, create_status):
    client = client_of(acme, role=role)

    assert client.get("/api/v1/users/").status_code == list_status
    answer = client.post("/api/v1/users/", {"email": "dora@acme.example", "role": "viewer"}, "application/json")
    assert answer.status_code == create_status


# --- The plan -------------------------------------------------------------------------------------------


def test_the_plan_and_what_is_left_of_it(client, acme):
    SubscriptionFactory(
        tenant=acme, plan=PlanFactory(slug="tiny", limits={"chat.agents": 2}, flags={"analytics": True})
    )

    body = client.get("/api/v1/billing/entitlements/").json()

    # A feature the plan does not speak of is off, and said to be.
    assert (body["plan"], {name for name, on in body["flags"].items() if on}) == ("tiny", {"analytics"})
    agents = next(row for row in body["limits"] if row["key"] == "chat.agents")
    assert (agents["limit"], agents["used"], agents["remaining"]) == (2, 0, 2)


def test_the_catalogue_lists_the_public_plans(client, acme):
    PlanFactory(slug="secret")

    slugs = [row["slug"] for row in client.get("/api/v1/billing/plans/").json()["results"]]

    assert slugs == ["starter", "professional", "business", "enterprise", "white-label"]


def test_a_plan_says_what_this_very_tenant_pays_for_it(client, acme):
    began = timezone.now() - timedelta(days=1)
    kept, own = Plan.objects.get(slug="starter"), ResellerFactory(slug="sul")
    PlanPrice.objects.all().delete()
    PlanPriceFactory(plan=kept, kind=PriceKind.LIST, amount_cents=19_700, starts_at=began)
    PlanPriceFactory(
        plan=kept, kind=PriceKind.RETAIL, reseller=own, amount_cents=25_050, floor_cents=10_000, starts_at=began
    )

    def priced():
        return {row["slug"]: row["price"] for row in client.get("/api/v1/billing/plans/").json()["results"]}

    ours = priced()
    assert (ours["starter"], ours["enterprise"]) == ({"amount": "197.00", "currency": "BRL"}, None)
    Tenant.objects.filter(pk=acme.pk).update(reseller=own)
    hosts.forget()
    assert priced()["starter"] == {"amount": "250.50", "currency": "BRL"}


def test_the_secret_of_a_webhook_is_answered_once_and_kept_nowhere_readable(client, acme):
    sent = {"url": "https://crm.example/hook", "events": ["*"]}
    path = "/api/v1/chat/webhooks/"

    def ask(where, body, key):
        return client.post(where, body, content_type="application/json", headers={"idempotency-key": key})

    made = ask(path, sent, "add")
    rotate = f"{path}{made.json()['id']}/rotate/"
    rotated = ask(rotate, {}, "rotate")

    secrets = [made.json()["secret"], rotated.json()["secret"]]
    assert (made.status_code, rotated.status_code) == (201, 200)
    assert all(secrets)
    assert secrets[0] != secrets[1]
    kept = str(list(IdempotencyRecord.objects.values_list("body", flat=True)))
    assert made.json()["id"] in kept
    assert not any(secret in kept for secret in secrets)
    for again in (ask(path, sent, "add"), ask(rotate, {}, "rotate")):
        assert (again.json()["secret"], again["Idempotent-Replayed"]) == (None, "true")
    # Asked again it made neither a second endpoint nor a third secret.
    assert WebhookEndpoint.objects.get().secret == secrets[1]
