"""Believable conversations for a demonstration, in every state, made by the same services as real ones.

The talks stand in a file a language. A line begins with who speaks: `>` the visitor, `<` the agent, `#` a note; after
it may stand what the message carries: `[picture]`, `[document]` or `[voice]`.
"""

import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import connection, transaction
from django.utils import timezone

from chat.enums import Priority, Status
from chat.models import Contact, Conversation, Inbox
from chat.services import assignment, calls, contacts, conversations, inboxes, messages, pix, sla, widget
from chat.services.demo import campaigns, channels, desk, figures, files, flow, past, shelves

HERE = Path(__file__).parent
# How long the next line takes, in seconds, over and over.
PACE = (40, 75, 30, 110, 55, 180, 25)


@transaction.atomic
def fill(*, language: str, now: datetime, people: dict[str, Any]) -> int:
    """Fill an empty counter; `people` has at least `owner`, `agent` and `agent2`. Returns how many conversations were made."""
    if Conversation.objects.exists():
        return 0
    inbox = Inbox.objects.order_by("created_at", "pk").first()
    if inbox is None:
        inbox = inboxes.create(name="Website", now=now)
    flow.set_up(inbox=inbox, language=language, people=people, now=now)
    trade = shelves.trade_of(connection.tenant.slug, language)
    if calls.offered():
        inbox.features = inbox.features | {"video": True}
        inbox.save(update_fields=["features"])
    if not language.startswith("en"):
        owner = people["owner"]
        pix.set_up(key=owner.email, name=connection.tenant.name, city="Sao Paulo", by=owner)
    shelves.fill(trade=trade, language=language, now=now, people=people)
    before = past.fill(inbox=inbox, language=language, people=people, now=now)
    by_bot = shelves.let_the_bot_talk(trade=trade, inbox=inbox, now=now, people=people)
    file = HERE / ("en.toml" if language.startswith("en") else "pt_br.toml")
    talks = tomllib.loads(file.read_text(encoding="utf-8"))["talk"]
    # The oldest first, so that numbers rise with time.
    made, position = before, 0
    for talk in sorted([*talks, *channels.talks(language)], key=lambda talk: -talk["minutes_ago"]):
        if "channel" in talk:
            made += channels.tell(talk, now=now, people=people)
            continue
        key = uuid5(NAMESPACE_URL, f"{language}:{position}")
        _tell(talk, key=key, inbox=inbox, language=language, now=now, people=people)
        made, position = made + 1, position + 1
    desk.fill(language=language, now=now, people=people)
    flow.live(inbox=inbox, language=language, people=people, now=now)
    campaigns.fill(inbox=inbox, language=language, people=people, now=now)
    figures.fill(inbox=inbox, people=people, zone=timezone.get_current_timezone(), now=now)
    return made + by_bot


def _parts(line: str) -> tuple[str, str, str]:
    """Who speaks, what the message carries, and its words."""
    who, text = line[0], line[1:].strip()
    carried = ""
    if text.startswith("["):
        carried, _, text = text[1:].partition("]")
    return who, carried, text.strip()


def _tell(
    talk: dict[str, Any], *, key: UUID, inbox: Inbox, language: str, now: datetime, people: dict[str, Any]
) -> None:
    clock = now - timedelta(minutes=talk["minutes_ago"])
    visitor, _ = widget.open_session(inbox=inbox, visitor_id=key, now=clock)
    visitor = replace(visitor, name=talk.get("name", ""))
    if talk.get("name"):
        contacts.introduce(
            contact_id=visitor.contact_id, name=talk["name"], email=talk.get("email"), phone=talk.get("phone")
        )
    for url, title in ((urljoin(talk["page"], "/"), ""), (talk["page"], talk.get("title", ""))):
        contacts.see(contact_id=visitor.contact_id, now=clock, page={"url": url, "title": title})
    conversation = conversations.start(
        visitor=visitor, client_id=key, origin=conversations.Origin(page_url=talk["page"]), now=clock
    )
    Contact.objects.filter(pk=visitor.contact_id).update(created_at=clock)
    Conversation.objects.filter(pk=conversation.pk).update(created_at=clock)

    agent = people[talk.get("agent", "agent")]
    taken = False
    sla.begin(conversation_id=conversation.pk, now=clock)
    for number, line in enumerate(talk["lines"]):
        who, carried, text = _parts(line)
        client_id = uuid5(key, str(number))
        clock += timedelta(seconds=PACE[number % len(PACE)])
        owner = visitor if who == ">" else agent
        brought = files.bring(carried, owner=owner, language=language, now=clock) if carried else None
        if carried and not brought and not text:
            continue
        said: dict[str, Any] = {"body": text, "client_id": client_id, "now": clock}
        if brought:
            said["attachment_ids"] = [brought]
        if who == ">":
            messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, **said)
            sla.follow(conversation_id=conversation.pk, now=clock)
            continue
        if not taken and talk["state"] != "queue":
            assignment.claim(conversation_id=conversation.pk, by=agent, now=clock - timedelta(seconds=15))
            taken = True
        messages.send(conversation_id=conversation.pk, by=agent, private=who == "#", **said)
        sla.follow(conversation_id=conversation.pk, now=clock)
    _leave(talk, conversation=conversation, visitor=visitor, agent=agent, taken=taken, clock=clock, now=now)


def _leave(
    talk: dict[str, Any],
    *,
    conversation: Conversation,
    visitor: conversations.Visitor,
    agent: Any,
    taken: bool,
    clock: datetime,
    now: datetime,
) -> None:
    """Bring the conversation into the state in which the demonstration finds it."""
    state = talk["state"]
    if state == "assigned" and not taken:
        assignment.claim(conversation_id=conversation.pk, by=agent, now=clock)
    if talk.get("priority"):
        conversations.set_priority(
            conversation_id=conversation.pk, priority=Priority(talk["priority"]), by=agent, now=clock
        )
    clock += timedelta(seconds=20)
    conversation.refresh_from_db()
    if not talk.get("unread"):
        conversations.mark_read(conversation_id=conversation.pk, seq=conversation.last_seq, now=clock)
    if talk["lines"][-1][0] == "<" and not talk.get("left"):
        conversations.mark_read_by_visitor(
            conversation_id=conversation.pk, visitor=visitor, pub_seq=conversation.last_pub_seq, now=clock
        )
    clock += timedelta(seconds=90)
    if state in {Status.RESOLVED, Status.PENDING}:
        conversations.set_status(conversation_id=conversation.pk, status=state, by=agent, now=min(clock, now))
    if state == Status.SNOOZED:
        until = now + timedelta(hours=talk.get("hours", 18))
        conversations.set_status(
            conversation_id=conversation.pk, status=state, by=agent, snoozed_until=until, now=min(clock, now)
        )
