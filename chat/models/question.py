"""Questions nobody answered yet: from the bot, from searches without a result, from readers who were not helped."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.enums import QuestionSource, QuestionState
from chat.models.article import Article
from chat.models.conversation import Conversation
from ops.kernel.models import UUIDModel


class QuestionGroup(UUIDModel):
    """Questions that ask the same in other words; `title` is the first one's, `stems` what they are compared by."""

    locale = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    title = models.CharField(_("question"), max_length=300)
    stems = models.JSONField(default=list, editable=False)
    count = models.PositiveIntegerField(_("times asked"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=QuestionState, default=QuestionState.OPEN)
    article = models.ForeignKey(
        Article, models.SET_NULL, null=True, blank=True, related_name="questions", verbose_name=_("article")
    )
    first_asked_at = models.DateTimeField(_("first asked at"))
    last_asked_at = models.DateTimeField(_("last asked at"))

    class Meta:
        verbose_name = _("group of unanswered questions")
        verbose_name_plural = _("groups of unanswered questions")
        default_permissions = ()
        indexes = [
            models.Index(fields=["state", "-count", "-last_asked_at"], name="chat_question_group_todo"),
        ]

    def __str__(self) -> str:
        return self.title


class UnansweredQuestion(UUIDModel):
    """One question as it was asked. `key` names the occasion, so that it is collected once."""

    group = models.ForeignKey(QuestionGroup, models.CASCADE, related_name="questions", verbose_name=_("group"))
    source = models.CharField(_("asked in"), max_length=10, choices=QuestionSource)
    text = models.CharField(_("question"), max_length=300)
    key = models.CharField(max_length=80, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="unanswered_questions",
        verbose_name=_("conversation"),
    )
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("unanswered question")
        verbose_name_plural = _("unanswered questions")
        default_permissions = ()
        indexes = [models.Index(fields=["group", "-asked_at"], name="chat_question_recent")]

    def __str__(self) -> str:
        return self.text
