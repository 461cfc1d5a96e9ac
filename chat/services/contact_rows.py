"""Spreadsheets of contacts as people make them: how they are encoded, what their columns are, what a line says.

Nothing here touches the database; `contact_imports` decides what a line does to the contacts that are known.
"""

import codecs
import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.models import phones
from chat.services.contacts import ATTRIBUTE_NAME_LIMIT, MOST_ATTRIBUTES
from chat.services.spreadsheet import FORMULA

DELIMITERS = (",", ";", "\t", "|")
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
LOOKED_AT = 30
MOST_COLUMNS = 100
CELL_LIMIT = 2_000
NAME_LIMIT, LABEL_LIMIT = 120, 40

# What a column may become. `attr:` is followed by the name of a custom attribute.
ATTRIBUTE = "attr:"
TARGETS: dict[str, str | Promise] = {
    "": _("Leave out"),
    "name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "company": _("Company"),
    "identifier": _("Identifier"),
    "labels": _("Labels"),
    "attributes": _("Several attributes (as in our own export)"),
}
# What such columns are called in files of other products, without accents, in lower case.
KNOWN_HEADINGS = {
    "name": {"name", "nome", "full name", "nome completo", "contact", "contato", "cliente", "customer", "display name"},
    "first_name": {"first name", "primeiro nome", "given name", "firstname"},
    "last_name": {"last name", "sobrenome", "surname", "family name", "lastname"},
    "email": {"email", "e-mail", "mail", "email address", "e-mail address", "endereco de e-mail", "endereco de email"},
    "phone": {
        *("phone", "telefone", "celular", "mobile", "phone number", "whatsapp", "fone", "tel", "numero", "cell"),
        *("numero de telefone", "telefone celular", "mobile phone", "phone_number"),
    },
    "company": {"company", "empresa", "organization", "organizacao", "company name", "organisation", "company_name"},
    "identifier": {
        *("identifier", "identificador", "id", "codigo", "external id", "customer id", "id do cliente", "external_id"),
    },
    "labels": {"labels", "label", "tags", "tag", "etiquetas", "etiqueta", "marcadores"},
    "attributes": {"attributes"},
}
# Columns of our own export that say nothing about a person, known by the last of them.
OWN = {"id", "blocked", "consent at", "consent text version", "last seen at", "created at"}
# The last column of the file of refused lines; uploaded again it is left out by itself.
REASON_HEADING = _("Why it was refused")


UNREADABLE: dict[str, str | Promise] = {
    "binary": _("This is no CSV file. In your spreadsheet program, save it as CSV first."),
    "empty": _("The file is empty. Its first line must hold the names of the columns."),
    "headings": _("The file has headings, but no line below them."),
    "columns": _("The file has too many columns."),
}


class Unreadable(Exception):
    """The file is no spreadsheet; the argument is the code of the reason."""


class Refused(Exception):
    """A line cannot be taken."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file turned out to be."""

    encoding: str
    delimiter: str
    headings: list[str]
    lines: int


@dataclass(slots=True)
class Row:
    """What one line says about a person, cleaned."""

    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    identifier: str = ""
    labels: list[str] = field(default_factory=list)
    attrs: dict[str, str] = field(default_factory=dict)

    @property
    def who(self) -> str:
        """How a list of lines names it."""
        return (self.name or self.email or self.phone or self.identifier)[:120]


def look(raw: bytes) -> Sheet:
    """What a file is. Raises `Unreadable` with `binary`, `empty`, `headings` or `columns`."""
    encoding = _encoding(raw)
    text = raw.decode(encoding)
    if "\x00" in text:
        raise Unreadable("binary")
    delimiter = _delimiter(text)
    records = read(text, delimiter)
    headings = [_heading(cell) for cell in next(records, (0, []))[1]]
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        raise Unreadable("empty")
    if len(headings) > MOST_COLUMNS:
        raise Unreadable("columns")
    lines = sum(1 for _record in records)
    if not lines:
        raise Unreadable("headings")
    return Sheet(encoding, delimiter, headings, lines)


def read(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with the number of the line it begins on; lines without a word are passed over.

    A lone quotation mark makes no error but a long cell, as in every program that reads such files.
    """
    source = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    while True:
        try:
            cells = next(source)
        except StopIteration:
            return
        except csv.Error:
            # A cell beyond the reader's own limit.
            yield begins, ["" for _number in range(MOST_COLUMNS + 1)]
            begins = source.line_num + 1
            continue
        if any(cell.strip() for cell in cells):
            yield begins, cells
        begins = source.line_num + 1


def _encoding(raw: bytes) -> str:
    for mark, name in BOMS:
        if raw.startswith(mark):
            try:
                raw.decode(name)
            except UnicodeDecodeError as error:
                raise Unreadable("binary") from error
            return name
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        # What Excel writes in Brazil; the few bytes it leaves open are letters of nobody.
        try:
            raw.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return "utf-8"


def _delimiter(text: str) -> str:
    """What cuts the first lines into the most columns, the same number in each."""
    head = text[:65_536]

    def score(candidate: str) -> tuple[int, int]:
        widths = []
        for _number, cells in read(head, candidate):
            widths.append(len(cells))
            if len(widths) == LOOKED_AT:
                break
        first = widths[0] if widths else 0
        return (sum(width == first for width in widths) if first > 1 else 0, first)

    return max(DELIMITERS, key=score)


def _heading(cell: str) -> str:
    return " ".join(cell.split())[:80]


def _plain(text: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[\s_]+", " ", bare).strip().lower()


def suggest(headings: Sequence[str]) -> list[str]:
    """For each column what it most likely becomes; each target once, everything else an attribute of that name."""
    found: list[str] = []
    all_plain = {_plain(heading) for heading in headings}
    left_out = OWN if all_plain >= OWN else set()
    for heading in headings:
        plain = _plain(heading)
        if heading == str(REASON_HEADING) or plain in left_out:
            found.append("")
            continue
        target = next(
            (name for name, words in KNOWN_HEADINGS.items() if plain in words and name not in found),
            ATTRIBUTE + heading[:ATTRIBUTE_NAME_LIMIT] if heading else "",
        )
        found.append(target)
    if "name" in found:
        # A whole name makes its halves an attribute.
        halves = {"first_name", "last_name"}
        found = [ATTRIBUTE + headings[number] if target in halves else target for number, target in enumerate(found)]
    return found


def clean(cells: Sequence[str], mapping: Sequence[str]) -> Row:
    """What a line says. Raises `Refused` with the reason and the field it is about."""
    if any(cell.strip() for cell in cells[len(mapping) :]):
        raise Refused("cells")
    row = Row()
    first = last = ""
    for target, cell in zip(mapping, cells, strict=False):
        value = _cell(cell)
        if not target or not value:
            continue
        if len(value) > CELL_LIMIT:
            raise Refused("long", target)
        if target == "email":
            row.email = _email(value)
        elif target == "phone":
            number = phones.normalise(value)
            if number is None:
                raise Refused("phone", target)
            row.phone = number
        elif target == "labels":
            row.labels = _labels(value)
        elif target == "first_name":
            first = value
        elif target == "last_name":
            last = value
        elif target == "attributes":
            row.attrs |= _attributes(value)
        elif target.startswith(ATTRIBUTE):
            row.attrs[target.removeprefix(ATTRIBUTE)] = value
        else:
            setattr(row, target, _short(value, target))
    if not row.name:
        row.name = _short(" ".join(filter(None, (first, last))), "name")
    if len(row.attrs) > MOST_ATTRIBUTES:
        raise Refused("attributes")
    if not row.who:
        raise Refused("nobody")
    return row


def _cell(cell: str) -> str:
    text = cell.strip()
    # What our own export, and others', put before a text so that no spreadsheet runs it.
    if text.startswith("'") and text[1:2] in FORMULA and len(text) > 1:
        text = text[1:].strip()
    return text


def _short(value: str, target: str) -> str:
    if len(value) > NAME_LIMIT:
        raise Refused("long", target)
    return value


def _email(value: str) -> str:
    value = value.lower()
    try:
        validate_email(value)
    except ValidationError as error:
        raise Refused("email", "email") from error
    if len(value) > 254:
        raise Refused("long", "email")
    return value


def _labels(value: str) -> list[str]:
    found: dict[str, str] = {}
    for part in re.split(r"[,;|]", value):
        name = " ".join(part.split())
        if len(name) > LABEL_LIMIT:
            raise Refused("long", "labels")
        if name:
            found.setdefault(name.lower(), name)
    return list(found.values())


def _attributes(value: str) -> dict[str, str]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Refused("attributes", "attributes") from error
    if not isinstance(found, dict) or any(len(name) > ATTRIBUTE_NAME_LIMIT for name in found):
        raise Refused("attributes", "attributes")
    return {name: str(one) for name, one in found.items() if one not in ("", None)}
