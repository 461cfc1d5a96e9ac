"""Ten thousand bad requests: whatever a client sends, nobody answers 500 and nobody shows a traceback.

`FUZZ=50000 bin/test config/tests/flows/test_bad_input.py` sends more; `FUZZ_SEED` sends others.
"""

import os
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context
from drf_spectacular.generators import SchemaGenerator

from chat.tests.factories import InboxFactory
from config.tests.fuzzing import BadRequest, Fuzzer
from ops.kernel import redis
from tenants.accounts.models import User
from tenants.services import resellers

pytestmark = pytest.mark.transactional

COUNT = int(os.environ.get("FUZZ", "10000"))
SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
TRACES = (b"Traceback (most recent call last)", b"django.core.exceptions", b"psycopg.errors", b'File "/')
# Leaving would send the rest as a stranger, whom the first door refuses.
LEAVES = ("logout/", "admin/logout/", "api/v1/auth/logout/", "dev/")


def send(client: Client, request: BadRequest, host: str) -> str | None:
    """Send one request; gives what is wrong with the answer."""
    headers = {"HTTP_HOST": host, **request.headers}
    path, _, query = request.path.partition("?")
    # WSGI servers hand the decoded bytes over as Latin-1.
    environ = {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query}
    response = client.generic(request.method.upper(), "/", request.body, request.content_type, **environ, **headers)
    body = b"" if response.streaming else response.content
    if response.status_code >= 500 and response.status_code != 503:
        return f"{response.status_code}: {request}"
    if any(trace in body for trace in TRACES):
        return f"shows a traceback: {request}"
    return None


def storm(client: Client, requests, host: str) -> list[str]:
    """What was wrong with the answers.

    The session is put back after each request, and nobody is asked to slow down: a door that is closed for another
    reason would hide what is behind it.
    """
    cookies = client.cookies.output(header="", sep=";")
    problems = []
    for number, request in enumerate(requests):
        if number % 40 == 0:
            redis.client().flushdb()
        client.cookies.clear()
        client.cookies.load(cookies)
        problem = send(client, request, host)
        if problem:
            problems.append(problem)
    return problems


def visitors_token() -> str:
    """What the widget sends with each request."""
    inbox = InboxFactory()
    answer = Client().post(
        "/api/widget/v1/session/",
        {"visitor_id": str(uuid4())},
        content_type="application/json",
        headers={"host": "acme.localhost", "X-Widget-Token": inbox.website_token},
    )
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()["jwt"]


def test_the_widget_refuses_bad_input_politely(acme):
    with tenant_context(acme):
        token = visitors_token()
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})
    described = document(settings.ROOT_URLCONF)
    described["paths"] = {path: item for path, item in described["paths"].items() if path.startswith("/api/widget/")}

    assert described["paths"]
    assert storm(client, Fuzzer(SEED + 3).from_openapi(described, int(COUNT * 0.1)), "acme.localhost") == []


def strangers_and(client: Client) -> list[Client]:
    """The client given, and one nobody knows; neither turns a 500 into an exception."""
    client.raise_request_exception = False
    return [client, Client(raise_request_exception=False)]


def document(urlconf: str) -> dict:
    """The OpenAPI document of a host's API."""
    return SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)


def test_a_tenants_api_refuses_bad_input_politely(acme, ana, client_of):
    fuzzer = Fuzzer(SEED)
    described = document(settings.ROOT_URLCONF)
    for client, share in zip(strangers_and(client_of(acme, user=ana)), (0.35, 0.05), strict=True):
        assert storm(client, fuzzer.from_openapi(described, int(COUNT * share)), "acme.localhost") == []


def test_a_tenants_pages_refuse_bad_input_politely(acme, ana, client_of):
    fuzzer = Fuzzer(SEED + 1)
    for client, share in zip(strangers_and(client_of(acme, user=ana)), (0.2, 0.05), strict=True):
        assert (
            storm(client, fuzzer.from_urls(settings.ROOT_URLCONF, int(COUNT * share), LEAVES), "acme.localhost") == []
        )


def test_the_platforms_pages_and_console_refuse_bad_input_politely(acme):
    reseller = resellers.create(name="Rede Sul", slug="redesul", now=timezone.now())
    client = Client()
    with schema_context(get_public_schema_name()):
        client.force_login(User.objects.create_superuser("root@balcao.example", "not-used-here"))
    assert client.get("/admin/", headers={"host": "localhost"}).status_code == 200
    fuzzer = Fuzzer(SEED + 2)
    for one, share in zip(strangers_and(client), (0.15, 0.05), strict=True):
        hosts = ["localhost", f"{reseller.slug}.localhost"]
        for host in hosts:
            assert (
                storm(one, fuzzer.from_urls(settings.PUBLIC_SCHEMA_URLCONF, int(COUNT * share / 2), LEAVES), host) == []
            )
        described = document(settings.PUBLIC_SCHEMA_URLCONF)
        if described["paths"]:
            assert storm(one, fuzzer.from_openapi(described, int(COUNT * share / 3)), hosts[1]) == []


@pytest.mark.parametrize(
    "host",
    [
        "nobody.localhost",
        "",
        "localhost:99999",
        "[::1",
        "a" * 300,
        "acme.localhost.",
        "ACME.localhost",
        "xn--",
        "acme localhost",
        "acme.localhost,beta.localhost",
        "127.0.0.1",
        "é.localhost",
        "\x00",
        "../acme",
        "zz_tenant_template_zz.localhost",
    ],
)
def test_an_unknown_host_is_refused_politely(acme, host):
    for path in ("/", "/login/", "/api/v1/users/", "/chat/", "/widget.js", "/health", "/brand.css", "/static/x"):
        answer = Client(raise_request_exception=False).get(path, headers={"host": host})

        assert answer.status_code < 500
        assert not any(trace in answer.content for trace in TRACES if not answer.streaming)
