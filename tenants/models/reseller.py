"""Resellers and the people who work in their console."""

from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ops.kernel.models import TimestampedModel
from tenants.enums import PLATFORM_TEAM, ConsoleRight, ResellerRole

R = ConsoleRight
# The one place that says what a role may: screens, pages, the API and actions all ask `Scope.may`.
CONSOLE_RIGHTS: Mapping[str, frozenset[ConsoleRight]] = {
    ResellerRole.OWNER: frozenset(R),
    ResellerRole.MANAGER: frozenset(R)
    - {
        R.CHANGE_PRICES,
        R.VIEW_MARGIN,
        R.CHANGE_TEAM,
        R.CHANGE_LOGIN_RULES,
        R.CHANGE_DOMAIN,
        R.CHANGE_CREDENTIALS,
    },
    ResellerRole.SUPPORT: frozenset({R.VIEW_CUSTOMERS, R.ENTER_CUSTOMERS, R.VIEW_TEAM}),
    ResellerRole.FINANCE: frozenset(
        {
            R.VIEW_CUSTOMERS,
            R.STOP_CUSTOMERS,
            R.CHANGE_PLANS,
            R.EXPORT_CUSTOMERS,
            R.VIEW_PRICES,
            R.CHANGE_PRICES,
            R.VIEW_MARGIN,
            R.VIEW_TEAM,
        }
    ),
}


class Reseller(TimestampedModel):  # type: ignore[django-manager-missing]
    """A company that sells the product under its own brand."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("address"), max_length=40, unique=True)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("reseller")
        verbose_name_plural = _("resellers")

    def __str__(self) -> str:
        return self.name


class ResellerMember(TimestampedModel):
    """A person of the reseller; the user lives in the public schema."""

    reseller = models.ForeignKey(Reseller, models.CASCADE, related_name="members", verbose_name=_("reseller"))
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reseller_member", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=10, choices=ResellerRole, default=ResellerRole.SUPPORT)

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")

    def __str__(self) -> str:
        return f"{self.user} · {self.reseller}"

    def may(self, right: ConsoleRight) -> bool:
        """Whether this person's role opens that."""
        return right in CONSOLE_RIGHTS.get(self.role, frozenset())


class TeamRule(TimestampedModel):
    """From when the people of one role must have a second factor in their console; no row, and it is theirs to choose.

    Without a reseller it is the rule of the platform's own people.
    """

    reseller = models.ForeignKey(
        Reseller, models.CASCADE, null=True, blank=True, related_name="team_rules", verbose_name=_("reseller")
    )
    role = models.CharField(
        _("role"), max_length=10, choices=[*ResellerRole.choices, (PLATFORM_TEAM, _("The platform's people"))]
    )
    second_factor_from = models.DateTimeField(_("second factor required from"))

    class Meta:
        verbose_name = _("rule of logging in")
        verbose_name_plural = _("rules of logging in")
        constraints = [
            models.UniqueConstraint(fields=["reseller", "role"], name="one_login_rule_a_role", nulls_distinct=False),
            models.CheckConstraint(
                condition=models.Q(reseller=None, role=PLATFORM_TEAM)
                | (models.Q(reseller__isnull=False) & ~models.Q(role=PLATFORM_TEAM)),
                name="login_rule_is_the_platforms_or_a_resellers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reseller or 'platform'}: {self.role}"
