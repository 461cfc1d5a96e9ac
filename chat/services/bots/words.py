"""What a bot says when nobody wrote other words for it, and what visitors mean by theirs."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chat.models import Bot
from chat.queries import terms
from tenants.services import naming

HELPED, PERSON, OTHER = "helped", "person", "other"

WHO = (
    r"atendente|atendimento|humano|humana|pessoa|alguem|gerente|vendedor|vendedora|responsavel|operador|funcionari[oa]"
)
ASKS_FOR_A_PERSON = {
    "pt-br": re.compile(
        rf"\b(falar|conversar|atendid[oa]|fale|passa|passe|transfer\w+|chama|chame|quero|preciso|queria|ligar?|contato)\b"
        rf"(\s+\w+){{0,4}}?\s+(?:com\s+)?(?:um|uma|o|a|algum|alguma|outra)?\s*\b(?:{WHO})\b"
        rf"|\b(?:atendimento|atendente|pessoa)\s+(?:humano|humana|real|de verdade)\b"
    ),
    "en": re.compile(
        r"\b(talk|speak|chat|connect|transfer|want|need|get|give|call)\b(\s+\w+){0,3}?\s+(?:to\s+|with\s+)?"
        r"(?:a|an|the|some|your)?\s*\b(human|person|agent|someone|somebody|representative|operator|manager|staff)\b"
        r"|\b(real|human)\s+(person|human|agent|being)\b"
    ),
}
NAMES_A_PERSON = {
    "pt-br": re.compile(r"\b(atendente|humano|humana|pessoa)\b"),
    "en": re.compile(r"\b(human|agent|operator|representative)\b"),
}
THANKS = re.compile(r"\b(obrigad[oa]s?|valeu|vlw|agradec\w+|thanks?|thank you|thx|cheers|perfeito|perfect)\b")
YES = re.compile(r"^(sim|s|isso|ajudou|resolveu|yes|y|yep|yeah|it did|sim ajudou|ajudou sim|deu certo)\b")
NO = re.compile(r"^(nao|n|no|nope|not really|nao ajudou|nao resolveu)\b")
SHORT_WORDS = 3


def asks_for_a_person(text: str, locale: str) -> bool:
    """Whether somebody wants to talk to a human being."""
    spoken, folded = terms.language(locale), terms.fold(text)
    if any(pattern.search(folded) for pattern in ASKS_FOR_A_PERSON.values()):
        return True
    few = len(terms.WORD.findall(folded)) <= SHORT_WORDS
    return few and bool(NAMES_A_PERSON[spoken].search(folded))


def is_greeting(text: str, locale: str) -> bool:
    """Whether a text only says hello: not one word of it could be searched for."""
    return not terms.content(text, locale)


def is_thanks(text: str, locale: str) -> bool:
    """Whether a text only says thank you."""
    folded = terms.fold(text)
    left = THANKS.sub(" ", folded)
    return bool(THANKS.search(folded)) and len(terms.content(left, locale)) == 0


def says_yes(text: str) -> bool:
    """A short yes to "did that help?"."""
    return bool(YES.match(_bare(text))) and len(_bare(text).split()) <= SHORT_WORDS


def says_no(text: str) -> bool:
    """A short no to it."""
    return bool(NO.match(_bare(text))) and len(_bare(text).split()) <= SHORT_WORDS


def _bare(text: str) -> str:
    return " ".join(terms.WORD.findall(terms.fold(text)))


def same(one: str, other: str) -> bool:
    """Whether two short texts are the same words."""
    return _bare(one) == _bare(other) and bool(_bare(one))


def holds(text: str, keywords: Sequence[str]) -> bool:
    """Whether one of the keywords stands in a text, as whole words."""
    padded = f" {_bare(text)} "
    return any(f" {_bare(word)} " in padded for word in keywords if _bare(word))


# --- What the bot says; call these with the language of the conversation active -----------------------


def greeting(bot: Bot, brand: str) -> str:
    """The first words."""
    return bot.greeting or _(
        "Hello! I am the assistant of %(brand)s. Ask me anything: I look for the answer in our help centre."
    ) % {"brand": naming.in_sentence(brand)}


def miss(bot: Bot) -> str:
    """No answer was found."""
    return bot.miss_text or _("I did not find an answer to that. Can you say it in other words?")


def perhaps() -> str:
    """Nothing certain was found, but something near."""
    return _("I am not sure I understood. Is it one of these?")


def handoff(bot: Bot) -> str:
    """A person is called, and the team is there."""
    return bot.handoff_text or _("I am calling somebody of our team. They read what you wrote and answer here.")


def away(bot: Bot, opens_at: datetime | None) -> str:
    """A person is called, and nobody is there now."""
    if bot.away_text:
        return bot.away_text
    if opens_at is None:
        return _("Our team is away right now. Your message is kept, and somebody answers you here.")
    when = formats.date_format(timezone.localtime(opens_at), "SHORT_DATETIME_FORMAT")
    return _(
        "Our team is away right now and is back at %(when)s. Your message is kept, and somebody answers you here."
    ) % {"when": when}


def glad() -> str:
    """The answer helped."""
    return _("Good to know. If anything else comes up, just write.")


def not_helped() -> str:
    """The answer did not help."""
    return _("I see. Tell me in other words what you need, or talk to our team.")


def label_helped() -> str:
    """The button under an answer."""
    return _("Yes, that helped")


def label_person() -> str:
    """The button that calls somebody."""
    return _("Talk to a person")


def label_other() -> str:
    """The button under suggestions."""
    return pgettext("none of the suggested articles", "None of these")


def read_more(title: str, url: str) -> str:
    """The source of an answer, in words, where no card can be shown."""
    return _("More about it: %(title)s %(url)s") % {"title": title, "url": url}


def answer_with(labels: Sequence[str]) -> str:
    """Buttons in words, where none can be shown."""
    return _("You can answer: %(choices)s") % {"choices": " · ".join(labels)}


def spoken(locale: str) -> translation.override:
    """The language of a conversation, for a block of code."""
    return translation.override(locale)
