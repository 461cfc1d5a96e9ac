"""Campaigns to lists: everybody once, at a pace, nobody who said no."""

import json
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.utils import timezone

from chat.enums import CampaignKind, Channel, OptOutWay
from chat.errors import CampaignMoved, TemplateUnknown
from chat.models import CampaignRecipient, ChurnScore, Conversation, Message
from chat.queries import campaigns as queries
from chat.services import broadcasts, campaigns, messages, optouts, outgoing, privacy
from chat.services.conversations import visitor_of
from chat.tests.factories import (
    CampaignFactory,
    ChannelAccountFactory,
    ChurnScoreFactory,
    ContactFactory,
    ContactInboxFactory,
    ConversationFactory,
    InboxFactory,
    LabelFactory,
)
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid


@pytest.fixture
def mailbox(acme):
    inbox = InboxFactory(channel=Channel.EMAIL)
    ChannelAccountFactory(inbox=inbox, settings={"address": "loja@acme.example"})
    return inbox


@pytest.fixture
def letter(mailbox, noon):
    """A mail to everybody who can be reached, due now."""
    return CampaignFactory(
        kind=CampaignKind.ONCE,
        state="scheduled",
        inbox=mailbox,
        subject="News for {{contact.first_name|you}}",
        body="Hello {{contact.first_name|dear customer}}, we have news.",
        basis="interest",
        starts_at=noon,
        per_minute=100,
    )


def states(campaign):
    rows = campaign.recipients.order_by("contact__email", "contact__created_at")
    return [(row.contact.email, row.state, row.left_out) for row in rows.select_related("contact")]


def test_everybody_gets_it_once_and_the_list_says_who_does_not(letter, noon):
    ContactFactory(name="Ana Lima", email="a@x.example")
    ContactFactory(email="A@x.example")  # the same person, entered twice
    ContactFactory(email="b@x.example", opted_out_at=noon)
    ContactFactory(email="B@x.example")  # another entry of somebody who said no
    ContactFactory(email="c@x.example", blocked=True)
    ContactFactory(email="")

    first = broadcasts.advance(campaign_id=letter.pk, now=noon)
    again = broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=5))

    assert (first, again) == (1, 0)
    assert sorted(states(letter)) == [
        ("", "skipped", "address"),
        ("A@x.example", "skipped", "same"),
        ("B@x.example", "skipped", "opted_out"),
        ("a@x.example", "queued", ""),
        ("b@x.example", "skipped", "opted_out"),
        ("c@x.example", "skipped", "blocked"),
    ]
    assert Message.objects.get().body == "Hello Ana, we have news."
    letter.refresh_from_db()
    assert letter.state == "done"
    assert queries.figures([letter.pk])[letter.pk].sent == 1


def test_a_mail_carries_the_way_out_and_bothers_no_agent(letter, noon):
    contact = ContactFactory(email="a@x.example")
    broadcasts.advance(campaign_id=letter.pk, now=noon)
    conversation = Conversation.objects.get()

    outgoing.send_waiting(conversation_id=conversation.pk, now=noon)
    broadcasts.settle(now=noon)

    sent = mail.outbox[0]
    # The token says when it was made, so another one looks different a second later.
    link = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert optouts.behind(link.rstrip("/").rpartition("/")[2]) == contact
    assert sent.subject == "News for Visitor"
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in sent.body
    assert (conversation.status, conversation.assignee) == ("resolved", None)
    assert letter.recipients.get().state == "sent"


def test_an_answer_opens_the_conversation_and_counts(letter, noon):
    ContactFactory(email="a@x.example")
    broadcasts.advance(campaign_id=letter.pk, now=noon)
    conversation = Conversation.objects.get()

    messages.send_from_visitor(
        conversation_id=conversation.pk,
        visitor=visitor_of(conversation),
        body="Tell me more",
        client_id=uuid4(),
        now=noon + timedelta(hours=1),
    )
    broadcasts.settle(now=noon + timedelta(hours=2))

    assert letter.recipients.get().replied_at == noon + timedelta(hours=1)
    conversation.refresh_from_db()
    assert conversation.status == "open"


def test_the_pace_is_kept_and_a_pause_holds_it(letter, ana, noon):
    ContactFactory.create_batch(5)
    for number, contact in enumerate(ContactFactory._meta.model.objects.all()):
        ContactFactory._meta.model.objects.filter(pk=contact.pk).update(email=f"{number}@x.example")
    letter.per_minute = 2
    letter.save()

    first = broadcasts.advance(campaign_id=letter.pk, now=noon)
    same_minute = broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(seconds=40))
    campaigns.pause(campaign=letter, by=ana, now=noon)
    paused = broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=2))
    campaigns.start(campaign=letter, by=ana, now=noon)
    resumed = broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=4))
    campaigns.stop(campaign=letter, by=ana, now=noon)
    stopped = broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=6))

    assert (first, same_minute, paused, resumed, stopped) == (2, 0, 0, 2, 0)
    assert letter.recipients.filter(state="pending").count() == 1
    with pytest.raises(CampaignMoved):
        campaigns.start(campaign=letter, by=ana, now=noon)


def test_who_opts_out_while_it_sends_is_left_out(letter, noon):
    for number in range(2):
        ContactFactory(email=f"{number}@x.example")
    letter.per_minute = 1
    letter.save()
    broadcasts.advance(campaign_id=letter.pk, now=noon)
    waiting = letter.recipients.get(state="pending").contact

    optouts.refuse(contact=waiting, way=OptOutWay.LINK, now=noon)
    broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=2))

    assert letter.recipients.get(contact=waiting).left_out == "opted_out"
    assert Message.objects.count() == 1
    assert AuditEntry.objects.filter(action="chat.contact_opted_out").count() == 1


def test_without_consent_nobody_is_written_to_when_consent_is_the_ground(letter, noon):
    letter.basis = "consent"
    letter.save()
    ContactFactory(email="a@x.example")
    ContactFactory(email="b@x.example", consent_at=noon)

    assert broadcasts.advance(campaign_id=letter.pk, now=noon) == 1

    assert states(letter) == [("a@x.example", "skipped", "consent"), ("b@x.example", "queued", "")]


def test_a_crash_between_people_leaves_them_waiting_and_writes_to_nobody_twice(letter, noon, monkeypatch):
    for number in range(3):
        ContactFactory(email=f"{number}@x.example")
    real, calls = broadcasts._mark, []

    def dies(row, **changes):
        calls.append(row)
        if len(calls) == 2:
            raise RuntimeError("the worker was killed")
        real(row, **changes)

    monkeypatch.setattr(broadcasts, "_mark", dies)
    with pytest.raises(RuntimeError):
        broadcasts.advance(campaign_id=letter.pk, now=noon)
    assert (Message.objects.count(), letter.recipients.filter(state="pending").count()) == (1, 2)

    broadcasts.advance(campaign_id=letter.pk, now=noon + timedelta(minutes=2))

    assert Message.objects.count() == 3
    assert Message.objects.values("conversation__contact").distinct().count() == 3


def test_the_list_is_made_by_labels_silence_risk_and_attributes(letter, acme, noon):
    label = LabelFactory()
    vip = ContactFactory(email="vip@x.example", attrs={"plan": "pro"}, company="Acme")
    talk = ConversationFactory(contact_inbox=ContactInboxFactory(contact=vip))
    talk.labels.add(label)
    Conversation.objects.filter(pk=talk.pk).update(last_contact_message_at=noon - timedelta(days=60))
    ChurnScoreFactory(contact=vip, band="high")
    ContactFactory(email="other@x.example", attrs={"plan": "free"})

    def reached(**audience):
        letter.audience = campaigns._audience(audience)
        return queries.reach(letter, now=noon).reached

    assert reached() == 2
    assert reached(labels=[str(label.pk)]) == 1
    assert reached(without_labels=[str(label.pk)]) == 1
    assert reached(quiet_days=30) == 1
    assert reached(active_days=30) == 0
    assert reached(risk=["high"]) == 1
    assert reached(company="acme") == 1
    assert reached(attrs=[{"name": "plan", "op": "is", "value": "pro"}]) == 1
    assert reached(attrs=[{"name": "plan", "op": "is_not", "value": "pro"}]) == 1
    assert reached(inbox=str(talk.inbox_id)) == 1
    assert [row.email for row in queries.sample(letter, now=noon)] == ["vip@x.example"]
    for wrong in ({"labels": [str(uuid4())]}, {"risk": ["huge"]}, {"quiet_days": "30"}, {"sql": "1"}):
        with pytest.raises(Invalid):
            campaigns._audience(wrong)


def test_whatsapp_takes_an_approved_template_only(acme, ana, noon, monkeypatch):
    inbox = ChannelAccountFactory(inbox=InboxFactory(channel=Channel.WHATSAPP)).inbox
    known = [{"name": "promo", "language": "pt_BR", "body": "Olá {{1}}, {{2}}", "values": 2}]
    monkeypatch.setattr(campaigns.channels, "templates", lambda *, inbox: known)
    made = campaigns.create(kind="once", name="Promo", inbox=inbox, basis="interest", by=ana, now=noon)

    with pytest.raises(Invalid):
        campaigns.start(campaign=made, by=ana, now=noon)
    with pytest.raises(TemplateUnknown):
        campaigns.change(
            campaign=made, template={"name": "promo", "language": "pt_BR", "values": ["x"]}, by=ana, now=noon
        )
    values = ["{{contact.first_name}}", "oferta"]
    made = campaigns.change(
        campaign=made, template={"name": "promo", "language": "pt_BR", "values": values}, by=ana, now=noon
    )
    campaigns.start(campaign=made, by=ana, now=noon)
    ContactFactory(name="Rui Sá", phone_e164="+5511999990000")
    broadcasts.advance(campaign_id=made.pk, now=noon)

    message = Message.objects.get()
    assert (message.kind, message.body) == ("template", "Olá Rui, oferta")
    assert message.meta["template"] == {"name": "promo", "language": "pt_BR", "values": ["Rui", "oferta"]}
    assert message.conversation.contact_inbox.source_id == "5511999990000"


def test_telegram_reaches_those_who_wrote_and_stop_ends_it(acme, noon):
    inbox = InboxFactory(channel=Channel.TELEGRAM, locale="en")
    link = ContactInboxFactory(inbox=inbox, source_id="42")
    ContactFactory()  # never wrote to the bot
    campaign = CampaignFactory(
        kind=CampaignKind.ONCE, state="scheduled", inbox=inbox, body="News", basis="interest", starts_at=noon
    )
    broadcasts.advance(campaign_id=campaign.pk, now=noon)
    conversation = Conversation.objects.get()
    assert "STOP" in Message.objects.get().body

    said = messages.send_from_visitor(
        conversation_id=conversation.pk,
        visitor=visitor_of(conversation),
        body=" Não quero mais! ",
        client_id=uuid4(),
        now=noon + timedelta(minutes=1),
    )
    heard = [optouts.heed(message_id=said.id, now=noon), optouts.heed(message_id=said.id, now=noon)]

    link.contact.refresh_from_db()
    assert heard == [True, True]
    assert (link.contact.opted_out_via, link.contact.opted_out_at) == ("word", noon)
    assert Message.objects.filter(direction="bot").count() == 2  # the campaign, and one confirmation
    assert sorted(campaign.recipients.values_list("state", "left_out")) == [("queued", ""), ("skipped", "address")]


@pytest.mark.parametrize("words", ["Stop the delivery to my neighbour", "How do I stop?", "sairam fotos novas"])
def test_a_sentence_about_stopping_is_no_opt_out(letter, noon, words):
    ContactFactory(email="a@x.example")
    broadcasts.advance(campaign_id=letter.pk, now=noon)
    conversation = Conversation.objects.get()

    said = messages.send_from_visitor(
        conversation_id=conversation.pk, visitor=visitor_of(conversation), body=words, client_id=uuid4(), now=noon
    )

    assert optouts.heed(message_id=said.id, now=noon) is False


def test_a_draft_needs_its_words_and_a_copy_begins_as_a_draft(mailbox, ana, noon):
    made = campaigns.create(kind="once", name="News", inbox=mailbox, by=ana, now=noon)
    for field, words in (("body", "Hello"), ("subject", "News")):
        with pytest.raises(Invalid) as refused:
            campaigns.start(campaign=made, by=ana, now=noon)
        assert refused.value.errors[0].field == field
        made = campaigns.change(campaign=made, by=ana, now=noon, **{field: words})
    made = campaigns.start(campaign=made, by=ana, now=noon)
    twin = campaigns.copy(campaign=made, name="News again", by=ana, now=noon)

    assert (made.state, made.starts_at) == ("scheduled", noon)
    assert (twin.state, twin.body, twin.starts_at) == ("draft", "Hello", None)
    with pytest.raises(Invalid):
        campaigns.create(kind="ongoing", name="Hi", inbox=mailbox, by=ana, now=noon)
    with pytest.raises(CampaignMoved):
        campaigns.delete(campaign=made, by=ana, now=noon)
    campaigns.delete(campaign=twin, by=ana, now=noon)


def test_places_are_filled_and_unknown_ones_stay_to_be_seen(acme):
    campaign = CampaignFactory()
    contact = ContactFactory(name="Rui Sá", attrs={"city": "Recife"})

    text = "{{contact.first_name}} of {{ attrs.city }} {{contact.company|there}} {{attrs.shoe|42}} {{secret.key}}"

    assert campaigns.filled(text, contact=contact, campaign=campaign) == "Rui of Recife there 42 {{secret.key}}"
    assert campaigns.filled("Hi {{contact.name|you}}", contact=None, campaign=campaign) == "Hi you"


def test_figures_ask_once_for_many_campaigns(acme, django_assert_num_queries):
    rows = CampaignFactory.create_batch(3)
    CampaignRecipient.objects.create(campaign=rows[0], state="skipped", left_out="address", created_at=timezone.now())

    with django_assert_num_queries(1):
        found = queries.figures([row.pk for row in rows])

    assert [found[row.pk].skipped for row in rows] == [1, 0, 0]


def test_whoever_is_erased_leaves_only_a_count(letter, ana, noon):
    contact = ContactFactory(name="Rui", email="rui@x.example")
    ChurnScoreFactory(contact=contact)
    broadcasts.advance(campaign_id=letter.pk, now=noon)
    with privacy.export(contact_id=contact.pk, by=ana, now=noon) as file, zipfile.ZipFile(file) as archive:
        held = json.loads(archive.read("contact.json"))
    assert held["campaigns"][0]["address"] == "rui@x.example"
    assert held["churn_estimate"][0]["probability"] == 0.5

    privacy.erase(contact_id=contact.pk, by=ana, now=noon)

    row = letter.recipients.get()
    assert (row.contact, row.address, row.state) == (None, "", "queued")
    assert not ChurnScore.objects.exists()
    assert queries.figures([letter.pk])[letter.pk].sent == 1
