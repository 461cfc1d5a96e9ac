"""Letters in a company's own words: a subject and Markdown with places like `{{name}}`, set into the brand's frame.

The words are the company's, the values are strangers': a value is put into the finished page as text, so a visitor
who calls herself `[win](http://…)` stays a visitor with an odd name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import nh3
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context
from markdown_it import MarkdownIt

from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, NotFound
from tenants import letterbook
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import LetterText, Reseller, Tenant

MOST_SUBJECT, MOST_BODY = 150, 10_000
PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
# How the Markdown parser writes a place that stands in an address.
PLACE_IN_ADDRESS = re.compile(r"%7B%7B(?:%20)*([a-z_]+)(?:%20)*%7D%7D", re.IGNORECASE)
SPOT = re.compile(
    r"(?P<button><p>(?:<a href=\"\{\{link\}\}\"[^>]*>(?P<words>[^<]+)</a>|\{\{link\}\})</p>)"
    r"|<p>\{\{(?P<alone>[a-z_]+)\}\}</p>|\{\{(?P<place>[a-z_]+)\}\}"
)
TAGS = {"p", "br", "strong", "em", "s", "a", "ul", "ol", "li", "h2", "h3", "hr", "blockquote"}
PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")


@dataclass(frozen=True, slots=True)
class Words:
    """A subject and Markdown, before any value is in them."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it leaves; `html` goes into the brand's frame."""

    subject: str
    text: str
    html: SafeString


def chosen(name: str, *, tenant: Tenant | None, reseller: Reseller | None, language: str) -> Words | None:
    """The tenant's own words for a letter, else its reseller's; nothing where the product's stand."""
    if name not in letterbook.letters:
        return None
    if tenant is not None and not tenant.is_public:
        reseller = tenant.reseller
    else:
        tenant = None
    if tenant is None and reseller is None:
        return None
    with schema_context(PUBLIC_SCHEMA):
        rows = list(
            LetterText.objects.filter(
                Q(tenant=tenant, tenant__isnull=False) | Q(reseller=reseller, reseller__isnull=False),
                letter=name,
                language=language,
            )
        )
    row = min(rows, key=lambda one: one.tenant_id is None, default=None)
    return Words(row.subject, row.body) if row else None


def own(*, owner: Tenant | Reseller) -> dict[tuple[str, str], LetterText]:
    """What an owner wrote, by letter and language."""
    with schema_context(PUBLIC_SCHEMA):
        return {(row.letter, row.language): row for row in LetterText.objects.of(owner)}


def standard(name: str, *, language: str) -> Words:
    """The product's own words as a start for somebody's own: its text with places where values go. Raises `NotFound`."""
    letter = _letter(name)
    blank = {key: f"{{{{{key}}}}}" for key in letter.all_places}
    context = {
        **blank,
        "brand": SimpleNamespace(display_name=blank["company"]),
        "to": blank["email"],
        "person": SimpleNamespace(email=blank["email"], name=blank.get("name", "")),
        "reset_url": blank.get(letterbook.LINK, ""),
        # What a template would repeat is one place here.
        "lines": [],
    }
    with translation.override(language):
        if letter.body:
            return Words(str(letter.subject), str(letter.body))
        subject = " ".join(render_to_string(f"emails/{name}.subject", context).split())
        body = render_to_string(f"emails/{name}.txt", context).strip()
        if letter.action:
            body = re.sub(
                r"^\{\{link\}\}$", lambda _found: f"\n[{letter.action}]({{{{link}}}})\n", body, flags=re.MULTILINE
            )
    # What the product's template draws by itself stands at the end.
    for key in sorted(letter.needs - set(PLACE.findall(body))):
        body += f"\n\n{blank[key]}"
    return Words(subject, re.sub(r"\n{3,}", "\n\n", body))


def all_standing(*, tenant: Tenant) -> dict[tuple[str, str], tuple[Words, bool]]:
    """The words of every letter in every language, and whether they are the tenant's own; asked once."""
    with schema_context(PUBLIC_SCHEMA):
        above = LetterText.objects.of(tenant.reseller) if tenant.reseller else ()
        theirs = {(row.letter, row.language): Words(row.subject, row.body) for row in above}
    mine = {key: Words(row.subject, row.body) for key, row in own(owner=tenant).items()}
    found: dict[tuple[str, str], tuple[Words, bool]] = {}
    for name in letterbook.letters.keys():  # noqa: SIM118 (a registry yields its items)
        for language, _label in settings.LANGUAGES:
            key = (name, language)
            found[key] = (mine.get(key) or theirs.get(key) or standard(name, language=language), key in mine)
    return found


def standing(name: str, *, tenant: Tenant | None, reseller: Reseller | None = None, language: str) -> Words:
    """The words a letter leaves with: one's own, the reseller's, or the product's. Raises `NotFound`."""
    return chosen(name, tenant=tenant, reseller=reseller, language=language) or standard(name, language=language)


def save(*, owner: Tenant | Reseller, name: str, language: str, words: Words, by: Any, now: datetime) -> LetterText:
    """Write a letter in one's own words. Raises `NotFound` or `Invalid`, naming `subject` or `body`."""
    words = checked(name, language=language, words=words)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        type(owner).objects.select_for_update(of=("self",)).get(pk=owner.pk)
        row, _made = LetterText.objects.update_or_create(
            **_key(owner), letter=name, language=language, defaults={"subject": words.subject, "body": words.body}
        )
        audit.record("tenants.letter_written", by=by, on=owner, detail={"letter": name, "language": language}, now=now)
    return row


def reset(*, owner: Tenant | Reseller, name: str, language: str, by: Any, now: datetime) -> bool:
    """Back to the words from above; says whether there was something to take back."""
    _letter(name)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        gone, _detail = LetterText.objects.of(owner).filter(letter=name, language=language).delete()
        if gone:
            audit.record(
                "tenants.letter_reset", by=by, on=owner, detail={"letter": name, "language": language}, now=now
            )
    return bool(gone)


def checked(name: str, *, language: str, words: Words) -> Words:
    """The words without what cannot be. Raises `NotFound` for the letter or language, `Invalid` for the words."""
    letter = _letter(name)
    if language not in dict(settings.LANGUAGES):
        raise NotFound
    subject = " ".join(words.subject.replace("\x00", "").split())
    body = words.body.replace("\r\n", "\n").replace("\x00", "").strip()
    for field, text, most in (("subject", subject, MOST_SUBJECT), ("body", body, MOST_BODY)):
        if not text:
            raise Invalid(_("This cannot be empty."), field=field)
        if len(text) > most:
            raise Invalid(_("At most %(most)s characters.") % {"most": most}, field=field)
        for place in PLACE.findall(text):
            if place not in letter.all_places:
                raise Invalid(
                    _("This letter has no place called %(place)s.") % {"place": f"{{{{{place}}}}}"}, field=field
                )
    if letterbook.LINK in PLACE.findall(subject):
        raise Invalid(_("The link belongs into the text."), field="subject")
    missing = letter.needs - set(PLACE.findall(body))
    if missing:
        raise Invalid(
            _("Without %(place)s nobody can follow this letter.") % {"place": f"{{{{{min(missing)}}}}}"}, field="body"
        )
    return Words(subject, body)


def samples(name: str, *, company: str, base: str) -> dict[str, str]:
    """Values for a preview."""
    letter = _letter(name)
    filled = {key: str(place.sample) or f"({place.label})" for key, place in letter.all_places.items()}
    return {**filled, "company": company} | ({letterbook.LINK: f"{base}/"} if letterbook.LINK in filled else {})


def values(name: str, context: Mapping[str, Any]) -> dict[str, str]:
    """Values of a letter that is about to leave."""
    letter = _letter(name)
    common = {"company": context["brand"].display_name, "email": str(context.get("to", ""))}
    return {**common, **{key: str(value) for key, value in letter.values(context).items()}}


def known_values(name: str, context: Mapping[str, Any]) -> dict[str, str]:
    """The same; nothing for a letter that is in no book."""
    return values(name, context) if name in letterbook.letters else {}


def write(words: Words, filled: Mapping[str, str], *, action: str, colour: str, ink: str) -> Written:
    """The letter with its values: what a place is not filled for stays empty."""
    subject = PLACE.sub(lambda found: filled.get(found[1], ""), words.subject)
    return Written(" ".join(subject.split()), _text(words.body, filled), _html(words.body, filled, action, colour, ink))


def action(name: str) -> str:
    """The words of a letter's button."""
    return str(_letter(name).action)


def reason(name: str, *, company: str) -> str:
    """Why somebody gets the letter, where it is not because of an account."""
    words = str(_letter(name).reason)
    return words % {"name": company} if words else ""


def _text(body: str, filled: Mapping[str, str]) -> str:
    # "[Words]({{link}})" reads better as two lines where nothing can be clicked.
    plain = re.sub(r"\[([^\]\n]+)\]\((\{\{\s*link\s*\}\})\)", r"\1:\n\2", body)
    return PLACE.sub(lambda found: filled.get(found[1], ""), plain).strip()


def _html(body: str, filled: Mapping[str, str], action: str, colour: str, ink: str) -> SafeString:
    page = PARSER.render(PLACE.sub(r"{{\1}}", body))
    page = nh3.clean(page, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"})
    page = PLACE_IN_ADDRESS.sub(lambda found: f"{{{{{found[1].lower()}}}}}", page)

    # One pass: a value that looks like a place is never filled again.
    def fill(found: re.Match[str]) -> str:
        if found["button"]:
            label = mark_safe(found["words"]) if found["words"] else action or filled.get(letterbook.LINK, "")  # noqa: S308 (cleaned above)
            return render_to_string(
                "components/email_button.html",
                {"url": filled.get(letterbook.LINK, ""), "label": label, "colour": colour, "ink": ink},
            )
        if found["alone"]:
            # A value of several lines keeps them.
            return linebreaks(escape(filled.get(found["alone"], "")))
        return escape(filled.get(found["place"], ""))

    return mark_safe(SPOT.sub(fill, page))  # noqa: S308 (cleaned above)


def _letter(name: str) -> letterbook.Letter:
    letter = letterbook.letters.get(name)
    if letter is None:
        raise NotFound
    return letter


def _key(owner: Tenant | Reseller) -> dict[str, Any]:
    return {"tenant" if isinstance(owner, Tenant) else "reseller": owner}
