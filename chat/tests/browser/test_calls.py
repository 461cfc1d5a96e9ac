"""Two browsers with pretended cameras call each other over the real sockets."""

import pytest

from billing import entitlements
from billing.tests.factories import PlanFactory, SubscriptionFactory
from chat.models import Call, Message
from chat.tests.browser.stage import open_chat, until, write
from chat.tests.factories import InboxFactory
from chat.views import words

pytestmark = [pytest.mark.browser, pytest.mark.transactional]
# A pretended camera and microphone, and nobody is asked.
BROWSER_ARGUMENTS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture
def inbox(acme):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(flags={"videoCall": True, "fileUpload": True}, limits={}))
    entitlements.forget(acme)
    inbox = InboxFactory(name="Loja", greeting="Oi!")
    inbox.features |= {"video": True}
    inbox.save()
    return inbox


def phase(place):
    """Where the call stands on this page, and how wide the other's picture is when there is one."""
    return next(iter(place.locator(".call-panel").evaluate_all("panels => panels.map(one => one.dataset.phase)")), None)


def sees_a_picture(place):
    return place.locator(".call-theirs").evaluate("video => video.videoWidth > 0")


def test_an_agent_and_a_visitor_see_each_other_also_after_a_reload(acme, bia, client_of, inbox, stage):
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Podem me mostrar o bolo?")
    console = stage.agent(client_of(acme, user=bia))
    console.locator("[data-row] a").first.click()

    console.locator("[data-call=video]").click()
    chat.locator(".call-yes:visible").last.click()
    until(console, lambda: phase(console), "talking")
    until(shop, lambda: phase(chat), "talking")
    until(console, lambda: sees_a_picture(console))
    until(shop, lambda: sees_a_picture(chat))

    shop.reload()
    shop.locator(".bubble").click()
    chat = shop.frame_locator("iframe")
    until(shop, lambda: phase(chat), "talking")
    until(shop, lambda: sees_a_picture(chat))

    console.locator(".call-panel .call-toggle").first.click()
    chat.locator(".call-muted").wait_for()
    console.locator(".call-panel .call-end").click()
    until(shop, lambda: phase(chat) in {"ended", "idle"})
    until(console, lambda: Call.objects.filter(reason="completed").exists())
    assert Message.objects.get(meta__action="call").meta["video"] is True
    until(console, lambda: phase(console), "idle")


def test_a_visitor_rings_and_the_agent_is_not_there(acme, bia, client_of, inbox, stage):
    console = stage.agent(client_of(acme, user=bia))
    shop = stage.visitor()
    chat = open_chat(shop)
    write(chat, "Oi")
    console.locator("[data-row] a").first.wait_for()

    # The menu offers a call only where the line is up and somebody is there.
    chat.locator("#app[data-stream=connected][data-team=here]").wait_for(state="attached")
    chat.locator(".head-button[aria-controls=more]").click()
    chat.locator(".menu button", has_text=str(words.widget()["startCall"])).first.click()
    until(console, lambda: phase(console), "incoming")
    console.locator(".call-no").click()

    until(shop, lambda: phase(chat) in {"ended", "idle"})
    until(console, lambda: phase(console), "idle")
    assert Call.objects.get().reason == "declined"
