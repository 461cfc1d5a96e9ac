"""Sockets in a tenant. The ORM is reached only through `in_tenant`, whatever thread it runs in."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from ops.kernel import context, errors, live, storable
from ops.kernel.ids import uuid7
from ops.kernel.outgoing import Outgoing

log = logging.getLogger(__name__)

T = TypeVar("T")

# Close codes of every socket: RFC 6455 leaves 4000-4999 to applications.
CLOSE_UNAUTHENTICATED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_UNKNOWN_TENANT = 4404
CLOSE_TOO_FAST = 4429
# Levels of a frame; what we understand has three.
MAX_DEPTH = 32
CLOSE_SLOW = 4008

# Sockets share these threads for what needs the ORM; each gives its connection back after the work.
THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="socket")


class TenantConsumer(AsyncWebsocketConsumer):
    """A JSON socket of one tenant.

    Frames are JSON objects with a `type`; `receive_frame(frame)` is what subclasses write. A refusal
    (`DomainError`) raised there becomes a `nack` frame carrying the frame's `client_id`; a frame that is not a
    JSON object becomes one too; a bug is logged and answered with a nack that tells nothing. The socket stays open.

    A message to a group with the type `forward` is sent on as its `text`; another type calls the method of that name.
    """

    max_frame_bytes = 262_144
    outgoing: Outgoing
    # The type of the frame that is being answered; empty while that is not known.
    answering = ""

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Live as long as the socket does. Groups speak to us by a call, not through a queue and a task each."""
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer()
        self.outgoing = Outgoing(send, too_slow=self.too_slow)
        self.channel_name = self.channel_layer.attach(self._hear)
        self.errands: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.channel_layer.detach(self.channel_name)
            self.outgoing.close()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method a message names. No thread is asked for connections to close: none was opened here."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "forward":
            self.outgoing.push(message["text"])
        else:
            self.errand(self.dispatch(message))

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for this socket that its next frame need not wait for."""
        task = asyncio.get_running_loop().create_task(self._run_errand(work))
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)

    async def _run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("A socket's errand failed", extra={"request_id": self.request_id})

    def too_slow(self) -> None:
        """The client does not read what it is sent: it is closed, comes back and catches up."""
        self.errand(super().close(CLOSE_SLOW))

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: Any = False) -> None:
        """Send a text frame after those that are on their way."""
        if text_data is not None:
            await self.outgoing.answer(text_data)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close, after what was said before."""
        await self.outgoing.flush()
        await super().close(code, reason)

    @property
    def tenant(self) -> Any:
        """The tenant of the host this socket was opened on."""
        return self.scope["tenant"]

    def group(self, name: str) -> str:
        """Name of a group of this tenant."""
        return live.group(name, schema=self.tenant.schema_name)

    async def join(self, name: str) -> None:
        """Follow a group of this tenant."""
        await self.channel_layer.group_add(self.group(name), self.channel_name)

    async def part(self, name: str) -> None:
        """Stop following a group of this tenant."""
        await self.channel_layer.group_discard(self.group(name), self.channel_name)

    async def in_tenant(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run a synchronous function in a worker thread, inside this socket's tenant.

        The schema is entered in that thread: entering it in the event loop would leave the worker in `public`.
        """
        if iscoroutinefunction(fn):
            raise TypeError("in_tenant takes a synchronous function; it runs in a thread.")
        run = database_sync_to_async(_run_in_tenant, thread_sensitive=False, executor=THREADS)
        return await run(self.tenant, self._context(), fn, args, kwargs)

    def _context(self) -> tuple[str, str]:
        user = self.scope.get("user")
        key = getattr(user, "pk", None)
        return self.request_id, "" if key is None else str(key)

    @property
    def request_id(self) -> str:
        """One id for the life of the socket, in logs and audit entries."""
        if "request_id" not in self.scope:
            self.scope["request_id"] = uuid7().hex
        return self.scope["request_id"]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Parse one frame and hand it to `receive_frame`; answer refusals."""
        client_id = None
        self.answering = ""
        try:
            frame = self._parse(text_data, bytes_data)
            kind, sent = frame["type"], frame.get("client_id")
            self.answering = kind if len(kind) <= 40 and storable.keepable(kind) else ""
            client_id = sent if isinstance(sent, str) and len(sent) <= 100 and storable.keepable(sent) else None
            # Only an escape can bring such a text: the frame itself was UTF-8.
            if text_data is not None and "\\u" in text_data:
                _refuse_unstorable(frame)
            await self.receive_frame(frame)
        except Exception as exc:
            if errors.as_domain_error(exc) is None:
                log.exception("A socket frame failed", extra={"request_id": self.request_id})
            await self.send_frame(self.nack(exc, client_id=client_id))

    def _parse(self, text_data: str | None, bytes_data: bytes | None) -> dict[str, Any]:
        if text_data is None:
            raise errors.Unreadable()
        if len(text_data) > self.max_frame_bytes:
            raise errors.TooLarge()
        try:
            frame = json.loads(text_data, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise errors.Unreadable() from error
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise errors.Unreadable()
        return frame

    async def receive_frame(self, frame: dict[str, Any]) -> None:
        """Handle one frame of the client. Subclasses write this."""
        raise NotImplementedError

    def nack(self, exc: BaseException, *, client_id: str | None) -> dict[str, Any]:
        """The frame that refuses; a protocol with its own name for it overrides this."""
        return errors.nack(exc, client_id=client_id)

    async def send_frame(self, frame: dict[str, Any]) -> None:
        """Send one JSON frame."""
        await self.send(text_data=json.dumps(frame, ensure_ascii=False, separators=(",", ":"), default=str))


def _run_in_tenant(tenant: Any, who: tuple[str, str], fn: Callable[..., T], args: Any, kwargs: Any) -> T:
    with tenant_context(tenant), context.bound(request=who[0], user=who[1]):
        return fn(*args, **kwargs)


def _refuse_unstorable(frame: dict[str, Any]) -> None:
    try:
        place = storable.flaw(frame, depth=MAX_DEPTH)
    except storable.TooDeep as error:
        raise errors.Unreadable() from error
    if place is not None:
        detail = _("Text must not contain the NUL character or half characters.")
        raise errors.Invalid(detail, field=place) if place else errors.Unreadable()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
