"""Screens that need the plan: customers with what they use, and the plans themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import tenant_context
from unfold.views import ChangeList

from billing.admin import bulk, margin, overrides, prices  # noqa: F401 — they register their pages and their work
from billing.admin import usage as usage_page  # noqa: F401
from billing.enums import Unit
from billing.forms import CustomerForm, plan_form
from billing.models import Plan, Subscription
from billing.queries import plans, usage
from billing.queries import prices as price_queries
from billing.services import onboarding
from billing.services import plans as catalogue
from ops.kernel.errors import DomainError
from ops.kernel.registry import Text, handovers
from tenants.accounts.forms.base import add_problem
from tenants.admin import TenantAdmin, cells
from tenants.admin.tenants import Tab, address_of
from tenants.console import Card, Menu, Reach, ResellerScopedAdmin, cards, host_reseller, scope_of, site
from tenants.enums import ConsoleRight, TenantStatus
from tenants.models import Tenant
from tenants.queries.portfolio import Scope
from tenants.templatetags.ui import money

# What a row of the list has room for; the customer's page shows all of it.
KEYS_IN_LIST = ("chat.agents", "chat.conversations_month")
NEAR_PERCENT = 80


class PlanFilter(admin.SimpleListFilter):
    """By plan in force."""

    title = _("plan")
    parameter_name = "plan"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        """The whole catalogue; plans are the same for everybody."""
        return list(Plan.objects.order_by("order", "pk").values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        """Customers on the chosen plan."""
        if not self.value():
            return queryset
        on_it = Subscription.objects.for_tenants(queryset).open().filter(plan__slug=self.value())
        return queryset.filter(pk__in=on_it.values("tenant"))


class CustomerList(ChangeList):
    """The list with plan and usage read for the whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Four more questions, however many rows."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        now, scope = timezone.now(), scope_of(request)
        found = usage.of_tenants(rows, now=now)
        board = price_queries.board(resellers=None if scope.reseller is None else [scope.reseller.pk])
        knows_prices = scope.may(ConsoleRight.VIEW_PRICES)
        may_stop = scope_of(request).may(ConsoleRight.STOP_CUSTOMERS)
        may_create = scope_of(request).may(ConsoleRight.CREATE_CUSTOMERS)
        for row in rows:
            row.portfolio, row.may_stop, row.may_create = found.get(row.pk), may_stop, may_create
            row.price = board.retail(row.plan_id, now, row.reseller_id) if row.plan_id and knows_prices else None
        self.result_list = rows


@admin.register(Tenant, site=site)
class CustomerAdmin(TenantAdmin):
    """A reseller's customers with their plans: list, create, look closer, suspend and resume."""

    list_display = ("name_cell", "state_cell", "plan_cell", "usage_cell", "created_cell", "actions_cell")
    list_filter = (*TenantAdmin.list_filter, PlanFilter)
    export_columns: ClassVar[Sequence[tuple[Text, Callable[[Any], Any]]]] = (
        *TenantAdmin.export_columns,
        (_("plan"), lambda row: row.plan_name or ""),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """With the plan's name in the same question: the list sorts by it."""
        in_force = Subscription.objects.open().filter(tenant=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                plan_name=Subquery(in_force.values("plan__name")[:1]), plan_id=Subquery(in_force.values("plan")[:1])
            )
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that reads usage."""
        return CustomerList

    @admin.display(description=_("plan"), ordering="plan_name")
    def plan_cell(self, row: Any) -> SafeString | str:
        """The plan in force, and what the customer pays a month."""
        price = getattr(row, "price", None)
        if not row.plan_name:
            return "–"
        return cells.titled(row.plan_name, gettext("%(price)s a month") % {"price": money(price)} if price else "")

    @admin.display(description=_("usage"))
    def usage_cell(self, row: Any) -> SafeString | str:
        """The two bars that say whether a customer outgrows its plan."""
        portfolio = getattr(row, "portfolio", None)
        if portfolio is None:
            return "–"
        bars = [bar for bar in portfolio.bars if bar.key in KEYS_IN_LIST]
        return mark_safe(render_to_string("console/_usage_cell.html", {"bars": bars}))  # noqa: S308  our own template

    def tabs(self) -> list[Tab]:
        """With the plan."""
        tabs = super().tabs()
        return [
            tabs[0],
            Tab("usage", _("Plan and usage"), "console/tenant/usage.html", self.usage),
            Tab("features", _("Features and limits"), "console/tenant/features.html", overrides.tab),
            *tabs[1:],
        ]

    def usage(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """All bars of one customer."""
        now, scope = timezone.now(), scope_of(request)
        found = usage.of_tenants([tenant], now=now).get(tenant.pk)
        held = list(Subscription.objects.for_tenant(tenant).select_related("plan").order_by("-starts_at", "-pk")[:12])
        current = next((one for one in held if one.ends_at is None), None)
        return {
            "portfolio": found,
            "bars": [(bar, bar_words(bar)) for bar in found.bars] if found else [],
            "held": held,
            "plan_facts": _plan_facts(tenant, current, scope, now) if current else [],
            "may_change_plan": current is not None and scope.may(ConsoleRight.CHANGE_PLANS),
        }

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One short form; it ends on the page that follows the preparation."""
        if not self.has_add_permission(request):
            raise Http404
        form = CustomerForm(request.POST or None, initial={"language": translation.get_language()})
        if request.method == "POST" and form.is_valid():
            try:
                made = onboarding.sign_up(
                    **form.answers(), reseller=scope_of(request).reseller, by=request.user, now=timezone.now()
                )
            except DomainError as error:
                add_problem(form, error)
            else:
                return HttpResponseRedirect(reverse("admin:tenants_tenant_progress", args=[made.pk]))
        return self.page(
            request,
            "console/tenant/create.html",
            {
                "title": gettext("Create customer"),
                "form": form,
                "domain": settings.PLATFORM_DOMAIN,
                "check_url": reverse("admin:tenants_tenant_check_address"),
                "plans": plans.choices(reseller=scope_of(request).reseller, now=timezone.now()),
            },
            status=422 if form.is_bound and form.errors else 200,
        )

    def finished(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """With the owner's first login and what the apps hand over."""
        with tenant_context(tenant):
            given = [{"label": one.label, "hint": one.hint, "text": text} for one in handovers if (text := one.text())]
        first = onboarding.first_login(tenant)
        return super().finished(request, tenant) | {"given": given, "first_login": first, "address": address_of(tenant)}


def _plan_facts(tenant: Tenant, held: Subscription, scope: Scope, now: datetime) -> list[dict[str, Any]]:
    """Since when, for how much, and what stays of it, as far as the person may know."""
    facts = [{"label": gettext("Since"), "value": cells.when(held.starts_at)}]
    board = price_queries.board(resellers=[tenant.reseller_id] if tenant.reseller_id else [], plans=[held.plan_id])
    retail = board.retail(held.plan_id, now, tenant.reseller_id)
    wholesale = board.wholesale(held.plan_id, now) if tenant.reseller_id else None
    if scope.may(ConsoleRight.VIEW_PRICES):
        pays = gettext("%(price)s a month") % {"price": money(retail)} if retail else gettext("on request")
        facts.append({"label": gettext("Customer pays"), "value": pays})
    if scope.may(ConsoleRight.VIEW_MARGIN) and retail is not None and wholesale is not None:
        facts.append({"label": gettext("Wholesale"), "value": money(wholesale)})
        facts.append({"label": gettext("Margin"), "value": money(retail - wholesale)})
    return facts


@admin.register(Plan, site=site)
class PlanAdmin(ResellerScopedAdmin):
    """What customers may use. Everybody reads it, the platform decides it."""

    reseller_path = Reach.EVERYBODY
    rights = {"view": ConsoleRight.VIEW_CUSTOMERS}
    platform_may = frozenset({"view", "change"})
    menu = Menu("company", "sell", order=30)
    list_display = ("name_cell", "agents_cell", "conversations_cell", "storage_cell", "features_cell", "is_public")
    ordering = ("order", "pk")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """One field a limit, one switch a feature. Django would ask for two lumps of JSON."""
        return plan_form()

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """By the service, which tells the audit."""
        catalogue.change(plan=obj, changed=form.changed_columns, by=request.user, now=timezone.now())

    def may(self, request: HttpRequest, right: str) -> bool:
        """Prices and limits are changed on the platform's own host only."""
        return super().may(request, right) and (right == "view" or host_reseller(request) is None)

    def get_list_display_links(self, request: HttpRequest, list_display: Sequence[Any]) -> Sequence[Any] | None:
        """A plan has a page for whoever may change it."""
        return ("name_cell",) if self.has_change_permission(request) else None

    @admin.display(description=_("plan"), ordering="order")
    def name_cell(self, row: Plan) -> SafeString:
        """Name and short name."""
        return cells.titled(row.name, row.slug)

    @admin.display(description=_("agents"))
    def agents_cell(self, row: Plan) -> str:
        """How many people may answer."""
        return plans.limit_words(row, "chat.agents")

    @admin.display(description=_("conversations a month"))
    def conversations_cell(self, row: Plan) -> str:
        """How many conversations a month."""
        return plans.limit_words(row, "chat.conversations_month")

    @admin.display(description=_("storage"))
    def storage_cell(self, row: Plan) -> str:
        """How much room for files."""
        return plans.limit_words(row, "storage.bytes")

    @admin.display(description=_("features"))
    def features_cell(self, row: Plan) -> str:
        """What is switched on."""
        return ", ".join(plans.feature_names(row)) or "–"


def close_to_the_limit(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """The customers who use most of their plans: one bar each, the fullest first."""
    tenants = {tenant.pk: tenant for tenant in scope.tenants().filter(status=TenantStatus.ACTIVE).order_by("pk")}
    found = usage.of_tenants(list(tenants.values()), now=timezone.now())
    fullest = [(max(one.bars, key=lambda bar: bar.percent), tenants[key]) for key, one in found.items() if one.bars]
    near = sorted((pair for pair in fullest if pair[0].percent >= NEAR_PERCENT), key=lambda pair: -pair[0].percent)
    return {"near": [{"tenant": tenant, "bar": bar, "words": bar_words(bar)} for bar, tenant in near[:5]]}


cards.register("billing.limits", Card("console/cards/limits.html", close_to_the_limit, order=50, width=4))


def bar_words(bar: usage.Bar) -> str:
    """The numbers of a bar where they need a unit."""
    if bar.unit != Unit.BYTES or bar.limit is None:
        return ""
    return gettext("%(used)s of %(limit)s") % {
        "used": usage.amount(bar.used, bar.unit),
        "limit": usage.amount(bar.limit, bar.unit),
    }
