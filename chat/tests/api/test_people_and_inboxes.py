import pytest
from django.db import connection

from chat.models import Contact, Conversation, Inbox, Message
from chat.models.search import Matches, words
from chat.tests.factories import ContactFactory, ConversationFactory, InboxFactory, LabelFactory
from ops.kernel.audit.models import AuditEntry


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("path", "make", "questions"), [("contacts/", ContactFactory, 4), ("inboxes/", InboxFactory, 4)]
)
def test_lists_ask_the_same_number_of_questions(
    acme, bia, client_of, path, make, questions, rows, django_assert_num_queries
):
    make.create_batch(rows)
    client = client_of(acme, user=bia)
    client.get(f"/api/v1/chat/{path}")

    with django_assert_num_queries(questions):
        response = client.get(f"/api/v1/chat/{path}")

    assert len(response.json()["results"]) == rows


def test_contacts_are_made_found_and_changed(acme, bia, client_of):
    client = client_of(acme, user=bia)
    made = client.post(
        "/api/v1/chat/contacts/",
        {"name": "João Conceição", "phone": "(11) 98811-2040", "attrs": {"size": "G"}},
        content_type="application/json",
    ).json()

    for query in ("joao", "conceic", "98811", "João"):
        found = client.get("/api/v1/chat/contacts/", {"q": query}).json()["results"]
        assert [row["id"] for row in found] == [made["id"]], query
    changed = client.patch(
        f"/api/v1/chat/contacts/{made['id']}/", {"identifier": "c-1", "blocked": True}, content_type="application/json"
    ).json()
    ContactFactory(identifier="c-2")
    taken = client.patch(f"/api/v1/chat/contacts/{made['id']}/", {"identifier": "c-2"}, content_type="application/json")

    assert made["phone"] == "+5511988112040"
    assert (changed["identifier"], changed["blocked"]) == ("c-1", True)
    assert (taken.status_code, taken.json()["code"]) == (409, "identifier_taken")
    assert AuditEntry.objects.filter(action__startswith="chat.contact_").count() == 2


def test_a_contacts_conversations_are_listed_newest_first(acme, bia, client_of):
    first = ConversationFactory()
    second = ConversationFactory(contact_inbox=first.contact_inbox)
    ConversationFactory()

    answer = client_of(acme, user=bia).get(f"/api/v1/chat/contacts/{first.contact_id}/conversations/").json()

    assert [row["number"] for row in answer["results"]] == [second.number, first.number]


def test_only_who_sets_up_inboxes_sees_the_snippet_and_its_secret(acme, client_of):
    inbox = InboxFactory()
    address = f"/api/v1/chat/inboxes/{inbox.pk}/"

    refused = client_of(acme, role="agent").get(address + "snippet/")
    given = client_of(acme, role="admin").get(address + "snippet/").json()
    shown = client_of(acme, role="agent").get(address)

    assert refused.status_code == 403
    assert inbox.website_token in given["html"]
    assert given["identity_secret"] == inbox.hmac_secret
    assert inbox.hmac_secret not in shown.content.decode()


def test_an_inbox_is_changed_within_its_rules(acme, client_of):
    inbox = InboxFactory()
    client = client_of(acme, role="admin")
    address = f"/api/v1/chat/inboxes/{inbox.pk}/"

    good = client.patch(
        address, {"greeting": "Oi!", "allowed_origins": ["https://a.example"]}, content_type="application/json"
    )
    bad = client.patch(address, {"allowed_origins": ["ftp://a.example"]}, content_type="application/json")
    unknown = client.patch(address, {"website_token": "mine"}, content_type="application/json")

    assert good.json()["greeting"] == "Oi!"
    assert bad.json()["errors"][0]["field"] == "allowed_origins.0"
    assert unknown.status_code == 422
    assert Inbox.objects.get(pk=inbox.pk).allowed_origins == ["https://a.example"]


def test_everything_the_settings_pages_say_about_an_inbox_is_said_by_the_api(acme, client_of):
    address = f"/api/v1/chat/inboxes/{InboxFactory().pk}/"
    client = client_of(acme, role="admin")
    wanted = {
        "retention_days": 365,
        "reopen_days": 0,
        "appearance": {"position": "left", "label": "Ask us"},
        "pre_chat_fields": [{"name": "size", "label": "Size?", "type": "choice", "options": ["S", "L"]}],
        "consent_text": "We keep what you write.",
    }

    said = client.patch(address, wanted, content_type="application/json").json()
    read = client.get(address).json()
    bad = {
        name: client.patch(address, {name: value}, content_type="application/json").json()["errors"][0]["field"]
        for name, value in (
            ("retention_days", 0),
            ("appearance", {"theme": "pink"}),
            ("pre_chat_fields", [{"label": "Which?", "type": "choice", "options": ["one"]}]),
            ("consent_text", "x" * 601),
        )
    }

    assert said == read | {"updated_at": said["updated_at"]}
    assert (read["retention_days"], read["reopen_days"]) == (365, 0)
    assert read["appearance"] == {"position": "left", "theme": "auto", "label": "Ask us", "team": True, "sound": True}
    assert read["pre_chat_fields"] == [{**wanted["pre_chat_fields"][0], "required": False}]
    assert read["consent"] == {"version": 1, "text": "We keep what you write."}
    assert bad == {
        "retention_days": "retention_days",
        "appearance": "appearance.theme",
        "pre_chat_fields": "pre_chat_fields.0.options",
        "consent_text": "consent_text",
    }
    assert (
        client.patch(address, {"retention_days": None}, content_type="application/json").json()["retention_days"]
        is None
    )


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: Message.objects.filter(Matches("body", words("pães"))), "chat_message_words"),
        (lambda: Contact.objects.filter(Matches("name", words("joão"))), "chat_contact_words"),
        (lambda: Conversation.objects.queue()[:40], "chat_conversation_queue"),
        (lambda: Conversation.objects.order_by("-last_activity_at", "-pk")[:50], "chat_conversation_recent"),
    ],
)
def test_lists_and_search_have_their_index(acme, rows, index):
    with connection.cursor() as cursor:
        # On an empty table a scan is always cheaper; what is asked is whether the index fits the question at all.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    assert index in rows().explain()


def test_a_person_gets_labels(acme, bia, client_of):
    contact, tea, coffee = ContactFactory(), LabelFactory(name="tea"), LabelFactory(name="coffee")
    client = client_of(acme, user=bia)
    url = f"/api/v1/chat/contacts/{contact.pk}/labels/"

    client.post(url, {"labels": [str(tea.pk)]}, content_type="application/json")
    changed = client.post(url, {"add": [str(coffee.pk)], "remove": [str(tea.pk)]}, content_type="application/json")
    refused = client.post(url, {"add": [str(contact.pk)]}, content_type="application/json")
    found = client.get("/api/v1/chat/contacts/", {"label": "Coffee"}).json()["results"]

    assert [label["name"] for label in changed.json()["labels"]] == ["coffee"]
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "labels")
    assert [(row["id"], row["labels"]) for row in found] == [(str(contact.pk), changed.json()["labels"])]
