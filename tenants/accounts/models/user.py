"""The user: e-mail login, UUID key, one role."""

from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.models.role import Role


class UserQuerySet(models.QuerySet["User"]):
    """Doors to the people of one schema."""

    def active(self) -> Self:
        """People who may log in."""
        return self.filter(is_active=True)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users; e-mails are kept in small letters."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a normalised e-mail; without a password it can only log in by a link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A platform administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str) -> "User":
        """Look up by e-mail, whatever its case."""
        return self.get(email=username.lower())


class User(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A person of one schema. The same e-mail in another schema is another person."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="users", verbose_name=_("role"))
    language = models.CharField(_("language"), max_length=8, blank=True)
    is_staff = models.BooleanField(_("may open the console"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined at"), default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_its_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """The name to show; the e-mail when no name is known."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """The first name, or the part of the e-mail before the @."""
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]
