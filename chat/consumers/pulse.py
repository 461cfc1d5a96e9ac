"""One heartbeat for all sockets of a tenant in this process.

A beat tells every client where its conversations stand, so that a lost push is noticed; it keeps presence alive and
shows those out who may no longer be here. Asked once for all of them, a thousand idle sockets cost a few queries.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.utils import timezone

from chat.queries import stream, thread, wire
from chat.services import arrivals, presence, widget
from tenants.accounts.models import ApiToken, User
from tenants.accounts.services import sessions, tokens

log = logging.getLogger(__name__)

HEARTBEAT_S = 20
# Sockets that are served before the loop may look at something else.
AT_ONCE = 50
CLOSE_TOKEN, CLOSE_FORBIDDEN = 4001, 4003
VIEW = "chat.view_conversation"


class Socket(Protocol):
    """What the heartbeat needs of a socket."""

    session: str
    visitor_side: bool
    followed: set[UUID]
    tenant: Any
    in_tenant: Callable[..., Any]

    outgoing: Any

    async def bye(self, code: int) -> None:
        """Say why, and close."""


class Pulse:
    """The sockets of one tenant, and the task that beats for them."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        self.sockets: dict[str, Any] = {}
        self.place: stream.Cursor | None = None
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        # Processes that started together do not ask together.
        await asyncio.sleep(HEARTBEAT_S * random.uniform(0.5, 1))  # noqa: S311 — not a secret
        while True:
            try:
                await self._beat()
            except Exception:
                # The lines stay: the next beat tries again, and clients notice a long silence themselves.
                log.exception("A heartbeat failed", extra={"tenant": self.tenant.schema_name})
            await asyncio.sleep(HEARTBEAT_S)

    async def _beat(self) -> None:
        sockets = list(self.sockets.values())
        if not sockets:
            return
        agents = [socket for socket in sockets if not socket.visitor_side]
        visitors = [socket for socket in sockets if socket.visitor_side]
        told = await sockets[0].in_tenant(self._ask, agents, visitors)
        for position, socket in enumerate(sockets):
            text = told.get(socket.session, CLOSE_FORBIDDEN)
            try:
                if isinstance(text, int):
                    await socket.bye(text)
                else:
                    socket.outgoing.push(text)
            except Exception:
                log.exception("A socket did not take its heartbeat", extra={"tenant": self.tenant.schema_name})
            if position % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)

    def _ask(self, agents: list[Any], visitors: list[Any]) -> dict[str, str | int]:
        """The heartbeat's text by session, or the code it is closed with; without either it may no longer be here."""
        if not arrivals.counter_is_open(self.tenant):
            return {}
        return {**self._ask_for_agents(agents), **_ask_for_visitors(visitors)}

    def _ask_for_agents(self, sockets: list[Any]) -> dict[str, str | int]:
        # The place first: what commits between the two questions is then told twice, and never missed.
        place, before = stream.now(), self.place
        heads = stream.heads_after(before) if before is not None and sockets else {}
        self.place = place
        if not sockets:
            return {}
        programs = [socket for socket in sockets if socket.user.token is not None]
        persons = [socket for socket in sockets if socket.user.token is None]
        logins = _logins(persons)
        over = {socket.session: CLOSE_TOKEN for socket in persons if socket.login not in logins}
        people = _people({socket.user.pk for socket in persons})
        present = [
            (people[socket.user.pk], socket)
            for socket in persons
            if socket.user.pk in people and socket.session not in over
        ]
        presence.still_here("agents", [(str(user.pk), socket.session) for (user, _), socket in present])
        presence.still_viewing([(user, socket.session) for (user, _), socket in present])
        live = tokens.still_live({socket.login for socket in programs}, now=timezone.now())
        over |= {socket.session: CLOSE_TOKEN for socket in programs if socket.login not in live}
        here = present + [
            (known, socket)
            for socket in programs
            if socket.login in live and (known := _behind(live[socket.login])) is not None
        ]
        for (user, held), socket in here:
            socket.user, socket.held = user, held
        text = wire.encode({"type": "hb", "heads": heads, "cursor": str(place)})
        return {**over, **{socket.session: text for _, socket in here}}


def _logins(sockets: list[Any]) -> set[UUID | str]:
    """Logins of these sockets that have not ended."""
    return sessions.still_open(
        api={socket.login for socket in sockets if isinstance(socket.login, UUID)},
        browser={socket.login for socket in sockets if isinstance(socket.login, str)},
        now=timezone.now(),
    )


def _people(keys: set[UUID]) -> dict[UUID, tuple[User, frozenset[str]]]:
    """Who of them may still see conversations, and what else they may; asked once a role."""
    rights: dict[tuple[UUID | None, bool], frozenset[str]] = {}
    found = {}
    for user in User.objects.active().filter(pk__in=keys).select_related("role", "agent_profile"):
        kind = (user.role_id, user.is_support)
        if kind not in rights:
            rights[kind] = frozenset(user.get_all_permissions())
        if VIEW in rights[kind]:
            found[user.pk] = (user, rights[kind])
    return found


def _behind(token: ApiToken) -> tuple[User, frozenset[str]] | None:
    """Whom a token acts as and what it may; nothing when it may no longer see conversations."""
    user = tokens.acting(token)
    held = frozenset(user.get_all_permissions()) if user is not None else frozenset()
    return (wire.with_alias(user), held) if user is not None and VIEW in held else None


def _ask_for_visitors(sockets: list[Any]) -> dict[str, str | int]:
    if not sockets:
        return {}
    welcome = widget.welcome_among([socket.visitor.contact_inbox_id for socket in sockets])
    here = [socket for socket in sockets if socket.visitor.contact_inbox_id in welcome]
    heads = thread.heads({key for socket in here for key in socket.followed}, visitor=True)
    presence.still_here("visitors", [(str(socket.visitor.contact_id), socket.session) for socket in here])
    return {
        socket.session: wire.encode(
            {"type": "hb", "heads": {str(key): heads[str(key)] for key in socket.followed if str(key) in heads}}
        )
        for socket in here
    }


_pulses: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Pulse]] = WeakKeyDictionary()


def join(socket: Any, *, place: stream.Cursor | None = None) -> None:
    """Let the tenant's heartbeat reach this socket, which knows everything up to `place`."""
    here = _pulses.setdefault(asyncio.get_running_loop(), {})
    pulse = here.get(socket.tenant.schema_name)
    if pulse is None:
        pulse = here[socket.tenant.schema_name] = Pulse(socket.tenant)
    pulse.sockets[socket.session] = socket
    pulse.place = pulse.place or place


def part(socket: Any) -> None:
    """The socket is gone; with the last one the heartbeat ends."""
    here = _pulses.get(asyncio.get_running_loop(), {})
    pulse = here.get(socket.tenant.schema_name)
    if pulse is None:
        return
    pulse.sockets.pop(socket.session, None)
    if not pulse.sockets:
        pulse.task.cancel()
        del here[socket.tenant.schema_name]
