"""The second step of logging in, and who must take it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.configuration import services as configuration
from tenants.accounts.errors import TokenRefused
from tenants.accounts.models import Login, Role, User
from tenants.accounts.services import codes, factors, rules, sessions, users
from tenants.accounts.services.attempts import FAILURE_LIMIT
from tenants.services import resellers

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LONG = "bread before dawn tastes best"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
API = "/api/v1/auth/login/"


def code_at(moment, secret=SECRET):
    return format_hotp_value(hotp_value(secret, int(moment.timestamp()) // codes.STEP_S))


def with_app(user, *, before=timedelta(minutes=5)):
    """The person, with an authenticator app set up a while ago; and the recovery codes."""
    then = timezone.now() - before
    return factors.add_app(user=user, secret=SECRET, code=code_at(then), now=then)


def credentials(user, **more):
    return {"email": user.email, "password": "balcao-demo", **more}


def test_setting_up_an_app_shows_the_codes_once(ana, acme, client_of):
    client = client_of(acme, user=ana)
    session = client.session
    session["confirmed_at"] -= 3600
    session.save()
    for door in ("/settings/profile/security/app/", "/settings/profile/security/passkey/", "/settings/login-rules/"):
        assert client.get(door)["Location"].startswith("/login/confirm/?next=")
    assert client.post("/login/confirm/", {"password": "wrong"}).context["form"].errors["password"]
    client.post("/login/confirm/", {"password": "balcao-demo"})

    page = client.get("/settings/profile/security/app/")
    secret = page.context["secret"].replace(" ", "")
    assert "<path d=" in page.content.decode()
    assert secret not in str(client.session.items())
    refused = client.post("/settings/profile/security/app/", {"code": "000000"})
    assert refused.context["form"].errors["code"]

    answer = client.post("/settings/profile/security/app/", {"code": code_at(timezone.now(), secret)})

    assert answer["Location"] == "/settings/profile/security/codes/"
    shown = client.get(answer["Location"]).context["codes"]
    assert len(set(shown)) == 10
    assert client.post(answer["Location"])["Location"] == "/settings/profile/security/"
    assert client.get(answer["Location"]).status_code == 302
    row = Authenticator.objects.get(user=ana, type="totp")
    assert secret not in str(row.data)
    assert AuditEntry.objects.filter(action="accounts.factor_added").count() == 1


def test_the_password_alone_opens_nothing(ana, acme, client_of):
    with_app(ana)
    client = client_of(acme)

    answer = client.post("/login/", credentials(ana, next="/settings/people/"))
    assert answer["Location"] == "/login/second-factor/"
    assert client.get("/settings/profile/")["Location"].startswith("/login/")
    assert not AuditEntry.objects.filter(action="accounts.login").exists()
    assert client.post("/login/second-factor/", {"code": "123456"}).context["form"].errors["code"]

    now = timezone.now()
    answer = client.post("/login/second-factor/", {"code": code_at(now)})
    assert answer["Location"] == "/settings/people/"
    assert client.get("/settings/people/").status_code == 200
    assert Login.objects.get(user=ana).factor == "totp"

    # The same six digits open no second door.
    other = client_of(acme)
    other.post("/login/", credentials(ana))
    assert other.post("/login/second-factor/", {"code": code_at(now)}).context["form"].errors["code"]


def test_a_recovery_code_works_once(ana, acme, client_of):
    recovery = with_app(ana)[3]

    for worked in (True, False):
        client = client_of(acme)
        client.post("/login/", credentials(ana))
        answer = client.post("/login/second-factor/", {"code": f"{recovery[:4]} {recovery[4:]}"})
        assert (answer.status_code == 302) == worked

    assert factors.codes_left(ana) == 9


def test_waiting_too_long_or_a_new_password_start_again(ana, acme, client_of):
    with_app(ana)
    client = client_of(acme)
    client.post("/login/", credentials(ana))
    users.change_password(user=ana, current="balcao-demo", new="a quite long password", now=timezone.now())
    assert client.get("/login/second-factor/")["Location"] == "/login/"

    client.post("/login/", credentials(ana, password="a quite long password"))
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert client.get("/login/second-factor/")["Location"] == "/login/"


def test_codes_are_braked_like_passwords(ana, acme, client_of):
    with_app(ana)
    client = client_of(acme)
    client.post("/login/", credentials(ana))
    for _ in range(FAILURE_LIMIT):
        client.post("/login/second-factor/", {"code": "000000"})

    answer = client.post("/login/second-factor/", {"code": code_at(timezone.now())})

    assert answer.status_code == 429
    assert client_of(acme).post(API, credentials(ana), "application/json").status_code == 429


def test_a_trusted_device_is_asked_again_elsewhere_and_after_it_was_forgotten(ana, acme, beta, client_of):
    with_app(ana)
    client = client_of(acme)
    client.post("/login/", credentials(ana))
    client.post("/login/second-factor/", {"code": code_at(timezone.now()), "trust": "1"})
    client.post("/logout/")

    assert client.post("/login/", credentials(ana))["Location"] == "/"
    assert client_of(acme).post("/login/", credentials(ana))["Location"] == "/login/second-factor/"

    # The cookie is worth nothing in another tenant, though the same row stands there.
    row = Login.objects.filter(user=ana).latest("created_at")
    with tenant_context(beta):
        twin = User.objects.get(role__slug="owner") if User.objects.exists() else User(pk=ana.pk, email=ana.email)
        twin.role = Role.objects.get(slug="owner")
        twin.set_password("balcao-demo")
        twin.save()
        with_app(twin)
        Login.objects.create(
            user=twin,
            session_key="copied",
            device=row.device,
            last_seen_at=timezone.now(),
            trusted_until=timezone.now() + timedelta(days=9),
        )
    thief = client_of(beta)
    thief.cookies["device"] = client.cookies["device"].value
    assert thief.post("/login/", credentials(twin))["Location"] == "/login/second-factor/"

    client.post("/settings/profile/security/logins/end/")
    factors.renew_codes(user=ana, now=timezone.now())
    key = factors.of(ana)[0].pk
    client.post(f"/settings/profile/security/factors/{key}/remove/")
    assert not Login.objects.trusted(timezone.now()).exists()


def test_the_api_is_no_way_round_it(ana, acme, client_of):
    with_app(ana)
    client = client_of(acme)

    missing = client.post(API, credentials(ana), "application/json")
    wrong = client.post(API, credentials(ana, otp="000000"), "application/json")
    guess = client.post(API, credentials(ana, password="guess", otp="000000"), "application/json")
    right = client.post(API, credentials(ana, otp=code_at(timezone.now())), "application/json")

    assert [(one.status_code, one.json().get("code")) for one in (missing, wrong, guess)] == [
        (401, "second_factor_required"),
        (401, "second_factor_refused"),
        (401, "login_refused"),
    ]
    assert set(right.json()) == {"access", "refresh"}


def require_for(role, *, since):
    rules.require_second_factor(roles=[role], grace_days=0, by=None, now=since)


def test_a_role_that_needs_one_leads_everybody_to_set_it_up(ana, acme, client_of):
    require_for("owner", since=timezone.now())
    client = client_of(acme, user=ana)

    answer = client.get("/settings/people/")
    assert answer["Location"] == "/settings/profile/security/needed/"
    assert client.get(answer["Location"]).status_code == 200
    refused = client.get("/api/v1/users/")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_missing")
    assert client.get("/settings/profile/security/").status_code == 200

    with_app(ana)
    assert client.get("/settings/people/").status_code == 200
    assert client.get("/settings/profile/security/needed/")["Location"] == "/"


def test_tokens_of_such_a_role_are_refused_and_sockets_know_nobody(ana, acme, client_of):
    pair = sessions.open_with_password(**credentials(ana), now=timezone.now())
    require_for("owner", since=timezone.now())

    answer = client_of(acme).get("/api/v1/auth/me/", headers={"authorization": f"Bearer {pair.access}"})

    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_missing")
    with pytest.raises(TokenRefused):
        sessions.login_behind(pair.access, now=timezone.now())


def test_before_the_grace_is_over_there_is_a_reminder_only(ana, acme, client_of):
    rules.require_second_factor(roles=["owner"], grace_days=7, by=ana, now=timezone.now())
    client = client_of(acme, user=ana)

    assert client.get("/settings/people/").status_code == 200
    page = client.get("/settings/profile/security/")
    assert page.context["required_from"] is not None
    assert not page.context["is_required"]


def test_who_manages_the_team_takes_a_lost_factor_away(ana, bia, acme, client_of):
    with_app(bia)
    theirs = client_of(acme, user=bia)

    assert client_of(acme, role="agent").post(f"/settings/people/{bia.pk}/second-factor/reset/").status_code == 403
    client_of(acme, user=ana).post(f"/settings/people/{bia.pk}/second-factor/reset/")

    bia.refresh_from_db()
    assert bia.second_factor_at is None
    assert not Authenticator.objects.filter(user=bia).exists()
    assert theirs.get("/settings/profile/").status_code == 302
    assert AuditEntry.objects.get(action="accounts.factor_reset").actor_id == str(ana.pk)
    assert client_of(acme).post("/login/", credentials(bia))["Location"] == "/"


def test_the_console_asks_for_it_too(platform, client_of):
    with schema_context("public"):
        admin = User.objects.create_superuser("root@balcao.example", "balcao-demo")
        with_app(admin)
    client = client_of(platform)

    answer = client.post("/admin/login/", {"username": admin.email, "password": "balcao-demo"})
    assert answer["Location"] == "/login/second-factor/"
    assert client.get("/admin/")["Location"].startswith("/admin/login/")

    answer = client.post("/login/second-factor/", {"code": code_at(timezone.now())})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    page = client.get("/settings/profile/security/")
    assert page.status_code == 200
    assert re.search(r"auth-main", page.content.decode())


def test_secrets_of_one_tenant_open_nothing_in_another(ana, acme, beta, client_of):
    recovery = with_app(ana)
    client = client_of(acme)
    client.post("/login/", credentials(ana))
    waiting = client.session["pending_login"]
    with tenant_context(beta):
        other = User.objects.create_user(ana.email, "balcao-demo", role=Role.objects.get(slug="owner"), pk=ana.pk)
        then = timezone.now() - timedelta(minutes=5)
        factors.add_app(user=other, secret="K" * 32, code=code_at(then, "K" * 32), now=then)

    thief = client_of(beta)
    thief.post("/login/", credentials(ana))
    for code in (code_at(timezone.now()), recovery[0]):
        assert thief.post("/login/second-factor/", {"code": code}).context["form"].errors["code"]

    # Somebody who waits at the second step of acme waits for nothing in beta, even with the session's row copied.
    half = client_of(beta)
    session = half.session
    session["pending_login"] = waiting
    session.save()
    half.cookies["session"] = session.session_key
    assert half.get("/login/second-factor/")["Location"] == "/login/"


def test_keys_of_apps_and_codes_come_under_the_new_encryption_key(ana, settings):
    recovery = with_app(ana)
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *old]

    assert configuration.rotate_keys(by=None).rotated == 2

    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert codes.check(user=ana, code=code_at(timezone.now()), now=timezone.now()) == "totp"
    assert codes.check(user=ana, code=recovery[0], now=timezone.now()) == "recovery_codes"


def test_a_reseller_takes_a_lost_factor_of_a_colleague_away(platform, client_of):
    with schema_context("public"):
        reseller = resellers.create(name="Sul", slug="sul", owner_email="o@sul.example", owner_password=LONG, now=NOW)
        member = resellers.add_member(reseller=reseller, email="s@sul.example", password=LONG, now=NOW)
        with_app(member.user)
        owner = User.objects.get(email="o@sul.example")
    client = Client(headers={"host": "sul.localhost"})
    with schema_context("public"):
        client.force_login(owner)

    client.post(
        "/admin/tenants/resellermember/",
        {"action": "reset_second_factor", "confirmed": 1, "_selected_action": [str(member.pk)]},
    )

    with schema_context("public"):
        assert User.objects.get(pk=member.user_id).second_factor_at is None
        assert AuditEntry.objects.filter(action="accounts.factor_reset").count() == 1
