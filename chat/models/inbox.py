"""Inboxes: the ways in."""

import secrets
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import AssignmentMode, Channel, ReopenTo
from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel


def website_token() -> str:
    """A public name of the inbox that cannot be guessed from another one."""
    return secrets.token_urlsafe(18)


def hmac_secret() -> str:
    """The secret a website's server signs its visitors' identifiers with."""
    return secrets.token_urlsafe(32)


def default_features() -> dict[str, Any]:
    """What a new inbox allows."""
    return {
        "attachments": True,
        "voice": True,
        "video": False,
        "emoji": True,
        "csat": True,
        "transcript": True,
        "preview": False,
        "multi_thread": True,
    }


def default_assignment() -> dict[str, Any]:
    """How a new inbox hands out its conversations."""
    return {"mode": AssignmentMode.MANUAL.value, "reopen_to": ReopenTo.SAME_IF_ONLINE.value}


def default_appearance() -> dict[str, Any]:
    """How the website chat of a new inbox looks and what it does by itself."""
    return {"position": "right", "theme": "auto", "label": "", "team": True, "sound": True}


class InboxQuerySet(models.QuerySet["Inbox"]):
    """Doors to the inboxes."""

    def active(self) -> Self:
        """Inboxes that take messages."""
        return self.filter(active=True)


class Inbox(TimestampedModel):
    """One way in: a website's widget, a messenger, a mailbox, or a channel somebody brings themselves."""

    name = models.CharField(_("name"), max_length=80)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel, default=Channel.WEB)
    active = models.BooleanField(_("active"), default=True)
    website_token = models.CharField(
        _("website token"), max_length=40, unique=True, default=website_token, editable=False
    )
    allowed_origins = models.JSONField(
        _("allowed websites"),
        default=list,
        blank=True,
        help_text=_("Addresses such as https://shop.example; empty allows every website."),
    )
    locale = models.CharField(
        _("language"), max_length=8, blank=True, help_text=_("Empty follows the visitor's browser.")
    )
    greeting = models.CharField(_("greeting"), max_length=300, blank=True)
    offline_text = models.CharField(_("text while nobody is there"), max_length=300, blank=True)
    reply_time = models.CharField(_("usual time to answer"), max_length=80, blank=True)
    features = models.JSONField(_("features"), default=default_features, blank=True)
    hmac_secret = EncryptedTextField(_("identity secret"), default=hmac_secret, blank=True)
    reopen_days = models.PositiveSmallIntegerField(
        _("days a resolved conversation can be reopened"),
        default=7,
        help_text=_("Later messages start a new conversation."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=40, blank=True, help_text=_("Empty keeps the company's own.")
    )
    assignment = models.JSONField(_("assignment"), default=default_assignment, blank=True)
    sla_policy = models.ForeignKey(
        "chat.SlaPolicy",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="inboxes",
        verbose_name=_("service level"),
    )
    bot = models.ForeignKey(
        "chat.Bot", models.SET_NULL, null=True, blank=True, related_name="inboxes", verbose_name=_("bot")
    )
    csat = models.JSONField(
        _("satisfaction survey"), default=dict, blank=True, help_text=_("Texts and scale; empty keeps the usual ones.")
    )
    pre_chat_fields = models.JSONField(_("questions before the chat"), default=list, blank=True)
    consent = models.JSONField(
        _("consent texts"),
        default=list,
        blank=True,
        help_text=_(
            "Every version that visitors were asked to agree to, oldest first; an empty last one asks nothing."
        ),
    )
    appearance = models.JSONField(_("appearance"), default=default_appearance, blank=True)
    retention_days = models.PositiveIntegerField(
        _("days conversations are kept"), null=True, blank=True, help_text=_("Empty keeps them.")
    )

    objects = InboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("inbox")
        verbose_name_plural = _("inboxes")
        default_permissions = ()
        permissions = [
            ("view_inbox", _("See inboxes")),
            ("manage_inbox", _("Set up inboxes")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def consent_now(self) -> dict[str, Any] | None:
        """The text a visitor agrees to today, with its version; none when the inbox asks for no consent."""
        newest = self.consent[-1] if self.consent else None
        return newest if newest and newest["text"] else None

    def allows(self, origin: str) -> bool:
        """Whether a page of that origin may use the widget."""
        return not self.allowed_origins or origin.rstrip("/").lower() in self.allowed_origins
