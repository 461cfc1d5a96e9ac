"""What a person sees in the console: every customer of the platform, or those of one reseller."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Q, QuerySet
from django.db.models.functions import Cast, TruncWeek

from ops.kernel.audit.models import AuditEntry
from tenants.enums import ClaimState, ConsoleRight, JobState, ResellerRole, SenderState, TenantStatus
from tenants.models import DomainClaim, MailSender, Reseller, ResellerMember, Tenant, TenantJob
from tenants.models.reseller import CONSOLE_RIGHTS


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows somebody may see: of one `reseller`, or of everybody when there is none.

    `is_platform` tells platform staff, who keep their rights on a reseller's host but see only its rows there; `role`
    is what somebody of a reseller's team is.
    """

    reseller: Reseller | None
    is_platform: bool
    role: str = ResellerRole.OWNER

    def may(self, right: ConsoleRight) -> bool:
        """The one question of who may do what in a console."""
        return self.is_platform or right in CONSOLE_RIGHTS.get(self.role, frozenset())

    @property
    def sees_everything(self) -> bool:
        """Whether rows of every reseller, and of none, are in sight."""
        return self.reseller is None

    def limit(self, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
        """The rows in sight; `path` is the lookup that leads from a row to its reseller (`pk` for the reseller itself)."""
        return rows if self.reseller is None else rows.filter(**{path: self.reseller.pk})

    def tenants(self) -> QuerySet[Tenant]:
        """The customers in sight, without those whose data are gone."""
        return self.limit(Tenant.objects.living(), "reseller")


class ScopeRefused(Exception):
    """Nobody of this console. `member` is the person's own membership when there is one elsewhere."""

    def __init__(self, member: ResellerMember | None = None) -> None:
        super().__init__()
        self.member = member


def scope_of(*, user: Any, host: Reseller | None) -> Scope:
    """What `user` may see on the host of reseller `host`, or on the platform's when there is none.

    Raises `ScopeRefused` for a stranger, for somebody of another reseller and while the own reseller is switched off.
    """
    if not user.is_authenticated or not user.is_active:
        raise ScopeRefused
    if user.is_superuser:
        return Scope(reseller=host, is_platform=True)
    member = ResellerMember.objects.select_related("reseller").filter(user=user).first()
    if member is None or not member.reseller.is_active or (host is not None and member.reseller_id != host.pk):
        raise ScopeRefused(member)
    return Scope(reseller=member.reseller, is_platform=False, role=member.role)


def by_state(scope: Scope) -> dict[str, int]:
    """Customers per state, in the order of a customer's life; states nobody is in stay out."""
    counted = dict(scope.tenants().values_list("status").annotate(count=Count("pk")).order_by("status"))
    return {state: counted[state] for state in TenantStatus.values if counted.get(state)}


def new_per_week(scope: Scope, *, weeks: int, now: datetime) -> list[tuple[datetime, int]]:
    """New customers in each of the last `weeks` weeks, oldest first, weeks without any included."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    first = monday - timedelta(weeks=weeks - 1)
    counted = {
        week.date(): count
        for week, count in scope.tenants()
        .filter(created_at__gte=first)
        .annotate(week=TruncWeek("created_at", tzinfo=now.tzinfo))
        .values_list("week")
        .annotate(count=Count("pk"))
        .order_by("week")
    }
    days = [first + timedelta(weeks=number) for number in range(weeks)]
    return [(day, counted.get(day.date(), 0)) for day in days]


def jobs_that_failed(scope: Scope, *, limit: int) -> Sequence[TenantJob]:
    """Jobs that stopped and wait for somebody, newest first."""
    return list(
        scope.limit(TenantJob.objects.filter(state=JobState.FAILED), "tenant__reseller")
        .select_related("tenant")
        .order_by("-updated_at", "-pk")[:limit]
    )


def suspended(scope: Scope, *, limit: int) -> Sequence[Tenant]:
    """Customers who cannot work now, the longest first."""
    return list(scope.tenants().filter(status=TenantStatus.SUSPENDED).order_by("suspended_at", "pk")[:limit])


def addresses_in_trouble(scope: Scope, *, limit: int) -> Sequence[DomainClaim]:
    """Own domains, of customers and of the console itself, whose proof fails or is lost; the longest first."""
    rows = DomainClaim.objects.filter(state__in=(ClaimState.FAILING, ClaimState.LOST))
    if scope.reseller is not None:
        rows = rows.filter(Q(tenant__reseller=scope.reseller) | Q(reseller=scope.reseller))
    return list(rows.select_related("tenant", "reseller").order_by("failing_since", "pk")[:limit])


def senders_in_trouble(scope: Scope, *, limit: int) -> Sequence[MailSender]:
    """Own addresses of letters that the DNS no longer allows; the longest first."""
    rows = MailSender.objects.filter(state=SenderState.LOST)
    if scope.reseller is not None:
        rows = rows.filter(Q(tenant__reseller=scope.reseller) | Q(reseller=scope.reseller))
    return list(rows.select_related("tenant", "reseller").order_by("failing_since", "pk")[:limit])


def activity(scope: Scope, *, limit: int) -> Sequence[AuditEntry]:
    """What was done to the customers in sight, newest first, as the platform's log tells it."""
    entries = AuditEntry.objects.filter(object_type=Tenant._meta.label_lower)
    if not scope.sees_everything:
        # The log keeps ids as words, because it outlives the rows.
        entries = entries.filter(object_id__in=scope.tenants().values_list(Cast("pk", CharField()), flat=True))
    return list(entries.newest_first()[:limit])


def search(scope: Scope, text: str) -> QuerySet[Tenant]:
    """Customers whose name, address or host contains the text."""
    found = Q(name__icontains=text) | Q(slug__icontains=text) | Q(domains__domain__icontains=text)
    return scope.tenants().filter(pk__in=Tenant.objects.filter(found).values("pk")).order_by("name", "pk")
