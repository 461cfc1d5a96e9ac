"""Nothing that lets a person into one tenant lets anybody into another.

The other tenant holds the same rows (same ids, same password), as after a clone or a restored backup: then the schema
that a token, link or session names is all that keeps them apart.
"""

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation, get_emailconfirmation_model
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import tenant_context
from rest_framework_simplejwt.tokens import AccessToken

from ops.kernel import signing
from tenants.accounts.errors import LinkExpired, TokenRefused
from tenants.accounts.models import ApiSession, Role, User
from tenants.accounts.services import addresses, emails, links, sessions, users


def twin(user, tenant):
    """The same person, row for row, in another tenant."""
    with tenant_context(tenant):
        copy = User.objects.get(pk=user.pk) if User.objects.filter(pk=user.pk).exists() else User(pk=user.pk)
        for name in ("email", "name", "password", "last_login"):
            setattr(copy, name, getattr(user, name))
        copy.role = Role.objects.get(slug="owner")
        copy.save()
    return copy


@pytest.fixture
def pair(ana, beta):
    """Tokens of Ana of acme, whose user and login also stand in beta."""
    pair = sessions.open_with_password(email=ana.email, password="balcao-demo", now=timezone.now())
    ana.refresh_from_db()
    row = ApiSession.objects.get(user=ana)
    twin(ana, beta)
    with tenant_context(beta):
        ApiSession.objects.create(pk=row.pk, user_id=ana.pk, refresh_id=row.refresh_id, expires_at=row.expires_at)
    return pair


def test_an_access_token_opens_only_its_own_tenant(pair, ana, acme, beta, client_of):
    header = {"authorization": f"Bearer {pair.access}"}
    assert client_of(acme).get("/api/v1/auth/me/", headers=header).json()["id"] == str(ana.pk)

    answer = client_of(beta).get("/api/v1/auth/me/", headers=header)

    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")


def test_a_refresh_token_is_worth_nothing_elsewhere_and_stays_good_at_home(pair, acme, beta, client_of):
    url = "/api/v1/auth/refresh/"
    answer = client_of(beta).post(url, {"refresh": pair.refresh}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")

    assert client_of(acme).post(url, {"refresh": pair.refresh}, "application/json").status_code == 200


def test_logging_out_in_one_tenant_does_not_end_the_other(pair, acme, beta, client_of):
    client_of(beta).post("/api/v1/auth/logout/", {"refresh": pair.refresh}, "application/json")

    with tenant_context(acme):
        assert sessions.person_behind(pair.access, now=timezone.now())
    with tenant_context(beta):
        assert ApiSession.objects.get().ended_at is None


def test_a_token_without_the_schema_is_refused(ana, pair):
    token = AccessToken(pair.access)
    del token.payload["schema"]

    with pytest.raises(TokenRefused):
        sessions.person_behind(str(token), now=timezone.now())


@pytest.mark.parametrize("letter", ["welcome", "reset"])
def test_links_open_only_their_own_tenant(acme, beta, client_of, noon, letter):
    person = users.invite_owner(email="olga@acme.example", now=noon)
    twin(person, beta)
    make, read, name = {
        "welcome": (links.welcome, links.welcomed, "accounts:welcome"),
        "reset": (links.reset, links.resetting, "accounts:password-reset-confirm"),
    }[letter]
    token = make(person)
    assert read(token) == person
    url = reverse(name, args=[token])

    assert client_of(acme).get(url).status_code == 200
    client = client_of(beta)
    assert client.get(url).status_code == 404
    assert client.post(url, {"name": "Mallory", "password": "a quite long password"}).status_code == 404
    with tenant_context(beta):
        assert User.objects.get(pk=person.pk).password == person.password
        with pytest.raises(LinkExpired):
            read(token)


def test_a_link_is_worth_nothing_for_another_purpose(acme, noon):
    person = users.invite_owner(email="olga@acme.example", now=noon)

    with pytest.raises(LinkExpired):
        links.welcomed(links.reset(person))
    with pytest.raises(LinkExpired):
        links.resetting(links.welcome(person))


def test_allauth_keys_of_one_tenant_confirm_nobody_in_another(ana, caio, acme, beta):
    address = EmailAddress.objects.create(user=ana, email="new@acme.example")
    with tenant_context(beta):
        other = EmailAddress.objects.create(pk=address.pk, user=caio, email="victim@beta.example")
    confirmation = get_emailconfirmation_model().create(address)
    if hasattr(confirmation, "save"):
        confirmation.sent = timezone.now()
        confirmation.save()
    assert get_emailconfirmation_model().from_key(confirmation.key).email_address == address

    with tenant_context(beta):
        assert get_emailconfirmation_model().from_key(confirmation.key) is None
        other.refresh_from_db()
        assert not other.verified


def test_an_address_confirmation_opens_only_its_own_tenant(ana, acme, beta, client_of, noon):
    addresses.request_change(user=ana, email="new@acme.example", password="balcao-demo", now=noon)
    waiting = EmailConfirmation.objects.get()
    key = signing.dumps(waiting.key, salt=emails.CONFIRMATION_SALT)
    twin(ana, beta)
    with tenant_context(beta):
        copy = EmailAddress.objects.create(user_id=ana.pk, email="new@acme.example")
        EmailConfirmation.objects.create(email_address=copy, key=waiting.key, sent=noon)
    url = reverse("accounts:confirm-email", args=[key])

    assert client_of(beta).post(url).status_code == 404
    with tenant_context(beta):
        assert User.objects.get(pk=ana.pk).email == "ana@acme.example"

    assert client_of(acme).post(url).status_code == 302
    ana.refresh_from_db()
    assert ana.email == "new@acme.example"
    assert client_of(acme).post(url).status_code == 404


def test_a_session_copied_to_another_tenant_is_nobody_there(ana, acme, beta, client_of):
    client = client_of(acme, user=ana)
    assert client.get("/settings/profile/").status_code == 200
    ana.refresh_from_db()
    row = Session.objects.get(pk=client.cookies["session"].value)
    twin(ana, beta)
    with tenant_context(beta):
        Session.objects.create(session_key=row.session_key, session_data=row.session_data, expire_date=row.expire_date)

    thief = client_of(beta)
    thief.cookies["session"] = row.session_key
    answer = thief.get("/settings/profile/")

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/settings/profile/")


def test_people_of_another_tenant_do_not_exist(ana, caio, acme, beta, client_of):
    client = client_of(acme, user=ana)

    assert client.get(f"/settings/people/{caio.pk}/").status_code == 404
    assert client.post(f"/settings/people/{caio.pk}/deactivate/").status_code == 404
    assert client.get(f"/api/v1/users/{caio.pk}/").status_code == 404
    answer = client.patch(f"/api/v1/users/{caio.pk}/", {"is_active": False}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "caio" not in client.get("/settings/people/").content.decode()
    with tenant_context(beta):
        assert User.objects.get(pk=caio.pk).is_active


def test_a_password_opens_only_its_own_tenant(ana, beta, client_of):
    answer = client_of(beta).post("/login/", {"email": ana.email, "password": "balcao-demo"})

    assert answer.status_code == 200
    assert "session" not in answer.cookies
