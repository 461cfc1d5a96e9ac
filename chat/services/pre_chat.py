"""What an inbox asks before a conversation begins: questions, and the consent to keep what is written.

The questions are a list in the inbox: `{"name", "label", "type", "required", "options"}`. `name`, `email` and `phone` are
about the contact itself; every other answer becomes one of the contact's attributes. The widget insists on the required
ones. Here only wrong answers are refused: a message is never lost because a question was added while it was on its way.
Consent is another matter: without it nothing of a new visitor is kept.
"""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import Contact, Inbox
from chat.services import contacts
from chat.services.conversations import Visitor
from ops.kernel.errors import FieldError, Invalid

ABOUT_THE_CONTACT = ("name", "email", "phone")
TYPES = ("text", "email", "phone", "choice", "long")
MOST_QUESTIONS = 8
MOST_OPTIONS = 20
LABEL_LIMIT = 80
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class ConsentMissing(Invalid):
    """The inbox asks for consent, and this visitor has not given it."""

    code = "consent_missing"
    message = gettext_lazy("Agree to the notice on your data first.")


def checked(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions as they are kept. Raises `Invalid` naming the first wrong one."""
    if len(questions) > MOST_QUESTIONS:
        raise Invalid(_("Ask up to %(count)s questions.") % {"count": MOST_QUESTIONS}, field="pre_chat_fields")
    kept: list[dict[str, Any]] = []
    for position, question in enumerate(questions):
        place = f"pre_chat_fields.{position}"
        label = str(question.get("label", "")).strip()
        kind = question.get("type", "text")
        if not label or len(label) > LABEL_LIMIT:
            raise _wrong(
                f"{place}.label", _("Write a question of up to %(limit)s characters.") % {"limit": LABEL_LIMIT}
            )
        if kind not in TYPES:
            raise _wrong(f"{place}.type", _("This kind of question is not known."))
        name = str(question.get("name") or _name_for(label, {one["name"] for one in kept}))
        if not NAME.match(name) or any(one["name"] == name for one in kept):
            raise _wrong(f"{place}.name", _("Every question needs a name of its own."))
        one = {"name": name, "label": label, "type": kind, "required": bool(question.get("required"))}
        if kind == "choice":
            options = [text for text in (str(value).strip() for value in question.get("options") or []) if text]
            if not 2 <= len(options) <= MOST_OPTIONS or any(len(text) > LABEL_LIMIT for text in options):
                raise _wrong(
                    f"{place}.options", _("Offer between 2 and %(most)s answers, one a line.") % {"most": MOST_OPTIONS}
                )
            one["options"] = list(dict.fromkeys(options))
        kept.append(one)
    return kept


def agree(*, contact_id: Any, inbox: Inbox, version: str, now: datetime) -> None:
    """Keep that the contact agreed to a version of the inbox's text. Raises `ConsentMissing` for one nobody was shown."""
    if version not in {str(one["version"]) for one in inbox.consent if one["text"]}:
        raise ConsentMissing(field="consent_version")
    Contact.objects.filter(pk=contact_id).exclude(consent_text_version=version).update(
        consent_text_version=version, consent_at=now
    )


@transaction.atomic
def answer(
    *, visitor: Visitor, inbox: Inbox, answers: dict[str, str], consent_version: str = "", now: datetime
) -> None:
    """Keep what a visitor answered before the first message. Raises `Invalid`, `ConsentMissing`."""
    if consent_version:
        agree(contact_id=visitor.contact_id, inbox=inbox, version=consent_version, now=now)
    elif inbox.consent_now and not Contact.objects.filter(pk=visitor.contact_id).exclude(consent_at=None).exists():
        raise ConsentMissing(field="pre_chat.consent_version")
    asked = {question["name"]: question for question in inbox.pre_chat_fields}
    given = {name: value.strip() for name, value in answers.items() if value.strip()}
    for name, value in given.items():
        question = asked.get(name)
        if question is None and name not in ABOUT_THE_CONTACT:
            raise _wrong(f"pre_chat.answers.{name}", _("This was not asked."))
        if question and question["type"] == "choice" and value not in question["options"]:
            raise _wrong(f"pre_chat.answers.{name}", _("Choose one of the answers."))
    said = {name: given.pop(name) for name in ABOUT_THE_CONTACT if name in given}
    try:
        contacts.introduce(contact_id=visitor.contact_id, attrs=given, **said)
    except Invalid as error:
        raise Invalid(
            errors=[FieldError(f"pre_chat.answers.{one.field}", one.code, one.detail) for one in error.errors]
        ) from error


def _name_for(label: str, taken: set[str]) -> str:
    """A name made of the question's words, once."""
    base = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30] or "question"
    base = base if base[0].isalpha() else f"q_{base}"
    name, number = base, 2
    while name in taken or name in ABOUT_THE_CONTACT:
        name, number = f"{base}_{number}", number + 1
    return name


def _wrong(field: str, detail: str) -> Invalid:
    return Invalid(errors=[FieldError(field, "invalid", detail)])
