"""Who may stay on the agents' socket, and with what: roles that change and programs with tokens."""

import asyncio
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import schema_context

from chat.services import catalogue
from chat.tests import sockets
from conftest import person
from tenants.accounts.services import roles, tokens, users
from tenants.accounts.tests.factories import UserFactory
from tenants.services import support

pytestmark = pytest.mark.transactional

LOOK, ANSWER = "chat.view_conversation", "chat.reply_conversation"


@pytest.fixture
def desk(acme, ana, client_of):
    """Dora, with a role of the tenant's own that answers, and her browser."""
    role = roles.create(name="Desk", codenames=[LOOK, ANSWER], by=ana, now=timezone.now())
    dora = person(acme, role.slug, email="dora@acme.example", name="Dora")
    return role, dora, client_of(acme, user=dora)


async def refusal(line, **frame):
    """Say it until it is refused: the push that tells the socket and the frame come on two ways.

    Not as fast as it can be said: whoever says more than is allowed hears nothing for a while.
    """
    async with asyncio.timeout(sockets.PATIENCE_S):
        while True:
            await line.say(**frame)
            answer = await line.next()
            if answer.get("code") == "permission_refused":
                return answer
            await asyncio.sleep(0.2)


async def test_a_role_that_loses_a_permission_loses_it_on_open_sockets(acme, ana, desk):
    role, _dora, browser = desk
    async with sockets.agent(acme, browser) as line:
        await sockets.inside(acme, roles.change, role_id=role.pk, codenames=[LOOK], by=ana, now=timezone.now())

        refused = await refusal(line, type="msg.send", client_id=str(uuid4()), conversation=str(uuid4()), body="x")
        await line.until_pong()

    assert refused["type"] == "msg.nack"


async def test_a_role_that_may_no_longer_look_closes_its_sockets(acme, ana, desk):
    role, _dora, browser = desk
    async with sockets.agent(acme, browser) as line:
        await sockets.inside(acme, roles.change, role_id=role.pk, codenames=[], by=ana, now=timezone.now())

        assert await line.closed() == 4003


async def test_deleting_a_role_moves_its_people_on_their_open_sockets(acme, ana, desk):
    role, _dora, browser = desk
    async with sockets.agent(acme, browser) as line:
        await sockets.inside(acme, roles.delete, role_id=role.pk, move_to="billing", by=ana, now=timezone.now())

        assert await line.closed() == 4003


async def test_a_program_listens_with_a_token_until_it_is_revoked(acme, ana, desk):
    _role, dora, _browser = desk
    await sockets.inside(acme, users.set_role, user=dora, role="agent", by=ana, now=timezone.now())
    token, plain = await sockets.inside(
        acme,
        tokens.create_personal,
        user=await sockets.inside(acme, type(dora).objects.select_related("role").get, pk=dora.pk),
        name="Wallboard",
        scope_names=["conversations:read"],
        days=1,
        now=timezone.now(),
    )
    async with sockets.line("/ws/agent/", acme, token=plain) as line:
        # The token only looks, whatever its person may; and its person is not there because a program is.
        assert line.heard[0]["presence"] == {}
        await refusal(line, type="msg.send", client_id=str(uuid4()), conversation=str(uuid4()), body="x")
        await sockets.inside(acme, tokens.revoke, token_id=token.pk, by=ana, now=timezone.now())

        assert await line.closed() == 4001


async def test_a_heartbeat_keeps_what_a_token_may_and_ends_it_with_the_token(acme, ana, desk, monkeypatch):
    monkeypatch.setattr("chat.consumers.pulse.HEARTBEAT_S", 0.2)
    owner = await sockets.inside(acme, type(ana).objects.select_related("role").get, pk=ana.pk)
    token, plain = await sockets.inside(
        acme,
        tokens.create_personal,
        user=owner,
        name="Wallboard",
        scope_names=["conversations:read"],
        days=1,
        now=timezone.now(),
    )
    async with sockets.line("/ws/agent/", acme, token=plain) as line:
        await line.hear("hb")
        await line.hear("hb")
        await refusal(line, type="msg.send", client_id=str(uuid4()), conversation=str(uuid4()), body="x")
        await sockets.inside(acme, type(token).objects.filter(pk=token.pk).update, expires_at=timezone.now())

        assert await line.closed() == 4001


@pytest.mark.parametrize(("kind", "code"), [("service", 4003), ("blind", 4003), ("foreign", 4001)])
async def test_sockets_are_for_people_who_may_look_here(acme, beta, ana, caio, desk, kind, code):
    owner = await sockets.inside(acme, type(ana).objects.select_related("role").get, pk=ana.pk)
    stranger = await sockets.inside(beta, type(caio).objects.select_related("role").get, pk=caio.pk)
    common = {"name": "Wallboard", "days": 1, "now": timezone.now()}
    if kind == "service":
        made = await sockets.inside(acme, tokens.create_service, by=owner, role="agent", scope_names=["all"], **common)
    elif kind == "blind":
        made = await sockets.inside(acme, tokens.create_personal, user=owner, scope_names=["articles:read"], **common)
    else:
        made = await sockets.inside(beta, tokens.create_personal, user=stranger, scope_names=["all"], **common)

    async with sockets.line("/ws/agent/", acme, greet=False) as line:
        await line.say(type="hello", token=made[1])
        assert await line.closed() == code


@pytest.fixture
def rosa(platform):
    """Of the platform's support."""
    with schema_context("public"):
        return UserFactory(email="rosa@balcao.example", name="Rosa Prado", is_staff=True, is_superuser=True)


@pytest.fixture
def browser_of_ana(acme, ana, client_of):
    return client_of(acme, user=ana)


async def test_owners_and_nobody_else_hear_at_once_that_support_asks(acme, desk, rosa, browser_of_ana):
    _role, _dora, browser = desk
    async with sockets.agent(acme, browser_of_ana) as hers, sockets.agent(acme, browser) as other:
        wanted = {"role": "agent", "reason": "The widget does not open", "minutes": 15}
        await sockets.inside(acme, partial(support.request, tenant=acme, person=rosa, now=timezone.now(), **wanted))

        told = await hers.hear("support_request")
        # What the colleague would have been sent went out before the answer to this.
        await sockets.inside(acme, catalogue.changed, "labels")
        await other.hear("catalogue")

    assert "Rosa Prado" in told["text"]
    assert told["url"] == "/settings/support-access/"
    assert not [frame for frame in other.heard if frame["type"] == "support_request"]
