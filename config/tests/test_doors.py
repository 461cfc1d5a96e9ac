"""Every door declares who may come in: pages, actions of the API, frames of sockets, screens of the console.

A door that asks for nothing stands on a list here, with the reason; an entry nobody needs any more fails. And nobody has
to believe the declarations: a person whose role holds nothing knocks at all of them.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from rest_framework.permissions import AllowAny

from chat.consumers.base import ChatConsumer
from chat.tests.factories import MessageFactory
from config.routing import chat as chat_sockets
from ops.kernel.redis import client as redis_client
from ops.kernel.registry import nav, palette, panels, permissions, settings_pages
from tenants.accounts.models import Role
from tenants.accounts.permissions import RequiredPermissions
from tenants.accounts.services import tokens
from tenants.console import site

OWN = "about the person who asks, and shows only what is theirs"
STRANGERS = "before anybody is logged in; counted and braked"
VISITORS = "for visitors of the customer's website; the widget's own session or token decides"
SIGNED = "the address or the message proves itself: signed, or a secret nobody guesses"
PUBLIC = "what everybody may see"
TENANTS_OWN = "what everybody who works here sees on every page: the company, its brand, the plans, themselves"
INSIDE = "asks inside, by what is in the address"

# Pages and other plain views without a permission of their own, by where they stand.
OPEN_PAGES: dict[str, str] = {
    **dict.fromkeys(
        (
            "chat.views.desk.shelf_add",
            "chat.views.desk.shelf_change",
            "chat.views.desk.shelf_list",
            "chat.views.desk.shelf_remove",
        ),
        INSIDE,
    ),
    **dict.fromkeys(
        (
            "chat.views.help.feedback",
            "chat.views.widget.app",
            "chat.views.widget.call_parts",
            "chat.views.widget.demo",
            "chat.views.widget.loader",
            "chat.views.widget.texts",
        ),
        VISITORS,
    ),
    **dict.fromkeys(
        (
            "chat.views.console.push_worker",
            "chat.views.help.article",
            "chat.views.help.category",
            "chat.views.help.home",
            "chat.views.help.picture",
            "chat.views.help.robots",
            "chat.views.help.search",
            "chat.views.help.sitemap",
            "config.api.docs",
            "config.api.nowhere",
            "tenants.accounts.views.sso.metadata",
            "tenants.views.brand.brand_css",
            "tenants.views.brand.favicon",
            "tenants.views.brand.icon_of_the_site",
            "tenants.views.brand.logo",
            "tenants.views.language.switch_language",
        ),
        PUBLIC,
    ),
    **dict.fromkeys(
        (
            "chat.views.campaigns.opt_out",
            "chat.views.flow.survey",
            "chat.views.hooks.email",
            "chat.views.hooks.telegram",
            "chat.views.hooks.whatsapp",
            "tenants.accounts.views.invitations.accept",
            "tenants.accounts.views.password.password_reset_confirm",
            "tenants.accounts.views.password.unlock",
            "tenants.accounts.views.password.welcome",
            "tenants.accounts.views.profile.confirm_email",
            "tenants.accounts.views.profile.picture",
            "tenants.accounts.views.profile.stop_email_change",
            "tenants.accounts.views.sso.acs",
            "tenants.accounts.views.sso.backchannel",
            "tenants.accounts.views.sso.callback",
            "tenants.accounts.views.sso.finish",
            "tenants.accounts.views.sso.recovered",
            "tenants.accounts.views.sso.saml_logout",
            "tenants.views.support.answer_by_letter",
            "tenants.views.support.enter",
            "tenants.views.account.farewell",
            "tenants.views.account.farewell_file",
        ),
        SIGNED,
    ),
    **dict.fromkeys(
        (
            "tenants.accounts.views.login.login",
            "tenants.accounts.views.login.logout",
            "tenants.accounts.views.login.passkey",
            "tenants.accounts.views.login.second_factor",
            "tenants.accounts.views.password.password_reset",
            "tenants.accounts.views.password.password_reset_sent",
            "tenants.accounts.views.sso.begin",
            "tenants.accounts.views.sso.recovery",
            "tenants.accounts.views.sso.recovery_sent",
            "tenants.accounts.views.sso.signed_out",
        ),
        STRANGERS,
    ),
    **dict.fromkeys(
        (
            "tenants.accounts.views.profile.picture_change",
            "tenants.accounts.views.profile.profile",
            "tenants.accounts.views.security.app_add",
            "tenants.accounts.views.security.codes_renew",
            "tenants.accounts.views.security.confirm",
            "tenants.accounts.views.security.factor_remove",
            "tenants.accounts.views.security.factor_rename",
            "tenants.accounts.views.security.login_end",
            "tenants.accounts.views.security.logins_end",
            "tenants.accounts.views.security.needed",
            "tenants.accounts.views.security.passkey_add",
            "tenants.accounts.views.security.program_end",
            "tenants.accounts.views.security.recovery_codes",
            "tenants.accounts.views.security.security",
            "tenants.accounts.views.sso.leave",
            "tenants.views.announcements.dismiss",
            "tenants.views.home.home",
            "tenants.views.search.search",
            "tenants.views.settings.index",
            "tenants.views.support.leave",
        ),
        OWN,
    ),
}
# Views of the API that ask no role.
OPEN_API: dict[str, str] = {
    **dict.fromkeys(
        (
            "billing.api.views.PlanViewSet",
            "tenants.accounts.api.auth.MeView",
            "tenants.api.views.BrandingView",
            "tenants.api.views.SettingsView",
        ),
        TENANTS_OWN,
    ),
    **dict.fromkeys(
        (
            "chat.api.calls.VisitorCallView",
            "chat.api.calls.VisitorCallsView",
            "chat.api.widget_help.WidgetArticleView",
            "chat.api.widget_help.WidgetArticlesView",
            "chat.api.transcripts.VisitorTranscriptView",
            "chat.api.widget.ConfigView",
            "chat.api.widget.ContactView",
            "chat.api.widget.ConversationsView",
            "chat.api.widget.CsatView",
            "chat.api.widget.EndView",
            "chat.api.widget.EventsView",
            "chat.api.widget.LeaveView",
            "chat.api.widget.MessagesView",
            "chat.api.widget.PageView",
            "chat.api.widget.ReadView",
            "chat.api.widget.SessionView",
            "chat.api.widget_campaigns.OfferView",
            "chat.api.widget_campaigns.OffersView",
            "chat.api.widget_uploads.VisitorUploadView",
            "chat.api.widget_uploads.VisitorUploadsView",
        ),
        VISITORS,
    ),
    **dict.fromkeys(
        (
            "chat.api.bots.BotHookView",
            "chat.api.transfers.ExportFileView",
            "chat.api.uploads.FileView",
        ),
        SIGNED,
    ),
    **dict.fromkeys(
        (
            "tenants.accounts.api.auth.LoginView",
            "tenants.accounts.api.auth.LogoutView",
            "tenants.accounts.api.auth.RefreshView",
        ),
        STRANGERS,
    ),
    **dict.fromkeys(
        ("drf_spectacular.views.SpectacularAPIView",),
        PUBLIC,
    ),
}
OPEN_FRAMES = {"WidgetConsumer": VISITORS}


def patterns(urlconf: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every route of an urlconf with its view."""

    def walk(found: list[URLPattern | URLResolver], route: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        for one in found:
            here = route + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, here)
            else:
                yield "/" + here, one.callback

    yield from walk(get_resolver(urlconf).url_patterns, "")


def layers(view: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A view and what it is wrapped in."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def declared(view: Callable[..., Any]) -> set[str]:
    """The permissions that `permission_required` was given, read where it keeps them."""
    found: set[str] = set()
    for layer in layers(view):
        for cell in getattr(layer, "__closure__", None) or ():
            check = cell.cell_contents
            if inspect.isfunction(check) and check.__name__ == "check_perms":
                found |= set(inspect.getclosurevars(check).nonlocals["perms"])
    return found


def name_of(view: Callable[..., Any]) -> str:
    inner = list(layers(view))[-1]
    return f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__name__)}"


def is_api(view: Callable[..., Any]) -> bool:
    return hasattr(view, "cls")


def actions_of(view: Any) -> set[str]:
    """What a view of the API does, as `required_permissions` names it."""
    if getattr(view, "actions", None):
        return {action for method, action in view.actions.items() if method != "head"}
    return {method for method in ("get", "post", "put", "patch", "delete") if hasattr(view.cls, method)} & {
        name.lower() for name in view.cls.http_method_names
    }


def test_every_page_declares_a_permission():
    pages = {name_of(view): declared(view) for _, view in patterns(settings.ROOT_URLCONF) if not is_api(view)}
    # Pages of developers are there only while somebody develops.
    without = {name for name, asked in pages.items() if not asked and not name.startswith("config.dev.")}

    assert without - set(OPEN_PAGES) == set()
    assert set(OPEN_PAGES) - without == set()


def test_every_permission_a_page_asks_for_can_be_given():
    asked = set().union(*(declared(view) for _, view in patterns(settings.ROOT_URLCONF) if not is_api(view)))

    assert asked - set(permissions.keys()) == set()


def test_every_action_of_the_api_declares_a_permission():
    problems, unasked = [], set()
    for _, view in patterns(settings.ROOT_URLCONF):
        if not is_api(view):
            continue
        if RequiredPermissions not in view.cls.permission_classes:
            unasked.add(name_of(view.cls))
            continue
        needed = view.cls.required_permissions
        problems += [f"{name_of(view.cls)}: {action}" for action in actions_of(view) if action not in needed]
        problems += [
            f"{name_of(view.cls)}: {name} is no permission"
            for name in needed.values()
            if name is not None and name not in permissions
        ]
        if any(needed.get(action) is None for action in actions_of(view)):
            unasked.add(name_of(view.cls))

    assert problems == []
    assert unasked - set(OPEN_API) == set()
    assert set(OPEN_API) - unasked == set()


def test_every_frame_of_a_socket_declares_a_permission():
    consumers = [pattern.callback.consumer_class for pattern in chat_sockets]
    problems, free = [], set()
    for consumer in consumers:
        assert issubclass(consumer, ChatConsumer), "the base asks for the permission before it calls the handler"
        frames, needed = set(consumer().handlers()), consumer.required_permissions
        problems += [f"{consumer.__name__}: {frame}" for frame in frames ^ set(needed)]
        problems += [
            f"{consumer.__name__}: {name}" for name in needed.values() if name is not None and name not in permissions
        ]
        if None in needed.values():
            free.add(consumer.__name__)

    assert problems == []
    assert free == set(OPEN_FRAMES)


def test_every_screen_of_the_console_asks_who_looks():
    """Django's own question (`has_view_permission`) or a scoped one; none that says yes to everybody."""
    permitted = []
    for model, screen in site._registry.items():
        for name in ("has_view_permission", "has_change_permission", "has_add_permission", "has_delete_permission"):
            method = getattr(type(screen), name)
            source = inspect.getsource(method)
            if method is not getattr(admin.ModelAdmin, name) and "return True" in source:
                permitted.append(f"{model._meta.label}.{name}")

    assert permitted == []
    assert len(site._registry) > 10


@pytest.mark.parametrize("registry", [nav, panels, settings_pages, palette], ids=lambda one: one.name)
def test_what_pages_are_offered_by_is_a_permission(registry):
    unknown = [
        (key, item.permission)
        for key, item in registry.items()
        if item.permission and item.permission not in permissions
    ]

    assert unknown == []


# --- And somebody knocks at all of them -----------------------------------------------------------------


@pytest.fixture
def nobody(acme, ana):
    """A person whose role holds nothing."""
    from conftest import person  # noqa: PLC0415 — the cast

    role = Role.objects.create(slug="nothing", name="Nothing")
    return person(acme, role.slug, email="nemo@acme.example", name="Nemo")


def filled(route: str, view: Callable[..., Any]) -> str | None:
    """The route with values that name nothing, when it leads to this very view."""
    for value in (str(UUID(int=7)), "7", "seven"):
        # Routers write regular expressions.
        path = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]*>", value, route).replace("^", "").replace("$", "").replace("\\Z", "")
        try:
            if resolve(path, settings.ROOT_URLCONF).func is view:
                return path
        except Resolver404:
            continue
    return None


def test_a_role_that_holds_nothing_opens_no_door_that_asks_for_something(acme, nobody, client_of):
    browser: Client = client_of(acme, user=nobody, raise_request_exception=False)
    opened, knocked = [], 0
    for route, view in patterns(settings.ROOT_URLCONF):
        path = filled(route, view)
        if path is None:
            continue
        if is_api(view):
            needed = getattr(view.cls, "required_permissions", {})
            if RequiredPermissions not in view.cls.permission_classes or AllowAny in view.cls.permission_classes:
                continue
            methods = (
                {method: action for method, action in view.actions.items() if method != "head"}
                if getattr(view, "actions", None)
                else {method: method for method in actions_of(view)}
            )
            asked = [method for method, action in methods.items() if needed.get(action) is not None]
        else:
            asked = ["get", "post"] if declared(view) else []
        for method in asked:
            redis_client().flushdb()
            answer = browser.generic(method.upper(), path, "{}", "application/json")
            knocked += 1
            # 405: a page that is only posted to, or only read, and looks at the method first.
            if answer.status_code not in {403, 405}:
                opened.append(f"{method.upper()} {path}: {answer.status_code}")

    assert opened == []
    assert knocked > 150


def test_a_service_that_is_no_person_breaks_no_door(acme, ana):
    """Its user row only lends a name: no door may take it for somebody with a profile, a session or a mailbox."""
    _row, plain = tokens.create_service(
        by=ana, name="Stock", role="admin", scope_names=["all"], days=1, now=timezone.now()
    )
    program = Client(
        headers={"host": "acme.localhost", "authorization": f"Token {plain}"}, raise_request_exception=False
    )
    talk = MessageFactory().conversation
    contact = talk.contact_inbox.contact
    real = {"conversations": talk.pk, "contacts": contact.pk, "inboxes": talk.inbox_id}
    broken = []
    for route, view in patterns(settings.ROOT_URLCONF):
        if not is_api(view) or RequiredPermissions not in view.cls.permission_classes:
            continue
        path = filled(route, view)
        if path is None:
            continue
        about = next((word for word in path.split("/") if word in real), "")
        path = path.replace(str(UUID(int=7)), str(real.get(about, UUID(int=7))), 1)
        for method in list(getattr(view, "actions", None) or actions_of(view)):
            redis_client().flushdb()
            answer = program.generic(method.upper(), path, "{}", "application/json")
            if answer.status_code >= 500:
                broken.append(f"{method} {path}: {answer.status_code}")

    assert broken == []
