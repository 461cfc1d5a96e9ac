"""The pages on which inboxes of channels are set up."""

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.enums import Channel
from chat.models import ChannelAccount, Inbox
from chat.tests.channels import BOT, TOKEN, inbox_of
from ops.kernel.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
ADD = "/settings/chat/inboxes/channels/"


def page_of(inbox):
    return f"/settings/chat/inboxes/{inbox.pk}/channel/"


@pytest.mark.parametrize("channel", ["telegram", "whatsapp", "email", "api"])
def test_a_channel_is_chosen_named_and_opens_its_page(acme, ana, client_of, channel):
    client = client_of(acme, user=ana)
    assert channel in client.get(ADD).content.decode()

    answer = client.post(ADD, {"channel": channel, "name": "Loja"}, follow=True)

    inbox = Inbox.objects.get(channel=channel)
    assert (answer.redirect_chain[-1][0], answer.status_code, inbox.name) == (page_of(inbox), 200, "Loja")
    assert client.get("/settings/chat/inboxes/").status_code == 200


def test_saving_a_token_connects_and_never_shows_it_again(acme, ana, client_of, fake_http, settings):
    settings.BASE_URLS = {**settings.BASE_URLS, "telegram": fake_http.url}
    fake_http.on("POST", f"{BOT}/getMe").reply(200, {"ok": True, "result": {"first_name": "P", "username": "p_bot"}})
    fake_http.on("POST", f"{BOT}/setWebhook").reply(200, {"ok": True, "result": True})
    client = client_of(acme, user=ana)
    client.post(ADD, {"channel": "telegram", "name": "Bot"})
    inbox = Inbox.objects.get(channel="telegram")

    answer = client.post(page_of(inbox), {"token": TOKEN}, follow=True)

    account = ChannelAccount.objects.get(inbox=inbox)
    assert (account.state, account.keys["token"]) == ("connected", TOKEN)
    page = answer.content.decode()
    assert "@p_bot" in page
    assert TOKEN not in page
    assert account.keys["webhook_secret"] not in page
    assert TOKEN not in str(list(AuditEntry.objects.values_list("detail", flat=True)))
    # Saved again with nothing typed it stays; disconnected it is gone.
    client.post(page_of(inbox), {"token": ""})
    assert ChannelAccount.objects.get(inbox=inbox).keys["token"] == TOKEN
    fake_http.on("POST", f"{BOT}/deleteWebhook").reply(200, {"ok": True, "result": True})
    client.post(f"{page_of(inbox)}disconnect/")
    assert ChannelAccount.objects.get(inbox=inbox).secrets == ""


def test_a_refused_token_says_the_providers_words(acme, ana, client_of, fake_http, settings):
    settings.BASE_URLS = {**settings.BASE_URLS, "telegram": fake_http.url}
    fake_http.on("POST", f"{BOT}/getMe").reply(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    client = client_of(acme, user=ana)
    client.post(ADD, {"channel": "telegram", "name": "Bot"})
    inbox = Inbox.objects.get(channel="telegram")

    answer = client.post(page_of(inbox), {"token": TOKEN})

    assert (answer.status_code, "Unauthorized" in answer.content.decode()) == (422, True)
    assert ChannelAccount.objects.get(inbox=inbox).state == "failed"


def test_a_mail_server_without_a_name_is_asked_for(acme, ana, client_of):
    inbox = inbox_of(Channel.EMAIL, now=timezone.now())
    told = {"address": "ajuda@acme.example", "out": "own", "smtp_port": "587", "smtp_security": "starttls"}

    answer = client_of(acme, user=ana).post(page_of(inbox), told)

    assert answer.status_code == 422
    assert answer.context["form"].errors["smtp_host"]


def test_pages_are_for_those_who_set_up_inboxes_of_this_tenant(acme, beta, bia, caio, client_of):
    inbox = inbox_of(Channel.TELEGRAM, now=timezone.now())

    for url in (ADD, page_of(inbox)):
        assert client_of(acme, user=bia).get(url).status_code == 403
    for url in (page_of(inbox), f"{page_of(inbox)}test/", f"{page_of(inbox)}disconnect/"):
        assert client_of(beta, user=caio).post(url).status_code == 404
    with tenant_context(acme):
        assert ChannelAccount.objects.get(inbox=inbox).keys["token"] == TOKEN
