"""The widget on somebody else's page: the line a customer copies, its commands, its keyboard and its manners."""

import hashlib
import hmac

import pytest

from chat.models import Contact, Message
from chat.services import inboxes
from chat.tests.browser.axe import serious
from chat.tests.browser.stage import VISITOR_LINES, bodies, open_chat, until, write
from chat.tests.factories import InboxFactory
from chat.views import words
from tenants.services import branding

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

SHOP_PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Loja</title><link rel="icon" href="data:,"><h1>Loja</h1><a href="#x">Produto</a>
<script>window.chatWidget = window.chatWidget || []; window.heard = [];
for (const name of ["ready", "open", "close", "unread", "message:sent", "conversation:started", "error"])
    chatWidget.push(["on", name, (detail) => heard.push([name, detail ?? null])]);
{commands}</script><script async src="{address}" data-inbox="{token}"></script>"""

NAMES_AND_SIZES = """buttons => buttons.map((button) => {
    const { width, height } = button.getBoundingClientRect();
    return [button.getAttribute("aria-label") || button.innerText.trim(), width, height];
})"""


@pytest.fixture
def inbox(acme, stage):
    return InboxFactory(name="Loja", greeting="Oi! Como ajudamos?", reply_time="Em minutos")


@pytest.fixture
def shop(stage, inbox, fake_http):
    """A page of another website with the customer's line in it."""

    def open_shop(*, commands="", lang="pt-BR", **options):
        page = stage.page(stage.context(**options))
        body = SHOP_PAGE.format(
            address=stage.address("/widget.js"), token=inbox.website_token, commands=commands, lang=lang
        )
        fake_http.on("GET", "/").reply(200, body, headers={"Content-Type": "text/html; charset=utf-8"})
        page.goto(f"{fake_http.url}/")
        page.locator(".bubble").wait_for()
        return page

    return open_shop


def test_commands_given_before_loading_and_after_do_the_same(shop):
    page = shop(commands="chatWidget.push(['open']); chatWidget.push(['send', 'Pelo botão da loja']);")
    chat = page.frame_locator("iframe")

    until(page, lambda: Message.objects.filter(direction="in").count(), 1)
    page.evaluate("chatWidget.close()")
    page.locator(".panel[data-open]").wait_for(state="detached")
    page.evaluate("chatWidget.push(['toggle'])")
    page.locator(".panel[data-open]").wait_for()

    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)

    def names():
        return [name for name, _ in page.evaluate("heard")]

    # The frame tells its page a moment after it has drawn it itself.
    until(page, lambda: {"ready", "message:sent", "conversation:started"} <= set(names()))
    assert [name for name in names() if name in {"open", "close"}] == ["open", "close", "open"]


def test_the_language_of_the_page_is_spoken_and_can_change(shop):
    page = shop(lang="en")
    chat = open_chat(page)
    assert chat.locator("html").get_attribute("lang") == "en"

    page.evaluate("chatWidget.setLocale('pt-BR')")

    chat.locator("html[lang='pt-br']").wait_for(state="attached")


def test_a_theme_can_be_set(shop):
    page = shop()
    chat = open_chat(page)

    page.evaluate("chatWidget.setTheme('dark')")

    chat.locator("html[data-theme=dark]").wait_for(state="attached")


def test_shutdown_forgets_the_visitor(shop):
    page = shop()
    chat = open_chat(page)
    write(chat, "Sou a Marta")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)

    page.evaluate("chatWidget.shutdown()")
    page.locator(".bubble").wait_for(state="detached")
    page.evaluate("chatWidget.boot()")
    chat = open_chat(page)
    write(chat, "Sou outra pessoa")

    until(page, lambda: Contact.objects.count(), 2)
    until(page, lambda: bodies(chat, VISITOR_LINES), [f"{words.widget()['me']}: Sou outra pessoa"])


def test_who_the_website_says_this_is_counts_only_when_it_is_signed(shop, inbox):
    signed = hmac.new(inbox.hmac_secret.encode(), b"4711", hashlib.sha256).hexdigest()
    page = shop(commands="chatWidget.push(['send', 'Oi'], ['setAttributes', { cart: 'R$ 84,00' }]);")
    chat = page.frame_locator("iframe")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)

    page.evaluate("chatWidget.identify({ identifier: '4711', hash: 'made-up', name: 'Mallory' })")
    until(page, lambda: ["error", {"code": "identity_refused"}] in page.evaluate("heard"))
    until(page, lambda: Contact.objects.get().attrs, {"cart": "R$ 84,00"})
    assert Contact.objects.get().identifier is None
    page.evaluate(f"chatWidget.identify({{ identifier: '4711', hash: '{signed}', name: 'Marta' }})")

    until(page, lambda: list(Contact.objects.filter(identifier="4711").values_list("name", flat=True)), ["Marta"])
    assert not Contact.objects.filter(name="Mallory").exists()


def test_a_window_of_its_own_goes_on_with_the_same_conversation(shop, stage):
    page = shop()
    chat = open_chat(page)
    write(chat, "Oi do site")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)

    chat.get_by_role("button", name=words.widget()["more"]).click()
    with page.context.expect_page() as opened:
        chat.get_by_role("button", name=words.widget()["popout"]).click()
    window = opened.value
    stage.watch.follow(window)
    window.locator(VISITOR_LINES).wait_for()
    write(window, "Oi da janela")

    page.locator(".panel[data-open]").wait_for(state="detached")
    until(window, lambda: Message.objects.filter(direction="in").count(), 2)
    assert Contact.objects.count() == 1


def test_a_website_that_is_not_on_the_list_gets_no_chat(shop, inbox, ana, stage):
    inboxes.change(inbox=inbox, by=ana, allowed_origins=["https://loja.example"])
    page = shop()

    page.locator(".bubble").click()

    until(page, lambda: any("frame-ancestors 'self' https://loja.example" in said for said in stage.watch.complaints))
    stage.watch.complaints.clear()
    assert page.evaluate("heard.some(([name]) => name === 'ready')") is False


def test_it_can_be_used_by_keyboard_and_gives_the_focus_back(shop):
    said = words.widget()
    page = shop()
    bubble = page.get_by_role("button", name=words.loader()["open"])

    bubble.focus()
    page.keyboard.press("Enter")
    chat = page.frame_locator("iframe")
    field = chat.get_by_role("textbox", name=said["placeholder"])
    field.wait_for()
    until(page, lambda: field.evaluate("field => document.activeElement === field"))
    page.keyboard.type("Oi ")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, lambda: chat.locator(".glyph").first.evaluate("one => document.activeElement === one"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    until(page, lambda: field.input_value(), "Oi 😄")
    field.focus()
    page.keyboard.press("Enter")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)
    chat.get_by_role("button", name=said["more"]).focus()
    page.keyboard.press("Enter")
    until(page, lambda: chat.locator(".menu button").first.evaluate("one => document.activeElement === one"))
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    until(page, lambda: chat.locator(".menu").is_visible(), False)
    page.keyboard.press("Escape")

    # Esc closes what is open in the chat first, then the chat.
    page.locator(".panel[data-open]").wait_for(state="detached")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") == "bubble"
    assert page.locator(".bubble").get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_checker_finds_nothing_serious_in_any_part_of_it(shop, acme, ana, inbox, stage, theme):
    """Axe on the bubble, the questions before the chat, a thread with a failed and a sent line, and the emoji."""
    branding.save(owner=acme, primary_color="#f2c200")  # white on it could not be read
    inboxes.change(
        inbox=inbox,
        by=ana,
        consent_text="Guardamos a conversa. https://loja.example/privacidade",
        pre_chat_fields=[
            {"name": "email", "label": "Seu e-mail", "type": "email", "required": True},
            {"label": "Assunto", "type": "choice", "options": ["Entrega", "Outro"]},
        ],
    )
    page = shop(commands=f"chatWidget.push(['setTheme', '{theme}']);")
    said = words.widget()
    page.locator(".bubble").click()
    chat = page.frame_locator("iframe")
    form = chat.locator("form.ask")
    form.wait_for()
    frame = page.frames[1]

    assert (serious(page), serious(frame)) == ([], [])
    form.get_by_role("button", name=said["askDone"]).click()
    chat.get_by_text(said["missing"]).wait_for()
    chat.get_by_text(said["consentMissing"]).wait_for()
    assert serious(frame) == []
    form.get_by_label("Seu e-mail").fill("rui@correio.example")
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name=said["askDone"]).click()
    write(chat, "Oi")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)
    chat.get_by_role("button", name=said["emoji"]).click()
    chat.locator(".glyph").first.wait_for()

    assert serious(frame) == []
    contact = Contact.objects.get()
    assert (contact.email, contact.consent_text_version) == ("rui@correio.example", "1")
    # The checker itself tries styles that our policy forbids.
    stage.watch.complaints[:] = [said for said in stage.watch.complaints if "Applying inline style" not in said]


def test_everything_in_it_has_a_name_and_room_for_a_thumb(shop):
    page = shop(width=390, height=844, has_touch=True)
    chat = open_chat(page)
    write(chat, "Oi")
    until(page, lambda: chat.locator(".message[data-state=sent]").count(), 1)

    chat.get_by_role("log", name=words.widget()["log"]).wait_for()
    for place in (page.locator(".bubble"), chat.locator("button:visible")):
        for name, width, height in place.evaluate_all(NAMES_AND_SIZES):
            assert name
            assert (width >= 44, height >= 44) == (True, True), name
    frame = page.locator("iframe")
    assert frame.get_attribute("title") == words.loader()["title"]
    # On a phone the conversation has the whole screen, and the keyboard stays in it: out at the end, in at the front.
    assert page.locator(".panel").get_attribute("aria-modal") == "true"
    page.locator(".panel > div[tabindex='0']").last.focus()
    first = chat.locator("button:visible").first
    until(page, lambda: first.evaluate("one => document.activeElement === one"))
    assert frame.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}


def test_it_opens_at_once(shop):
    page = shop()

    # The panel stands before anything was fetched: opening waits for no network.
    opened = page.evaluate(
        """() => { document.querySelector("body > div:last-of-type").shadowRoot.querySelector(".bubble").click();
            return document.querySelector("body > div:last-of-type").shadowRoot.querySelector(".panel").hasAttribute("data-open"); }"""
    )

    assert opened is True
