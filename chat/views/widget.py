"""What a shop's page loads: the script, the frame with the conversation, and a pretend shop to try them on."""

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.models import Inbox
from chat.models.inbox import default_appearance, default_features
from chat.queries import campaigns, opening, shelves, wire
from chat.services import attachments, calls, helpcentre, inboxes, presence, quota
from chat.views import words
from ops.kernel.squeezing import squeezed
from tenants import palette
from tenants.accounts.models import User
from tenants.gate import open_always
from tenants.queries import brands

LOADER_MAX_AGE_S = 300
CONFIG_MARK = "/* config */ {}"
SHOPS = ("bakery", "books", "courses")
THEMES = ("light", "dark")
SEEN_OUTSIDE = ("position", "theme", "label")
# Asked for together with the page, so that the conversation opens after one round trip and not after three.
MODULES = (
    "widget/api.js",
    "widget/composer.js",
    "widget/lines.js",
    "widget/model.js",
    "widget/storage.js",
    "widget/tabs.js",
    "widget/view.js",
    "js/chat/dom.js",
    "js/chat/format.js",
    "js/chat/outbox.js",
    "js/lib/socket.js",
)


# Static files are packed beforehand; these pages are made per tenant and carry no secret that a packed size betrays.
@open_always
@require_safe
@gzip_page
def loader(request: HttpRequest) -> HttpResponse:
    """`/widget.js`: the loader with this tenant's colours and words in it. The same for every visitor."""
    body = _loader_source().replace(CONFIG_MARK, _json(_loader_config(request)), 1).encode()
    version = sha256(body).hexdigest()[:20]
    sent = {tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))}
    response: HttpResponse
    if quote_etag(version) in sent:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response.headers["ETag"] = quote_etag(version)
    # Shops load it from their own origin.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    patch_cache_control(response, public=True, max_age=LOADER_MAX_AGE_S, stale_while_revalidate=86_400)
    return response


@require_safe
@xframe_options_exempt
@gzip_page
def app(request: HttpRequest) -> HttpResponse:
    """The frame. Only the inbox's websites may embed it, which the browser enforces by `frame-ancestors`."""
    inbox = _inbox(request.GET.get("inbox", ""))
    locale = _locale(request, request.GET.get("locale", ""), inbox)
    theme = request.GET.get("theme", "")
    with translation.override(locale):
        response = render(
            request,
            "widget/app.html",
            {
                "boot": _boot(request, inbox, locale),
                "locale": locale,
                "frame_theme": theme if theme in THEMES else "",
                "texts": words.widget(),
                "modules": MODULES,
            },
        )
    response.headers["Cache-Control"] = "no-store"
    response._csp_replace = {"frame-ancestors": _ancestors(inbox)}  # type: ignore[attr-defined]
    # The shop's own page keeps its handle on windows it opened; the frame needs none.
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


@require_safe
def call_parts(request: HttpRequest) -> HttpResponse:
    """Words and icons of a call, fetched when one begins: most visitors never call."""
    with translation.override(_locale(request, request.GET.get("locale", ""), None)):
        body = {"words": words.call(), "icons": render_to_string("components/call_icons.html")}
    response = JsonResponse(body)
    patch_cache_control(response, private=True, max_age=LOADER_MAX_AGE_S)
    return response


@require_safe
@gzip_page
def texts(request: HttpRequest) -> HttpResponse:
    """Words in another language, for a page that switches while it is open."""
    inbox = _inbox(request.GET["inbox"]) if "inbox" in request.GET else None
    locale = _locale(request, request.GET.get("locale", ""), inbox)
    with translation.override(locale):
        own = {} if inbox is None else _own_words(inbox)
        response = JsonResponse({"texts": words.widget(), "locale": locale, **own})
    patch_cache_control(response, public=True, max_age=LOADER_MAX_AGE_S)
    return response


@require_safe
@vary_on_headers("Cookie")
def demo(request: HttpRequest) -> HttpResponse:
    """A pretend shop with the widget on it, by the very line a customer copies."""
    shop = request.GET.get("shop", "")
    slug = request.tenant.slug
    guessed = (
        "bakery" if "padaria" in slug or "bak" in slug else "books" if "livr" in slug or "book" in slug else "courses"
    )
    inbox = Inbox.objects.active().order_by("created_at", "pk").first()
    return render(
        request,
        "widget/demo.html",
        {
            "shop": shop if shop in SHOPS else guessed,
            "inbox": inbox,
            "dark": request.GET.get("dark") == "1",
            "commands": [(label, json.dumps(command)) for label, command in _shown_off(brands.brand_of(request))],
        },
    )


def _shown_off(brand: Any) -> list[tuple[str, list[Any]]]:
    """What the sample shop lets one try: words of a button, and the command behind it."""
    return [
        (_("Open the chat"), ["open"]),
        (_("Invite the visitor"), ["invite", {"from": brand.display_name, "text": _("Can we help you choose?")}]),
        (_("Ask a question from a button"), ["send", _("Do you deliver on Sundays?")]),
        (_("Tell what is in the cart"), ["setAttributes", {"cart": "R$ 84,00"}]),
        (pgettext("theme", "Dark"), ["setTheme", "dark"]),
        (pgettext("theme", "Light"), ["setTheme", "light"]),
        ("English", ["setLocale", "en"]),
        ("Português", ["setLocale", "pt-BR"]),
        (_("Log out: forget this visitor"), ["shutdown"]),
    ]


def snippet(request: HttpRequest, inbox: Inbox) -> str:
    """The line a customer puts into their pages."""
    address = request.build_absolute_uri(reverse("chat:widget-loader"))
    return f'<script async src="{address}" data-inbox="{inbox.website_token}"></script>'


@lru_cache(maxsize=1)
def _remembered_source() -> str:
    return squeezed(_read_source())


def _read_source() -> str:
    found = finders.find("widget/loader.js")
    if not isinstance(found, str):
        raise FileNotFoundError("static/widget/loader.js")
    return Path(found).read_text(encoding="utf-8")


def _loader_source() -> str:
    return squeezed(_read_source()) if settings.DEBUG else _remembered_source()


def _loader_config(request: HttpRequest) -> dict[str, Any]:
    brand = brands.brand_of(request)
    shades = palette.shades(brand.primary, brand.secondary)
    usual = default_appearance()
    looks = {}
    # Their pages fetch the frame at once, because it may have something to say; others wait for a click.
    inviting = campaigns.inboxes_with_campaigns(now=timezone.now())
    for inbox in Inbox.objects.active().only("website_token", "appearance"):
        told = {name: inbox.appearance.get(name, usual[name]) for name in SEEN_OUTSIDE}
        if inbox.pk in inviting:
            told["campaigns"] = True
        if told != {name: usual[name] for name in SEEN_OUTSIDE}:
            # A website learns nothing about the tenant's other inboxes: the beginning of a token opens nothing.
            looks[inbox.website_token[:8]] = told
    said: dict[str, Any] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            said[code] = words.loader()
    return {
        "primary": shades["--brand-primary"],
        "onPrimary": shades["--on-brand"],
        "language": request.tenant.language,
        "texts": said,
        "looks": looks,
    }


def _features(inbox: Inbox) -> dict[str, bool]:
    """What the frame offers: the inbox's switches, as far as the plan has what they switch."""
    switches = {name: bool(inbox.features.get(name, usual)) for name, usual in default_features().items()}
    return switches | attachments.allowed(inbox=inbox) | {"video": calls.offered(inbox=inbox)}


def _offered(door: str, inbox: Inbox) -> bool:
    """Whether the inbox wants it and this installation has it."""
    try:
        reverse(f"widget-api:{door}", args=[inbox.pk])
    except NoReverseMatch:
        return False
    return bool(inbox.features.get(door, True))


def _json(value: Any) -> str:
    # JavaScript reads these two as line ends; JSON does not.
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _inbox(token: str) -> Inbox:
    """The inbox of a token; without one, the tenant's first. 404 tells an unknown one nothing."""
    rows = Inbox.objects.active()
    if token:
        found = rows.filter(website_token=token[:60].replace("\x00", "")).first()
    else:
        found = rows.order_by("created_at", "pk").first()
    if found is None:
        raise Http404
    return found


def _locale(request: HttpRequest, wanted: str, inbox: Inbox | None) -> str:
    """The language asked for, else the inbox's own, else the tenant's."""
    known = [code for code, _name in settings.LANGUAGES]
    for choice in (wanted, inbox.locale if inbox else "", request.tenant.language):
        choice = choice.lower()[:12]
        for code in known:
            if choice and (choice == code or choice.split("-")[0] == code.split("-")[0]):
                return code
    return settings.LANGUAGE_CODE


def _own_words(inbox: Inbox) -> dict[str, str]:
    """What the company says there, under the frame's names."""
    said = inboxes.words_for_visitors(inbox)
    return {"greeting": said["greeting"], "replyTime": said["reply_time"], "offlineText": said["offline_text"]}


def _ancestors(inbox: Inbox) -> list[str]:
    if not inbox.allowed_origins:
        return ["http:", "https:"]
    return ["'self'", *inbox.allowed_origins]


def _boot(request: HttpRequest, inbox: Inbox, locale: str) -> dict[str, Any]:
    brand = brands.brand_of(request)
    now = timezone.now()
    calendar = opening.of(inbox)
    is_open = calendar.is_open(now)
    opens_at = None if is_open else calendar.next_opening(now)
    shows = inbox.appearance.get("team", True)
    agents = User.objects.active().members().filter(role__slug="agent").order_by("date_joined", "pk")
    team = agents[:3] if shows else agents.none()
    return {
        "inbox": inbox.website_token,
        "name": brand.display_name,
        "logo": brand.logo_url,
        **_own_words(inbox),
        "team": [person.get_short_name() for person in team],
        "faces": {person.get_short_name(): person.picture_url for person in team if person.picture},
        "online": is_open and presence.anybody_there(),
        "closed": not is_open,
        "opensAt": wire.instant(opens_at),
        "reopens": "" if is_open else words.reopens(opens_at, now=now, zone=opening.zone_of(inbox)),
        # Far beyond the plan there is no chat, but nobody is sent away: what they write is kept and answered by e-mail.
        "form": not quota.has_room(now=now),
        "preview": request.GET.get("preview") == "1",
        "origins": inbox.allowed_origins,
        "features": _features(inbox),
        "preChat": inbox.pre_chat_fields,
        "consent": wire.consent(inbox),
        "sound": inbox.appearance.get("sound", True),
        "campaigns": inbox.pk in campaigns.inboxes_with_campaigns(now=now),
        "popout": request.GET.get("popout") == "1",
        "help": helpcentre.shown(locale).enabled and bool(shelves.languages()),
        "transcript": _offered("transcript", inbox),
        "api": "/api/widget/v1/",
        "socket": "/ws/widget/",
        "textsUrl": reverse("chat:widget-texts"),
        "locale": locale,
        "texts": words.widget(),
    }
