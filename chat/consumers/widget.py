"""The visitors' socket."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone

from chat.consumers.base import CLOSE_FORBIDDEN, CLOSE_TOKEN, MAX_FRAME_BYTES, Handler, acknowledge
from chat.consumers.calls import FRAMES as CALL_FRAMES
from chat.consumers.calls import CallsMixin
from chat.consumers.frames import flag_in, number_in, text_in, uuid_in, uuids_in
from chat.errors import ConversationNotFound, VisitorTokenRefused
from chat.services import arrivals, contacts, conversations, hot, messages, presence, widget
from chat.services.attachments import PER_MESSAGE
from ops.kernel import errors
from ops.kernel.together import Together

PREVIEW_LIMIT = 500


async def _let_in(socket: Any, arrived: Sequence[arrivals.Arrival]) -> list[arrivals.Welcome | errors.DomainError]:
    return await socket.in_tenant(arrivals.let_in, arrived, tenant=socket.tenant, now=timezone.now())


async def _let_go(socket: Any, gone: Sequence[tuple[UUID, str]]) -> list[None]:
    await socket.in_tenant(presence.visitors_left, gone)
    return [None] * len(gone)


ARRIVALS = Together[arrivals.Arrival, arrivals.Welcome](_let_in)
DEPARTURES = Together[tuple[UUID, str], None](_let_go)


class WidgetConsumer(CallsMixin):
    """`/ws/widget/`: what a visitor may see of their own conversations."""

    visitor_side = True
    visitor: conversations.Visitor
    # A visitor has no role: the session and the services decide, conversation by conversation.
    required_permissions = dict.fromkeys(
        ("sub", "unsub", "ping", "msg.send", "read", "typing", "ack", "page", *CALL_FRAMES)
    )

    def handlers(self) -> dict[str, Handler]:
        return {**super().handlers(), "typing": self.on_typing, "ack": self.on_ack, "page": self.on_page}

    def groups_joined(self) -> list[str]:
        return ["visitors", *super().groups_joined()]

    def follow_group(self, conversation_id: UUID) -> str:
        return f"pub.{conversation_id}"

    async def hello(self, frame: dict[str, Any]) -> None:
        token = text_in(frame, "token", limit=4096, optional=True) or ""
        try:
            welcome = await ARRIVALS.ask(self, arrivals.Arrival(token, self.session))
        except VisitorTokenRefused:
            await self.bye(CLOSE_TOKEN)
            return
        except errors.PermissionRefused:
            await self.bye(CLOSE_FORBIDDEN)
            return
        self.visitor = welcome.visitor
        await self.join("visitors")
        me = {"id": str(self.visitor.contact_id), "name": self.visitor.name}
        await self.welcome(epoch=welcome.epoch, me=me, presence={"online": welcome.online})
        await self.follow_known(frame)

    async def leave(self) -> None:
        await DEPARTURES.ask(self, (self.visitor.contact_id, self.session))

    def in_numbers_of(self) -> conversations.Visitor:
        return self.visitor

    def party(self) -> conversations.Visitor:
        return self.visitor

    async def on_send(self, frame: dict[str, Any]) -> None:
        client_id = uuid_in(frame, "client_id")
        said: dict[str, Any] = {
            "conversation_id": uuid_in(frame, "conversation"),
            "visitor": self.visitor,
            "body": text_in(frame, "body", limit=MAX_FRAME_BYTES, optional=True) or "",
            "client_id": client_id,
            "reply_to": uuid_in(frame, "reply_to") if frame.get("reply_to") is not None else None,
            "now": timezone.now(),
        }
        files = uuids_in(frame, "attachment_ids", most=PER_MESSAGE)
        await self.in_tenant(messages.hold_back, self.visitor)
        sent = None
        if not files:
            sent = await hot.send_from_visitor(schema=self.tenant.schema_name, request_id=self.request_id, **said)
        if sent is None:
            sent = await self.in_tenant(messages.send_from_visitor, **said, attachment_ids=files, held_back=True)
        if sent.conversation_id not in self.followed:
            # An old thread was resolved too long ago: the message began a new one, which the browser does not know.
            await self.follow(sent.conversation_id, 0)
        await self.send_frame(acknowledge(client_id, sent))

    async def on_read(self, frame: dict[str, Any]) -> None:
        await self._mark("read", frame)

    async def on_ack(self, frame: dict[str, Any]) -> None:
        await self._mark("delivered", frame)

    async def _mark(self, mark: str, frame: dict[str, Any]) -> None:
        await hot.mark(
            schema=self.tenant.schema_name,
            conversation_id=uuid_in(frame, "conversation"),
            place=number_in(frame, "seq"),
            mark=mark,
            visitor=self.visitor,
            now=timezone.now(),
        )

    async def on_typing(self, frame: dict[str, Any]) -> None:
        key = uuid_in(frame, "conversation")
        if key not in self.followed:
            raise ConversationNotFound(field="conversation")
        typed = text_in(frame, "preview", limit=PREVIEW_LIMIT, optional=True)
        by = self.visitor.author
        types = flag_in(frame, "on")
        await self.tell(f"conv.{key}", {"type": "typing", "conversation": str(key), "on": types, "by": by})
        # What somebody has not sent is passed on and kept nowhere, and only where the inbox wants it.
        if types and typed and await self.in_tenant(widget.shows_preview, conversation_id=key, visitor=self.visitor):
            await self.tell(f"conv.{key}", {"type": "preview", "conversation": str(key), "text": typed, "by": by})

    async def on_page(self, frame: dict[str, Any]) -> None:
        url = text_in(frame, "url", limit=2000) or ""
        page = {"url": url[:500], "title": (text_in(frame, "title", limit=2000, optional=True) or "")[:200]}
        if urlsplit(page["url"]).scheme not in {"http", "https"}:
            raise errors.Invalid(field="url")
        await self.in_tenant(self._on_page, page)

    def _on_page(self, page: dict[str, str]) -> None:
        contacts.see(contact_id=self.visitor.contact_id, now=timezone.now(), page=page)
        presence.visitor_on_page(contact_id=self.visitor.contact_id, page=page)
