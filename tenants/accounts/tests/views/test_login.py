"""In and out, and what is never said."""

import pytest
from django.utils import timezone

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.services import users
from tenants.accounts.services.attempts import FAILURE_LIMIT

GOOD = {"email": "ana@acme.example", "password": "balcao-demo"}


@pytest.mark.parametrize(("language", "words"), [("en", "Forgot your password?"), ("pt-br", None)])
def test_the_login_page_speaks_both_languages(acme, client_of, language, words):
    client = client_of(acme)
    client.cookies["django_language"] = language

    page = client.get("/login/")

    html = page.content.decode()
    assert page.status_code == 200
    assert f'lang="{language}"' in html
    assert 'autocomplete="username"' in html
    assert 'autocomplete="current-password"' in html
    assert "Acme" in html
    if words:
        assert words in html


def test_a_person_logs_in_whatever_the_case_and_goes_home(ana, acme, client_of):
    client = client_of(acme)

    answer = client.post("/login/", GOOD | {"email": "ANA@acme.Example"})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/settings/profile/").status_code == 200
    assert AuditEntry.objects.get(action="accounts.login").actor_id == str(ana.pk)


def test_unknown_wrong_and_deactivated_are_told_the_same_and_keep_what_was_typed(ana, bia, acme, client_of, noon):
    users.deactivate(user=bia, by=ana, now=noon)
    pages = []
    for email in ("nobody@acme.example", "ana@acme.example", "bia@acme.example"):
        password = "balcao-demo" if email.startswith("bia") else "wrong"
        page = client_of(acme).post("/login/", {"email": email, "password": password})
        assert page.status_code == 200
        assert f'value="{email}"' in page.content.decode()
        pages.append(page.context["form"].non_field_errors())

    assert pages[0] == pages[1] == pages[2]
    assert len(pages[0]) == 1


def test_guessing_is_stopped_and_told_when_to_come_back(ana, acme, client_of):
    client = client_of(acme)
    for _ in range(FAILURE_LIMIT):
        assert client.post("/login/", GOOD | {"password": "guess"}).status_code == 200

    answer = client.post("/login/", GOOD)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "session" not in answer.cookies
    # Another tenant's people are not held up by it.


def test_guessing_in_one_tenant_does_not_hold_up_another(acme, beta, caio, client_of):
    for _ in range(FAILURE_LIMIT + 1):
        client_of(acme).post("/login/", {"email": caio.email, "password": "guess"})

    answer = client_of(beta).post("/login/", {"email": caio.email, "password": "balcao-demo"})

    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/settings/people/", "/settings/people/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_way_after_login_stays_on_this_host(ana, acme, client_of, wanted, target):
    answer = client_of(acme).post("/login/", GOOD | {"next": wanted})

    assert answer["Location"] == target


def test_the_session_gets_a_new_key_at_login(ana, acme, client_of):
    client = client_of(acme)
    session = client.session
    session["planted"] = "before"
    session.save()
    client.cookies["session"] = planted = session.session_key

    client.post("/login/", GOOD)

    assert client.cookies["session"].value != planted


def test_logging_out_needs_a_button_and_ends_the_session(ana, acme, client_of):
    client = client_of(acme, user=ana)
    assert client.get("/logout/").status_code == 405
    assert client.get("/settings/profile/").status_code == 200

    assert client.post("/logout/")["Location"] == "/login/"

    assert client.get("/settings/profile/").status_code == 302


def test_an_open_session_ends_when_the_person_is_deactivated(ana, bia, acme, client_of):
    client = client_of(acme, user=bia)
    assert client.get("/settings/profile/").status_code == 200

    users.deactivate(user=bia, by=ana, now=timezone.now())

    assert client.get("/settings/profile/").status_code == 302


@pytest.mark.parametrize(
    "data", [{}, {"email": "a\x00b", "password": "\x00"}, {"email": "x" * 5000, "password": "y" * 5000}]
)
def test_nonsense_is_an_error_on_the_page(acme, client_of, data):
    assert client_of(acme).post("/login/", data).status_code == 200


def test_the_platform_s_host_has_one_door_and_the_same_way_back_in(platform, client_of):
    client = client_of(platform)

    assert client.get("/login/?next=/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/password/reset/").status_code == 200
    assert client.post("/password/reset/", {"email": "nobody@balcao.example"})["Location"] == "/password/reset/sent/"
