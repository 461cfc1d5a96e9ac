"""The one socket client, against a server that follows a script: what it does when a line drops, skips or repeats."""

import asyncio
import json
import threading
from http import HTTPStatus
from pathlib import Path

import pytest
import websockets
from django.contrib.staticfiles import finders

from chat.tests.browser.stage import PATIENCE_MS, until
from ops.kernel.testing import PATIENCE_S

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>stream</title><script type="module">
    import { backoff, connect, uuid } from "/static/js/lib/socket.js";
    Object.assign(window, { backoff, connect, uuid, ready: true });
</script>"""
# Applies events to a list; what is missing is asked of `missing`, a table the test fills.
OPEN = """(address) => {
    window.applied = []; window.asked = []; window.states = []; window.missing = [];
    window.live = connect({
        url: address,
        hello: async ({ fresh }) => ({ token: fresh ? "new" : "old" }),
        fetchEvents: async (conversation, after) => {
            asked.push(after);
            return { events: missing.filter((event) => event.seq > after), has_more: false };
        },
        apply: (event) => applied.push(event.seq),
    });
    live.on("state", (state) => states.push(state));
    live.follow("c1", 0);
}"""
WELCOME = {"type": "welcome", "hb": 600}  # no test is so slow that a silent line is given up


def event(seq):
    """The frame of an event."""
    return {"type": "event", "conversation": "c1", "seq": seq, "event": "message.created", "data": {}}


class Script:
    """A socket server in a thread of its own. `play(greeting, frame or close code, …)` is one connection."""

    def __init__(self):
        self.acts, self.heard, self.connections = [], [], 0
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.thread.start()
        assert self.ready.wait(PATIENCE_S)

    async def _serve(self):
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        async with websockets.serve(
            self._meet, "127.0.0.1", 0, subprotocols=["chat.v1"], process_request=page
        ) as self.server:
            self.port = self.server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.over.wait()

    async def _meet(self, socket):
        number = self.connections
        self.connections += 1
        act = self.acts[min(number, len(self.acts) - 1)]
        self.heard.append(json.loads(await socket.recv()))
        for step in act:
            if isinstance(step, int):
                await socket.close(step)
                return
            await socket.send(json.dumps(step))
        async for text in socket:
            self.heard.append(json.loads(text))
            if json.loads(text)["type"] == "ping":
                await socket.send(json.dumps({"type": "pong"}))

    def say(self, *frames):
        """Send frames on every open line."""

        async def send():
            for connection in list(self.server.connections):
                for frame in frames:
                    await connection.send(json.dumps(frame))

        asyncio.run_coroutine_threadsafe(send(), self.loop).result(PATIENCE_S)

    def close(self):
        """The end of the play."""
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(PATIENCE_S)


def page(connection, request):
    """Ordinary requests get the page and the module under test."""
    if "upgrade" in request.headers.get("Connection", "").lower():
        return None
    if request.path == "/static/js/lib/socket.js":
        body, kind = Path(finders.find("js/lib/socket.js")).read_text(encoding="utf-8"), "text/javascript"
    else:
        body, kind = PAGE, "text/html"
    response = connection.respond(HTTPStatus.OK, body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = f"{kind}; charset=utf-8"
    return response


@pytest.fixture
def script():
    made = Script()
    yield made
    made.close()


@pytest.fixture
def tab(chromium, script):
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()

    def play(*acts):
        script.acts = list(acts)
        tab.goto(f"http://127.0.0.1:{script.port}/")
        tab.wait_for_function("window.ready")
        tab.evaluate(OPEN, f"ws://127.0.0.1:{script.port}/ws")

    tab.play = play
    yield tab
    context.close()


def applied(tab):
    """What was applied, in order."""
    return tab.evaluate("applied")


def test_events_are_applied_in_order_and_once(tab, script):
    tab.play([WELCOME, event(1), event(2), event(2), event(1), event(3)])

    until(tab, lambda: applied(tab), [1, 2, 3])
    assert tab.evaluate("asked") == []


def test_a_gap_is_filled_before_what_came_after_it(tab, script):
    tab.play([WELCOME, event(1)])
    until(tab, lambda: applied(tab), [1])
    tab.evaluate("(events) => missing.push(...events)", [event(2), event(3)])

    script.say(event(4))

    until(tab, lambda: applied(tab), [1, 2, 3, 4])
    assert tab.evaluate("asked") == [1]


def test_a_heartbeat_tells_of_an_event_that_was_lost(tab, script):
    tab.play([WELCOME, event(1)])
    until(tab, lambda: applied(tab), [1])
    tab.evaluate("(events) => missing.push(...events)", [event(2)])

    script.say({"type": "hb", "heads": {"c1": 1, "unknown": 9}})
    script.say({"type": "hb", "heads": {"c1": 2}})

    until(tab, lambda: applied(tab), [1, 2])
    assert tab.evaluate("asked") == [1]


def test_a_gap_frame_is_a_gap(tab, script):
    tab.play([WELCOME])
    until(tab, lambda: tab.evaluate("live.state"), "connected")
    tab.evaluate("(events) => missing.push(...events)", [event(1), event(2)])

    script.say({"type": "gap", "conversation": "c1", "from": 1, "to": 2})

    until(tab, lambda: applied(tab), [1, 2])


def test_after_a_drop_it_comes_back_with_its_last_number(tab, script):
    tab.play([WELCOME, event(1), event(2), 1012], [WELCOME, event(2), event(3)])

    until(tab, lambda: applied(tab), [1, 2, 3])
    assert [frame["conversations"] for frame in script.heard[:2]] == [{"c1": 0}, {"c1": 2}]
    assert tab.evaluate("states") == ["connected", "reconnecting", "connected"]


def test_a_refused_token_is_renewed_and_a_forbidden_one_is_not_tried_again(tab, script):
    tab.play([4001], [WELCOME, 4003])

    until(tab, lambda: tab.evaluate("live.state"), "forbidden")
    tried_again = tab.evaluate(
        """() => { let made = 0; const Real = WebSocket;
            window.WebSocket = class extends Real { constructor(...given) { made += 1; super(...given); } };
            live.wake(); return made; }"""
    )
    assert tried_again == 0
    assert [frame["token"] for frame in script.heard] == ["old", "new"]
    assert script.connections == 2


def test_what_is_followed_between_greeting_and_welcome_is_asked_for(tab, script):
    tab.play([])
    until(tab, lambda: len(script.heard), 1)

    tab.evaluate("live.follow('c2', 5)")
    script.say(WELCOME)

    until(tab, lambda: script.heard[1:], [{"type": "sub", "conversation": "c2", "after": 5}])


def test_waking_comes_back_at_once(tab, script):
    # Left alone it would come back by itself, perhaps before anybody looks: here it is told to wait for an hour.
    tab.play([WELCOME, {"type": "bye", "code": 1012, "retry_after": 3600}, 1012], [WELCOME])
    until(tab, lambda: tab.evaluate("live.state"), "reconnecting")

    tab.evaluate("dispatchEvent(new Event('online'))")

    until(tab, lambda: tab.evaluate("live.state"), "connected")
    assert script.connections == 2


def test_nothing_is_sent_on_a_line_that_is_not_up(tab, script):
    tab.play([])
    until(tab, lambda: len(script.heard), 1)

    assert tab.evaluate("live.send({type: 'read'})") is False
    script.say(WELCOME)
    until(tab, lambda: tab.evaluate("live.send({type: 'ping'})"), True)


def test_the_wait_grows_and_stays_below_its_ceiling(tab, script):
    tab.play([WELCOME])

    longest = tab.evaluate("[0, 1, 2, 3, 10, 40].map((n) => backoff(n, () => 1))")
    shortest = tab.evaluate("[0, 40].map((n) => backoff(n, () => 0))")

    assert longest == [500, 1000, 2000, 4000, 30000, 30000]
    assert shortest == [0, 0]


def test_ids_are_uuids_also_without_tls(tab, script):
    tab.play([WELCOME])

    made = tab.evaluate("(() => { crypto.randomUUID = undefined; return [uuid(), uuid()]; })()")

    assert made[0] != made[1]
    assert all(len(one) == 36 and one[14] == "4" and one[19] in "89ab" for one in made)
