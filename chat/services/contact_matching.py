"""Whom the line of a spreadsheet is about, and what it changes about them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from chat.enums import LineOutcome
from chat.models import Contact, ContactImport, Label, phones
from chat.services import contact_rows
from chat.services.contact_rows import Refused, Row
from chat.services.contacts import MOST_ATTRIBUTES

FIELDS = ("name", "email", "phone_e164", "company")
MOST_NEW_LABELS = 100


@dataclass(slots=True)
class Person:
    """A contact as far as a line can meet it."""

    id: UUID | None
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    identifier: str = ""
    attrs: dict[str, str] = dataclasses.field(default_factory=dict)
    labels: set[str] = dataclasses.field(default_factory=set)
    aliases: set[str] = dataclasses.field(default_factory=set)
    erased: bool = False
    changed: bool = False
    fresh: bool = False


class People:
    """Who is known, by what a line can find them by. Whoever has been known longest comes first."""

    def __init__(self) -> None:
        self.by_identifier: dict[str, Person] = {}
        self.by_email: dict[str, list[Person]] = {}
        self.by_phone: dict[str, list[Person]] = {}
        self.by_id: dict[UUID, Person] = {}

    def note(self, person: Person) -> None:
        """Let lines find a person by what is known of them now."""
        if person.identifier:
            self.by_identifier.setdefault(person.identifier, person)
        for shelf, key in ((self.by_email, person.email), (self.by_phone, phones.match_key(person.phone))):
            if key and not any(one is person for one in shelf.setdefault(key, [])):
                shelf[key].append(person)

    def find(self, row: Row) -> Person | None:
        """Whom a line is about. Who contradicts it in something stronger is somebody else."""
        if row.identifier and row.identifier in self.by_identifier:
            return self.by_identifier[row.identifier]
        for person in self.by_email.get(row.email, ()) if row.email else ():
            if person.email == row.email and not _contradict(row.identifier, person.identifier):
                return person
        for person in self.by_phone.get(phones.match_key(row.phone), ()) if row.phone else ():
            if not _contradict(row.identifier, person.identifier) and not _contradict(row.email, person.email):
                return person
        return None

    def load(self, rows: Sequence[Row], *, lock: bool) -> None:
        """Read whoever these lines could be about: one query."""
        wanted = Q(identifier__in={row.identifier for row in rows if row.identifier})
        wanted |= Q(merged_into=None, email__in={row.email for row in rows if row.email})
        wanted |= Q(merged_into=None, phone_match_key__in={phones.match_key(row.phone) for row in rows if row.phone})
        found = Contact.objects.filter(wanted).order_by("pk")
        if lock:
            found = found.select_for_update(of=("self",))
        known = list(found.only(*FIELDS, "identifier", "attrs", "merged_into", "erased_at"))
        worn: dict[UUID, set[str]] = {}
        pairs = Contact.labels.through.objects.filter(contact__in=[one.pk for one in known])
        for key, name in pairs.values_list("contact_id", Lower("label__name")):
            worn.setdefault(key, set()).add(name)
        for one in known:
            now = _current(one)
            person = self.by_id.get(now.pk) or Person(
                id=now.pk,
                name=now.name,
                email=now.email.lower(),
                phone=now.phone_e164,
                company=now.company,
                identifier=now.identifier or "",
                attrs=dict(now.attrs),
                labels=worn.get(now.pk, set()),
                erased=now.erased_at is not None,
            )
            if now.pk not in self.by_id:
                self.by_id[now.pk] = person
                self.note(person)
            if now is not one and one.identifier:
                # An identifier that stayed with somebody who turned out to be this person.
                person.aliases.add(one.identifier)
                self.by_identifier.setdefault(one.identifier, person)


def _current(contact: Contact) -> Contact:
    while contact.merged_into is not None:
        contact = contact.merged_into
    return contact


def _contradict(one: str, other: str) -> bool:
    return bool(one and other and one != other)


@dataclass(slots=True)
class Verdict:
    """What happens to one line."""

    number: int
    outcome: LineOutcome
    who: str = ""
    field: str = ""
    reason: str = ""
    cells: list[str] = dataclasses.field(default_factory=list)
    person: Person | None = None


class Plan:
    """Goes through lines in their order; what one line says about a person, the next one meets."""

    def __init__(self, transfer: ContactImport, people: People, labels: dict[str, Label]) -> None:
        self.transfer = transfer
        self.people = people
        self.labels = labels
        self.new_labels: dict[str, str] = {}

    def decide(self, records: Sequence[tuple[int, list[str]]], *, lock: bool = False) -> list[Verdict]:
        """The verdict on every line of a batch."""
        read: list[tuple[int, list[str], Row | Refused]] = []
        for number, cells in records:
            try:
                read.append((number, cells, contact_rows.clean(cells, self.transfer.mapping)))
            except Refused as refusal:
                read.append((number, cells, refusal))
        self.people.load([row for _number, _cells, row in read if isinstance(row, Row)], lock=lock)
        verdicts = []
        for number, cells, row in read:
            try:
                if isinstance(row, Refused):
                    raise row
                verdicts.append(self._one(number, row))
            except Refused as refusal:
                who = row.who if isinstance(row, Row) else next((cell.strip() for cell in cells if cell.strip()), "")
                verdicts.append(
                    Verdict(number, LineOutcome.REFUSED, who[:120], refusal.field[:80], refusal.reason, cells)
                )
        return verdicts

    def _one(self, number: int, row: Row) -> Verdict:
        missing = {key: name for name in row.labels if (key := name.lower()) not in self.labels}
        if len(self.new_labels.keys() | missing.keys()) > MOST_NEW_LABELS:
            raise Refused("labels", "labels")
        person = self.people.find(row)
        if person is not None and person.erased:
            raise Refused("erased")
        if person is not None and not self.transfer.update_known:
            return Verdict(number, LineOutcome.SKIPPED, row.who, reason="known", person=person)
        self.new_labels |= missing
        if person is None:
            person = Person(id=None, fresh=True)
            self._take(person, row)
            self.people.note(person)
            return Verdict(number, LineOutcome.NEW, row.who, person=person)
        if not self._take(person, row):
            return Verdict(number, LineOutcome.SKIPPED, row.who, reason="same", person=person)
        person.changed = True
        self.people.note(person)
        return Verdict(number, LineOutcome.UPDATED, row.who, person=person)

    def _take(self, person: Person, row: Row) -> bool:
        """What the line knows better; whether that is anything. Nothing is ever emptied."""
        attrs = {**person.attrs, **row.attrs}
        if len(attrs) > MOST_ATTRIBUTES:
            raise Refused("attributes")
        news = False
        for name in ("name", "email", "phone", "company", "identifier"):
            value = getattr(row, name)
            if name == "phone" and phones.match_key(value) == phones.match_key(person.phone):
                continue  # the same number, with or without its ninth digit
            if name == "identifier" and value in person.aliases:
                continue
            if value and value != getattr(person, name):
                setattr(person, name, value)
                news = True
        wanted = {name.lower() for name in row.labels}
        news = news or attrs != person.attrs or not wanted <= person.labels
        person.attrs = attrs
        person.labels = person.labels | wanted
        return news
