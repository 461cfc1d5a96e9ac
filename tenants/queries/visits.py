"""Visits of support as the customer reads them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext, pgettext

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.models import User
from tenants.enums import GrantState
from tenants.models import ImpersonationGrant, Tenant

ICONS = {
    "tenants.support_requested": "hand",
    "tenants.support_approved": "circle-check",
    "tenants.support_refused": "circle-x",
    "tenants.support_entered": "log-in",
    "tenants.support_ended": "log-out",
    "tenants.support_opened": "eye",
    "tenants.support_acted": "pencil",
    "tenants.support_stopped": "lock",
}


def open_now(tenant: Tenant, *, now: datetime) -> list[ImpersonationGrant]:
    """Who asks, who may come and who is inside."""
    return list(ImpersonationGrant.objects.for_tenant(tenant).open().filter(valid_until__gt=now).newest_first())


def past(tenant: Tenant, *, now: datetime) -> QuerySet[ImpersonationGrant]:
    """What is over, newest first."""
    over = ~Q(state__in=(GrantState.REQUESTED, GrantState.APPROVED, GrantState.RUNNING)) | Q(valid_until__lte=now)
    return ImpersonationGrant.objects.for_tenant(tenant).filter(over).newest_first()


def waiting(tenant: Tenant, *, now: datetime) -> ImpersonationGrant | None:
    """The oldest request nobody has answered, for the banner of owners."""
    rows = ImpersonationGrant.objects.for_tenant(tenant).waiting().filter(valid_until__gt=now)
    return rows.order_by("created_at", "pk").first()


def acts(grant: ImpersonationGrant) -> QuerySet[AuditEntry]:
    """Everything that was done during a visit, oldest first: its doors, and what services noted of its login."""
    here = Q(object_type=ImpersonationGrant._meta.label_lower, object_id=str(grant.pk))
    login = User.objects.filter(support_person_id=grant.person_id).first()
    if login is not None and grant.started_at is not None:
        by_it = Q(actor_id=str(login.pk), at__gte=grant.started_at)
        here |= by_it & (Q(at__lte=grant.ended_at) if grant.ended_at else Q(at__lte=grant.valid_until))
    return AuditEntry.objects.filter(here).order_by("at", "id")


def in_words(entries: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    """Entries as `components/timeline.html` draws them."""
    return [
        {
            "icon": ICONS.get(entry.action, "circle-dot"),
            "text": entry.action_label,
            "detail": _where(entry),
            "at": entry.at,
        }
        for entry in entries
    ]


def _where(entry: AuditEntry) -> str:
    path = str(entry.detail.get("path") or "")
    method = str(entry.detail.get("method") or "")
    if path:
        return path if method == "GET" else f"{method} {path}"
    if entry.object_type != "tenants.tenant" and entry.object_label:
        return entry.object_label
    return ""


def facts(grant: ImpersonationGrant) -> list[dict[str, Any]]:
    """One visit in names and values."""
    found = [
        {"label": gettext("Who"), "value": grant.who},
        {"label": gettext("E-mail"), "value": grant.person_email},
        {"label": gettext("Reason"), "value": grant.reason},
        {"label": gettext("Acts as"), "value": grant.get_role_display()},
        {"label": gettext("For how long"), "value": gettext("%(count)s minutes") % {"count": grant.minutes}},
        {"label": pgettext("visit", "Asked"), "value": _moment(grant.created_at)},
    ]
    if grant.answered_at:
        by = grant.answered_by or gettext("allowed in advance")
        found.append({"label": pgettext("visit", "Answered"), "value": f"{_moment(grant.answered_at)} · {by}"})
    if grant.started_at:
        found.append({"label": gettext("Came in"), "value": _moment(grant.started_at)})
    if grant.ended_at:
        found.append(
            {"label": pgettext("visit", "Ended"), "value": f"{_moment(grant.ended_at)} · {grant.get_end_display()}"}
        )
    return found


def _moment(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
