"""The console: one administration site on the platform's and every reseller's host, each in its own brand.

Who may see which row is decided here and nowhere else. An admin class says by `reseller_path` how one of its
rows leads to the reseller; from that follow its list, search, choices, autocomplete, actions, inlines, filters,
history and export. A class that does not say it stops the start.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from csp.constants import UNSAFE_EVAL
from django.contrib import admin, messages
from django.contrib.admin.filters import RelatedFieldListFilter
from django.contrib.admin.utils import unquote
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LogoutView
from django.core.exceptions import ImproperlyConfigured
from django.core.paginator import Paginator
from django.db.models import Field, Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.dataclasses import Favicon, SearchResult
from unfold.sites import UnfoldAdminSite

from ops.kernel.audit.models import AuditEntry, AuditEntryQuerySet
from ops.kernel.errors import DomainError, RateLimited
from ops.kernel.registry import Registry, Text
from tenants.accounts.enums import LoginMethod
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.profile import PasswordForm
from tenants.accounts.models import User
from tenants.accounts.services import attempts, users
from tenants.accounts.views import stages
from tenants.enums import ConsoleRight
from tenants.forms.console import ConsoleLoginForm
from tenants.models import Branding, Reseller, ResellerMember, Tenant
from tenants.queries import brands, portfolio
from tenants.queries.portfolio import Scope


class Reach(Enum):
    """Rows that belong to no reseller."""

    PLATFORM = "platform"  # ledgers of the whole installation: platform staff on the platform's host
    EVERYBODY = "everybody"  # the same rows for all, such as the plans


@dataclass(frozen=True, slots=True)
class Menu:
    """Where a screen stands in the side menu; `icon` is a name of Material Symbols. Without a title it is the model's."""

    group: str
    icon: str
    order: int = 100
    title: Text = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card of the dashboard. `context(request, scope)` fills `template`; `width` is in twelfths of the row.

    `is_for(scope)` says who gets it; without it everybody does.
    """

    template: str
    context: Callable[[HttpRequest, Scope], Mapping[str, Any]]
    order: int = 100
    width: int = 6
    platform_only: bool = False
    is_for: Callable[[Scope], bool] | None = None

    def is_shown(self, scope: Scope) -> bool:
        """Whether the person gets it here."""
        if self.platform_only and not (scope.is_platform and scope.sees_everything):
            return False
        return self.is_for is None or self.is_for(scope)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console that is no list of rows. It is there for whoever holds the right.

    `view(request, scope, ...)` gets what the person may see and answers. `at_home` says whether it makes sense on the
    platform's own host, where rows of all resellers are in sight, `at_resellers` on a reseller's.
    """

    path: str
    view: Callable[..., HttpResponse]
    right: ConsoleRight
    menu: Menu | None = None
    at_home: bool = True
    at_resellers: bool = True

    def is_for(self, scope: Scope) -> bool:
        """Whether the person may open it here."""
        return scope.may(self.right) and (self.at_home if scope.sees_everything else self.at_resellers)


cards: Registry[Card] = Registry("console cards")
pages: Registry[Page] = Registry("console pages")
GROUPS: dict[str, Text] = {
    "customers": _("Customers"),
    "company": _("My company"),
    "platform": _("Platform"),
}


def host_reseller(request: HttpRequest) -> Reseller | None:
    """The reseller whose host this is; nothing on the platform's own."""
    return getattr(request, "reseller", None)


def scope_of(request: HttpRequest) -> Scope:
    """What the signed-in person may see here. Raises `portfolio.ScopeRefused`; asked once a request."""
    known: Scope | None = getattr(request, "_console_scope", None)
    if known is None:
        known = portfolio.scope_of(user=request.user, host=host_reseller(request))
        request._console_scope = known  # type: ignore[attr-defined]
    return known


def with_alpine(response: HttpResponseBase) -> HttpResponseBase:
    """Let the console's own pages compile Alpine's expressions, which unfold's frame is written in.

    Only `eval` and only here: scripts still come from our own host alone, nothing inline runs.
    """
    response._csp_update = {"script-src": [UNSAFE_EVAL]}  # type: ignore[attr-defined]
    return response


class ResellerAdminSite(UnfoldAdminSite):
    """The console of the platform and of every reseller; the host decides whose it is."""

    index_title = _("Overview")
    login_form = ConsoleLoginForm
    login_template = "console/login.html"
    index_template = "console/index.html"
    enable_nav_sidebar = True
    # The page of one row's history; the screen of the log, a floor above, puts it here.
    history_page: Callable[[HttpRequest, Any, Any, AuditEntryQuerySet], HttpResponse]

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register an admin class that says whose its rows are; anything else stops the start."""
        if not (isinstance(admin_class, type) and issubclass(admin_class, ResellerScopedAdmin)):
            raise ImproperlyConfigured(
                f"{model_or_iterable}: the console takes subclasses of ResellerScopedAdmin only."
            )
        admin_class.check_scope()
        super().register(model_or_iterable, admin_class, **options)

    # --- Who may come in ---

    def has_permission(self, request: HttpRequest) -> bool:
        """Platform staff everywhere, a reseller's people on its own hosts and on the platform's."""
        try:
            scope_of(request)
        except portfolio.ScopeRefused:
            return False
        return True

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Log in, in the host's brand; somebody who is signed in and not of this house is told so."""
        refusal = ""
        if request.user.is_authenticated and not self.has_permission(request):
            refusal = gettext("You are signed in as %(person)s, who has no access to this console.") % {
                "person": request.user
            }
        target = stages.wanted(request) or reverse("admin:index")
        if request.method != "POST" and request.user.is_authenticated and not refusal:
            return HttpResponseRedirect(target)
        form = self.login_form(request, request.POST or None)
        if request.method == "POST" and form.is_valid():
            # The second factor stands behind every door of the house.
            return stages.proceed(request, form.get_user(), method=LoginMethod.PASSWORD, target=target)
        frame = {
            **self.each_context(request),
            **(extra_context or {}),
            "title": gettext("Log in"),
            "app_path": request.get_full_path(),
            "form": form,
            "next": target,
            "refusal": refusal,
            "password_reset_url": reverse("accounts:password-reset"),
        }
        return with_alpine(TemplateResponse(request, self.login_template, frame))  # type: ignore[return-value]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Every page of the console: the permission check of Django, and the one exception of its security policy."""
        inner = super().admin_view(view, cacheable)

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return with_alpine(inner(request, *args, **kwargs))

        return page

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        """Unfold's pages, without the redirect that tells whether any id of any table exists."""
        left_out = {"view_on_site", "password_change_done"}  # a changed password leads to the overview
        own = [path(page.path, self.admin_view(_opened(page)), name=name) for name, page in pages.items()]
        return own + [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") not in left_out]

    def frame(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> TemplateResponse:
        """A page in the console's frame."""
        return TemplateResponse(request, template, {**self.each_context(request), **context}, status=status)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the frame shows. Colours come from stylesheets: unfold would write them inline."""
        context = super().each_context(request)
        brand = brands.brand_of(request)
        context |= {
            "colors": {},
            "styles": [static("css/console.css"), brand.css_url],
            "brand": brand,
            "site_favicons": [Favicon(href=brand.favicon_url or static("img/mark.svg"), rel="icon")],
            "host_reseller": host_reseller(request),
        }
        context["scope"] = scope_of(request) if self.has_permission(request) else None
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The dashboard: the cards the apps registered, over what the person may see."""
        scope = scope_of(request)
        # Nothing to count yet: the first steps say more than a page of zeros.
        is_new = not scope.tenants().exists()
        shown = [
            {"template": card.template, "width": card.width, "key": key, **card.context(request, scope)}
            for key, card in cards.items()
            if not is_new and card.is_shown(scope)
        ]
        urls = {
            "create_url": self._first_step(request, Tenant, "add"),
            "brand_url": self._first_step(request, Branding, "changelist"),
            "team_url": self._first_step(request, ResellerMember, "add"),
        }
        return super().index(request, {**(extra_context or {}), "cards": shown, "is_new": is_new, **urls})

    def _first_step(self, request: HttpRequest, model: type[Model], page: str) -> str:
        """Address of a screen's page, or nothing for somebody who may not open it."""
        screen = self._registry[model]
        may = screen.has_add_permission(request) if page == "add" else screen.has_view_permission(request)
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}") if may else ""

    def app_index(self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's page of one app; our menu is not ordered by apps, so it leads to the overview."""
        return HttpResponseRedirect(reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Log out and stand at the door again."""
        return LogoutView.as_view(next_page=reverse("admin:login"))(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """My own password, by the rules, the brakes and the letter of everybody's profile."""
        form = PasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                self._change_password(request, form)
            except RateLimited as error:
                form.add_error(None, str(error))
            except DomainError as error:
                add_problem(form, error)
            else:
                messages.success(request, gettext("Your password is changed. Other devices are logged out."))
                return HttpResponseRedirect(reverse("admin:index"))
        frame = {
            **self.each_context(request),
            "title": gettext("Change password"),
            "hint": gettext("Your other devices will be logged out."),
            "action": gettext("Change password"),
            "form": form,
            "back": reverse("admin:index"),
        }
        return TemplateResponse(request, "console/form.html", frame, status=422 if form.errors else 200)

    @staticmethod
    def _change_password(request: HttpRequest, form: PasswordForm) -> None:
        me = User.objects.get(pk=request.user.pk)
        with attempts.guarded(email=me.email, caller=request.META.get("REMOTE_ADDR", "")):
            users.change_password(
                user=me,
                current=form.cleaned_data["current_password"],
                new=form.cleaned_data["new_password"],
                keep=stages.here(request),
                now=timezone.now(),
            )
        me.refresh_from_db()
        update_session_auth_hash(request, me)

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | HttpResponse:
        """The command palette: screens and customers. Unfold's own keeps answers by person, whatever the host."""
        text = request.GET.get("s", "").strip()[:100]
        if not text:
            return HttpResponse()
        results = [
            SearchResult(title=str(item["title"]), description=gettext("Screen"), link=item["link"], icon=item["icon"])
            for group in navigation(request)
            for item in group["items"]
            if text.lower() in str(item["title"]).lower()
        ]
        for tenant in portfolio.search(scope_of(request), text)[:20]:
            link = reverse("admin:tenants_tenant_change", args=[tenant.pk])
            results.append(SearchResult(title=tenant.name, description=tenant.slug, link=link, icon="storefront"))
        extended = "extended" in request.GET
        template = "unfold/helpers/command_results.html" if extended else "unfold/helpers/search_results.html"
        page = Paginator(results, 100)
        context = {
            "page_obj": page,
            "results": page.page(1),
            "page_counter": 0,
            "execution_time": 0,
            "command_show_history": False,
        }
        return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _opened(page: Page) -> Callable[..., HttpResponse]:
    """The view of a page, for whoever may open it; for others there is no such page."""

    def view(request: HttpRequest, **names: Any) -> HttpResponse:
        scope = scope_of(request)
        if not page.is_for(scope):
            raise Http404
        return page.view(request, scope, **names)

    return view


site = ResellerAdminSite(name="admin")


# --- Rows ---


def formula_free(value: Any) -> str:
    """A cell a spreadsheet shows as text: a leading sign would be run as a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


class ScopedRelatedFilter(RelatedFieldListFilter):
    """A filter over a relation that offers the rows in sight only."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, Any]]:
        """Choices from the related screen's own list; none when the console has no such screen."""
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        rows = (
            related.get_queryset(request).order_by("pk")
            if related
            else field.remote_field.model._default_manager.none()
        )
        return sorted(((row.pk, str(row)) for row in rows), key=lambda choice: choice[1].lower())


class ScopedRows:
    """What screens and their inlines share: rows and choices in sight, rights by role."""

    reseller_path: ClassVar[str | Reach | None] = None
    platform_may: ClassVar[frozenset[str]] = frozenset({"view"})
    # Which right of the team opens which right on these rows; what is not named is closed to resellers.
    rights: ClassVar[Mapping[str, ConsoleRight]] = {}
    raw_id_fields: Sequence[str] = ()
    admin_site: Any

    @classmethod
    def check_scope(cls) -> None:
        """Refuse a class that does not say whose its rows are, or shows a row by a number anybody can type."""
        if not cls.reseller_path:
            raise ImproperlyConfigured(f"{cls.__name__} does not say by `reseller_path` whose its rows are.")
        if cls.raw_id_fields:
            raise ImproperlyConfigured(
                f"{cls.__name__}: raw_id_fields print the name of any row whose id is typed in; use autocomplete_fields."
            )
        for inline in getattr(cls, "inlines", ()):
            if not issubclass(inline, ScopedRows):
                raise ImproperlyConfigured(f"{cls.__name__}: the inline {inline.__name__} is not a ScopedInline.")
            inline.check_scope()

    def may(self, request: HttpRequest, right: str) -> bool:
        """Whether the person holds a right (`view`, `add`, `change`, `delete`) on this kind of row."""
        try:
            scope = scope_of(request)
        except portfolio.ScopeRefused:
            return False
        if self.reseller_path is Reach.PLATFORM and not (scope.is_platform and scope.sees_everything):
            return False
        if scope.is_platform:
            return right in self.platform_may
        needed = self.rights.get(right)
        return needed is not None and scope.may(needed)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role; the row itself is already one in sight."""
        return self.may(request, "view") or self.may(request, "change")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role."""
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role."""
        return self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By role; hardly any row is deleted by hand."""
        return self.may(request, "delete")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows in sight. Everything else of the console starts here."""
        rows = super().get_queryset(request)  # type: ignore[misc]
        scope = scope_of(request)
        if self.reseller_path is Reach.EVERYBODY:
            return rows
        if self.reseller_path is Reach.PLATFORM:
            return rows if scope.is_platform and scope.sees_everything else rows.none()
        return scope.limit(rows, self.reseller_path)  # type: ignore[arg-type]

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        """Choices of a relation: the rows of the related screen. Without a screen nothing is offered but to the platform."""
        related = db_field.remote_field.model
        screen = self.admin_site._registry.get(related)
        if screen is not None:
            return screen.get_queryset(request)
        scope = scope_of(request)
        return None if scope.is_platform and scope.sees_everything else related._default_manager.none()


class ScopedTabularInline(ScopedRows, TabularInline):
    """Rows inside another row's page, scoped like a screen."""

    extra = 0


class ScopedStackedInline(ScopedRows, StackedInline):
    """Rows inside another row's page, scoped like a screen."""

    extra = 0


class ResellerScopedAdmin(ScopedRows, ModelAdmin):
    """A screen of the console. Subclasses say by `reseller_path` whose their rows are and who may do what."""

    menu: ClassVar[Menu | None] = None
    export_columns: ClassVar[Sequence[tuple[Text, Callable[[Any], Any]]]] = ()
    list_per_page = 50
    list_max_show_all = 100  # more on one page would take half a second
    list_filter_submit = False
    compressed_fields = False
    warn_unsaved_form = True
    empty_title: Text = ""
    empty_hint: Text = ""
    add_label: Text = _("Add")
    search_help_text: Any = _("Search")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """In the menu for whoever may see the list."""
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under the name the menu has for it."""
        title = capfirst(str((self.menu and self.menu.title) or self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_of(self, row: Any) -> AuditEntryQuerySet:
        """What the log tells of a row."""
        return AuditEntry.objects.about(row)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was done to one row. Django keeps a list of its own, which our services do not write."""
        row = self.get_object(request, unquote(object_id)) if self.has_view_permission(request) else None
        if row is None:
            raise Http404
        return site.history_page(request, self.opts, row, self.history_of(row))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Filters over relations offer the rows in sight only."""
        return [self._scoped_filter(item) for item in super().get_list_filter(request)]

    def _scoped_filter(self, item: Any) -> Any:
        if not isinstance(item, str):
            return item
        field: Field[Any, Any] = self.model._meta.get_field(item)  # type: ignore[assignment]  # a path with __ needs a filter class of its own
        return (item, ScopedRelatedFilter) if field.is_relation else item

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The class's own actions, and the export where columns are named; nothing is deleted in bulk."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        if self.export_columns:
            actions["export_csv"] = (export_csv, "export_csv", export_csv.short_description)  # type: ignore[attr-defined]
        return actions

    def ask_first(
        self, request: HttpRequest, rows: QuerySet[Any], *, action: str, title: str, hint: str, label: Text
    ) -> HttpResponse | None:
        """The question before an action of the list that is hard to undo; nothing once it was answered."""
        if "confirmed" in request.POST:
            return None
        found = list(rows)
        context = {
            "opts": self.opts,
            "title": title,
            "hint": hint,
            "label": label,
            "action": action,
            "keys": [row.pk for row in found],
            "names": [str(row) for row in found[:12]],
            "more": max(0, len(found) - 12),
            "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
        }
        return site.frame(request, "console/sure.html", context)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what the filters name: a lookup through relations can be asked like an oracle."""
        return "__" not in lookup.removesuffix("__exact").removesuffix("__isnull") or super().lookup_allowed(
            lookup, value, request
        )


@admin.action(description=_("Export as CSV"))
def export_csv(
    model_admin: ResellerScopedAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> StreamingHttpResponse:
    """The selected rows as a table for a spreadsheet; the selection was made among the rows in sight."""

    class Line:
        """A file that gives each line back instead of keeping it."""

        def write(self, value: str) -> str:
            """The line itself."""
            return value

    def lines() -> Iterable[str]:
        writer = csv.writer(Line())
        yield "\ufeff"  # Excel reads UTF-8 only when the file says so
        yield writer.writerow([formula_free(capfirst(str(label))) for label, _value in model_admin.export_columns])
        for row in queryset:
            yield writer.writerow([formula_free(value(row)) for _label, value in model_admin.export_columns])

    name = f"{model_admin.opts.model_name}-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# --- What UNFOLD asks for in the settings ---


def site_title(request: HttpRequest) -> str:
    """The name of whoever's console this is."""
    return brands.brand_of(request).display_name


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side menu: the screens the person may open, in groups."""
    groups: dict[str, list[tuple[int, dict[str, Any]]]] = {key: [] for key in GROUPS}
    groups["customers"].append(
        (0, {"title": gettext("Overview"), "icon": "space_dashboard", "link": reverse("admin:index")})
    )
    for model, screen in site._registry.items():
        if screen.menu and screen.has_view_permission(request):
            link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            title = capfirst(str(screen.menu.title or model._meta.verbose_name_plural))
            groups[screen.menu.group].append(
                (screen.menu.order, {"title": title, "icon": screen.menu.icon, "link": link})
            )
    try:
        scope = scope_of(request)
    except portfolio.ScopeRefused:
        return []
    for name, page in pages.items():
        if page.menu and page.is_for(scope):
            item = {"title": str(page.menu.title), "icon": page.menu.icon, "link": reverse(f"admin:{name}")}
            groups[page.menu.group].append((page.menu.order, item))
    return [
        {
            "title": GROUPS[key],
            "separator": False,
            "items": [item for _order, item in sorted(items, key=lambda pair: pair[0])],
        }
        for key, items in groups.items()
        if items
    ]
