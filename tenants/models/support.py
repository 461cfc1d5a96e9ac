"""Entering a customer's pages as support: what the customer allows, and each visit."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import BuiltInRole
from tenants.enums import GrantEnd, GrantState, SupportMode
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant

OPEN = (GrantState.REQUESTED, GrantState.APPROVED, GrantState.RUNNING)
MINUTES = (15, 30, 60)
ROLES = (BuiltInRole.VIEWER, BuiltInRole.AGENT, BuiltInRole.ADMIN)


class SupportAccess(TimestampedModel):
    """What one customer lets support do; without a row, support asks each time."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="support_access", verbose_name=_("customer"))
    mode = models.CharField(_("support may enter"), max_length=10, choices=SupportMode, default=SupportMode.ASK)
    allowed_until = models.DateTimeField(_("allowed until"), null=True, blank=True)

    class Meta:
        verbose_name = _("support access")
        verbose_name_plural = _("support access")
        default_permissions = ()
        permissions = [("manage_support_access", _("Decide about support's access"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(mode=SupportMode.ALLOWED, allowed_until__isnull=False)
                | (~Q(mode=SupportMode.ALLOWED) & Q(allowed_until__isnull=True)),
                name="support_access_allowed_has_an_end",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.get_mode_display()}"

    def allows_now(self, now: datetime) -> bool:
        """Whether support may come in without asking."""
        return self.mode == SupportMode.ALLOWED and self.allowed_until is not None and self.allowed_until > now


class ImpersonationGrantQuerySet(models.QuerySet["ImpersonationGrant"]):
    """Doors to visits; every tenant can see this table, so a tenant's pages start with `for_tenant`."""

    def for_tenant(self, tenant: Tenant) -> Self:
        """Visits to one customer."""
        return self.filter(tenant=tenant)

    def open(self) -> Self:
        """Asked for, approved or running."""
        return self.filter(state__in=OPEN)

    def waiting(self) -> Self:
        """Nobody has answered yet."""
        return self.filter(state=GrantState.REQUESTED)

    def running(self) -> Self:
        """Somebody is inside."""
        return self.filter(state=GrantState.RUNNING)

    def overdue(self, now: datetime) -> Self:
        """Open, and past the time that was set for them."""
        return self.open().filter(valid_until__lte=now)

    def newest_first(self) -> Self:
        """The latest request on top."""
        return self.order_by("-created_at", "-pk")


class ImpersonationGrant(TimestampedModel):
    """One request of one person to enter one customer, and the visit it became.

    Names are kept as values: the row still says who it was when the person is gone. `valid_until` is the end of
    the step it stands on: of waiting for an answer, of waiting for the entry, of the visit itself.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="support_grants", verbose_name=_("customer"))
    reseller = models.ForeignKey(
        Reseller,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reseller"),
        help_text=_("Whose team the person belongs to; nothing for the platform's."),
    )
    # A value: people of the public schema; from a tenant's schema a foreign key would lead to its own people.
    person_id = models.UUIDField(_("person"))
    person_name = models.CharField(_("name"), max_length=120)
    person_email = models.EmailField(_("e-mail"))
    company = models.CharField(_("company"), max_length=120, blank=True)
    role = models.CharField(_("acts as"), max_length=10, choices=[(role.value, role.label) for role in ROLES])
    reason = models.CharField(_("reason"), max_length=300)
    minutes = models.PositiveSmallIntegerField(_("minutes"), choices=[(number, str(number)) for number in MINUTES])
    state = models.CharField(_("state"), max_length=10, choices=GrantState, default=GrantState.REQUESTED)
    valid_until = models.DateTimeField(_("until"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.CharField(_("answered by"), max_length=200, blank=True)
    # The one link, and afterwards the one session, that this visit is open for.
    entry_id = models.UUIDField(null=True, blank=True, editable=False)
    is_entry_used = models.BooleanField(default=True, editable=False)
    started_at = models.DateTimeField(_("entered at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=200, blank=True)
    end = models.CharField(_("why it ended"), max_length=12, choices=GrantEnd, blank=True)

    objects = ImpersonationGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit of support")
        verbose_name_plural = _("visits of support")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "person_id"],
                condition=Q(state__in=OPEN),
                name="one_open_visit_per_person_and_tenant",
            ),
            models.CheckConstraint(condition=Q(minutes__in=MINUTES), name="visit_lasts_15_30_or_60_minutes"),
            models.CheckConstraint(condition=Q(role__in=ROLES), name="visit_never_acts_as_owner"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(started_at=None) | Q(ended_at__gte=F("started_at")),
                name="visit_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="visits_of_tenant")]

    def __str__(self) -> str:
        return f"{self.person_name} → {self.tenant}"

    @property
    def who(self) -> str:
        """The person and the company, as the customer reads it."""
        company = self.company or _("technical service")
        return f"{self.person_name} ({company})"
