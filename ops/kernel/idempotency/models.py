"""Answers kept so that a repeated POST is not done twice."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import UUIDModel


class IdempotencyRecord(UUIDModel):
    """One key of one caller at one address: the hash of what was sent and the answer it got."""

    scope = models.CharField(_("scope"), max_length=64, help_text=_("SHA-256 of caller, method, path and key."))
    request_hash = models.CharField(_("request hash"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    body = models.JSONField(_("body"), null=True, encoder=DjangoJSONEncoder)
    headers = models.JSONField(_("headers"), default=dict)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("repeated request")
        verbose_name_plural = _("repeated requests")
        constraints = [models.UniqueConstraint(fields=["scope"], name="idempotency_one_answer_per_key")]
        indexes = [models.Index(fields=["expires_at"], name="idempotency_expires")]

    def __str__(self) -> str:
        return self.scope
