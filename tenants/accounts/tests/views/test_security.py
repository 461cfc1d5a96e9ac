"""Where I am logged in, my picture, my address, and the rules of the house."""

import io
from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation
from django_tenants.utils import tenant_context
from PIL import Image

from ops.kernel import redis
from tenants.accounts.models import ApiSession, Login, Role, User
from tenants.accounts.queries import devices
from tenants.accounts.services import addresses, attempts, emails, links, logins, rules, sessions, users
from tenants.accounts.services.attempts import FAILURE_LIMIT
from tenants.accounts.tests.factories import LoginFactory

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
GOOD = {"email": "ana@acme.example", "password": "balcao-demo"}


def browser(client_of, tenant, agent=FIREFOX):
    """Somebody who has logged in with this browser."""
    client = client_of(tenant)
    client.defaults["HTTP_USER_AGENT"] = agent
    client.post("/login/", GOOD)
    return client


# --- Where I am logged in ---


def test_the_list_knows_this_device_and_ends_another(ana, acme, client_of):
    here, there = browser(client_of, acme), browser(client_of, acme, IPHONE)
    sessions.open_with_password(**GOOD, user_agent="curl/8.5.0", now=timezone.now())

    here.cookies["django_language"] = "en"
    page = here.get("/settings/profile/security/")

    assert [(one.title, one.kind, one.is_here) for one in page.context["logins"]] == [
        ("Firefox on Windows", "monitor", True),
        ("Mobile Safari on iOS", "smartphone", False),
    ]
    assert [one.title for one in page.context["programs"]] == ["curl"]
    here.post(f"/settings/profile/security/logins/{page.context['logins'][1].id}/end/")
    here.post(f"/settings/profile/security/programs/{page.context['programs'][0].id}/end/")
    assert there.get("/settings/profile/")["Location"].startswith("/login/")
    assert here.get("/settings/profile/").status_code == 200
    assert not ApiSession.objects.open(timezone.now()).exists()


def test_everywhere_else_and_only_my_own(ana, bia, acme, client_of):
    here, there, theirs = browser(client_of, acme), browser(client_of, acme), client_of(acme, user=bia)
    other = Login.objects.get(user=bia)

    assert here.post(f"/settings/profile/security/logins/{other.pk}/end/").status_code == 404
    here.post("/settings/profile/security/logins/end/")

    assert there.get("/settings/profile/").status_code == 302
    assert here.get("/settings/profile/").status_code == 200
    assert theirs.get("/settings/profile/").status_code == 200


def test_a_new_device_brings_a_letter_and_a_known_one_does_not(
    ana, acme, client_of, django_capture_on_commit_callbacks
):
    client = browser(client_of, acme)
    client.post("/logout/")
    with django_capture_on_commit_callbacks() as known:
        client.post("/login/", GOOD)
    with django_capture_on_commit_callbacks() as unknown:
        browser(client_of, acme, IPHONE)

    assert [len(known), len(unknown)] == [0, 1]
    newest = Login.objects.latest("created_at")
    emails.deliver(letter="new_device", user_id=str(ana.pk), host="", to="", about=str(newest.pk))
    assert "iOS" in mail.outbox[-1].body


def test_the_session_s_new_key_after_a_password_is_known(ana, acme, client_of):
    client = browser(client_of, acme)
    data = {
        "form": "password",
        "password-current_password": "balcao-demo",
        "password-new_password": "a quite long password",
    }
    client.post("/settings/profile/", data)

    page = client.get("/settings/profile/security/")
    assert [one.is_here for one in page.context["logins"]] == [True]


def test_a_place_is_what_an_address_tells_by_itself(acme):
    with translation.override("en"):
        said = [devices.place_of(one) for one in ("127.0.0.1", "192.168.0.7", "200.147.3.1", None)]

    assert said == ["This computer", "A private network", "The internet", "Unknown place"]


def test_logins_of_another_tenant_are_not_mine(ana, acme, beta, client_of):
    with tenant_context(beta):
        twin = User.objects.create_user(ana.email, "x", role=Role.objects.get(slug="owner"), pk=ana.pk)
        row = LoginFactory(user=twin)

    assert client_of(acme, user=ana).post(f"/settings/profile/security/logins/{row.pk}/end/").status_code == 404
    with tenant_context(beta):
        assert Login.objects.get().ended_at is None


def test_old_logins_are_forgotten(ana):
    now = timezone.now()
    LoginFactory(user=ana, last_seen_at=now - timedelta(days=181))
    LoginFactory(user=ana, last_seen_at=now - timedelta(days=179))

    assert logins.forget_old(now=now) == 1


# --- Brakes ---


def test_the_brake_survives_an_empty_redis_and_a_letter_lets_go(ana, acme, client_of):
    for _ in range(FAILURE_LIMIT):
        client_of(acme).post("/login/", GOOD | {"password": "guess"})
    redis.client().flushdb()
    braked = client_of(acme).post("/login/", GOOD)
    assert (braked.status_code, "/login/" in braked.content.decode()) == (429, True)

    token = links.unlock(ana)
    assert client_of(acme).get(f"/login/unlock/{token}/").status_code == 200
    client_of(acme).post(f"/login/unlock/{token}/")

    assert client_of(acme).post("/login/", GOOD).status_code == 302


def test_strangers_cannot_lock_out_the_owner_s_own_browser(ana, acme, client_of):
    client = browser(client_of, acme)
    client.post("/logout/")
    for _ in range(FAILURE_LIMIT):
        client_of(acme).post("/login/", GOOD | {"password": "guess"})

    assert client_of(acme).post("/login/", GOOD).status_code == 429
    assert client.post("/login/", GOOD).status_code == 302


@pytest.mark.parametrize(("email", "letters"), [("ana@acme.example", 1), ("nobody@acme.example", 0)])
def test_the_same_answer_for_an_address_nobody_has(
    ana, acme, client_of, email, letters, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as callbacks:
        answers = [
            client_of(acme).post("/login/", {"email": email, "password": "guess"}).status_code
            for _ in range(FAILURE_LIMIT + 1)
        ]
    assert answers == [200] * FAILURE_LIMIT + [429]
    assert len(callbacks) == 1

    with django_capture_on_commit_callbacks() as callbacks:
        users.tell_of_guesses(email=email, host="")
    assert len(callbacks) == letters


def test_counts_are_forgotten_after_a_day(ana):
    attempts.fail(email=ana.email, caller="203.0.113.5")
    assert attempts.forget_old(now=timezone.now()) == 0

    assert attempts.forget_old(now=timezone.now() + timedelta(days=2)) == 2


# --- Passwords ---


@pytest.mark.parametrize("password", ["Password2024!", "senhasenha1", "ana alves ana", "1q2w3e4r5t6y", "flamengo1981"])
def test_what_is_guessed_soon_will_not_do(ana, acme, client_of, password):
    data = {"form": "password", "password-current_password": "balcao-demo", "password-new_password": password}

    page = client_of(acme, user=ana).post("/settings/profile/", data)

    assert page.context["forms"]["password"].errors["new_password"]
    ana.refresh_from_db()
    assert ana.check_password("balcao-demo")


# --- My address ---


def test_the_old_address_stops_a_change(ana, acme, client_of):
    now = timezone.now()
    addresses.request_change(user=ana, email="new@acme.example", password="balcao-demo", now=now)
    emails.deliver(letter="email_changing", user_id=str(ana.pk), host="", to=ana.email, about="new@acme.example")
    assert mail.outbox[-1].to == [ana.email]
    path = links.stop_email_change(ana, old=ana.email, new="new@acme.example")

    client = client_of(acme)
    assert client.get(f"/stop-email-change/{path}/").status_code == 200
    assert addresses.waiting(user=ana) == "new@acme.example"
    client.post(f"/stop-email-change/{path}/")

    assert addresses.waiting(user=ana) == ""
    assert client.get(f"/stop-email-change/{path}/").status_code == 404


def test_the_old_address_takes_a_changed_login_back(ana, acme, beta, client_of):
    User.objects.filter(pk=ana.pk).update(email="thief@acme.example")
    ana.refresh_from_db()
    thief = client_of(acme, user=ana)
    path = f"/stop-email-change/{links.stop_email_change(ana, old='ana@acme.example', new='thief@acme.example')}/"
    assert client_of(beta).post(path).status_code == 404

    client_of(acme).post(path)

    with tenant_context(acme):
        ana.refresh_from_db()
    assert (ana.email, ana.check_password("balcao-demo")) == ("ana@acme.example", False)
    assert thief.get("/settings/profile/").status_code == 302


# --- My picture ---


def picture(size=(600, 400), colour=(200, 30, 30)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return SimpleUploadedFile("me.jpg", out.getvalue(), "image/jpeg")


def test_a_picture_is_made_square_and_found_by_its_whole_address_only(ana, acme, beta, client_of):
    client = client_of(acme, user=ana)
    url = "/settings/profile/picture/"
    assert client.post(url, {"picture": SimpleUploadedFile("x.png", b"no picture")}).context["forms"]["picture"].errors

    client.post(url, {"picture": picture(), "left": "0.3", "top": "0.1", "side": "0.5"})

    ana.refresh_from_db()
    assert ana.picture_url in client.get("/settings/people/").content.decode()
    shown = client_of(acme).get(ana.picture_url)
    assert Image.open(io.BytesIO(shown.content)).size == (256, 256)
    assert client_of(beta).get(ana.picture_url).status_code == 404
    assert client_of(acme).get(f"/people/{ana.pk}/picture/guess.webp").status_code == 404
    with tenant_context(acme):
        kept = ana.picture.name
        assert default_storage.exists(kept)
    client.post(url, {"remove": "1"})
    assert client_of(acme).get(ana.picture_url).status_code == 404


def test_my_time_zone_is_the_one_times_are_shown_in(ana, acme, client_of):
    client = client_of(acme, user=ana)
    data = {"form": "profile", "profile-name": "Ana", "profile-language": "", "profile-time_zone": "America/Manaus"}

    assert client.post("/settings/profile/", data).status_code == 302

    ana.refresh_from_db()
    assert ana.time_zone == "America/Manaus"
    assert client.post("/settings/profile/", data | {"profile-time_zone": "Moon/Base"}).status_code == 200


# --- The rules of the house ---


def test_the_rules_page_writes_to_who_needs_one_and_keeps_its_maker_in(
    ana, bia, acme, client_of, django_capture_on_commit_callbacks
):
    client = client_of(acme, user=ana)
    assert client_of(acme, user=bia).get("/settings/login-rules/").status_code == 403
    at_once = {"roles": ["owner"], "grace_days": "0", "trust_days": "7"}
    assert client.post("/settings/login-rules/", at_once).context["form"].errors

    with django_capture_on_commit_callbacks() as callbacks:
        client.post("/settings/login-rules/", {"roles": ["owner", "agent"], "grace_days": "7", "trust_days": "7"})

    assert len([one for one in callbacks if "second_factor_needed" in repr(one)]) == 2
    assert (rules.trust_days(), rules.second_factor_roles()) == (7, {"owner", "agent"})
    before = Role.objects.get(slug="agent").second_factor_from
    client.post("/settings/login-rules/", {"roles": ["agent"], "grace_days": "30", "trust_days": "7"})
    assert Role.objects.get(slug="agent").second_factor_from == before
    assert rules.second_factor_roles() == {"agent"}
