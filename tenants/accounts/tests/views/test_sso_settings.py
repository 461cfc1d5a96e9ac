"""Setting up a login service: the steps of the page, what is refused, and what it turns off."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import FakeDNS
from tenants.accounts.errors import MoreThanYours, UnknownRole
from tenants.accounts.models import ApiSession, EmailDomain, IdentityProvider, SignIn, User
from tenants.accounts.services import attempts, doors, email_domains, identity_providers, links, sessions, users
from tenants.accounts.tests.factories import EmailDomainFactory, IdentityProviderFactory, RoleFactory, UserFactory
from tenants.accounts.tests.identity import OpenIDProvider, SamlProvider, begun, certificate

METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.example/metadata">\
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}\
<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/slo"/>\
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.acme.example/sso"/>\
</md:IDPSSODescriptor></md:EntityDescriptor>"""
KEY = """<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>\
<ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"""


def metadata(*names):
    """The metadata of a provider that signs with these certificates."""
    bodies = ["".join(certificate(name)[0].splitlines()[1:-1]) for name in names]
    return METADATA.format(keys="".join(KEY.format(body=body) for body in bodies))


@pytest.fixture
def owner(acme, ana, client_of):
    return client_of(acme, user=ana)


# --- The pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "agent", "viewer"])
def test_only_owners_set_up_who_may_come_in(acme, client_of, role):
    row = IdentityProviderFactory()
    client = client_of(acme, role=role)

    for url in ("/settings/sso/", "/settings/sso/add/", f"/settings/sso/{row.pk}/", f"/sso/{row.pk}/test/"):
        assert client.get(url).status_code == 403
    assert client.get("/api/v1/settings/identity-providers/").status_code == 403


def test_an_openid_provider_from_the_first_step_to_the_only_way_in(acme, ana, owner, fake_http, client_of):
    idp = OpenIDProvider(fake_http)
    EmailDomainFactory(name="acme.example")
    answer = owner.post("/settings/sso/add/", {"kind": "oidc", "name": "Acme ID"})
    row = IdentityProvider.objects.get()
    page = f"/settings/sso/{row.pk}/"
    assert answer["Location"] == page
    assert f"http://acme.localhost/sso/{row.pk}/callback/" in owner.get(page).content.decode()

    owner.post(page, {"form": "connection", "issuer": idp.issuer, "client_id": "balcao", "client_secret": "hush"})
    assert idp.issuer in owner.post(f"{page}check/").content.decode()
    groups = {"groups-TOTAL_FORMS": 2, "groups-INITIAL_FORMS": 0, "groups-0-group": "sellers", "groups-0-role": "agent"}
    owner.post(page, {"form": "arrival", "domains": ["acme.example"], "creates_people": "on", **groups})
    too_early = owner.post(page, {"form": "switch", "enabled": "on", "enforced": "on"})
    assert too_early.status_code == 422
    row.refresh_from_db()
    assert (row.enabled, row.enforced, row.group_roles) == (False, False, [{"group": "sellers", "role": "agent"}])

    asked = begun_test(owner, row)
    idp.answers(idp.sign(idp.claims(nonce=asked["nonce"], groups=["sellers"])))
    tested = owner.get(f"/sso/{row.pk}/callback/", {"state": asked["state"], "code": "c0de"})
    said = owner.get(tested["Location"]).content.decode()
    assert "dora@acme.example" in said
    assert "sellers" in said
    assert not User.objects.filter(email="dora@acme.example").exists()
    assert owner.session["_auth_user_id"] == str(ana.pk)

    assert owner.post(page, {"form": "switch", "enabled": "on", "enforced": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.enabled, row.enforced, row.client_secret) == (True, True, "hush")
    assert "hush" not in owner.get(page).content.decode()
    told = [entry.detail for entry in AuditEntry.objects.filter(action__startswith="accounts.sso_")]
    assert "hush" not in str(told)
    assert "Acme ID" in client_of(acme).get("/login/").content.decode()


def begun_test(client, row):
    """A test login sets off."""
    answer = client.get(f"/sso/{row.pk}/test/")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def test_what_nobody_is_offered_is_not_the_only_way_in(acme, ana, owner, noon):
    row = IdentityProviderFactory(domains=["acme.example"], tested_at=noon, enabled=False)

    answer = owner.post(f"/settings/sso/{row.pk}/", {"form": "switch", "enforced": "on"})

    assert answer.status_code == 422
    identity_providers.change(provider_id=row.pk, enabled=True, enforced=True, by=ana, now=noon)
    identity_providers.change(provider_id=row.pk, enabled=False, by=ana, now=noon)
    row.refresh_from_db()
    assert (row.enabled, row.enforced) == (False, False)


def test_another_connection_must_be_tried_again(acme, ana, noon):
    row = IdentityProviderFactory(domains=["acme.example"], tested_at=noon, enforced=True)

    identity_providers.change(provider_id=row.pk, client_secret="another", by=ana, now=noon)
    row.refresh_from_db()
    assert (row.enforced, row.tested_at) == (True, noon)
    identity_providers.change(provider_id=row.pk, client_id="another", by=ana, now=noon)

    row.refresh_from_db()
    assert (row.enforced, row.tested_at) == (False, None)


def test_metadata_fills_in_the_rest_and_new_certificates_are_fetched(acme, ana, fake_http, noon):
    fake_http.on("GET", "/metadata").reply(200, metadata("idp"))
    row = identity_providers.create(
        kind="saml", name="Acme SAML", metadata_url=f"{fake_http.url}/metadata", by=ana, now=timezone.now()
    )
    assert (row.entity_id, row.sso_url) == ("https://idp.acme.example/metadata", "https://idp.acme.example/sso")
    assert row.certificate == certificate("idp")[0]

    fake_http.on("GET", "/metadata").reply(200, metadata("idp", "next"))
    identity_providers.refresh(provider=row, now=noon)
    row.refresh_from_db()
    assert (row.certificate, row.next_certificate) == (certificate("idp")[0], certificate("next")[0])

    fake_http.on("GET", "/metadata").reply(200, metadata("evil").replace("idp.acme", "idp.evil"))
    identity_providers.refresh(provider=row, now=noon)
    row.refresh_from_db()
    assert row.certificate == certificate("idp")[0]
    assert row.problem


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "https://10.0.0.8/", "https://169.254.169.254/", "https://[::1]/", "https://localhost/"],
)
def test_addresses_of_private_networks_are_refused(acme, owner, settings, url):
    settings.SSO_PRIVATE_ADDRESSES = False
    row = IdentityProviderFactory(kind="saml", issuer="", client_id="", enabled=False)

    answer = owner.post(f"/settings/sso/{row.pk}/", {"form": "connection", "metadata_url": url})

    assert answer.status_code == 422
    row.refresh_from_db()
    assert row.metadata_url == ""
    oidc = IdentityProviderFactory(issuer=url, domains=["acme.example"])
    assert owner.post(f"/settings/sso/{oidc.pk}/check/").status_code == 422
    assert owner.get(f"/sso/{oidc.pk}/test/").status_code == 403


def test_a_public_name_that_points_inside_is_refused_at_every_call(acme, owner, settings, monkeypatch, fake_http):
    settings.SSO_PRIVATE_ADDRESSES = False
    inside = [(2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr("ops.kernel.http.socket.getaddrinfo", lambda *_a, **_k: inside)
    row = IdentityProviderFactory(issuer="https://id.acme.example", domains=["acme.example"])

    answer = owner.post(f"/settings/sso/{row.pk}/check/")

    row.refresh_from_db()
    assert answer.status_code == 422
    assert row.problem in answer.content.decode()
    assert fake_http.requests == []


def test_no_group_makes_an_owner_and_nobody_gives_more_than_they_have(acme, ana, noon):
    row = IdentityProviderFactory(domains=["acme.example"])
    with pytest.raises(UnknownRole):
        identity_providers.change(provider_id=row.pk, group_roles=[{"group": "all", "role": "owner"}], by=ana, now=noon)
    viewer = UserFactory(role=RoleFactory(slug="viewer"))
    with pytest.raises(MoreThanYours):
        identity_providers.change(
            provider_id=row.pk, group_roles=[{"group": "all", "role": "admin"}], by=viewer, now=noon
        )
    row.refresh_from_db()
    assert row.group_roles == []


def test_a_provider_of_another_tenant_does_not_exist(acme, beta, caio, client_of):
    row = SamlProvider().row()
    client = client_of(beta, user=caio)

    for path in ("", "callback/", "acs/", "metadata/", "logout/", "backchannel/", "test/"):
        assert client.get(f"/sso/{row.pk}/{path}").status_code in {404, 405}
        assert client.post(f"/sso/{row.pk}/{path}", {}).status_code in {404, 405}
    assert client.get(f"/settings/sso/{row.pk}/").status_code == 404
    assert client.get(f"/api/v1/settings/identity-providers/{row.pk}/").status_code == 404


# --- Domains -----------------------------------------------------------------------------------------


def test_a_domain_is_proved_by_its_record(acme, owner, settings):
    owner.post("/settings/sso/domains/add/", {"name": "@Acme.Example"})
    domain = EmailDomain.objects.get()
    assert domain.name == "acme.example"
    name, text = email_domains.record_of(domain)
    with FakeDNS() as dns:
        settings.DNS_SERVERS = [dns.address]
        dns.on(name, "TXT", "sso-proof=of-somebody-else")
        owner.post(f"/settings/sso/domains/{domain.pk}/prove/")
        domain.refresh_from_db()
        assert (domain.is_verified, domain.checked_at is not None) == (False, True)

        dns.on(name, "TXT", "v=spf1 -all", text)
        owner.post(f"/settings/sso/domains/{domain.pk}/prove/")

    domain.refresh_from_db()
    assert (domain.is_verified, domain.proof) == (True, "dns")


@pytest.mark.parametrize("name", ["gmail.com", "not a domain", "localhost", "10.0.0.1", ""])
def test_a_domain_of_everybody_or_of_nobody_is_refused(acme, owner, name):
    assert owner.post("/settings/sso/domains/add/", {"name": name}).status_code == 422
    assert EmailDomain.objects.count() == 0


def test_a_domain_somebody_comes_in_by_stays(acme, owner):
    IdentityProviderFactory(domains=["acme.example"])

    owner.post(f"/settings/sso/domains/{EmailDomain.objects.get().pk}/remove/")

    assert EmailDomain.objects.count() == 1


# --- The only way in -----------------------------------------------------------------------------------


@pytest.fixture
def enforced(acme, noon):
    return IdentityProviderFactory(name="Acme ID", domains=["acme.example"], tested_at=noon, enforced=True)


def test_passwords_of_the_domain_are_worth_nothing_and_others_work(acme, enforced, client_of):
    dora, guest = UserFactory(email="dora@acme.example"), UserFactory(email="guest@other.example")
    form = {"password": "balcao-demo"}

    page = client_of(acme).post("/login/", {**form, "email": dora.email})
    assert page.status_code == 403
    assert f"/sso/{enforced.pk}/?hint=dora%40acme.example" in page.content.decode()
    assert client_of(acme).post("/login/", {**form, "email": "nobody@acme.example"}).status_code == 403
    api = client_of(acme).post("/api/v1/auth/login/", {**form, "email": dora.email}, "application/json")
    assert (api.status_code, api.json()["code"]) == (403, "sso_required")
    assert client_of(acme).post("/login/", {**form, "email": guest.email}).status_code == 302


def test_no_new_password_opens_it_again(acme, enforced, client_of, noon, ana):
    token = links.reset(ana)
    assert client_of(acme).post("/password/reset/", {"email": ana.email}).status_code == 403
    reset = client_of(acme).post(f"/password/reset/{token}/", {"password": "quite another one"})
    assert reset.status_code == 403
    olga = users.invite_owner(email="olga@acme.example", now=noon)
    welcome = client_of(acme).post(f"/welcome/{links.welcome(olga)}/", {"name": "O", "password": "quite another one"})
    assert welcome.status_code == 403
    olga.refresh_from_db()
    assert not olga.has_usable_password()


def test_the_profile_says_where_the_password_is_changed(acme, enforced, ana, client_of):
    page = client_of(acme, user=ana).get("/settings/profile/").content.decode()

    assert "Acme ID" in page
    assert 'value="password"' not in page
    assert 'value="email"' not in page


def test_switching_it_on_ends_the_programs_of_its_people(acme, ana, noon):
    row = IdentityProviderFactory(domains=["acme.example"], tested_at=noon)
    UserFactory(email="guest@other.example")
    for email in (ana.email, "guest@other.example"):
        sessions.open_with_password(email=email, password="balcao-demo", now=timezone.now())

    identity_providers.change(provider_id=row.pk, enforced=True, by=ana, now=timezone.now())

    assert list(ApiSession.objects.open(timezone.now()).values_list("user__email", flat=True)) == [
        "guest@other.example"
    ]


def test_an_owner_comes_back_by_the_own_mailbox_and_everybody_is_told(acme, enforced, ana, client_of, mailoutbox, noon):
    agent = UserFactory(email="dora@acme.example", role=RoleFactory(slug="agent"))
    assert not doors.answer_recovery(email=agent.email, host="", now=noon)
    assert not doors.answer_recovery(email="nobody@acme.example", host="", now=noon)
    assert doors.answer_recovery(email=ana.email, host="", now=noon)
    url = reverse("accounts:sso-recovered", args=[links.recovery(ana)])
    client = client_of(acme)

    assert client.get(url).status_code == 200
    assert client.post(url)["Location"] == "/settings/sso/"

    assert client.session["_auth_user_id"] == str(ana.pk)
    assert client_of(acme).post(url).status_code == 404
    assert client_of(acme).get(reverse("accounts:sso-recovered", args=[links.recovery(agent)])).status_code == 404
    assert Alert.objects.get().kind == "accounts.recovery_login"
    assert AuditEntry.objects.filter(action="accounts.recovery_login").count() == 1


def test_the_way_back_in_says_the_same_to_everybody(acme, enforced, client_of, ana):
    answers = {
        client_of(acme).post("/sso/recovery/", {"email": email})["Location"]
        for email in (ana.email, "nobody@acme.example")
    }

    assert answers == {"/sso/recovery/sent/"}


def test_a_recovery_link_opens_only_its_own_tenant(acme, beta, enforced, ana, client_of):
    url = reverse("accounts:sso-recovered", args=[links.recovery(ana)])

    assert client_of(beta).get(url).status_code == 404
    assert client_of(beta).post(url).status_code == 404
    assert client_of(acme).get(url).status_code == 200


def test_knocking_is_braked(acme, client_of, fake_http, monkeypatch):
    monkeypatch.setattr(attempts, "KNOCK_LIMIT", 2)
    provider, client = OpenIDProvider(fake_http).row(), client_of(acme)
    for _ in range(2):
        begun(client, provider)

    for answer in (
        client.get(f"/sso/{provider.pk}/"),
        client.get(f"/sso/{provider.pk}/callback/"),
        client.post(f"/sso/{provider.pk}/acs/"),
    ):
        assert (answer.status_code, answer.has_header("Retry-After")) == (429, True)
    assert SignIn.objects.count() == 2


# --- API ---------------------------------------------------------------------------------------------


def test_the_api_sets_up_and_never_gives_a_secret_back(acme, owner):
    EmailDomainFactory(name="acme.example")
    body = {
        "kind": "oidc",
        "name": "Acme ID",
        "issuer": "https://id.acme.example",
        "client_id": "x",
        "client_secret": "hush",
    }

    made = owner.post("/api/v1/settings/identity-providers/", body, "application/json")
    url = f"/api/v1/settings/identity-providers/{made.json()['id']}/"
    changed = owner.patch(
        url, {"domains": ["acme.example"], "enabled": True, "default_role": "viewer"}, "application/json"
    )

    assert (made.status_code, changed.status_code) == (201, 200)
    assert changed.json()["has_client_secret"] is True
    assert "hush" not in made.content.decode() + changed.content.decode() + owner.get(url).content.decode()
    early = owner.patch(url, {"enforced": True}, "application/json")
    assert (early.status_code, early.json()["code"]) == (409, "not_tested")
    wrong = owner.patch(url, {"domains": ["beta.example"]}, "application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "domains")
    assert owner.patch(url, {"default_role": "owner"}, "application/json").status_code == 422
    assert owner.patch(url, {"issuer": "ftp://x"}, "application/json").json()["errors"][0]["field"] == "issuer"
    assert owner.delete(url).status_code == 204


@pytest.mark.parametrize("rows", [1, 3])
def test_the_lists_ask_the_same_number_of_questions(acme, owner, rows, django_assert_max_num_queries):
    for number in range(rows):
        IdentityProviderFactory(domains=[f"company{number}.example", "shared.example"])
        EmailDomainFactory()
    owner.get("/settings/sso/")

    with django_assert_max_num_queries(14):
        assert owner.get("/settings/sso/").status_code == 200
    with django_assert_max_num_queries(12):
        assert len(owner.get("/api/v1/settings/identity-providers/").json()["results"]) == rows


def test_domains_over_the_api(acme, beta, owner, settings):
    made = owner.post("/api/v1/settings/email-domains/", {"name": "acme.example"}, "application/json").json()
    url = f"/api/v1/settings/email-domains/{made['id']}/"
    with FakeDNS() as dns:
        settings.DNS_SERVERS = [dns.address]
        early = owner.post(f"{url}prove/")
        dns.on(made["record_name"], "TXT", made["record_text"])
        proved = owner.post(f"{url}prove/")

    assert (early.status_code, early.json()["code"]) == (422, "domain_not_proved")
    assert proved.json()["verified_at"]
    assert owner.delete(url).status_code == 204
    with tenant_context(beta):
        assert EmailDomain.objects.count() == 0
