"""Teams, labels, canned replies, views, drafts: made, changed, refused, and told."""

from uuid import uuid4

import pytest

from chat.enums import Scope
from chat.errors import ConversationNotFound, NameTaken, NotAnAgent
from chat.models import ChatEvent, Conversation, Draft, Message
from chat.queries import desk, wire
from chat.services import canned, drafts, inboxes, labels, teams, views
from chat.tests.factories import (
    CannedResponseFactory,
    ContactFactory,
    ConversationFactory,
    InboxFactory,
    LabelFactory,
    SavedViewFactory,
    TeamFactory,
)
from conftest import person
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid, NotFound, PermissionRefused


def test_a_team_has_people_who_answer_and_nobody_else(acme, ana, bia):
    viewer = person(acme, "viewer", email="vera@acme.example", name="Vera")

    team = teams.create(name="  Sales   team ", by=ana, members=[bia.pk])

    assert (team.name, [user.pk for user in team.members.all()]) == ("Sales team", [bia.pk])
    with pytest.raises(NotAnAgent):
        teams.change(team=team, by=ana, members=[bia.pk, viewer.pk])
    with pytest.raises(NameTaken):
        teams.create(name="SALES TEAM", by=ana)
    teams.change(team=team, by=ana, members=[ana.pk])
    assert [user.pk for user in team.members.all()] == [ana.pk]


def test_who_is_deactivated_keeps_the_place_for_the_day_they_come_back(acme, ana, bia):
    team, inbox = TeamFactory(members=[ana, bia]), InboxFactory()
    inboxes.set_members(inbox=inbox, members=[ana.pk, bia.pk], by=ana)
    bia.is_active = False
    bia.save(update_fields=["is_active"])

    teams.change(team=team, by=ana, members=[])
    inboxes.set_members(inbox=inbox, members=[], by=ana)

    assert [user.pk for user in team.members.all()] == [bia.pk]
    assert [row.user_id for row in inbox.inbox_members.all()] == [bia.pk]
    told = AuditEntry.objects.filter(action="chat.inbox_members_changed")
    assert sorted(entry.detail["people"] for entry in told) == [0, 2]


def test_labels_are_put_on_once_told_and_taken_off(acme, bia):
    conversation = ConversationFactory()
    vip, late = LabelFactory(name="VIP"), LabelFactory(name="atrasado")

    labels.set_on(conversation_id=conversation.pk, labels=[vip, late.pk], by=bia)
    labels.set_on(conversation_id=conversation.pk, labels=[late, vip], by=bia)
    labels.change_on(conversation_id=conversation.pk, remove=[str(late.pk)], by=bia)

    events = ChatEvent.objects.filter(conversation=conversation, type="conversation.labels").order_by("seq")
    assert [[label["name"] for label in event.payload["labels"]] for event in events] == [["atrasado", "VIP"], ["VIP"]]
    assert all(event.pub_seq is None for event in events)
    line = Message.objects.get(pk=events[1].message_id)
    assert line.meta == {"action": "labels", "added": [], "removed": ["atrasado"]}
    shown = wire.conversation(Conversation.objects.with_people().get(pk=conversation.pk))
    assert [label["name"] for label in shown["labels"]] == ["VIP"]


@pytest.mark.parametrize("wrong", ["nonsense", "0195b2c0-0000-4000-8000-000000000000"])
def test_a_label_that_is_none_changes_nothing(acme, bia, wrong):
    conversation = ConversationFactory()

    with pytest.raises(Invalid) as refused:
        labels.set_on(conversation_id=conversation.pk, labels=[LabelFactory(), wrong], by=bia)

    assert refused.value.errors[0].field == "labels"
    assert not conversation.labels.exists()


def test_a_deleted_label_is_on_no_conversation(acme, ana):
    conversation, label = ConversationFactory(), LabelFactory()
    labels.set_on(conversation_id=conversation.pk, labels=[label], by=ana)

    labels.delete(label=label, by=ana)

    assert not Conversation.objects.get(pk=conversation.pk).labels.exists()
    assert AuditEntry.objects.filter(action="chat.label_deleted").count() == 1


def test_canned_replies_are_found_without_accents_by_shortcut_and_words(acme, bia):
    hello = CannedResponseFactory(shortcut="olá", body="Bom dia! Tudo bem?")
    delivery = CannedResponseFactory(shortcut="prazo", body="A entrega demora três dias úteis.")

    def found(text):
        return [row.shortcut for row in desk.canned_for(user=bia, text=text)]

    assert found("ola") == ["olá"]
    assert found("/ola") == ["olá"]
    assert found("uteis") == ["prazo"]
    assert found("TRES dias") == ["prazo"]
    assert found("entregas") == ["prazo"]
    assert found("") == [hello.shortcut, delivery.shortcut]
    assert found("///") == []


def test_a_canned_reply_is_seen_by_those_it_is_for(acme, ana, bia):
    team = TeamFactory(members=[bia])
    canned.create(shortcut="all", body="x", by=ana)
    canned.create(shortcut="ours", body="x", by=ana, scope=Scope.TEAM, team=team.pk)
    canned.create(shortcut="mine", body="x", by=ana, scope=Scope.PERSON)

    seen = {user.name: [row.shortcut for row in desk.canned_for(user=user, text="")] for user in (ana, bia)}

    assert seen == {ana.name: ["all", "mine"], bia.name: ["all", "ours"]}


def test_an_agent_writes_canned_replies_for_nobody_else(acme, ana, bia):
    shared = canned.create(shortcut="all", body="x", by=ana)
    private = canned.create(shortcut="mine", body="x", by=ana, scope=Scope.PERSON)

    with pytest.raises(PermissionRefused):
        canned.create(shortcut="new", body="x", by=bia)
    with pytest.raises(PermissionRefused):
        canned.change(canned=shared, by=bia, body="y")
    with pytest.raises(NotFound):
        canned.change(canned=private, by=bia, body="y")
    with pytest.raises(NameTaken):
        canned.create(shortcut="ALL", body="x", by=ana)
    assert canned.create(shortcut="all", body="x", by=bia, scope=Scope.PERSON).owner == bia


def test_a_canned_reply_is_filled_for_the_conversation(acme, bia):
    conversation = ConversationFactory(contact_inbox__contact=ContactFactory(name="Maria Souza"))
    reply = CannedResponseFactory(
        body="Oi, {{ contact.first_name }}{{contact.company}}! #{{ conversation.number }} {{ x.y }}"
    )

    text = canned.filled(reply, conversation=conversation, by=bia)

    assert text == f"Oi, Maria! #{conversation.number} {{{{ x.y }}}}"
    # Whose name nobody knows is not called by a comma.
    conversation.contact.name = ""
    text = canned.filled(reply, conversation=conversation, by=bia)
    assert text == f"Oi! #{conversation.number} {{{{ x.y }}}}"


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": ["gone"]}, "filters.status"),
        ({"status": "open"}, "filters.status"),
        ({"label": ["x"]}, "filters.label"),
        ({"assignee": "you"}, "filters.assignee"),
        ({"unread": "yes"}, "filters.unread"),
        ({"color": "red"}, "filters.color"),
    ],
)
def test_a_view_keeps_only_filters_the_list_understands(acme, bia, filters, field):
    with pytest.raises(Invalid) as refused:
        views.create(name="Mine", by=bia, filters=filters)

    assert refused.value.errors[0].field == field


def test_a_view_for_others_needs_the_permission(acme, ana, bia):
    with pytest.raises(PermissionRefused):
        views.create(name="Late", by=bia, filters={}, scope=Scope.EVERYBODY)
    assert views.create(name="Late", by=ana, filters={}, scope=Scope.EVERYBODY).owner is None
    own = SavedViewFactory(name="Hers", scope=Scope.PERSON, owner=ana)
    with pytest.raises(NotFound):
        views.delete(view=own, by=bia)


def test_a_draft_is_kept_replaced_and_removed(acme, ana, bia):
    conversation = ConversationFactory()

    drafts.keep(conversation_id=conversation.pk, by=bia, body="Good mor")
    drafts.keep(conversation_id=conversation.pk, by=bia, body="Good morning")
    drafts.keep(conversation_id=conversation.pk, by=bia, body="Ask Ana", private=True)
    drafts.keep(conversation_id=conversation.pk, by=ana, body="Hers")

    kept = Draft.objects.filter(user=bia).order_by("private").values_list("private", "body")
    assert list(kept) == [(False, "Good morning"), (True, "Ask Ana")]
    assert drafts.keep(conversation_id=conversation.pk, by=bia, body="  ") is None
    assert Draft.objects.filter(conversation=conversation).count() == 2
    with pytest.raises(ConversationNotFound):
        drafts.keep(conversation_id=uuid4(), by=bia, body="x")
