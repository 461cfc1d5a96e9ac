"""The agents' socket."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.consumers.base import CLOSE_FORBIDDEN, CLOSE_TOKEN, MAX_FRAME_BYTES, Handler, acknowledge
from chat.consumers.calls import FRAMES as CALL_FRAMES
from chat.consumers.calls import CallsMixin
from chat.consumers.frames import flag_in, number_in, text_in, uuid_in, uuids_in
from chat.enums import Availability
from chat.errors import ConversationNotFound, CursorUnknown
from chat.queries import stream, wire
from chat.services import arrivals, hot, messages, notifications, presence
from chat.services.attachments import PER_MESSAGE
from chat.services.mentions import MOST as MOST_CALLED
from ops.kernel import errors
from ops.kernel.together import Together
from tenants.accounts.errors import SecondFactorMissing, TokenRefused
from tenants.accounts.models import User
from tenants.accounts.permissions import allows
from tenants.accounts.services import sessions, tokens
from tenants.services import support
from tenants.sockets import person_of

MAX_REPLAY_PAGES = 4
# Frames that change nothing a customer would want to read about.
HINTS = frozenset({"hello", "ping", "sub", "unsub", "typing", "viewing", "presence", "read"})


VIEW, REPLY = "chat.view_conversation", "chat.reply_conversation"


async def _missed(socket: Any, places: Sequence[str]) -> list[stream.Page | CursorUnknown]:
    return await socket.in_tenant(stream.pages_after, places)


# One heartbeat gives all agents the same cursor, so after a restart they come back with the same question.
MISSED = Together[str, stream.Page](_missed)


class AgentConsumer(CallsMixin):
    """`/ws/agent/`: everything that happens in the tenant's conversations."""

    user: User
    # What this person may, as last asked; a change of their role or token makes the socket ask again (`person_changed`).
    held: frozenset[str] = frozenset()
    required_permissions = {
        **dict.fromkeys(("sub", "unsub", "ping", "viewing", "presence"), VIEW),
        **dict.fromkeys(("msg.send", "read", "typing", *CALL_FRAMES), REPLY),
    }
    # The login this socket was opened with: an API login's id, or the key of a browser's session.
    login: UUID | str = ""
    token = ""
    expiry: asyncio.TimerHandle | None = None
    # When this is a visit of support: what it does here is told in the company's log, like what it does on pages.
    visit: support.Visit | None = None

    async def receive_frame(self, frame: dict[str, Any]) -> None:
        await super().receive_frame(frame)
        if self.visit is not None and self.greeted and frame["type"] not in HINTS:
            await self.in_tenant(
                support.record_act,
                visit=self.visit,
                tenant=self.tenant,
                user=self.user,
                act="tenants.support_acted",
                detail={"method": "SOCKET", "path": str(frame["type"])[:40]},
                now=timezone.now(),
            )

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "typing": self.on_typing,
            "viewing": self.on_viewing,
            "presence": self.on_presence,
        }

    def may(self, permission: str | None) -> bool:
        return permission is None or permission in self.held

    def groups_joined(self) -> list[str]:
        return ["agents", f"user.{self.user.pk}", *super().groups_joined()]

    def follow_group(self, conversation_id: UUID) -> str:
        return f"conv.{conversation_id}"

    async def hello(self, frame: dict[str, Any]) -> None:
        token = text_in(frame, "token", limit=4096, optional=True)
        cursor = text_in(frame, "cursor", limit=200, optional=True)
        try:
            user, expires_at = await self.in_tenant(self._come_in, token)
        except (TokenRefused, SecondFactorMissing):
            user, expires_at = None, None
        except errors.PermissionRefused:
            await self.bye(CLOSE_FORBIDDEN)
            return
        if user is None:
            await self.bye(CLOSE_TOKEN)
            return
        self.user = self.scope["user"] = user
        self.visit = getattr(user, "support_visit", None)
        await self.join("agents")
        await self.join(f"user.{user.pk}")
        place, self.held, states = await self.in_tenant(self._arrive)
        await self.welcome(place=place, epoch=place.epoch, cursor=str(place), me=wire.person(user), presence=states)
        if expires_at is not None:
            self._expire_at(expires_at)
        if cursor:
            await self._replay(cursor)
        await self.follow_known(frame)

    def _come_in(self, token: str | None) -> tuple[User | None, datetime | None]:
        """Who it is, before they follow anything. Raises `TokenRefused`, `PermissionRefused`."""
        if not arrivals.counter_is_open(self.tenant):
            raise errors.PermissionRefused()
        user, expires_at = self._person(token)
        if user is not None and not allows(user, VIEW):
            raise errors.PermissionRefused()
        return user, expires_at

    def _person(self, token: str | None) -> tuple[User | None, datetime | None]:
        if token and token.startswith(tokens.START):
            program = tokens.behind(token, now=timezone.now())
            if program.token is None or program.token.is_service:
                # Sockets are for people; a service asks the API, or is told by webhooks.
                raise errors.PermissionRefused()
            self.token, self.login = token, program.token.pk
            return program, program.token.expires_at
        if token:
            login = sessions.login_behind(token, now=timezone.now())
            self.token, self.login = token, login.session_id
            return login.user, login.expires_at
        # The browser's session; the middleware has refused pages of other origins.
        user = self.scope.get("user")
        self.login = self.scope.get("session_key", "")
        if not isinstance(user, User):
            return None, None
        if not user.is_support:
            return user, None
        # The handshake may be old: a visit is asked about now, and its socket ends with it.
        known = person_of(self.tenant, str(self.login))
        return (known, known.support_visit.valid_until) if isinstance(known, User) else (None, None)

    def _look_again(self) -> tuple[int, frozenset[str]]:
        """Close code for who may no longer be here, else 0; and what they may now."""
        try:
            user = self._person(self.token)[0] if self.token else person_of(self.tenant, str(self.login))
        except (TokenRefused, SecondFactorMissing):
            user = None
        if not isinstance(user, User):
            return CLOSE_TOKEN, frozenset()
        if not allows(user, VIEW):
            return CLOSE_FORBIDDEN, frozenset()
        self.user = self.scope["user"] = wire.with_alias(user)
        return 0, frozenset(user.get_all_permissions())

    async def person_changed(self, message: dict[str, Any]) -> None:
        """Somebody was deactivated, got another role, or ended a login."""
        code, self.held = await self.in_tenant(self._look_again)
        if code:
            await self.bye(code)

    def _expire_at(self, moment: datetime) -> None:
        left = max(0.0, (moment - timezone.now()).total_seconds())
        self.expiry = asyncio.get_running_loop().call_later(left, lambda: self.errand(self.bye(CLOSE_TOKEN)))

    def _arrive(self) -> tuple[stream.Cursor, frozenset[str], dict[str, str]]:
        wire.with_alias(self.user)
        if self.user.token is None:
            # A program that listens does not make its person present.
            presence.agent_here(user=self.user, session=self.session)
        return stream.now(), frozenset(self.user.get_all_permissions()), presence.states()

    async def _replay(self, text: str) -> None:
        for _ in range(MAX_REPLAY_PAGES):
            try:
                page = await MISSED.ask(self, text)
            except CursorUnknown:
                break
            for frame in page.frames:
                await self.send(text_data=frame)
            if not page.more:
                return
            text = page.place
        await self.send_frame({"type": "resync_required"})

    async def leave(self) -> None:
        if self.expiry is not None:
            self.expiry.cancel()
        await self.in_tenant(self._leave)

    def _leave(self) -> None:
        presence.view(conversation_id=None, user=self.user, session=self.session)
        presence.agent_gone(user=self.user, session=self.session)

    def in_numbers_of(self) -> None:
        # Who may see conversations sees all of them; who no longer may is shown out (`pulse`, `person_changed`).
        return None

    def party(self) -> User:
        return self.user

    async def on_send(self, frame: dict[str, Any]) -> None:
        client_id = uuid_in(frame, "client_id")
        said: dict[str, Any] = {
            "conversation_id": uuid_in(frame, "conversation"),
            "by": self.user,
            "body": text_in(frame, "body", limit=MAX_FRAME_BYTES, optional=True) or "",
            "client_id": client_id,
            "private": flag_in(frame, "private"),
            "reply_to": uuid_in(frame, "reply_to") if frame.get("reply_to") is not None else None,
            "now": timezone.now(),
        }
        files, called = (
            uuids_in(frame, "attachment_ids", most=PER_MESSAGE),
            uuids_in(frame, "mentions", most=MOST_CALLED),
        )
        if files or called:
            sent = await self.in_tenant(messages.send, **said, attachment_ids=files, mentions=called)
        else:
            quick = await hot.send(schema=self.tenant.schema_name, request_id=self.request_id, **said)
            sent = quick if quick is not None else await self.in_tenant(messages.send, **said)
        await self.send_frame(acknowledge(client_id, sent))

    async def on_read(self, frame: dict[str, Any]) -> None:
        await hot.mark(
            schema=self.tenant.schema_name,
            conversation_id=uuid_in(frame, "conversation"),
            place=number_in(frame, "seq"),
            mark="read",
            visitor=None,
            now=timezone.now(),
        )

    async def on_typing(self, frame: dict[str, Any]) -> None:
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
            await self.tell(f"pub.{key}", wire.for_visitor(told))

    async def on_viewing(self, frame: dict[str, Any]) -> None:
        key = uuid_in(frame, "conversation") if frame.get("conversation") is not None else None
        if key is not None and key not in self.followed:
            raise ConversationNotFound(field="conversation")
        await self.in_tenant(self._view, key)

    def _view(self, key: UUID | None) -> None:
        presence.view(conversation_id=key, user=self.user, session=self.session)
        if key is not None:
            notifications.read_of(user=self.user, conversation_id=key, now=timezone.now())

    async def on_presence(self, frame: dict[str, Any]) -> None:
        state = text_in(frame, "state", limit=10)
        if state not in Availability.values:
            raise errors.Invalid(field="state")
        await self.in_tenant(presence.set_state, user=self.user, state=state)
