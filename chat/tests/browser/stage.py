"""A stage for stories in a real browser: Chromium, the real web process, a visitor's shop and an agent's console.

Fixtures, so that other folders may use them too: `from chat.tests.browser.stage import chromium, web`.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client

from chat.tests.process import WebProcess
from ops.kernel.testing import PATIENCE_S

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE_MS = PATIENCE_S * 1000


class ConsoleWatch:
    """What the browser complains about while a test runs; noise of a server that is down on purpose is not."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def follow(self, page: Any) -> None:
        """Listen to a page."""
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(page, message))

    def _heard(self, page: Any, message: Any) -> None:
        if message.type == "error" and not re.search(r"Failed to load resource|WebSocket connection to", message.text):
            self.complaints.append(f"{page.url}: {message.text}")


class Stage:
    """A server and a browser. `visitor()` opens a shop, `agent()` a console; each in a profile of its own."""

    def __init__(self, browser: Any, web: WebProcess, watch: ConsoleWatch) -> None:
        self.browser, self.web, self.watch = browser, web, watch
        self.contexts: list[Any] = []

    def address(self, path: str, *, tenant: str = "acme") -> str:
        """An address on a tenant's host."""
        return f"http://{tenant}.localhost:{self.web.port}{path}"

    def context(self, *, width: int = 1280, height: int = 800, **options: Any) -> Any:
        """A browser profile of its own: no cookie, no storage of another one."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, locale="pt-BR", reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        return context

    def page(self, context: Any) -> Any:
        """A tab whose complaints count."""
        page = context.new_page()
        self.watch.follow(page)
        return page

    def agent(self, client: Client, *, path: str = "/chat/?tab=all", **options: Any) -> Any:
        """Somebody of the team on a page, with the session of `client_of(acme, user=bia)`."""
        context = self.context(**options)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.address("/")}])
        page = self.page(context)
        page.goto(self.address(path))
        running(page)
        return page

    def visitor(self, *, path: str = "/widget/demo/", **options: Any) -> Any:
        """Somebody on the shop's page, with the chat open."""
        page = self.page(self.context(**options))
        page.goto(self.address(path))
        return page

    def close(self) -> None:
        """Leave, so that the next story begins with nobody."""
        for context in self.contexts:
            context.close()


def running(console: Any) -> None:
    """Wait until the console has taken keys and clicks over and its line is up."""
    console.locator("[data-controller='chat/console'][data-running][data-stream=connected]").wait_for()


def open_chat(page: Any) -> Any:
    """Open the widget of a page; gives the frame with the conversation."""
    page.locator(".bubble").click()
    frame = page.frame_locator("iframe")
    frame.locator("textarea.field").wait_for()
    return frame


def write(frame: Any, text: str) -> None:
    """Write and send, in the widget or in the console."""
    # The field of the widget, or of the console; both pages have others, such as a note about the contact.
    field = frame.locator("textarea.field, textarea[name=body]")
    field.fill(text)
    field.press("Enter")


def bodies(place: Any, selector: str) -> list[str]:
    """The texts of a thread, from top to bottom."""
    return [text.strip() for text in place.locator(selector).all_text_contents()]


VISITOR_LINES = ".message .bubble"
AGENT_LINES = "[data-line]:not([data-kind=activity]) .chat-bubble"


def until(page: Any, seen: Callable[[], Any], wanted: Any = True) -> None:
    """Wait until `seen()` is what is wanted; a story that never gets there fails with what it saw last.

    What is not there yet is waited for as well: the first line of an empty thread, a row not yet written, an element
    that is just being drawn again.
    """
    limit = time.monotonic() + PATIENCE_S
    while True:
        try:
            last = seen()
        except (LookupError, ObjectDoesNotExist, _playwright_error()) as error:
            last = error
        if last == wanted:
            return
        assert time.monotonic() < limit, f"saw {last!r}, wanted {wanted!r}"
        page.wait_for_timeout(50)


def _playwright_error() -> type[Exception]:
    from playwright.sync_api import Error  # noqa: PLC0415 — the stage is imported where Playwright is missing

    return Error


KEPT = """async () => {
    const held = (await indexedDB.databases()).filter(({ name }) => name.startsWith("outbox:")).map(({ name }) => new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
            const count = request.result.transaction("items").objectStore("items").count();
            count.onsuccess = () => (request.result.close(), resolve(count.result));
        };
    }));
    return (await Promise.all(held)).reduce((sum, one) => sum + one, 0);
}"""


def kept(place: Any) -> int:
    """Messages waiting on this device to be sent: what a reload finds again. A page, or the frame of a widget."""
    return place.locator("html").evaluate(KEPT)


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One Chromium a module, with the module's own `BROWSER_ARGUMENTS`.

    It ends with the module: Playwright's loop would stand in the way of async tests.
    """
    if CHROMIUM is None:
        pytest.skip("No Chromium on this machine: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (requirements-dev.txt)")
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    # Playwright keeps a loop in this thread; the test itself is as synchronous as ever.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", *getattr(request.module, "BROWSER_ARGUMENTS", [])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=2 * PATIENCE_MS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """The real web process on the test's database; its log is kept with the test's files."""
    process = WebProcess(log=Path(tmp_path_factory.mktemp("web")) / "daphne.log")
    try:
        process.start()
    except BaseException:
        process.close()
        raise
    yield process
    process.close()


@pytest.fixture
def stage(chromium: Any, web: WebProcess, transactional_db: None) -> Iterator[Stage]:
    """A server, a browser, and nobody there yet. What a page complains about fails the test."""
    if not web.is_running:
        web.start()  # the story before ended with the server down
    watch = ConsoleWatch()
    made = Stage(chromium, web, watch)
    yield made
    made.close()
    assert watch.complaints == [], watch.complaints
