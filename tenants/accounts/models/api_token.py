"""A key for programs: it acts as its person, or as a service under its own name."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.enums import TokenKind
from tenants.accounts.models.role import Role
from tenants.accounts.models.user import User


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Doors to tokens."""

    def live(self, now: datetime) -> Self:
        """Tokens that still open doors."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def of(self, user: User) -> Self:
        """The personal tokens of one person."""
        return self.filter(kind=TokenKind.PERSONAL, user=user)

    def listed(self) -> Self:
        """Newest first, with whom they belong to."""
        return self.select_related("user__role", "role", "created_by").order_by("-created_at", "pk")


class ApiToken(TimestampedModel):
    """What is left of a token that was shown once: its first letters, and a digest that finds it.

    A personal one acts as `user`, with what the person's role and the scopes both allow. A service token has a `role` of
    its own; its `user` is only the name it writes under and cannot log in.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=TokenKind.choices)
    name = models.CharField(_("name"), max_length=80)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name=_("acts as"))
    role = models.ForeignKey(
        Role, models.PROTECT, null=True, blank=True, related_name="api_tokens", verbose_name=_("role")
    )
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    prefix = models.CharField(_("begins with"), max_length=16)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=60), verbose_name=_("scopes"))
    expires_at = models.DateTimeField(_("expires at"))
    warned_at = models.DateTimeField(_("warned at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_from = models.GenericIPAddressField(_("last used from"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ()
        permissions = [
            ("create_apitoken", "Can make personal API tokens"),
            ("manage_apitoken", "Can make service tokens and see everybody's"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=TokenKind.PERSONAL, role=None) | Q(kind=TokenKind.SERVICE, role__isnull=False),
                name="service_tokens_have_a_role",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], condition=Q(revoked_at=None), name="api_token_expiry")]

    def __str__(self) -> str:
        return self.name

    @property
    def shown(self) -> str:
        """The first letters, by which people know it again."""
        return f"{self.prefix}…"

    @property
    def is_service(self) -> bool:
        """Whether no person stands behind it."""
        return self.kind == TokenKind.SERVICE
