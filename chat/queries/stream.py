"""An agent's place in the events of the whole tenant.

Ids of concurrent transactions become visible out of order, so a plain "id after n" loses events. The cursor is
`epoch.xid.id`, and it never moves past the oldest transaction that is still running. What is visible beyond it is told
at once all the same, and told again by the next reading: a client knows it by its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from chat.errors import CursorUnknown
from chat.models import ChatEvent
from chat.queries import thread, wire

PAGE = 500
# Events are kept this long; who comes back later loads everything again.
KEPT_FOR = timedelta(days=90)

AFTER = """
SELECT e.id, e.xid < pg_snapshot_xmin(pg_current_snapshot()) FROM chat_chatevent e
WHERE (e.xid, e.id) > (%s::text::xid8, %s)
ORDER BY e.xid, e.id LIMIT %s
"""
HEADS = """
SELECT e.conversation_id, max(e.seq) FROM chat_chatevent e
WHERE (e.xid, e.id) > (%s::text::xid8, %s)
GROUP BY e.conversation_id LIMIT 1000
"""
# The cluster and the table: a restore makes another table, and transaction ids mean nothing in another cluster.
EPOCH = "SELECT system_identifier, 'chat_chatevent'::regclass::oid::bigint FROM pg_control_system()"
NOW = EPOCH.replace("SELECT", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1,", 1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place: everything up to it was seen."""

    epoch: str
    xid: int
    id: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.xid}.{self.id}"


def epoch() -> str:
    """Names this history; another one after a restore or a move."""
    with connection.cursor() as sql:
        sql.execute(EPOCH)
        return _epoch(*sql.fetchone())


def _epoch(cluster: int, table: int) -> str:
    return f"{int(cluster):x}-{table:x}"


def now() -> Cursor:
    """The place up to which everything is final."""
    with connection.cursor() as sql:
        sql.execute(NOW)
        xid, cluster, table = sql.fetchone()
    return Cursor(epoch=_epoch(cluster, table), xid=int(xid), id=2**62)


def parse(text: str) -> Cursor:
    """A cursor a client came back with. Raises `CursorUnknown` when it is not one of this history."""
    parts = text.split(".")
    if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit() and parts[2].isascii() and parts[2].isdigit()):
        raise CursorUnknown()
    found = Cursor(epoch=parts[0], xid=int(parts[1]), id=int(parts[2]))
    if found.epoch != epoch() or found.xid >= 2**63 or found.id >= 2**63:
        raise CursorUnknown()
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """What happened after a place, as it is sent; the place to ask from next; whether there is more to ask for now."""

    frames: list[str]
    place: str
    more: bool


def pages_after(places: Sequence[str]) -> list[Page | CursorUnknown]:
    """A page for each of these cursors, read and written out once for all who came with the same; or why there is none."""
    found: dict[str, Page | CursorUnknown] = {}
    for text in places:
        if text not in found:
            found[text] = _page_after(text)
    return [found[text] for text in places]


def _page_after(text: str) -> Page | CursorUnknown:
    try:
        cursor = parse(text)
        rows, _, more = _read(cursor, PAGE)
    except CursorUnknown as error:
        return error
    # Only for reading on: the place a client remembers comes with the heartbeat and stays before what is not final.
    place = Cursor(cursor.epoch, rows[-1].xid, rows[-1].pk) if rows else cursor
    return Page([wire.encode(frame) for frame in thread.frames(_by_seq(rows), visitor=False)], str(place), more)


def after(cursor: Cursor, *, limit: int = PAGE) -> tuple[list[dict[str, Any]], Cursor, bool]:
    """Frames after a place, the place to ask from next time, and whether there is more to ask for now.

    Raises `CursorUnknown` for a place older than what is kept.

    Within a conversation the order is that of `seq`. Transaction ids follow it, except when a transaction began before
    another one and got the conversation's lock after it, so each conversation's frames are put in order.
    """
    rows, finals, more = _read(cursor, limit)
    final = [row for row, is_final in zip(rows, finals, strict=True) if is_final]
    place = Cursor(cursor.epoch, final[-1].xid, final[-1].pk) if final else cursor
    # Without a final row the place stands still: asking again at once would give the same.
    return thread.frames(_by_seq(rows), visitor=False), place, more and bool(final)


def _read(cursor: Cursor, limit: int) -> tuple[list[ChatEvent], list[bool], bool]:
    """Rows after a place, which of them are final, and whether there are more."""
    with connection.cursor() as sql:
        sql.execute(AFTER, [str(cursor.xid), cursor.id, limit + 1])
        found = sql.fetchall()
    page = found[:limit]
    keys = [key for key, _ in page]
    people = ("message__author_agent__agent_profile", "message__author_contact", "message__author_bot")
    found_rows = ChatEvent.objects.filter(pk__in=keys).select_related(*people).prefetch_related("message__attachments")
    rows = {row.pk: row for row in found_rows}
    ordered = [rows[key] for key in keys]
    if ordered and ordered[0].created_at < timezone.now() - KEPT_FOR:
        # Older entries are forgotten but for the last of them, so who stands before it may have missed some.
        raise CursorUnknown()
    return ordered, [is_final for _, is_final in page], len(found) > limit


def _by_seq(rows: list[ChatEvent]) -> list[ChatEvent]:
    """Keep the places of each conversation in the list and fill them in the order of `seq`."""
    waiting: dict[Any, list[ChatEvent]] = {}
    for row in rows:
        waiting.setdefault(row.conversation_id, []).append(row)
    queues = {key: iter(sorted(found, key=lambda row: row.seq)) for key, found in waiting.items()}
    return [next(queues[row.conversation_id]) for row in rows]


def heads_after(cursor: Cursor) -> dict[str, int]:
    """The newest seq of every conversation in which something happened since."""
    with connection.cursor() as sql:
        sql.execute(HEADS, [str(cursor.xid), cursor.id])
        return {str(key): seq for key, seq in sql.fetchall()}
