"""Bots: programs that answer visitors before a person does."""

import base64
import secrets
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import BotHours, BotKind, BotOutcome, BotState, HandoffReason
from chat.models.article import Article
from chat.models.conversation import Conversation
from ops.kernel.fields import EncryptedTextField
from ops.kernel.models import TimestampedModel, UUIDModel


def webhook_secret() -> str:
    """The secret both sides of a webhook bot sign with."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def default_flow() -> dict[str, Any]:
    """No steps: the bot greets and waits for a question."""
    return {"steps": []}


class BotQuerySet(models.QuerySet["Bot"]):
    """Doors to the bots."""

    def active(self) -> Self:
        """Bots that answer."""
        return self.filter(active=True)


class Bot(TimestampedModel):
    """A program that writes to visitors under its own name.

    `threshold` is in hundredths of a search's score: how much of a question an article must answer. Empty texts keep
    the usual ones in the language of the conversation. `flow` is `{"steps": [{"key", "text", "buttons": [{"label",
    "do", "value"}]}]}`; the first step greets.
    """

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=BotKind, default=BotKind.RETRIEVAL)
    active = models.BooleanField(_("active"), default=True)
    locale = models.CharField(
        _("language"), max_length=8, blank=True, help_text=_("Empty takes the inbox's, else the company's.")
    )
    hours = models.CharField(_("answers"), max_length=8, choices=BotHours, default=BotHours.ALWAYS)
    greeting = models.CharField(_("greeting"), max_length=600, blank=True)
    miss_text = models.CharField(_("when it finds no answer"), max_length=600, blank=True)
    handoff_text = models.CharField(_("when it calls a person"), max_length=600, blank=True)
    away_text = models.CharField(_("when it calls a person and the team is away"), max_length=600, blank=True)
    threshold = models.PositiveSmallIntegerField(_("how sure it must be"), default=35)
    max_misses = models.PositiveSmallIntegerField(_("questions without an answer before it calls a person"), default=2)
    keywords = models.JSONField(_("words that call a person at once"), default=list, blank=True)
    resolve_when_helped = models.BooleanField(_("resolve the conversation when the answer helped"), default=True)
    flow = models.JSONField(_("flow"), default=default_flow, blank=True)
    instructions = models.TextField(_("instructions for the language model"), max_length=2000, blank=True)
    webhook_url = models.URLField(_("address of the program"), max_length=500, blank=True)
    webhook_secret = EncryptedTextField(_("secret for signatures"), default=webhook_secret, blank=True)

    objects = BotQuerySet.as_manager()

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        default_permissions = ()
        permissions = [("manage_bot", _("Set up bots"))]

    def __str__(self) -> str:
        return self.name


class BotSession(UUIDModel):
    """A bot's part in one conversation: where it stands, and how it ended."""

    conversation = models.OneToOneField(
        Conversation, models.CASCADE, related_name="bot_session", verbose_name=_("conversation")
    )
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="sessions", verbose_name=_("bot"))
    state = models.CharField(_("state"), max_length=10, choices=BotState, default=BotState.ACTIVE)
    reason = models.CharField(_("why a person was called"), max_length=12, choices=HandoffReason, blank=True)
    misses = models.PositiveSmallIntegerField(_("questions without an answer"), default=0)
    step = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("bot's part in a conversation")
        verbose_name_plural = _("bots' parts in conversations")
        default_permissions = ()
        indexes = [models.Index(fields=["bot", "-started_at"], name="chat_bot_session_recent")]

    def __str__(self) -> str:
        return f"{self.bot}: {self.state}"


class BotAnswer(UUIDModel):
    """What a bot did about one message of a visitor. One a message: that is what makes a turn safe to run twice."""

    message = models.OneToOneField("chat.Message", models.CASCADE, related_name="bot_answer", verbose_name=_("message"))
    session = models.ForeignKey(
        BotSession, models.CASCADE, related_name="answers", verbose_name=_("bot's part in a conversation")
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=BotOutcome)
    article = models.ForeignKey(
        Article, models.SET_NULL, null=True, blank=True, related_name="bot_answers", verbose_name=_("article")
    )
    score = models.FloatField(_("score"), null=True, blank=True)
    helpful = models.BooleanField(_("helped"), null=True, blank=True)
    model = models.CharField(_("language model"), max_length=80, blank=True)
    tokens_in = models.PositiveIntegerField(_("tokens read"), default=0)
    tokens_out = models.PositiveIntegerField(_("tokens written"), default=0)
    trouble = models.CharField(_("what went wrong"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("bot's answer")
        verbose_name_plural = _("bots' answers")
        default_permissions = ()
        indexes = [models.Index(fields=["session", "created_at"], name="chat_bot_answer_order")]

    def __str__(self) -> str:
        return f"{self.outcome}"
