"""What a reseller or the platform tells its customers on their pages."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel, UUIDModel
from tenants.enums import Audience, Tone
from tenants.models.reseller import Reseller
from tenants.models.tenant import Tenant


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    """Doors to announcements; every tenant can see this table, so a tenant's pages start with `for_tenant`."""

    def not_over(self, now: datetime) -> Self:
        """Those that are shown now, and those to come."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now))

    def for_tenant(self, tenant: Tenant, *, plan: str) -> Self:
        """What one customer may read: of its own reseller and of the platform, by its plan or by its name."""
        of_mine = Q(reseller=None) | Q(reseller=tenant.reseller_id) if tenant.reseller_id else Q(reseller=None)
        chosen = Announcement.tenants.through.objects.filter(tenant=tenant.pk)
        for_me = (
            Q(audience=Audience.CUSTOMERS)
            | Q(audience=Audience.PLANS, plans__contains=[plan])
            | Q(audience=Audience.SELECTED, pk__in=chosen.values("announcement"))
        )
        return self.filter(of_mine, for_me)

    def for_consoles(self) -> Self:
        """What the platform tells resellers' teams."""
        return self.filter(reseller=None, audience=Audience.RESELLERS)


class Announcement(TimestampedModel):
    """A banner on the pages of an audience, `[starts_at, ends_at)`. What one language lacks, the other says."""

    reseller = models.ForeignKey(
        Reseller,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="announcements",
        verbose_name=_("reseller"),
        help_text=_("Who speaks; nothing for the platform."),
    )
    audience = models.CharField(_("for whom"), max_length=10, choices=Audience, default=Audience.CUSTOMERS)
    plans = models.JSONField(_("plans"), default=list, blank=True)
    tenants = models.ManyToManyField(Tenant, blank=True, related_name="announcements", verbose_name=_("customers"))
    tone = models.CharField(_("tone"), max_length=10, choices=Tone, default=Tone.INFO)
    title_pt = models.CharField(_("title in Portuguese"), max_length=120, blank=True)
    text_pt = models.TextField(_("text in Portuguese"), max_length=600, blank=True)
    title_en = models.CharField(_("title in English"), max_length=120, blank=True)
    text_en = models.TextField(_("text in English"), max_length=600, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    author = models.CharField(_("written by"), max_length=200, blank=True)

    objects = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=~Q(title_pt="") | ~Q(title_en=""), name="announcement_speaks_one_language_at_least"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="announcement_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=~Q(audience=Audience.RESELLERS) | Q(reseller=None),
                name="only_the_platform_speaks_to_resellers",
            ),
        ]

    def __str__(self) -> str:
        return self.title_pt or self.title_en

    def words(self, language: str | None) -> tuple[str, str]:
        """Title and text in the reader's language, else in the other one."""
        own = (self.title_en, self.text_en) if (language or "").startswith("en") else (self.title_pt, self.text_pt)
        other = (self.title_pt, self.text_pt) if own[0] == "" else own
        return other if other[0] else (self.title_en, self.text_en)


class AnnouncementDismissal(UUIDModel):
    """Somebody has read it and wants it gone. The person is a value: people live in their own schema."""

    announcement = models.ForeignKey(Announcement, models.CASCADE, related_name="dismissals")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    person_id = models.UUIDField(_("person"))
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("read announcement")
        verbose_name_plural = _("read announcements")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["announcement", "tenant", "person_id"], name="an_announcement_is_put_away_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.announcement} · {self.person_id}"
