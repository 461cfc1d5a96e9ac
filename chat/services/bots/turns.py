"""A visitor wrote: what the bot does about it.

A turn looks first, decides outside of any transaction (a language model may take its time), and then acts in one
transaction under the conversation's lock, where it looks again. `BotAnswer` is one a message, so a turn that runs twice
acts once. A bot never speaks to itself or to an agent, and not any more once a person has the conversation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.urls import reverse

from chat.enums import BotKind, BotOutcome, BotState, Direction, HandoffReason, Kind, QuestionSource, Status
from chat.models import Article, Bot, BotAnswer, BotSession, Conversation, Message
from chat.queries import articles, bots, terms
from chat.queries.articles import Hit
from chat.services import messages, questions
from chat.services.bots import assistant, handing, words
from ops.kernel.tasks import enqueue
from tenants.queries import brands
from tenants.services import domains

SAID_LIMIT = 420
# A near miss is offered as a suggestion when it has this share of what an answer needs.
NEAR = 0.6
SUGGESTED = 3
# So few words of one's own lean on what was asked before: "and on Sundays?"
LEANING = 2
# Channels whose visitors see cards and buttons; elsewhere they stand in words.
WITH_BUTTONS = frozenset({"web", "api"})
# A model may find the answer in something the plain search is not sure of.
MODEL_NEAR = 0.35


@dataclass(frozen=True, slots=True)
class Say:
    """One message of the bot."""

    body: str
    kind: str = Kind.TEXT
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a turn will do."""

    outcome: BotOutcome
    say: tuple[Say, ...] = ()
    hit: UUID | None = None
    score: float | None = None
    handoff: HandoffReason | None = None
    quiet: bool = False
    missed: bool = False
    unanswered: str = ""
    helped: bool | None = None
    resolve: bool = False
    step: str | None = None
    forward: bool = False
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything a decision looks at."""

    message: Message
    conversation: Conversation
    bot: Bot
    session: BotSession | None
    text: str
    locale: str
    offered: list[dict[str, Any]]
    asked_before: str
    earlier: list[tuple[str, str]]

    @property
    def buttons(self) -> bool:
        """Whether the visitor's side shows cards and buttons."""
        return self.conversation.inbox.channel in WITH_BUTTONS


def take(*, message_id: UUID, now: datetime) -> BotOutcome | None:
    """One turn. Nothing when the message is not the bot's to answer, or was answered already."""
    standing = _look(message_id, now=now)
    if standing is None:
        return None
    if _is_followed(standing.message):
        decision = Decision(BotOutcome.SKIPPED)
    else:
        with words.spoken(standing.locale):
            decision = _decide(standing, now=now)
    return _act(standing, decision, now=now)


def may_begin(*, conversation_id: UUID | str) -> bool:
    """Whether a message of this conversation is worth a turn: most are not a bot's business."""
    return Conversation.objects.filter(pk=conversation_id, status=Status.PENDING, assignee=None).exists()


# --- Looking --------------------------------------------------------------------------------------------


def _look(message_id: UUID, *, now: datetime) -> Standing | None:
    message = (
        Message.objects.filter(pk=message_id, direction=Direction.IN, deleted_at=None)
        .select_related("conversation__inbox", "conversation__contact")
        .first()
    )
    if message is None or BotAnswer.objects.filter(message=message).exists():
        return None
    conversation = message.conversation
    session = BotSession.objects.select_related("bot").filter(conversation=conversation).first()
    # A bot that began goes on to the end, also when its hours end meanwhile.
    bot = session.bot if session is not None and session.bot.active else None
    bot = bot or (bots.at_inbox(conversation.inbox_id, at=now) if session is None else None)
    if bot is None or conversation.contact.blocked or not _is_the_bots(conversation, session):
        return None
    last = (
        Message.objects.filter(conversation=conversation, direction=Direction.BOT, private=False)
        .order_by("-seq")
        .first()
    )
    waiting = Message.objects.filter(
        conversation=conversation, direction=Direction.IN, kind=Kind.TEXT, deleted_at=None, seq__lte=message.seq
    )
    if last is not None:
        waiting = waiting.filter(seq__gt=last.seq)
    text = "\n".join(reversed(waiting.order_by("-seq").values_list("body", flat=True)[:5]))
    before = (
        BotAnswer.objects.filter(session=session, outcome=BotOutcome.ANSWERED).order_by("-message__seq").first()
        if session
        else None
    )
    return Standing(
        message=message,
        conversation=conversation,
        bot=bot,
        session=session,
        text=text,
        locale=bot.locale or conversation.inbox.locale or connection.tenant.language,
        offered=list((last.meta or {}).get("quick_replies", [])) if last is not None else [],
        asked_before=before.message.body if before is not None else "",
        earlier=_earlier(conversation, upto=message.seq) if bot.kind == BotKind.LLM else [],
    )


def _is_the_bots(conversation: Conversation, session: BotSession | None) -> bool:
    """Whether nobody of the team has, or had, this conversation since it became the bot's."""
    if conversation.status != Status.PENDING or conversation.assignee_id is not None:
        return False
    if session is not None and session.state != BotState.ACTIVE:
        return False
    return not Message.objects.filter(conversation=conversation, direction=Direction.OUT, private=False).exists()


def _is_followed(message: Message) -> bool:
    """Whether the visitor has written on: then the newest message's turn answers them together."""
    return Message.objects.filter(
        conversation=message.conversation_id, direction=Direction.IN, deleted_at=None, seq__gt=message.seq
    ).exists()


def _earlier(conversation: Conversation, *, upto: int) -> list[tuple[str, str]]:
    rows = Message.objects.filter(
        conversation=conversation, direction__in=(Direction.IN, Direction.BOT), private=False, deleted_at=None
    ).filter(seq__lt=upto, kind__in=(Kind.TEXT, Kind.ARTICLE))
    newest = rows.order_by("-seq").values_list("direction", "body")[: assistant.EARLIER]
    return [("user" if direction == Direction.IN else "assistant", body) for direction, body in reversed(newest)]


# --- Deciding -------------------------------------------------------------------------------------------


def _decide(standing: Standing, *, now: datetime) -> Decision:
    bot, text, locale = standing.bot, standing.text, standing.locale
    if standing.message.kind != Kind.TEXT:
        return Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.CONTENT)
    picked = _picked(standing)
    if picked is not None:
        return picked
    if words.asks_for_a_person(standing.message.body, locale):
        return Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.ASKED)
    if words.holds(text, bot.keywords):
        return Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.KEYWORD)
    if bot.kind == BotKind.WEBHOOK:
        return Decision(BotOutcome.FORWARDED, forward=True)
    if words.is_thanks(text, locale) and standing.session is not None:
        return _thanked(standing)
    if words.is_greeting(text, locale):
        return _greet(standing)
    if bot.kind == BotKind.LLM:
        return _ask_model(standing, now=now)
    return _find(standing)


def _picked(standing: Standing) -> Decision | None:
    """What the visitor chose from the buttons under the bot's last words, pressed or typed."""
    body = standing.message.body
    said = str((standing.message.meta or {}).get("quick_reply", ""))
    ids = [one["id"] for one in standing.offered if one["id"] == said or words.same(one["label"], body)]
    offered = {one["id"] for one in standing.offered}
    choice = ids[0] if ids else ""
    if not choice and words.HELPED in offered:
        choice = words.HELPED if words.says_yes(body) else words.OTHER if words.says_no(body) else ""
    if not choice:
        return None
    if choice == words.PERSON:
        unhelpful = words.HELPED in offered
        return Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.ASKED, helped=False if unhelpful else None)
    if choice == words.HELPED:
        resolve = standing.bot.resolve_when_helped
        return Decision(BotOutcome.CONFIRMED, say=(Say(words.glad()),), helped=True, resolve=resolve)
    if choice == words.OTHER:
        return _not_helped(standing) if words.HELPED in offered else _missed(standing, [])
    if choice.startswith("article:"):
        row = (
            Article.objects.published().select_related("category").filter(slug=choice.removeprefix("article:")).first()
        )
        return _show(standing, row) if row is not None else None
    return _follow(standing, choice)


def _not_helped(standing: Standing) -> Decision:
    asked = standing.asked_before or standing.text
    if _misses(standing) + 1 >= standing.bot.max_misses:
        return Decision(
            BotOutcome.HANDED_OFF, handoff=HandoffReason.UNHELPFUL, helped=False, missed=True, unanswered=asked
        )
    say = _with_buttons(standing, words.not_helped(), [(words.PERSON, words.label_person())])
    return Decision(BotOutcome.CONFIRMED, say=(say,), helped=False, missed=True, unanswered=asked)


def _follow(standing: Standing, choice: str) -> Decision | None:
    """A button of the flow: `flow:<step>:<place>`."""
    kind, _, place = choice.partition(":")
    key, _, number = place.rpartition(":")
    step = _step(standing.bot, key) if kind == "flow" else None
    if step is None or not number.isdigit() or int(number) >= len(step["buttons"]):
        return None
    button = step["buttons"][int(number)]
    if button["do"] == "person":
        return Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.FLOW)
    if button["do"] == "step":
        following = _step(standing.bot, button["value"])
        return (
            Decision(BotOutcome.FLOWED, say=(_say_step(standing, following),), step=following["key"])
            if following
            else None
        )
    if button["do"] == "article":
        row = Article.objects.published().select_related("category").filter(slug=button["value"]).first()
        return _show(standing, row, outcome=BotOutcome.FLOWED) if row is not None else None
    offers = [(words.HELPED, words.label_helped()), (words.PERSON, words.label_person())]
    return Decision(BotOutcome.FLOWED, say=(_with_buttons(standing, button["value"], offers),))


def _step(bot: Bot, key: str) -> dict[str, Any] | None:
    return next((step for step in bot.flow.get("steps", []) if step["key"] == key), None)


def _say_step(standing: Standing, step: dict[str, Any]) -> Say:
    offers = [(f"flow:{step['key']}:{place}", button["label"]) for place, button in enumerate(step["buttons"])]
    return _with_buttons(standing, step["text"], offers)


def _greet(standing: Standing) -> Decision:
    steps = standing.bot.flow.get("steps", [])
    if steps:
        return Decision(BotOutcome.GREETED, say=(_say_step(standing, steps[0]),), step=steps[0]["key"])
    hello = words.greeting(standing.bot, brands.brand_for(connection.tenant).display_name)
    return Decision(BotOutcome.GREETED, say=(_with_buttons(standing, hello, [(words.PERSON, words.label_person())]),))


def _thanked(standing: Standing) -> Decision:
    answered = BotAnswer.objects.filter(session=standing.session, outcome=BotOutcome.ANSWERED).exists()
    return Decision(
        BotOutcome.CONFIRMED,
        say=(Say(words.glad()),),
        helped=True if answered else None,
        resolve=answered and standing.bot.resolve_when_helped,
    )


def _find(standing: Standing) -> Decision:
    """An answer from the help centre, suggestions, or a miss."""
    hits = _search(standing)
    if hits and hits[0].score >= standing.bot.threshold / 100:
        return _answer(standing, hits[0], _extract(hits[0].passage))
    return _missed(standing, hits)


def _search(standing: Standing) -> list[Hit]:
    """The last message, then all that waits together, then with what was asked before when it leans on that."""
    needed = standing.bot.threshold / 100
    best = articles.search(standing.message.body, locale=standing.locale, limit=assistant.PASSAGES)
    if best and best[0].score >= needed:
        return best
    tries = [standing.text] if standing.text != standing.message.body else []
    if standing.asked_before and len(terms.content(standing.message.body, standing.locale)) <= LEANING:
        tries.append(f"{standing.asked_before} {standing.message.body}")
    for text in tries:
        hits = articles.search(text, locale=standing.locale, limit=assistant.PASSAGES)
        if hits and (not best or hits[0].score > best[0].score):
            best = hits
    return best


def _ask_model(standing: Standing, *, now: datetime) -> Decision:
    """A grounded answer of the language model; without one, what a bot without a model would do."""
    hits = [hit for hit in _search(standing) if hit.score >= standing.bot.threshold / 100 * MODEL_NEAR]
    if not hits:
        return _missed(standing, [])
    if not assistant.is_set_up():
        return replace(_find(standing), trouble="not set up")
    if not assistant.within_budget(now=now):
        return replace(_find(standing), trouble="budget used up")
    made = assistant.ask(
        question=standing.text,
        passages=hits,
        earlier=standing.earlier,
        bot=standing.bot,
        locale=standing.locale,
        brand=brands.brand_for(connection.tenant).display_name,
        message_id=standing.message.pk,
        now=now,
    )
    if made.person:
        decision = Decision(BotOutcome.HANDED_OFF, handoff=HandoffReason.ASKED)
    elif made.hit is not None:
        decision = _answer(standing, made.hit, made.answer)
    elif made.trouble:
        decision = _find(standing)
    else:
        decision = _missed(standing, hits)
    return replace(
        decision, model=made.model, tokens_in=made.tokens_in, tokens_out=made.tokens_out, trouble=made.trouble
    )


def _missed(standing: Standing, hits: Sequence[Hit]) -> Decision:
    if _misses(standing) + 1 >= standing.bot.max_misses:
        return Decision(
            BotOutcome.HANDED_OFF,
            handoff=HandoffReason.MISSES,
            missed=True,
            unanswered=standing.text,
            score=_best(hits),
        )
    near = [hit for hit in hits if hit.score >= standing.bot.threshold / 100 * NEAR][:SUGGESTED]
    if near:
        offers = [(f"article:{hit.slug}", hit.title) for hit in near]
        offers += [(words.OTHER, words.label_other()), (words.PERSON, words.label_person())]
        say = _with_buttons(standing, words.perhaps(), offers)
    else:
        say = _with_buttons(standing, words.miss(standing.bot), [(words.PERSON, words.label_person())])
    return Decision(BotOutcome.MISSED, say=(say,), missed=True, unanswered=standing.text, score=_best(hits))


def _best(hits: Sequence[Hit]) -> float | None:
    return hits[0].score if hits else None


def _misses(standing: Standing) -> int:
    return standing.session.misses if standing.session is not None else 0


def _show(standing: Standing, row: Article, *, outcome: BotOutcome = BotOutcome.ANSWERED) -> Decision:
    """An article that was chosen by its title."""
    said = row.summary or (articles.sections(row.text) or [("", "")])[0][1]
    hit = Hit(row.pk, row.title, row.slug, row.summary, row.locale, "", 1.0, said, row.text)
    return replace(_answer(standing, hit, _extract(said)), outcome=outcome)


def _answer(standing: Standing, hit: Hit, said: str) -> Decision:
    """The words of an answer with the article they come from."""
    url = domains.url_of(connection.tenant, reverse("chat:help-article", args=[hit.slug]))
    if not standing.buttons:
        said = f"{said}\n\n{words.read_more(hit.title, url)}"
    offers = [(words.HELPED, words.label_helped()), (words.PERSON, words.label_person())]
    say = _with_buttons(standing, said, offers)
    article = {"id": str(hit.id), "title": hit.title, "slug": hit.slug, "excerpt": hit.summary, "url": url}
    return Decision(
        BotOutcome.ANSWERED,
        say=(replace(say, kind=Kind.ARTICLE, meta={**say.meta, "article": article}),),
        hit=hit.id,
        score=hit.score,
    )


def _extract(passage: str) -> str:
    """The beginning of a passage, whole lines or sentences, as long as a chat likes."""
    lines: list[str] = []
    length = 0
    for block in passage.split("\n\n"):
        if lines and length + len(block) > SAID_LIMIT:
            break
        lines.append(block)
        length += len(block) + 1
    text = "\n".join(lines)
    if len(text) <= SAID_LIMIT:
        return text
    cut = text[:SAID_LIMIT]
    return cut[: cut.rfind(". ") + 1] if ". " in cut else cut.rsplit(" ", 1)[0] + "…"


def _with_buttons(standing: Standing, text: str, offers: Sequence[tuple[str, str]]) -> Say:
    replies = [{"id": key, "label": label} for key, label in offers]
    if replies and not standing.buttons:
        text = f"{text}\n\n{words.answer_with([label for _, label in offers])}"
    return Say(text, meta={"quick_replies": replies} if replies else {})


# --- Acting ---------------------------------------------------------------------------------------------


@transaction.atomic
def _act(standing: Standing, decision: Decision, *, now: datetime) -> BotOutcome | None:
    conversation = Conversation.objects.select_for_update(of=("self",)).get(pk=standing.conversation.pk)
    session, _made = BotSession.objects.get_or_create(
        conversation=conversation, defaults={"bot": standing.bot, "started_at": now}
    )
    if BotAnswer.objects.filter(message=standing.message).exists() or not _is_the_bots(conversation, session):
        return None
    answer = BotAnswer.objects.create(
        message=standing.message,
        session=session,
        outcome=decision.outcome,
        article_id=decision.hit,
        score=decision.score,
        model=decision.model[:80],
        tokens_in=decision.tokens_in,
        tokens_out=decision.tokens_out,
        trouble=decision.trouble[:300],
        created_at=now,
    )
    if decision.helped is not None:
        _judge(session, helped=decision.helped)
    misses = session.misses + 1 if decision.missed else 0 if decision.outcome == BotOutcome.ANSWERED else session.misses
    step = session.step if decision.step is None else decision.step
    if (misses, step) != (session.misses, session.step):
        BotSession.objects.filter(pk=session.pk).update(misses=min(misses, 100), step=step)
    for place, say in enumerate(decision.say):
        messages.send_from_bot(
            conversation_id=conversation.pk,
            bot=session.bot,
            body=say.body,
            kind=say.kind,
            meta=say.meta,
            client_id=uuid5(standing.message.pk, f"bot:{place}"),
            now=now,
        )
    if decision.unanswered:
        questions.collect(
            text=decision.unanswered,
            locale=standing.locale,
            source=QuestionSource.BOT,
            key=f"bot:{standing.message.pk}",
            conversation_id=conversation.pk,
            now=now,
        )
    if decision.handoff is not None:
        handing.over(conversation_id=conversation.pk, reason=decision.handoff, now=now)
    elif decision.resolve:
        handing.finish(conversation_id=conversation.pk, now=now)
    elif decision.forward:
        enqueue("chat.forward_to_program", answer_id=str(answer.pk))
    return decision.outcome


def _judge(session: BotSession, *, helped: bool) -> None:
    """Whether the last answer helped, as the visitor said."""
    last = (
        BotAnswer.objects.filter(session=session, outcome__in=(BotOutcome.ANSWERED, BotOutcome.FLOWED))
        .order_by("-message__seq")
        .first()
    )
    if last is not None:
        BotAnswer.objects.filter(pk=last.pk).update(helpful=helped)
