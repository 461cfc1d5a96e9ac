"""In by an OpenID provider that speaks over a real socket with real keys, and everything that must not get in."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel import signing
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import LimitReached
from tenants.accounts.models import ExternalIdentity, IdentityProvider, Login, SignIn, User
from tenants.accounts.services import invitations, seats, single_sign_on
from tenants.accounts.tests.factories import IdentityProviderFactory, RoleFactory, UserFactory
from tenants.accounts.tests.identity import OpenIDProvider, begun, rsa_key


@pytest.fixture
def idp(fake_http):
    return OpenIDProvider(fake_http)


def come_back(client, provider, asked, **query):
    return client.get(f"/sso/{provider.pk}/callback/", {"state": asked["state"], "code": "c0de", **query})


def reason():
    """Why the last refusal happened, as the audit tells it."""
    return AuditEntry.objects.filter(action="accounts.sso_refused").latest("at", "id").detail["reason"]


def test_somebody_the_team_knows_comes_in_and_is_linked(idp, acme, client_of):
    dora = UserFactory(email="dora@acme.example", name="Dora")
    provider, client = idp.row(), client_of(acme)

    asked = begun(client, provider, "?next=/settings/profile/")
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))
    answer = come_back(client, provider, asked)

    assert (answer.status_code, answer["Location"]) == (302, "/settings/profile/")
    assert client.session["_auth_user_id"] == str(dora.pk)
    assert ExternalIdentity.objects.get().subject == "subject-1"
    assert Login.objects.get(user=dora).method == "sso"
    sent = next(one for one in idp.http.requests if one.path == "/token")
    assert sent.form["grant_type"] == ["authorization_code"]
    assert len(sent.form["code_verifier"][0]) >= 43
    assert sent.headers["Authorization"].startswith("Basic ")
    assert (asked["code_challenge_method"], asked["response_type"], asked["client_id"]) == ("S256", "code", "balcao")


def test_a_new_person_of_the_domain_is_added_with_the_role_of_their_group(idp, acme, client_of):
    roles = [{"group": "sellers", "role": "agent"}, {"group": "writers", "role": "editor"}]
    provider = idp.row(creates_people=True, default_role=RoleFactory(slug="viewer"), group_roles=roles)
    client = client_of(acme)

    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], groups=["writers", "everybody"])))
    assert come_back(client, provider, asked).status_code == 302

    dora = User.objects.get(email="dora@acme.example")
    assert (dora.name, dora.role.slug, dora.has_usable_password(), dora.is_invited) == (
        "Dora Dias",
        "editor",
        False,
        False,
    )


def wrong_token(idp, case, nonce):
    """A token that is wrong in one thing."""
    late = datetime.now(tz=UTC) - timedelta(minutes=10)
    good = idp.claims(nonce=nonce)
    match case:
        case "unsigned":
            return jwt.encode(good, None, algorithm="none")
        case "signed with our own secret":
            return idp.sign(good, algorithm="HS256", key="a secret of acme" * 4)
        case "signed by a stranger":
            return idp.sign(good, key=rsa_key("stranger"))
        case "tampered":
            head, _body, signature = idp.sign(good).split(".")
            other = idp.sign({**good, "email": "ana@acme.example"}).split(".")[1]
            return f"{head}.{other}.{signature}"
    changes = {
        "for another client": {"aud": "somebody-else"},
        "for two clients and not ours": {"aud": ["balcao", "other"], "azp": "other"},
        "of another issuer": {"iss": "https://id.beta.example"},
        "of another login": {"nonce": "another"},
        "without a nonce": {"nonce": None},
        "expired": {"exp": late, "iat": late},
        "from the future": {"iat": datetime.now(tz=UTC) + timedelta(hours=1)},
        "without an end": {"exp": None},
        "with an address nobody confirmed": {"email_verified": False},
        "without an address": {"email": None},
        "of another domain": {"email": "dora@beta.example"},
        "of a domain that looks like it": {"email": "dora@acme.example.evil.example"},
    }
    return idp.sign({**good, **changes[case]})


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("unsigned", "algorithm"),
        ("signed with our own secret", "algorithm"),
        ("signed by a stranger", "signature"),
        ("tampered", "signature"),
        ("for another client", "audience"),
        ("for two clients and not ours", "audience"),
        ("of another issuer", "issuer"),
        ("of another login", "nonce"),
        ("without a nonce", "nonce"),
        ("expired", "expired"),
        ("from the future", "expired"),
        ("without an end", "no_token"),
        ("with an address nobody confirmed", "email_unverified"),
        ("without an address", "no_email"),
        ("of another domain", "domain"),
        ("of a domain that looks like it", "domain"),
    ],
)
def test_a_token_that_is_wrong_lets_nobody_in_and_says_why(idp, acme, client_of, case, why):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(creates_people=True, default_role=RoleFactory(slug="viewer")), client_of(acme)
    people = User.objects.count()

    asked = begun(client, provider)
    idp.answers(wrong_token(idp, case, asked["nonce"]))
    answer = come_back(client, provider, asked)

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    assert (reason(), User.objects.count()) == (why, people)
    assert f"<code>{why}</code>" in answer.content.decode()
    assert ExternalIdentity.objects.count() == 0


def test_a_code_and_a_state_are_good_for_one_use(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))
    assert come_back(client, provider, asked).status_code == 302

    assert come_back(client, provider, asked).status_code == 403
    assert reason() == "state"  # the browser's cookie is gone with the login

    cookies = client_of(acme)
    again = begun(cookies, provider)
    idp.answers(idp.sign(idp.claims(nonce=again["nonce"])))
    kept = cookies.cookies["sso_browser"].value
    assert come_back(cookies, provider, again).status_code == 302
    cookies.cookies["sso_browser"] = kept
    assert come_back(cookies, provider, again).status_code == 403
    assert reason() == "replayed"


def test_a_state_of_another_browser_is_refused(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, mallory, victim = idp.row(), client_of(acme), client_of(acme)
    asked = begun(mallory, provider)
    begun(victim, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))

    assert come_back(victim, provider, asked).status_code == 403
    assert come_back(client_of(acme), provider, asked).status_code == 403

    assert reason() == "state"
    assert "_auth_user_id" not in victim.session


def test_a_state_of_another_tenant_is_refused(idp, acme, beta, client_of):
    provider = idp.row()
    home = client_of(acme)
    asked = begun(home, provider)
    browser = client_of(beta)
    with tenant_context(beta):
        # Row for row the same, as after a restored backup: the schema in the signature is all that differs.
        UserFactory(email="dora@acme.example", role=None)
        twin = IdentityProviderFactory(pk=provider.pk, issuer=idp.issuer, domains=["acme.example"])
    row = SignIn.objects.get()
    with tenant_context(beta):
        SignIn.objects.create(
            pk=row.pk, provider=twin, request_key=row.request_key, browser=row.browser, nonce=row.nonce,
            verifier=row.verifier, expires_at=row.expires_at,
        )  # fmt: skip
    browser.cookies["sso_browser"] = home.cookies["sso_browser"].value
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))

    assert come_back(browser, provider, asked).status_code == 403

    with tenant_context(beta):
        assert reason() == "state"
        assert SignIn.objects.get().answered_at is None


def test_a_state_that_waited_too_long_is_refused(idp, acme, client_of):
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)
    SignIn.objects.update(expires_at=datetime.now(tz=UTC) - timedelta(seconds=1))

    assert come_back(client, provider, asked).status_code == 403
    assert reason() == "state"


def test_the_provider_says_no(idp, acme, client_of):
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)

    answer = client.get(f"/sso/{provider.pk}/callback/", {"state": asked["state"], "error": "access_denied"})

    assert (answer.status_code, reason()) == (403, "said_no")


def test_new_keys_of_the_provider_are_found(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))
    come_back(client, provider, asked)
    idp.keys = {"second": rsa_key("second")}
    idp.publish()

    other = client_of(acme)
    asked = begun(other, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"]), kid="second"))

    assert come_back(other, provider, asked).status_code == 302
    assert "_auth_user_id" in other.session


def test_an_address_that_was_given_to_somebody_else_over_there_does_not_take_over(idp, acme, client_of):
    dora = UserFactory(email="dora@acme.example")
    provider = idp.row()
    ExternalIdentity.objects.create(provider=provider, subject="the old Dora", user=dora)
    client = client_of(acme)

    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))

    assert come_back(client, provider, asked).status_code == 403
    assert reason() == "other_person"


def test_who_was_stopped_here_stays_out(idp, acme, client_of):
    UserFactory(email="dora@acme.example", is_active=False)
    provider, client = idp.row(creates_people=True, default_role=RoleFactory(slug="viewer")), client_of(acme)

    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))

    assert come_back(client, provider, asked).status_code == 403
    assert reason() == "deactivated"


def test_the_providers_switch_is_off(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)
    IdentityProvider.objects.update(enabled=False)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))

    assert come_back(client, provider, asked).status_code == 403
    assert reason() == "settings"
    assert client_of(acme).get(f"/sso/{provider.pk}/").status_code == 404


def test_the_tenants_own_second_factor_is_asked_for_when_it_says_so(idp, acme, client_of, noon):
    UserFactory(email="dora@acme.example", second_factor_at=noon)
    provider, client = idp.row(asks_second_factor=True), client_of(acme)

    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))
    answer = come_back(client, provider, asked)

    assert answer["Location"] == "/login/second-factor/"
    assert "_auth_user_id" not in client.session


def test_logging_out_says_what_is_still_open_and_leads_out_there_too(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(name="Acme ID"), client_of(acme)
    asked = begun(client, provider)
    idp.answers(token := idp.sign(idp.claims(nonce=asked["nonce"])))
    come_back(client, provider, asked)

    answer = client.post("/logout/")
    page = client.get(answer["Location"])

    assert "Acme ID" in page.content.decode()
    assert "_auth_user_id" not in client.session
    link = page.content.decode().split('href="/logout/')[1].split('"')[0]
    away = client.get(f"/logout/{link}")
    query = parse_qs(urlsplit(away["Location"]).query)
    assert away["Location"].startswith(f"{idp.issuer}/logout?")
    assert query["id_token_hint"] == [token]
    assert query["post_logout_redirect_uri"] == ["http://acme.localhost/logout/done/"]


def test_a_logout_token_of_the_provider_ends_the_session(idp, acme, client_of):
    UserFactory(email="dora@acme.example")
    provider, client = idp.row(), client_of(acme)
    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], sid="over-there")))
    come_back(client, provider, asked)
    claims = idp.claims(email=None, sid="over-there", jti="1", events={single_sign_on.oidc.LOGOUT_EVENT: {}})
    url = f"/sso/{provider.pk}/backchannel/"

    stranger = client_of(acme)
    assert stranger.post(url, {"logout_token": idp.sign(claims, key=rsa_key("stranger"))}).status_code == 400
    assert stranger.post(url, {"logout_token": idp.sign({**claims, "events": {}})}).status_code == 400
    assert client.get("/settings/profile/").status_code == 200

    assert stranger.post(url, {"logout_token": idp.sign(claims)}).status_code == 200
    assert client.get("/settings/profile/").status_code == 302
    assert stranger.post(url, {"logout_token": idp.sign(claims)}).status_code == 400


def test_google_comes_back_by_the_platform_to_the_tenant_it_was_asked_for(
    fake_http, settings, acme, platform, client_of
):
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "balcao-google", "secret"
    settings.BASE_URLS = {**settings.BASE_URLS, "google_accounts": fake_http.url}
    idp = OpenIDProvider(fake_http, client_id="balcao-google")
    UserFactory(email="dora@acme.example")
    provider = IdentityProviderFactory(kind="google", issuer="", client_id="", domains=["acme.example"])
    client = client_of(acme)

    for hosted, expected in (("beta.example", 403), ("acme.example", 302)):
        asked = begun(client, provider)
        idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], hd=hosted)))
        assert asked["redirect_uri"].endswith("/sso/google/callback/")
        onward = client_of(platform).get("/sso/google/callback/", {"state": asked["state"], "code": "c0de"})
        target = urlsplit(onward["Location"])
        assert (target.hostname, target.path) == ("acme.localhost", f"/sso/{provider.pk}/callback/")
        assert client.get(f"{target.path}?{target.query}").status_code == expected

    assert "_auth_user_id" in client.session
    forged = client_of(platform).get(
        "/sso/google/callback/", {"state": signing.dumps(["t_acme", "x", "y"], salt="any")}
    )
    assert forged.status_code == 403


def test_who_was_invited_takes_the_invitation_by_the_company_login(idp, acme, ana, client_of):
    row = invitations.invite(email="dora@acme.example", role="editor", by=ana, now=timezone.now())
    provider, client = idp.row(), client_of(acme)

    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"])))
    assert come_back(client, provider, asked).status_code == 302

    dora = User.objects.get(email="dora@acme.example")
    row.refresh_from_db()
    assert (dora.role.slug, row.accepted_by) == ("editor", dora)


def test_a_full_plan_keeps_new_people_out_and_lets_known_ones_stay(idp, acme, client_of, monkeypatch):
    def full(amount):
        raise LimitReached

    monkeypatch.setattr(seats, "_rule", full)
    UserFactory(email="boss@acme.example", role=RoleFactory(slug="owner"))
    roles = [{"group": "sellers", "role": "agent"}]
    provider = idp.row(creates_people=True, group_roles=roles)
    RoleFactory(slug="agent")

    client = client_of(acme)
    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], groups=["sellers"])))
    assert come_back(client, provider, asked).status_code == 403
    assert (reason(), User.objects.filter(email="dora@acme.example").exists()) == ("no_seat", False)

    dora = UserFactory(email="dora@acme.example", role=RoleFactory(slug="viewer"))
    client = client_of(acme)
    asked = begun(client, provider)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], groups=["sellers"])))
    assert come_back(client, provider, asked).status_code == 302
    dora.refresh_from_db()
    assert dora.role.slug == "viewer"
    assert AuditEntry.objects.filter(action="accounts.sso_role_waits").count() == 1
