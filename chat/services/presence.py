"""Who is there right now. Sockets are kept in Redis alone: that is true for a minute and then forgotten.

One sorted set per kind and tenant holds a member a socket, scored by when it expires, so several tabs of a person
count once and a killed process leaves nobody behind. What agents say about themselves stands in their profiles.
"""

import functools
import json
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import redis
from django.db import connection, transaction
from redis.commands.core import Script

from chat.enums import Availability
from chat.events import AgentAvailable
from chat.models import AgentProfile
from chat.queries import wire
from chat.services import journal
from ops.kernel import live
from ops.kernel.outbox import services as outbox
from ops.kernel.redis import client

log = logging.getLogger(__name__)

TTL_S = 60
VIEWING_TTL_S = 14 * 24 * 3600
# Sockets that Redis looks at before it may do something else.
AT_ONCE = 500

# KEYS: the set of everybody of a kind; beside it one set a person, so that whether somebody was here is no question
# about a thousand others. ARGV: now, when it expires, how long sets are kept, then pairs of who and session.
# Both scripts answer a number for each pair: 1 when nobody of this person was here before, or is here after.
KEEP = """
local now, found = ARGV[1], {}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 4, #ARGV, 2 do
    local own = KEYS[1] .. '.' .. ARGV[i]
    redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
    found[#found + 1] = redis.call('EXISTS', own) == 0 and 1 or 0
    redis.call('ZADD', own, ARGV[2], ARGV[i + 1])
    redis.call('EXPIRE', own, ARGV[3])
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[i] .. '|' .. ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return found
"""
DROP = """
local now, found = ARGV[1], {}
for i = 4, #ARGV, 2 do
    local own = KEYS[1] .. '.' .. ARGV[i]
    redis.call('ZREM', KEYS[1], ARGV[i] .. '|' .. ARGV[i + 1])
    redis.call('ZREM', own, ARGV[i + 1])
    redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
    found[#found + 1] = redis.call('EXISTS', own) == 0 and 1 or 0
end
return found
"""


def agent_here(*, user: Any, session: str) -> None:
    """An agent's socket is open; `still_here` keeps it. Tells the team when the person came."""
    if _keep("agents", [(str(user.pk), session)]):
        _came(user)


def agent_gone(*, user: Any, session: str) -> None:
    """An agent's socket closed. Tells the team when it was the last one."""
    if _drop("agents", [(str(user.pk), session)]):
        tell_agent(user)


@transaction.atomic
def _came(user: Any) -> None:
    outbox.publish(AgentAvailable(user_id=str(user.pk)))
    tell_agent(user)


@transaction.atomic
def set_state(*, user: Any, state: str) -> None:
    """What an agent says about being there; it stays until they say something else. Raises `ValueError` for no state."""
    wanted = Availability(state)
    profile, made = AgentProfile.objects.select_for_update().get_or_create(user=user, defaults={"availability": wanted})
    before = None if made else profile.availability
    if before != wanted:
        AgentProfile.objects.filter(pk=profile.pk).update(availability=wanted)
        if wanted == Availability.ONLINE:
            outbox.publish(AgentAvailable(user_id=str(user.pk)))
    transaction.on_commit(lambda: tell_agent(user))


def states() -> dict[str, str]:
    """State of every agent who has a socket open, or stays on duty without one; the others are offline."""
    try:
        here = _members("agents")
    except redis.RedisError as error:
        log.warning("Presence not read: %s", error)
        here = set()
    rows = AgentProfile.objects.filter(user__is_active=True).values_list("user_id", "availability", "auto_offline")
    said = {str(user): (state, auto_offline) for user, state, auto_offline in rows}
    found = {user: said[user][0] if user in said else Availability.ONLINE.value for user in here}
    for user, (state, auto_offline) in said.items():
        if not auto_offline and state != Availability.OFFLINE:
            found[user] = state
    return found


def anybody_there() -> bool:
    """Whether a visitor can expect an answer now."""
    return Availability.ONLINE.value in states().values()


def visitors_came(arrived: Sequence[tuple[UUID, str]]) -> None:
    """Sockets of visitors are open, as pairs of contact and session. Tells the team who was not here before."""
    for who in _keep("visitors", [(str(contact), session) for contact, session in arrived]):
        _tell_visitor(who, online=True, page=None)


def visitor_on_page(*, contact_id: UUID, page: dict[str, str]) -> None:
    """Tell the team where a visitor is."""
    _tell_visitor(str(contact_id), online=True, page=page)


def visitors_left(gone: Sequence[tuple[UUID, str]]) -> None:
    """Sockets of visitors closed, as pairs of contact and session. Tells the team whose last one it was."""
    for who in _drop("visitors", [(str(contact), session) for contact, session in gone]):
        _tell_visitor(who, online=False, page=None)


def visitors_here(contact_ids: Iterable[UUID]) -> set[str]:
    """Which of these contacts have the widget open."""
    try:
        here = _members("visitors")
    except redis.RedisError as error:
        log.warning("Presence not read: %s", error)
        return set()
    return {str(key) for key in contact_ids} & here


def all_visitors() -> set[str]:
    """Every contact who has the widget open now."""
    try:
        return _members("visitors")
    except redis.RedisError as error:
        log.warning("Presence not read: %s", error)
        return set()


def view(*, conversation_id: UUID | None, user: Any, session: str) -> None:
    """An agent's socket looks at this conversation, or at none any more; the team is told."""
    try:
        seen = client().hget(_key("viewing"), session)
        before = UUID(_text(seen)) if seen else None
        if before is not None and before != conversation_id:
            client().hdel(_key("viewing"), session)
            client().hdel(_key(f"viewers.{before}"), session)
            _tell_viewers(before)
        if conversation_id is not None:
            client().hset(_key("viewing"), session, str(conversation_id))
            client().expire(_key("viewing"), VIEWING_TTL_S)
            still_viewing([(user, session)])
            if before != conversation_id:
                _tell_viewers(conversation_id)
    except redis.RedisError as error:
        log.warning("Viewers not kept: %s", error)


def still_viewing(people: Sequence[tuple[Any, str]]) -> None:
    """These sockets are still there and look at what they looked at; called with every heartbeat."""
    if not people:
        return
    try:
        seen = client().hmget(_key("viewing"), [session for _, session in people])
        with client().pipeline(transaction=False) as together:
            for (user, session), conversation in zip(people, seen, strict=True):
                if conversation:
                    key = _key(f"viewers.{_text(conversation)}")
                    told = wire.person(user) or {}
                    entry = [time.time() + TTL_S, str(user.pk), told.get("name", ""), told.get("avatar", "")]
                    together.hset(key, session, json.dumps(entry))
                    together.expire(key, TTL_S)
            together.execute()
    except redis.RedisError as error:
        log.warning("Viewers not kept: %s", error)


def viewers(conversation_id: UUID) -> list[dict[str, str]]:
    """Agents who have this conversation open, each once."""
    try:
        rows = [json.loads(row) for row in client().hvals(_key(f"viewers.{conversation_id}"))]
    except redis.RedisError as error:
        log.warning("Viewers not read: %s", error)
        return []
    here = {key: (name, face) for until, key, name, face in rows if until > time.time()}
    return [
        {"id": key, "name": name, **({"avatar": face} if face else {})} for key, (name, face) in sorted(here.items())
    ]


def agent_types(*, conversation_id: UUID, user: Any, on: bool, private: bool = False) -> None:
    """Show that an agent writes: to the visitor too, unless it is a private note."""
    author = wire.agent_author(wire.with_alias(user))
    told = {"type": "typing", "conversation": str(conversation_id), "on": on, "by": author}
    live.publish(live.group(f"conv.{conversation_id}"), journal.forward(told))
    if not private:
        live.publish(live.group(f"pub.{conversation_id}"), journal.forward(wire.for_visitor(told)))


def _tell_viewers(conversation_id: UUID) -> None:
    frame = {"type": "viewers", "conversation": str(conversation_id), "users": viewers(conversation_id)}
    live.publish(live.group("agents"), journal.forward(frame))


def tell_agent(user: Any) -> None:
    """Tell the team, and visitors whether anybody is there at all."""
    now = states()
    state = now.get(str(user.pk), Availability.OFFLINE.value)
    live.publish(live.group("agents"), journal.forward({"type": "presence", "user": wire.person(user), "state": state}))
    online = Availability.ONLINE.value in now.values()
    live.publish(live.group("visitors"), journal.forward({"type": "presence", "online": online}))


def _tell_visitor(contact_id: str, *, online: bool, page: dict[str, str] | None) -> None:
    frame = {"type": "visitor", "contact": contact_id, "online": online, "page": page}
    live.publish(live.group("agents"), journal.forward(frame))


def _key(kind: str) -> str:
    return f"chat:{connection.schema_name}:{kind}"


def _text(value: Any) -> str:
    """What Redis gives as bytes."""
    return str(value.decode())


def _members(kind: str) -> set[str]:
    rows = client().zrangebyscore(_key(kind), time.time(), "+inf")
    return {_text(row).split("|", 1)[0] for row in rows}


def still_here(kind: str, members: Sequence[tuple[str, str]]) -> None:
    """These sockets, as pairs of who and session, are still open; called with every heartbeat."""
    _keep(kind, members)


def _keep(kind: str, members: Sequence[tuple[str, str]]) -> list[str]:
    """Remember these sockets for a minute; gives those who were not here before."""
    return _run(KEEP, kind, members)


def _drop(kind: str, members: Sequence[tuple[str, str]]) -> list[str]:
    """Forget these sockets; gives those who are not here any more."""
    return _run(DROP, kind, members)


def _run(script: str, kind: str, members: Sequence[tuple[str, str]]) -> list[str]:
    now, found = time.time(), []
    try:
        for start in range(0, len(members), AT_ONCE):
            values = [value for pair in members[start : start + AT_ONCE] for value in pair]
            found += _script(script)(keys=[_key(kind)], args=[now, now + TTL_S, TTL_S, *values], client=client())
    except redis.RedisError as error:
        log.warning("Presence not kept: %s", error)
    return [who for (who, _), first in zip(members, found, strict=False) if first]


@functools.cache
def _script(text: str) -> Script:
    return client().register_script(text)
