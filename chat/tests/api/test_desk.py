"""The desk over the API: who may, what is refused, and that lists, filters and orders say what they should."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import Plan
from billing.tests.factories import SubscriptionFactory
from chat.enums import Priority
from chat.models import AgentProfile, Conversation, Draft, Inbox, Mention, Notification, SavedView
from chat.services import assignment, labels
from chat.tests.factories import (
    CannedResponseFactory,
    ContactFactory,
    ConversationFactory,
    InboxFactory,
    LabelFactory,
    MentionFactory,
    MessageFactory,
    NotificationFactory,
    SavedViewFactory,
    TeamFactory,
)

BASE = "/api/v1/chat/"


def numbers(browser, query):
    answer = browser.get(f"{BASE}conversations/?{query}")
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def test_the_list_is_narrowed_by_team_label_mention_and_view(acme, ana, bia, client_of):
    browser, team, vip, late = client_of(acme, user=bia), TeamFactory(members=[bia]), LabelFactory(), LabelFactory()
    one, two, three = ConversationFactory(team=team), ConversationFactory(), ConversationFactory(assignee=bia)
    labels.set_on(conversation_id=one.pk, labels=[vip, late], by=ana)
    labels.set_on(conversation_id=two.pk, labels=[vip], by=ana)
    MentionFactory(message=MessageFactory(conversation=two), user=bia)
    view = SavedViewFactory(filters={"label": [str(vip.pk)], "assignee": "none"}, sort="oldest")

    assert numbers(browser, "team=mine") == numbers(browser, f"team={team.pk}") == [one.number]
    assert set(numbers(browser, "team=none")) == {two.number, three.number}
    assert set(numbers(browser, f"label={vip.pk}")) == {one.number, two.number}
    assert numbers(browser, f"label={vip.pk}&label={late.name.upper()}") == [one.number]
    assert numbers(browser, "mentioned=true") == [two.number]
    assert numbers(browser, f"view={view.pk}") == [one.number, two.number]
    # What the address says goes before what the view says.
    assert numbers(browser, f"view={view.pk}&label={late.pk}") == [one.number]


@pytest.mark.parametrize(
    "query", ["view=nonsense", "view=0195b2c0-0000-4000-8000-000000000000", "sort=loudest", "team=x&sort="]
)
def test_a_filter_that_makes_no_sense_is_refused_or_finds_nothing(acme, bia, client_of, query):
    ConversationFactory()

    answer = client_of(acme, user=bia).get(f"{BASE}conversations/?{query}")

    assert answer.status_code == 422 or answer.json()["results"] == []


def test_somebody_elses_view_is_none(acme, ana, bia, client_of):
    view = SavedViewFactory(scope="person", owner=ana)

    answer = client_of(acme, user=bia).get(f"{BASE}conversations/?view={view.pk}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "view")


def test_orders_go_through_every_page_without_a_gap(acme, bia, client_of):
    browser, now = client_of(acme, user=bia), timezone.now()
    rows = [ConversationFactory() for _ in range(5)]
    waits = (30, 10, None, 50, 10)
    levels = (Priority.LOW, Priority.URGENT, Priority.NONE, Priority.LOW, Priority.URGENT)
    for row, wait, level in zip(rows, waits, levels, strict=True):
        Conversation.objects.filter(pk=row.pk).update(
            priority=level, waiting_since=now - timedelta(minutes=wait) if wait else None
        )

    def everything(sort):
        found, address = [], f"{BASE}conversations/?sort={sort}&page_size=2"
        while address:
            answer = browser.get(address).json()
            found += [rows.index(next(row for row in rows if row.number == one["number"])) for one in answer["results"]]
            address = answer["next"]
        return found

    assert everything("waiting") == [3, 0, 1, 4, 2]
    assert everything("priority") in ([1, 4, 3, 0, 2], [4, 1, 3, 0, 2])
    assert everything("newest") == [4, 3, 2, 1, 0]
    assert sorted(everything("recent")) == [0, 1, 2, 3, 4]


def test_what_is_done_with_a_conversation_answers_it_as_it_is_now(acme, ana, bia, client_of):
    browser, team, label = client_of(acme, user=bia), TeamFactory(name="Sales"), LabelFactory(name="vip")
    conversation = MessageFactory().conversation
    address = f"{BASE}conversations/{conversation.number}/"

    def post(action, body):
        answer = browser.post(address + action, body, "application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert post("labels/", {"add": [str(label.pk)]})["labels"][0]["name"] == "vip"
    assert post("labels/", {"labels": []})["labels"] == []
    assert post("team/", {"team": str(team.pk)})["team"]["name"] == "Sales"
    moved = post("transfer/", {"assignee": str(ana.pk), "note": "Yours"})
    assert (moved["assignee"]["id"], moved["team"]["name"]) == (str(ana.pk), "Sales")
    assert post("mute/", {})["muted"] is True
    browser.post(address + "read/", {"seq": 99}, "application/json")
    assert post("unread/", {})["unread"] == 1
    attrs = browser.patch(address, {"attrs": {"order": "4471", "x": ""}}, "application/json")
    assert attrs.json()["attrs"] == {"order": "4471"}
    assert post("spam/", {"block": True})["spam"] is True


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("labels/", {}, "labels"),
        ("labels/", {"labels": [], "add": []}, "labels"),
        ("labels/", {"add": [str(uuid4())]}, "labels"),
        ("team/", {"team": str(uuid4())}, "team"),
        ("transfer/", {}, "assignee"),
        ("transfer/", {"assignee": str(uuid4())}, "assignee"),
        ("merge/", {"into": 999_999_999}, "into"),
        ("mute/", {"muted": "perhaps"}, "muted"),
    ],
)
def test_what_makes_no_sense_names_the_field_and_changes_nothing(acme, bia, client_of, action, body, field):
    conversation = ConversationFactory()

    answer = client_of(acme, user=bia).post(
        f"{BASE}conversations/{conversation.number}/{action}", body, "application/json"
    )

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert Conversation.objects.get(pk=conversation.pk).last_seq == conversation.last_seq


def test_many_at_once_over_the_api(acme, bia, client_of):
    first, second = ConversationFactory(), ConversationFactory(status="resolved")
    body = {"ids": [first.number, second.number], "action": "snooze"}

    answer = client_of(acme, user=bia).post(BASE + "bulk/", body, "application/json").json()

    assert (answer["done"], answer["failed"]) == (1, 1)
    assert [(row["id"], row["ok"], row["code"]) for row in answer["results"]] == [
        (first.number, True, ""),
        (second.number, False, "illegal_status"),
    ]


def test_a_reader_does_nothing_at_the_desk(acme, client_of):
    browser, conversation, label = client_of(acme, role="viewer"), ConversationFactory(), LabelFactory()
    address = f"{BASE}conversations/{conversation.number}/"

    answers = [
        browser.post(address + "labels/", {"add": [str(label.pk)]}, "application/json"),
        browser.post(address + "mute/", {}, "application/json"),
        browser.post(BASE + "bulk/", {"ids": [conversation.number], "action": "resolve"}, "application/json"),
        browser.post(BASE + "teams/", {"name": "x"}, "application/json"),
        browser.put(f"{BASE}drafts/{conversation.number}/", {"body": "x"}, "application/json"),
        browser.patch(BASE + "agents/me/", {"signature": "x"}, "application/json"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 6
    assert Conversation.objects.get(pk=conversation.pk).last_seq == conversation.last_seq


def test_canned_replies_come_filled_and_best_first(acme, bia, client_of):
    conversation = ConversationFactory(contact_inbox__contact=ContactFactory(name="Maria Souza"))
    CannedResponseFactory(shortcut="bemvindo", body="A ola begins here")
    CannedResponseFactory(shortcut="olá", body="Oi, {{ contact.first_name }}!")

    answer = client_of(acme, user=bia).get(f"{BASE}canned/?q=ola&conversation={conversation.number}").json()

    assert [(row["shortcut"], row["text"]) for row in answer["results"]] == [
        ("bemvindo", "A ola begins here"),
        ("olá", "Oi, Maria!"),
    ]


def test_drafts_are_the_callers_own(acme, ana, bia, client_of):
    conversation = ConversationFactory()
    address = f"{BASE}drafts/{conversation.number}/"
    browser = client_of(acme, user=bia)

    kept = browser.put(address, {"body": "Half a sen"}, "application/json")
    assert (kept.status_code, kept.json()["number"]) == (200, conversation.number)
    assert client_of(acme, user=ana).get(BASE + "drafts/").json() == []
    assert [draft["body"] for draft in browser.get(BASE + "drafts/").json()] == ["Half a sen"]
    assert browser.put(address, {"body": ""}, "application/json").status_code == 204
    assert not Draft.objects.exists()


def test_notifications_are_the_callers_own_and_read_once(acme, ana, bia, client_of):
    mine, hers = NotificationFactory(user=bia, conversation=ConversationFactory()), NotificationFactory(user=ana)
    browser = client_of(acme, user=bia)

    assert [row["id"] for row in browser.get(BASE + "notifications/?unread=true").json()["results"]] == [str(mine.pk)]
    ids = {"ids": [str(hers.pk), str(mine.pk)]}
    assert browser.post(BASE + "notifications/read/", ids, "application/json").json() == {"unread": 0}
    assert Notification.objects.get(pk=hers.pk).read_at is None


def test_a_note_with_a_mention_over_the_api(acme, ana, bia, client_of):
    conversation = ConversationFactory()
    body = {"client_id": str(uuid4()), "body": "Look", "private": True, "mentions": [str(ana.pk)]}

    answer = client_of(acme, user=bia).post(
        f"{BASE}conversations/{conversation.number}/messages/", body, "application/json"
    )

    assert answer.json()["meta"] == {"mentions": [{"id": str(ana.pk), "name": ana.name}]}
    assert Mention.objects.get().user == ana


def test_an_agent_says_how_they_work_but_not_how_much(acme, ana, bia, client_of):
    browser = client_of(acme, user=bia)

    me = browser.patch(
        BASE + "agents/me/",
        {"availability": "busy", "ui_prefs": {"sound": False, "old": None}, "notify": {"queue": ["in_app"]}},
        "application/json",
    ).json()
    assert (me["availability"], me["ui_prefs"], me["notify"]["queue"]) == ("busy", {"sound": False}, ["in_app"])
    assert me["notify"]["mention"] == ["in_app", "push"]
    assert browser.patch(BASE + "agents/me/", {"capacity": 50}, "application/json").status_code == 403
    answer = client_of(acme, user=ana).patch(f"{BASE}agents/{bia.pk}/", {"capacity": 4}, "application/json")
    assert (answer.status_code, answer.json()["capacity"]) == (200, 4)
    assert AgentProfile.objects.get(user=bia).capacity == 4


def test_agents_are_listed_with_what_they_have(acme, bia, client_of, django_assert_num_queries):
    TeamFactory(name="Sales", members=[bia])
    ConversationFactory(assignee=bia)

    rows = client_of(acme, user=bia).get(BASE + "agents/").json()

    (row,) = [row for row in rows if row["id"] == str(bia.pk)]
    assert (row["open_count"], [team["name"] for team in row["teams"]], row["state"]) == (0, ["Sales"], "offline") or (
        row["open_count"],
        row["state"],
    ) == (1, "offline")


def test_contacts_are_found_by_the_old_number_and_merged_with_undo(acme, bia, client_of):
    browser = client_of(acme, user=bia)
    keep, gone = ContactFactory(phone_e164="+5511987654321"), ContactFactory(phone_e164="+551187654321")

    found = browser.get(f"{BASE}contacts/?phone=(11) 8765-4321").json()["results"]
    assert {row["id"] for row in found} == {str(keep.pk), str(gone.pk)}
    pair = {"keep": str(keep.pk), "gone": str(gone.pk)}
    done = browser.post(BASE + "contacts/merge/", pair, "application/json").json()
    assert [row["id"] for row in browser.get(BASE + "contacts/").json()["results"]] == [str(keep.pk)]
    assert browser.post(BASE + "contacts/merge/", pair, "application/json").status_code == 409
    back = browser.post(f"{BASE}contacts/merges/{done['id']}/undo/")
    assert (back.status_code, back.json()["id"]) == (200, str(gone.pk))
    assert browser.post(f"{BASE}contacts/merges/{done['id']}/undo/").status_code == 409


def test_notes_about_a_contact_over_the_api(acme, bia, client_of):
    browser, contact = client_of(acme, user=bia), ContactFactory()
    address = f"{BASE}contacts/{contact.pk}/notes/"

    note = browser.post(address, {"body": "Likes tea"}, "application/json").json()
    changed = browser.patch(f"{address}{note['id']}/", {"body": "Likes coffee"}, "application/json")
    assert (note["author"]["id"], changed.json()["body"]) == (str(bia.pk), "Likes coffee")
    assert [row["body"] for row in browser.get(address).json()["results"]] == ["Likes coffee"]
    assert browser.delete(f"{address}{note['id']}/").status_code == 204
    assert browser.post(address, {"body": " "}, "application/json").status_code == 422
    assert not contact.notes.exists()


def test_an_inbox_beyond_the_plan_is_refused_with_its_numbers(acme, ana, bia, client_of):
    SubscriptionFactory(tenant=acme, plan=Plan.objects.get(slug="starter"), limits={"chat.inboxes": 1})
    browser = client_of(acme, user=ana)
    first = InboxFactory()

    answer = browser.post(BASE + "inboxes/", {"name": "Second"}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (402, "limit_reached")
    assert "1" in answer.json()["detail"]
    assert list(Inbox.objects.all()) == [first]
    # One that is switched off makes room, and none that is not.
    assert browser.patch(f"{BASE}inboxes/{first.pk}/", {"active": False}, "application/json").status_code == 200
    made = browser.post(BASE + "inboxes/", {"name": "Second"}, "application/json")
    assert made.status_code == 201
    back = browser.patch(f"{BASE}inboxes/{first.pk}/", {"active": True}, "application/json")
    assert back.status_code == 402
    people = browser.put(f"{BASE}inboxes/{made.json()['id']}/members/", {"members": [str(bia.pk)]}, "application/json")
    assert [person["id"] for person in people.json()["members"]] == [str(bia.pk)]
    assert browser.delete(f"{BASE}inboxes/{made.json()['id']}/").status_code == 204


@pytest.mark.parametrize(("taken", "status"), [(1, 201), (2, 201), (3, 402)])
def test_an_agent_beyond_the_plan_is_refused_with_the_numbers(acme, ana, client_of, taken, status):
    """At 99, at 100 and above 100 percent of the plan's agents; the owner comes with the plan."""
    SubscriptionFactory(tenant=acme, plan=Plan.objects.get(slug="starter"), limits={"chat.agents": 3})
    browser = client_of(acme, user=ana)
    add = {"name": "New", "role": "agent"}
    for number in range(taken):
        made = browser.post("/api/v1/users/", add | {"email": f"a{number}@acme.example"}, "application/json")
        assert made.status_code == 201, made.content

    answer = browser.post("/api/v1/users/", add | {"email": "last@acme.example"}, "application/json")

    assert answer.status_code == status
    if status == 402:
        assert answer.json()["code"] == "limit_reached"
        assert "3" in answer.json()["detail"]


def test_a_view_with_a_filter_nobody_knows_is_refused(acme, bia, client_of):
    browser = client_of(acme, user=bia)

    answer = browser.post(BASE + "views/", {"name": "x", "filters": {"colour": "red"}}, "application/json")

    assert answer.status_code == 422
    assert not SavedView.objects.exists()


def test_claiming_still_has_one_winner_after_teams(acme, ana, bia, client_of):
    conversation = ConversationFactory(team=TeamFactory(members=[ana, bia]))
    assignment.claim(conversation_id=conversation.pk, by=ana)

    answer = client_of(acme, user=bia).post(f"{BASE}conversations/{conversation.number}/claim/")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_assigned")
    assert Conversation.objects.get(pk=conversation.pk).assignee == ana
