"""What a reseller earns, customer by customer and month by month."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.queries import margin
from tenants.console import Card, Menu, Page, cards, formula_free, pages, site
from tenants.enums import ConsoleRight
from tenants.queries.portfolio import Scope
from tenants.templatetags.ui import money

PAGE_SIZE = 50


def margins(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The sum, the months as bars, and every customer."""
    report = margin.report(scope, now=timezone.now())
    if request.GET.get("format") == "csv":
        return _csv(report)
    page = Paginator(report.lines, PAGE_SIZE).get_page(request.GET.get("page"))
    return site.frame(
        request,
        "console/margin.html",
        {
            "title": gettext("Margin"),
            "now": report.now,
            "labels": [capfirst(formats.date_format(month.first, "M y")) for month in report.months],
            "values": [month.margin.amount for month in report.months],
            "months": report.months[::-1],
            "page": page,
            "previous_url": f"?page={page.previous_page_number()}" if page.has_previous() else "",
            "next_url": f"?page={page.next_page_number()}" if page.has_next() else "",
            "words": gettext("%(first)s–%(last)s of %(count)s")
            % {"first": page.start_index(), "last": page.end_index(), "count": page.paginator.count},
        },
    )


def _csv(report: margin.Report) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="margin-{timezone.localdate():%Y-%m-%d}.csv"'
    writer = csv.writer(response)
    heads = (gettext("customer"), gettext("plan"), gettext("retail"), gettext("wholesale"), gettext("margin"))
    writer.writerow([capfirst(head) for head in heads])
    for line in report.lines:
        amounts = ["" if one is None else str(one.amount) for one in (line.retail, line.wholesale, line.margin)]
        writer.writerow([formula_free(line.tenant.name), line.plan_name, *amounts])
    return response


def revenue(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What the plans bring a month, with the last half year behind each number."""
    report = margin.report(scope, now=timezone.now(), months=6)
    url = reverse("admin:billing_margin")
    shown = (
        (gettext("Your customers pay a month"), "retail"),
        (gettext("You pay a month"), "wholesale"),
        (gettext("Margin this month"), "margin"),
    )
    return {
        "stats": [
            {
                "label": label,
                "value": money(getattr(report.now, name)),
                "hint": "",
                "url": url,
                "values": [getattr(month, name).amount for month in report.months],
            }
            for label, name in shown
        ]
    }


cards.register(
    "billing.revenue",
    Card(
        "console/cards/numbers.html",
        revenue,
        order=15,
        width=12,
        is_for=lambda scope: scope.reseller is not None and scope.may(ConsoleRight.VIEW_MARGIN),
    ),
)
pages.register(
    "billing_margin",
    Page(
        "margin/",
        margins,
        ConsoleRight.VIEW_MARGIN,
        Menu("company", "trending_up", order=45, title=_("Margin")),
        at_home=False,
    ),
)
