"""What happened at the counter, hour by hour: the only table reports read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import StatKind

# Upper ends in seconds of the bins of first replies; the last bin has no end.
FIRST_REPLY_BINS_S = (30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800)


class HourlyStat(models.Model):
    """The sums of one hour for one thing: everything, an inbox, an agent, a team, a label or a channel.

    An event counts in the hour it happened. Times are sums of seconds, to be divided by the count beside them. Written
    only by `services.stats`, which can make every row again from the conversations while they are kept.
    """

    hour = models.DateTimeField(_("hour"))
    kind = models.CharField(_("kind"), max_length=8, choices=StatKind)
    key = models.CharField(_("of"), max_length=36, blank=True)
    started = models.PositiveIntegerField(_("started"), default=0)
    resolved = models.PositiveIntegerField(_("resolved"), default=0)
    resolution_s = models.PositiveBigIntegerField(_("seconds to resolve"), default=0)
    reopened = models.PositiveIntegerField(_("opened again"), default=0)
    messages_in = models.PositiveIntegerField(_("messages of visitors"), default=0)
    messages_out = models.PositiveIntegerField(_("messages of agents"), default=0)
    messages_bot = models.PositiveIntegerField(_("messages of bots"), default=0)
    notes = models.PositiveIntegerField(_("private notes"), default=0)
    first_replies = models.PositiveIntegerField(_("first replies"), default=0)
    first_reply_s = models.PositiveBigIntegerField(_("seconds to the first reply"), default=0)
    first_reply_bins = ArrayField(models.PositiveIntegerField(), verbose_name=_("first replies by time"), default=list)
    replies = models.PositiveIntegerField(_("replies to somebody who waited"), default=0)
    reply_s = models.PositiveBigIntegerField(_("seconds visitors waited for them"), default=0)
    csat_answers = models.PositiveIntegerField(_("survey answers"), default=0)
    csat_good = models.PositiveIntegerField(_("content"), default=0)
    csat_points = models.PositiveIntegerField(_("points of a hundred"), default=0)
    sla_kept = models.PositiveIntegerField(_("promises kept"), default=0)
    sla_broken = models.PositiveIntegerField(_("promises broken"), default=0)
    counted_at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("figures of an hour")
        verbose_name_plural = _("figures by the hour")
        default_permissions = ()
        permissions = [("view_report", _("See reports"))]
        constraints = [models.UniqueConstraint(fields=["kind", "hour", "key"], name="chat_stat_once")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.kind} {self.key}"
