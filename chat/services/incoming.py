"""What comes in through channels: each message once, in the right person's conversation."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.utils.translation import gettext as _

from chat.enums import Channel, Delivery, Kind
from chat.models import Attachment, Contact, ContactInbox, Conversation, Inbox, Message, OutgoingPart, phones
from chat.providers.channel import Incoming, IncomingFile, Receipt
from chat.services import attachments, contacts, conversations, message_changes, messages, outgoing
from chat.services.conversations import Visitor
from ops.kernel.errors import DomainError, TemporaryFailure
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

HTML_LIMIT = 200_000


@transaction.atomic
def take_in(*, inbox: Inbox, message: Incoming, now: datetime) -> Message | None:
    """Store one message of a channel; what was stored before, and what a blocked person writes, gives nothing.

    The provider's id makes it the same message, whichever webhook brings it and how often.
    """
    _one_at_a_time(inbox, message)
    known = Message.objects.filter(inbox=inbox, source_id=message.external_id).first()
    if known is not None:
        if message.edited and message.text:
            message_changes.edit_from_visitor(message_id=known.pk, body=_cut(message.text), now=now)
        return None
    visitor = _visitor(inbox, message, now=now)
    if visitor is None:
        return None
    conversation_id = _conversation(inbox, visitor, message, now=now)
    carried, lost = _keep(visitor, [file for file in message.files if file.body], now=now)
    wanted = [file for file in message.files if file.ref]
    meta = dict(message.meta)
    if len(message.text) > messages.BODY_LIMIT:
        meta["cut"] = True
    sent = messages.send_from_visitor(
        conversation_id=conversation_id,
        visitor=visitor,
        body=_cut(message.text),
        body_html=message.html if len(message.html) <= HTML_LIMIT else "",
        kind=Kind.ATTACHMENT if message.files else Kind.TEXT,
        client_id=uuid5(inbox.pk, message.external_id),
        source_id=message.external_id[:255],
        reply_to=_answered(inbox, conversation_id, message.reply_to),
        attachment_ids=carried,
        meta=meta,
        now=now,
    )
    if lost:
        _tell_lost(sent.conversation_id, lost, key=sent.id, now=now)
    if wanted:
        enqueue(
            "chat.fetch_files",
            message_id=str(sent.id),
            files=[{"ref": file.ref, "name": file.name, "mime": file.mime, "voice": file.voice} for file in wanted],
        )
    return Message.objects.get(pk=sent.id)


def fetch_files(*, message_id: UUID, files: Sequence[dict[str, Any]], now: datetime) -> None:
    """Fetch the files of a message from its provider and give them to it, all at once; a second run finds them there.

    Raises `TemporaryFailure` when the provider does not answer, for the task to try again.
    """
    row = Message.objects.select_related("conversation__contact", "inbox__account").filter(pk=message_id).first()
    if row is None or row.deleted_at is not None or row.inbox is None or row.attachments.exists():
        return
    provider = outgoing.messenger(row.inbox)
    fetched: list[IncomingFile] = []
    lost: list[tuple[str, str]] = []
    for wanted in files:
        try:
            found = provider.download(wanted["ref"])
        except TemporaryFailure:
            raise
        except DomainError as error:
            lost.append((wanted["name"], str(error)))
            continue
        fetched.append(
            IncomingFile(name=wanted["name"] or found.name, mime=wanted["mime"], voice=wanted["voice"], body=found.body)
        )
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update(of=("self",)).get(pk=row.conversation_id)
        if Attachment.objects.filter(message=row.pk).exists():
            return
        carried, refused = _keep(conversations.visitor_of(conversation), fetched, now=now)
        if carried:
            rows = attachments.ready_for(carried, conversations.visitor_of(conversation))
            attachments.carry(rows, message_id=row.pk)
            message_changes.tell_files(message_id=row.pk, now=now)
        if lost or refused:
            _tell_lost(conversation.pk, [*lost, *refused], key=row.pk, now=now)


@transaction.atomic
def give_up_files(*, message_id: UUID, files: Sequence[dict[str, Any]], now: datetime) -> None:
    """Tell the team that files of a message will not come."""
    row = Message.objects.filter(pk=message_id).first()
    if row is not None:
        lost = [(wanted["name"], str(_("the provider does not answer"))) for wanted in files]
        _tell_lost(row.conversation_id, lost, key=row.pk, now=now)


@transaction.atomic
def take_receipt(*, inbox: Inbox, receipt: Receipt, now: datetime) -> None:
    """Remember how far a message of ours got. Receipts come twice and in any order: the state only moves up.

    One may overtake the answer that names the message; then our own reference in it says which part is meant.
    Receipts of messages that were sent from elsewhere are not ours.
    """
    rows = OutgoingPart.objects.filter(inbox=inbox)
    part = rows.filter(external_id=receipt.external_id).first()
    if part is None and (reference := _uuid(receipt.reference)) is not None:
        part = rows.filter(pk=reference, external_id="").first()
    if part is None:
        return
    outgoing.advance(
        part_id=part.pk,
        delivery=Delivery(receipt.delivery),
        external_id=receipt.external_id,
        error=receipt.error,
        now=now,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _one_at_a_time(inbox: Inbox, message: Incoming) -> None:
    """Two messages of a new person at once would make them two people."""
    who = phones.match_key(message.phone) if message.phone else message.sender
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(current_schema() || %s))", [f":chat.sender:{inbox.pk}:{who}"]
        )


def _visitor(inbox: Inbox, message: Incoming, *, now: datetime) -> Visitor | None:
    """Who wrote, made at the first time; nothing for somebody the team blocked."""
    link = _link(inbox, message)
    if link is None:
        contact = _known(inbox, message) or _new(message)
        link = ContactInbox.objects.create(contact=contact, inbox=inbox, source_id=message.sender[:128])
    elif link.source_id != message.sender:
        # The same person under the other form of the number: answers go where the last word came from.
        link.source_id = message.sender[:128]
        link.save(update_fields=["source_id", "updated_at"])
    contact = link.contact
    if message.phone and not contact.phone_e164 and phones.normalise(message.phone):
        contact = contacts.introduce(contact_id=contact.pk, phone=message.phone)
    contact = contacts.merge_same_phone(contact=contact, now=now)
    if contact.blocked:
        return None
    fresh = {name: value for name, value in message.attrs.items() if contact.attrs.get(name) != value}
    if fresh or (message.name and not contact.name):
        contact = contacts.introduce(
            contact_id=contact.pk, name=None if contact.name else message.name[:120], attrs=fresh
        )
    Contact.objects.filter(pk=contact.pk).update(last_seen_at=now)
    return Visitor(contact_inbox_id=link.pk, contact_id=contact.pk, inbox_id=inbox.pk, name=contact.name)


def _link(inbox: Inbox, message: Incoming) -> ContactInbox | None:
    rows = ContactInbox.objects.select_related("contact").filter(inbox=inbox)
    found = rows.filter(source_id=message.sender).first()
    if found is None and inbox.channel == Channel.WHATSAPP and (other := phones.twin(message.phone)):
        found = rows.filter(source_id=other.lstrip("+")).first()
    return found


def _known(inbox: Inbox, message: Incoming) -> Contact | None:
    """Somebody who came another way before: a channel proves the number, or the address, its people write from."""
    if message.phone:
        return contacts.known_by_phone(message.phone)
    if message.email and inbox.channel == Channel.EMAIL:
        return Contact.objects.current().filter(email=message.email).order_by("created_at", "pk").first()
    return None


def _new(message: Incoming) -> Contact:
    given: dict[str, Any] = {"name": message.name[:120]}
    if message.phone and phones.normalise(message.phone):
        given["phone_e164"] = message.phone
    if message.email:
        given["email"] = message.email
    return contacts.create(**given)


def _conversation(inbox: Inbox, visitor: Visitor, message: Incoming, *, now: datetime) -> UUID:
    """Where the message belongs: a mail to its thread, everything else to the person's latest conversation."""
    mine = Conversation.objects.of_visitor(visitor.contact_inbox_id).filter(merged_into=None)
    found: UUID | None = None
    if inbox.channel == Channel.EMAIL:
        for earlier in message.thread:
            found = mine.filter(messages__inbox=inbox, messages__source_id=earlier).values_list("pk", flat=True).first()
            if found is not None:
                break
    else:
        found = mine.order_by("-last_activity_at", "-pk").values_list("pk", flat=True).first()
    if found is not None:
        return found
    made = conversations.start(visitor=visitor, client_id=uuid5(inbox.pk, f"start:{message.external_id}"), now=now)
    return made.pk


def _answered(inbox: Inbox, conversation_id: UUID, external_id: str) -> UUID | None:
    if not external_id:
        return None
    rows = Message.objects.filter(inbox=inbox, conversation=conversation_id)
    found = rows.filter(source_id=external_id).values_list("pk", flat=True).first()
    if found is None:
        parts = OutgoingPart.objects.filter(inbox=inbox, external_id=external_id)
        found = parts.filter(message__conversation=conversation_id).values_list("message_id", flat=True).first()
    return found


def _keep(
    visitor: Visitor, files: Sequence[IncomingFile], *, now: datetime
) -> tuple[list[UUID], list[tuple[str, str]]]:
    """Files as uploads of the visitor; and those that could not be kept, with the reason."""
    kept: list[UUID] = []
    lost: list[tuple[str, str]] = []
    for position, file in enumerate(files):
        if position >= attachments.PER_MESSAGE:
            lost.append((file.name, str(_("too many files at once"))))
            continue
        try:
            row = attachments.begin(owner=visitor, name=file.name, bytes=len(file.body), voice=file.voice, now=now)
            for start in range(0, len(file.body), attachments.PIECE_LIMIT):
                attachments.put(
                    attachment_id=row.pk,
                    owner=visitor,
                    body=file.body[start : start + attachments.PIECE_LIMIT],
                    start=start,
                )
        except DomainError as error:
            lost.append((file.name, str(error)))
        else:
            kept.append(row.pk)
    return kept, lost


def _tell_lost(conversation_id: UUID, lost: Sequence[tuple[str, str]], *, key: UUID, now: datetime) -> None:
    """A note for the team: the person believes that these files arrived."""
    lines = "\n".join(f"{name}: {reason}" for name, reason in lost)
    messages.send_from_bot(
        conversation_id=conversation_id,
        bot=None,
        private=True,
        body=_("These files could not be kept:\n%(files)s") % {"files": lines[:2000]},
        client_id=uuid5(key, "lost files"),
        now=now,
    )


def _cut(text: str) -> str:
    return text if len(text) <= messages.BODY_LIMIT else text[: messages.BODY_LIMIT - 1] + "…"
