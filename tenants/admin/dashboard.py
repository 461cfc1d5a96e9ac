"""The dashboard: how many, how many new, what needs somebody, what just happened. Each card is a few questions, never one a row."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext, pgettext

from ops.kernel.alerts.models import Alert
from ops.kernel.outbox.models import OutboxDelivery
from tenants.admin.tenants import who_and_why
from tenants.console import Card, cards
from tenants.enums import ConsoleRight, TenantStatus
from tenants.queries import portfolio
from tenants.queries.portfolio import Scope

WEEKS = 12


def numbers(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """Four numbers that matter today."""
    states = portfolio.by_state(scope)
    weeks = portfolio.new_per_week(scope, weeks=WEEKS, now=timezone.localtime())
    customers = reverse("admin:tenants_tenant_changelist")
    return {
        "stats": [
            {
                "label": gettext("Customers"),
                "value": sum(states.values()),
                "hint": "",
                "url": customers,
                "values": None,
            },
            {
                "label": pgettext("customers", "Active"),
                "value": states.get(TenantStatus.ACTIVE, 0),
                "hint": "",
                "url": f"{customers}?status=active",
                "values": None,
            },
            {
                "label": gettext("New in twelve weeks"),
                "value": sum(count for _week, count in weeks),
                "hint": "",
                "url": "",
                "values": [count for _week, count in weeks],
            },
            {
                "label": pgettext("customers", "Suspended"),
                "value": states.get(TenantStatus.SUSPENDED, 0),
                "hint": "",
                "url": f"{customers}?status=suspended",
                "values": None,
            },
        ]
    }


def states(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """How many customers are in which state."""
    found = portfolio.by_state(scope)
    return {
        "slices": [{"label": TenantStatus(state).label, "value": count} for state, count in found.items()],
        "create_url": reverse("admin:tenants_tenant_add"),
    }


def growth(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """New customers in each of the last weeks."""
    weeks = portfolio.new_per_week(scope, weeks=WEEKS, now=timezone.localtime())
    return {
        "labels": [
            formats.date_format(week, "d/m" if formats.get_format("DATE_FORMAT").startswith("j") else "M j")
            for week, _n in weeks
        ],
        "values": [count for _week, count in weeks],
    }


def attention(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """Work that stopped, own addresses that are lost, and customers who cannot work."""
    return {
        "jobs": portfolio.jobs_that_failed(scope, limit=5),
        "addresses": [
            {"row": row, "url": _whose_url(row, "addresses", "admin:tenants_console_addresses")}
            for row in portfolio.addresses_in_trouble(scope, limit=5)
        ],
        "senders": [
            {"row": row, "url": _whose_url(row, "overview", "admin:tenants_mailsender_changelist")}
            for row in portfolio.senders_in_trouble(scope, limit=5)
        ],
        "suspended": portfolio.suspended(scope, limit=5),
    }


def _whose_url(row: Any, tab: str, own: str) -> str:
    """Where it can be mended: on the customer's page, or on the console's own."""
    if row.reseller_id is not None:
        return reverse(own)
    return reverse("admin:tenants_tenant_change", args=[row.tenant_id]) + f"?tab={tab}"


def activity(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What was done to customers in the consoles."""
    return {
        "entries": [
            {
                "icon": "circle-dot",
                "text": f"{entry.object_label}: {entry.action_label}",
                "detail": who_and_why(entry),
                "at": entry.at,
            }
            for entry in portfolio.activity(scope, limit=8)
        ],
        "log_url": _log_url(scope),
    }


def _log_url(scope: Scope) -> str:
    """Where all of it is: the platform's log, or the reseller's."""
    if scope.sees_everything:
        return reverse("admin:audit_auditentry_changelist")
    return reverse("admin:tenants_console_log") if scope.may(ConsoleRight.VIEW_LOG) else ""


def installation(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What is wrong with the installation: open alerts, and events nobody could deliver."""
    dead = OutboxDelivery.objects.dead().count()
    return {
        "alerts": Alert.objects.active().worst_first()[:4],
        "dead": dead,
        "dead_url": reverse("admin:outbox_outboxdelivery_changelist") + "?state__exact=dead",
    }


cards.register("tenants.numbers", Card("console/cards/numbers.html", numbers, order=10, width=12))
cards.register("tenants.growth", Card("console/cards/growth.html", growth, order=20, width=8))
cards.register("tenants.states", Card("console/cards/states.html", states, order=30, width=4))
cards.register("tenants.attention", Card("console/cards/attention.html", attention, order=40, width=4))
cards.register("tenants.activity", Card("console/cards/activity.html", activity, order=60, width=4))
cards.register(
    "tenants.installation",
    Card("console/cards/installation.html", installation, order=70, width=12, platform_only=True),
)
