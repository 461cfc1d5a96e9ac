"""The user: e-mail login, UUID key, one role."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import ProhibitNullCharactersValidator
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.accounts.models.role import Role

if TYPE_CHECKING:
    from tenants.accounts.models.api_token import ApiToken


def _granted(user: "User", perm: str, obj: Any) -> bool:
    return any(backend.has_perm(user, perm, obj) for backend in get_backends())


def picture_url(key: Any, stored: str) -> str:
    """Address of a person's picture from what the row holds; nothing for somebody without one."""
    return f"/people/{key}/picture/{stored.rpartition('/')[2]}" if stored else ""


class UserQuerySet(models.QuerySet["User"]):
    """Doors to the people of one schema."""

    def active(self) -> Self:
        """People who may log in."""
        return self.filter(is_active=True)

    def members(self) -> Self:
        """The company's own people, without the logins of support."""
        return self.filter(support_person_id=None)

    def with_role(self, *slugs: str) -> Self:
        """People who hold one of these roles."""
        return self.filter(role__slug__in=slugs)

    def seated(self) -> Self:
        """Active people whose role may answer conversations; support takes nobody's seat."""
        return self.active().members().filter(role__seated=True)

    def search(self, text: str) -> Self:
        """People whose name or e-mail holds `text`, whatever its case."""
        text = text.replace("\x00", "").strip()
        return self.filter(models.Q(name__icontains=text) | models.Q(email__icontains=text)) if text else self


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users; e-mails are kept in small letters. It finds people; the names services write under are `everyone`'s."""

    def get_queryset(self) -> UserQuerySet:
        """People only."""
        return super().get_queryset().filter(is_service=False)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a normalised e-mail; without a password it can only log in by a link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A platform administrator; whoever comes later falls under the rule of those who are there."""
        required = self.filter(is_superuser=True).aggregate(day=models.Min("factor_required_from"))["day"]
        fields.setdefault("factor_required_from", required)
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str) -> "User":
        """Look up by e-mail, whatever its case."""
        return self.get(email=username.lower())


class User(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A person of one schema. The same e-mail in another schema is another person."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True, validators=[ProhibitNullCharactersValidator()])
    role = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="users", verbose_name=_("role"))
    language = models.CharField(_("language"), max_length=8, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, blank=True)
    picture = models.FileField(_("picture"), blank=True)
    # Since when the person has a second factor; kept in step by `services.factors`, so that nobody has to ask for rows.
    second_factor_at = models.DateTimeField(_("second factor since"), null=True, blank=True, editable=False)
    # Of somebody who works in a console: from when its rules ask for one. Kept in step by `tenants.services.team_rules`,
    # so that the rule costs no request a question. People of tenants have their role for that.
    factor_required_from = models.DateTimeField(_("second factor required from"), null=True, blank=True, editable=False)
    is_staff = models.BooleanField(_("may open the console"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # Of a login of support: who stands behind it in the public schema (a value: schemas share no keys). Such a row is
    # active only while a visit runs; it has no password, takes no seat and is no member of the team.
    support_person_id = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    # The name a service token writes under. It is nobody's login: never active, without role and password.
    is_service = models.BooleanField(_("service"), default=False)
    date_joined = models.DateTimeField(_("joined at"), default=timezone.now)

    # Set by the doors for a login of support: the visit it is here for (`tenants.services.support.Visit`).
    support_visit: Any = None

    objects = UserManager()
    everyone = UserQuerySet.as_manager()
    # The token this person came with, when it was one: what they may is then what it may.
    token: "ApiToken | None" = None
    token_allows: frozenset[str] = frozenset()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_its_case")]
        default_permissions = ()
        permissions = [
            ("view_user", "Can see people"),
            ("change_user", "Can add, change and deactivate people"),
            ("change_login_rules", "Can change the rules of logging in"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_invited(self) -> bool:
        """Whether the person has not come in yet: no password, and no login by an identity provider."""
        return not self.has_usable_password() and self.last_login is None

    @property
    def is_support(self) -> bool:
        """Whether this is the login of support's visit."""
        return self.support_person_id is not None

    @property
    def actor_kind(self) -> str:
        """What ledgers call whoever acts."""
        if self.token is not None:
            return "api"
        return "support" if self.is_support else "user"

    @property
    def actor_label(self) -> str:
        """How ledgers name whoever acts: a program by its token too, support by name and company and as what it acts."""
        if self.token is not None:
            return f"{self.name if self.is_service else self.email} ({self.token.shown})"
        if not self.is_support:
            return self.email
        return f"{self.name} · {self.role.slug}" if self.role else self.name

    @property
    def picture_url(self) -> str:
        """Address of the picture, or nothing. It carries the picture's own name, so it may be kept for good."""
        return picture_url(self.pk, self.picture.name or "")

    @property
    def second_factor_from(self) -> datetime | None:
        """From when the person must have a second factor: their role says so, or the rules of the console's team."""
        if self.is_support:
            return None
        days = (self.role.second_factor_from if self.role is not None else None, self.factor_required_from)
        return min((day for day in days if day is not None), default=None)

    def lacks_second_factor(self, now: datetime) -> bool:
        """Whether a second factor is asked of the person, time is up, and there is none."""
        begins = self.second_factor_from
        return begins is not None and begins <= now and self.second_factor_at is None

    @property
    def is_platform_admin(self) -> bool:
        """Superusers rule the platform; in a tenant's schema the flag means nothing, whoever set it."""
        return self.is_active and self.is_superuser and self.token is None and connection.schema_name == "public"

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the person's role holds `app.codename`."""
        return self.is_platform_admin or _granted(self, perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the person's role holds anything of that app."""
        return self.is_platform_admin or any(name.startswith(f"{app_label}.") for name in self.get_all_permissions())

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # The schema is part of the hash: a session row copied with a cloned tenant does not log in there.
        salt = f"tenants.accounts.session.{connection.schema_name}"
        return salted_hmac(salt, self.password, secret=secret, algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        """The name to show; the e-mail when no name is known."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """The first name, or the part of the e-mail before the @."""
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]
