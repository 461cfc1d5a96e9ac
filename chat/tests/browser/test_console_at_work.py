"""The agents' console under load and for everybody: two thousand messages, axe, the keyboard alone, who is on the website."""

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from chat.models import Conversation, Message
from chat.services import messages
from chat.tests.browser.axe import serious
from chat.tests.browser.stage import AGENT_LINES, bodies, open_chat, running, until, write
from chat.tests.factories import ContactFactory, ContactInboxFactory, ConversationFactory, InboxFactory, MessageFactory

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

# Scrolls up as fast as the thread lets it, and says how many elements the log held at most.
TO_THE_TOP = """async () => {
    const log = document.querySelector('[data-log]');
    let most = 0;
    for (let turn = 0; turn < 30000 && !log.textContent.includes('Oi da Marta'); turn += 1) {
        log.scrollTop = 0;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        most = Math.max(most, log.getElementsByTagName('*').length);
    }
    return most;
}"""
ELEMENTS = "document.querySelector('[data-log]').getElementsByTagName('*').length"


@pytest.fixture
def marta(acme, bia, stage):
    """Somebody who wrote, taken by Bia."""
    link = ContactInboxFactory(inbox=InboxFactory(name="Loja"), contact=ContactFactory(name="Marta"))
    conversation = ConversationFactory(contact_inbox=link, assignee=bia)
    MessageFactory(conversation=conversation, body="Oi da Marta")
    return conversation


@pytest.fixture
def console(acme, bia, client_of, stage, marta):
    return stage.agent(client_of(acme, user=bia), path=f"/chat/c/{marta.number}?tab=all", width=1440, height=900)


def fill(conversation, *, upto):
    """Messages up to this number, written straight into the table: the services would take a minute."""
    conversation.refresh_from_db()
    first = conversation.last_seq + 1
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            seq=seq,
            pub_seq=seq,
            client_id=uuid4(),
            direction="in",
            body=f"linha {seq}",
            author_contact_id=conversation.contact_id,
            created_at=timezone.now(),
        )
        for seq in range(first, upto + 1)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=upto, last_pub_seq=upto, agent_seen_seq=upto)


def test_two_thousand_messages_take_two_hundred_elements(acme, bia, client_of, stage, marta):
    fill(marta, upto=2000)
    page = stage.agent(client_of(acme, user=bia), path=f"/chat/c/{marta.number}?tab=all", width=1440, height=900)
    assert bodies(page, AGENT_LINES)[-1] == "linha 2000"

    most = page.evaluate(TO_THE_TOP)

    assert bodies(page, AGENT_LINES)[0] == "Oi da Marta"
    assert most <= 200
    messages.send(conversation_id=marta.pk, by=bia, body="Ainda aqui?", client_id=uuid4())
    page.get_by_role("button", name=gettext("New messages")).wait_for(state="hidden")

    def at_the_end():
        page.evaluate("document.querySelector('[data-log]').scrollTop = 1e9")
        return bodies(page, AGENT_LINES)[-1]

    until(page, at_the_end, "Ainda aqui?")
    assert page.evaluate(ELEMENTS) <= 200


def test_axe_finds_nothing_serious(ana, console):
    found = {"thread": serious(console)}
    console.keyboard.press("n")
    console.keyboard.type("@a")  # Ana: nobody is offered to call oneself
    console.locator("[data-suggestions]:not([hidden])").wait_for()
    found["mentions"] = serious(console)
    console.keyboard.press("Escape")
    for name, opened in (("filters", "[data-filters-open]"), ("assign", ".chat-assign"), ("snooze", ".chat-snooze")):
        console.locator(opened).click()
        console.locator(":popover-open").first.wait_for()
        found[name] = serious(console)
        console.keyboard.press("Escape")
    console.locator("[data-select-conversation]").first.check(force=True)
    found["several"] = serious(console)
    console.locator("[data-bulk-none]").click()
    console.locator("[data-back]").evaluate("(link) => link.click()")
    console.get_by_text(gettext("Choose a conversation")).wait_for()
    console.emulate_media(color_scheme="dark")
    console.reload()
    running(console)
    found["list at night"] = serious(console)

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_answering_changing_and_deleting_by_keyboard_alone(console, marta):
    console.locator("[data-log]").focus()
    console.keyboard.press("ArrowUp")
    console.keyboard.press("Enter")
    console.get_by_role("menuitem", name=gettext("Answer this message")).wait_for()
    console.keyboard.press("Enter")
    console.keyboard.type("Respondo isto")
    console.keyboard.press("Enter")
    until(console, lambda: Message.objects.filter(body="Respondo isto", reply_to__body="Oi da Marta").count(), 1)
    # Only what the server has taken can be changed.
    console.locator("[data-line][data-mine=true][data-id] [data-quoted]").wait_for()

    console.keyboard.press("ArrowUp")
    until(console, lambda: console.locator(".chat-body").input_value(), "Respondo isto")
    console.keyboard.type(" agora")
    console.keyboard.press("Enter")
    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta", "Respondo isto agora"])

    console.locator("[data-line]").last.focus()
    console.keyboard.press("Enter")
    console.get_by_role("menuitem", name=gettext("Delete for everybody")).wait_for()
    console.keyboard.press("End")
    console.keyboard.press("Enter")
    console.get_by_role("button", name=gettext("Delete message")).press("Enter")

    until(console, lambda: bodies(console, AGENT_LINES), ["Oi da Marta", gettext("This message was deleted.")])
    assert Message.objects.get(direction="out").body == ""


def test_who_is_on_the_website_is_listed_with_the_page_they_look_at(acme, bia, client_of, stage):
    InboxFactory(name="Loja")
    page = stage.page(stage.context())
    cookie = client_of(acme, user=bia).cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.address("/")}])
    page.goto(stage.address("/chat/visitors/"))
    page.get_by_text(gettext("Nobody is on the website")).wait_for()

    write(open_chat(stage.visitor()), "Oi")

    page.get_by_role("button", name=gettext("Open conversation")).wait_for()
    until(page, lambda: "/widget/demo/" in (page.locator("[data-visitor-page] a").get_attribute("href") or ""))
    page.get_by_role("button", name=gettext("Open conversation")).click()
    page.wait_for_url(re.compile(r"/chat/c/\d+"))
    until(page, lambda: bodies(page, AGENT_LINES), ["Oi"])
