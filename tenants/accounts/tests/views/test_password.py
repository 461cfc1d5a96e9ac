"""Forgotten and first passwords."""

import re

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from tenants.accounts.errors import LinkExpired
from tenants.accounts.models import User
from tenants.accounts.services import emails, links, users
from tenants.accounts.services.attempts import LETTER_LIMIT

NEW = "a quite long password"


def letter_to(user, letter, host="acme.localhost"):
    """Deliver a letter as the worker would, and give it back."""
    mail.outbox.clear()
    assert emails.deliver(letter=letter, user_id=str(user.pk), host=host, to="")
    return mail.outbox[0]


def link_in(message):
    return re.search(r"https?://[^/\s]+(/\S+)", message.body).group(1)


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
def test_known_and_unknown_addresses_get_the_same_answer(
    ana, acme, client_of, email, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as callbacks:
        answer = client_of(acme).post("/password/reset/", {"email": email})

    assert (answer.status_code, answer["Location"]) == (302, "/password/reset/sent/")
    assert len(callbacks) == 1


@pytest.mark.parametrize(
    ("email", "letters"), [("ANA@acme.example", 1), ("nobody@acme.example", 0), ("olga@acme.example", 1)]
)
def test_only_somebody_who_is_there_gets_a_letter(ana, noon, email, letters, django_capture_on_commit_callbacks):
    users.invite_owner(email="olga@acme.example", now=noon, send=False)

    with django_capture_on_commit_callbacks() as callbacks:
        users.answer_password_reset(email=email, host="acme.localhost")

    assert len(callbacks) == letters
    if letters:
        assert ("'welcome'" if email.startswith("olga") else "'password_reset'") in repr(callbacks[0])


def test_letters_to_one_address_are_few_and_nobody_is_told(ana, acme, client_of, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        answers = [client_of(acme).post("/password/reset/", {"email": ana.email}).status_code for _ in range(5)]

    assert answers == [302] * 5
    assert len(callbacks) == LETTER_LIMIT


def test_the_letter_s_link_changes_the_password_once(ana, acme, client_of):
    message = letter_to(ana, "password_reset")
    url = link_in(message)
    client = client_of(acme)
    assert client.get(url).status_code == 200

    assert client.post(url, {"password": "short"}).context["form"].errors["password"]
    assert client.post(url, {"password": NEW})["Location"] == "/login/"

    ana.refresh_from_db()
    assert ana.check_password(NEW)
    assert client.get(url).status_code == 404
    assert client.post(url, {"password": "yet another password"}).status_code == 404


def test_letters_wear_the_brand_and_speak_the_person_s_language(ana, acme):
    User.objects.filter(pk=ana.pk).update(language="en")

    message = letter_to(ana, "password_reset")

    assert message.subject == "Choose a new password for Acme"
    assert message.from_email.startswith("Acme <")
    assert message.to == ["ana@acme.example"]
    html = message.alternatives[0][0]
    assert "http://acme.localhost/password/reset/" in html
    assert "Acme" in html


LETTERS = [
    "welcome",
    "password_reset",
    "password_changed",
    "email_changed",
    "email_changing",
    "new_device",
    "guesses",
    "factor_added",
    "factor_removed",
    "factor_reset",
    "recovery_code_used",
    "second_factor_needed",
]


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_every_letter_can_be_written(acme, noon, letter, language):
    olga = users.invite_owner(email="olga@acme.example", now=noon, language=language, send=False)

    message = letter_to(olga, letter)

    assert message.subject
    assert "\n" not in message.subject
    assert "&" not in message.body.replace("&amp;", "x&amp;")


def test_a_letter_never_leads_to_a_host_of_somebody_else(ana, beta):
    message = letter_to(ana, "password_reset", host="beta.localhost")

    assert "//beta.localhost" not in message.body
    assert "//acme.localhost" in message.body


def test_nobody_writes_to_the_deactivated(ana, bia, noon):
    users.deactivate(user=bia, by=ana, now=noon)

    assert not emails.deliver(letter="password_reset", user_id=str(bia.pk), host="", to="")
    assert mail.outbox == []


def test_a_new_owner_comes_in_by_the_welcome_link(acme, client_of, noon):
    olga = users.invite_owner(email="olga@acme.example", now=noon, send=False)
    url = link_in(letter_to(olga, "welcome"))
    client = client_of(acme)
    assert client.get(url).status_code == 200

    assert client.post(url, {"name": "Olga", "password": "olga@acme.example"}).status_code == 200
    answer = client.post(url, {"name": "Olga", "password": NEW})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/settings/profile/").status_code == 200
    assert client_of(acme).get(url).status_code == 404


def test_links_grow_old(acme, noon):
    with time_machine.travel(noon, tick=False):
        olga = users.invite_owner(email="olga@acme.example", now=noon, send=False)
        token = links.welcome(olga)
    with time_machine.travel(noon.replace(day=27), tick=False):
        assert links.welcomed(token) == olga
    with time_machine.travel(noon.replace(day=28), tick=False), pytest.raises(LinkExpired):
        links.welcomed(token)


def test_a_spoiled_link_is_a_page_that_helps(acme, client_of):
    for name in ("accounts:welcome", "accounts:password-reset-confirm", "accounts:confirm-email"):
        page = client_of(acme).get(reverse(name, args=["not-a-token"]))
        assert page.status_code == 404
        assert reverse("accounts:password-reset") in page.content.decode()
