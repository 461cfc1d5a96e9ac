"""Questions without an answer: collected once, put beside those that ask the same, and made into an article."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chat.enums import QuestionState
from chat.models import QuestionGroup, UnansweredQuestion
from chat.queries import terms
from ops.kernel.audit import services as audit

TEXT_LIMIT = 300
# Two questions ask the same when this share of the words of both is in the other (Jaccard over stems).
SAME = 0.5
COMPARED = 400


@transaction.atomic
def collect(
    *, text: str, locale: str, source: str, key: str, conversation_id: UUID | None = None, now: datetime
) -> UnansweredQuestion | None:
    """Keep a question nobody answered; the same `key` again changes nothing. Nothing is kept of words that ask nothing."""
    text = " ".join(text.replace("\x00", "").split())[:TEXT_LIMIT]
    stems = sorted({root for _word, root in terms.content(text, locale)})
    if not stems:
        return None
    known = UnansweredQuestion.objects.filter(key=key).first()
    if known is not None:
        return known
    group = _nearest(stems, locale=locale)
    if group is None:
        group = QuestionGroup.objects.create(
            locale=locale, title=text, stems=stems, first_asked_at=now, last_asked_at=now
        )
    question, made = UnansweredQuestion.objects.get_or_create(
        key=key,
        defaults={
            "group": group,
            "source": source,
            "text": text,
            "conversation_id": conversation_id,
            "asked_at": now,
        },
    )
    if made:
        QuestionGroup.objects.filter(pk=group.pk).update(count=F("count") + 1, last_asked_at=now)
    return question


def _nearest(stems: list[str], *, locale: str) -> QuestionGroup | None:
    wanted = set(stems)
    best, most = None, 0.0
    for group in QuestionGroup.objects.filter(locale=locale, state=QuestionState.OPEN).order_by(
        "-last_asked_at", "-pk"
    )[:COMPARED]:
        theirs = set(group.stems)
        alike = len(wanted & theirs) / len(wanted | theirs)
        if alike > most:
            best, most = group, alike
    return best if most >= SAME else None


@transaction.atomic
def set_state(*, group: QuestionGroup, state: str, by: Any, now: datetime | None = None) -> None:
    """Dismiss questions that need no article, or take them up again."""
    wanted = QuestionState(state)
    if QuestionGroup.objects.filter(pk=group.pk).exclude(state=wanted).update(state=wanted):
        audit.record("chat.question_moved", by=by, on=group, detail={"state": wanted.value}, now=now)


def forget(*, email: str) -> int:
    """Remove what this person asked in conversations and what was made of it alone; says how many questions."""
    return _forget(UnansweredQuestion.objects.filter(conversation__contact__email__iexact=email))


def forget_in(*, conversation_ids: Sequence[UUID]) -> int:
    """Remove what was asked in these conversations; says how many questions."""
    return _forget(UnansweredQuestion.objects.filter(conversation__in=conversation_ids))


@transaction.atomic
def _forget(theirs: Any) -> int:
    groups = set(theirs.values_list("group_id", flat=True))
    count: int = theirs.delete()[0]
    for group in QuestionGroup.objects.filter(pk__in=groups):
        left = group.questions.order_by("asked_at", "pk").first()
        if left is None:
            group.delete()
        else:
            QuestionGroup.objects.filter(pk=group.pk).update(count=group.questions.count(), title=left.text)
    return count


def asked_by(email: str) -> list[dict[str, str]]:
    """What a person asked, for handing it over."""
    rows = UnansweredQuestion.objects.filter(conversation__contact__email__iexact=email).order_by("asked_at", "pk")
    return [{"question": row.text, "asked_at": row.asked_at.isoformat()} for row in rows]
