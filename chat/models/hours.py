"""When an inbox is staffed."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import HolidayCalendar
from chat.models.inbox import Inbox
from ops.kernel.models import TimestampedModel


def office_week() -> list[list[list[str]]]:
    """Monday to Friday, nine to six."""
    return [[["09:00", "18:00"]] for _day in range(5)] + [[], []]


class BusinessHours(TimestampedModel):
    """The week of an inbox, in the inbox's own time zone. Without an active one the inbox is always open.

    `week` has seven lists, Monday first, of pairs such as `["09:00", "18:00"]`; `"24:00"` ends a day.
    """

    inbox = models.OneToOneField(Inbox, models.CASCADE, related_name="hours", verbose_name=_("inbox"))
    active = models.BooleanField(_("in force"), default=False)
    week = models.JSONField(_("week"), default=office_week)
    calendar = models.CharField(
        _("public holidays"), max_length=4, choices=HolidayCalendar, default=HolidayCalendar.NONE, blank=True
    )
    state = models.CharField(_("state"), max_length=2, blank=True, help_text=_("Its own holidays count as well."))
    optional_days = models.BooleanField(
        _("optional days too"), default=False, help_text=_("Carnival, Corpus Christi and other days many take off.")
    )
    away_reply = models.CharField(
        _("reply while closed"),
        max_length=500,
        blank=True,
        help_text=_("Sent once to who writes outside the hours. Empty sends nothing."),
    )

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.inbox)


class Holiday(TimestampedModel):
    """A day on which an inbox keeps other hours than its week says; without times it is closed."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="holidays", verbose_name=_("inbox"))
    on = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=80)
    yearly = models.BooleanField(_("every year"), default=False)
    opens_at = models.TimeField(_("opens at"), null=True, blank=True)
    closes_at = models.TimeField(_("closes at"), null=True, blank=True)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["inbox", "on"], name="chat_holiday_once_a_day"),
            models.CheckConstraint(
                condition=models.Q(opens_at=None, closes_at=None) | models.Q(opens_at__lt=models.F("closes_at")),
                name="chat_holiday_opens_before_it_closes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on:%Y-%m-%d} {self.name}"
