"""A planned restart: everybody is told, comes back at their own moment, and has missed nothing."""

import asyncio
import json
from uuid import UUID, uuid4

import pytest
import websockets
from django.utils import timezone
from django_tenants.utils import tenant_context
from websockets.asyncio.client import connect

from chat.consumers.restart import LONGEST_S
from chat.services import conversations, messages, widget
from chat.tests.factories import InboxFactory
from chat.tests.process import WebProcess, web_process
from ops.kernel.testing import PATIENCE_S

SOCKETS = 16


async def listen(web: WebProcess, key: str, token: str, ready: asyncio.Semaphore) -> tuple[int, float, list[int]]:
    """A visitor's browser through a restart: close code, told wait, and what was seen."""
    seen, last, code, told = [], 0, 0, -1.0
    while True:
        try:
            async with connect(
                f"ws://acme.localhost:{web.port}/ws/widget/",
                host="127.0.0.1",
                port=web.port,
                subprotocols=["chat.v1"],
                compression=None,
            ) as line:
                await line.send(json.dumps({"type": "hello", "token": token, "conversations": {key: last}}))
                async for text in line:
                    frame = json.loads(text)
                    if frame["type"] == "event":
                        assert frame["seq"] == last + 1
                        last = frame["seq"]
                        seen.append(last)
                    elif frame["type"] == "sub.ok":
                        ready.release()
                    elif frame["type"] == "bye":
                        code, told = frame["code"], frame["retry_after"]
                    if code and last == 3:
                        return line.close_code or code, told, seen
                assert line.close_code == 1012
        except (OSError, websockets.WebSocketException):
            pass
        await asyncio.sleep(min(max(told, 0.0), 1.0))


@pytest.mark.transactional
def test_a_restart_is_announced_spread_and_loses_nothing(acme, bia, tmp_path):
    inbox = InboxFactory()
    talks = []
    for _ in range(SOCKETS):
        visitor, token = widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())
        conversation = conversations.start(visitor=visitor, client_id=uuid4())
        messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, body="Hi", client_id=uuid4())
        talks.append((str(conversation.pk), token))

    async def everything(web: WebProcess) -> tuple[list, int]:
        ready = asyncio.Semaphore(0)
        browsers = [asyncio.create_task(listen(web, key, token, ready)) for key, token in talks]
        for _ in browsers:
            await ready.acquire()
        await asyncio.to_thread(web.terminate)
        ended = web.process.returncode
        await asyncio.to_thread(_answer_all)
        await asyncio.to_thread(web.start)
        return await asyncio.wait_for(asyncio.gather(*browsers), timeout=10 * PATIENCE_S), ended

    def _answer_all() -> None:
        with tenant_context(acme):
            for key, _ in talks:
                messages.send(conversation_id=UUID(key), by=bia, body="Back in a moment", client_id=uuid4())

    with web_process(log=tmp_path / "web.log") as web:
        found, ended = asyncio.run(everything(web))

    assert [seen for _, _, seen in found] == [[1, 2, 3]] * SOCKETS
    waits = [told for _, told, _ in found]
    assert all(0 <= told <= LONGEST_S for told in waits)
    assert len(set(waits)) > SOCKETS / 4  # not all at one moment
    assert ended == 0  # by itself, with its goodbyes said
