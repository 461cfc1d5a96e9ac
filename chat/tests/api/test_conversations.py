from uuid import uuid4

import pytest

from chat.models import Conversation, Message
from chat.services import conversations
from chat.tests.factories import ConversationFactory, MessageFactory
from tenants.accounts.tests.factories import UserFactory

BASE = "/api/v1/chat/conversations/"


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(acme, bia, client_of, rows, django_assert_num_queries):
    for _ in range(rows):
        MessageFactory(conversation=ConversationFactory(assignee=bia))
    client = client_of(acme, user=bia)
    client.get(BASE)  # what a session and a plan cost once is not the list's

    with django_assert_num_queries(4):
        response = client.get(BASE)

    assert len(response.json()["results"]) == rows
    assert "body" not in response.content.decode()


def test_the_list_narrows_by_assignee_state_and_words(acme, bia, ana, client_of):
    mine = ConversationFactory(assignee=bia)
    hers = ConversationFactory(assignee=ana)
    queued = ConversationFactory()
    MessageFactory(conversation=queued, body="Vocês entregam pães e promoções?")
    conversations.set_status(conversation_id=hers.pk, status="resolved", by=ana)
    client = client_of(acme, user=bia)

    def numbers(query):
        return sorted(row["number"] for row in client.get(BASE + query).json()["results"])

    assert numbers("?assignee=me") == [mine.number]
    assert numbers("?assignee=none") == [queued.number]
    assert numbers(f"?assignee={ana.pk}") == [hers.number]
    assert numbers("?assignee=nobody-at-all") == []
    assert numbers("?status=resolved") == [hers.number]
    assert numbers("?status=open&status=resolved") == sorted([mine.number, hers.number, queued.number])
    assert numbers("?q=promocao") == [queued.number]
    assert numbers("?q=pao") == [queued.number]
    assert numbers(f"?q=%23{mine.number}") == [mine.number]
    assert numbers("?unread=true") == [queued.number]


def test_counts_say_what_there_is_to_do(acme, bia, ana, client_of):
    ConversationFactory(assignee=bia)
    MessageFactory(conversation=ConversationFactory())
    snoozed = ConversationFactory(assignee=ana)
    conversations.set_status(conversation_id=snoozed.pk, status="snoozed", by=ana)

    answer = client_of(acme, user=bia).get(BASE + "counts/")

    assert answer.json() == {
        "open": 2,
        "mine": 1,
        "queue": 1,
        "team": 0,
        "mentioned": 0,
        "pending": 0,
        "snoozed": 1,
        "unread": 1,
    }


def test_sending_the_same_client_id_again_answers_200_with_the_stored_message(acme, bia, client_of):
    conversation = ConversationFactory()
    client = client_of(acme, user=bia)
    body = {"client_id": str(uuid4()), "body": "Hello"}

    first = client.post(f"{BASE}{conversation.number}/messages/", body, content_type="application/json")
    again = client.post(f"{BASE}{conversation.number}/messages/", body, content_type="application/json")
    other = client.post(
        f"{BASE}{conversation.number}/messages/", {**body, "body": "Bye"}, content_type="application/json"
    )

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "client_id_reused"
    assert Message.objects.filter(direction="out").count() == 1


def test_an_idempotency_key_makes_one_conversation(acme, bia, client_of):
    contact = ConversationFactory().contact
    client = client_of(acme, user=bia)
    body = {
        "contact": str(contact.pk),
        "client_id": str(uuid4()),
        "first_message": {"client_id": str(uuid4()), "body": "Hello"},
    }

    answers = [
        client.post(BASE, body, content_type="application/json", headers={"Idempotency-Key": "start-1"})
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].json()["preview"] == "Hello"
    assert Conversation.objects.filter(contact=contact).count() == 2


def test_the_thread_is_paged_from_its_end(acme, bia, client_of):
    conversation = ConversationFactory()
    for number in range(5):
        MessageFactory(conversation=conversation, by=bia, body=str(number))
    client = client_of(acme, user=bia)

    page = client.get(f"{BASE}{conversation.number}/messages/?page_size=2").json()
    older = client.get(page["previous"]).json()

    assert [row["body"] for row in page["results"]] == ["3", "4"]
    assert [row["body"] for row in older["results"]] == ["1", "2"]


def test_claiming_assigning_and_giving_back(acme, bia, ana, client_of):
    conversation = ConversationFactory()
    client = client_of(acme, user=bia)
    address = f"{BASE}{conversation.number}/"

    assert client.post(address + "claim/").json()["assignee"]["id"] == str(bia.pk)
    refused = client_of(acme, user=ana).post(address + "claim/")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_assigned")
    given = client.post(address + "assign/", {"assignee": str(ana.pk)}, content_type="application/json")
    assert given.json()["assignee"]["id"] == str(ana.pk)
    assert client.post(address + "unassign/").json()["assignee"] is None


def test_a_viewer_may_look_and_not_touch(acme, client_of):
    conversation = ConversationFactory()
    client = client_of(acme, role="viewer")
    address = f"{BASE}{conversation.number}/"

    assert client.get(address).status_code == 200
    for path in ("claim/", "unassign/"):
        assert client.post(address + path).status_code == 403
    refused = client.post(
        address + "messages/", {"client_id": str(uuid4()), "body": "Hi"}, content_type="application/json"
    )
    assert refused.status_code == 403
    assert client.patch(address, {"status": "resolved"}, content_type="application/json").status_code == 403
    conversation.refresh_from_db()
    assert (conversation.status, conversation.assignee, Message.objects.count()) == ("open", None, 0)


def test_only_people_who_answer_can_be_given_a_conversation(acme, bia, client_of):
    conversation = ConversationFactory()
    editor = UserFactory(role__slug="editor")

    refused = client_of(acme, user=bia).post(
        f"{BASE}{conversation.number}/assign/", {"assignee": str(editor.pk)}, content_type="application/json"
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "not_an_agent")


@pytest.mark.parametrize(
    "query",
    [
        "?before_seq=x",
        "?before_seq=-1",
        "?before_seq=99999999999999999999",
        "?page_size=0",
        "?page_size=101",
        "?before_seq=%00",
    ],
)
def test_bad_numbers_are_named(acme, bia, client_of, query):
    conversation = ConversationFactory()

    answer = client_of(acme, user=bia).get(f"{BASE}{conversation.number}/messages/{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in {"before_seq", "page_size"}


def test_the_stream_gives_what_happened_after_a_cursor(acme, bia, client_of):
    client = client_of(acme, user=bia)
    cursor = client.get("/api/v1/chat/events/").json()["cursor"]

    for bad in ("1.2.3", "nonsense", cursor.replace(".", "-"), "x" * 300):
        answer = client.get("/api/v1/chat/events/", {"cursor": bad})
        assert (answer.status_code, answer.json()["code"]) == (410, "resync_required")
    assert client.get("/api/v1/chat/events/", {"cursor": cursor}).json()["events"] == []


def test_a_message_is_changed_taken_back_and_sent_again_by_its_address(acme, bia, client_of):
    browser = client_of(acme, user=bia)
    message = MessageFactory(conversation=ConversationFactory(), by=bia, body="Helo")
    url = f"/api/v1/chat/messages/{message.pk}/"

    changed = browser.patch(url, {"body": "Hello"}, "application/json")
    assert (changed.status_code, changed.json()["body"]) == (200, "Hello")
    assert browser.post(f"{url}retry/").json()["code"] == "nothing_to_retry"
    assert browser.delete(url).status_code == 204
    refused = browser.patch(url, {"body": "Hello?"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_changeable")


def test_if_match_guards_a_change(acme, bia, client_of):
    browser, conversation = client_of(acme, user=bia), ConversationFactory()
    url = f"/api/v1/chat/conversations/{conversation.number}/"

    def patch(if_match):
        return browser.patch(url, {"priority": "high"}, "application/json", headers={"if-match": if_match})

    assert [patch(value).status_code for value in ("x", '"7"', '"1"', "*")] == [422, 412, 200, 200]
