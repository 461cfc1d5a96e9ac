"""How a bot's part in a conversation ends: a person is called, a person steps in, or it was solved."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from chat.enums import BotOutcome, BotState, Direction, EventType, HandoffReason, Status
from chat.events import ConversationHandedOff
from chat.models import Bot, BotAnswer, BotSession, Conversation, Message
from chat.queries import opening
from chat.services import conversations, journal, messages
from chat.services.bots import words
from ops.kernel.outbox import services as outbox

SHOWN_IN_A_NOTE = 8
# A bot answers in seconds; who got none after this long is given to a person.
SILENT_AFTER = timedelta(minutes=3)
# Who read the bot's answer and left, has it.
LEFT_AFTER = timedelta(hours=24)
SWEPT = 200


def locale_of(conversation: Conversation, session: BotSession) -> str:
    """The language a bot speaks in a conversation: its own, the inbox's, the company's."""
    return session.bot.locale or conversation.inbox.locale or connection.tenant.language


@transaction.atomic
def over(*, conversation_id: UUID, reason: str, now: datetime, quiet: bool = False) -> bool:
    """Call a person: words for the visitor (unless `quiet`), a note for the team, the event, and into the queue.

    Does nothing, and says so, when the bot is not in the conversation any more.
    """
    conversation = _locked(conversation_id)
    session = BotSession.objects.select_related("bot").filter(conversation=conversation_id).first()
    if session is None or session.state != BotState.ACTIVE or conversation.status != Status.PENDING:
        return False
    BotSession.objects.filter(pk=session.pk).update(state=BotState.HANDED_OFF, reason=reason, ended_at=now)
    with words.spoken(locale_of(conversation, session)):
        if not quiet:
            calendar = opening.of(conversation.inbox)
            said = (
                words.handoff(session.bot)
                if calendar.is_open(now)
                else words.away(session.bot, calendar.next_opening(now))
            )
            messages.send_from_bot(
                conversation_id=conversation_id,
                bot=session.bot,
                body=said,
                client_id=uuid5(session.pk, f"handoff:{conversation.last_seq}"),
                now=now,
            )
        messages.send_from_bot(
            conversation_id=conversation_id,
            bot=session.bot,
            body=_note(session, reason),
            client_id=uuid5(session.pk, f"note:{conversation.last_seq}"),
            private=True,
            now=now,
        )
    bot = {"id": str(session.bot_id), "name": session.bot.name}
    journal.record(
        conversation_id=conversation_id,
        type=EventType.CONVERSATION_HANDOFF,
        payload={"reason": str(reason), "bot": bot},
        public=False,
        activity={"action": "handoff", "reason": str(reason), "bot": bot},
        now=now,
    )
    conversations.set_status(conversation_id=conversation_id, status=Status.OPEN, by=None, now=now)
    outbox.publish(
        ConversationHandedOff(conversation_id=str(conversation_id), bot_id=str(session.bot_id), reason=str(reason))
    )
    return True


@transaction.atomic
def finish(*, conversation_id: UUID, now: datetime) -> bool:
    """The bot solved it alone: the conversation is resolved."""
    conversation = _locked(conversation_id)
    session = BotSession.objects.filter(conversation=conversation_id, state=BotState.ACTIVE).first()
    if session is None or conversation.status != Status.PENDING:
        return False
    BotSession.objects.filter(pk=session.pk).update(state=BotState.DONE, ended_at=now)
    conversations.set_status(conversation_id=conversation_id, status=Status.RESOLVED, by=None, now=now)
    return True


@transaction.atomic
def step_aside(*, conversation_id: UUID, now: datetime) -> None:
    """A person of the team wrote, or was given the conversation: it is theirs, and open."""
    if not BotSession.objects.filter(conversation=conversation_id, state=BotState.ACTIVE).exists():
        return
    conversation = _locked(conversation_id)
    BotSession.objects.filter(conversation=conversation_id).update(state=BotState.HANDED_OFF, ended_at=now)
    if conversation.status == Status.PENDING:
        conversations.set_status(conversation_id=conversation_id, status=Status.OPEN, by=None, now=now)


def release(*, bot: Bot, now: datetime) -> int:
    """The bot stops: what waits for it goes into the queue. Returns how many conversations."""
    waiting = BotSession.objects.filter(bot=bot, state=BotState.ACTIVE).order_by("pk")
    keys = list(waiting.values_list("conversation_id", flat=True))
    for key in keys:
        step_aside(conversation_id=key, now=now)
    return len(keys)


def sweep(*, now: datetime) -> int:
    """Nobody waits for a bot that does not answer, and what it answered long ago is done. Returns how many moved."""
    moved = 0
    pending = Conversation.objects.filter(status=Status.PENDING, assignee=None)
    silent = pending.filter(last_contact_message_at__lt=now - SILENT_AFTER, waiting_since__isnull=False).filter(
        Exists(BotSession.objects.filter(conversation=OuterRef("pk"), state=BotState.ACTIVE))
        | Q(inbox__bot__isnull=False, bot_session__isnull=True)
    )
    unanswered = Message.objects.filter(
        conversation=OuterRef("pk"),
        direction=Direction.IN,
        created_at__gte=OuterRef("last_contact_message_at"),
        bot_answer__isnull=True,
    )
    for conversation in silent.filter(Exists(unanswered)).order_by("pk")[:SWEPT]:
        if not over(conversation_id=conversation.pk, reason=HandoffReason.FAILED, now=now):
            conversations.set_status(conversation_id=conversation.pk, status=Status.OPEN, by=None, now=now)
        moved += 1
    left = pending.filter(last_activity_at__lt=now - LEFT_AFTER, bot_session__state=BotState.ACTIVE)
    for conversation in left.order_by("pk")[:SWEPT]:
        moved += finish(conversation_id=conversation.pk, now=now)
    return moved


def _locked(conversation_id: UUID) -> Conversation:
    rows = Conversation.objects.select_related("inbox").select_for_update(of=("self",))
    return rows.get(pk=conversation_id)


def _note(session: BotSession, reason: str) -> str:
    """What happened so far, for the person who takes over."""
    lines = [
        _("Handed over by %(bot)s: %(reason)s.") % {"bot": session.bot.name, "reason": HandoffReason(reason).label}
    ]
    rows = (
        BotAnswer.objects.filter(session=session)
        .exclude(outcome=BotOutcome.SKIPPED)
        .select_related("message", "article")
        .order_by("-message__seq")[:SHOWN_IN_A_NOTE]
    )
    told = {row.message_id: row for row in rows}
    asked = Message.objects.filter(
        conversation=session.conversation_id, direction=Direction.IN, deleted_at=None
    ).order_by("-seq")[:SHOWN_IN_A_NOTE]
    for message in reversed(asked):
        text = " ".join(message.body.split())[:160] or _("(a file)")
        row = told.get(message.pk)
        unanswered = row is not None and (
            row.outcome == BotOutcome.MISSED
            or (row.outcome == BotOutcome.HANDED_OFF and reason == HandoffReason.MISSES)
        )
        if row is not None and row.article is not None:
            verdict = {True: _("it helped"), False: _("it did not help"), None: ""}[row.helpful]
            source = f"{row.article.title} ({verdict})" if verdict else row.article.title
            lines.append(f"• {text} → {source}")
        elif unanswered:
            lines.append(f"• {text} → " + _("no answer found"))
        else:
            lines.append(f"• {text}")
    return "\n".join(lines)
