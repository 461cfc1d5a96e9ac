"""The agents' console: the list, a thread, and the parts its module asks for.

Every page works without JavaScript: links open, forms post and come back. The console's module asks for the same
addresses with the header `X-Console` and gets the part it names.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_safe
from django.views.decorators.vary import vary_on_headers

from chat.queries import spoken, stream
from chat.views import conversation as opened
from chat.views import listing, words

PARTS = {
    "list": "chat/_list.html",
    "thread": "chat/_thread.html",
    "head": "chat/_fresh.html",
    "filters": "chat/_filters.html",
}
MOST_LINES = 60
WORKER_MAX_AGE_S = 3600


@require_safe
def push_worker(request: HttpRequest) -> HttpResponse:
    """The service worker of browser notifications, at an address whose folder is all it may look after."""
    response = HttpResponse(_worker(), content_type="text/javascript; charset=utf-8")
    patch_cache_control(response, public=True, max_age=WORKER_MAX_AGE_S)
    return response


@lru_cache(maxsize=1)
def _worker() -> bytes:
    path = finders.find("js/chat/push-worker.js")
    return Path(str(path)).read_bytes()


@require_GET
@never_cache
@vary_on_headers("X-Console")
@gzip_page
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def console(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """The list, with a conversation open beside it when the address names one."""
    part = request.headers.get("X-Console", "")
    # Taken before anything is read: what happens meanwhile is told twice rather than never.
    cursor = "" if part else str(stream.now())
    found = None if number is None else opened.find(request, number)
    context: dict[str, Any] = {"conversation": found}
    if part == "filters":
        context |= listing.choices(request)
    if part in ("", "list"):
        context |= listing.context(request, found)
    if part in ("", "thread") and found is not None:
        context |= opened.context(request, found)
    if part == "head" and found is not None:
        context |= opened.head(request, found)
    if not part:
        # A callable: asked for only when the page's fixed parts are drawn anew.
        context |= {"console_words": words.console, "cursor": cursor}
    return render(request, PARTS.get(part, "chat/console.html"), context)


@require_GET
@never_cache
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def older(request: HttpRequest, number: int) -> HttpResponse:
    """Messages before a place, for scrolling up."""
    found = opened.find(request, number)
    context = opened.lines_context(request, found, before=listing.whole(request.GET.get("before", "")))
    return render(request, "chat/_messages.html", {"conversation": found, **context})


@require_GET
@never_cache
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def lines(request: HttpRequest, number: int) -> HttpResponse:
    """These lines once more: what only the server draws, such as files and cards, after it arrived or changed."""
    found = opened.find(request, number)
    asked = [seq for text in request.GET.get("seq", "").split(",")[:MOST_LINES] if (seq := listing.whole(text))]
    context = opened.drawn(request, found, spoken.chosen(found.pk, asked), more=False)
    return render(request, "chat/_messages.html", {"conversation": found, **context})
