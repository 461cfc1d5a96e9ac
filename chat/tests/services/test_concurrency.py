"""Promises that hold when several act at once: every writer has its own connection, as in life."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django_tenants.utils import tenant_context

from chat.errors import AlreadyAssigned, ClientIdReused
from chat.models import ChatEvent, Conversation, Message
from chat.queries import stream
from chat.services import assignment, broadcasts, conversations, invitations, messages
from chat.tests.factories import (
    CampaignFactory,
    CampaignRecipientFactory,
    ChannelAccountFactory,
    ContactFactory,
    ConversationFactory,
    InboxFactory,
)
from ops.kernel.testing import PATIENCE_S

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

# The horizon of the cursor is the whole server's: a transaction of another test process would hold it back.
pytestmark = [pytest.mark.transactional, pytest.mark.alone]


def at_once(tenant: Any, calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls together, each in its own thread; what they raise is an answer too."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            with tenant_context(tenant):
                connection.ensure_connection()
                barrier.wait(timeout=PATIENCE_S)
                return call()
        except Exception as error:  # noqa: BLE001 — the refusal is what is looked at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_five_replays_at_once_make_one_message(acme, bia):
    conversation, client_id = ConversationFactory(), uuid4()

    def send(body: str = "Hello") -> messages.Sent:
        return messages.send(conversation_id=conversation.pk, by=bia, body=body, client_id=client_id)

    answers = at_once(acme, [send] * 5)
    other = at_once(acme, [lambda: send("Other")])[0]

    assert len({answer.id for answer in answers}) == 1
    assert [answer.seq for answer in answers] == [2] * 5
    assert sorted(answer.created for answer in answers) == [False] * 4 + [True]
    assert isinstance(other, ClientIdReused)
    assert Message.objects.count() == 1


def test_one_conversation_is_started_by_five_requests_at_once(acme):
    visitor = conversations.visitor_of(ConversationFactory())
    client_id = uuid4()

    answers = at_once(acme, [lambda: conversations.start(visitor=visitor, client_id=client_id)] * 5)

    assert len({answer.pk for answer in answers}) == 1
    assert Conversation.objects.filter(client_id=client_id).count() == 1


def test_five_tabs_begin_one_thread_where_the_inbox_keeps_one(acme):
    ended = ConversationFactory(status="resolved")
    ended.inbox.features |= {"multi_thread": False}
    ended.inbox.save()
    visitor = conversations.visitor_of(ended)

    answers = at_once(acme, [lambda: conversations.start(visitor=visitor, client_id=uuid4())] * 5)

    assert len({answer.pk for answer in answers}) == 1
    assert Conversation.objects.count() == 2


def test_eight_writers_number_without_gaps(acme, bia):
    conversation = ConversationFactory()

    def write() -> list[int]:
        return [
            messages.send(
                conversation_id=conversation.pk, by=bia, body=f"{number}", client_id=uuid4(), private=number % 5 == 0
            ).seq
            for number in range(50)
        ]

    mine = at_once(acme, [write] * 8)

    rows = list(Message.objects.filter(conversation=conversation).order_by("seq").values_list("seq", "pub_seq"))
    assert [seq for seq, _ in rows] == list(range(2, 402))
    assert [pub for _, pub in rows if pub is not None] == list(range(2, 322))
    assert all(seqs == sorted(seqs) for seqs in mine)
    events = ChatEvent.objects.filter(conversation=conversation).order_by("seq").values_list("seq", flat=True)
    assert list(events) == list(range(1, 402))


def test_of_two_agents_who_claim_at_once_exactly_one_wins(acme, ana, bia):
    def claim(key: UUID, by: Any) -> Any:
        assignment.claim(conversation_id=key, by=by)
        return by.pk

    link = ConversationFactory().contact_inbox
    for _ in range(100):
        conversation = ConversationFactory(contact_inbox=link)
        answers = at_once(acme, [lambda: claim(conversation.pk, ana), lambda: claim(conversation.pk, bia)])  # noqa: B023
        winners = [answer for answer in answers if not isinstance(answer, Exception)]
        conversation.refresh_from_db()
        assert winners == [conversation.assignee_id]
        assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [AlreadyAssigned]


def said(events):
    """Bodies of the messages; an older transaction elsewhere in the cluster may bring the conversations' start again."""
    return [event["data"]["body"] for event in events if event["event"] == "message.created"]


def test_the_cursor_waits_for_a_transaction_that_began_first(acme, bia):
    """Ids become visible out of order: the later event commits first, and a reader must not step over the earlier one."""
    first, second = ConversationFactory(), ConversationFactory()
    start = stream.now()
    inside, done = Barrier(2), Barrier(2)

    def slow() -> None:
        with transaction.atomic():
            messages.send(conversation_id=first.pk, by=bia, body="early", client_id=uuid4())
            inside.wait(timeout=PATIENCE_S)
            done.wait(timeout=PATIENCE_S)

    def quick() -> tuple[list[str], str]:
        inside.wait(timeout=PATIENCE_S)
        messages.send(conversation_id=second.pk, by=bia, body="late", client_id=uuid4())
        seen, cursor, _more = stream.after(start)
        done.wait(timeout=PATIENCE_S)
        return said(seen), str(cursor)

    _, (between, cursor) = at_once(acme, [slow, quick])
    after, _, _ = stream.after(stream.parse(cursor))

    assert between == ["late"]  # told at once, and the cursor did not step over the one that is not there yet
    assert said(after) == ["early", "late"]


def test_a_busy_stream_read_in_pieces_is_whole(acme, bia):
    talks = [ConversationFactory() for _ in range(4)]
    start = stream.now()

    def write() -> None:
        for number in range(25):
            for talk in talks:
                messages.send(conversation_id=talk.pk, by=bia, body=f"{number}", client_id=uuid4())

    def read() -> set[tuple[str, int]]:
        place, found = start, set()
        deadline = time.monotonic() + 4 * PATIENCE_S
        while len(found) < 400 and time.monotonic() < deadline:
            events, place, _more = stream.after(place, limit=7)
            found |= {(event["conversation"], event["seq"]) for event in events if event["seq"] > 1}
        return found

    *_, found = at_once(acme, [write] * 4 + [read])

    assert {(key, seq) for key, seq in found if seq > 1} == {
        (str(talk.pk), seq) for talk in talks for seq in range(2, 102)
    }


def test_two_workers_write_to_nobody_twice(acme):
    mailbox = InboxFactory(channel="email")
    ChannelAccountFactory(inbox=mailbox, settings={"address": "loja@acme.example"})
    campaign = CampaignFactory(
        kind="once", state="running", inbox=mailbox, subject="News", body="News", basis="interest"
    )
    for number in range(12):
        CampaignRecipientFactory(campaign=campaign, contact=ContactFactory(email=f"{number}@x.example"))

    def work() -> int:
        sent = 0
        while broadcasts.send_next(campaign_id=campaign.pk, now=NOW):
            sent += 1
        return sent

    shares = at_once(acme, [work, work, work])

    assert sum(shares) == 12
    assert Message.objects.filter(direction="bot").count() == 12
    assert Conversation.objects.values("contact").distinct().count() == 12
    assert set(campaign.recipients.values_list("state", flat=True)) == {"queued"}


def test_two_tabs_show_an_invitation_once(acme):
    campaign, key = CampaignFactory(), uuid4()

    def show() -> bool:
        return invitations.show(inbox=campaign.inbox, campaign_id=campaign.pk, key=key, visitor=None, now=NOW)

    assert sorted(at_once(acme, [show] * 5)) == [False] * 4 + [True]
