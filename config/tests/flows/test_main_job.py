"""The main job, as its people do it: a reseller opens a customer, and a minute later a visitor is chatting live."""

from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Conversation, Message
from chat.tests.browser.stage import AGENT_LINES, VISITOR_LINES, bodies, open_chat, running, until, write
from tenants.models import Tenant
from tenants.services import branding, resellers

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

PASSWORD = "pão-quente-às-seis"
RESELLER_COLOUR = "#0b6e8a"
PREPARED_WITHIN_MS = 180_000


@pytest.fixture
def rede_sul(stage, settings):
    """A reseller with a colour of its own and one person, whose password the web process can read."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    reseller = resellers.create(
        name="Rede Sul",
        slug="redesul",
        owner_email="revenda@redesul.example",
        owner_name="Renata Vidal",
        owner_password=PASSWORD,
        now=timezone.now(),
    )
    branding.save(owner=reseller, display_name="Rede Sul", primary_color=RESELLER_COLOUR)
    return reseller


def brand_colour(place):
    """The colour a page paints its accents with."""
    return place.locator("html").evaluate(
        "node => getComputedStyle(node).getPropertyValue('--brand-primary').trim().toLowerCase()"
    )


def create_customer(stage):
    """The reseller's side: log in, fill one short form, wait for the finished page; gives the owner's first link."""
    page = stage.page(stage.context())
    page.goto(stage.address("/admin/", tenant="redesul"))
    page.fill("[name=username]", "revenda@redesul.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.locator("a[href$='/tenants/tenant/add/']").first.click()
    page.get_by_text("Rede Sul", exact=True).first.wait_for()

    page.fill("[name=name]", "Café Central")
    page.fill("[name=owner_name]", "Clara Nunes")
    page.fill("[name=owner_email]", "clara@cafecentral.example")
    page.locator("form[data-controller='console/customer'] button[type=submit]").click()
    page.get_by_text("cafe-central.localhost").first.wait_for(timeout=PREPARED_WITHIN_MS)
    page.get_by_text("/welcome/").wait_for(timeout=PREPARED_WITHIN_MS)
    return page.get_by_text("/welcome/").inner_text().strip()


def first_login(stage, link):
    """The owner's side: the link asks for a password once, and the console is open."""
    parts = urlsplit(link)
    assert parts.hostname == "cafe-central.localhost"
    page = stage.page(stage.context())
    page.goto(stage.address(parts.path, tenant="cafe-central"))
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.locator("a[href$='/chat/']").first.click()
    page.wait_for_url("**/chat/**")  # a page still on its way would interrupt the next one
    page.goto(stage.address("/chat/?tab=all", tenant="cafe-central"))
    running(page)
    return page


def said_by(lines):
    """Texts of the visitor's thread without the name of who speaks, which is there for screen readers."""
    return [line.split(": ", 1)[-1] for line in lines]


def test_a_reseller_opens_a_customer_and_its_visitor_chats_live(stage, worker, rede_sul):
    link = create_customer(stage)
    console = first_login(stage, link)
    shop = stage.page(stage.context())
    shop.goto(stage.address("/widget/demo/", tenant="cafe-central"))
    chat = open_chat(shop)

    write(chat, "Vocês abrem no domingo?")
    console.locator("[data-row] a").first.click()
    until(console, lambda: bodies(console, AGENT_LINES), ["Vocês abrem no domingo?"])
    write(console, "Abrimos às oito.")
    until(shop, lambda: said_by(bodies(chat, VISITOR_LINES))[-1], "Abrimos às oito.")
    write(chat, "Até domingo, então.")
    story = ["Vocês abrem no domingo?", "Abrimos às oito.", "Até domingo, então."]
    until(console, lambda: bodies(console, AGENT_LINES), story)

    shop.reload()
    console.reload()

    chat = open_chat(shop)
    until(shop, lambda: said_by(bodies(chat, VISITOR_LINES))[-3:], story)
    until(console, lambda: bodies(console, AGENT_LINES), story)
    assert brand_colour(console) == brand_colour(chat) == RESELLER_COLOUR
    with tenant_context(Tenant.objects.get(slug="cafe-central")):
        assert (
            list(Message.objects.filter(direction__in=["in", "out"]).order_by("seq").values_list("body", flat=True))
            == story
        )
        assert Conversation.objects.count() == 1
