"""Programs with tokens: what opens, what stays shut, and what is left of a token afterwards."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_tenants.utils import tenant_context

from conftest import host_of
from ops.kernel.audit.models import AuditEntry
from ops.kernel.idempotency.models import IdempotencyRecord
from tenants.accounts.errors import MoreThanYours, TokenRefused
from tenants.accounts.models import ApiToken, Role, User
from tenants.accounts.services import emails, roles, scopes, tokens, users

NOW = timezone.now


def program(tenant, plain):
    return Client(headers={"host": host_of(tenant), "authorization": f"Token {plain}"})


def personal(user, *names, days=90):
    return tokens.create_personal(user=user, name="Script", scope_names=names or ["all"], days=days, now=NOW())


def service(by, role, *names):
    return tokens.create_service(by=by, name="Stock", role=role, scope_names=names or ["all"], days=90, now=NOW())


def test_a_token_is_made_shown_once_and_kept_as_a_digest(acme, ana, client_of):
    browser = client_of(acme, user=ana)
    body = {"name": "Stock import", "scopes": ["contacts:read"], "days": 30}

    answer = browser.post("/api/v1/settings/tokens/", body, "application/json", headers={"idempotency-key": "once"})

    made = answer.json()
    plain = made["token"]
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert tokens.looks_right(plain)
    assert made["begins_with"] == plain[:10]
    row = ApiToken.objects.get()
    assert plain not in str(vars(row))
    # What is kept of the answer for whoever repeats the request has no token in it.
    assert plain not in str(IdempotencyRecord.objects.get().body)
    again = browser.post("/api/v1/settings/tokens/", body, "application/json", headers={"idempotency-key": "once"})
    assert (again.json()["token"], again["Idempotent-Replayed"]) == (None, "true")
    assert plain not in browser.get("/api/v1/settings/tokens/").content.decode()
    assert plain[:10] in browser.get("/api/v1/settings/tokens/").content.decode()
    entry = AuditEntry.objects.get(action="accounts.token_created")
    assert entry.detail["begins_with"] == plain[:10]
    assert plain not in str(entry.detail)


def test_a_token_opens_what_its_scopes_and_the_role_both_allow(acme, ana):
    _row, plain = personal(ana, "contacts:read")
    hers = program(acme, plain)

    assert hers.get("/api/v1/auth/me/").json()["permissions"] == ["chat.view_contact"]
    assert hers.get("/api/v1/chat/contacts/").status_code == 200
    assert hers.post("/api/v1/chat/contacts/", {"name": "Dora"}, "application/json").status_code == 403
    assert hers.get("/api/v1/chat/conversations/").status_code == 403


def test_a_token_loses_at_once_what_its_person_loses(acme, ana, bia):
    _row, plain = personal(bia, "conversations:read", "contacts:write")
    hers = program(acme, plain)
    assert hers.get("/api/v1/chat/conversations/").status_code == 200

    users.set_role(user=bia, role="billing", by=ana, now=NOW())

    assert hers.get("/api/v1/chat/conversations/").status_code == 403
    users.deactivate(user=bia, by=ana, now=NOW())
    assert hers.get("/api/v1/auth/me/").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v1/settings/tokens/"),
        ("post", "/api/v1/settings/tokens/"),
        ("post", "/api/v1/settings/roles/"),
        ("post", "/api/v1/users/"),
    ],
)
def test_no_token_opens_tokens_roles_and_people(acme, ana, method, path):
    _row, plain = personal(ana)

    answer = getattr(program(acme, plain), method)(path, {}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_refused")


def test_no_token_opens_a_page(acme, ana):
    _row, plain = personal(ana)

    answer = program(acme, plain).get("/settings/tokens/")

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/settings/tokens/")


def test_a_service_has_a_role_and_a_name_of_its_own_and_is_no_person(acme, ana, client_of):
    before = User.objects.count()
    row, plain = service(ana, "agent")

    me = program(acme, plain).get("/api/v1/auth/me/").json()

    assert (me["name"], me["role"]) == ("Stock", "agent")
    assert "chat.reply_conversation" in me["permissions"]
    assert "accounts.change_user" not in me["permissions"]
    assert User.objects.count() == before
    assert "service.invalid" not in client_of(acme, user=ana).get("/settings/people/").content.decode()
    assert not User.everyone.get(pk=row.user_id).is_active
    made = program(acme, plain).post("/api/v1/chat/contacts/", {"name": "Dora"}, "application/json")
    assert made.status_code == 201, made.content
    # It goes on when who made it leaves.
    person_two = users.create(email="eva@acme.example", role="owner", by=ana, now=NOW())
    users.deactivate(user=ana, by=person_two, now=NOW())
    assert program(acme, plain).get("/api/v1/auth/me/").status_code == 200


def test_nobody_makes_a_service_that_may_more_than_they(acme, ana):
    keeper = roles.create(
        name="Key keeper", codenames={"accounts.manage_apitoken", "chat.view_contact"}, by=ana, now=NOW()
    )
    dora = users.create(email="dora@acme.example", role=keeper.slug, by=ana, now=NOW(), password="a long password")

    with pytest.raises(MoreThanYours):
        service(dora, "agent")


def test_revoking_stops_a_token_at_once_and_is_no_error_twice(acme, ana, bia, client_of):
    row, plain = personal(bia)
    url = f"/api/v1/settings/tokens/{row.pk}/"

    # Ana manages tokens, Bia owns this one; an editor has nothing to do with it.
    assert client_of(acme, role="editor").delete(url).status_code == 404
    assert client_of(acme, user=ana).delete(url).status_code == 204
    assert client_of(acme, user=bia).delete(url).status_code == 204
    answer = program(acme, plain).get("/api/v1/auth/me/")

    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"].startswith(("Bearer", "Token"))
    assert AuditEntry.objects.filter(action="accounts.token_revoked").count() == 1


def test_a_token_ends_with_its_day(acme, ana):
    row, plain = personal(ana, days=1)

    assert tokens.behind(plain, now=row.expires_at - timedelta(seconds=1)) == ana
    with pytest.raises(TokenRefused):
        tokens.behind(plain, now=row.expires_at)


@pytest.mark.parametrize(
    "spoil", [str.lower, lambda text: text[:-1], lambda text: text + "x", lambda text: "blc_" + "é" * 36]
)
def test_what_is_no_token_is_refused_without_asking_the_database(acme, ana, spoil, django_assert_num_queries):
    _row, plain = personal(ana)

    with django_assert_num_queries(0), pytest.raises(TokenRefused):
        tokens.behind(spoil(plain), now=NOW())


def test_the_last_use_is_noted_once_a_minute(acme, ana):
    row, plain = personal(ana)
    moments = [(0, "192.0.2.1"), (59, "192.0.2.2"), (60, "192.0.2.3")]

    noted = []
    for seconds, address in moments:
        tokens.behind(plain, now=row.created_at + timedelta(seconds=seconds), address=address)
        row.refresh_from_db()
        noted.append(row.last_used_from)

    assert noted == ["192.0.2.1", "192.0.2.1", "192.0.2.3"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["moon:read"]}, "scopes"),
        ({"name": " ", "scopes": ["all"]}, "name"),
        ({"name": "x", "scopes": ["all"], "days": 366}, "days"),
        ({"name": "x", "scopes": ["all"], "days": 0}, "days"),
        ({"name": "x", "scopes": ["all"], "kind": "service", "role": "emperor"}, "role"),
    ],
)
def test_what_makes_no_token_is_named(acme, ana, client_of, body, field):
    answer = client_of(acme, user=ana).post("/api/v1/settings/tokens/", body, "application/json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not ApiToken.objects.exists()


def test_a_row_copied_to_another_tenant_opens_nothing_there(acme, beta, ana):
    row, plain = personal(ana)
    with tenant_context(beta):
        User.objects.create(
            pk=ana.pk, email="ana@acme.example", role=Role.objects.get(slug="owner"), password=ana.password
        )
        ApiToken.objects.create(
            pk=row.pk, kind=row.kind, name=row.name, user_id=ana.pk, prefix=row.prefix, digest=row.digest,
            scopes=row.scopes, expires_at=row.expires_at,
        )  # fmt: skip

    assert program(acme, plain).get("/api/v1/auth/me/").status_code == 200
    assert program(beta, plain).get("/api/v1/auth/me/").status_code == 401


def test_every_permission_a_token_may_have_is_in_a_scope(acme):
    covered = scopes.permissions_of(name for name in scopes.known() if name != scopes.ALL)

    assert scopes.permissions_of([scopes.ALL]) == covered


def test_a_letter_comes_when_a_token_is_made_and_a_week_before_it_ends(acme, ana, monkeypatch):
    sent = []
    monkeypatch.setattr(emails, "enqueue", lambda name, **what: sent.append(what))
    row, plain = personal(ana, days=30)
    personal(ana, days=8)
    assert [what["letter"] for what in sent] == ["token_created", "token_created"]
    emails.deliver(**sent[0])
    assert (mail.outbox[0].to, plain in mail.outbox[0].body) == ([ana.email], False)
    assert row.shown in mail.outbox[0].body
    sent.clear()

    assert tokens.warn_of_ends(now=row.expires_at - timedelta(days=7, minutes=1)) == 0
    assert tokens.warn_of_ends(now=row.expires_at - timedelta(days=7)) == 1
    assert tokens.warn_of_ends(now=row.expires_at - timedelta(days=6)) == 0

    emails.deliver(**sent[0])
    assert [what["letter"] for what in sent] == ["token_ends"]
    assert row.shown in mail.outbox[1].body
