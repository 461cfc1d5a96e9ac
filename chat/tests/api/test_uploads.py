"""Files through the doors: pieces by PUT, opened by short addresses, and by nobody else."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Attachment, Inbox
from chat.queries import attachments as queries
from chat.services import messages, processing, widget
from chat.tests.factories import AttachmentFactory, ConversationFactory

pytestmark = pytest.mark.django_db
BASE = "/api/v1/chat/uploads/"


@pytest.fixture
def agent(acme, client_of, bia):
    return client_of(acme, user=bia)


@pytest.fixture
def visitor(acme):
    """A visitor's token and conversation."""
    conversation = ConversationFactory()
    inbox = Inbox.objects.get(pk=conversation.inbox_id)
    who, token = widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())
    return who, {"authorization": f"Bearer {token}"}


def put(client, url, body, **headers):
    return client.generic("PUT", url, body, "application/octet-stream", headers=headers)


def test_an_upload_goes_in_pieces_and_is_resumed(agent):
    begun = agent.post(BASE, {"name": "a.txt", "bytes": 10}, "application/json")
    assert begun.status_code == 201
    url = begun.json()["put_url"]
    assert url == f"{BASE}{begun.json()['id']}/"

    first = put(agent, url, b"01234", **{"content-range": "bytes 0-4/10"})
    assert (first.status_code, first.json()["received"]) == (200, 5)
    asked = put(agent, url, b"", **{"content-range": "bytes */10"})
    assert (asked.status_code, asked.json()["received"]) == (200, 5)
    gap = put(agent, url, b"9", **{"content-range": "bytes 9-9/10"})
    assert (gap.status_code, gap.json()["code"]) == (409, "upload_offset")
    done = put(agent, url, b"56789", **{"content-range": "bytes 5-9/10"})

    assert (done.status_code, done.json()["state"], done.json()["url"]) == (200, "scanning", None)
    processing.run(attachment_id=begun.json()["id"])
    shown = agent.get(url).json()
    assert (shown["state"], shown["name"]) == ("ready", "a.txt")
    assert b"".join(agent.get(shown["url"]).streaming_content) == b"0123456789"


@pytest.mark.parametrize("header", ["bytes 0-4", "bytes 5-1/10", "items 0-4/10", "bytes 0-3/10", "bytes 0-4/3"])
def test_a_header_that_does_not_fit_is_named(agent, header):
    url = agent.post(BASE, {"name": "a.txt", "bytes": 10}, "application/json").json()["put_url"]

    answer = put(agent, url, b"01234", **{"content-range": header})

    assert answer.status_code in {409, 422}
    assert answer.json()["code"] in {"bad_content_range", "upload_offset"}
    assert Attachment.objects.get().received == 0


def test_the_address_opens_one_file_for_minutes(acme, beta, client_of):
    row = AttachmentFactory()
    url = queries.signed_url(row)
    stranger = client_of(acme)

    answer = stranger.get(url)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"2 loaves, 1 cake\n")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Content-Disposition"] == 'attachment; filename="list.txt"'
    assert client_of(beta).get(url).status_code == 404
    assert stranger.get(url[:-3] + "abc").status_code == 404
    long_ago = timezone.now() - timedelta(seconds=601)
    assert stranger.get(queries.signed_url(row, now=long_ago)).status_code == 404
    # The twin of another tenant has the same id, as after a clone.
    with tenant_context(beta):
        AttachmentFactory(pk=row.pk, file="uploads/secret.txt")
    assert client_of(beta).get(url).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "body", "said"),
    [
        ("bytes=0-3", 206, b"2 lo", "bytes 0-3/17"),
        ("bytes=10-", 206, b"1 cake\n", "bytes 10-16/17"),
        ("bytes=-5", 206, b"cake\n", "bytes 12-16/17"),
        ("bytes=0-999", 206, b"2 loaves, 1 cake\n", "bytes 0-16/17"),
        ("bytes=17-", 416, b"", "bytes */17"),
        ("bytes=1-2,4-5", 200, b"2 loaves, 1 cake\n", None),
        ("pages=1", 200, b"2 loaves, 1 cake\n", None),
    ],
)
def test_a_player_asks_for_parts(acme, client_of, wanted, status, body, said):
    answer = client_of(acme).get(queries.signed_url(AttachmentFactory()), headers={"range": wanted})

    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert (answer.status_code, content, answer.headers.get("Content-Range")) == (status, body, said)


def test_a_visitor_sends_a_file_and_sees_only_their_own(acme, client_of, visitor, bia):
    who, header = visitor
    browser = client_of(acme)
    base = "/api/widget/v1/uploads/"
    begun = browser.post(base, {"name": "a.txt", "bytes": 4}, "application/json", headers=header)
    assert begun.status_code == 201
    url = begun.json()["put_url"]
    assert put(browser, url, b"text", **header).json()["state"] == "scanning"

    started = browser.post(
        "/api/widget/v1/conversations/",
        {
            "client_id": str(uuid4()),
            "first_message": {"client_id": str(uuid4()), "attachment_ids": [begun.json()["id"]]},
        },
        "application/json",
        headers=header,
    )

    assert (started.status_code, started.json()["preview"]) == (201, "a.txt")
    assert browser.get(url, headers=header).status_code == 200
    note = AttachmentFactory(by_agent=bia)
    messages.send(
        conversation_id=started.json()["id"],
        by=bia,
        body="",
        client_id=uuid4(),
        private=True,
        attachment_ids=[note.pk],
    )
    theirs = AttachmentFactory(by_agent=bia)
    for key in (note.pk, theirs.pk):
        assert browser.get(f"{base}{key}/", headers=header).status_code == 404
        assert browser.get(f"{base}{key}/").status_code == 401
    assert client_of(acme, user=bia).get(f"{BASE}{note.pk}/").status_code == 200


def test_a_refused_first_message_begins_no_thread(acme, client_of, visitor):
    who, header = visitor
    body = {"client_id": str(uuid4()), "first_message": {"client_id": str(uuid4()), "attachment_ids": [str(uuid4())]}}

    answer = client_of(acme).post("/api/widget/v1/conversations/", body, "application/json", headers=header)

    assert (answer.status_code, answer.json()["code"]) == (422, "file_not_ready")
    assert client_of(acme).get("/api/widget/v1/conversations/", headers=header).json() == []


def test_lists_ask_once_for_all_files(agent, bia, django_assert_max_num_queries):
    conversation = ConversationFactory()
    for _ in range(3):
        file = AttachmentFactory(by_agent=bia)
        messages.send(conversation_id=conversation.pk, by=bia, body="", client_id=uuid4(), attachment_ids=[file.pk])
    url = f"/api/v1/chat/conversations/{conversation.number}/messages/"
    agent.get(url)

    with django_assert_max_num_queries(8):
        rows = agent.get(url).json()["results"]

    assert [len(row["attachments"]) for row in rows] == [1, 1, 1]
