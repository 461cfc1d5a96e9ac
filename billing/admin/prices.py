"""Prices: the platform decides list and wholesale, a reseller what its own customers pay."""

from datetime import datetime, time
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.enums import PriceKind
from billing.forms import PriceForm
from billing.models import Plan, PlanPrice
from billing.queries import prices
from billing.services import prices as service
from ops.kernel.errors import DomainError
from ops.kernel.metering import services as metering
from tenants.accounts.forms.base import add_problem
from tenants.console import Menu, Page, pages, site
from tenants.enums import ConsoleRight
from tenants.models import Reseller
from tenants.queries.portfolio import Scope


def overview(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Every plan with what it costs and earns."""
    now = timezone.now()
    reseller = scope.reseller
    board = prices.board(resellers=[reseller.pk] if reseller else [])
    plans = Plan.objects.order_by("order", "pk")
    kinds = _kinds(scope)
    rows = []
    for plan in plans.offered() if reseller else plans:
        retail = board.retail(plan.pk, now, reseller.pk if reseller else None)
        wholesale = board.wholesale(plan.pk, now)
        rows.append(
            {
                "plan": plan,
                "retail": retail,
                "is_own": reseller is not None and board.at(PriceKind.RETAIL, plan.pk, now, reseller.pk) is not None,
                "is_lifted": reseller is not None and board.is_lifted(plan.pk, now, reseller.pk),
                "wholesale": wholesale,
                "margin": retail - wholesale if retail is not None and wholesale is not None else None,
                "coming": [
                    price
                    for kind in (*kinds, *((PriceKind.WHOLESALE,) if reseller else ()))
                    for price in board.to_come(
                        kind, plan.pk, now, reseller.pk if kind == PriceKind.RETAIL and reseller else None
                    )
                ],
                "links": [(kind, reverse("admin:billing_price", args=[plan.slug, kind.value])) for kind in kinds],
            }
        )
    context = {
        "title": gettext("Prices"),
        "rows": rows,
        "reseller": reseller,
        "may_change": scope.may(ConsoleRight.CHANGE_PRICES),
    }
    return site.frame(request, "console/prices.html", context)


def price(request: HttpRequest, scope: Scope, slug: str, kind: str) -> HttpResponse:
    """One price of one plan: set the next one, see all there were."""
    if kind not in {one.value for one in _kinds(scope)}:
        raise Http404
    plan = Plan.objects.filter(slug=slug).first()
    if plan is None:
        raise Http404
    reseller = scope.reseller if kind == PriceKind.RETAIL else None
    now = timezone.now()
    may_change = scope.may(ConsoleRight.CHANGE_PRICES)
    form = PriceForm(request.POST or None, initial={"starts_on": timezone.localdate()})
    if request.method == "POST":
        if not may_change:
            raise Http404
        if form.is_valid() and _save(request, form, plan, PriceKind(kind), reseller, now):
            return HttpResponseRedirect(reverse("admin:billing_prices"))
    board = prices.board(resellers=[reseller.pk] if reseller else [], plans=[plan.pk])
    context = {
        "title": gettext("Price of %(plan)s") % {"plan": plan.name},
        "plan": plan,
        "kind": PriceKind(kind),
        "wholesale": board.wholesale(plan.pk, now),
        "listed": board.at(PriceKind.LIST, plan.pk, now),
        "reseller": reseller,
        "form": form,
        "may_change": may_change,
        "now": now,
        "history": prices.history(plan, PriceKind(kind), reseller),
    }
    return site.frame(request, "console/price.html", context, status=422 if form.errors else 200)


def cancel(request: HttpRequest, scope: Scope, pk: UUID) -> HttpResponse:
    """Take back a price to come."""
    kinds = [kind.value for kind in _kinds(scope)]
    row = PlanPrice.objects.filter(pk=pk, kind__in=kinds).select_related("plan").first()
    mine = scope.reseller.pk if scope.reseller else None
    if request.method != "POST" or row is None or (row.kind == PriceKind.RETAIL and row.reseller_id != mine):
        raise Http404
    try:
        service.cancel(price=row, by=request.user, now=timezone.now())
    except DomainError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, gettext("The price is taken back."))
    return HttpResponseRedirect(reverse("admin:billing_price", args=[row.plan.slug, row.kind]))


def _kinds(scope: Scope) -> tuple[PriceKind, ...]:
    """What is decided on this host: on a reseller's its own prices, at home the platform's."""
    return (PriceKind.RETAIL,) if scope.reseller is not None else (PriceKind.LIST, PriceKind.WHOLESALE)


def _save(
    request: HttpRequest, form: PriceForm, plan: Plan, kind: PriceKind, reseller: Reseller | None, now: datetime
) -> bool:
    day = form.cleaned_data["starts_on"]
    midnight = datetime.combine(day, time.min, tzinfo=metering.CALENDAR)
    try:
        service.set_price(
            plan=plan,
            kind=kind,
            amount=form.cleaned_data["amount"],
            reseller=reseller,
            # From today means from now: what was shown this morning was the price then.
            starts_at=now if day == timezone.localdate(now, metering.CALENDAR) else midnight,
            by=request.user,
            now=now,
        )
    except DomainError as error:
        add_problem(form, error)
        return False
    messages.success(request, gettext("The price is set."))
    return True


pages.register(
    "billing_prices",
    Page("prices/", overview, ConsoleRight.VIEW_PRICES, Menu("company", "payments", order=40, title=_("Prices"))),
)
pages.register("billing_price_cancel", Page("prices/<uuid:pk>/cancel/", cancel, ConsoleRight.CHANGE_PRICES))
pages.register("billing_price", Page("prices/<slug:slug>/<slug:kind>/", price, ConsoleRight.VIEW_PRICES))
