"""Long work on a tenant, step by step, so that it can be watched and continued."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.enums import JobState
from tenants.models.tenant import Tenant


class TenantJob(TimestampedModel):
    """One job: what it does, the step it has reached, and why it stopped."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="jobs", verbose_name=_("customer"))
    kind = models.CharField(_("kind"), max_length=20)
    step = models.CharField(_("step"), max_length=40, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.QUEUED)
    error = models.TextField(_("error"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    payload = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        return f"{self.kind} · {self.tenant}"
