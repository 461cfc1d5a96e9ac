"""A reseller's customers: the list, one customer's page and what is done to it.

`billing` registers the screen with plan and usage added; everything that needs no plan is here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry, AuditEntryQuerySet
from ops.kernel.errors import DomainError, Invalid, NotFound
from ops.kernel.registry import Text
from tenants.accounts.forms.sso import EmailDomainForm
from tenants.accounts.models import EmailDomain
from tenants.accounts.services import email_domains
from tenants.admin import cells
from tenants.admin.bulk import BulkPages
from tenants.admin.lifecycle import LifecyclePages
from tenants.admin.support import SupportPages
from tenants.console import Menu, ScopedRelatedFilter, scope_of
from tenants.enums import ConsoleRight, JobState, TenantStatus
from tenants.forms.domains import HostForm
from tenants.models import Tenant, TenantJob
from tenants.queries import addresses, brands, progress, trail
from tenants.services import claims, domains, leaving, naming, provisioning

NEW_TAB = mark_safe(' target="_blank" rel="noopener"')


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of a customer's page. `context(request, tenant)` fills `template`."""

    key: str
    label: Text
    template: str
    context: Callable[[HttpRequest, Tenant], dict[str, Any]]


class TenantStatusFilter(admin.SimpleListFilter):
    """By state; customers whose data are gone only when asked for."""

    title = _("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        """Every state of a customer's life."""
        return TenantStatus.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        """The chosen state, else the living."""
        if self.value() in TenantStatus.values:
            return queryset.filter(status=self.value())
        return queryset.exclude(status=TenantStatus.DELETED)


class CreatedFilter(admin.DateFieldListFilter):
    """By age, under a heading that reads after “By”."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = gettext("date of creation")


class TenantAdmin(BulkPages, SupportPages, LifecyclePages):
    """The screen resellers live in: who their customers are, how they are, and the few things to do about it."""

    reseller_path = "reseller"
    platform_may = frozenset({"view", "add"})
    rights = {"view": ConsoleRight.VIEW_CUSTOMERS, "add": ConsoleRight.CREATE_CUSTOMERS}
    menu = Menu("customers", "storefront", order=10)
    list_display: Sequence[Any] = ("name_cell", "state_cell", "created_cell", "actions_cell")
    list_display_links = None
    list_filter: Sequence[Any] = (TenantStatusFilter, ("created_at", CreatedFilter))
    search_fields: Sequence[str] = ("name", "slug", "domains__domain")
    search_help_text = _("Name or address")
    list_per_page = 50
    ordering = ("-created_at", "-pk")
    add_label = _("Create customer")
    empty_title = _("No customers yet")
    empty_hint = _("Create the first one: it takes a minute and ends with an address you can send.")
    export_columns: ClassVar[Sequence[tuple[Text, Callable[[Any], Any]]]] = (
        (_("name"), lambda row: row.name),
        (_("address"), lambda row: row.slug),
        (_("state"), lambda row: row.get_status_display()),
        (_("created at"), lambda row: row.created_at.isoformat()),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Customers in sight; the platform's own row and the template are none."""
        rows: Any = super().get_queryset(request)
        return rows.customers().select_related("reseller").prefetch_related("domains")

    def history_of(self, row: Tenant) -> AuditEntryQuerySet:
        """With what was done to its plan and with the visits of support."""
        return trail.of_tenant(row)

    # --- The list ---

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        """With the reseller where customers of several stand on one page."""
        shown = super().get_list_display(request)
        return (shown[0], "reseller_cell", *shown[1:]) if scope_of(request).sees_everything else shown

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """By reseller too, where there are several."""
        found = super().get_list_filter(request)
        return [*found, ("reseller", ScopedRelatedFilter)] if scope_of(request).sees_everything else found

    @admin.display(description=_("reseller"), ordering="reseller__name")
    def reseller_cell(self, row: Tenant) -> str:
        """Whose customer it is."""
        return row.reseller.name if row.reseller else gettext("Direct")

    @admin.display(description=_("customer"), ordering="name")
    def name_cell(self, row: Tenant) -> SafeString:
        """Name, and the address it answers at."""
        url = reverse("admin:tenants_tenant_change", args=[row.pk])
        return format_html(
            '<span class="cell-title"><a href="{}">{}</a><small>{}</small></span>', url, row.name, host_of(row)
        )

    @admin.display(description=_("state"), ordering="status")
    def state_cell(self, row: Tenant) -> SafeString:
        """The state in its tone."""
        return cells.state(row.status, row.get_status_display())

    @admin.display(description=_("created"), ordering="created_at")
    def created_cell(self, row: Tenant) -> SafeString | str:
        """Relative time."""
        return cells.when(row.created_at)

    @admin.display(description="")
    def actions_cell(self, row: Tenant) -> SafeString:
        """What can be done to it now, one click each."""
        links = []
        if row.status == TenantStatus.ACTIVE:
            links.append((address_of(row), gettext("Open"), True))
            if getattr(row, "may_stop", False):
                links.append((reverse("admin:tenants_tenant_suspend", args=[row.pk]), gettext("Suspend"), False))
        elif row.status == TenantStatus.SUSPENDED and getattr(row, "may_stop", False):
            links.append((reverse("admin:tenants_tenant_resume", args=[row.pk]), gettext("Resume"), False))
        elif row.status == TenantStatus.PROVISIONING and getattr(row, "may_create", False):
            links.append((reverse("admin:tenants_tenant_progress", args=[row.pk]), gettext("Follow"), False))
        buttons = format_html_join(
            "",
            '<a class="button button-small" href="{}" aria-label="{}: {}"{}>{}</a>',
            ((url, label, row.name, NEW_TAB if is_outside else "", label) for url, label, is_outside in links),
        )
        return format_html('<span class="row-links">{}</span>', buttons)

    # --- Pages of one customer ---

    def get_urls(self) -> list[URLPattern]:
        """The pages of one customer beside unfold's list."""
        page = self.admin_site.admin_view
        own = [
            path("check-address/", page(self.check_address_view), name="tenants_tenant_check_address"),
            path("<uuid:pk>/progress/", page(self.progress_view), name="tenants_tenant_progress"),
            path("<uuid:pk>/progress.json", page(self.progress_json), name="tenants_tenant_progress_json"),
            path("<uuid:pk>/retry/", page(self.retry_view), name="tenants_tenant_retry"),
            path("<uuid:pk>/addresses/", page(self.address_view), name="tenants_tenant_addresses"),
        ]
        return own + super().get_urls()

    def tabs(self) -> list[Tab]:
        """The parts of a customer's page."""
        return [
            Tab("overview", _("Overview"), "console/tenant/overview.html", self.overview),
            Tab("addresses", _("Addresses"), "console/tenant/addresses.html", self.addresses),
            Tab("brand", _("Brand"), "console/tenant/brand.html", self.brand),
            Tab("jobs", _("Jobs"), "console/tenant/jobs.html", self.jobs),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One customer: head with what can be done, and one tab at a time, each with its own address."""
        tenant = self.one(request, object_id)
        makes = scope_of(request).may(ConsoleRight.CREATE_CUSTOMERS)
        if makes and tenant.status == TenantStatus.PROVISIONING and "tab" not in request.GET:
            return HttpResponseRedirect(reverse("admin:tenants_tenant_progress", args=[tenant.pk]))
        tabs = self.tabs()
        current = next((tab for tab in tabs if tab.key == request.GET.get("tab")), tabs[0])
        return self.page(
            request,
            "console/tenant/page.html",
            {
                "title": tenant.name,
                "tenant": tenant,
                "address": address_of(tenant),
                "state": cells.state(tenant.status, tenant.get_status_display()),
                "tabs": [{"label": tab.label, "url": f"?tab={tab.key}", "current": tab is current} for tab in tabs],
                "tab": current,
                "may": {
                    "stop": scope_of(request).may(ConsoleRight.STOP_CUSTOMERS),
                    "enter": scope_of(request).may(ConsoleRight.ENTER_CUSTOMERS),
                    "create": makes,
                    "move": scope_of(request).may(ConsoleRight.CHANGE_ADDRESSES),
                    "close": scope_of(request).may(ConsoleRight.CLOSE_CUSTOMERS),
                },
                **current.context(request, tenant),
            },
        )

    def overview(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """What it is, and what happened to it lately."""
        facts = [
            {"label": gettext("Address"), "value": host_of(tenant)},
            {"label": gettext("Language"), "value": dict(settings.LANGUAGES).get(tenant.language, tenant.language)},
            {"label": gettext("Time zone"), "value": tenant.time_zone.replace("_", " ")},
            {"label": gettext("Currency"), "value": naming.CURRENCIES.get(tenant.currency, tenant.currency)},
            {"label": gettext("Customer since"), "value": cells.when(tenant.created_at)},
        ]
        if scope_of(request).sees_everything:
            facts.insert(0, {"label": gettext("Reseller"), "value": tenant.reseller or gettext("Direct")})
        history = reverse("admin:tenants_tenant_history", args=[tenant.pk])
        return {"facts": facts, "activity": activity_of(tenant), "history_url": history}

    def addresses(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """The hosts that answer for it."""
        may_change = scope_of(request).may(ConsoleRight.CHANGE_ADDRESSES)
        url = reverse("admin:tenants_tenant_addresses", args=[tenant.pk])
        shown = {"rows": addresses.of(tenant), "form": HostForm(), "addresses_url": url}
        return {
            **shown,
            "may_change_addresses": may_change,
            "email_domains": _email_domains(tenant),
            "email_form": EmailDomainForm(auto_id="email-%s"),
        }

    def brand(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """How it looks to its own customers."""
        return {"look": brands.brand_for(tenant)}

    def jobs(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """The long work on it, newest first."""
        rows = TenantJob.objects.filter(tenant=tenant).order_by("-created_at", "-pk")[:20]
        return {"jobs": [(job, cells.state(job.state, job.get_state_display())) for job in rows]}

    # --- Making one ---

    def check_address_view(self, request: HttpRequest) -> JsonResponse:
        """Whether an address is free, for the form's live check."""
        if not self.has_add_permission(request):
            raise Http404
        return JsonResponse(naming.judge(name=request.GET.get("name", ""), slug=request.GET.get("slug", "")))

    def progress_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """How far the preparation is; when it is done, everything the customer needs to begin.

        For whoever makes customers: the owner's first login is on it.
        """
        tenant = self.one(request, pk, ConsoleRight.CREATE_CUSTOMERS)
        state = progress.of(tenant)
        if state.is_ready:
            return self.page(request, "console/tenant/finished.html", self.finished(request, tenant))
        return self.page(
            request,
            "console/tenant/progress.html",
            {
                "title": gettext("Preparing %(name)s") % {"name": tenant.name},
                "tenant": tenant,
                "progress": state,
                "address": address_of(tenant),
            },
        )

    def progress_json(self, request: HttpRequest, pk: UUID) -> JsonResponse:
        """The state of the preparation, for the page that waits for it."""
        tenant = self.one(request, pk, ConsoleRight.CREATE_CUSTOMERS)
        return JsonResponse(progress.of(tenant).as_json())

    def finished(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """What the finished page shows."""
        return {"title": tenant.name, "tenant": tenant, "address": address_of(tenant)}

    def retry_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Go on with a preparation that stopped."""
        return require_POST(self._retry)(request, pk)

    def _retry(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        tenant = self.one(request, pk, ConsoleRight.CREATE_CUSTOMERS)
        if "job" in request.POST:
            return self._retry_job(request, tenant)
        job = TenantJob.objects.birth_of(tenant)
        if job is None:
            raise Http404
        provisioning.retry(job=job, by=request.user, now=timezone.now())
        return HttpResponseRedirect(reverse("admin:tenants_tenant_progress", args=[tenant.pk]))

    def _retry_job(self, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        """Go on with a later piece of work, such as the last export, at the step it stopped at."""
        try:
            job = TenantJob.objects.filter(tenant=tenant, state=JobState.FAILED, pk=UUID(request.POST["job"])).first()
        except ValueError:
            job = None
        if job is None:
            raise Http404
        provisioning.retry(job=job, by=request.user, now=timezone.now())
        leaving.retry(job=job, by=request.user, now=timezone.now())
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]) + "?tab=jobs")

    # --- Addresses ---

    def address_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Add a host, take one away, choose the main one."""
        return require_POST(self._change_addresses)(request, pk)

    def _change_addresses(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        tenant = self.one(request, pk, ConsoleRight.CHANGE_ADDRESSES)
        try:
            words = self._change_address(request, tenant)
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, words, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]) + "?tab=addresses")

    def _change_address(self, request: HttpRequest, tenant: Tenant) -> str:
        do, now = request.POST.get("do"), timezone.now()
        if do == "add":
            form = HostForm(request.POST)
            if not form.is_valid():
                raise Invalid(" ".join(str(error) for error in form.errors["host"]))
            claims.claim(tenant=tenant, host=form.cleaned_data["host"], by=request.user, now=now)
            return gettext("The address is noted. It answers once its DNS proves that it is the customer's.")
        if do == "vouch":
            if tenant.status != TenantStatus.ACTIVE:
                raise Invalid
            with tenant_context(tenant):
                domain = email_domains.vouch(name=request.POST.get("name", ""), by=request.user, now=now)
            return gettext("%(domain)s counts as the customer's own e-mail domain.") % {"domain": domain.name}
        if do == "given":
            host = claims.use_given(tenant=tenant, by=request.user, now=now)
            return gettext("%(host)s is the main address now.") % {"host": host}
        try:
            claim = claims.find(tenant=tenant, claim_id=UUID(request.POST.get("claim", "")))
        except (ValueError, NotFound) as error:
            raise Http404 from error
        if do == "check":
            claim = claims.check_now(claim=claim, by=request.user, now=now)
            row = addresses.one(claim)
            return row.hint or gettext("%(host)s is verified and leads here.") % {"host": row.host}
        if do == "primary":
            claims.make_primary(claim=claim, by=request.user, now=now)
            return gettext("%(host)s is the main address now.") % {"host": claim.host}
        claims.release(claim=claim, by=request.user, now=now)
        return gettext("%(host)s is removed.") % {"host": claim.host}


def host_of(tenant: Tenant) -> str:
    """Its main host; reads what the list prefetched."""
    hosts = sorted(tenant.domains.all(), key=lambda domain: not domain.is_primary)
    return hosts[0].domain if hosts else ""


def address_of(tenant: Tenant) -> str:
    """Where to open it in a browser."""
    return domains.address_at(host_of(tenant))


def activity_of(tenant: Tenant) -> list[dict[str, Any]]:
    """What was done to it in the consoles, newest first, as the timeline shows it."""
    return [
        {"icon": "circle-dot", "text": entry.action_label, "detail": who_and_why(entry), "at": entry.at}
        for entry in trail.of_tenant(tenant).newest_first()[:10]
    ]


def who_and_why(entry: AuditEntry) -> str:
    """The person, and what was given with it; what the machine does by itself has nobody."""
    person = entry.actor_label if entry.actor_kind != "system" else ""
    return " · ".join(part for part in (person, trail.words_of(entry)) if part)


def _email_domains(tenant: Tenant) -> list[EmailDomain]:
    """The e-mail domains of a customer; a schema that is being formed or is gone has none."""
    if tenant.status not in {TenantStatus.ACTIVE, TenantStatus.SUSPENDED}:
        return []
    with tenant_context(tenant):
        return list(EmailDomain.objects.order_by("name", "pk"))
