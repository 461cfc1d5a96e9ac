"""The agents' console as a page: addresses, keys, names, phones."""

import re
from uuid import uuid4

import pytest
from django.utils.translation import gettext

from chat.models import Conversation
from chat.services import messages
from chat.tests.browser.stage import AGENT_LINES, bodies, until, write
from chat.tests.factories import ContactFactory, ContactInboxFactory, ConversationFactory, InboxFactory, MessageFactory

pytestmark = [pytest.mark.browser, pytest.mark.transactional]


@pytest.fixture
def two(acme, stage):
    """Two people wrote: João first, then Marta."""
    inbox = InboxFactory(name="Loja")
    made = []
    for name, text in (("João", "Oi do João"), ("Marta", "Oi da Marta")):
        link = ContactInboxFactory(inbox=inbox, contact=ContactFactory(name=name))
        made.append(ConversationFactory(contact_inbox=link))
        MessageFactory(conversation=made[-1], body=text)
    return made


@pytest.fixture
def console(acme, bia, client_of, stage, two):
    return stage.agent(client_of(acme, user=bia))


def open_name(page):
    """Whose thread is open."""
    return page.locator("#chat-name").inner_text()


def test_every_thread_has_an_address_and_the_back_button_works(console, two):
    joao, marta = two
    console.get_by_role("link", name=re.compile("Marta")).click()
    until(console, lambda: open_name(console), "Marta")
    console.get_by_role("link", name=re.compile("João")).click()
    until(console, lambda: open_name(console), "João")
    console.wait_for_url(f"**/chat/c/{joao.number}?tab=all")

    console.go_back()

    until(console, lambda: open_name(console), "Marta")
    console.wait_for_url(f"**/chat/c/{marta.number}?tab=all")
    until(console, lambda: console.locator("[data-row] [aria-current=true] [data-part=name]").inner_text(), "Marta")
    console.go_back()
    console.get_by_text(gettext("Choose a conversation")).wait_for()
    console.go_forward()
    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta"])


def test_the_whole_round_by_keyboard(console, two, bia):
    console.keyboard.press("j")
    console.keyboard.press("Enter")
    until(console, lambda: open_name(console), "Marta")
    console.keyboard.press("m")
    until(console, lambda: Conversation.objects.get(number=two[1].number).assignee_id, bia.pk)
    console.keyboard.press("r")
    console.keyboard.type("Olá, Marta")
    console.keyboard.press("Control+Enter")
    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta", "Olá, Marta"])
    console.keyboard.press("Escape")
    console.keyboard.press("e")
    until(console, lambda: Conversation.objects.get(number=two[1].number).status, "resolved")
    console.keyboard.press("Escape")
    console.get_by_text(gettext("Choose a conversation")).wait_for()
    console.keyboard.press("/")
    console.keyboard.type("joao")
    until(console, lambda: console.locator("[data-row]").count(), 1)


def test_single_keys_can_be_switched_off(console):
    console.keyboard.press("?")
    console.get_by_role("dialog").wait_for()
    console.get_by_label(gettext("Single keys work outside of text fields")).uncheck()
    console.keyboard.press("Escape")
    console.get_by_role("dialog").wait_for(state="hidden")

    console.keyboard.press("?")

    assert console.get_by_role("dialog").count() == 0


def test_a_draft_waits_for_its_own_conversation(console):
    console.get_by_role("link", name=re.compile("Marta")).click()
    until(console, lambda: open_name(console), "Marta")
    console.locator(".chat-body").fill("Cara Marta,")
    console.get_by_role("link", name=re.compile("João")).click()
    until(console, lambda: open_name(console), "João")
    until(console, lambda: console.locator(".chat-body").input_value(), "")

    console.get_by_role("link", name=re.compile("Marta")).click()
    until(console, lambda: open_name(console), "Marta")

    until(console, lambda: console.locator(".chat-body").input_value(), "Cara Marta,")


def test_a_refused_message_stays_with_its_reason(console):
    console.get_by_role("link", name=re.compile("Marta")).click()
    until(console, lambda: open_name(console), "Marta")
    console.locator(".chat-body").evaluate("(field) => field.removeAttribute('maxlength')")

    write(console, "a" * 8001)

    console.locator("[data-state=failed]").wait_for()
    console.get_by_role("button", name=gettext("Try again")).wait_for()
    console.locator("[data-discard]").click()
    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta"])


def test_another_agents_reply_and_hand_over_show_live(acme, console, ana, two):
    console.get_by_role("link", name=re.compile("Marta")).click()
    until(console, lambda: open_name(console), "Marta")

    messages.send(conversation_id=two[1].pk, by=ana, body="Já vi", client_id=uuid4())

    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta", "Já vi"])
    assert console.locator("[data-line]").last.get_attribute("data-mine") == "false"


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_every_control_has_a_name_and_nothing_sticks_out(acme, bia, client_of, stage, two, width):
    page = stage.agent(client_of(acme, user=bia), path=f"/chat/c/{two[1].number}?tab=all", width=width, height=844)

    assert page.get_by_role("log", name=gettext("Messages")).count() == 1
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("main button, main a, main input:not([type=hidden]), main textarea, main select")]
            .filter((node) => node.checkVisibility())
            .filter((node) => !(node.getAttribute("aria-label") || node.innerText?.trim() || node.labels?.length || node.title))
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelectorAll('h1').length") == 1


def test_on_a_phone_one_pane_at_a_time(acme, bia, client_of, stage, two):
    page = stage.agent(client_of(acme, user=bia), width=390, height=844, has_touch=True)
    thread, rows = page.locator("[data-thread]"), page.locator("[data-chat-rows]")
    assert rows.is_visible()

    page.get_by_role("link", name=re.compile("Marta")).tap()
    thread.wait_for()
    rows.wait_for(state="hidden")
    write(page, "Do telefone")
    until(page, lambda: bodies(page, AGENT_LINES), ["Oi da Marta", "Do telefone"])
    page.get_by_role("link", name=gettext("Back to the list")).tap()

    rows.wait_for()
    thread.wait_for(state="hidden")
