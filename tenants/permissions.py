"""Who may change how a company is called, how it looks, and whether support may come in."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.registry import PermissionArea, PermissionDef, permission_areas, permissions

CHANGE_SETTINGS = "tenants.change_settings"
CHANGE_BRANDING = "tenants.change_branding"
MANAGE_LIFECYCLE = "tenants.manage_lifecycle"
MANAGE_DOMAINS = "tenants.manage_domains"
MANAGE_SUPPORT_ACCESS = "tenants.manage_support_access"


def register() -> None:
    """Declare the permissions and the roles that hold them from the start."""
    managers = frozenset({"owner", "admin"})
    permission_areas.register("company", PermissionArea(_("Settings and brand"), _("Company"), 320))
    permissions.register(
        CHANGE_SETTINGS,
        PermissionDef(
            CHANGE_SETTINGS,
            _("Change the company's settings"),
            managers,
            "company",
            _("Name, language, time zone and currency of the company."),
            support=True,
        ),
    )
    permissions.register(
        CHANGE_BRANDING,
        PermissionDef(
            CHANGE_BRANDING,
            _("Change the brand"),
            managers,
            "company",
            _("Logo, colours, sender and style sheet."),
            support=True,
        ),
    )
    permissions.register(
        MANAGE_SUPPORT_ACCESS,
        PermissionDef(
            MANAGE_SUPPORT_ACCESS,
            _("Decide about support's access"),
            {"owner"},
            "access",
            _("Whether the platform's or reseller's support may come in, and when it has to leave."),
            for_tokens=False,
        ),
    )
    permissions.register(
        MANAGE_DOMAINS,
        PermissionDef(
            MANAGE_DOMAINS,
            _("Manage own domains"),
            managers,
            "company",
            _("Add a domain, prove it, and choose the main address."),
        ),
    )
    permissions.register(
        MANAGE_LIFECYCLE,
        PermissionDef(
            MANAGE_LIFECYCLE,
            _("Change the company's address and close the account"),
            {"owner"},
            "company",
            _("The address below the platform, a copy of everything, and the end of the account."),
            for_tokens=False,
        ),
    )
