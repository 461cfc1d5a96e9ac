"""What was said in a conversation, to keep: by mail, with a PDF."""

import io
import re
from datetime import datetime
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from chat.enums import Direction
from chat.errors import BadAddress, ConversationNotFound, TooManyTranscripts
from chat.models import Conversation, Message
from ops.kernel import ratelimit
from ops.kernel.audit import services as audit
from ops.kernel.money import Money
from ops.kernel.tasks import enqueue
from tenants.services import letters

# Letters of one conversation a day: enough to lose one, too few to annoy a stranger with.
LIMIT, WINDOW_S = 5, 86_400
# Lines of one document; who needs more exports the contact.
MOST_LINES = 2_000


def order(*, conversation_id: UUID, to: str, by: Any = None, language: str = "", now: datetime | None = None) -> None:
    """Send the transcript to an address in a moment. `by` is the agent who asks; nobody when it is the visitor.

    Only what the visitor may see is in it, whoever asks. Raises `BadAddress`, `TooManyTranscripts`, `ConversationNotFound`.
    """
    address = to.strip()
    try:
        validate_email(address)
    except ValidationError as error:
        raise BadAddress(field="email") from error
    conversation = Conversation.objects.filter(pk=conversation_id).first()
    if conversation is None:
        raise ConversationNotFound()
    rate = ratelimit.hit(f"chat.transcript.{conversation_id}", limit=LIMIT, window_s=WINDOW_S)
    if not rate.allowed:
        raise TooManyTranscripts(retry_after=rate.wait_s)
    if by is not None:
        audit.record("chat.transcript_sent", by=by, on=conversation, private={"to": address}, now=now)
    enqueue("chat.send_transcript", conversation_id=str(conversation_id), to=address, language=language)


def deliver(*, conversation_id: UUID, to: str, language: str = "") -> bool:
    """Write the letter and hand it to the mail server; `False` when the conversation is gone."""
    conversation = Conversation.objects.with_people().filter(pk=conversation_id).first()
    if conversation is None:
        return False
    site, _base = letters.place()
    with override(language or site.tenant.language):
        said = lines(conversation)
        name = _("conversation-%(number)s.pdf") % {"number": conversation.number}
        document = pdf(conversation, said, heading=site.tenant.name)
    letters.write(
        "chat/transcript",
        to=to,
        context={"number": conversation.number, "lines": said, "contact": conversation.contact},
        language=language,
        files=[(name, document, "application/pdf")],
    ).send()
    return True


def lines(conversation: Conversation) -> list[dict[str, Any]]:
    """What the visitor may see, in order: `{at, name, text, mine}`, `mine` for the visitor's own."""
    rows = (
        Message.objects.public()
        .with_people()
        .filter(conversation=conversation, deleted_at=None)
        .exclude(direction=Direction.ACTIVITY)
        .prefetch_related("attachments")
        .order_by("seq")[:MOST_LINES]
    )
    return [
        {
            "at": row.created_at,
            "name": _name(row, conversation),
            "text": _words(row),
            "mine": row.direction == Direction.IN,
        }
        for row in rows
    ]


def _name(row: Message, conversation: Conversation) -> str:
    if row.direction == Direction.IN:
        return str(conversation.contact)
    if row.direction == Direction.BOT:
        return str(row.author_bot) if row.author_bot_id else _("Assistant")
    if row.author_agent is None:
        return str(row.meta.get("imported_author") or _("Team"))
    profile = getattr(row.author_agent, "agent_profile", None)
    return profile.display_name if profile is not None and profile.display_name else row.author_agent.get_short_name()


def _words(row: Message) -> str:
    said = [row.body] if row.body else []
    if row.kind == "pix" and "amount" in row.meta:
        money = Money.of(row.meta["amount"]["amount"], row.meta["amount"]["currency"])
        said.append(_("Pix: R$ %(amount)s") % {"amount": formats.number_format(money.amount, 2, force_grouping=True)})
    said += [_("File: %(name)s") % {"name": one.name} for one in row.attachments.all()]
    return "\n".join(said)


def pdf(conversation: Conversation, said: list[dict[str, Any]], *, heading: str) -> bytes:
    """The transcript as an A4 document, days as marks, the visitor's lines on the right."""
    base = ParagraphStyle("base", fontName="Helvetica", fontSize=10, leading=14, textColor=HexColor("#1a1a1f"))
    small = ParagraphStyle("small", parent=base, fontSize=8, leading=11, textColor=HexColor("#53535e"))
    title = ParagraphStyle("title", parent=base, fontName="Helvetica-Bold", fontSize=16, leading=20)
    day = ParagraphStyle("day", parent=small, alignment=1, spaceBefore=8, spaceAfter=4)
    mine = ParagraphStyle("mine", parent=base, alignment=TA_RIGHT, leftIndent=40 * mm)
    theirs = ParagraphStyle("theirs", parent=base, rightIndent=40 * mm)
    mine_head = ParagraphStyle("mine_head", parent=small, alignment=TA_RIGHT)

    topic = _("Conversation #%(number)s with %(name)s") % {
        "number": conversation.number,
        "name": str(conversation.contact),
    }
    parts: list[Flowable] = [
        Paragraph(_safe(heading), title),
        Paragraph(_safe(topic), base),
        Spacer(1, 6 * mm),
    ]
    shown = ""
    for line in said:
        at = timezone.localtime(line["at"])
        date = formats.date_format(at, "DATE_FORMAT")
        if date != shown:
            parts.append(Paragraph(_safe(date), day))
            shown = date
        head = f"{line['name']} · {formats.date_format(at, 'H:i')}"
        parts.append(Paragraph(_safe(head), mine_head if line["mine"] else small))
        parts.append(Paragraph(_safe(line["text"]).replace("\n", "<br/>"), mine if line["mine"] else theirs))
        parts.append(Spacer(1, 2 * mm))
    out = io.BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 20 * mm)
    SimpleDocTemplate(out, pagesize=A4, title=topic, author=heading, **margins).build(parts)
    return out.getvalue()


def _safe(text: str) -> str:
    """Text for the built-in fonts: they know the letters of Western Europe; what they do not know is left out."""
    known = text.encode("cp1252", "ignore").decode("cp1252")
    return escape(re.sub(r"[\x00-\x08\x0b-\x1f]", "", known))
