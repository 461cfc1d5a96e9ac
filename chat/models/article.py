"""The help centre: articles in categories, their versions, and what readers thought of them."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.enums import ArticleState
from ops.kernel.ids import uuid7
from ops.kernel.models import TimestampedModel, UUIDModel


class Category(TimestampedModel):
    """A shelf of articles in one language. Rows that share `group` are the same shelf in other languages."""

    group = models.UUIDField(_("translations"), default=uuid7, editable=False)
    locale = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    icon = models.CharField(_("icon"), max_length=40, default="book-open")
    position = models.PositiveSmallIntegerField(_("position"), default=100)

    class Meta:
        verbose_name = _("category of articles")
        verbose_name_plural = _("categories of articles")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["group", "locale"], name="chat_category_translated_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ArticleQuerySet(models.QuerySet["Article"]):
    """Doors to the articles."""

    def published(self) -> Self:
        """What everybody may read."""
        return self.filter(state=ArticleState.PUBLISHED)

    def in_order(self) -> Self:
        """As a reader goes through them."""
        return self.order_by("category__position", "category__name", "position", "title", "pk")


class Article(TimestampedModel):
    """One answer, written in Markdown, in one language. Rows that share `group` are its translations.

    `body_html`, `toc` and `text` are made from `body` when it is saved, so that a page, a search or the bot never
    renders anything. `search_text` is all that a search looks at, over an index of its words.
    """

    group = models.UUIDField(_("translations"), default=uuid7, editable=False)
    locale = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    category = models.ForeignKey(
        Category, models.SET_NULL, null=True, blank=True, related_name="articles", verbose_name=_("category")
    )
    title = models.CharField(_("title"), max_length=160)
    slug = models.SlugField(_("address"), max_length=160, unique=True)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    keywords = models.CharField(_("other words people use"), max_length=300, blank=True)
    body = models.TextField(_("text"), blank=True)
    body_html = models.TextField(editable=False, blank=True)
    toc = models.JSONField(default=list, editable=False)
    text = models.TextField(editable=False, blank=True)
    search_text = models.TextField(editable=False, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ArticleState, default=ArticleState.DRAFT)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    edited_at = models.DateTimeField(_("last edited at"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="chat_articles",
        verbose_name=_("author"),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)
    helpful = models.PositiveIntegerField(_("helped"), default=0, editable=False)
    unhelpful = models.PositiveIntegerField(_("did not help"), default=0, editable=False)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        default_permissions = ()
        permissions = [
            ("view_article", _("See articles and drafts")),
            ("manage_article", _("Write and publish articles")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["group", "locale"], name="chat_article_translated_once"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="chat_article_published_at"
            ),
        ]
        indexes = [models.Index(fields=["locale", "state"], name="chat_article_shelf")]

    def __str__(self) -> str:
        return self.title


class ArticlePicture(TimestampedModel):
    """A picture uploaded for an article. Everybody may see it while a published article shows it.

    Its file is an attachment that no message carries; this row keeps it from being swept away.
    """

    attachment = models.OneToOneField(
        "chat.Attachment", models.CASCADE, related_name="article_picture", verbose_name=_("file")
    )
    alt = models.CharField(_("description"), max_length=200, blank=True)
    articles = models.ManyToManyField(Article, related_name="pictures", blank=True, verbose_name=_("articles"))

    class Meta:
        verbose_name = _("picture of an article")
        verbose_name_plural = _("pictures of articles")
        default_permissions = ()

    def __str__(self) -> str:
        return self.alt or str(self.pk)


class ArticleVersion(UUIDModel):
    """What an article said once. Written with every change of its words, never changed itself."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="versions", verbose_name=_("article"))
    number = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=160)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    body = models.TextField(_("text"), blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    restored_from = models.PositiveIntegerField(_("restored from version"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("version of an article")
        verbose_name_plural = _("versions of articles")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="chat_article_version_once")]

    def __str__(self) -> str:
        return f"{self.title} ({self.number})"


class ArticleFeedback(UUIDModel):
    """Whether an article helped a reader, with a few words when they left some.

    `reader` is a hash of the network address and the day: one voice a reader, article and day, and nobody can be
    found again by it.
    """

    article = models.ForeignKey(Article, models.CASCADE, related_name="feedback", verbose_name=_("article"))
    helpful = models.BooleanField(_("helped"))
    words = models.CharField(_("words"), max_length=500, blank=True)
    reader = models.CharField(max_length=64, editable=False)
    version = models.PositiveIntegerField(_("version"), default=0)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("feedback on an article")
        verbose_name_plural = _("feedback on articles")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["article", "reader"], name="chat_article_feedback_once")]
        indexes = [models.Index(fields=["article", "-created_at"], name="chat_article_feedback_recent")]

    def __str__(self) -> str:
        return self.words or str(self.helpful)
