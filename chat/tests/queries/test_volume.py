"""The size of an answer and the way to it do not grow with the years behind a counter."""

import gzip
from functools import partial

import pytest
from django.utils import timezone

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.models import ChatEvent, Conversation
from chat.queries import stream, thread
from chat.tests import plans, volume
from chat.tests.factories import ContactFactory, ContactInboxFactory, ConversationFactory, MessageFactory

CONVERSATIONS, MESSAGES, AT_WORK = 4_000, 24_000, 60
MOST_BYTES = 30 * 1024
# What compares a set of conversations with all of them: at this size PostgreSQL rightly reads the few pages of the table;
# `benchmarks/million.py` shows what it does at the full one. Messages are found by an index at any size.
SETS = ("search", "list label", "list common label", "api q=", "api label", "api team=mine")


@pytest.fixture
def made(acme):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(flags={"analytics": True}, limits={}))
    entitlements.forget(acme)
    return volume.fill(
        conversations=CONVERSATIONS,
        messages=MESSAGES,
        at_work=AT_WORK,
        agents=6,
        counted=False,
        now=timezone.now(),
    )


def opened(client, path):
    """The page, which is there."""
    answer = client.get(path)
    assert answer.status_code == 200, path


def read_whole(work):
    """Of conversations and messages, what a piece of work reads from end to end, with the statement."""
    with plans.asked() as asked:
        work()
    found = {}
    for sql, params in asked:
        for table in plans.plan(sql, params).read_whole() & {"chat_conversation", "chat_message"}:
            found.setdefault(table, " ".join(sql.split())[:300])
    return found


def test_what_people_look_at_all_day_reads_no_thread_from_end_to_end(acme, ana, client_of, made):
    agent, owner = client_of(acme, user=made.agents[0]), client_of(acme, user=ana)
    pages, reports = volume.addresses(made)
    work = {name: partial(opened, agent, path) for name, path in pages.items()}
    work |= {name: partial(opened, owner, path) for name, path in reports.items()}
    newest = ChatEvent.objects.order_by("-xid", "-pk")[20]
    place = stream.Cursor(stream.epoch(), newest.xid, newest.pk)
    talk = Conversation.objects.get(number=made.longest)
    work |= {
        "catch-up": lambda: stream.after(place),
        "heads": lambda: stream.heads_after(stream.now()),
        "visitor's list": lambda: list(thread.for_visitor(talk.contact_inbox_id)),
    }

    found = {name: read_whole(one) for name, one in work.items()}
    for name in found:
        if name.startswith(SETS):
            found[name].pop("chat_conversation", None)

    assert {name: tables for name, tables in found.items() if tables} == {}


@pytest.mark.parametrize("path", ["/api/v1/chat/conversations/?page_size=50", "/chat/?tab=all&status=any&limit=50"])
def test_fifty_rows_of_the_list_travel_as_thirty_kilobytes(acme, bia, client_of, path):
    for number in range(50):
        said = [volume.PHRASES[number * step % len(volume.PHRASES)] for step in (1, 7, 11)]
        ConversationFactory(preview=f"inicio {' '.join(said)}"[:120])

    answer = client_of(acme, user=bia).get(path, headers={"accept-encoding": "gzip", "x-console": "list"})

    assert gzip.decompress(answer.content).count(b"inicio") == 50
    assert len(answer.content) <= MOST_BYTES


@pytest.mark.parametrize("text", ["pao", "pães integrais", "marta", "#2", "2", "nobody"])
def test_a_common_word_finds_what_a_rare_one_would(acme, bia, monkeypatch, text):
    marta = ConversationFactory(contact_inbox=ContactInboxFactory(contact=ContactFactory(name="Marta")))
    for conversation, body in ((marta, "Bom dia"), (ConversationFactory(), "Tem pães integrais?")):
        MessageFactory(conversation=conversation, body=body)
        MessageFactory(conversation=conversation, body=body)
    ConversationFactory()
    rare = set(Conversation.objects.search(text))

    monkeypatch.setattr("chat.models.conversation.COMMON", -1)

    assert sorted(one.pk for one in Conversation.objects.search(text)) == sorted(one.pk for one in rare)
    if text in {"pao", "pães integrais", "marta", "nobody"}:
        assert len(rare) == (text != "nobody")
