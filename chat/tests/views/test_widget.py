import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils import timezone

from chat.models import Inbox
from chat.services import hours, inboxes
from chat.tests.factories import InboxFactory
from chat.views.widget import MODULES
from ops.kernel.squeezing import squeezed
from tenants.services import branding

KB = 1024


def packed(*bodies):
    """Size as it travels, in bytes."""
    return sum(len(gzip.compress(body, 9)) for body in bodies)


def source(name):
    """A static file."""
    return Path(finders.find(name)).read_bytes()


def test_the_loader_is_small_and_wears_the_tenants_colours(acme, ana, client_of):
    InboxFactory()
    branding.save(owner=acme, primary_color="#b4531a")

    response = client_of(acme).get("/widget.js")

    body = response.content
    travels = client_of(acme).get("/widget.js", headers={"accept-encoding": "gzip"})
    assert travels["Content-Encoding"] == "gzip"
    assert len(travels.content) <= 6 * KB
    assert len(client_of(acme, user=ana).get("/settings/chat/widget/").context["snippet"]) <= KB
    assert response["Content-Type"].startswith("text/javascript")
    assert b'"primary":"#b4531a"' in body
    assert b"/* config */" not in body
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_loader_is_asked_for_again_only_when_it_changed(acme, client_of):
    client = client_of(acme)
    first = client.get("/widget.js")

    again = client.get("/widget.js", headers={"if-none-match": first["ETag"]})
    branding.save(owner=acme, primary_color="#112233")
    changed = client.get("/widget.js", headers={"if-none-match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200
    assert "max-age=300" in first["Cache-Control"]


def test_the_conversation_in_the_frame_stays_light():
    modules = {"widget/app.js", *MODULES}
    imported = set()
    for name in modules:
        for found in re.findall(r'from "([^"]+)"', source(name).decode()):
            imported.add(str(Path(name).parent / found).replace("widget/../", "").replace("js/chat/../", "js/"))

    # Whatever is imported is preloaded, so that opening takes one round trip.
    assert {name.removeprefix("./") for name in imported} <= modules


def test_the_app_stays_light_on_its_first_opening(acme, ana, client_of):
    """Everything the frame fetches before anybody touched it, as it travels: page, scripts, styles."""
    inbox = InboxFactory(greeting="Oi! Como podemos ajudar?", reply_time="Em poucos minutos")
    page = client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}").content
    files = ["widget/app.js", *MODULES, "widget/app.css", "css/tokens.css"]

    total = packed(page, *(squeezed(source(name).decode()).encode() for name in files))

    assert total <= 40 * KB
    # What is rare comes later, and the page does not fetch its looks before either.
    assert b"extras.css" in page
    assert re.search(rb'extras[^"]*\.css" disabled', page)


def test_words_nobody_touched_are_said_in_the_visitors_language(acme, client_of):
    inbox = InboxFactory(greeting="Olá! Como podemos ajudar?", reply_time="Em minutos")
    texts = client_of(acme).get(f"/widget/texts/?inbox={inbox.website_token}&locale=en").json()

    assert (texts["locale"], texts["greeting"], texts["replyTime"]) == ("en", "Hello! How can we help?", "Em minutos")
    assert b"Hello! How can we help?" in client_of(acme).get("/widget/app/?locale=en").content


def test_no_name_of_ours_reaches_the_shop(acme, client_of):
    InboxFactory()
    client = client_of(acme)
    loader = client.get("/widget.js").content.decode()
    frame = client.get("/widget/app/").content.decode()

    scripts = [path.read_text(encoding="utf-8") for path in Path(finders.find("widget/app.js")).parent.iterdir()]
    everything = " ".join([loader, frame, *scripts, *(source(name).decode() for name in MODULES)])

    assert settings.PLATFORM_NAME.lower() not in everything.lower()
    assert "balcao" not in everything.lower()


def test_only_the_inboxs_websites_may_embed_the_frame(acme, ana, client_of):
    inbox = InboxFactory()
    inboxes.change(inbox=inbox, by=ana, allowed_origins=["https://loja.example", "https://www.loja.example"])

    response = client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}")

    policy = response["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://loja.example https://www.loja.example" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in response
    assert response.cookies == {}


def test_without_a_list_every_website_may_embed_it(acme, client_of):
    inbox = InboxFactory()

    response = client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}")

    assert "frame-ancestors http: https:" in response["Content-Security-Policy"]


@pytest.mark.parametrize("token", ["unknown", "%00", "x" * 500, "%ff"])
def test_an_unknown_token_shows_no_chat(acme, client_of, token):
    InboxFactory()

    assert client_of(acme).get(f"/widget/app/?inbox={token}").status_code == 404


def test_a_closed_inbox_shows_no_chat(acme, client_of):
    inbox = InboxFactory(active=False)
    Inbox.objects.exclude(pk=inbox.pk).update(active=False)

    assert client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}").status_code == 404


def test_a_token_of_another_tenant_shows_no_chat(acme, beta, client_of):
    inbox = InboxFactory()

    assert client_of(beta).get(f"/widget/app/?inbox={inbox.website_token}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "inbox_locale", "spoken"),
    [("en-US", "", "en"), ("pt", "", "pt-br"), ("fr", "en", "en"), ("fr", "", "pt-br"), ("", "en", "en")],
)
def test_the_frame_speaks_the_language_of_the_page_else_of_the_inbox_else_of_the_tenant(
    acme, client_of, asked, inbox_locale, spoken
):
    inbox = InboxFactory(locale=inbox_locale)

    page = client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}&locale={asked}").content.decode()

    boot = json.loads(re.search(r'<script id="boot" type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    assert boot["locale"] == spoken
    assert f'<html lang="{spoken}"' in page


def test_words_can_be_fetched_in_another_language(acme, client_of):
    answer = client_of(acme).get("/widget/texts/?locale=en").json()

    assert answer["locale"] == "en"
    assert answer["texts"]["send"] == "Send"


def test_the_sample_shop_carries_the_very_line_of_the_settings(acme, ana, client_of):
    inbox = InboxFactory()
    line = client_of(acme, user=ana).get("/settings/chat/widget/").context["snippet"]

    page = client_of(acme).get("/widget/demo/").content.decode()

    assert line == f'<script async src="http://acme.localhost/widget.js" data-inbox="{inbox.website_token}"></script>'
    assert f'<script async src="/widget.js" data-inbox="{inbox.website_token}"' in page


@pytest.mark.parametrize("shop", ["bakery", "books", "courses", "unknown"])
@pytest.mark.parametrize("dark", ["", "1"])
def test_every_sample_shop_opens(acme, client_of, shop, dark):
    InboxFactory()

    response = client_of(acme).get(f"/widget/demo/?shop={shop}&dark={dark}")

    assert response.status_code == 200


def test_a_closed_inbox_says_when_somebody_is_back_in_the_visitors_language(acme, ana, client_of, time_machine):
    inbox = InboxFactory()
    hours.change(
        inbox=inbox,
        by=ana,
        now=timezone.now(),
        active=True,
        timezone="America/Sao_Paulo",
        week=[[["09:00", "18:00"]]] * 5 + [[], []],
    )
    told = {}
    for name, moment in {
        "evening": datetime(2026, 11, 24, 23, 0, tzinfo=UTC),
        "friday": datetime(2026, 11, 27, 22, 0, tzinfo=UTC),
        "noon": datetime(2026, 11, 24, 15, 0, tzinfo=UTC),
    }.items():
        time_machine.move_to(moment)
        page = client_of(acme).get(f"/widget/app/?inbox={inbox.website_token}&locale=en").content.decode()
        boot = json.loads(re.search(r'<script id="boot" type="application/json">(.*?)</script>', page, re.DOTALL)[1])
        told[name] = (boot["closed"], boot["reopens"])

    assert told == {
        "evening": (True, "We are back tomorrow at 09:00."),
        "friday": (True, "We are back on Monday at 09:00."),
        "noon": (False, ""),
    }
