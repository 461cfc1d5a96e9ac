"""What an agent does to a conversation from the console: forms that post and come back to the thread."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chat.enums import Priority, Status
from chat.models import Team
from chat.services import assignment, contacts, conversations, messages
from chat.services import labels as labelling
from chat.views import listing, snooze
from chat.views.conversation import find
from ops.kernel.errors import Invalid
from ops.kernel.ids import uuid7
from tenants.accounts.models import User

# Fields of the contact's card by their name in the form, with their longest value.
CARD = {"name": ("name", 120), "email": ("email", 254), "phone": ("phone_e164", 30), "company": ("company", 120)}

CHANGES = ("add", "remove")


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def reply(request: HttpRequest, number: int) -> HttpResponse:
    """Send a reply or leave a note; the form carries its own message id, so that sending twice is sending once."""
    conversation = find(request, number)
    messages.send(
        conversation_id=conversation.pk,
        by=request.user,
        body=request.POST.get("body", ""),
        client_id=listing.key(request.POST.get("client_id", "")) or uuid7(),
        private=request.POST.get("private") == "1",
    )
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.close_conversation", raise_exception=True)
def status(request: HttpRequest, number: int) -> HttpResponse:
    """Resolve, reopen, put on hold or snooze."""
    conversation = find(request, number)
    wanted = request.POST.get("status", "")
    if wanted not in Status.values:
        return _bad_choice(request, number)
    try:
        ends = snooze.end(request.POST.get("until", ""), now=timezone.localtime())
    except ValueError:
        return _bad_choice(request, number, _("Choose a day and an hour that are still to come."))
    conversations.set_status(conversation_id=conversation.pk, status=wanted, by=request.user, snoozed_until=ends)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.assign_conversation", raise_exception=True)
def assign(request: HttpRequest, number: int) -> HttpResponse:
    """Give the conversation to somebody, take it, or put it back into the queue."""
    conversation = find(request, number)
    wanted = request.POST.get("assignee", "")
    if wanted == "":
        assignment.unassign(conversation_id=conversation.pk, by=request.user)
    elif wanted == "me" and conversation.assignee_id is None:
        assignment.claim(conversation_id=conversation.pk, by=request.user)
    else:
        key: UUID | Any = request.user.pk if wanted == "me" else listing.key(wanted)
        to = get_object_or_404(User.objects.active(), pk=key)
        assignment.assign(conversation_id=conversation.pk, to=to, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def priority(request: HttpRequest, number: int) -> HttpResponse:
    """Say how urgent the conversation is."""
    conversation = find(request, number)
    wanted = request.POST.get("priority", "")
    if wanted not in Priority.values:
        return _bad_choice(request, number)
    conversations.set_priority(conversation_id=conversation.pk, priority=wanted, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.assign_conversation", raise_exception=True)
def team(request: HttpRequest, number: int) -> HttpResponse:
    """Give the conversation to a team, or to none."""
    conversation = find(request, number)
    wanted = request.POST.get("team", "")
    to = get_object_or_404(Team, pk=listing.key(wanted)) if wanted else None
    assignment.assign_team(conversation_id=conversation.pk, team=to, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def labels(request: HttpRequest, number: int) -> HttpResponse:
    """Put a label on, or take it off."""
    conversation = find(request, number)
    add, remove = ([key for text in request.POST.getlist(name) if (key := listing.key(text))] for name in CHANGES)
    if not add and not remove:
        return _bad_choice(request, number)
    labelling.change_on(conversation_id=conversation.pk, by=request.user, add=add, remove=remove)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def unread(request: HttpRequest, number: int) -> HttpResponse:
    """Show the visitor's last message as unread again."""
    conversation = find(request, number)
    conversations.mark_unread(conversation_id=conversation.pk, by=request.user)
    return _done(request, number)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def contact(request: HttpRequest, number: int) -> HttpResponse:
    """Correct what is known about the person, from the card beside the thread; only the fields that were sent."""
    conversation = find(request, number)
    changes: dict[str, Any] = {
        field: request.POST[name].replace("\x00", "").strip()[:longest]
        for name, (field, longest) in CARD.items()
        if name in request.POST
    }
    contacts.change(contact=conversation.contact, by=request.user, **changes)
    return _done(request, number)


def _done(request: HttpRequest, number: int) -> HttpResponse:
    """The module hears what happened over the socket; a browser goes back to the thread."""
    if "X-Console" in request.headers:
        return HttpResponse(status=204)
    return redirect(listing.address(number, listing.wanted(request)))


def _bad_choice(request: HttpRequest, number: int, said: str = "") -> HttpResponse:
    if "X-Console" in request.headers:
        raise Invalid(said or _("Choose one of the offered values."))
    return redirect(listing.address(number, listing.wanted(request)))
