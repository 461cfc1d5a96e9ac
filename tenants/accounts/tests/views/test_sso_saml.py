"""In by a SAML provider with real signatures, and everything that must not get in."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context
from lxml import etree

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.models import ExternalIdentity, IdentityProvider, Login, SignIn, SpentAssertion, User
from tenants.accounts.providers import saml
from tenants.accounts.services import single_sign_on
from tenants.accounts.tests.factories import IdentityProviderFactory, RoleFactory, UserFactory
from tenants.accounts.tests.identity import SamlProvider, certificate, posted, request_of

NAMES = saml.NAMES


@pytest.fixture
def idp():
    return SamlProvider()


@pytest.fixture
def dora(acme):
    return UserFactory(email="dora@acme.example", name="Dora")


def begun(client, provider, query=""):
    """A browser sets off; gives the id of our request."""
    answer = client.get(f"/sso/{provider.pk}/{query}")
    assert answer.status_code == 302, answer.content.decode()
    return request_of(answer["Location"]).get("ID")


def reason():
    return AuditEntry.objects.filter(action="accounts.sso_refused").latest("at", "id").detail["reason"]


def is_in(client):
    return "_auth_user_id" in client.session


def test_somebody_the_team_knows_comes_in_and_is_linked(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)

    answer = client.get(f"/sso/{provider.pk}/?next=/settings/profile/")
    request = request_of(answer["Location"])
    answer = posted(client, provider, idp.response(provider, request.get("ID")))

    assert (answer.status_code, answer["Location"]) == (302, "/settings/profile/")
    assert client.session["_auth_user_id"] == str(dora.pk)
    assert ExternalIdentity.objects.get().user == dora
    assert Login.objects.get(user=dora).method == "sso"
    assert answer.wsgi_request.path.startswith("/sso/finish/")
    assert request.get("Destination") == "https://idp.acme.example/sso"
    assert request.get("AssertionConsumerServiceURL") == f"http://acme.localhost/sso/{provider.pk}/acs/"
    assert request.find("saml:Issuer", NAMES).text == f"http://acme.localhost/sso/{provider.pk}/metadata/"


def test_our_requests_are_signed(idp, acme, client_of):
    answer = client_of(acme).get(f"/sso/{idp.row().pk}/")

    assert "&Signature=" in answer["Location"]
    assert "rsa-sha256" in answer["Location"]


@pytest.mark.parametrize("digest", ["good", "sha1"])
def test_both_certificates_are_believed_while_they_change_and_weak_signatures_never(idp, acme, dora, client_of, digest):
    before = certificate("before")[0]
    provider, client = idp.row(certificate=before, next_certificate=idp.certificate), client_of(acme)
    parts = idp.parts(provider, begun(client, provider))
    weak = {
        "digest": "http://www.w3.org/2000/09/xmldsig#sha1",
        "algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    }
    assertion = idp.signed(idp.assertion(parts, sign=False), **(weak if digest == "sha1" else {}))

    answer = posted(client, provider, idp.wrap(parts, assertion))

    assert is_in(client) == (digest == "good")
    assert digest == "good" or (answer.status_code, reason()) == (403, "algorithm")


@pytest.mark.parametrize("case", ["for us", "for somebody else", "unsigned inside", "wrong inside"])
def test_an_encrypted_assertion_is_read_and_judged_like_any_other(idp, acme, dora, client_of, case):
    provider, client = idp.row(), client_of(acme)
    changes = {"audience": "https://other.example/metadata"} if case == "wrong inside" else {}
    parts = idp.parts(provider, begun(client, provider), **changes)
    reader = certificate("stranger")[0] if case == "for somebody else" else provider.own_certificate
    sealed = idp.encrypted(idp.assertion(parts, sign=case != "unsigned inside"), reader)
    assert "dora@acme.example" not in sealed

    answer = posted(client, provider, idp.wrap(parts, sealed))

    assert is_in(client) == (case == "for us")
    why = {"for somebody else": "unreadable", "unsigned inside": "unsigned", "wrong inside": "audience"}
    assert case == "for us" or (answer.status_code, reason()) == (403, why[case])


# Each: what is changed in an otherwise good answer, and why it is refused.
WRONG = {
    "for another audience": ({"audience": "https://other.example/metadata"}, "audience"),
    "for nobody in particular": ({"audience": ""}, "audience"),
    "for another address": ({"acs": "https://other.example/acs/"}, "recipient"),
    "for no address": ({"acs": ""}, "recipient"),
    "of another issuer": ({"issuer": "https://idp.beta.example/metadata"}, "issuer"),
    "to a request that is not ours": ({"request_id": "_0123456789abcdef"}, "in_response_to"),
    "tied to our request outside the signature only": ({"request_id": "", "outer_request_id": None}, "in_response_to"),
    "too old": ({"age": timedelta(minutes=20)}, "expired"),
    "from the future": ({"age": timedelta(minutes=-20)}, "expired"),
    "about a domain that is not proved": ({"attributes": {"email": ["dora@beta.example"]}}, "domain"),
    "about no address": ({"attributes": {"displayName": ["Dora"]}}, "no_email"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_an_assertion_that_is_wrong_lets_nobody_in_and_says_why(idp, acme, dora, client_of, case):
    changes, why = WRONG[case]
    provider, client = idp.row(), client_of(acme)
    request_id = begun(client, provider)
    changes = {name: request_id if value is None else value for name, value in changes.items()}

    answer = posted(client, provider, idp.response(provider, **{"request_id": request_id, **changes}))

    assert (answer.status_code, reason()) == (403, why)
    assert not is_in(client)
    assert ExternalIdentity.objects.count() == 0


def wrap_by(case, idp, provider, request_id):
    """A good assertion about Dora, put so that another one about Ana is read, in the ways of the literature."""
    good_parts = idp.parts(provider, request_id)
    good = idp.assertion(good_parts)
    evil = idp.assertion(
        idp.parts(provider, request_id, subject="ana", attributes={"email": ["ana@acme.example"]}), sign=False
    )
    if case == "the evil one first":
        return idp.wrap(good_parts, evil + good)
    if case == "the evil one last":
        return idp.wrap(good_parts, good + evil)
    document = etree.fromstring(idp.wrap(good_parts, evil))
    evil_one, good_one = document.find("saml:Assertion", NAMES), etree.fromstring(good)
    signature = good_one.find("ds:Signature", NAMES)
    match case:
        case "the good one inside the evil one":
            evil_one.append(good_one)
        case "the good one inside the evil one's signature":
            good_one.remove(signature)
            holder = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
            holder.append(good_one)
            evil_one.insert(1, signature)
        case "the evil one borrows the signature and the id":
            evil_one.insert(1, signature)
            evil_one.set("ID", good_one.get("ID"))
        case "the good one in the extensions":
            extensions = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
            extensions.append(good_one)
            document.insert(1, extensions)
    return etree.tostring(document).decode()


@pytest.mark.parametrize(
    "case",
    [
        "the evil one first",
        "the evil one last",
        "the good one inside the evil one",
        "the good one inside the evil one's signature",
        "the evil one borrows the signature and the id",
        "the good one in the extensions",
    ],
)
def test_a_wrapped_signature_covers_nobody_else(idp, acme, ana, dora, client_of, case):
    provider, client = idp.row(), client_of(acme)

    answer = posted(client, provider, wrap_by(case, idp, provider, begun(client, provider)))

    assert answer.status_code == 403
    assert reason() in {"signature", "unsigned", "unreadable"}
    assert not is_in(client)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("unsigned", "unsigned"),
        ("by a stranger", "signature"),
        ("tampered", "signature"),
        ("a comment in the name", None),
    ],
)
def test_only_what_the_provider_signed_is_believed(idp, acme, ana, dora, client_of, case, why):
    provider, client = idp.row(), client_of(acme)
    request_id = begun(client, provider)
    if case == "unsigned":
        xml = idp.response(provider, request_id, sign=False)
    elif case == "by a stranger":
        xml = SamlProvider(name="stranger").response(provider, request_id)
    elif case == "tampered":
        xml = idp.response(provider, request_id).replace("dora@acme.example", "ana@acme.example")
    else:
        # Canonical XML leaves comments out, so the signature still holds; what is read must be the whole text.
        mail = "ana@acme.example.dora@acme.example"
        xml = idp.response(provider, request_id, attributes={"email": [mail]})
        xml = xml.replace(mail, "ana@acme.example<!---->.dora@acme.example")

    answer = posted(client, provider, xml)

    assert answer.status_code == 403
    assert not is_in(client)
    assert why is None or reason() == why


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not base64 at all %%%",
        "<a>not saml</a>",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>",
    ],
    ids=["empty", "rubbish", "no saml", "an entity", "an empty response"],
)
def test_rubbish_is_refused_calmly(idp, acme, client_of, body):
    provider, client = idp.row(), client_of(acme)

    answer = posted(client, provider, body)

    assert (answer.status_code, reason()) == (403, "unreadable")
    assert client.post(f"/sso/{provider.pk}/acs/", {"SAMLResponse": body}).status_code == 403


def test_an_assertion_is_good_for_one_use(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    xml = idp.response(provider, begun(client, provider))
    assert posted(client, provider, xml).status_code == 302

    assert posted(client_of(acme), provider, xml).status_code == 403
    assert reason() == "replayed"


def test_an_answer_works_only_in_the_browser_that_asked(idp, acme, dora, client_of):
    provider, mallory, victim = idp.row(), client_of(acme), client_of(acme)
    xml = idp.response(provider, begun(mallory, provider))

    assert posted(victim, provider, xml).status_code == 403
    assert reason() == "state"
    assert not is_in(victim)


def test_a_request_is_answered_once(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    request_id = begun(client, provider)
    assert posted(client, provider, idp.response(provider, request_id)).status_code == 302

    assert posted(client_of(acme), provider, idp.response(provider, request_id)).status_code == 403
    assert reason() == "in_response_to"


def test_an_assertion_for_another_tenant_is_refused_though_the_provider_is_the_same(idp, acme, beta, dora, client_of):
    provider = idp.row()
    client = client_of(acme)
    request_id = begun(client, provider)
    row = SignIn.objects.get()
    browser = client_of(beta)
    with tenant_context(beta):
        UserFactory(email="dora@acme.example", role=None)
        fields = {
            name: getattr(provider, name)
            for name in ("entity_id", "sso_url", "certificate", "own_certificate", "own_key")
        }
        twin = IdentityProviderFactory(pk=provider.pk, kind="saml", domains=["acme.example"], **fields)
        SignIn.objects.create(
            pk=row.pk, provider=twin, request_key=request_id, browser=row.browser, expires_at=row.expires_at
        )
    browser.cookies["sso_browser"] = client.cookies["sso_browser"].value

    answer = posted(browser, provider, idp.response(provider, request_id))

    assert answer.status_code == 403
    with tenant_context(beta):
        assert reason() in {"recipient", "audience"}
        assert ExternalIdentity.objects.count() == 0


def test_logins_begin_at_the_provider_only_where_that_is_switched_on(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    assert posted(client, provider, idp.response(provider)).status_code == 403
    assert reason() == "in_response_to"
    IdentityProvider.objects.update(idp_initiated=True)

    answer = posted(client, provider, idp.response(provider))

    assert (answer.status_code, is_in(client)) == (302, True)


def test_roles_follow_the_groups_at_every_login_and_owners_stay_owners(idp, acme, ana, client_of):
    dora = UserFactory(email="dora@acme.example", role=RoleFactory(slug="agent"))
    viewer = RoleFactory(slug="viewer")
    provider = idp.row(default_role=viewer, group_roles=[{"group": "chiefs", "role": "admin"}])

    for groups, role in ((["chiefs"], "admin"), ([], "viewer")):
        client = client_of(acme)
        attributes = {"email": ["dora@acme.example"], "groups": groups}
        assert (
            posted(client, provider, idp.response(provider, begun(client, provider), attributes=attributes)).status_code
            == 302
        )
        dora.refresh_from_db()
        assert dora.role.slug == role
    client = client_of(acme)
    attributes = {"email": [ana.email], "groups": []}
    posted(client, provider, idp.response(provider, begun(client, provider), subject="ana", attributes=attributes))
    ana.refresh_from_db()
    assert (ana.role.slug, is_in(client)) == ("owner", True)


def test_nobody_comes_in_without_a_group_where_a_group_is_needed(idp, acme, dora, client_of):
    provider, client = idp.row(group_roles=[{"group": "chiefs", "role": "admin"}]), client_of(acme)

    answer = posted(client, provider, idp.response(provider, begun(client, provider)))

    assert (answer.status_code, reason()) == (403, "no_role")


def test_the_provider_ends_a_session_with_a_signed_message_only(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    posted(client, provider, idp.response(provider, begun(client, provider)))
    url = f"/sso/{provider.pk}/logout/"

    assert client_of(acme).get(url, idp.logout_request(provider, sign=False)).status_code == 403
    assert reason() == "unsigned"
    wrong = idp.logout_request(provider) | {"RelayState": "forward"}
    assert client_of(acme).get(url, wrong).status_code == 403
    assert client.get("/settings/profile/").status_code == 200

    answer = client_of(acme).get(url, idp.logout_request(provider))
    assert answer["Location"].startswith("https://idp.acme.example/slo?SAMLResponse=")
    assert client.get("/settings/profile/").status_code == 302


def test_logging_out_asks_the_provider_with_a_signed_message(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    posted(client, provider, idp.response(provider, begun(client, provider)))

    page = client.get(client.post("/logout/")["Location"]).content.decode()
    away = client.get(_leave(page))

    request = request_of(away["Location"])
    assert away["Location"].startswith("https://idp.acme.example/slo?")
    assert "&Signature=" in away["Location"]
    assert request.find("saml:NameID", NAMES).text == "subject-1"
    assert request.find("samlp:SessionIndex", NAMES).text == "session-1"


def _leave(page):
    return "/logout/" + page.split('href="/logout/')[1].split('"')[0]


def test_our_metadata_says_where_answers_go_and_what_must_be_signed(idp, acme, client_of):
    provider = idp.row()

    answer = client_of(acme).get(f"/sso/{provider.pk}/metadata/")

    said = etree.fromstring(answer.content)
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata"}
    party = said.find("md:SPSSODescriptor", names)
    assert said.get("entityID") == f"http://acme.localhost/sso/{provider.pk}/metadata/"
    assert party.get("WantAssertionsSigned") == "true"
    assert (
        party.find("md:AssertionConsumerService", names).get("Location")
        == f"http://acme.localhost/sso/{provider.pk}/acs/"
    )
    assert b"PRIVATE" not in answer.content


def test_what_was_spent_is_forgotten_only_when_it_could_not_come_again(idp, acme, dora, client_of):
    provider, client = idp.row(), client_of(acme)
    posted(client, provider, idp.response(provider, begun(client, provider)))
    assert SpentAssertion.objects.count() == 1

    assert single_sign_on.forget_old(now=timezone.now()) == 0
    assert single_sign_on.forget_old(now=timezone.now() + timedelta(days=20)) == 2
    assert User.objects.filter(pk=dora.pk).exists()
