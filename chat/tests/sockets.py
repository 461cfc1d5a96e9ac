"""A socket of the counter in a test: greet, say something, wait for the frame that matters."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django_tenants.utils import tenant_context

from chat.consumers.base import PROTOCOL
from chat.tests import schema
from ops.kernel.testing import PATIENCE_S, communicator


class Line:
    """One open socket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def say(self, **frame: Any) -> None:
        """Send a frame."""
        await self.socket.send_to(text_data=json.dumps(frame))

    async def hear(self, type: str, **values: Any) -> dict[str, Any]:
        """The next frame of that type with these values; what comes before it is kept in `heard`."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.next()
                if frame["type"] == type and all(frame.get(name) == value for name, value in values.items()):
                    return frame

    async def next(self) -> dict[str, Any]:
        """Whatever comes next."""
        frame = json.loads(await self.socket.receive_from(timeout=PATIENCE_S))
        schema.check(frame)
        self.heard.append(frame)
        return frame

    async def refusal(self) -> dict[str, Any]:
        """The next frame with an error code, whatever hints come before it."""
        while "code" not in (frame := await self.next()):
            pass
        return frame

    async def until_pong(self) -> list[dict[str, Any]]:
        """Everything that was on its way, up to the answer to a ping."""
        await self.say(type="ping")
        found = []
        while (frame := await self.next())["type"] != "pong":
            found.append(frame)
        return found

    async def closed(self) -> int:
        """The close code, after whatever is said before."""
        while True:
            output = await self.socket.receive_output(timeout=PATIENCE_S)
            if output["type"] == "websocket.close":
                return output["code"]
            self.heard.append(json.loads(output["text"]))


@asynccontextmanager
async def line(path: str, tenant: Any, *, headers: dict[str, str] | None = None, greet: bool = True, **hello: Any):
    """A socket on a tenant's host, greeted and welcomed unless told otherwise."""
    socket = communicator(path, host=f"{tenant.slug}.localhost", headers=headers, subprotocols=[PROTOCOL])
    connected, answer = await socket.connect(timeout=PATIENCE_S)
    assert connected, answer
    opened = Line(socket)
    if greet:
        await opened.say(type="hello", **hello)
        await opened.hear("welcome")
    try:
        yield opened
    finally:
        await socket.disconnect(timeout=PATIENCE_S)


def agent(tenant: Any, client: Any, **hello: Any):
    """The socket of the person logged in with this browser."""
    return line("/ws/agent/", tenant, headers={"cookie": f"session={client.cookies['session'].value}"}, **hello)


def visitor(tenant: Any, token: str, **hello: Any):
    """The socket of a visitor."""
    return line("/ws/widget/", tenant, token=token, **hello)


async def inside(tenant: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
    """Run something in a tenant, in the thread where sockets use the database."""

    def run() -> Any:
        with tenant_context(tenant):
            return fn(*args, **kwargs)

    return await sync_to_async(run)()
