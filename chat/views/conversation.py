"""An open conversation as the page needs it: its lines, its head, and what is known of the person."""

import json
from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone

from billing import entitlements
from chat.enums import Channel, ChurnBand, Priority
from chat.models import Conversation
from chat.queries import beside, spoken, windows
from chat.services import attachments, calls, pix, presence
from chat.views import churn, drawing, lines, listing, snooze
from ops.kernel.ids import uuid7

PAGE = 40


def find(request: HttpRequest, number: int) -> Conversation:
    """The conversation of this number, with its people; 404 when this person may not see it."""
    found = beside.opened(number, user=request.user)
    if found is None:
        raise Http404
    return found


def context(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What `_thread.html` draws: the lines, and everything beside them."""
    return lines_context(request, conversation, seen=conversation.agent_seen_seq) | head(request, conversation)


def lines_context(
    request: HttpRequest, conversation: Conversation, *, before: int | None = None, seen: int | None = None
) -> dict[str, Any]:
    """A page of lines: the newest, or those before a place."""
    rows = spoken.latest(conversation.pk, before_seq=before, limit=PAGE + 1)
    return drawn(request, conversation, rows[-PAGE:], more=len(rows) > PAGE, seen=seen)


def drawn(
    request: HttpRequest, conversation: Conversation, rows: list[spoken.Spoken], *, more: bool, seen: int | None = None
) -> dict[str, Any]:
    """These messages as lines."""
    made = lines.of(rows, conversation=conversation, user=request.user, seen=seen)
    return {"lines": made, "drawn": drawing.thread(made), "more": more}


def head(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What stands above and beside the lines."""
    user = request.user
    chosen = listing.wanted(request)
    may_reply = user.has_perm("chat.reply_conversation")
    known = beside.of(conversation, user=user)
    is_here = bool(presence.visitors_here([conversation.contact_id]))
    back, said = listing.address(None, chosen), listing.query(chosen)
    minute = f"{timezone.localtime():%Y-%m-%d %H:%M %Z}"
    macros = known.macros if may_reply else []
    risk = _risk(known.risk) if entitlements.flag("analytics") else None
    return {
        "client_id": uuid7(),
        "viewers": [seen for seen in presence.viewers(conversation.pk) if seen["id"] != str(user.pk)],
        "is_here": is_here,
        # What the kept menus depend on stands beside them as the text it came as.
        "people": lambda: known.people,
        "people_json": known.people_json,
        "teams": lambda: known.teams,
        "teams_key": known.teams_json if known.teams_json != "[]" else "",
        "labels": known.labels,
        "labels_key": known.labels_json if known.labels_json != "[]" else "",
        "worn": [one for one in known.labels if one.worn],
        "worn_by_person": [one for one in known.labels if one.of_person],
        "priorities": Priority.choices,
        "snoozes": lambda: snooze.presets(timezone.localtime()),
        "minute": minute,
        "others": lambda: [{"conversation": row, "url": listing.address(row.number, chosen)} for row in known.others],
        "macros": macros,
        "notes": lambda: known.notes,
        "campaigns": lambda: known.campaigns,
        "risk": risk,
        "context_key": (
            conversation.pk.hex,
            minute,
            is_here,
            said,
            *_shown_of(conversation),
            *((one.pk.hex, one.name, one.description) for one in macros),
            known.notes_json,
            known.others_json,
            known.campaigns_json,
            known.labels_json,
            risk,
        ),
        "drafts_json": known.drafts_json if may_reply else "{}",
        "back_url": back,
        "thread_query": said,
        **_tools(user, conversation, known.signature),
    }


def _risk(found: tuple[float, str] | None) -> tuple[int, str, str] | None:
    """An estimate as it is shown: percent, words, colour."""
    if found is None:
        return None
    band = ChurnBand(found[1])
    return round(100 * found[0]), str(band.label), churn.TONES[band]


def _shown_of(conversation: Conversation) -> tuple[Any, ...]:
    """All that the column beside the lines shows of the conversation and its contact."""
    contact = conversation.contact
    return (
        contact.name,
        contact.email,
        contact.phone_e164,
        contact.company,
        contact.last_seen_at,
        json.dumps([contact.attrs, contact.last_page]),
        conversation.page_url,
        conversation.referrer,
        conversation.user_agent,
        conversation.created_at,
    )


def _tools(user: Any, conversation: Conversation, signature: str) -> dict[str, Any]:
    """What the plan, the inbox and the person's own settings put beside the field."""
    if not user.has_perm("chat.reply_conversation"):
        return {}
    takes = attachments.allowed()
    return {
        "may_attach": takes["attachments"],
        "may_record": takes["voice"],
        "signature": signature,
        "may_call": conversation.inbox.channel == Channel.WEB and calls.offered(),
        "has_articles": True,
        "may_charge": pix.is_set_up(),
        "window_ends_at": windows.ends_at(
            channel=conversation.inbox.channel, last_contact_message_at=conversation.last_contact_message_at
        ),
    }
