"""People of the demonstration who wrote before, some of them long ago: what the churn estimate is made from."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from chat.enums import CsatScale, Status
from chat.models import Contact, Conversation, CsatResponse, Inbox
from chat.services import contacts, conversations, messages, widget

# Name, days ago of each conversation, hours to the reply (nothing: none came), and how the last one was rated.
PEOPLE: tuple[tuple[str, tuple[int, ...], tuple[float | None, ...], int | None], ...] = (
    ("Helena Duarte", (188, 150, 118, 84), (0.1, 0.2, 0.4, 0.3), 5),
    ("Otávio Brandão", (170, 96), (0.3, 9.0), 2),
    ("Sílvia Prado", (64, 51, 40, 29, 17), (0.1, 0.1, 0.2, 0.1, 0.1), 5),
    ("Jonas Meyer", (131,), (None,), None),
    ("Camila Torres", (74, 61), (0.5, 14.0), 1),
    ("Paulo Vianna", (160, 129, 97, 66, 34), (0.2, 0.1, 0.1, 0.4, 0.2), 4),
    ("Renata Farias", (46,), (2.0,), None),
    ("Igor Salles", (112, 101, 93), (0.2, 0.3, None), 2),
    ("Elisa Moura", (27, 20), (0.1, 0.2), 5),
    ("Daniel Koch", (143, 58), (1.0, 0.5), 4),
)
QUESTIONS = {
    "pt": ("Oi, uma dúvida sobre o meu pedido.", "Claro, já verifiquei: está tudo certo por aqui."),
    "en": ("Hi, a question about my order.", "Sure, I checked: everything is fine on our side."),
}


def fill(*, inbox: Inbox, language: str, people: dict[str, Any], now: datetime) -> int:
    """Tell their conversations in the order they happened; says how many."""
    question, reply = QUESTIONS["en" if language.startswith("en") else "pt"]
    agent = people["agent"]
    told = sorted(
        ((days, name, replies[place], rating if place == len(dates) - 1 else None)
         for name, dates, replies, rating in PEOPLE for place, days in enumerate(dates)),
        key=lambda one: -one[0],
    )  # fmt: skip
    for days, name, hours, rating in told:
        key = uuid5(NAMESPACE_URL, f"past:{name}:{days}")
        at = now - timedelta(days=days, minutes=len(name) * 7)
        visitor, _token = widget.open_session(inbox=inbox, visitor_id=uuid5(NAMESPACE_URL, f"past:{name}"), now=at)
        first, last = name.lower().encode("ascii", "ignore").decode().split(" ")
        contact = contacts.introduce(contact_id=visitor.contact_id, name=name, email=f"{first}.{last}@mail.example")
        Contact.objects.filter(pk=contact.pk, created_at__gt=at).update(created_at=at, consent_at=at)
        talk = conversations.start(visitor=visitor, client_id=key, now=at)
        Conversation.objects.filter(pk=talk.pk).update(created_at=at)
        messages.send_from_visitor(
            conversation_id=talk.pk, visitor=visitor, body=question, client_id=uuid5(key, "in"), held_back=True, now=at
        )
        if hours is not None:
            at += timedelta(hours=hours)
            messages.send(conversation_id=talk.pk, by=agent, body=reply, client_id=uuid5(key, "out"), now=at)
        if rating is not None:
            CsatResponse.objects.create(
                conversation=talk, contact=contact, agent=agent, scale=CsatScale.STARS, rating=rating, asked_at=at,
                answered_at=at + timedelta(minutes=4),
            )  # fmt: skip
        at += timedelta(minutes=5)
        talk.refresh_from_db()
        conversations.mark_read(conversation_id=talk.pk, seq=talk.last_seq, now=at)
        conversations.set_status(conversation_id=talk.pk, status=Status.RESOLVED, by=agent, now=at)
        contacts.see(contact_id=contact.pk, now=at)
    return len(told)
