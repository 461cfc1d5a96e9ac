"""Campaigns: the counter speaks first, and keeps what became of it."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import CampaignBasis, CampaignKind, CampaignState, CampaignVisitors, LeftOut, RecipientState
from chat.models.bot import Bot
from chat.models.contact import Contact
from chat.models.conversation import Conversation
from chat.models.inbox import Inbox
from chat.models.message import Message
from ops.kernel.models import TimestampedModel, UUIDModel


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Doors to the campaigns."""

    def live(self, *, at: datetime) -> Self:
        """What the website may show at an instant."""
        begun = Q(starts_at=None) | Q(starts_at__lte=at)
        not_over = Q(ends_at=None) | Q(ends_at__gt=at)
        return self.filter(begun, not_over, kind=CampaignKind.ONGOING, state=CampaignState.RUNNING, inbox__active=True)


class Campaign(TimestampedModel):
    """Words that reach people before they write: on a website when they fit, or once to a list of contacts.

    An ongoing campaign uses `page_patterns` to `most_times`, a one-off one `audience` to `template`. `starts_at` is the
    instant a one-off campaign begins to send.
    """

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=CampaignKind)
    state = models.CharField(_("state"), max_length=10, choices=CampaignState, default=CampaignState.DRAFT)
    inbox = models.ForeignKey(Inbox, models.PROTECT, related_name="campaigns", verbose_name=_("inbox"))
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_campaigns",
        verbose_name=_("sender"),
        help_text=_("Who speaks, and who gets the answers. Nobody: the company itself."),
    )
    bot = models.ForeignKey(
        Bot, models.SET_NULL, null=True, blank=True, related_name="campaigns", verbose_name=_("bot that speaks")
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("message"), blank=True)
    template = models.JSONField(_("template"), default=dict, blank=True)
    page_patterns = models.JSONField(_("pages"), default=list, blank=True)
    after_s = models.PositiveIntegerField(_("seconds on the page"), default=10)
    open_hours_only = models.BooleanField(_("only in business hours"), default=True)
    visitors = models.CharField(_("visitors"), max_length=10, choices=CampaignVisitors, default=CampaignVisitors.ALL)
    attrs = models.JSONField(_("what is known about the visitor"), default=list, blank=True)
    most_times = models.PositiveSmallIntegerField(_("times each visitor sees it"), default=1)
    pause_days = models.PositiveSmallIntegerField(_("days in between"), default=7)
    audience = models.JSONField(_("audience"), default=dict, blank=True)
    basis = models.CharField(_("legal basis"), max_length=8, choices=CampaignBasis, default=CampaignBasis.CONSENT)
    per_minute = models.PositiveSmallIntegerField(_("messages a minute"), default=30)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    listed_at = models.DateTimeField(_("audience fixed at"), null=True, blank=True, editable=False)
    done_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        default_permissions = ()
        permissions = [("view_campaign", _("See campaigns")), ("manage_campaign", _("Run campaigns"))]
        constraints = [
            models.CheckConstraint(condition=Q(most_times__gte=1), name="chat_campaign_is_shown"),
            models.CheckConstraint(condition=Q(per_minute__gte=1), name="chat_campaign_sends"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=models.F("starts_at")),
                name="chat_campaign_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "kind"], name="chat_campaign_live"),
            models.Index(fields=["-created_at", "-id"], name="chat_campaign_list"),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignRecipient(UUIDModel):
    """One person a campaign is for: a contact of the list, or a visitor who saw it.

    A visitor without a session is known by the hash of a random key of their browser, and by nothing else. The
    constraints are the promise that nobody gets a campaign twice, by contact and by address.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="recipients", verbose_name=_("campaign"))
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="campaigns", verbose_name=_("contact")
    )
    visitor_key = models.CharField(_("visitor"), max_length=64, blank=True)
    address = models.CharField(_("address"), max_length=254, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=RecipientState, default=RecipientState.PENDING)
    left_out = models.CharField(_("left out because"), max_length=10, choices=LeftOut, blank=True)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True)
    shown = models.PositiveSmallIntegerField(_("times shown"), default=0)
    last_shown_at = models.DateTimeField(_("last shown at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("taken up at"), null=True, blank=True)
    dismissed_at = models.DateTimeField(_("put away at"), null=True, blank=True)
    replied_at = models.DateTimeField(_("replied at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    conversation = models.ForeignKey(
        Conversation, models.SET_NULL, null=True, blank=True, related_name="campaigns", verbose_name=_("conversation")
    )
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("message")
    )
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("recipient of a campaign")
        verbose_name_plural = _("recipients of campaigns")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "contact"], condition=Q(visitor_key=""), name="chat_campaign_contact_once"
            ),
            models.UniqueConstraint(
                fields=["campaign", "visitor_key"], condition=~Q(visitor_key=""), name="chat_campaign_visitor_once"
            ),
            models.UniqueConstraint(
                fields=["campaign", "address"], condition=~Q(address=""), name="chat_campaign_address_once"
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state"], name="chat_campaign_recipients"),
            models.Index(fields=["campaign", "id"], condition=Q(state="pending"), name="chat_campaign_waiting"),
            models.Index(fields=["campaign", "sent_at"], condition=Q(sent_at__isnull=False), name="chat_campaign_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.contact_id or self.visitor_key[:8]}"
