"""The two sockets of the counter, protocol `chat.v1`. The frames are described in the README.

A socket only hints: what it pushes was committed before, and what it loses the client asks for by its last number.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone

from chat.enums import Availability
from chat.errors import ConversationNotFound, CursorUnknown, VisitorTokenRefused
from chat.models import Conversation
from chat.queries import stream, thread, wire
from chat.services import contacts, conversations, journal, messages, presence, widget
from ops.kernel import errors
from ops.kernel.consumers import TenantConsumer
from ops.kernel.ids import uuid7
from tenants.accounts.errors import TokenRefused
from tenants.accounts.models import User
from tenants.accounts.services import sessions
from tenants.models import Tenant

log = logging.getLogger(__name__)

PROTOCOL = "chat.v1"
CLOSE_TOKEN, CLOSE_FORBIDDEN, CLOSE_TOO_FAST, CLOSE_PROTOCOL = 4001, 4003, 4029, 4400
HELLO_WITHIN_S = 10
HEARTBEAT_S = 20
MAX_FRAME_BYTES = 65_536
MAX_FOLLOWED = 200
MAX_REPLAY_PAGES = 4
# Frames a socket may send in ten seconds before it is told to slow down, and before it is closed.
FRAMES_PATIENCE, FRAMES_END, FRAMES_WINDOW_S = 120, 600, 10
MAX_NUMBER = 2**63 - 1

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class ChatConsumer(TenantConsumer):
    """What both sockets share: greeting, following conversations, heartbeat, refusals."""

    max_frame_bytes = MAX_FRAME_BYTES
    visitor_side = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = uuid7().hex
        self.greeted = False
        self.closing = False
        self.followed: set[UUID] = set()
        self.answering = ""
        self.background: list[asyncio.Task[None]] = []
        self.window = (0.0, 0)

    async def connect(self) -> None:
        if PROTOCOL not in self.scope.get("subprotocols", ()):
            await self.close(CLOSE_PROTOCOL)
            return
        await self.accept(PROTOCOL)
        self.background.append(asyncio.create_task(self._expect_hello()))

    async def disconnect(self, code: int) -> None:
        for task in self.background:
            task.cancel()
        if self.greeted:
            for group in self.groups_joined():
                await self.part(group)
            await self.leave()

    # The hot path: text goes through as it was encoded once, without the base class's detour per message.
    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "forward":
            await self.base_send({"type": "websocket.send", "text": message["text"]})
            return
        await super().dispatch(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closing:
            return
        self.answering = ""
        if await self._too_fast():
            return
        await super().receive(text_data, bytes_data)

    async def receive_frame(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        self.answering = kind if len(kind) <= 40 else ""
        if not self.greeted:
            if kind != "hello":
                await self.bye(CLOSE_TOKEN)
            elif self.tenant.is_public or not await self.in_tenant(self.counter_is_open):
                await self.bye(CLOSE_FORBIDDEN)
            else:
                await self.hello(frame)
            return
        handler = self.handlers().get(kind)
        if handler is None:
            raise errors.Invalid(field="type")
        await handler(frame)

    def nack(self, exc: BaseException, *, client_id: str | None) -> dict[str, Any]:
        answer = super().nack(exc, client_id=client_id)
        if self.answering == "msg.send":
            return {**answer, "type": "msg.nack", "client_id": client_id}
        return {**answer, "re": self.answering}

    async def bye(self, code: int) -> None:
        """Say why, and close."""
        self.closing = True
        await self.send_frame({"type": "bye", "code": code})
        await self.close(code)

    async def send_frame(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=wire.encode(frame))

    # --- What each socket says for itself ---

    def handlers(self) -> dict[str, Handler]:
        """Frames after the greeting."""
        return {
            "sub": self.on_sub,
            "unsub": self.on_unsub,
            "msg.send": self.on_send,
            "ping": self.on_ping,
            "read": self.on_read,
        }

    def groups_joined(self) -> list[str]:
        """Every group this socket follows."""
        return [self.follow_group(key) for key in self.followed]

    def follow_group(self, conversation_id: UUID) -> str:
        """The group of one conversation for this audience."""
        raise NotImplementedError

    async def hello(self, frame: dict[str, Any]) -> None:
        """Find out who it is, welcome them, and send what they missed."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Tell the others that this socket is gone."""
        raise NotImplementedError

    async def beat(self) -> dict[str, Any] | None:
        """The heartbeat's heads; nothing when the person may no longer be here."""
        raise NotImplementedError

    def may_follow(self, conversation_id: UUID) -> int | None:
        """Head of a conversation this person may see, else nothing. Runs in the tenant."""
        raise NotImplementedError

    async def on_send(self, frame: dict[str, Any]) -> None:
        """Store a message."""
        raise NotImplementedError

    async def on_read(self, frame: dict[str, Any]) -> None:
        """Move the read mark."""
        raise NotImplementedError

    def counter_is_open(self) -> bool:
        """A suspended customer's counter is closed. The handshake's tenant may be minutes old, so the row is asked."""
        return Tenant.objects.active().filter(pk=self.tenant.pk).exists()

    # --- Following a conversation ---

    async def on_sub(self, frame: dict[str, Any]) -> None:
        await self.follow(uuid_in(frame, "conversation"), number_in(frame, "after", optional=True))

    async def follow(self, key: UUID, after: int | None) -> None:
        """Join first and read then, so that nothing falls between; what comes twice has a number the client knows."""
        if len(self.followed) >= MAX_FOLLOWED and key not in self.followed:
            raise errors.Invalid(field="conversation")
        head = await self.in_tenant(self.may_follow, key)
        if head is None:
            raise ConversationNotFound(field="conversation")
        if key not in self.followed:
            await self.join(self.follow_group(key))
            self.followed.add(key)
        place = head if after is None else after
        if place > head:
            await self.send_frame({"type": "resync_required", "conversation": str(key)})
            place = head
        while place < head:
            try:
                missed = await self.in_tenant(thread.events_after, key, after=place, visitor=self.visitor_side)
            except CursorUnknown:
                await self.send_frame({"type": "resync_required", "conversation": str(key)})
                place = head
                break
            for event in missed:
                await self.send_frame(event)
                place = event["seq"]
            if not missed:
                break
        await self.send_frame({"type": "sub.ok", "conversation": str(key), "seq": place})

    async def on_unsub(self, frame: dict[str, Any]) -> None:
        key = uuid_in(frame, "conversation")
        if key in self.followed:
            self.followed.discard(key)
            await self.part(self.follow_group(key))

    async def follow_known(self, frame: dict[str, Any]) -> None:
        """The conversations a greeting names with their last numbers; what is no longer theirs is answered one by one."""
        known = frame.get("conversations", {})
        if not isinstance(known, dict) or len(known) > MAX_FOLLOWED:
            raise errors.Invalid(field="conversations")
        for key, after in known.items():
            entry = {"conversation": key, "after": after}
            try:
                await self.follow(uuid_in(entry, "conversation"), number_in(entry, "after", optional=True))
            except errors.DomainError as error:
                await self.send_frame({**self.nack(error, client_id=None), "conversation": str(key)[:40]})

    async def on_ping(self, frame: dict[str, Any]) -> None:
        await self.send_frame({"type": "pong"})

    async def tell(self, group: str, frame: dict[str, Any]) -> None:
        """Something that is true only now, to those who follow a group."""
        await self.channel_layer.group_send(self.group(group), journal.forward(frame))

    # --- Keeping the line ---

    async def _expect_hello(self) -> None:
        await asyncio.sleep(HELLO_WITHIN_S)
        if not self.greeted and not self.closing:
            await self.bye(CLOSE_TOKEN)

    async def keep_beating(self) -> None:
        """Send the heads every `HEARTBEAT_S`, spread so that sockets opened together do not ask together."""
        await asyncio.sleep(HEARTBEAT_S * random.uniform(0.5, 1))  # noqa: S311 — not a secret
        while True:
            try:
                heads = await self.beat()
            except Exception:
                # The line stays: without a database there is nothing to miss yet, and the next beat tries again.
                log.exception("A heartbeat failed", extra={"request_id": self.request_id})
            else:
                if heads is None:
                    await self.bye(CLOSE_FORBIDDEN)
                    return
                await self.send_frame({"type": "hb", **heads})
            await asyncio.sleep(HEARTBEAT_S)

    async def _too_fast(self) -> bool:
        began, count = self.window
        moment = time.monotonic()
        if moment - began >= FRAMES_WINDOW_S:
            began, count = moment, 0
        self.window = (began, count + 1)
        if count < FRAMES_PATIENCE:
            return False
        if count >= FRAMES_END:
            await self.bye(CLOSE_TOO_FAST)
        elif count == FRAMES_PATIENCE:
            retry_after = int(FRAMES_WINDOW_S - (moment - began)) + 1
            await self.send_frame(self.nack(errors.RateLimited(retry_after=retry_after), client_id=None))
        return True

    async def welcome(self, **more: Any) -> None:
        """The greeting's answer."""
        self.greeted = True
        self.background.append(asyncio.create_task(self.keep_beating()))
        await self.send_frame(
            {"type": "welcome", "session": self.session, "hb": HEARTBEAT_S, "server_time": timezone.now(), **more}
        )


class AgentConsumer(ChatConsumer):
    """`/ws/agent/`: everything that happens in the tenant's conversations."""

    user: User
    cursor: stream.Cursor
    may_reply = False

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "typing": self.on_typing,
            "viewing": self.on_viewing,
            "presence": self.on_presence,
        }

    def groups_joined(self) -> list[str]:
        return ["agents", *super().groups_joined()]

    def follow_group(self, conversation_id: UUID) -> str:
        return f"conv.{conversation_id}"

    async def hello(self, frame: dict[str, Any]) -> None:
        token = text_in(frame, "token", limit=4096, optional=True)
        cursor = text_in(frame, "cursor", limit=200, optional=True)
        try:
            user = await self.in_tenant(self._person, token)
        except TokenRefused:
            user = None
        if user is None:
            await self.bye(CLOSE_TOKEN)
            return
        if not await self.in_tenant(user.has_perm, "chat.view_conversation"):
            await self.bye(CLOSE_FORBIDDEN)
            return
        self.user = self.scope["user"] = user
        await self.join("agents")
        self.cursor, self.may_reply, states = await self.in_tenant(self._arrive)
        await self.welcome(epoch=self.cursor.epoch, cursor=str(self.cursor), me=wire.person(user), presence=states)
        if cursor:
            await self._replay(cursor)
        await self.follow_known(frame)

    def _person(self, token: str | None) -> User | None:
        if token:
            return sessions.person_behind(token, now=timezone.now())
        # The browser's session; the middleware has refused pages of other origins.
        user = self.scope.get("user")
        return user if isinstance(user, User) else None

    def _arrive(self) -> tuple[stream.Cursor, bool, dict[str, str]]:
        presence.agent_here(user=self.user, session=self.session)
        return stream.now(), self.user.has_perm("chat.reply_conversation"), presence.states()

    async def _replay(self, text: str) -> None:
        try:
            place = await self.in_tenant(stream.parse, text)
        except CursorUnknown:
            await self.send_frame({"type": "resync_required"})
            return
        for _ in range(MAX_REPLAY_PAGES):
            missed, place, more = await self.in_tenant(stream.after, place)
            for event in missed:
                await self.send_frame(event)
            if not more:
                return
        await self.send_frame({"type": "resync_required"})

    async def leave(self) -> None:
        await self.in_tenant(self._leave)

    def _leave(self) -> None:
        presence.view(conversation_id=None, user=self.user, session=self.session)
        presence.agent_gone(user=self.user, session=self.session)

    async def beat(self) -> dict[str, Any] | None:
        return await self.in_tenant(self._beat)

    def _beat(self) -> dict[str, Any] | None:
        user = User.objects.select_related("role").active().filter(pk=self.user.pk).first()
        if user is None or not user.has_perm("chat.view_conversation") or not self.counter_is_open():
            return None
        self.user, self.may_reply = user, user.has_perm("chat.reply_conversation")
        presence.agent_here(user=user, session=self.session)
        presence.still_viewing(user=user, session=self.session)
        # The place first: what commits between the two questions is then told twice, and never missed.
        place = stream.now()
        heads = stream.heads_after(self.cursor)
        self.cursor = place
        return {"heads": heads, "cursor": str(place)}

    def may_follow(self, conversation_id: UUID) -> int | None:
        rows = Conversation.objects.visible_to(self.user).filter(pk=conversation_id)
        return rows.values_list("last_seq", flat=True).first()

    def _refuse_readers(self) -> None:
        if not self.may_reply:
            raise errors.PermissionRefused()

    async def on_send(self, frame: dict[str, Any]) -> None:
        client_id = uuid_in(frame, "client_id")
        self._refuse_readers()
        sent = await self.in_tenant(
            messages.send,
            conversation_id=uuid_in(frame, "conversation"),
            by=self.user,
            body=text_in(frame, "body", limit=MAX_FRAME_BYTES) or "",
            client_id=client_id,
            private=flag_in(frame, "private"),
            reply_to=uuid_in(frame, "reply_to") if frame.get("reply_to") is not None else None,
        )
        await self.send_frame(acknowledge(client_id, sent))

    async def on_read(self, frame: dict[str, Any]) -> None:
        self._refuse_readers()
        key, seq = uuid_in(frame, "conversation"), number_in(frame, "seq")
        await self.in_tenant(conversations.mark_read, conversation_id=key, seq=seq)

    async def on_typing(self, frame: dict[str, Any]) -> None:
        self._refuse_readers()
        key = uuid_in(frame, "conversation")
        if key not in self.followed:
            raise ConversationNotFound(field="conversation")
        told = {
            "type": "typing",
            "conversation": str(key),
            "on": flag_in(frame, "on"),
            "by": wire.agent_author(self.user),
        }
        await self.tell(f"conv.{key}", told)
        if not flag_in(frame, "private"):
            await self.tell(f"pub.{key}", told)

    async def on_viewing(self, frame: dict[str, Any]) -> None:
        key = uuid_in(frame, "conversation") if frame.get("conversation") is not None else None
        if key is not None and key not in self.followed:
            raise ConversationNotFound(field="conversation")
        await self.in_tenant(presence.view, conversation_id=key, user=self.user, session=self.session)

    async def on_presence(self, frame: dict[str, Any]) -> None:
        state = text_in(frame, "state", limit=10)
        if state not in Availability.values:
            raise errors.Invalid(field="state")
        await self.in_tenant(presence.set_state, user=self.user, state=state)


class WidgetConsumer(ChatConsumer):
    """`/ws/widget/`: what a visitor may see of their own conversations."""

    visitor_side = True
    visitor: conversations.Visitor

    def handlers(self) -> dict[str, Handler]:
        return {**super().handlers(), "typing": self.on_typing, "ack": self.on_ack, "page": self.on_page}

    def groups_joined(self) -> list[str]:
        return ["visitors", *super().groups_joined()]

    def follow_group(self, conversation_id: UUID) -> str:
        return f"pub.{conversation_id}"

    async def hello(self, frame: dict[str, Any]) -> None:
        token = text_in(frame, "token", limit=4096, optional=True) or ""
        try:
            self.visitor = await self.in_tenant(widget.visitor_behind, token)
        except VisitorTokenRefused:
            await self.bye(CLOSE_TOKEN)
            return
        except errors.PermissionRefused:
            await self.bye(CLOSE_FORBIDDEN)
            return
        await self.join("visitors")
        epoch, online = await self.in_tenant(self._arrive)
        me = {"id": str(self.visitor.contact_id), "name": self.visitor.name}
        await self.welcome(epoch=epoch, me=me, presence={"online": online})
        await self.follow_known(frame)

    def _arrive(self) -> tuple[str, bool]:
        presence.visitor_here(contact_id=self.visitor.contact_id, session=self.session)
        contacts.see(contact_id=self.visitor.contact_id, now=timezone.now())
        return stream.epoch(), presence.anybody_there()

    async def leave(self) -> None:
        await self.in_tenant(presence.visitor_gone, contact_id=self.visitor.contact_id, session=self.session)

    async def beat(self) -> dict[str, Any] | None:
        return await self.in_tenant(self._beat)

    def _beat(self) -> dict[str, Any] | None:
        if not widget.is_welcome(self.visitor) or not self.counter_is_open():
            return None
        presence.visitor_here(contact_id=self.visitor.contact_id, session=self.session)
        return {"heads": thread.heads(list(self.followed), visitor=True)}

    def may_follow(self, conversation_id: UUID) -> int | None:
        rows = Conversation.objects.of_visitor(self.visitor.contact_inbox_id).filter(pk=conversation_id)
        return rows.values_list("last_pub_seq", flat=True).first()

    async def on_send(self, frame: dict[str, Any]) -> None:
        client_id = uuid_in(frame, "client_id")
        sent = await self.in_tenant(
            messages.send_from_visitor,
            conversation_id=uuid_in(frame, "conversation"),
            visitor=self.visitor,
            body=text_in(frame, "body", limit=MAX_FRAME_BYTES) or "",
            client_id=client_id,
            reply_to=uuid_in(frame, "reply_to") if frame.get("reply_to") is not None else None,
        )
        if sent.conversation_id not in self.followed:
            # An old thread was resolved too long ago: the message began a new one, which the browser does not know.
            await self.follow(sent.conversation_id, 0)
        await self.send_frame(acknowledge(client_id, sent))

    async def on_read(self, frame: dict[str, Any]) -> None:
        await self._mark(conversations.mark_read_by_visitor, frame)

    async def on_ack(self, frame: dict[str, Any]) -> None:
        await self._mark(conversations.mark_delivered, frame)

    async def _mark(self, verb: Callable[..., None], frame: dict[str, Any]) -> None:
        key, seq = uuid_in(frame, "conversation"), number_in(frame, "seq")
        await self.in_tenant(verb, conversation_id=key, visitor=self.visitor, pub_seq=seq)

    async def on_typing(self, frame: dict[str, Any]) -> None:
        key = uuid_in(frame, "conversation")
        if key not in self.followed:
            raise ConversationNotFound(field="conversation")
        by = {"kind": "contact", "id": str(self.visitor.contact_id), "name": self.visitor.name}
        await self.tell(
            f"conv.{key}", {"type": "typing", "conversation": str(key), "on": flag_in(frame, "on"), "by": by}
        )

    async def on_page(self, frame: dict[str, Any]) -> None:
        url = text_in(frame, "url", limit=2000) or ""
        page = {"url": url[:500], "title": (text_in(frame, "title", limit=2000, optional=True) or "")[:200]}
        if urlsplit(page["url"]).scheme not in {"http", "https"}:
            raise errors.Invalid(field="url")
        await self.in_tenant(self._on_page, page)

    def _on_page(self, page: dict[str, str]) -> None:
        contacts.see(contact_id=self.visitor.contact_id, now=timezone.now(), page=page)
        presence.visitor_on_page(contact_id=self.visitor.contact_id, page=page)


def acknowledge(client_id: UUID, sent: messages.Sent) -> dict[str, Any]:
    """The sender's receipt: the message is stored and this is its number."""
    return {
        "type": "msg.ack",
        "client_id": str(client_id),
        "id": str(sent.id),
        "conversation": str(sent.conversation_id),
        "seq": sent.seq,
        "created_at": sent.created_at,
    }


# --- Reading frames: the wrong type of anything is the client's mistake, never ours ---


def uuid_in(frame: dict[str, Any], field: str) -> UUID:
    """A UUID, as text."""
    value = frame.get(field)
    if isinstance(value, str) and len(value) <= 36:
        with contextlib.suppress(ValueError):
            return UUID(value)
    raise errors.Invalid(field=field)


def number_in(frame: dict[str, Any], field: str, *, optional: bool = False) -> Any:
    """A whole number that fits the database."""
    value = frame.get(field)
    if value is None and optional:
        return None
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise errors.Invalid(field=field)
    return value


def text_in(frame: dict[str, Any], field: str, *, limit: int, optional: bool = False) -> str | None:
    """A text of at most `limit` characters."""
    value = frame.get(field)
    if value is None and optional:
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise errors.Invalid(field=field)
    return value


def flag_in(frame: dict[str, Any], field: str) -> bool:
    """True or false; left out means false."""
    value = frame.get(field, False)
    if not isinstance(value, bool):
        raise errors.Invalid(field=field)
    return value
