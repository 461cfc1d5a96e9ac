"""The web process dies in the middle of a conversation of many; nobody loses a message, nobody sees one twice."""

import asyncio
import json
from uuid import uuid4

import pytest
import websockets
from django.utils import timezone

from chat.models import ChatEvent, Message
from chat.services import conversations, widget
from chat.tests.factories import InboxFactory
from chat.tests.process import web_process
from conftest import PASSWORD
from ops.kernel.testing import PATIENCE_S
from tenants.accounts.services import sessions

MESSAGES, CLIENTS, VISITORS = 500, 20, 4
OF_A_VISITOR = 8  # below what one visitor may send in ten seconds
KILL_AFTER = 200


class Receipts(dict):
    """Message by client id, as acknowledged; says when there are enough for a crash to be in the middle."""

    def __init__(self):
        super().__init__()
        self.enough = asyncio.Event()

    def __setitem__(self, client_id, pk):
        super().__setitem__(client_id, pk)
        if len(self) >= KILL_AFTER:
            self.enough.set()


class RetryingClient:
    """What a browser does: keeps what is not acknowledged, comes back, asks for what it missed by its last number."""

    def __init__(self, *, port, path, token, follows, sends, acknowledged):
        self.address = f"ws://acme.localhost:{port}{path}"
        self.port, self.token, self.sends, self.acknowledged = port, token, sends, acknowledged
        self.last = dict.fromkeys(follows, 0)
        self.seen = {key: [] for key in follows}
        self.connections = 0

    async def run(self, until):
        """Send everything and stay until everything that exists was seen."""
        while self.sends or not until(self.last):
            try:
                async with websockets.connect(
                    self.address, host="127.0.0.1", port=self.port, subprotocols=["chat.v1"], open_timeout=PATIENCE_S
                ) as socket:
                    self.connections += 1
                    await socket.send(json.dumps({"type": "hello", "token": self.token, "conversations": self.last}))
                    await self._talk(socket, until)
            except (OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(0.2)

    async def _talk(self, socket, until):
        waiting = None
        while self.sends or waiting or not until(self.last):
            if waiting is None and self.sends:
                waiting = self.sends[0]
                await socket.send(json.dumps({"type": "msg.send", **waiting}))
            frame = json.loads(await asyncio.wait_for(socket.recv(), timeout=30))
            if frame["type"] == "event":
                self._apply(frame)
            elif frame["type"] == "msg.ack" and waiting and frame["client_id"] == waiting["client_id"]:
                self.acknowledged[frame["client_id"]] = frame["id"]
                self.sends.pop(0)
                waiting = None
            else:
                assert frame["type"] not in {"msg.nack", "nack", "bye"}, frame

    def _apply(self, frame):
        key = frame["conversation"]
        if frame["seq"] == self.last[key] + 1:
            self.last[key] = frame["seq"]
            if frame["event"] == "message.created":
                self.seen[key].append(frame["data"]["client_id"])
        elif frame["seq"] > self.last[key] + 1:
            # Something was pushed before it was missed: the connection is given up and comes back with its number.
            raise TimeoutError


@pytest.mark.transactional
def test_a_killed_web_process_loses_and_doubles_nothing(acme, bia, tmp_path):
    def prepare():
        inbox = InboxFactory()
        found = []
        for _ in range(VISITORS):
            visitor, token = widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())
            found.append((str(conversations.start(visitor=visitor, client_id=uuid4()).pk), token))
        access = sessions.open_with_password(email=bia.email, password=PASSWORD, now=timezone.now()).access
        return found, access

    talks, access = prepare()
    keys = [key for key, _ in talks]
    acknowledged = Receipts()

    def message(key, words):
        return {"client_id": str(uuid4()), "conversation": key, "body": words}

    agents = CLIENTS - VISITORS
    of_agents = [message(keys[n % VISITORS], f"answer {n}") for n in range(MESSAGES - VISITORS * OF_A_VISITOR)]
    with web_process(log=tmp_path / "web.log") as web:
        visitors = [
            RetryingClient(
                port=web.port,
                path="/ws/widget/",
                token=token,
                follows=[key],
                sends=[message(key, f"question {n}") for n in range(OF_A_VISITOR)],
                acknowledged=acknowledged,
            )
            for key, token in talks
        ]
        team = [
            RetryingClient(
                port=web.port,
                path="/ws/agent/",
                token=access,
                follows=keys,
                sends=of_agents[n::agents],
                acknowledged=acknowledged,
            )
            for n in range(agents)
        ]
        sent = {item["client_id"] for client in [*visitors, *team] for item in client.sends}
        per_talk = MESSAGES // VISITORS + 1

        async def crash():
            await acknowledged.enough.wait()
            web.kill()
            before = len(acknowledged)
            await asyncio.to_thread(web.start)
            return before

        async def everything():
            runs = [
                client.run(lambda last: all(seq >= per_talk for seq in last.values())) for client in [*visitors, *team]
            ]
            before, *_ = await asyncio.wait_for(asyncio.gather(crash(), *runs), timeout=10 * PATIENCE_S)
            return before

        before = asyncio.run(everything())

    stored = Message.objects.order_by("conversation", "seq").values_list("conversation_id", "seq", "client_id", "id")
    rows = [(str(key), seq, str(client_id), str(pk)) for key, seq, client_id, pk in stored]
    gaps = [
        list(ChatEvent.objects.filter(conversation=key).order_by("seq").values_list("seq", flat=True)) for key in keys
    ]
    assert KILL_AFTER <= before < MESSAGES
    assert len(sent) == MESSAGES
    assert acknowledged.keys() == sent
    assert {client_id: pk for _, _, client_id, pk in rows} == acknowledged
    assert len(rows) == MESSAGES
    assert gaps == [list(range(1, per_talk + 1))] * VISITORS
    for client in [*visitors, *team]:
        for key, seen in client.seen.items():
            assert seen == [client_id for talk, _, client_id, _ in rows if talk == key]
    assert all(client.connections >= 2 for client in team)
