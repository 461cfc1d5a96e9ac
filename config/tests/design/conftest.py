"""A browser on the gallery, without a server: every request is answered inside the test.

The gallery needs neither a tenant nor the database, so its behaviours are tested in seconds.
"""

import mimetypes
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from csp.utils import build_policy
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.test import RequestFactory
from django.urls import resolve

from ops.kernel.testing import PATIENCE_S

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (requirements-dev.txt)")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ORIGIN = "http://gallery.test"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One Chromium a module. It ends with the module: Playwright's loop would stand in the way of async tests."""
    if CHROMIUM is None:
        pytest.skip("No Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=2 * PATIENCE_S * 1000
        )
        yield browser
        browser.close()


def answer(route: Any) -> None:
    """The development page or the static file of that address, under the policy of tenants' pages."""
    address = urlsplit(route.request.url)
    if address.path.startswith("/static/"):
        found = finders.find(address.path.removeprefix("/static/"))
        if not found:
            route.fulfill(status=404)
            return
        kind = mimetypes.guess_type(found)[0] or "application/octet-stream"
        route.fulfill(body=Path(found).read_bytes(), content_type=kind)
        return
    if not address.path.startswith("/dev/"):
        route.fulfill(status=204)
        return
    request = RequestFactory().get(f"{address.path}?{address.query}")
    request.user = AnonymousUser()
    view, args, kwargs = resolve(address.path)
    response = view(request, *args, **kwargs)
    route.fulfill(
        status=response.status_code,
        body=response.content,
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": build_policy()},
    )


@pytest.fixture
def open_page(chromium: Any, settings: Any) -> Iterator[Callable[..., Any]]:
    """Open a development page: `open_page("/dev/gallery/", width=390)`. What the console complains about fails the test."""
    settings.ROOT_URLCONF = "config.tests.design.urls"
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_S * 1000)
    context.route("**/*", answer)
    complaints: list[str] = []
    # A refused request is reported by the browser and by htmx whatever the page does about it.
    reported = ("Failed to load resource", "Response Status Error Code")

    def make(path: str, *, width: int = 1280, height: int = 800) -> Any:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not message.text.startswith(reported)
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(ORIGIN + path)
        return page

    yield make
    context.close()
    assert complaints == []
