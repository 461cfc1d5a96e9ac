"""Long work on a tenant, step by step, so that it can be watched and continued."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.enums import BIRTHS, JobKind, JobState, JobStep
from tenants.models.tenant import Tenant


class TenantJobQuerySet(models.QuerySet["TenantJob"]):
    """Doors to the jobs."""

    def open(self) -> Self:
        """Jobs that wait or run."""
        return self.filter(state__in=(JobState.QUEUED, JobState.RUNNING))

    def latest_of(self, tenant: Tenant, *kinds: JobKind) -> "TenantJob | None":
        """The newest job of a kind on a tenant."""
        return self.filter(tenant=tenant, kind__in=kinds).order_by("-created_at", "-pk").first()

    def birth_of(self, tenant: Tenant) -> "TenantJob | None":
        """The job that prepares, or prepared, a tenant."""
        return self.latest_of(tenant, *BIRTHS)


class TenantJob(TimestampedModel):
    """One job: what it does, the step it stands on, and why it stopped."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="jobs", verbose_name=_("customer"))
    # Whom a copy is made from. The row of a tenant stays when its data are gone.
    source = models.ForeignKey(
        Tenant, models.SET_NULL, null=True, blank=True, related_name="copy_jobs", verbose_name=_("copied from")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=JobKind)
    step = models.CharField(_("step"), max_length=20, choices=JobStep, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.QUEUED)
    error = models.TextField(_("error"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    # What the steps need; emptied when the job is done, because it holds the owner's password hash.
    payload = models.JSONField(default=dict, blank=True, editable=False)

    objects = TenantJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind"],
                condition=models.Q(state__in=(JobState.QUEUED, JobState.RUNNING)),
                name="one_open_job_of_a_kind_per_tenant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.tenant}"
