"""Contacts: the people outside."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.enums import EventType
from chat.errors import MergeUndone, NotMergeable
from chat.events import ContactsMerged
from chat.models import Contact, ContactInbox, ContactMerge, ContactNote, Conversation, Message, phones
from chat.queries import wire
from chat.services import journal
from ops.kernel import live
from ops.kernel.audit import services as audit
from ops.kernel.errors import Conflict, Invalid
from ops.kernel.outbox import services as outbox

MOST_ATTRIBUTES, ATTRIBUTE_NAME_LIMIT = 50, 60
CHANGEABLE = {"name", "email", "phone_e164", "company", "identifier", "attrs", "blocked"}
# What a merged contact gets from the other one when it has nothing of its own.
FILLED = (
    "name",
    "email",
    "phone_e164",
    "company",
    "consent_at",
    "consent_text_version",
    "opted_out_at",
    "opted_out_via",
    "identifier",
)
# Conversations whose consoles are told one by one that they belong to somebody else now.
MOST_TOLD = 500
# Pages remembered of the way a visitor came to where they are.
PAGES_BEFORE = 5


class IdentifierTaken(Conflict):
    """Another contact is that person already."""

    code = "identifier_taken"
    message = _("Another contact has this identifier.")


@transaction.atomic
def create(*, by: Any = None, now: datetime | None = None, **fields: Any) -> Contact:
    """Add a contact. Raises `Invalid`, `IdentifierTaken`."""
    contact = Contact()
    _fill(contact, fields)
    _save(contact)
    audit.record("chat.contact_created", by=by, on=contact, now=now)
    return contact


@transaction.atomic
def change(*, contact: Contact, by: Any = None, now: datetime | None = None, **fields: Any) -> Contact:
    """Change what is known about a contact. Raises `Invalid`, `IdentifierTaken`."""
    _fill(contact, fields)
    _save(contact)
    audit.record("chat.contact_changed", by=by, on=contact, detail={"fields": sorted(fields)}, now=now)
    tell(contact)
    return contact


@transaction.atomic
def introduce(
    *,
    contact_id: UUID,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    attrs: dict[str, str] | None = None,
) -> Contact:
    """Keep what a visitor says about themselves; an empty value leaves what is known, an empty attribute goes.

    Raises `Invalid`.
    """
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=contact_id)
    given = {"name": name, "email": email, "phone_e164": phone}
    _fill(contact, {field: value for field, value in given.items() if value})
    if attrs:
        merged = {**contact.attrs, **attrs}
        contact.attrs = {key: value for key, value in merged.items() if value}
        if len(contact.attrs) > MOST_ATTRIBUTES or any(len(key) > ATTRIBUTE_NAME_LIMIT for key in attrs):
            raise Invalid(
                _("At most %(count)s attributes with names of up to %(limit)s characters."),
                field="attrs",
                count=MOST_ATTRIBUTES,
                limit=ATTRIBUTE_NAME_LIMIT,
            )
    contact.save()
    tell(contact)
    return contact


def see(*, contact_id: UUID, now: datetime, page: dict[str, str] | None = None) -> None:
    """Remember when, and on which page, a visitor was last here, and the few pages before it, the newest first."""
    changes: dict[str, Any] = {"last_seen_at": now}
    if page is not None:
        here = {"url": page.get("url", "")[:500], "title": page.get("title", "")[:200]}
        last = Contact.objects.filter(pk=contact_id).values_list("last_page", flat=True).first() or {}
        trail = [{name: last.get(name, "") for name in here}, *last.get("before", [])] if last.get("url") else []
        before = [one for one in trail if one["url"] != here["url"]][:PAGES_BEFORE]
        changes["last_page"] = here | ({"before": before} if before else {})
    Contact.objects.filter(pk=contact_id).update(**changes)


@transaction.atomic
def saw(contact_ids: Iterable[UUID], *, now: datetime) -> None:
    """Remember that these visitors were here; one whose row somebody else holds is being written about anyway."""
    free = Contact.objects.filter(pk__in=set(contact_ids)).select_for_update(skip_locked=True, no_key=True)
    Contact.objects.filter(pk__in=free.values("pk")).update(last_seen_at=now)


def current(contact: Contact) -> Contact:
    """The contact, or the one it turned out to be."""
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact


def known_by_phone(phone: str) -> Contact | None:
    """The contact who has had this number longest, with or without the ninth digit; nothing for no number."""
    number = phones.normalise(phone)
    if number is None:
        return None
    rows = Contact.objects.current().filter(phone_match_key=phones.match_key(number))
    return rows.order_by("created_at", "pk").first()


# --- One person twice ------------------------------------------------------------------------------------


@transaction.atomic
def merge(
    *, keep: Contact, gone: Contact, by: Any = None, reason: str = "", now: datetime | None = None
) -> ContactMerge:
    """Make two contacts one: `keep` gets the conversations, notes and addresses of `gone`, and what it lacks itself.

    Nothing of `gone` is thrown away, so `undo_merge` separates them again. Raises `NotMergeable`.
    """
    now = now or timezone.now()
    # Always in one order, so that two merges do not block each other.
    rows = Contact.objects.filter(pk__in={keep.pk, gone.pk}).order_by("pk").select_for_update(of=("self",))
    found = {row.pk: row for row in rows}
    if len(found) != 2 or any(row.merged_into_id for row in found.values()):
        raise NotMergeable(field="contact")
    keep, gone = found[keep.pk], found[gone.pk]
    doors = list(ContactInbox.objects.filter(contact=gone).values_list("pk", flat=True))
    notes = list(ContactNote.objects.filter(contact=gone).values_list("pk", flat=True))
    before: dict[str, Any] = {"attrs": keep.attrs, "blocked": keep.blocked}
    filled: list[str] = []
    for field in FILLED:
        if getattr(gone, field) and not getattr(keep, field):
            filled.append(field)
    identifier = gone.identifier
    if "identifier" in filled:
        # Unique: the one that goes gives it away before the other has it.
        Contact.objects.filter(pk=gone.pk).update(identifier=None)
    for field in filled:
        setattr(keep, field, identifier if field == "identifier" else getattr(gone, field))
    keep.attrs = {**gone.attrs, **keep.attrs}
    keep.blocked = keep.blocked or gone.blocked
    seen = [moment for moment in (keep.last_seen_at, gone.last_seen_at) if moment is not None]
    keep.last_seen_at = max(seen, default=None)
    keep.save()
    Contact.objects.filter(pk=gone.pk).update(merged_into=keep)
    had = set(keep.labels.values_list("pk", flat=True))
    words = [label for label in gone.labels.all() if label.pk not in had]
    keep.labels.add(*words)
    ContactNote.objects.filter(pk__in=notes).update(contact=keep)
    _move(doors, to=keep, was=gone, by=by, now=now)
    done = ContactMerge.objects.create(
        kept=keep,
        gone=gone,
        by=by,
        reason=reason,
        moved={
            "doors": [str(key) for key in doors],
            "notes": [str(key) for key in notes],
            "labels": [str(label.pk) for label in words],
            "filled": filled,
            "before": before,
        },
    )
    audit.record(
        "chat.contacts_merged", by=by, on=keep, detail={"reason": reason}, private={"gone": str(gone)}, now=now
    )
    outbox.publish(ContactsMerged(kept_id=str(keep.pk), gone_id=str(gone.pk), undone=False))
    tell(keep)
    return done


@transaction.atomic
def undo_merge(*, merge: ContactMerge, by: Any, now: datetime | None = None) -> Contact:
    """Separate two contacts again; what came meanwhile through an address goes with that address.

    What the kept one got is taken back where nobody changed it since. Raises `MergeUndone` when it was undone before
    or the kept one was merged further.
    """
    now = now or timezone.now()
    done = ContactMerge.objects.select_for_update().get(pk=merge.pk)
    rows = Contact.objects.filter(pk__in={done.kept_id, done.gone_id}).order_by("pk").select_for_update(of=("self",))
    found = {row.pk: row for row in rows}
    kept, gone = found[done.kept_id], found[done.gone_id]
    if done.undone_at is not None or kept.merged_into_id is not None or gone.merged_into_id != kept.pk:
        raise MergeUndone()
    taken = {}
    for field in done.moved["filled"]:
        # The identifier was moved, not copied.
        mine = kept.identifier if field == "identifier" else getattr(gone, field)
        if getattr(kept, field) == mine:
            taken[field] = mine
            setattr(kept, field, None if field in {"identifier", "consent_at", "opted_out_at"} else "")
    before = done.moved["before"]
    kept.attrs = {
        name: value for name, value in kept.attrs.items() if name in before["attrs"] or gone.attrs.get(name) != value
    }
    if kept.blocked and not before["blocked"] and gone.blocked:
        kept.blocked = False
    kept.save()
    Contact.objects.filter(pk=gone.pk).update(
        merged_into=None, **({"identifier": taken["identifier"]} if "identifier" in taken else {})
    )
    gone.refresh_from_db()
    # A merge from before labels were joined says nothing of them.
    kept.labels.remove(*kept.labels.filter(pk__in=done.moved.get("labels", [])))
    ContactNote.objects.filter(pk__in=done.moved["notes"], contact=kept).update(contact=gone)
    _move([UUID(key) for key in done.moved["doors"]], to=gone, was=kept, by=by, now=now)
    ContactMerge.objects.filter(pk=done.pk).update(undone_at=now)
    audit.record("chat.contacts_separated", by=by, on=kept, private={"back": str(gone)}, now=now)
    outbox.publish(ContactsMerged(kept_id=str(kept.pk), gone_id=str(gone.pk), undone=True))
    tell(kept)
    return gone


def merge_same_phone(*, contact: Contact, now: datetime | None = None) -> Contact:
    """Join a contact whose number a channel has proved with the one who has it already; returns who it is now.

    The ninth digit does not matter. Contacts who are somebody on the website, or write from another e-mail, stay
    apart: one phone of a company has many people.
    """
    if not contact.phone_e164:
        return contact
    key = phones.match_key(contact.phone_e164)
    others = Contact.objects.current().filter(phone_match_key=key).exclude(pk=contact.pk)
    for other in others.order_by("created_at", "pk"):
        if _contradict(contact, other):
            continue
        keep, gone = (other, contact) if other.created_at <= contact.created_at else (contact, other)
        merge(keep=keep, gone=gone, reason="phone", now=now)
        return keep
    return contact


def _contradict(one: Contact, other: Contact) -> bool:
    return any(
        getattr(one, field) and getattr(other, field) and getattr(one, field) != getattr(other, field)
        for field in ("identifier", "email")
    )


def _move(doors: list[UUID], *, to: Contact, was: Contact, by: Any, now: datetime) -> None:
    """Give addresses, their conversations and what was written through them to the other contact."""
    ContactInbox.objects.filter(pk__in=doors).update(contact=to)
    rows = Conversation.objects.filter(contact_inbox__in=doors)
    Message.objects.filter(conversation__in=rows.values("pk"), author_contact=was).update(author_contact=to)
    # Locked in one order, as everybody does who writes several histories.
    keys = list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", "last_activity_at"))
    rows.update(contact=to)
    told = sorted(keys, key=lambda row: row[1], reverse=True)[:MOST_TOLD]
    for key, _moment in sorted(told):
        journal.record(
            conversation_id=key,
            type=EventType.CONTACT_MERGED,
            payload={
                "contact": wire.contact_ref(to),
                "was": str(was.pk),
                "by": wire.agent_author(by) if by is not None else wire.SYSTEM_AUTHOR,
            },
            public=False,
            now=now,
        )


def tell(contact: Contact) -> None:
    """Consoles that show the contact draw it anew. A hint: it has no place in any history."""
    frame = {"type": "contact", "event": "contact.updated", "data": wire.contact(contact)}
    live.push(live.group("agents"), journal.forward(frame))


def _fill(contact: Contact, fields: dict[str, Any]) -> None:
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"These are no fields of a contact: {', '.join(sorted(unknown))}.")
    if fields.get("email"):
        fields["email"] = _email(fields["email"])
    if fields.get("phone_e164"):
        fields["phone_e164"] = _phone(fields["phone_e164"])
    for field, value in fields.items():
        setattr(contact, field, (value or None) if field == "identifier" else value)


def _email(value: str) -> str:
    value = value.strip().lower()
    try:
        validate_email(value)
    except ValidationError as error:
        raise Invalid(_("This is not an e-mail address."), field="email") from error
    return value


def _phone(value: str) -> str:
    """A phone with country code. Brazilian numbers may be written the way people do: (11) 99999-0000."""
    number = phones.normalise(value)
    if number is None:
        raise Invalid(_("Write the phone with its country code, such as +55 11 99999-0000."), field="phone")
    return number


def _save(contact: Contact) -> None:
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError as error:
        raise IdentifierTaken(field="identifier") from error
