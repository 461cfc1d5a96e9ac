from uuid import uuid4

import pytest
from django_tenants.utils import tenant_context

from chat.models import Contact, Conversation, Message
from chat.services import inboxes, messages
from chat.tests.factories import ConversationFactory, InboxFactory

BASE = "/api/widget/v1/"


SHOP, OTHER = "https://shop.example", "https://other.example"


class Browser:
    """A visitor's browser without cookies."""

    def __init__(self, client, inbox, visitor_id=None):
        self.client, self.inbox, self.visitor_id = client, inbox, visitor_id or str(uuid4())
        self.token = ""

    def call(self, method, path, body=None, **headers):
        sent = {"X-Widget-Token": self.inbox.website_token, **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        return getattr(self.client, method)(BASE + path, body, content_type="application/json", headers=sent)

    def come(self, **identity):
        answer = self.call("post", "session/", {"visitor_id": self.visitor_id, **identity})
        self.token = answer.json().get("jwt", "")
        return answer

    def begin(self, body="Hello", **ids):
        first = {"client_id": ids.get("message", str(uuid4())), "body": body}
        return self.call("post", "conversations/", {"client_id": ids.get("talk", str(uuid4())), "first_message": first})


@pytest.fixture
def browser(acme, client_of):
    return Browser(client_of(acme), InboxFactory(greeting="Hi!"))


def test_a_visitor_comes_writes_and_comes_back(acme, browser, bia):
    assert browser.call("get", "config/").json()["greeting"] == "Hi!"
    assert browser.come(name="Rui", email="RUI@Correio.example").json()["contact"]["email"] == "rui@correio.example"
    talk = browser.begin("Do you have bread?").json()
    messages.send(conversation_id=talk["id"], by=bia, body="We do.", client_id=uuid4())
    messages.send(conversation_id=talk["id"], by=bia, body="secret-note", client_id=uuid4(), private=True)

    back = Browser(browser.client, browser.inbox, browser.visitor_id)
    session = back.come().json()
    events = back.call("get", f"conversations/{talk['id']}/events/?after=0")
    read = back.call("post", f"conversations/{talk['id']}/read/", {"seq": 3})

    assert [row["id"] for row in session["conversations"]] == [talk["id"]]
    assert session["conversations"][0]["unread"] == 1
    assert [(event["seq"], event["event"]) for event in events.json()["events"]] == [
        (1, "conversation.created"),
        (2, "message.created"),
        (3, "message.created"),
    ]
    assert "secret-note" not in events.content.decode()
    assert read.status_code == 204
    assert back.call("get", "conversations/").json()[0]["unread"] == 0


def test_beginning_twice_with_the_same_ids_is_beginning_once(acme, browser):
    browser.come()
    ids = {"talk": str(uuid4()), "message": str(uuid4())}

    first, again = browser.begin(**ids), browser.begin(**ids)

    assert first.json()["id"] == again.json()["id"]
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 1)


def test_an_inbox_with_one_thread_a_visitor_goes_on_with_the_one_that_runs(acme, browser):
    browser.inbox.features |= {"multi_thread": False}
    browser.inbox.save()
    browser.come()
    ids = {"talk": str(uuid4()), "message": str(uuid4())}

    first, second = browser.begin("One").json(), browser.begin("Two", **ids).json()
    browser.call("post", f"conversations/{first['id']}/end/")
    # The answer to the second was lost; meanwhile the thread has ended.
    again, third = browser.begin("Two", **ids).json(), browser.begin("Three").json()

    assert first["id"] == second["id"] == again["id"] != third["id"]
    assert list(Message.objects.order_by("pk").exclude(body="").values_list("body", flat=True)) == [
        "One",
        "Two",
        "Three",
    ]


def test_a_visitor_sees_and_touches_only_what_is_theirs(acme, browser):
    browser.come()
    theirs = ConversationFactory()

    for method, path, body in (
        ("get", "events/", None),
        ("post", "messages/", {"client_id": str(uuid4()), "body": "Hi"}),
        ("post", "read/", {"seq": 1}),
        ("post", "end/", None),
    ):
        assert browser.call(method, f"conversations/{theirs.pk}/{path}", body).status_code == 404
    assert not Message.objects.exists()
    theirs.refresh_from_db()
    assert theirs.status == "open"


def test_a_visitor_of_one_tenant_is_nobody_on_another(acme, beta, browser, client_of):
    browser.come()
    talk = browser.begin().json()
    with tenant_context(beta):
        foreign = Browser(client_of(beta), browser.inbox)
        foreign.token = browser.token
        answers = [
            foreign.call("get", "config/"),
            foreign.call("get", "conversations/"),
            foreign.call("get", f"conversations/{talk['id']}/events/"),
            foreign.call("patch", "contact/", {"name": "x"}),
        ]

    assert [answer.status_code for answer in answers] == [404, 401, 401, 401]


def test_a_visitors_token_opens_nothing_of_the_team(acme, browser, client_of):
    browser.come()
    browser.begin()

    for path in ("conversations/", "contacts/", "inboxes/", "events/", "agents/"):
        answer = client_of(acme).get(f"/api/v1/chat/{path}", headers={"Authorization": f"Bearer {browser.token}"})
        assert answer.status_code == 401


def test_agents_of_another_tenant_find_nothing(acme, beta, caio, client_of):
    conversation = ConversationFactory()
    contact, inbox = conversation.contact_id, conversation.inbox_id
    client = client_of(beta, user=caio)

    for path in (f"conversations/{conversation.number}/", f"contacts/{contact}/", f"inboxes/{inbox}/snippet/"):
        assert client.get(f"/api/v1/chat/{path}").status_code == 404
    assert client.get("/api/v1/chat/conversations/").json()["results"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("session/", {}),
        ("session/", {"visitor_id": "1"}),
        ("session/", {"visitor_id": str(uuid4()), "admin": True}),
        ("conversations/", {"client_id": "x"}),
        ("conversations/", {"client_id": str(uuid4()), "first_message": {"client_id": str(uuid4()), "body": "   "}}),
        (
            "conversations/",
            {"client_id": str(uuid4()), "first_message": {"client_id": str(uuid4()), "body": "x" * 8_001}},
        ),
        ("page/", {"url": "javascript:alert(1)"}),
    ],
)
def test_bad_input_is_named_and_makes_nothing(acme, browser, path, body):
    browser.come()
    before = Contact.objects.count()

    answer = browser.call("post", path, body)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (Contact.objects.count(), Conversation.objects.count()) == (before, 0)


def test_a_foreign_page_is_refused_by_an_inbox_with_a_list(acme, browser):
    browser.inbox.allowed_origins = ["https://shop.example"]
    browser.inbox.save()

    assert browser.call("get", "config/", Origin="https://evil.example").status_code == 403
    assert browser.call("get", "config/", Origin="https://shop.example").status_code == 200
    assert browser.call("get", "config/", Origin="http://acme.localhost").status_code == 200


# --- Before the first message, and after the last one ----------------------------------------------------


def first(body="Hello"):
    return {"client_id": str(uuid4()), "first_message": {"client_id": str(uuid4()), "body": body}}


@pytest.fixture
def asking(browser, ana):
    inboxes.change(
        inbox=browser.inbox,
        by=ana,
        consent_text="We keep what you write.",
        pre_chat_fields=[
            {"name": "email", "label": "E-mail", "type": "email", "required": True},
            {"name": "subject", "label": "Subject", "type": "choice", "options": ["Delivery", "Payment"]},
        ],
    )
    return browser


def test_what_is_asked_first_is_kept_with_the_version_of_the_consent(acme, asking):
    config = asking.call("get", "config/").json()
    asking.come()

    pre_chat = {"answers": {"email": "Rui@Correio.example", "subject": "Delivery"}, "consent_version": "1"}
    answer = asking.call("post", "conversations/", {**first(), "pre_chat": pre_chat})
    again = asking.call("post", "conversations/", first("Later"))

    assert (answer.status_code, again.status_code) == (201, 201)
    contact = Contact.objects.get()
    assert (contact.email, contact.attrs, contact.consent_text_version) == (
        "rui@correio.example",
        {"subject": "Delivery"},
        "1",
    )
    assert contact.consent_at is not None
    assert config["consent"] == {"version": 1, "text": "We keep what you write."}
    assert [question["name"] for question in config["pre_chat_fields"]] == ["email", "subject"]


@pytest.mark.parametrize(
    ("pre_chat", "code", "field"),
    [
        (None, "consent_missing", "pre_chat.consent_version"),
        ({"consent_version": "9"}, "consent_missing", "consent_version"),
        ({"consent_version": "1", "answers": {"email": "x"}}, "invalid", "pre_chat.answers.email"),
        ({"consent_version": "1", "answers": {"subject": "Love"}}, "invalid", "pre_chat.answers.subject"),
        ({"consent_version": "1", "answers": {"colour": "red"}}, "invalid", "pre_chat.answers.colour"),
    ],
)
def test_without_consent_or_with_wrong_answers_nothing_begins(acme, asking, pre_chat, code, field):
    asking.come()

    answer = asking.call("post", "conversations/", {**first(), **({"pre_chat": pre_chat} if pre_chat else {})})

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Conversation.objects.exists()
    assert Contact.objects.get().consent_at is None


def test_a_website_can_say_more_about_a_visitor(acme, browser):
    browser.come()

    browser.call("patch", "contact/", {"attrs": {"plan": "gold", "city": "Recife"}})
    answer = browser.call("patch", "contact/", {"attrs": {"city": "", "seats": "3"}})
    many = browser.call("patch", "contact/", {"attrs": {str(n): "x" for n in range(60)}})

    assert (answer.status_code, many.status_code) == (200, 422)
    assert Contact.objects.get().attrs == {"plan": "gold", "seats": "3"}


def test_a_visitor_ends_their_conversation_and_may_write_again(acme, browser):
    browser.come()
    talk = browser.begin().json()

    ended = browser.call("post", f"conversations/{talk['id']}/end/")
    twice = browser.call("post", f"conversations/{talk['id']}/end/")
    events = browser.call("get", f"conversations/{talk['id']}/events/?after=0").json()["events"]
    browser.call("post", f"conversations/{talk['id']}/messages/", {"client_id": str(uuid4()), "body": "One more"})

    assert (ended.json()["status"], twice.status_code) == ("resolved", 200)
    told = [event["data"] for event in events if event["event"] == "conversation.status"]
    assert [(one["by"]["kind"], one["message"]["meta"]["by_contact"]) for one in told] == [("contact", True)]
    assert Conversation.objects.get().status == "open"


def test_an_own_website_may_call_from_its_pages_and_no_other(acme, browser, client_of):
    browser.inbox.allowed_origins = [SHOP]
    browser.inbox.save()
    browser.come()

    def asked(origin):
        """What a browser asks before it sends a token."""
        sent = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        return client_of(acme).options(f"{BASE}contact/", headers=sent)

    allowed = "Access-Control-Allow-Origin"
    refused = browser.call("patch", "contact/", {"name": 1, "nothing": 2}, Origin=SHOP)

    assert (asked(SHOP).status_code, asked(SHOP)[allowed]) == (204, SHOP)
    assert "X-Widget-Token" in asked(SHOP)["Access-Control-Allow-Headers"]
    assert not asked(OTHER).has_header(allowed)
    assert browser.call("get", "config/", Origin=SHOP)[allowed] == SHOP
    assert (refused.status_code, refused[allowed]) == (422, SHOP)
    assert not browser.call("patch", "contact/", {"name": "Rui"}, Origin=OTHER).has_header(allowed)
    assert not browser.call("get", "config/").has_header(allowed)
    assert not asked(SHOP).has_header("Access-Control-Allow-Credentials")
