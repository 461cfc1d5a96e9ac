"""The handshake of a socket: whose host, whose page, whose session."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.consumers import CLOSE_FORBIDDEN, CLOSE_UNKNOWN_TENANT
from ops.kernel.testing import PATIENCE_S, communicator
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import TenantStatus
from tenants.models import Tenant
from tenants.queries import hosts
from tenants.services import support
from tenants.sockets import TenantSocketMiddleware

pytestmark = pytest.mark.transactional


async def tell(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Accepts and says what the middleware found."""
    await receive()
    await send({"type": "websocket.accept"})
    user = scope["user"]
    text = f"{scope['tenant'].schema_name} {getattr(user, 'email', '') or 'nobody'}"
    await send({"type": "websocket.send", "text": text})


async def shake(**headers: str) -> Any:
    """The answer to a handshake: the text of `tell`, or the code it was closed with."""
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    socket = WebsocketCommunicator(TenantSocketMiddleware(tell), "/ws/any/", headers=sent)
    opened, code = await socket.connect(timeout=PATIENCE_S)
    answer = await socket.receive_from(timeout=PATIENCE_S) if opened else code
    await socket.disconnect(timeout=PATIENCE_S)
    return answer


def session_of(client: Any) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def test_a_person_is_known_on_their_own_host(acme, ana, client_of):
    cookie = session_of(await sync_to_async(client_of)(acme, user=ana))

    assert await shake(host="acme.localhost:8000", cookie=cookie) == "t_acme ana@acme.example"
    assert (
        await shake(host="acme.localhost", origin="http://acme.localhost", cookie=cookie) == "t_acme ana@acme.example"
    )


async def test_a_session_of_another_tenant_is_nobody(acme, beta, caio, client_of):
    cookie = session_of(await sync_to_async(client_of)(beta, user=caio))

    assert await shake(host="acme.localhost", cookie=cookie) == "t_acme nobody"
    assert await shake(host="beta.localhost", cookie=cookie) == "t_beta caio@beta.example"


@pytest.mark.parametrize(
    "cookie", ["", "session=", "session=nonsense", "a=b; session=x; ;;=", 'session="\\', "\xff\xfe"]
)
async def test_a_cookie_that_says_nothing_is_nobody(acme, cookie):
    assert await shake(host="acme.localhost", cookie=cookie) == "t_acme nobody"


@pytest.mark.parametrize("host", ["", "nobody.localhost", "[", "acme.localhost\x00", "x" * 3000])
async def test_a_host_nobody_has_is_closed(acme, host):
    assert await shake(host=host) == CLOSE_UNKNOWN_TENANT


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://beta.localhost",
        "null",
        "http://",
        "acme.localhost",
        "http://acme.localhost.evil.example",
        "http://[",
        "",
    ],
)
async def test_a_foreign_page_is_closed(acme, origin):
    assert await shake(host="acme.localhost", origin=origin) == CLOSE_FORBIDDEN


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (TenantStatus.SUSPENDED, "t_acme nobody"),
        (TenantStatus.PROVISIONING, CLOSE_UNKNOWN_TENANT),
        (TenantStatus.ARCHIVED, CLOSE_UNKNOWN_TENANT),
    ],
)
async def test_the_state_of_the_tenant_counts(acme, status, answer):
    await sync_to_async(Tenant.objects.filter(pk=acme.pk).update)(status=status)
    hosts.clear()

    assert await shake(host="acme.localhost") == answer


async def test_a_handshake_leaves_the_workers_connection_as_it_was(acme):
    before = await sync_to_async(lambda: connection.schema_name)()
    await shake(host="beta.localhost")

    assert await sync_to_async(lambda: connection.schema_name)() == before


# --- The console's page that waits for a customer ------------------------------------------------------

WAITING = "/ws/console/support/"


async def test_a_console_hears_that_its_own_request_was_answered(acme, ana, platform, client_of):
    def asked() -> Any:
        with schema_context("public"):
            people = [
                UserFactory(email=email, is_staff=True, is_superuser=True)
                for email in ("alice@x.example", "bruno@x.example")
            ]
            return people, [session_of(client_of(platform, user=one)) for one in people]

    (alice, _bruno), cookies = await sync_to_async(asked)()
    hers, his = (communicator(WAITING, host="localhost", headers={"cookie": cookie}) for cookie in cookies)
    for socket in (hers, his):
        assert (await socket.connect(timeout=PATIENCE_S))[0]

    def answered() -> None:
        with schema_context("public"):
            wanted = {"role": "agent", "reason": "The widget does not open", "minutes": 15}
            grant = support.request(tenant=acme, person=alice, now=timezone.now(), **wanted)
        with tenant_context(acme):
            support.answer(grant=grant, approve=True, by=ana, now=timezone.now())

    await sync_to_async(answered)()

    assert await hers.receive_json_from(timeout=PATIENCE_S) == {"type": "support.changed"}
    assert await his.receive_nothing()
    for socket in (hers, his):
        await socket.disconnect(timeout=PATIENCE_S)


async def test_strangers_and_customers_hear_nothing_there(acme, ana, client_of):
    cookie = session_of(await sync_to_async(client_of)(acme, user=ana))

    for host, headers, code in (("localhost", {}, 4401), ("acme.localhost", {"cookie": cookie}, CLOSE_FORBIDDEN)):
        socket = communicator(WAITING, host=host, headers=headers)
        assert await socket.connect(timeout=PATIENCE_S) == (False, code)
