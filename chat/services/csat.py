"""Asking visitors how content they are, after their conversation was resolved.

The question is a message of its own kind in the thread; its `meta` carries texts, scale and a signed link, so a channel
without buttons sends the link. The link names one question of one tenant and opens it without logging in.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.enums import CsatScale, Kind, Status
from chat.events import CsatAnswered
from chat.models import Conversation, CsatResponse, Inbox
from chat.queries import wire
from chat.services import message_changes, messages, spreadsheet
from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, NotFound
from ops.kernel.outbox import services as outbox
from tenants.services import domains

SALT = "chat.csat"
LINK_AGE_S = 30 * 24 * 3600
COMMENT_LIMIT = 2000
TEXTS = ("question", "comment_prompt", "thanks")
TEXT_LIMIT = 300
LABEL_LIMIT = 60
# Lowest and highest answer of each scale.
RANGE = {
    CsatScale.FACES: (1, 5),
    CsatScale.STARS: (1, 5),
    CsatScale.NUMBERS: (0, 10),
    CsatScale.THUMBS: (0, 1),
}
# From which answer on somebody counts as content.
CONTENT_FROM = {CsatScale.FACES: 4, CsatScale.STARS: 4, CsatScale.NUMBERS: 9, CsatScale.THUMBS: 1}


class SurveyNotFound(NotFound):
    """No such question, or its link is no longer good."""

    code = "survey_not_found"
    message = gettext_lazy("This survey is no longer open.")


def settings_of(inbox: Inbox) -> dict[str, Any]:
    """The survey of an inbox, with the usual words, in the active language, where nobody wrote others."""
    given = inbox.csat or {}
    usual = {
        "question": _("How was our service?"),
        "comment_prompt": _("Would you like to say why?"),
        "thanks": _("Thank you for your answer."),
        "low": _("Bad"),
        "high": _("Great"),
    }
    return {
        "enabled": given.get("enabled", False),
        "scale": given.get("scale", CsatScale.FACES.value),
        "pause_days": given.get("pause_days", 0),
        **{name: given.get(name) or text for name, text in usual.items()},
    }


@transaction.atomic
def configure(*, inbox: Inbox, by: Any, now: datetime, **wanted: Any) -> Inbox:
    """Set what is given of an inbox's survey; an empty text brings the usual words back. Raises `Invalid`."""
    inbox = Inbox.objects.select_for_update().get(pk=inbox.pk)
    kept = dict(inbox.csat or {})
    for name, value in wanted.items():
        kept[name] = _checked(name, value)
    inbox.csat = {name: value for name, value in kept.items() if value != ""}
    inbox.save(update_fields=["csat", "updated_at"])
    audit.record("chat.csat_changed", by=by, on=inbox, detail={"fields": sorted(wanted)}, now=now)
    return inbox


def _checked(name: str, value: Any) -> Any:
    if name == "enabled":
        return bool(value)
    if name == "scale":
        if value not in CsatScale.values:
            raise Invalid(field="scale")
        return str(value)
    if name == "pause_days":
        if not isinstance(value, int) or not 0 <= value <= 365:
            raise Invalid(_("Between 0 and 365 days."), field="pause_days")
        return value
    limit = TEXT_LIMIT if name in TEXTS else LABEL_LIMIT
    text = str(value).strip()
    if len(text) > limit:
        raise Invalid(_("Up to %(limit)s characters.") % {"limit": limit}, field=name)
    return text


# --- Asking --------------------------------------------------------------------------------------------


@transaction.atomic
def ask(*, conversation_id: UUID, now: datetime) -> CsatResponse | None:
    """Ask the visitor of a resolved conversation, once a resolution; nothing where the inbox does not, or asked lately.

    A conversation to which no agent ever replied is not asked about.
    """
    row = (
        Conversation.objects.select_related("inbox", "contact", "assignee")
        .filter(pk=conversation_id, status=Status.RESOLVED, first_reply_at__isnull=False)
        .select_for_update(of=("self",))
        .first()
    )
    if row is None or row.contact.blocked or row.last_contact_message_at is None:
        return None
    if row.inbox.channel not in message_changes.OURS_TO_SHOW:
        return None  # a messenger shows no card to answer on
    with translation.override(row.inbox.locale or getattr(connection.tenant, "language", None) or "en"):
        how = settings_of(row.inbox)
    if not how["enabled"] or not row.inbox.features.get("csat", True):
        return None
    lately = CsatResponse.objects.filter(contact=row.contact_id, asked_at__gt=now - timedelta(days=how["pause_days"]))
    if how["pause_days"] and lately.exists():
        return None
    # Resolved again: the question that was never answered makes room for the new one.
    CsatResponse.objects.filter(conversation=row, answered_at=None).delete()
    asked = CsatResponse.objects.create(
        conversation=row, contact=row.contact, agent=row.assignee, scale=how["scale"], asked_at=now
    )
    sent = messages.send_from_bot(
        conversation_id=row.pk,
        bot=None,
        kind=Kind.CSAT,
        body=how["question"],
        meta=_meta(asked, how),
        client_id=uuid5(asked.pk, "question"),
        now=now,
    )
    asked.message_id = sent.id
    asked.save(update_fields=["message"])
    return asked


def _meta(asked: CsatResponse, how: dict[str, Any]) -> dict[str, Any]:
    low, high = RANGE[CsatScale(asked.scale)]
    return {
        "csat": str(asked.pk),
        "scale": asked.scale,
        "min": low,
        "max": high,
        "low": how["low"],
        "high": how["high"],
        "comment_prompt": how["comment_prompt"],
        "thanks": how["thanks"],
        "url": link(asked),
        "rating": asked.rating,
        "comment": asked.comment,
    }


def link(asked: CsatResponse) -> str:
    """The address where this question can be answered without logging in."""
    return domains.url_of(connection.tenant, f"/csat/{signing.dumps(str(asked.pk), salt=SALT)}/")


def behind(token: str) -> CsatResponse:
    """The question of a link. Raises `SurveyNotFound`."""
    try:
        key = UUID(str(signing.loads(token, salt=SALT, max_age=LINK_AGE_S)))
    except (signing.BadSignature, ValueError) as error:
        raise SurveyNotFound() from error
    asked = _with_people().filter(pk=key).first()
    if asked is None:
        raise SurveyNotFound()
    return asked


def of_visitor(*, conversation_id: UUID, contact_inbox_id: UUID) -> CsatResponse:
    """The newest question of a visitor's own conversation. Raises `SurveyNotFound`."""
    asked = (
        _with_people()
        .filter(conversation=conversation_id, conversation__contact_inbox=contact_inbox_id)
        .order_by("-asked_at", "-pk")
        .first()
    )
    if asked is None:
        raise SurveyNotFound()
    return asked


def _with_people() -> Any:
    return CsatResponse.objects.select_related("conversation__inbox", "contact", "agent")


@transaction.atomic
def answer(*, asked: CsatResponse, rating: int, comment: str | None = None, now: datetime) -> CsatResponse:
    """Keep a visitor's answer. It may be changed, and the comment may come later, as long as the link is good.

    Raises `Invalid`, `SurveyNotFound`.
    """
    low, high = RANGE[CsatScale(asked.scale)]
    if not low <= rating <= high:
        raise Invalid(_("Choose between %(low)s and %(high)s.") % {"low": low, "high": high}, field="rating")
    # The conversation first, then what belongs to it, as everybody who writes a history does.
    Conversation.objects.select_for_update(of=("self",)).only("pk").get(pk=asked.conversation_id)
    found = _with_people().filter(pk=asked.pk).select_for_update(of=("self",)).first()
    if found is None:
        raise SurveyNotFound()
    text = found.comment if comment is None else comment.strip()[:COMMENT_LIMIT]
    if (found.rating, found.comment) == (rating, text):
        return found
    found.rating, found.comment, found.answered_at = rating, text, found.answered_at or now
    found.save(update_fields=["rating", "comment", "answered_at", "updated_at"])
    if found.message_id is not None:
        message = found.message
        meta = {**(message.meta if message else {}), "rating": rating, "comment": text}
        message_changes.set_meta(message_id=found.message_id, meta=meta, now=now)
    outbox.publish(CsatAnswered(csat_id=str(found.pk), conversation_id=str(found.conversation_id), rating=rating))
    return found


# --- Reading -------------------------------------------------------------------------------------------


def as_csv(rows: Iterable[CsatResponse]) -> str:
    """The answers as a table; texts that a spreadsheet would take for a formula are made plain."""
    headings = (
        _("Answered at"),
        _("Conversation"),
        _("Contact"),
        _("Agent"),
        _("Scale"),
        _("Rating"),
        _("Comment"),
    )
    cells = (
        (
            wire.instant(row.answered_at),
            row.conversation.number,
            row.contact,
            row.agent or "",
            row.scale,
            row.rating,
            row.comment,
        )
        for row in rows
    )
    return spreadsheet.table(headings, cells)
