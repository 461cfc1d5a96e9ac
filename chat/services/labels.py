"""Labels: the tenant's words for sorting conversations and people, and putting them on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.enums import EventType, LabelColor
from chat.errors import ContactNotFound, ConversationNotFound, NameTaken
from chat.models import Contact, Conversation, Label
from chat.queries import wire
from chat.services import catalogue, contacts, journal
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid

MOST_ON_ONE = 30


@transaction.atomic
def create(
    *, name: str, by: Any, color: str = LabelColor.GRAY, description: str = "", now: datetime | None = None
) -> Label:
    """Add a label. Raises `NameTaken`, `Invalid`."""
    label = Label()
    _fill(label, name=name, color=color, description=description)
    _save(label)
    audit.record("chat.label_created", by=by, on=label, now=now)
    catalogue.changed("labels")
    return label


@transaction.atomic
def change(*, label: Label, by: Any, now: datetime | None = None, **fields: str) -> Label:
    """Change a label's name, colour or description, on every conversation that has it. Raises `NameTaken`, `Invalid`."""
    _fill(label, **fields)
    _save(label)
    audit.record("chat.label_changed", by=by, on=label, detail={"fields": sorted(fields)}, now=now)
    catalogue.changed("labels")
    return label


@transaction.atomic
def delete(*, label: Label, by: Any, now: datetime | None = None) -> None:
    """Remove a label, from the conversations that have it too. Consoles read their labels anew."""
    audit.record("chat.label_deleted", by=by, on=label, now=now)
    label.delete()
    catalogue.changed("labels")


def set_on(
    *, conversation_id: UUID, labels: Iterable[Label | UUID | str], by: Any = None, now: datetime | None = None
) -> None:
    """Give a conversation exactly these labels. Raises `ConversationNotFound`, `Invalid` for a label that is none."""
    wanted = found(labels)
    _put(conversation_id, lambda _before: wanted, by=by, now=now)


def change_on(
    *,
    conversation_id: UUID,
    add: Iterable[Label | UUID | str] = (),
    remove: Iterable[Label | UUID | str] = (),
    by: Any = None,
    now: datetime | None = None,
) -> None:
    """Add and take off labels, and leave the others. What is there already, or not there, is no change."""
    more, less = found(add), found(remove)
    _put(conversation_id, lambda before: (before | more) - less, by=by, now=now)


@transaction.atomic
def _put(conversation_id: UUID, choose: Any, *, by: Any, now: datetime | None) -> None:
    now = now or timezone.now()
    conversation = Conversation.objects.filter(pk=conversation_id).select_for_update(of=("self",)).first()
    if conversation is None:
        raise ConversationNotFound()
    before = set(conversation.labels.all())
    after: set[Label] = choose(before)
    if after == before:
        return
    if len(after) > MOST_ON_ONE:
        raise Invalid(field="labels")
    conversation.labels.set(after)
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_LABELS,
        payload={
            "labels": wire.labels(after),
            "by": wire.agent_author(by) if by is not None else wire.SYSTEM_AUTHOR,
        },
        public=False,
        activity={
            "action": "labels",
            "added": sorted(label.name for label in after - before),
            "removed": sorted(label.name for label in before - after),
        },
        by=by,
        now=now,
    )


def set_on_contact(
    *, contact_id: UUID, labels: Iterable[Label | UUID | str], by: Any = None, now: datetime | None = None
) -> Contact:
    """Give a person exactly these labels. Raises `ContactNotFound`, `Invalid` for a label that is none."""
    wanted = found(labels)
    return _put_on_contact(contact_id, lambda _before: wanted, by=by, now=now)


def change_on_contact(
    *,
    contact_id: UUID,
    add: Iterable[Label | UUID | str] = (),
    remove: Iterable[Label | UUID | str] = (),
    by: Any = None,
    now: datetime | None = None,
) -> Contact:
    """Add labels to a person and take some off, and leave the others. Raises as `set_on_contact` does."""
    more, less = found(add), found(remove)
    return _put_on_contact(contact_id, lambda before: (before | more) - less, by=by, now=now)


@transaction.atomic
def _put_on_contact(contact_id: UUID, choose: Any, *, by: Any, now: datetime | None) -> Contact:
    """Whoever turned out to be somebody else, or is erased, wears none."""
    rows = Contact.objects.current().filter(erased_at=None)
    contact = rows.filter(pk=contact_id).select_for_update(of=("self",)).first()
    if contact is None:
        raise ContactNotFound()
    before = set(contact.labels.all())
    after: set[Label] = choose(before)
    if after == before:
        return contact
    if len(after) > MOST_ON_ONE:
        raise Invalid(field="labels")
    contact.labels.set(after)
    detail = {
        "added": sorted(label.name for label in after - before),
        "removed": sorted(label.name for label in before - after),
    }
    audit.record("chat.contact_labels_changed", by=by, on=contact, detail=detail, now=now)
    contacts.tell(contact)
    return contact


def found(given: Iterable[Label | UUID | str]) -> set[Label]:
    """Labels of these labels or ids. Raises `Invalid` when one is not there."""
    rows, keys = set(), set()
    for one in given:
        if isinstance(one, Label):
            rows.add(one)
        else:
            keys.add(_key(one))
    known = set(Label.objects.filter(pk__in=keys)) if keys else set()
    if len(known) != len(keys):
        raise Invalid(field="labels")
    return rows | known


def _key(text: UUID | str) -> UUID:
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError as error:
        raise Invalid(field="labels") from error


def _fill(label: Label, **fields: str) -> None:
    if "name" in fields:
        fields["name"] = " ".join(fields["name"].split())
        if not fields["name"] or len(fields["name"]) > 40:
            raise Invalid(field="name")
    if "color" in fields and fields["color"] not in LabelColor.values:
        raise Invalid(field="color")
    for name, value in fields.items():
        setattr(label, name, value)


def _save(label: Label) -> None:
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError as error:
        raise NameTaken(field="name") from error
