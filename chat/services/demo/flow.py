"""Hours, promises, rules, macros and answers of the survey for a demonstration, made by the same services as real ones."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from chat.enums import AssignmentMode
from chat.models import Conversation, Inbox, Macro
from chat.services import automation, csat, hours, routing, rule_checks, sla

SHOP_WEEK = [[["07:00", "19:30"]]] * 5 + [[["07:00", "14:00"]], []]
OFFICE_WEEK = [[["09:00", "12:30"], ["13:30", "18:00"]]] * 5 + [[], []]

WORDS: dict[str, dict[str, Any]] = {
    "pt": {
        "away": "Oi! Já fechamos por hoje. Deixe sua mensagem e respondemos assim que abrirmos.",
        "day": "Balanço de fim de ano",
        "promises": (
            ("Padrão", "Para toda conversa do site.", 15, 60, 480),
            ("Encomendas grandes", "Para eventos e empresas.", 5, 20, 240),
        ),
        "rules": (
            {
                "name": "Urgências primeiro",
                "trigger": "message_received",
                "match": "any",
                "conditions": [
                    {"field": "message", "op": "contains", "value": "urgente"},
                    {"field": "message", "op": "contains", "value": "reclamação"},
                ],
                "actions": [
                    {"do": "set_priority", "priority": "urgent"},
                    {"do": "add_note", "body": "Marcada como urgente pelas palavras do cliente."},
                ],
                "active": True,
            },
            {
                "name": "Nota baixa: alguém liga",
                "trigger": "csat_answered",
                "conditions": [{"field": "rating", "op": "at_most", "value": 2}],
                "actions": [
                    {"do": "reopen"},
                    {"do": "set_priority", "priority": "high"},
                    {"do": "add_note", "body": "{{contact}} não saiu satisfeito. Ligue ainda hoje."},
                ],
                "active": True,
            },
            {
                "name": "Boas-vindas fora do horário",
                "trigger": "conversation_started",
                "conditions": [{"field": "hours", "op": "is", "value": "no"}],
                "actions": [{"do": "send_message", "body": "Obrigado por escrever para {{company}}."}],
                "active": False,
            },
        ),
        "macros": (
            (
                "Agradecer e resolver",
                [
                    {
                        "do": "send_message",
                        "body": "Que bom ter ajudado, {{contact_first}}! Qualquer coisa, é só chamar.",
                    },
                    {"do": "resolve"},
                ],
            ),
            (
                "Aguardar pagamento",
                [
                    {"do": "assign_me"},
                    {"do": "send_message", "body": "Combinado! Assim que o Pix cair eu confirmo por aqui."},
                    {"do": "snooze", "minutes": 120},
                ],
            ),
        ),
        "question": "Como foi o nosso atendimento?",
        "comments": ("Atendimento rápido e simpático.", "", "Resolveram na hora, obrigada!", "Demorou um pouco.", ""),
    },
    "en": {
        "away": "Hi! We are closed for today. Leave your message and we answer as soon as we open.",
        "day": "End-of-year stocktaking",
        "promises": (
            ("Standard", "For every conversation from the website.", 15, 60, 480),
            ("Companies", "For teams and schools.", 5, 20, 240),
        ),
        "rules": (
            {
                "name": "Urgent ones first",
                "trigger": "message_received",
                "match": "any",
                "conditions": [
                    {"field": "message", "op": "contains", "value": "urgent"},
                    {"field": "message", "op": "contains", "value": "complaint"},
                ],
                "actions": [
                    {"do": "set_priority", "priority": "urgent"},
                    {"do": "add_note", "body": "Marked as urgent because of the customer's words."},
                ],
                "active": True,
            },
            {
                "name": "Low rating: somebody calls",
                "trigger": "csat_answered",
                "conditions": [{"field": "rating", "op": "at_most", "value": 2}],
                "actions": [
                    {"do": "reopen"},
                    {"do": "set_priority", "priority": "high"},
                    {"do": "add_note", "body": "{{contact}} is not happy. Please call today."},
                ],
                "active": True,
            },
            {
                "name": "Welcome outside the hours",
                "trigger": "conversation_started",
                "conditions": [{"field": "hours", "op": "is", "value": "no"}],
                "actions": [{"do": "send_message", "body": "Thank you for writing to {{company}}."}],
                "active": False,
            },
        ),
        "macros": (
            (
                "Thank and resolve",
                [
                    {"do": "send_message", "body": "Glad I could help, {{contact_first}}! Write again any time."},
                    {"do": "resolve"},
                ],
            ),
            (
                "Wait for the payment",
                [
                    {"do": "assign_me"},
                    {"do": "send_message", "body": "Great! I will confirm here as soon as it arrives."},
                    {"do": "snooze", "minutes": 120},
                ],
            ),
        ),
        "question": "How was our support?",
        "comments": ("Quick and friendly.", "", "Solved at once, thanks!", "Took a little while.", ""),
    },
}
RATINGS = (5, 5, 4, 3, 5, 4)


def _open_today(week: list[list[list[str]]], now: datetime) -> list[list[list[str]]]:
    """The week with this day open all day: whoever tries the demo, at night or on a Sunday, is to meet an open counter.

    Otherwise every talk of the last hour would end with the away reply.
    """
    today = timezone.localtime(now).weekday()
    return [[["00:00", "23:59"]] if day == today else spans for day, spans in enumerate(week)]


def set_up(*, inbox: Inbox, language: str, people: dict[str, Any], now: datetime) -> None:
    """Before the first conversation: hours, promises and the survey."""
    words = WORDS["en" if language.startswith("en") else "pt"]
    by = people["agent"]
    brazilian = not language.startswith("en")
    hours.change(
        inbox=inbox,
        by=by,
        now=now,
        active=True,
        week=_open_today(SHOP_WEEK if brazilian else OFFICE_WEEK, now),
        calendar="BR" if brazilian else "",
        state="SP" if brazilian else "",
        away_reply=words["away"],
    )
    hours.add_holiday(
        inbox=inbox,
        on=now.date().replace(month=12, day=30),
        name=words["day"],
        yearly=True,
        opens_at=time(9),
        closes_at=time(12),
        by=by,
        now=now,
    )
    routing.configure(inbox=inbox, by=by, now=now, mode=AssignmentMode.MANUAL, capacity=8)
    for position, (name, description, first, following, resolution) in enumerate(words["promises"]):
        sla.create_policy(
            by=by,
            now=now,
            name=name,
            description=description,
            first_response_min=first,
            next_response_min=following,
            resolution_min=resolution,
            inboxes=[] if position else [inbox.pk],
        )
    csat.configure(inbox=inbox, by=by, now=now, enabled=True, scale="faces", question=words["question"], pause_days=7)


def live(*, inbox: Inbox, language: str, people: dict[str, Any], now: datetime) -> None:
    """After the last conversation: clocks as they stand now, answers of visitors, rules and macros."""
    words = WORDS["en" if language.startswith("en") else "pt"]
    inbox.refresh_from_db()
    for key in Conversation.objects.order_by("number").values_list("pk", flat=True):
        sla.follow(conversation_id=key, now=now)
    sla.sweep(now=now)
    _answers(words["comments"], now=now)
    for rule in words["rules"]:
        automation.create(by=people["agent"], now=now, **rule)
    for name, steps in words["macros"]:
        # Made for the team by nobody in particular: who is in the demonstration differs.
        Macro.objects.create(
            name=name, steps=rule_checks.checked_actions(steps, at="steps", by_people=True), shared=True
        )


def _answers(comments: tuple[str, ...], *, now: datetime) -> None:
    resolved = Conversation.objects.filter(resolved_at__isnull=False).order_by("resolved_at", "pk")
    for position, row in enumerate(resolved):
        asked = csat.ask(conversation_id=row.pk, now=min(now, row.resolved_at or now))
        if asked is None or position % 4 == 3:
            continue  # not everybody answers
        answered = min(now, asked.asked_at + timedelta(minutes=3 + position))
        csat.answer(
            asked=asked,
            rating=RATINGS[position % len(RATINGS)],
            comment=comments[position % len(comments)],
            now=answered,
        )
