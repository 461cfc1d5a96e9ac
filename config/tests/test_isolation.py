"""Nothing of one tenant answers to another: pages, API, tokens, links, cache, files, sockets.

Acme holds a word that appears nowhere else. Everything a person of beta can send goes to every address there is, with
every id of acme; no answer may hold that word, and not a row of acme may change.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_tenants.utils import schema_context, tenant_context

from chat.services import optouts
from chat.tests.factories import (
    ArticleFactory,
    AttachmentFactory,
    BotFactory,
    CampaignFactory,
    CampaignRecipientFactory,
    CannedResponseFactory,
    ChurnScoreFactory,
    ContactFactory,
    ContactMergeFactory,
    ContactNoteFactory,
    DraftFactory,
    LabelFactory,
    MentionFactory,
    MessageFactory,
    NotificationFactory,
    PushSubscriptionFactory,
    SavedViewFactory,
    TeamFactory,
)
from ops.kernel import signing
from ops.kernel.redis import client as redis_client
from ops.kernel.testing import PATIENCE_S, communicator
from tenants.accounts.models import User
from tenants.accounts.services import invitations, links
from tenants.accounts.tests.factories import (
    ApiSessionFactory,
    EmailDomainFactory,
    IdentityProviderFactory,
    InvitationFactory,
    LoginFactory,
    SignInFactory,
)
from tenants.models import Tenant
from tenants.services import branding

SECRET = "Zwetschgenknödel"  # a word that no page of ours says
METHODS = ("GET", "POST", "PATCH", "DELETE")
# Addresses that are their own proof: there is nothing behind them in another tenant.
SIGNED = ("/api/v1/chat/files/", "/api/v1/chat/exports/file/")
# Names in addresses, never the words that tell what an id is of.
NAMES_ONLY = {"number", "token", "key", "app", "letter", "language"}
REFUSED = {400, 401, 402, 403, 404, 405, 406, 409, 410, 415, 422}


@pytest.fixture
def treasure(acme: Tenant, ana: User) -> dict[str, list[Any]]:
    """Rows of acme with the word in them, as values for the names that stand in addresses."""
    User.objects.filter(pk=ana.pk).update(name=f"Ana {SECRET}")
    ana.refresh_from_db()
    contact = ContactFactory(name=f"Visitor {SECRET}", email="visitor@acme.example")
    article = ArticleFactory(title=f"About {SECRET}", body=f"Words about {SECRET}.")
    bot = BotFactory(name=f"Bot {SECRET}")
    message = MessageFactory(body=f"My order: {SECRET}", conversation__contact_inbox__contact=contact)
    file = AttachmentFactory(
        message=message, file=default_storage.save("uploads/documents/x.txt", ContentFile(SECRET.encode()))
    )
    branding.save(owner=acme, display_name=f"Padaria {SECRET}")
    conversation = message.conversation
    inbox = conversation.inbox
    note = ContactNoteFactory(contact=contact, body=f"Likes {SECRET}")
    merge = ContactMergeFactory(kept=contact, gone=ContactFactory(name=SECRET))
    campaign = CampaignFactory(inbox=inbox, name=f"Campaign {SECRET}", body=f"Buy {SECRET}")
    CampaignRecipientFactory(campaign=campaign, contact=contact, conversation=conversation)
    estimate = ChurnScoreFactory(contact=contact)
    DraftFactory(user=ana, conversation=conversation, body=SECRET)
    NotificationFactory(user=ana, conversation=conversation, text=SECRET)
    MentionFactory(message=message, user=ana)
    invitation = InvitationFactory(name=SECRET, role=ana.role)
    tokens = [
        invitations.token_of(invitation),
        links.unlock(ana),
        links.stop_email_change(ana, old=ana.email, new="new@acme.example"),
        optouts.link(contact.pk).rstrip("/").rpartition("/")[2],
        links.welcome(ana),
        signing.dumps(str(ana.pk), salt="any"),
    ]
    return {
        "uuid": [ana.pk, contact.pk, conversation.pk, inbox.pk, message.pk, file.pk, article.pk, bot.pk],
        # Words of an address that tell whose id it wants; the others get all of them.
        "users": [ana.pk],
        "people": [ana.pk, invitation.pk],
        "logins": [LoginFactory(user=ana, user_agent=SECRET).pk],
        "programs": [ApiSessionFactory(user=ana, user_agent=SECRET).pk],
        "contacts": [contact.pk],
        "conversations": [conversation.pk],
        "inboxes": [inbox.pk],
        "agents": [ana.pk],
        "teams": [TeamFactory(name=f"Team {SECRET}").pk],
        "labels": [LabelFactory(name=f"label {SECRET}").pk],
        "canned": [CannedResponseFactory(body=f"Hello {SECRET}").pk],
        "views": [SavedViewFactory(name=f"View {SECRET}").pk],
        "push": [PushSubscriptionFactory(user=ana, user_agent=SECRET).pk],
        "browsers": [PushSubscriptionFactory(user=ana, user_agent=SECRET).pk],
        "campaigns": [campaign.pk],
        "campaign_id": [campaign.pk],
        "churn": [estimate.pk],
        "note": [note.pk],
        "merge": [merge.pk],
        "uploads": [file.pk],
        "files": [file.pk],
        "articles": [article.pk],
        "bots": [bot.pk],
        "bot_id": [bot.pk],
        "slug": [article.slug],
        "number": [conversation.number],
        "sso": [IdentityProviderFactory(client_secret=SECRET, domains=["acme.example"]).pk],
        "domains": [EmailDomainFactory(name="own.acme.example").pk],
        "identity-providers": [IdentityProviderFactory(name=SECRET, enabled=False).pk],
        "email-domains": [EmailDomainFactory().pk],
        "sign_in": [SignInFactory(claims={"name": SECRET}).pk],
        "token": [*tokens, links.reset(ana)],
        "key": tokens,
        "rest": ["settings/"],
        # Letters are named by the product, not by a tenant.
        "app": ["accounts"],
        "letter": ["welcome"],
        "language": ["pt-br"],
        "letters": ["accounts/welcome"],
    }


def addresses(urlconf: str) -> Iterator[tuple[str, list[tuple[str, type]]]]:
    """Every address of an urlconf as a route and the names in it, each with its converter."""

    def walk(patterns: list[URLPattern | URLResolver], route: str, names: dict[str, type]) -> Iterator:
        for one in patterns:
            if not hasattr(one.pattern, "_route"):
                # A router's own regular expressions: only those that are plain enough to fill.
                here = one.pattern.regex.pattern.removeprefix("^").removesuffix("$").removesuffix("\\Z")
                here, found = _plain(here)
            else:
                here, found = one.pattern._route, {name: type(how) for name, how in one.pattern.converters.items()}
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, route + here, names | found)
            else:
                yield "/" + route + here, list((names | found).items())

    yield from walk(get_resolver(urlconf).url_patterns, "", {})


def _plain(regex: str) -> tuple[str, dict[str, type]]:
    names = dict.fromkeys(re.findall(r"\(\?P<(\w+)>", regex), str)
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", regex).replace("\\.", ".").replace("/?", "/"), names


def filled(route: str, names: list[tuple[str, type]], treasure: dict[str, list[Any]]) -> Iterator[str]:
    """The route with every id of acme that could stand in it."""
    about = next((word for word in route.split("/") if word in treasure and word not in NAMES_ONLY), "uuid")
    choices = [treasure.get(name) or treasure["number" if "Int" in how.__name__ else about] for name, how in names]
    for values in itertools.product(*choices):
        path = route
        for (name, _how), value in zip(names, values, strict=True):
            path = re.sub(rf"<(?:\w+:)?{name}>", str(value), path)
        yield path


def state_of(schema: str) -> dict[str, str]:
    """A fingerprint of every table of a schema."""
    with schema_context(schema), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", [schema])
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM \"{schema}\".\"{table}\" t"
                for table in tables
            )
        )
        return dict(cursor.fetchall())


def said(response: Any) -> bytes:
    """The whole answer: headers and body."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return str(response.headers).encode() + body


def test_another_tenants_owner_finds_nothing_with_our_ids(acme, beta, caio, client_of, treasure):
    before = state_of("t_acme")
    seen, wrong = 0, []
    browser = client_of(beta, user=caio, raise_request_exception=False)

    for route, names in addresses(settings.ROOT_URLCONF):
        for path in filled(route, names, treasure):
            redis_client().flushdb()  # rate limits would hide what is behind them
            for method in METHODS:
                response = browser.generic(method, path, "{}", "application/json")
                if path in {"/logout/", "/support/leave/"}:
                    browser = client_of(beta, user=caio, raise_request_exception=False)
                seen += 1
                if response.status_code >= 500:
                    wrong.append(f"{method} {path}: {response.status_code}")
                if SECRET.encode() in said(response):
                    wrong.append(f"{method} {path}: told the secret")
                names_theirs = any(isinstance(value, UUID) and str(value) in path for value in treasure["uuid"])
                if names and names_theirs and response.status_code not in REFUSED:
                    wrong.append(f"{method} {path}: {response.status_code}")

    assert wrong == []
    assert seen > 150
    assert state_of("t_acme") == before


def test_another_tenants_session_is_a_stranger_here(acme, beta, caio, client_of, treasure):
    cookie = client_of(beta, user=caio).cookies[settings.SESSION_COOKIE_NAME].value
    wrong = []

    for route, names in addresses(settings.ROOT_URLCONF):
        redis_client().flushdb()
        for path in itertools.islice(filled(route, names, treasure), 2):
            browser = Client(headers={"host": "acme.localhost"}, raise_request_exception=False)
            browser.cookies[settings.SESSION_COOKIE_NAME] = cookie
            response = browser.get(path)
            user = getattr(response.wsgi_request, "user", None)
            if user is not None and user.is_authenticated and not path.startswith(("/welcome/", "/password/")):
                wrong.append(f"{path}: {user}")

    assert wrong == []


def test_another_tenants_token_opens_no_door_of_the_api(acme, beta, caio, client_of, treasure):
    pair = (
        client_of(beta)
        .post("/api/v1/auth/login/", {"email": caio.email, "password": "balcao-demo"}, "application/json")
        .json()
    )
    assert (
        client_of(beta).get("/api/v1/settings/", headers={"authorization": f"Bearer {pair['access']}"}).status_code
        == 200
    )
    wrong, browser = [], client_of(acme, raise_request_exception=False)

    for route, names in addresses("config.urls_tenant"):
        if not route.startswith("/api/v1/") or route.startswith("/api/v1/auth/"):
            continue
        for path in filled(route, names, treasure):
            redis_client().flushdb()
            response = browser.get(path, headers={"authorization": f"Bearer {pair['access']}"})
            # A file's signed address is its own key and asks for no token.
            if response.status_code != (404 if route.startswith(SIGNED) else 401):
                wrong.append(f"{path}: {response.status_code}")
    refreshed = client_of(acme).post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}, "application/json")

    assert wrong == []
    assert refreshed.status_code == 401


def test_the_platform_knows_nothing_of_a_tenants_people(acme, platform, ana, client_of, treasure):
    cookie = client_of(acme, user=ana).cookies[settings.SESSION_COOKIE_NAME].value
    wrong = []
    for path in ("/admin/", "/admin/tenants/tenant/", "/api/platform/v1/tenants/", "/"):
        browser = client_of(platform)
        browser.cookies[settings.SESSION_COOKIE_NAME] = cookie
        response = browser.get(path)
        if SECRET.encode() in said(response) or getattr(response.wsgi_request.user, "is_authenticated", False):
            wrong.append(path)

    assert wrong == []


def test_a_key_of_the_cache_is_another_one_in_another_tenant(acme, beta):
    cache.set("greeting", SECRET)
    with tenant_context(beta):
        assert cache.get("greeting") is None
        cache.set("greeting", "other")
    with schema_context("public"):
        assert cache.get("greeting") is None

    assert cache.get("greeting") == SECRET


@pytest.mark.parametrize(
    "name", ["list.csv", "../t_acme/list.csv", "../../tenants/t_acme/list.csv", "/etc/../list.csv"]
)
def test_a_file_is_found_by_its_own_tenant_only(acme, beta, name):
    default_storage.save("list.csv", ContentFile(SECRET.encode()))

    with tenant_context(beta):
        try:
            found = default_storage.exists(name) and default_storage.open(name).read()
        except (OSError, ValueError, SuspiciousFileOperation):
            found = False
    assert not found


def test_a_signed_value_is_read_by_its_own_tenant_only(acme, beta):
    token = signing.dumps({"secret": SECRET}, salt="invitation")

    for schema in ("t_beta", "public"):
        with schema_context(schema), pytest.raises(signing.BadSignature):
            signing.loads(token, salt="invitation", max_age=60)


@pytest.mark.transactional
@pytest.mark.parametrize("path", ["/ws/agent/", "/ws/widget/"])
async def test_a_socket_listens_to_its_own_tenants_people_only(path, acme, beta, caio, client_of):
    browser = await sync_to_async(client_of)(beta, user=caio)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    socket = communicator(path, host="acme.localhost", headers={"cookie": cookie}, subprotocols=["chat.v1"])

    opened, _ = await socket.connect(timeout=PATIENCE_S)
    if opened:
        await socket.send_to(text_data='{"type": "hello"}')
        answer = await socket.receive_output(timeout=PATIENCE_S)
        assert answer["type"] == "websocket.close" or "welcome" not in answer.get("text", "")
    await socket.disconnect(timeout=PATIENCE_S)
