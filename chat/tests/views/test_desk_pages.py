"""Settings of the desk as people use them, and what is kept about a contact."""

import pytest

from chat.enums import Scope
from chat.models import AgentProfile, CannedResponse, Contact, Inbox, InboxMember, Label, SavedView, Team
from chat.services import contacts, notes
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
from tenants.accounts.tests.factories import UserFactory

FORMS = {
    "teams": {"name": "Sales", "description": "Prices"},
    "labels": {"name": "refund", "color": "red", "description": "Wants money back"},
    "canned": {"shortcut": "hello", "body": "Hi {{ contact.first_name }}", "scope": "everybody", "team": ""},
    "views": {"name": "Urgent", "status": ["open"], "priority": ["urgent"], "scope": "everybody", "sort": "waiting"},
}
MODELS = {"teams": Team, "labels": Label, "canned": CannedResponse, "views": SavedView}


@pytest.mark.parametrize("shelf", FORMS)
def test_small_things_are_added_changed_and_removed(acme, ana, client_of, shelf):
    browser, model = client_of(acme, user=ana), MODELS[shelf]
    address = f"/settings/chat/{shelf}/"

    assert browser.post(address + "add/", FORMS[shelf]).status_code == 302
    row = model.objects.get()
    page = browser.get(address)
    assert f"{address}{row.pk}/" in page.content.decode()
    assert browser.get(f"{address}{row.pk}/").status_code == 200
    assert browser.post(f"{address}{row.pk}/", FORMS[shelf]).status_code == 302
    assert browser.post(f"{address}{row.pk}/remove/").status_code == 302
    assert not model.objects.exists()


def test_a_view_keeps_what_its_page_says(acme, ana, client_of):
    label = LabelFactory()
    form = FORMS["views"] | {"labels": [str(label.pk)], "assignee": "none", "for_team": "mine", "unread": "on"}

    client_of(acme, user=ana).post("/settings/chat/views/add/", form)

    view = SavedView.objects.get()
    assert view.filters == {
        "status": ["open"],
        "priority": ["urgent"],
        "label": [str(label.pk)],
        "assignee": "none",
        "team": "mine",
        "unread": True,
    }
    assert (view.sort, view.scope, view.owner) == ("waiting", Scope.EVERYBODY, None)


def test_a_taken_name_is_said_at_the_field_and_nothing_is_added(acme, ana, client_of):
    LabelFactory(name="refund")

    answer = client_of(acme, user=ana).post("/settings/chat/labels/add/", FORMS["labels"])

    assert answer.status_code == 422
    assert answer.context["form"].errors["name"]
    assert Label.objects.count() == 1


def test_an_agent_keeps_their_own_replies_and_nobody_elses(acme, bia, client_of):
    browser = client_of(acme, user=bia)
    shared = CannedResponseFactory(shortcut="all")

    browser.post("/settings/chat/canned/add/", {"shortcut": "mine", "body": "x", "scope": "everybody"})

    own = CannedResponse.objects.get(shortcut="mine")
    assert (own.scope, own.owner) == (Scope.PERSON, bia)
    assert browser.post(f"/settings/chat/canned/{shared.pk}/remove/").status_code == 403
    assert browser.get("/settings/chat/labels/").status_code == 403
    assert browser.get("/settings/chat/agents/").status_code == 403
    assert CannedResponse.objects.filter(pk=shared.pk).exists()


@pytest.mark.parametrize(
    ("address", "make"),
    [
        ("/settings/chat/teams/", lambda: TeamFactory(members=[UserFactory()])),
        ("/settings/chat/labels/", LabelFactory),
        ("/settings/chat/canned/", lambda: CannedResponseFactory(scope=Scope.TEAM, team=TeamFactory())),
        ("/settings/chat/views/", SavedViewFactory),
        ("/settings/chat/agents/", UserFactory),
        ("/settings/chat/inboxes/", InboxFactory),
    ],
)
def test_lists_ask_the_same_number_of_questions(acme, ana, client_of, django_assert_num_queries, address, make):
    browser = client_of(acme, user=ana)
    make()
    browser.get(address)
    with django_assert_num_queries(50, exact=False) as once:
        browser.get(address)
    for _ in range(2):  # more agents would not be in the plan
        make()

    with django_assert_num_queries(len(once)):
        browser.get(address)


def test_an_inbox_is_added_gets_its_people_and_is_switched_off(acme, ana, bia, client_of):
    browser = client_of(acme, user=ana)

    browser.post("/settings/chat/inboxes/add/", {"name": "Shop", "members": [str(bia.pk)]})

    inbox = Inbox.objects.get(name="Shop")
    assert InboxMember.objects.get(inbox=inbox).user == bia
    address = f"/settings/chat/inboxes/{inbox.pk}/"
    browser.post(address, {"name": "Old shop", "reopen_days": "3", "retention_days": "365"})
    inbox.refresh_from_db()
    assert (inbox.name, inbox.active, inbox.inbox_members.count()) == ("Old shop", False, 0)
    assert (inbox.reopen_days, inbox.retention_days) == (3, 365)
    assert browser.post(address, {"name": "Old shop", "reopen_days": "3", "retention_days": "0"}).status_code == 422
    browser.post(address, {"name": "Old shop", "reopen_days": "3", "retention_days": ""})
    inbox.refresh_from_db()
    assert inbox.retention_days is None


def test_an_inbox_that_was_used_stays(acme, ana, client_of):
    inbox = ConversationFactory().inbox

    answer = client_of(acme, user=ana).post(f"/settings/chat/inboxes/{inbox.pk}/remove/")

    assert answer.status_code == 409
    assert Inbox.objects.filter(pk=inbox.pk).exists()


def test_how_an_agent_works_is_set_by_themselves_and_by_who_sets_up_teams(acme, ana, bia, client_of):
    mine = {"availability": "busy", "display_name": "Bia", "signature": "Bia, Padaria", "notify_mention": ["in_app"]}
    assert client_of(acme, user=bia).post("/settings/chat/me/", mine).status_code == 302

    profile = AgentProfile.objects.get(user=bia)
    assert (profile.availability, profile.auto_offline, profile.signature) == ("busy", False, "Bia, Padaria")
    assert (profile.notify["mention"], profile.notify["message"]) == (["in_app"], [])

    work = {"availability": "online", "auto_offline": "on", "capacity": "3", "display_name": "Bia"}
    client_of(acme, user=ana).post(f"/settings/chat/agents/{bia.pk}/", work)
    profile.refresh_from_db()
    assert (profile.availability, profile.auto_offline, profile.capacity) == ("online", True, 3)
    viewer = person(acme, "viewer", email="vera@acme.example", name="Vera")
    assert client_of(acme, user=ana).get(f"/settings/chat/agents/{viewer.pk}/").status_code == 404


def test_a_contact_has_notes_and_may_be_merged_and_separated_on_the_page(acme, bia, client_of):
    browser = client_of(acme, user=bia)
    keep = ContactFactory(name="Maria Souza")
    gone = ContactFactory(name="maria souza", email="maria@correio.example")
    other = contacts.create(name="João")
    address = f"/chat/contacts/{keep.pk}/"

    assert browser.get(address).context["alike"] == [gone]
    long = browser.post(address + "notes/", {"body": "x" * 4001})
    assert (long.status_code, long.context["note_form"]["body"].value()) == (422, "x" * 4001)
    browser.post(address + "notes/", {"body": "Likes tea"})
    browser.post(address + "merge/", {"gone": str(gone.pk)})

    page = browser.get(address)
    assert "Likes tea" in page.content.decode()
    assert list(page.context["alike"]) == []
    done = page.context["merges"].get()
    listed = [row["contact"] for row in browser.get("/chat/contacts/").context["rows"]]
    assert listed == [other, Contact.objects.get(pk=keep.pk)]
    browser.post(f"{address}merges/{done.pk}/undo/")
    assert Contact.objects.get(pk=gone.pk).merged_into is None
    note = keep.notes.get()
    browser.post(f"{address}notes/{note.pk}/remove/")
    assert not keep.notes.exists()


def test_a_reader_changes_nothing_about_a_contact(acme, ana, client_of):
    keep, gone = ContactFactory(), ContactFactory()
    note = notes.add(contact=keep, body="x", by=ana)
    browser = client_of(acme, role="viewer")
    address = f"/chat/contacts/{keep.pk}/"

    answers = [
        browser.post(address + "notes/", {"body": "y"}),
        browser.post(f"{address}notes/{note.pk}/remove/"),
        browser.post(address + "merge/", {"gone": str(gone.pk)}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert (keep.notes.count(), Contact.objects.current().count()) == (1, 2)
