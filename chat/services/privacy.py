"""What the law asks for about people outside: hand over what is held, erase it, and keep nothing longer than promised.

Lei Geral de Proteção de Dados (Lei 13.709/2018): access and portability (art. 18, II and V), erasure (art. 18, VI), end
of the treatment (art. 15 and 16). Counts in reports and the audit log stay: they hold no message and prove the erasure.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from chat.enums import Channel, Direction, Status
from chat.errors import ContactNotFound
from chat.models import (
    Attachment,
    CampaignRecipient,
    ChatEvent,
    ChurnScore,
    Contact,
    ContactInbox,
    ContactMerge,
    ContactNote,
    Conversation,
    CsatResponse,
    DataExport,
    Draft,
    ImportLine,
    Inbox,
    LeftMessage,
    Message,
    OutgoingPart,
    PixCharge,
    phones,
)
from chat.queries import wire
from chat.services import attachments, exports, journal, questions
from ops.kernel import live
from ops.kernel.audit import services as audit
from ops.kernel.outbox.services import inbox as webhooks
from ops.kernel.webhooks.models import WebhookDelivery

BATCH = 200
# Shorter addresses would be found in what is somebody else's.
SHORTEST_NEEDLE = 6
# A file in memory up to this size, on disk beyond it.
SPOOLED_BYTES = 8 * 1024 * 1024


def export(*, contact_id: UUID, by: Any, now: datetime | None = None) -> IO[bytes]:
    """A ZIP of everything held about a person: `contact.json`, one file a conversation, and the files they exchanged.

    The team's private notes about them are part of it. The caller closes the file. Raises `ContactNotFound`.
    """
    contact = _contact(contact_id)
    out: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES)  # noqa: SIM115 — the caller's to close
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contact.json", _json(_about(contact)))
        for conversation in _conversations(contact).iterator(chunk_size=BATCH):
            archive.writestr(f"conversations/{conversation.number}.json", _json(_talk(conversation)))
        for row in _files(contact).iterator(chunk_size=BATCH):
            if not row.file:
                continue
            try:
                with default_storage.open(row.file.name) as source:
                    archive.writestr(f"files/{row.pk}-{_file_name(row.name)}", source.read())
            except FileNotFoundError:
                continue  # removed with its message a moment ago
    out.seek(0)
    audit.record("chat.contact_exported", by=by, on=contact, now=now)
    return out


def _about(contact: Contact) -> dict[str, Any]:
    return {
        **wire.contact(contact),
        "company": contact.company,
        "consent_at": wire.instant(contact.consent_at),
        "consent_text_version": contact.consent_text_version,
        "opted_out_at": wire.instant(contact.opted_out_at),
        "campaigns": [
            {"campaign": row.campaign.name, "address": row.address, "state": row.state, "at": wire.instant(row.sent_at)}
            for row in CampaignRecipient.objects.filter(contact__in=_everybody(contact))
            .select_related("campaign")
            .order_by("created_at", "pk")
        ],
        "churn_estimate": [
            {"probability": row.probability, "reasons": row.reasons, "at": wire.instant(row.computed_at)}
            for row in ChurnScore.objects.filter(contact__in=_everybody(contact)).order_by("contact")
        ],
        "notes": [
            {"text": note.body, "at": wire.instant(note.created_at)}
            for note in ContactNote.objects.filter(contact__in=_everybody(contact)).order_by("created_at", "pk")
        ],
        "left_messages": [
            {"text": row.body, "at": wire.instant(row.left_at)}
            for row in LeftMessage.objects.filter(contact_inbox__contact__in=_everybody(contact)).order_by(
                "left_at", "pk"
            )
        ],
        "survey_answers": [
            {"rating": row.rating, "comment": row.comment, "at": wire.instant(row.answered_at)}
            for row in CsatResponse.objects.filter(contact__in=_everybody(contact)).order_by("asked_at", "pk")
        ],
    }


def _talk(conversation: Conversation) -> dict[str, Any]:
    return {
        **wire.conversation(conversation),
        "user_agent": conversation.user_agent,
        "ip_masked": conversation.ip_masked,
        "messages": [
            wire.message(row, visitor=False)
            for row in conversation.messages.with_people().prefetch_related("attachments").order_by("seq")
        ],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-_ " else "_" for letter in name)[-100:]


@transaction.atomic
def erase(*, contact_id: UUID, by: Any, now: datetime | None = None) -> dict[str, int]:
    """Take everything personal away from a contact and all that was said with them; says how much of what.

    Conversations, their counts and who answered stay, empty. It cannot be undone. Raises `ContactNotFound`.
    """
    now = now or timezone.now()
    contact = _contact(contact_id, lock=True)
    people = [row.pk for row in _everybody(contact).select_for_update().order_by("pk")]
    doors = list(ContactInbox.objects.filter(contact__in=people).select_related("inbox"))
    talks = list(
        Conversation.objects.filter(contact__in=people)
        .select_for_update(of=("self",))
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    files = list(Attachment.objects.filter(Q(message__conversation__in=talks) | Q(by_contact__in=people)))
    attachments.remove(files)
    said = Message.objects.filter(conversation__in=talks).exclude(direction=Direction.ACTIVITY)
    raw = _forget_raw(people, doors, talks, now=now)
    count = said.update(body="", body_html="", meta={}, error="", deleted_at=now)
    # A provider's id may spell the number it came from; ours says as well that this message was here.
    Message.objects.filter(conversation__in=talks).exclude(source_id="").update(
        source_id=Concat(Value("erased:"), Cast("pk", CharField()))
    )
    OutgoingPart.objects.filter(message__conversation__in=talks).exclude(external_id="").update(
        external_id=Concat(Value("erased:"), Cast("pk", CharField()))
    )
    # A delivery to another system holds the words too; what it already has is that system's to erase.
    if talks:
        WebhookDelivery.objects.filter(body__regex="|".join(map(str, talks))).delete()
    ChatEvent.objects.filter(conversation__in=talks, type__startswith="contact.").update(payload={})
    Draft.objects.filter(conversation__in=talks).delete()
    PixCharge.objects.filter(conversation__in=talks).update(text="", brcode="")
    CsatResponse.objects.filter(contact__in=people).update(comment="")
    left = LeftMessage.objects.filter(contact_inbox__contact__in=people)
    audit.forget(LeftMessage, list(left.values_list("pk", flat=True)))
    left.delete()
    questions.forget_in(conversation_ids=talks)
    ContactNote.objects.filter(contact__in=people).delete()
    # Figures of campaigns stay, without the person; what was estimated about them goes.
    CampaignRecipient.objects.filter(contact__in=people).update(contact=None, address="", error="")
    ChurnScore.objects.filter(contact__in=people).delete()
    ContactMerge.objects.filter(Q(kept__in=people) | Q(gone__in=people)).delete()
    Conversation.objects.filter(pk__in=talks).update(
        preview="", page_url="", referrer="", user_agent="", ip_masked="", attrs={}, updated_at=now
    )
    # The browser or number that wrote is a stranger from now on.
    ContactInbox.objects.filter(contact__in=people).update(source_id=Concat(Value("erased:"), Cast("pk", CharField())))
    Contact.objects.filter(pk__in=people).update(
        name="",
        email="",
        phone_e164="",
        company="",
        identifier=None,
        attrs={},
        consent_at=None,
        consent_text_version="",
        opted_out_at=None,
        opted_out_via="",
        last_page={},
        last_seen_at=None,
        erased_at=now,
        updated_at=now,
    )
    Contact.labels.through.objects.filter(contact__in=people).delete()
    # Lists they stood in, and files in which somebody was about to take everybody's data away.
    ImportLine.objects.filter(contact__in=people).delete()
    exports.forget(DataExport.objects.all())
    found = {"conversations": len(talks), "messages": count, "files": len(files), "webhooks": raw}
    audit.record("chat.contact_erased", by=by, on=Contact(pk=contact.pk), detail=found, now=now)
    _forget_names(people, talks, [row.pk for row in files])
    for key in talks:
        # Whoever has it open reads it again.
        frame = journal.forward({"type": "resync_required", "conversation": str(key)})
        live.push(live.group("agents"), frame)
        live.push(live.group(f"pub.{key}"), frame)
    return found


def _forget_raw(people: list[UUID], doors: list[ContactInbox], talks: list[UUID], *, now: datetime) -> int:
    """Empty what providers sent about these people; says how many. The ids stay, so that nothing is taken in again.

    A notification names its sender by the address of a door, or the message by the id it got from the provider.
    """
    needles = {door.source_id for door in doors if door.inbox.channel != Channel.WEB}
    for email, phone in Contact.objects.filter(pk__in=people).values_list("email", "phone_e164"):
        needles |= {email, phone, phone.removeprefix("+"), phones.twin(phone).removeprefix("+")}
    messages = Message.objects.filter(conversation__in=talks).exclude(source_id="")
    needles |= set(messages.exclude(source_id__startswith="left:").values_list("source_id", flat=True))
    return webhooks.empty([needle for needle in needles if len(needle) >= SHORTEST_NEEDLE], now=now)


def _forget_names(people: list[UUID], talks: list[UUID], files: list[UUID]) -> None:
    """Names beside the audit log go; who did what, and that it was done, stays in it."""
    audit.forget(Contact, people)
    audit.forget(Conversation, talks)
    audit.forget(Attachment, files)


def retain(*, now: datetime) -> int:
    """Delete resolved conversations that are older than their inbox keeps them; says how many. The proof is in the audit log."""
    gone = 0
    for inbox in Inbox.objects.filter(retention_days__gt=0).order_by("pk"):
        before = now - timedelta(days=inbox.retention_days or 0)
        removed = sum(_expired(inbox, before))
        if removed:
            audit.record(
                "chat.conversations_expired",
                on=inbox,
                detail={"count": removed, "before": before.isoformat(), "days": inbox.retention_days},
                now=now,
            )
        gone += removed
    return gone


def _expired(inbox: Inbox, before: datetime) -> Iterator[int]:
    while True:
        with transaction.atomic():
            old = Conversation.objects.filter(inbox=inbox, status=Status.RESOLVED, last_activity_at__lt=before)
            keys = list(
                old.order_by("pk")
                .select_for_update(skip_locked=True, of=("self",))
                .values_list("pk", flat=True)[:BATCH]
            )
            if not keys:
                return
            attachments.remove(list(Attachment.objects.filter(message__conversation__in=keys)))
            questions.forget_in(conversation_ids=keys)
            Conversation.objects.filter(pk__in=keys).delete()
            yield len(keys)


def held_about(email: str) -> Iterable[Mapping[str, Any]]:
    """What is held about an e-mail address, for a request to the whole company."""
    for contact in Contact.objects.filter(email__iexact=email).order_by("pk"):
        yield {**_about(contact), "conversations": [_talk(one) for one in _conversations(contact)]}


def erase_address(email: str) -> int:
    """Erase every contact with an e-mail address; says how many messages that emptied."""
    keys = list(Contact.objects.filter(email__iexact=email).order_by("pk").values_list("pk", flat=True))
    return sum(erase(contact_id=key, by=None)["messages"] for key in keys)


def _contact(contact_id: UUID, *, lock: bool = False) -> Contact:
    rows = Contact.objects.select_for_update() if lock else Contact.objects.all()
    contact = rows.filter(pk=contact_id).first()
    if contact is None:
        raise ContactNotFound()
    return contact


def _everybody(contact: Contact) -> Any:
    """The contact and those who turned out to be the same person."""
    return Contact.objects.filter(Q(pk=contact.pk) | Q(merged_into=contact.pk))


def _conversations(contact: Contact) -> Any:
    return Conversation.objects.with_people().filter(contact__in=_everybody(contact)).order_by("number")


def _files(contact: Contact) -> Any:
    return Attachment.objects.filter(message__conversation__contact__in=_everybody(contact)).order_by("pk")
