"""Which bot answers, and how well bots do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from chat.enums import BotHours, BotOutcome, BotState, HandoffReason
from chat.models import Bot, BotAnswer, BotSession, Inbox
from chat.queries import opening


def at_inbox(inbox_id: UUID, *, at: datetime) -> Bot | None:
    """The bot that answers at an inbox at an instant, if any."""
    inbox = Inbox.objects.select_related("bot").filter(pk=inbox_id, bot__active=True).first()
    if inbox is None or inbox.bot is None:
        return None
    if inbox.bot.hours == BotHours.ALWAYS:
        return inbox.bot
    is_open = opening.of(inbox).is_open(at)
    return inbox.bot if is_open == (inbox.bot.hours == BotHours.OPEN) else None


def takes_again(conversation_id: UUID, *, inbox_id: UUID, at: datetime) -> bool:
    """Whether a resolved conversation that opens again is the bot's: it solved it alone, and it answers now."""
    solved = BotSession.objects.filter(conversation=conversation_id, state=BotState.DONE).exists()
    return solved and at_inbox(inbox_id, at=at) is not None


@dataclass(frozen=True, slots=True)
class Figures:
    """How a bot did in a period."""

    conversations: int
    solved: int
    handed_off: int
    questions: int
    answered: int
    missed: int
    helped: int
    not_helped: int
    tokens: int
    reasons: list[tuple[str, int]]

    @property
    def solved_share(self) -> int | None:
        """Percent of the finished conversations that needed nobody."""
        finished = self.solved + self.handed_off
        return round(100 * self.solved / finished) if finished else None

    @property
    def answered_share(self) -> int | None:
        """Percent of the questions it found an answer to."""
        asked = self.answered + self.missed
        return round(100 * self.answered / asked) if asked else None


def figures(bot: Bot, *, since: datetime) -> Figures:
    """What a bot did since an instant."""
    sessions = BotSession.objects.filter(bot=bot, started_at__gte=since)
    answers = BotAnswer.objects.filter(session__bot=bot, created_at__gte=since)
    went: dict[str, Any] = sessions.aggregate(
        all=Count("pk"),
        solved=Count("pk", filter=Q(state=BotState.DONE)),
        handed_off=Count("pk", filter=Q(state=BotState.HANDED_OFF)),
    )
    said: dict[str, Any] = answers.aggregate(
        all=Count("pk"),
        answered=Count("pk", filter=Q(outcome=BotOutcome.ANSWERED)),
        missed=Count("pk", filter=Q(outcome=BotOutcome.MISSED)),
        helped=Count("pk", filter=Q(helpful=True)),
        not_helped=Count("pk", filter=Q(helpful=False)),
    )
    tokens = sum(sum(row) for row in answers.exclude(model="").values_list("tokens_in", "tokens_out"))
    reasons = (
        sessions.filter(state=BotState.HANDED_OFF)
        .exclude(reason="")
        .values_list("reason")
        .annotate(count=Count("pk"))
        .order_by("-count", "reason")
    )
    return Figures(
        conversations=went["all"],
        solved=went["solved"],
        handed_off=went["handed_off"],
        questions=said["all"],
        answered=said["answered"],
        missed=said["missed"],
        helped=said["helped"],
        not_helped=said["not_helped"],
        tokens=tokens,
        reasons=[(str(HandoffReason(reason).label), count) for reason, count in reasons],
    )
