"""The main job in two browsers: a visitor writes, an agent answers, whatever the line does."""

from uuid import uuid4

import pytest
from django.utils.translation import gettext

from chat.models import Attachment, Conversation, Message
from chat.services import messages
from chat.tests.browser.stage import AGENT_LINES, VISITOR_LINES, bodies, kept, open_chat, running, until, write
from chat.tests.factories import InboxFactory
from chat.views import words

pytestmark = [pytest.mark.browser, pytest.mark.transactional]


@pytest.fixture
def inbox(acme, stage):
    return InboxFactory(name="Loja", greeting="Oi! Como ajudamos?")


def test_both_sides_see_every_message_live_and_again_after_a_reload(acme, bia, client_of, inbox, stage):
    console = stage.agent(client_of(acme, user=bia))
    shop = stage.visitor()
    chat = open_chat(shop)

    write(chat, "Bom dia, tem pão?")
    console.locator("[data-row] a").first.click()
    until(console, lambda: bodies(console, AGENT_LINES), ["Bom dia, tem pão?"])
    write(console, "Tem sim!")
    write(console, "Veja https://padaria.example/paes")
    write(chat, "Obrigado")

    story = ["Bom dia, tem pão?", "Tem sim!", "Veja https://padaria.example/paes", "Obrigado"]
    until(shop, lambda: sorted(bodies(chat, VISITOR_LINES)), sorted(told(story, bia)))
    until(console, lambda: sorted(bodies(console, AGENT_LINES)), sorted(story))
    order = list(Message.objects.exclude(direction="activity").order_by("seq").values_list("body", flat=True))

    shop.reload()
    console.reload()

    chat = open_chat(shop)
    until(shop, lambda: bodies(chat, VISITOR_LINES), told(order, bia))
    until(console, lambda: bodies(console, AGENT_LINES), order)
    assert sorted(order) == sorted(story)


def told(story, bia):
    """The visitor's lines say who speaks, for those who cannot see the sides."""
    mine = {"Bom dia, tem pão?", "Obrigado", "um", "dois", "três"}
    return [f"{words.widget()['me'] if text in mine else bia.name}: {text}" for text in story]


def test_what_a_visitor_writes_while_the_server_is_down_arrives_once_and_in_order(
    acme, bia, client_of, inbox, stage, tmp_path
):
    shop = stage.visitor()
    chat = open_chat(shop)
    stage.web.kill()

    story = [f"mensagem {number}" for number in range(1, 11)]
    for text in story[:9]:
        write(chat, text)
    # The last one carries a file, which has to survive the reload as well.
    note = tmp_path / "recado.txt"
    note.write_text("Bom dia")
    chat.locator("input[type=file]").first.set_input_files(note)
    write(chat, story[9])
    said = [f"{words.widget()['me']}: {text}" for text in story]
    until(shop, lambda: bodies(chat, VISITOR_LINES), said)
    assert chat.locator(".message[data-state=queued], .message[data-state=sending]").count() == 10
    until(shop, lambda: kept(chat), 10)
    stage.web.start()
    shop.reload()

    until(shop, lambda: Message.objects.filter(direction="in").count(), 10)
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == story
    assert Conversation.objects.count() == 1
    assert list(Attachment.objects.values_list("name", "message__body")) == [("recado.txt", "mensagem 10")]
    chat = open_chat(shop)
    until(shop, lambda: bodies(chat, VISITOR_LINES), said)
    until(shop, lambda: chat.locator(".message[data-state=sent]").count(), 10)


def test_what_an_agent_writes_while_the_server_is_down_survives_the_reload(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Bom dia, tem pão?")
    until(shop, lambda: chat.locator(".message[data-state=sent]").count(), 1)
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()
    console.locator(AGENT_LINES).first.wait_for()
    stage.web.kill()

    write(console, "Tem sim!")
    write(console, "Separo um?")
    waiting = "[data-line][data-state=queued], [data-line][data-state=sending]"
    until(console, lambda: console.locator(waiting).count(), 2)
    until(console, lambda: kept(console), 2)
    stage.web.start()
    console.reload()

    story = ["Bom dia, tem pão?", "Tem sim!", "Separo um?"]
    until(console, lambda: bodies(console, AGENT_LINES), story)
    until(shop, lambda: bodies(chat, VISITOR_LINES), told(story, bia))
    assert list(Message.objects.exclude(direction="activity").order_by("seq").values_list("body", flat=True)) == story


def test_two_tabs_of_one_visitor_double_nothing(acme, bia, client_of, inbox, stage):
    context = stage.context()
    first, second = stage.page(context), stage.page(context)
    for tab in (first, second):
        tab.goto(stage.address("/widget/demo/"))
    one, two = open_chat(first), open_chat(second)

    write(one, "um")
    until(first, lambda: one.locator(".message[data-state=sent]").count(), 1)
    second.reload()
    two = open_chat(second)
    until(second, lambda: bodies(two, VISITOR_LINES), told(["um"], bia))
    write(two, "dois")
    write(one, "três")

    until(first, lambda: Message.objects.count(), 3)
    order = list(Message.objects.order_by("seq").values_list("body", flat=True))
    until(first, lambda: bodies(one, VISITOR_LINES), told(order, bia))
    until(second, lambda: bodies(two, VISITOR_LINES), told(order, bia))
    assert Conversation.objects.count() == 1


def test_one_tab_leads_and_the_other_takes_over_when_it_is_closed(acme, bia, inbox, stage):
    context = stage.context()
    tabs = [stage.page(context), stage.page(context)]
    sockets = [[], []]
    for tab, opened in zip(tabs, sockets, strict=True):
        tab.on("websocket", lambda socket, opened=opened: opened.append(socket.url))
    first, second = tabs
    first.goto(stage.address("/widget/demo/"))
    one = open_chat(first)
    write(one, "um")
    until(first, lambda: one.locator(".message[data-state=sent]").count(), 1)
    talk = Conversation.objects.get()

    second.goto(stage.address("/widget/demo/"))
    two = open_chat(second)
    two.locator(".message").wait_for()
    messages.send(conversation_id=talk.pk, by=bia, body="Para as duas", client_id=uuid4())
    for tab, chat in ((first, one), (second, two)):
        until(tab, lambda chat=chat: bodies(chat, VISITOR_LINES)[-1:], [f"{bia.name}: Para as duas"])
    assert [bool(opened) for opened in sockets] == [True, False]
    write(two, "pela segunda")
    until(second, lambda: two.locator(".message[data-state=sent]").count(), 1)

    first.close()
    until(second, lambda: bool(sockets[1]))
    messages.send(conversation_id=talk.pk, by=bia, body="Ainda aí?", client_id=uuid4())

    until(second, lambda: bodies(two, VISITOR_LINES)[-1:], [f"{bia.name}: Ainda aí?"])


def test_where_no_socket_gets_through_requests_do_its_work(acme, bia, inbox, stage):
    shop = stage.page(stage.context())
    shop.route_web_socket("**/ws/widget/", lambda socket: socket.close())
    shop.goto(stage.address("/widget/demo/"))
    chat = open_chat(shop)
    write(chat, "um")
    until(shop, lambda: Message.objects.count(), 1)
    talk = Conversation.objects.get()

    messages.send(conversation_id=talk.pk, by=bia, body="Por outro caminho", client_id=uuid4())
    until(shop, lambda: bodies(chat, VISITOR_LINES)[-1:], [f"{bia.name}: Por outro caminho"])
    write(chat, "dois")

    until(shop, lambda: list(Message.objects.order_by("seq").values_list("body", flat=True))[-1:], ["dois"])
    until(shop, lambda: Conversation.objects.get().contact_seen_seq > 0)
    chat.locator(".notice").wait_for(state="hidden")


def test_the_visitor_sees_who_writes_and_that_it_was_read(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Bom dia, tem pão?")
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()

    chat.locator(".message[data-state=read]").wait_for()
    running(console)
    chat.locator("#app[data-stream=connected]").wait_for()
    console.locator(".chat-body").press_sequentially("Te")

    chat.get_by_text(words.widget()["typing"] % {"name": bia.name}).wait_for()


def test_a_private_note_stays_with_the_team(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Bom dia, tem pão?")
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()
    console.locator(AGENT_LINES).first.wait_for()

    console.keyboard.press("n")
    write(console, "Cliente antigo")
    console.locator("[data-private=true]").wait_for()
    console.keyboard.press("Escape")
    console.keyboard.press("r")
    write(console, "Tem sim!")

    until(shop, lambda: bodies(chat, VISITOR_LINES), told(["Bom dia, tem pão?", "Tem sim!"], bia))
    assert Message.objects.get(private=True).body == "Cliente antigo"
    assert "Cliente antigo" not in chat.locator("body").inner_text()


def test_an_unread_answer_is_counted_on_the_closed_bubble(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Bom dia, tem pão?")
    until(shop, lambda: chat.locator(".message[data-state=sent]").count(), 1)
    chat.get_by_role("button", name=words.widget()["close"]).click()
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()
    console.locator(AGENT_LINES).first.wait_for()

    write(console, "Tem sim!")

    shop.locator(".badge").get_by_text("1", exact=True).wait_for()
    open_chat(shop)
    shop.locator(".badge").wait_for(state="hidden")
    until(shop, lambda: Conversation.objects.get().contact_unread, 0)


def test_resolving_and_coming_back_shows_on_both_sides(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Bom dia, tem pão?")
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()
    console.locator(AGENT_LINES).first.wait_for()

    console.keyboard.press("m")
    until(console, lambda: Conversation.objects.get().assignee_id, bia.pk)
    console.keyboard.press("e")
    chat.get_by_text(words.widget()["resolved"]).wait_for()
    console.get_by_role("button", name=gettext("Reopen")).wait_for()

    write(chat, "Obrigado")
    console.get_by_role("button", name=gettext("Resolve")).wait_for()
    assert Conversation.objects.get().status == "open"


def test_the_chat_works_where_embedded_pages_may_store_nothing(acme, bia, client_of, inbox, stage):
    context = stage.context()
    context.add_init_script(
        """if (window !== top) {
            Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
            Object.defineProperty(window, "indexedDB", { get() { throw new DOMException("denied", "SecurityError"); } });
        }"""
    )
    shop = stage.page(context)
    shop.goto(stage.address("/widget/demo/"))
    chat = open_chat(shop)

    write(chat, "um")
    write(chat, "dois")

    until(shop, lambda: chat.locator(".message[data-state=sent]").count(), 2)
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == ["um", "dois"]
