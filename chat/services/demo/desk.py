"""The desk of a demonstration: teams, labels, canned replies, views, and what they are used on."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from chat.enums import NotificationKind, Scope
from chat.models import Contact, Conversation, Inbox, Message
from chat.services import (
    agents,
    assignment,
    canned,
    contacts,
    inboxes,
    labels,
    messages,
    notes,
    notifications,
    teams,
    views,
)

HERE = Path(__file__).parent


def fill(*, language: str, now: datetime, people: dict[str, Any]) -> None:
    """Lay out the desk and use it on the talks that are there. `people` as in `demo.fill`."""
    file = HERE / ("desk_en.toml" if language.startswith("en") else "desk_pt_br.toml")
    plan = tomllib.loads(file.read_text(encoding="utf-8"))
    boss = people["owner"]

    def who(words: list[str]) -> list[Any]:
        return [people[word].pk for word in words if word in people]

    team_of = {}
    for one in plan["team"]:
        members = who(one["members"])
        team_of[one["name"]] = teams.create(
            name=one["name"], description=one["description"], members=members, by=boss, now=now
        )
    label_of = {one["name"]: labels.create(by=boss, now=now, **one) for one in plan["label"]}
    for maker, rows in ((canned.create, plan["canned"]), (views.create, plan["view"])):
        for one in rows:
            team, owner = one.pop("team", None), people.get(one.pop("owner", ""))
            scope = Scope.PERSON if owner else Scope.TEAM if team else Scope.EVERYBODY
            key = team_of[team].pk if team else None
            maker(by=owner or boss, scope=scope, team=key, now=now, **one)
    first = Inbox.objects.order_by("created_at", "pk").first()
    if first is not None:
        inboxes.set_members(inbox=first, members=who(["owner", "admin", "agent", "agent2"]), by=boss, now=now)
    for word, capacity in (("agent", 8), ("agent2", 5)):
        agents.change(user=people[word], by=boss, capacity=capacity, now=now)
    for name, company in plan.get("company", {}).items():
        for contact in Contact.objects.filter(name=name):
            contacts.change(contact=contact, by=boss, company=company, now=now)
    for one in plan["on"]:
        _use(one, team_of=team_of, label_of=label_of, people=people, now=now)


def _use(
    one: dict[str, Any], *, team_of: dict[str, Any], label_of: dict[str, Any], people: dict[str, Any], now: datetime
) -> None:
    conversation = Conversation.objects.filter(contact__name=one["name"]).select_related("contact").first()
    if conversation is None:
        return
    agent = people["agent"]
    # As if it had been done with the last word, so that the list keeps its order.
    clock = conversation.last_activity_at
    if one.get("labels"):
        given = [label_of[name] for name in one["labels"]]
        labels.set_on(conversation_id=conversation.pk, labels=given, by=agent, now=clock)
    if one.get("team"):
        assignment.assign_team(conversation_id=conversation.pk, team=team_of[one["team"]], by=agent, now=clock)
    if one.get("note"):
        notes.add(contact=conversation.contact, body=one["note"], by=agent, now=clock)
    if call := one.get("mention"):
        by, called = people[call["by"]], people[call["who"]]
        sent = messages.send(
            conversation_id=conversation.pk,
            by=by,
            body=f"@{called.get_short_name()} {call['text']}",
            client_id=uuid5(NAMESPACE_URL, f"mention:{conversation.pk}"),
            private=True,
            mentions=[called.pk],
            now=clock,
        )
        notifications.notify(
            users=[called],
            kind=NotificationKind.MENTION,
            key=f"mention:{sent.id}",
            conversation=conversation,
            author=by,
            text=Message.objects.get(pk=sent.id).body,
            now=now,
        )
