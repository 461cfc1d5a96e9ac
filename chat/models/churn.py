"""How likely contacts are not to come back, as last computed."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import ChurnBand
from chat.models.contact import Contact
from ops.kernel.models import UUIDModel


class ChurnModel(UUIDModel):
    """Weights of an estimate, and how well they did on the past they had not seen.

    Without enough history the weights are the house's own (`fitted` is false). `auc` and the two beside it are measured
    on the same contacts, which the fit did not see; they are empty where there was too little to measure.
    """

    fitted = models.BooleanField(_("learned from own history"))
    weights = models.JSONField(_("weights"))
    contacts = models.PositiveIntegerField(_("contacts it was tried on"), default=0)
    lost = models.PositiveIntegerField(_("of them did not come back"), default=0)
    auc = models.FloatField(_("how well it told them apart"), null=True, blank=True)
    auc_house = models.FloatField(_("the same, by the house's weights"), null=True, blank=True)
    auc_recency = models.FloatField(_("the same, by recency alone"), null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("weights of the churn estimate")
        verbose_name_plural = _("weights of churn estimates")
        default_permissions = ()
        indexes = [models.Index(fields=["-made_at", "-id"], name="chat_churn_model_newest")]

    def __str__(self) -> str:
        return f"{self.made_at:%Y-%m-%d}"


class ChurnScore(models.Model):
    """One contact's features and estimate, written only by `services.churn`, in one statement for everybody.

    Features look back from `computed_at`; see `queries.churn` for what each means.
    """

    contact = models.OneToOneField(
        Contact, models.CASCADE, primary_key=True, related_name="churn", verbose_name=_("contact")
    )
    probability = models.FloatField(_("probability"))
    band = models.CharField(_("risk"), max_length=6, choices=ChurnBand)
    recency_days = models.FloatField(_("days since the last message"))
    frequency = models.PositiveIntegerField(_("conversations in half a year"))
    gap_days = models.FloatField(_("usual days between conversations"), null=True)
    overdue = models.FloatField(_("times the usual gap"))
    trend = models.FloatField(_("trend"))
    csat = models.FloatField(_("satisfaction"), null=True)
    unanswered = models.FloatField(_("part of the conversations without a reply"))
    late_hours = models.FloatField(_("hours to the first reply"), null=True)
    breaches = models.PositiveIntegerField(_("promises broken"))
    tenure_days = models.FloatField(_("days since the first message"))
    reasons = models.JSONField(_("what the estimate consists of"))
    computed_at = models.DateTimeField(_("computed at"))

    class Meta:
        verbose_name = _("churn estimate")
        verbose_name_plural = _("churn estimates")
        default_permissions = ()
        indexes = [
            models.Index(fields=["-probability", "contact"], name="chat_churn_order"),
            models.Index(fields=["band"], name="chat_churn_band"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.probability:.2f}"
