"""Transcripts carry what the visitor may see, and nothing of the team's."""

import io

import pypdf
import pytest
from django.core import mail

from chat.errors import BadAddress, TooManyTranscripts
from chat.services import transcripts
from chat.tests.factories import ConversationFactory, MessageFactory

ADDRESS = "rui@mail.example"


@pytest.fixture
def conversation(acme, bia):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Tem pão <b>sem</b> glúten? 🥖")
    MessageFactory(conversation=conversation, by=bia, body="Cliente difícil", private=True)
    MessageFactory(conversation=conversation, by=bia, body="Tem, todo dia às 7 h")
    return conversation


def test_a_letter_with_a_document_goes_out(conversation, bia):
    assert transcripts.deliver(conversation_id=conversation.pk, to=ADDRESS, language="pt-br")

    (letter,) = mail.outbox
    assert letter.to == [ADDRESS]
    assert f"#{conversation.number}" in letter.subject
    page = letter.alternatives[0][0]
    for text in (letter.body, page):
        assert "Tem, todo dia às 7 h" in text
        assert "Cliente difícil" not in text
    assert "&lt;b&gt;sem&lt;/b&gt;" in page
    ((name, document, kind),) = letter.attachments
    assert (name.endswith(".pdf"), kind, document[:5]) == (True, "application/pdf", b"%PDF-")


def test_the_document_says_the_same(conversation, bia):
    document = transcripts.pdf(conversation, transcripts.lines(conversation), heading="Padaria São João")

    words = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(document)).pages)
    assert "Padaria São João" in words
    assert "Tem pão <b>sem</b> glúten?" in words
    assert "às 7 h" in words
    assert "difícil" not in words


def test_a_conversation_that_is_gone_sends_nothing(conversation):
    key = conversation.pk
    conversation.delete()

    assert not transcripts.deliver(conversation_id=key, to=ADDRESS)
    assert mail.outbox == []


@pytest.mark.parametrize("address", ["", "rui", "rui@", "a@b.example\nBcc: c@d.example"])
def test_odd_addresses_are_refused(conversation, address):
    with pytest.raises(BadAddress):
        transcripts.order(conversation_id=conversation.pk, to=address)


def test_a_stranger_is_not_flooded(conversation):
    for _ in range(transcripts.LIMIT):
        transcripts.order(conversation_id=conversation.pk, to=ADDRESS)
    with pytest.raises(TooManyTranscripts):
        transcripts.order(conversation_id=conversation.pk, to=ADDRESS)


def test_agents_order_over_the_api_and_other_tenants_do_not(conversation, acme, beta, bia, client_of):
    address = f"/api/v1/chat/conversations/{conversation.number}/transcript/"
    agent = client_of(acme, user=bia)

    assert agent.post(address, {"email": ADDRESS}, content_type="application/json").status_code == 202
    refused = agent.post(address, {"email": "rui"}, content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "email")
    stranger = client_of(beta, role="owner")
    assert stranger.post(address, {"email": ADDRESS}, content_type="application/json").status_code == 404
