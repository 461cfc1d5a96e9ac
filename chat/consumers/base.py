"""What both sockets of the counter share, protocol `chat.v1`. The frames are described in the app's README.

A socket only hints: what it pushes was committed before, and what it loses the client asks for by its last number.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.consumers import pulse, restart
from chat.consumers.frames import number_in, uuid_in
from chat.errors import ConversationNotFound, CursorUnknown
from chat.queries import stream, thread, wire
from chat.services import conversations, hot, journal, messages
from ops.kernel import errors
from ops.kernel.consumers import TenantConsumer
from ops.kernel.ids import uuid7
from ops.kernel.together import Together

PROTOCOL = "chat.v1"
CLOSE_TOKEN, CLOSE_FORBIDDEN, CLOSE_TOO_FAST, CLOSE_PROTOCOL = 4001, 4003, 4029, 4400
HELLO_WITHIN_S = 10
MAX_FRAME_BYTES = 65_536
MAX_FOLLOWED = 200
MAX_REPLAYED = 1000
# Frames a socket may send in ten seconds before it is told to slow down, and before it is closed.
FRAMES_PATIENCE, FRAMES_END, FRAMES_WINDOW_S = 120, 600, 10

Handler = Callable[[dict[str, Any]], Awaitable[None]]

HEADS = Together[hot.Standing, dict[UUID, int]](lambda socket, asked: hot.heads(socket.tenant.schema_name, asked))


class ChatConsumer(TenantConsumer):
    """What both sockets share: greeting, following conversations, heartbeat, refusals."""

    max_frame_bytes = MAX_FRAME_BYTES
    visitor_side = False
    # What each frame after the greeting asks for, as views of the API say it; `None`: nothing beyond being here.
    required_permissions: Mapping[str, str | None] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session = uuid7().hex
        self.greeted = False
        self.closing = False
        self.followed: set[UUID] = set()
        self.patience: asyncio.TimerHandle | None = None
        self.window = (0.0, 0)

    async def connect(self) -> None:
        if PROTOCOL not in self.scope.get("subprotocols", ()):
            await self.close(CLOSE_PROTOCOL)
            return
        await self.accept(PROTOCOL)
        restart.watch(self)
        self.patience = asyncio.get_running_loop().call_later(HELLO_WITHIN_S, self._out_of_patience)

    async def disconnect(self, code: int) -> None:
        if self.patience is not None:
            self.patience.cancel()
        pulse.part(self)
        if self.greeted:
            for group in self.groups_joined():
                await self.part(group)
            await self.leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closing:
            return
        # What is too much is refused unread: it answers no frame.
        self.answering = ""
        if await self._too_fast():
            return
        await super().receive(text_data, bytes_data)

    async def receive_frame(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if not self.greeted:
            if kind != "hello":
                await self.bye(CLOSE_TOKEN)
            elif self.tenant.is_public:
                await self.bye(CLOSE_FORBIDDEN)
            else:
                with self.outgoing.held():
                    await self.hello(frame)
            return
        handler = self.handlers().get(kind)
        if handler is None:
            raise errors.Invalid(field="type")
        # A frame that no permission is named for is refused: forgetting one must not open it.
        if kind not in self.required_permissions or not self.may(self.required_permissions[kind]):
            raise errors.PermissionRefused()
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

    def may(self, permission: str | None) -> bool:
        """Whether who speaks on this socket may do this, as known now."""
        return permission is None

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

    def in_numbers_of(self) -> conversations.Visitor | None:
        """The visitor whose conversations and numbers count here; nothing for the team, who may see them all."""
        raise NotImplementedError

    async def on_send(self, frame: dict[str, Any]) -> None:
        """Store a message."""
        raise NotImplementedError

    async def on_read(self, frame: dict[str, Any]) -> None:
        """Move the read mark."""
        raise NotImplementedError

    # --- Following a conversation ---

    async def on_sub(self, frame: dict[str, Any]) -> None:
        with self.outgoing.held():
            await self.follow(uuid_in(frame, "conversation"), number_in(frame, "after", optional=True))

    async def follow(self, key: UUID, after: int | None) -> None:
        """Be told what happens in a conversation, after what happened since `after`. Raises `ConversationNotFound`."""
        if len(self.followed) >= MAX_FOLLOWED and key not in self.followed:
            raise errors.Invalid(field="conversation")
        if not await self.heads({key}):
            raise ConversationNotFound(field="conversation")
        await self._follow({key: after})

    async def heads(self, keys: Collection[UUID]) -> dict[UUID, int]:
        """Where conversations stand, of those that who speaks here may see."""
        return await HEADS.ask(self, hot.Standing(frozenset(keys), self.in_numbers_of()))

    async def _follow(self, wanted: Mapping[UUID, int | None]) -> None:
        """Join first and read then, so that nothing falls between; what comes twice has a number the client knows."""
        for key in wanted.keys() - self.followed:
            await self.join(self.follow_group(key))
            self.followed.add(key)
        heads = await self.heads(wanted)
        for key, after in wanted.items():
            if key in heads:
                await self._catch_up(key, heads[key], after)

    async def _catch_up(self, key: UUID, head: int, after: int | None) -> None:
        place = head if after is None else after
        if place > head:
            await self.send_frame({"type": "resync_required", "conversation": str(key)})
            place = head
        if head - place > MAX_REPLAYED:
            # Pages of the API carry so much better than a socket that others wait behind.
            await self.send_frame({"type": "gap", "conversation": str(key), "from": place + 1, "to": head})
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
        wanted: dict[UUID, int | None] = {}
        for key, after in known.items():
            entry = {"conversation": key, "after": after}
            try:
                wanted[uuid_in(entry, "conversation")] = number_in(entry, "after", optional=True)
            except errors.DomainError as error:
                await self._not_followed(key, error)
        mine = await self.heads(wanted) if wanted else {}
        for gone in wanted.keys() - mine:
            await self._not_followed(str(gone), ConversationNotFound(field="conversation"))
        if mine:
            await self._follow({key: wanted[key] for key in mine})

    async def _not_followed(self, key: str, error: errors.DomainError) -> None:
        await self.send_frame({**self.nack(error, client_id=None), "conversation": str(key)[:40]})

    async def on_ping(self, frame: dict[str, Any]) -> None:
        await self.send_frame({"type": "pong"})

    async def tell(self, group: str, frame: dict[str, Any]) -> None:
        """Something that is true only now, to those who follow a group."""
        await self.channel_layer.group_send(self.group(group), journal.forward(frame))

    # --- Keeping the line ---

    def _out_of_patience(self) -> None:
        if not self.greeted and not self.closing:
            self.errand(self.bye(CLOSE_TOKEN))

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

    async def welcome(self, *, place: stream.Cursor | None = None, **more: Any) -> None:
        """The greeting's answer."""
        self.greeted = True
        pulse.join(self, place=place)
        await self.send_frame(
            {"type": "welcome", "session": self.session, "hb": pulse.HEARTBEAT_S, "server_time": timezone.now(), **more}
        )


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
