"""Campaigns on a website: which a page gets, once a visitor, and the conversation that begins with an answer."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chat.enums import Delivery
from chat.errors import CampaignUnknown
from chat.models import CampaignRecipient, Conversation, Message
from chat.queries import campaigns as queries
from chat.services import conversations, invitations
from chat.tests.factories import BusinessHoursFactory, CampaignFactory, ContactInboxFactory, InboxFactory

KEY = UUID("11111111-1111-4111-8111-111111111111")


@pytest.fixture
def shop(acme):
    return InboxFactory()


def offered(shop, *, url="https://shop.example/", key=KEY, returning=False, attributes=None, visitor=None, now):
    found = invitations.offered(
        inbox=shop,
        url=url,
        key=key,
        returning=returning,
        attributes=attributes or {},
        visitor=visitor,
        now=now,
    )
    return [one["text"] for one in found]


@pytest.mark.parametrize(
    ("patterns", "url", "fits"),
    [
        ([], "https://shop.example/any", True),
        (["/pricing"], "https://shop.example/pricing/", True),
        (["/pricing"], "https://shop.example/pricing?utm=1#top", True),
        (["/pricing"], "https://shop.example/pricing/annual", False),
        (["/pricing*"], "https://shop.example/pricing/annual", True),
        (["*checkout*"], "https://shop.example/de/checkout/2", True),
        (["shop.example/p/*"], "https://SHOP.example/p/1", True),
        (["https://shop.example/p/*"], "https://other.example/p/1", False),
        (["/p?plan=*"], "https://shop.example/p?plan=pro", True),
        (["/p?plan=pro"], "https://shop.example/p", False),
        (["!/checkout*"], "https://shop.example/checkout", False),
        (["!/checkout*"], "https://shop.example/", True),
        (["/*", "!/cart"], "https://shop.example/cart", False),
        (["/a.b"], "https://shop.example/axb", False),
    ],
)
def test_a_page_is_one_of_the_patterns(patterns, url, fits):
    assert queries.fits(patterns, url) is fits


def test_a_page_gets_what_fits_it_and_its_visitor(shop, noon):
    def add(text, **rules):
        CampaignFactory(inbox=shop, body=text, **rules)

    add("all {{contact.first_name|you}}")
    add("prices", page_patterns=["/pricing*"])
    add("new", visitors="new")
    add("back", visitors="returning")
    add("cart", attrs=[{"name": "cart", "op": "known", "value": ""}])
    add("paused", state="paused")
    add("later", starts_at=noon + timedelta(days=1))
    add("over", ends_at=noon)
    CampaignFactory(body="elsewhere")

    assert offered(shop, now=noon) == ["all you", "new"]
    assert offered(shop, url="https://shop.example/pricing", now=noon) == ["all you", "prices", "new"]
    assert offered(shop, returning=True, now=noon) == ["all you", "back"]
    assert offered(shop, attributes={"cart": "84"}, now=noon) == ["all you", "new", "cart"]


def test_a_closed_shop_says_only_what_may_be_said_then(shop, noon):
    BusinessHoursFactory(inbox=shop, week=[[] for _day in range(7)])
    CampaignFactory(inbox=shop, body="open", open_hours_only=True)
    CampaignFactory(inbox=shop, body="always", open_hours_only=False)

    assert offered(shop, now=noon) == ["always"]


def test_it_is_shown_once_in_however_many_tabs(shop, noon):
    campaign = CampaignFactory(inbox=shop)

    shown = [invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=None, now=noon) for _tab in "ab"]
    other = invitations.show(inbox=shop, campaign_id=campaign.pk, key=uuid4(), visitor=None, now=noon)

    assert (shown, other) == ([True, False], True)
    assert offered(shop, now=noon + timedelta(days=30)) == []
    figures = queries.figures([campaign.pk])[campaign.pk]
    assert (figures.shown, figures.views) == (2, 2)
    assert not CampaignRecipient.objects.filter(visitor_key__contains=str(KEY)).exists()


def test_more_than_once_keeps_its_distance(shop, noon):
    campaign = CampaignFactory(inbox=shop, most_times=2, pause_days=7)

    def show(days):
        at = noon + timedelta(days=days)
        return invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=None, now=at)

    assert [show(0), show(6), show(7), show(30)] == [True, False, True, False]


def test_whoever_took_it_up_or_talks_already_is_left_alone(shop, noon):
    campaign = CampaignFactory(inbox=shop, most_times=5, pause_days=0)
    invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=None, now=noon)
    invitations.answer(inbox=shop, campaign_id=campaign.pk, key=KEY, opened=True, now=noon)
    link = ContactInboxFactory(inbox=shop)
    visitor = conversations.Visitor(link.pk, link.contact_id, shop.pk, "Rui")

    assert offered(shop, now=noon) == []
    assert len(offered(shop, key=uuid4(), visitor=visitor, now=noon)) == 1
    conversations.start(visitor=visitor, client_id=uuid4(), now=noon)
    assert offered(shop, key=uuid4(), visitor=visitor, now=noon) == []


def test_a_known_person_sees_it_once_on_all_their_devices(shop, noon):
    campaign = CampaignFactory(inbox=shop)
    link = ContactInboxFactory(inbox=shop)
    visitor = conversations.Visitor(link.pk, link.contact_id, shop.pk, "Rui")
    invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=visitor, now=noon)

    assert offered(shop, key=uuid4(), visitor=visitor, now=noon) == []
    assert not invitations.show(inbox=shop, campaign_id=campaign.pk, key=uuid4(), visitor=visitor, now=noon)


def test_an_answer_begins_a_conversation_with_the_invitation_and_goes_to_who_invited(shop, bia, noon):
    campaign = CampaignFactory(inbox=shop, sender=bia, body="Hello {{contact.first_name|there}}")
    link = ContactInboxFactory(inbox=shop, contact__name="Rui Sá")
    visitor = conversations.Visitor(link.pk, link.contact_id, shop.pk, "Rui Sá")
    invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=None, now=noon)
    talk = conversations.start(visitor=visitor, client_id=uuid4(), now=noon)

    for _again in range(2):
        invitations.begin(campaign_id=campaign.pk, key=KEY, visitor=visitor, conversation=talk, now=noon)

    message = Message.objects.exclude(direction="activity").get()
    assert (message.body, message.direction, message.author_agent) == ("Hello Rui", "bot", bia)
    assert message.delivery == Delivery.SENT
    talk.refresh_from_db()
    assert (talk.assignee, talk.first_reply_at) == (bia, None)
    row = campaign.recipients.get()
    assert (row.contact_id, row.conversation, row.replied_at) == (link.contact_id, talk, noon)


def test_an_invitation_nobody_saw_is_left_out_of_the_conversation(shop, noon):
    campaign = CampaignFactory(inbox=shop)
    link = ContactInboxFactory(inbox=shop)
    visitor = conversations.Visitor(link.pk, link.contact_id, shop.pk, "Rui")
    talk = conversations.start(visitor=visitor, client_id=uuid4(), now=noon)

    invitations.begin(campaign_id=campaign.pk, key=KEY, visitor=visitor, conversation=talk, now=noon)

    assert not Message.objects.exists()
    assert Conversation.objects.get() == talk


def test_what_is_over_or_of_another_website_is_unknown(shop, noon):
    over = CampaignFactory(inbox=shop, state="done")
    for campaign in (over, CampaignFactory()):
        with pytest.raises(CampaignUnknown):
            invitations.show(inbox=shop, campaign_id=campaign.pk, key=KEY, visitor=None, now=noon)


def test_a_last_day_ends_it(shop, noon):
    campaign = CampaignFactory(inbox=shop, ends_at=noon)

    assert invitations.end_due(now=noon) == 1

    campaign.refresh_from_db()
    assert (campaign.state, campaign.done_at) == ("done", noon)
