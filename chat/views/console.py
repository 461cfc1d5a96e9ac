"""The agents' console: the list, a thread, and what can be done with a conversation.

Every page works without JavaScript: links open, forms post and come back. The console's module asks for the same
addresses with the header `X-Console` and gets the part it names.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from chat.enums import Priority, Status
from chat.models import Conversation, Message
from chat.queries import console as queries
from chat.queries import stream, thread
from chat.services import contacts, conversations, messages, presence
from chat.views import home, lines, words
from ops.kernel.errors import Invalid
from ops.kernel.ids import uuid7
from tenants.accounts.models import User

THREAD_PAGE = 60
PARTS = {"list": "chat/_list.html", "thread": "chat/_thread.html", "older": "chat/_messages.html"}


@require_GET
@never_cache
@vary_on_headers("X-Console")
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def console(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """The list, with a conversation open beside it when the address names one."""
    part = request.headers.get("X-Console", "")
    # Taken before anything is read: what happens meanwhile is told twice rather than never.
    cursor = "" if part else str(stream.now())
    opened = None if number is None else _conversation(request, number)
    context: dict[str, Any] = {}
    if part != "thread":
        context |= _list_context(request, opened)
    if part != "list":
        context |= _thread_context(request, opened) if opened else {}
    context["conversation"] = opened
    if not part:
        # Callables: both are asked for only when the page's fixed parts are drawn anew.
        context |= {"console_words": words.console, "patterns": lines.patterns, "cursor": cursor}
    return render(request, PARTS.get(part, "chat/console.html"), context)


@require_GET
@never_cache
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def older(request: HttpRequest, number: int) -> HttpResponse:
    """Messages before a place, for scrolling up."""
    conversation = _conversation(request, number)
    before = _whole(request.GET.get("before", ""))
    rows, more = _page(conversation, before=before)
    context = {
        "conversation": conversation,
        "lines": lines.of(rows, conversation=conversation, user=request.user),
        "more": more,
    }
    return render(request, PARTS["older"], context)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def reply(request: HttpRequest, number: int) -> HttpResponse:
    """Send a reply or leave a note; the form carries its own message id, so that sending twice is sending once."""
    conversation = _conversation(request, number)
    messages.send(
        conversation_id=conversation.pk,
        by=request.user,
        body=request.POST.get("body", ""),
        client_id=_uuid(request.POST.get("client_id", "")) or uuid7(),
        private=request.POST.get("private") == "1",
    )
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.close_conversation", raise_exception=True)
def status(request: HttpRequest, number: int) -> HttpResponse:
    """Resolve, reopen or snooze."""
    conversation = _conversation(request, number)
    wanted = request.POST.get("status", "")
    if wanted not in Status.values:
        return _bad_choice(request, number)
    conversations.set_status(
        conversation_id=conversation.pk,
        status=wanted,
        by=request.user,
        snoozed_until=_until(request.POST.get("until", ""), now=timezone.localtime()),
    )
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.assign_conversation", raise_exception=True)
def assign(request: HttpRequest, number: int) -> HttpResponse:
    """Give the conversation to somebody, take it, or put it back into the queue."""
    conversation = _conversation(request, number)
    wanted = request.POST.get("assignee", "")
    if wanted == "":
        conversations.unassign(conversation_id=conversation.pk, by=request.user)
    elif wanted == "me" and conversation.assignee_id is None:
        conversations.claim(conversation_id=conversation.pk, by=request.user)
    else:
        key = request.user.pk if wanted == "me" else _uuid(wanted)
        to = get_object_or_404(User.objects.active(), pk=key)
        conversations.assign(conversation_id=conversation.pk, to=to, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def priority(request: HttpRequest, number: int) -> HttpResponse:
    """Say how urgent the conversation is."""
    conversation = _conversation(request, number)
    wanted = request.POST.get("priority", "")
    if wanted not in Priority.values:
        return _bad_choice(request, number)
    conversations.set_priority(conversation_id=conversation.pk, priority=wanted, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def contact(request: HttpRequest, number: int) -> HttpResponse:
    """Correct what is known about the person, from the card beside the thread."""
    conversation = _conversation(request, number)
    contacts.change(
        contact=conversation.contact,
        by=request.user,
        name=request.POST.get("name", "").strip()[:120],
        email=request.POST.get("email", "").strip(),
        phone_e164=request.POST.get("phone", "").strip(),
    )
    return _done(request, number)


def _conversation(request: HttpRequest, number: int) -> Conversation:
    return get_object_or_404(Conversation.objects.visible_to(request.user).with_people(), number=number)


def _done(request: HttpRequest, number: int) -> HttpResponse:
    """The module hears what happened over the socket; a browser goes back to the thread."""
    if "X-Console" in request.headers:
        return HttpResponse(status=204)
    return redirect(_address(number, _filter(request)))


def _bad_choice(request: HttpRequest, number: int) -> HttpResponse:
    if "X-Console" in request.headers:
        raise Invalid(_("Choose one of the offered values."))
    return redirect(_address(number, _filter(request)))


# --- The list ---------------------------------------------------------------------------------------


def _filter(request: HttpRequest) -> queries.Filter:
    given = request.GET
    tab = given.get("tab", "")
    state = given.get("status", "")
    return queries.Filter(
        tab=tab if tab in queries.TABS else "all" if given.get("q") and not tab else "mine",
        state=state if state in queries.STATES else Status.OPEN.value,
        text=given.get("q", "").replace("\x00", "").strip()[:100],
        limit=min(_whole(given.get("limit", "")) or queries.PAGE, queries.MOST),
    )


def _query(wanted: queries.Filter, **changes: Any) -> str:
    values = {"tab": wanted.tab, "status": wanted.state, "q": wanted.text, "limit": wanted.limit} | changes
    plain = {"tab": "mine", "status": Status.OPEN.value, "q": "", "limit": queries.PAGE}
    return urlencode({name: value for name, value in values.items() if value != plain[name]})


def _address(number: int | None, wanted: queries.Filter, **changes: Any) -> str:
    base = reverse("chat:console") if number is None else reverse("chat:conversation", args=[number])
    query = _query(wanted, **changes)
    return f"{base}?{query}" if query else base


def _list_context(request: HttpRequest, opened: Conversation | None) -> dict[str, Any]:
    wanted = _filter(request)
    rows, more = queries.conversations(user=request.user, wanted=wanted)
    counts = home.counts(request)
    here = presence.visitors_here([row.contact_id for row in rows])
    number = opened.number if opened else None
    tabs = (
        ("mine", pgettext("conversations", "Mine")),
        ("queue", _("Queue")),
        ("all", pgettext("conversations", "All")),
    )
    states = (
        (Status.OPEN.value, pgettext("conversations", "Open")),
        (Status.SNOOZED.value, pgettext("conversations", "Snoozed")),
        (Status.RESOLVED.value, pgettext("conversations", "Resolved")),
        ("any", _("Any state")),
    )
    return {
        "wanted": wanted,
        "rows": [
            {"conversation": row, "url": _address(row.number, wanted), "here": str(row.contact_id) in here}
            for row in rows
        ],
        "more_url": _address(number, wanted, limit=wanted.limit + queries.PAGE)
        if more and wanted.limit < queries.MOST
        else "",
        "tabs": [
            {
                "key": key,
                "label": label,
                "url": _address(None, wanted, tab=key, limit=queries.PAGE, status=Status.OPEN.value),
                "current": key == wanted.tab,
                "count": counts[key],
            }
            for key, label in tabs
        ],
        "chips": []
        if wanted.tab == "queue"
        else [
            {
                "label": label,
                "url": _address(None, wanted, status=key, limit=queries.PAGE),
                "current": key == wanted.state,
                "count": None,
            }
            for key, label in states
        ],
        "list_url": _address(None, wanted),
        "list_query": _query(wanted),
    }


# --- The thread -------------------------------------------------------------------------------------


def _thread_context(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    user = request.user
    rows, more = _page(conversation)
    wanted = _filter(request)
    may_assign = user.has_perm("chat.assign_conversation")
    others = queries.others_of(conversation, user=user)
    return {
        "lines": lines.of(rows, conversation=conversation, user=user, seen=conversation.agent_seen_seq),
        "more": more,
        "client_id": uuid7(),
        "viewers": [seen for seen in presence.viewers(conversation.pk) if seen["id"] != str(user.pk)],
        "is_here": bool(presence.visitors_here([conversation.contact_id])),
        "team": User.objects.seated().order_by("name", "pk") if may_assign else [],
        "priorities": Priority.choices,
        "snoozes": _snoozes(timezone.localtime()) if user.has_perm("chat.close_conversation") else [],
        "others": [{"conversation": row, "url": _address(row.number, wanted)} for row in others],
        "back_url": _address(None, wanted),
        "thread_query": _query(wanted),
    }


def _page(conversation: Conversation, *, before: int | None = None) -> tuple[list[Message], bool]:
    """The newest messages before a place, and whether there are older ones."""
    rows = thread.messages(conversation.pk, before_seq=before, limit=THREAD_PAGE + 1)
    return rows[-THREAD_PAGE:], len(rows) > THREAD_PAGE


def _snoozes(now: datetime) -> list[dict[str, Any]]:
    labels = {"later": _("Later today"), "tomorrow": _("Tomorrow morning"), "week": _("Next week")}
    return [{"value": value, "label": label, "until": _until(value, now=now)} for value, label in labels.items()] + [
        {"value": "reply", "label": _("Until the visitor writes"), "until": None}
    ]


def _until(choice: str, *, now: datetime) -> datetime | None:
    """When a snooze ends, in the tenant's zone: three hours on, or nine in the morning."""
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    if choice == "later":
        return now + timedelta(hours=3)
    if choice == "tomorrow":
        return morning + timedelta(days=1)
    if choice == "week":
        return morning + timedelta(days=7 - now.weekday())
    return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
