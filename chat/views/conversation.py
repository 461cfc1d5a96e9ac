"""An open conversation as the page needs it: its lines, its head, and what is known of the person."""

import json
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from chat.enums import Channel, Priority
from chat.models import AgentProfile, Conversation, Draft, Label, Macro, Message, Team
from chat.queries import console as queries
from chat.queries import thread, windows
from chat.services import attachments, calls, pix, presence
from chat.views import drawing, lines, listing, snooze
from ops.kernel.ids import uuid7
from tenants.accounts.models import User

PAGE = 40
MACROS_SHOWN = 12


def find(request: HttpRequest, number: int) -> Conversation:
    """The conversation of this number, with its people; 404 when this person may not see it."""
    return get_object_or_404(
        Conversation.objects.visible_to(request.user).with_people().select_related("team").defer("inbox__hmac_secret"),
        number=number,
    )


def context(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What `_thread.html` draws: the lines, and everything beside them."""
    return lines_context(request, conversation, seen=conversation.agent_seen_seq) | head(request, conversation)


def lines_context(
    request: HttpRequest, conversation: Conversation, *, before: int | None = None, seen: int | None = None
) -> dict[str, Any]:
    """A page of lines: the newest, or those before a place."""
    rows = thread.messages(conversation.pk, before_seq=before, limit=PAGE + 1)
    return drawn(request, conversation, rows[-PAGE:], more=len(rows) > PAGE, seen=seen)


def drawn(
    request: HttpRequest, conversation: Conversation, rows: list[Message], *, more: bool, seen: int | None = None
) -> dict[str, Any]:
    """These messages as lines."""
    made = lines.of(rows, conversation=conversation, user=request.user, seen=seen)
    return {"lines": made, "drawn": drawing.thread(made), "more": more}


def head(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What stands above and beside the lines."""
    user = request.user
    chosen = listing.wanted(request)
    may_reply = user.has_perm("chat.reply_conversation")
    people = list(User.objects.seated().order_by("name", "pk"))
    others = queries.others_of(conversation, user=user)
    worn_here = Conversation.labels.through.objects.filter(conversation=conversation, label=OuterRef("pk"))
    labels = list(Label.objects.annotate(worn=Exists(worn_here)).order_by("name", "pk"))
    teams = list(Team.objects.order_by("name", "pk"))
    return {
        "client_id": uuid7(),
        "viewers": [seen for seen in presence.viewers(conversation.pk) if seen["id"] != str(user.pk)],
        "is_here": bool(presence.visitors_here([conversation.contact_id])),
        "people": people,
        # What the kept menus depend on: who there is, under which names.
        "people_key": tuple((one.pk, one.get_full_name()) for one in people),
        "people_json": json.dumps([{"id": str(one.pk), "name": one.get_full_name()} for one in people]),
        "teams": teams,
        "teams_key": tuple((one.pk, one.name) for one in teams),
        "labels": [{"label": one, "worn": one.worn} for one in labels],
        "labels_key": tuple((one.pk, one.name, one.color, one.worn) for one in labels),
        "worn": [one for one in labels if one.worn],
        "priorities": Priority.choices,
        "snoozes": snooze.presets(timezone.localtime()) if user.has_perm("chat.close_conversation") else [],
        "others": [{"conversation": row, "url": listing.address(row.number, chosen)} for row in others],
        "macros": list(Macro.objects.usable_by(user).order_by("name", "pk")[:MACROS_SHOWN]) if may_reply else [],
        "notes": list(conversation.contact.notes.select_related("author").order_by("-created_at", "-pk")[:3]),
        "drafts_json": json.dumps(_drafts(user, conversation)) if may_reply else "{}",
        "back_url": listing.address(None, chosen),
        "thread_query": listing.query(chosen),
        **_tools(user, conversation),
    }


def _tools(user: Any, conversation: Conversation) -> dict[str, Any]:
    """What the plan, the inbox and the person's own settings put beside the field."""
    if not user.has_perm("chat.reply_conversation"):
        return {}
    takes = attachments.allowed()
    signature = AgentProfile.objects.filter(user=user).values_list("signature", flat=True).first()
    return {
        "may_attach": takes["attachments"],
        "may_record": takes["voice"],
        "signature": signature or "",
        "may_call": conversation.inbox.channel == Channel.WEB and calls.offered(),
        "has_articles": True,
        "may_charge": pix.is_set_up(),
        "window_ends_at": windows.ends_at(
            channel=conversation.inbox.channel, last_contact_message_at=conversation.last_contact_message_at
        ),
    }


def _drafts(user: Any, conversation: Conversation) -> dict[str, str]:
    kept = Draft.objects.filter(user=user, conversation=conversation).values_list("private", "body")
    return {"note" if private else "reply": body for private, body in kept}
