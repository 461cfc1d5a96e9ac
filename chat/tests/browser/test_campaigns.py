"""A campaign on somebody's website: it speaks first, once, and its answer is a conversation that knows it."""

import pytest

from chat.models import CampaignRecipient, Contact, Conversation, Message
from chat.tests.browser.stage import until, write
from chat.tests.factories import CampaignFactory, InboxFactory

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1>
<script async src="{address}" data-inbox="{token}"></script>"""


def test_a_visitor_is_invited_once_and_answers(acme, bia, stage, fake_http):
    shop = InboxFactory(name="Shop")
    campaign = CampaignFactory(inbox=shop, sender=bia, body="Any question about prices?", page_patterns=["/pricing*"])
    body = PAGE.format(address=stage.address("/widget.js"), token=shop.website_token)
    for path in ("/", "/pricing"):
        fake_http.on("GET", path).reply(200, body, headers={"Content-Type": "text/html; charset=utf-8"})
    context = stage.context()
    page = stage.page(context)

    page.goto(f"{fake_http.url}/pricing")
    page.locator(".teaser").wait_for()
    assert page.locator(".teaser span").first.inner_text() == "Any question about prices?"
    until(page, lambda: campaign.recipients.get().shown, 1)
    assert not Contact.objects.exists()  # whoever only looks is nobody's contact

    page.locator(".teaser .say").click()
    chat = page.frame_locator("iframe")
    chat.get_by_text("Any question about prices?").wait_for()
    write(chat, "Do you deliver on Sundays?")

    until(page, lambda: Message.objects.filter(direction="in").count(), 1)
    row = CampaignRecipient.objects.get()
    conversation = Conversation.objects.get()
    assert (row.conversation, row.contact, row.opened_at is not None) == (conversation, conversation.contact, True)
    assert conversation.assignee == bia
    said = Message.objects.exclude(direction="activity").order_by("seq").values_list("direction", "body")
    assert list(said) == [("bot", "Any question about prices?"), ("in", "Do you deliver on Sundays?")]
    # The server's words took the place of the card's, so they stand there once.
    until(page, lambda: chat.get_by_text("Any question about prices?").count(), 1)
