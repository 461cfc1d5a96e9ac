"""Use and limits of all customers at a glance, the one nearest to a limit first."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.models import Plan, Subscription
from billing.queries import usage
from tenants.console import Menu, Page, pages, site
from tenants.enums import ConsoleRight, TenantStatus
from tenants.models import Tenant
from tenants.queries.portfolio import Scope

PAGE_SIZE = 50
NEAR_PERCENT = 80
ORDERS = ("fullest", "name", "newest")


def at_a_glance(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Every limit of every customer as a bar."""
    now = timezone.now()
    plan, order, text = (request.GET.get(name, "").replace("\x00", "")[:100] for name in ("plan", "order", "q"))
    order = order if order in ORDERS else "fullest"
    is_near = bool(request.GET.get("near"))
    # All of them are read to find the fullest: three questions, and what a limit is stays decided in one place.
    tenants = list(_chosen(scope.tenants(), plan, text))
    found = usage.of_tenants(tenants, now=now)
    fullness = {tenant.pk: found[tenant.pk].fullest if tenant.pk in found else 0 for tenant in tenants}
    if is_near:
        tenants = [tenant for tenant in tenants if fullness[tenant.pk] >= NEAR_PERCENT]
    if order == "fullest":
        tenants.sort(key=lambda tenant: -fullness[tenant.pk])  # by name among the equally full
    elif order == "newest":
        tenants.sort(key=lambda tenant: tenant.created_at, reverse=True)
    page = Paginator(tenants, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {
        key: value
        for key, value in (("plan", plan), ("q", text), ("order", order), ("near", "1" if is_near else ""))
        if value
    }
    context: dict[str, Any] = {
        "title": gettext("Usage"),
        "rows": [
            {"tenant": tenant, "portfolio": found.get(tenant.pk), "percent": fullness[tenant.pk]} for tenant in page
        ],
        "page": page,
        "orders": [
            {"label": label, "url": "?" + urlencode(kept | {"order": key}), "current": key == order}
            for key, label in (
                ("fullest", gettext("Nearest to a limit")),
                ("name", gettext("Name")),
                ("newest", gettext("Newest")),
            )
        ],
        "chips": [
            {"label": gettext("All plans"), "url": "?" + urlencode({**kept, "plan": ""}), "current": not plan},
            *(
                {"label": one.name, "url": "?" + urlencode(kept | {"plan": one.slug}), "current": one.slug == plan}
                for one in Plan.objects.order_by("order", "pk")
            ),
        ],
        "near_url": "?" + urlencode({**kept, "near": "" if "near" in kept else "1"}),
        "is_near": is_near,
        "q": text,
        "kept": [(key, value) for key, value in kept.items() if key != "q"],
        "previous_url": _page_url(kept, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _page_url(kept, page.next_page_number()) if page.has_next() else "",
        "words": gettext("%(first)s–%(last)s of %(count)s")
        % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
    }
    return site.frame(request, "console/usage.html", context)


def _chosen(rows: QuerySet[Tenant], plan: str, text: str) -> QuerySet[Tenant]:
    rows = rows.filter(status__in=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED)).order_by("name", "pk")
    if plan:
        rows = rows.filter(pk__in=Subscription.objects.open().filter(plan__slug=plan).values("tenant"))
    return rows.filter(name__icontains=text) if text else rows


def _page_url(kept: dict[str, str], number: int) -> str:
    return "?" + urlencode(kept | {"page": str(number)})


pages.register(
    "billing_usage",
    Page(
        "usage/",
        at_a_glance,
        ConsoleRight.VIEW_CUSTOMERS,
        Menu("customers", "monitoring", order=20, title=_("Usage")),
    ),
)
