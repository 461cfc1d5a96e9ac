"""The page about one person's data: what is held, the file to hand over, and the end of it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from chat.models import Attachment, Contact, Conversation, Message
from chat.services import privacy

MANAGE = "chat.manage_privacy"


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_safe
def contact_data(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How much is held about a contact, and what can be done with it."""
    contact = get_object_or_404(Contact, pk=pk)
    talks = Conversation.objects.filter(contact=contact)
    held = [
        {"label": _("Conversations"), "value": talks.count()},
        {"label": _("Messages"), "value": Message.objects.filter(conversation__in=talks).count()},
        {"label": _("Files"), "value": Attachment.objects.filter(message__conversation__in=talks).count()},
        {"label": _("Consent"), "value": contact.consent_text_version and contact.consent_at},
    ]
    return render(request, "chat/contact_data.html", {"contact": contact, "held": held})


@login_required
@permission_required(MANAGE, raise_exception=True)
@require_POST
def contact_erase(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Erase a contact."""
    get_object_or_404(Contact, pk=pk)
    found = privacy.erase(contact_id=pk, by=request.user, now=timezone.now())
    messages.success(
        request,
        ngettext(
            "Erased. %(count)s message is empty now; the audit log has the proof.",
            "Erased. %(count)s messages are empty now; the audit log has the proof.",
            found["messages"],
        )
        % {"count": found["messages"]},
    )
    return redirect("chat:contact", pk)
