"""Visitors who are on the website now, and writing to one of them first."""

from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat.models import Contact, Conversation, Inbox
from chat.queries import visitors
from chat.services import conversations, presence


@require_GET
@never_cache
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def visitor_list(request: HttpRequest) -> HttpResponse:
    """Who is here, on which page, come from where; the module asks for the rows alone."""
    rows = visitors.here(presence.all_visitors())
    part = request.headers.get("X-Console") == "rows"
    return render(request, "chat/_visitors.html" if part else "chat/visitors.html", {"rows": rows})


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def write(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Open the conversation with this visitor, the one that runs or a new one."""
    contact = get_object_or_404(Contact, pk=pk)
    running = (
        Conversation.objects.visible_to(request.user)
        .unresolved()
        .filter(contact=contact)
        .order_by("-last_activity_at", "-pk")
        .first()
    )
    if running is None:
        link = (
            contact.contact_inboxes.filter(inbox__active=True).select_related("inbox").order_by("-created_at").first()
        )
        inbox = link.inbox if link else get_object_or_404(Inbox.objects.active().order_by("created_at", "pk")[:1])
        running = conversations.agent_started(contact=contact, inbox=inbox, by=request.user)
    return redirect("chat:conversation", running.number)
