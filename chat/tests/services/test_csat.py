from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils.translation import override
from django_tenants.utils import tenant_context

from chat.models import ChatEvent, CsatResponse, Message
from chat.services import assignment, conversations, csat, messages
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from ops.kernel import signing
from ops.kernel.errors import Invalid
from ops.kernel.outbox.models import OutboxEvent


@pytest.fixture
def inbox(acme, ana, noon):
    return csat.configure(inbox=InboxFactory(), by=ana, now=noon, enabled=True, scale="stars", question="Well served?")


@pytest.fixture
def resolved(inbox, bia, noon):
    """A conversation that was asked, answered and resolved."""
    conversation = MessageFactory(conversation__contact_inbox__inbox=inbox).conversation
    assignment.claim(conversation_id=conversation.pk, by=bia, now=noon)
    messages.send(conversation_id=conversation.pk, by=bia, body="Yes", client_id=uuid4(), now=noon)
    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=bia, now=noon)
    return conversation


def test_the_question_stands_in_the_thread(resolved, bia, noon):
    asked = csat.ask(conversation_id=resolved.pk, now=noon)

    message = Message.objects.get(kind="csat")
    assert (message.body, message.direction) == ("Well served?", "bot")
    assert (message.meta["scale"], message.meta["min"], message.meta["max"]) == ("stars", 1, 5)
    assert message.meta["url"].startswith("http://acme.localhost")
    assert (asked.agent, asked.rating) == (bia, None)
    resolved.refresh_from_db()
    assert resolved.status == "resolved"


def test_an_answer_is_kept_told_and_may_change(resolved, noon):
    asked = csat.ask(conversation_id=resolved.pk, now=noon)

    csat.answer(asked=asked, rating=2, now=noon)
    csat.answer(asked=asked, rating=2, now=noon)  # sent twice
    csat.answer(asked=asked, rating=5, comment=" Solved in the end ", now=noon)

    row = CsatResponse.objects.get()
    assert (row.rating, row.comment, row.answered_at) == (5, "Solved in the end", noon)
    told = ChatEvent.objects.filter(type="message.updated")
    assert told.count() == 2
    assert all(event.pub_seq is not None for event in told)
    assert Message.objects.get(kind="csat").meta["rating"] == 5
    assert OutboxEvent.objects.filter(name="chat.csat_answered").count() == 2


@pytest.mark.parametrize("rating", [0, 6])
def test_an_answer_off_the_scale_is_refused(resolved, noon, rating):
    asked = csat.ask(conversation_id=resolved.pk, now=noon)

    with pytest.raises(Invalid):
        csat.answer(asked=asked, rating=rating, now=noon)

    assert CsatResponse.objects.get().rating is None


def test_the_link_opens_one_question_of_one_tenant(resolved, beta, noon):
    asked = csat.ask(conversation_id=resolved.pk, now=noon)
    token = csat.link(asked).rsplit("/", 2)[1]

    assert csat.behind(token) == asked
    with pytest.raises(csat.SurveyNotFound):
        csat.behind(token + "x")
    with pytest.raises(csat.SurveyNotFound):
        csat.behind(signing.dumps(str(uuid4()), salt=csat.SALT))
    with tenant_context(beta), pytest.raises(csat.SurveyNotFound):
        csat.behind(token)


def test_nobody_is_asked_who_was_not_answered(inbox, bia, noon):
    conversation = MessageFactory(conversation__contact_inbox__inbox=inbox).conversation
    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=bia, now=noon)

    assert csat.ask(conversation_id=conversation.pk, now=noon) is None


def test_nobody_is_asked_where_it_is_off_or_again_too_soon(resolved, inbox, ana, noon):
    csat.configure(inbox=inbox, by=ana, now=noon, enabled=False)
    assert csat.ask(conversation_id=resolved.pk, now=noon) is None
    csat.configure(inbox=inbox, by=ana, now=noon, enabled=True, pause_days=30)

    assert csat.ask(conversation_id=resolved.pk, now=noon) is not None
    assert csat.ask(conversation_id=resolved.pk, now=noon + timedelta(days=29)) is None
    assert csat.ask(conversation_id=resolved.pk, now=noon + timedelta(days=31)) is not None
    assert CsatResponse.objects.count() == 1  # the unanswered one made room


def test_an_open_conversation_is_not_asked(inbox, noon):
    assert csat.ask(conversation_id=ConversationFactory(contact_inbox__inbox=inbox).pk, now=noon) is None


def test_an_empty_text_brings_the_usual_words_back(inbox, ana, noon):
    inbox = csat.configure(inbox=inbox, by=ana, now=noon, question="")

    with override("en"):
        assert csat.settings_of(inbox)["question"] == "How was our service?"


def test_the_table_holds_no_formulas(resolved, noon):
    asked = csat.ask(conversation_id=resolved.pk, now=noon)
    csat.answer(asked=asked, rating=4, comment="=HYPERLINK(1)", now=noon)

    table = csat.as_csv(CsatResponse.objects.select_related("conversation", "contact", "agent"))

    assert table.splitlines()[1].endswith(",stars,4,'=HYPERLINK(1)")
