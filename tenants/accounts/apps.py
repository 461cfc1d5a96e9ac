"""People and what they may do, in the public schema and in every tenant's own."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "tenants.accounts"
    label = "accounts"
    verbose_name = _("People")
    schedule = {
        "accounts.refresh_identity_providers": 24 * 3600.0,
        "accounts.forget_old_sessions": 24 * 3600.0,
        "accounts.warn_of_token_ends": 6 * 3600.0,
        "accounts.check_email_domains": 6 * 3600.0,
    }

    def ready(self) -> None:
        from ops.kernel.audit import actions
        from ops.kernel.configuration.registry import declare
        from ops.kernel.registry import (
            Audience,
            Gauge,
            PaletteSource,
            SettingsPage,
            audiences,
            gauges,
            palette,
            sealed,
            settings_pages,
        )
        from tenants.accounts import checks, letters, permissions, receivers  # noqa: F401 - register themselves
        from tenants.accounts.api import openapi  # noqa: F401 - registers the security schemes
        from tenants.accounts.queries import team
        from tenants.accounts.services import factors, rules, seats, tokens
        from tenants.accounts.views import people

        permissions.register()
        letters.register()
        gauges.register("chat.agents", Gauge(_("Agents"), seats.taken))
        audiences.register("owners", Audience(_("Owners"), lambda: team.emails_of("owner")))
        audiences.register("admins", Audience(_("Owners and administrators"), lambda: team.emails_of("owner", "admin")))
        palette.register("accounts.people", PaletteSource(_("Person"), people.find_people, "accounts.view_user", 30))
        settings_pages.register(
            "accounts.people",
            SettingsPage(
                _("People"),
                "users",
                "accounts:people",
                "accounts.view_user",
                20,
                _("Who works here and what they may do."),
            ),
        )
        settings_pages.register(
            "accounts.profile",
            SettingsPage(
                _("My profile"),
                "circle-user",
                "accounts:profile",
                None,
                10,
                _("Your name, language, e-mail and password."),
            ),
        )

        settings_pages.register(
            "accounts.roles",
            SettingsPage(
                _("Roles"),
                "shield-check",
                "accounts:roles",
                permissions.MANAGE_ROLES,
                21,
                _("What each role allows, and roles of your own."),
            ),
        )
        settings_pages.register(
            "accounts.tokens",
            SettingsPage(
                _("API tokens"),
                "terminal",
                "accounts:tokens",
                permissions.CREATE_TOKENS,
                80,
                _("Keys for programs that work with your data."),
            ),
        )
        declare(rules.DEFINITION)
        sealed.register("accounts.factors", factors.reseal)
        declare(tokens.DEFINITION)
        settings_pages.register(
            "accounts.security",
            SettingsPage(
                _("My security"),
                "shield-check",
                "accounts:security",
                None,
                11,
                _("Second factor, passkeys, and where you are logged in."),
            ),
        )
        settings_pages.register(
            "accounts.login_rules",
            SettingsPage(
                _("Login rules"),
                "shield",
                "accounts:login-rules",
                "accounts.change_login_rules",
                23,
                _("Which roles need a second factor, and who has one."),
            ),
        )
        settings_pages.register(
            "accounts.sso",
            SettingsPage(
                _("Single sign-on"),
                "key-round",
                "accounts:sso-settings",
                "accounts.manage_identityprovider",
                24,
                _("Log in with your company's own accounts: OpenID Connect, SAML or Google."),
            ),
        )

        for action, label in (
            ("accounts.user_added", _("Person added")),
            ("accounts.user_invited", _("Invitation sent again")),
            ("accounts.invitation_sent", _("Invitation sent")),
            ("accounts.invitation_sent_again", _("Invitation sent again")),
            ("accounts.invitation_revoked", _("Invitation taken back")),
            ("accounts.invitation_accepted", _("Invitation accepted")),
            ("accounts.user_welcomed", _("Invitation accepted")),
            ("accounts.user_deactivated", _("Person deactivated")),
            ("accounts.user_activated", _("Person activated")),
            ("accounts.role_changed", _("Role changed")),
            ("accounts.login", _("Logged in")),
            ("accounts.sso_refused", _("Single sign-on refused")),
            ("accounts.sso_role_waits", _("Role by group waits for a free seat")),
            ("accounts.sso_added", _("Identity provider added")),
            ("accounts.sso_changed", _("Identity provider changed")),
            ("accounts.sso_certificates_changed", _("Certificates of the identity provider renewed")),
            ("accounts.sso_removed", _("Identity provider removed")),
            ("accounts.sso_tested", _("Test login at the identity provider")),
            ("accounts.identity_linked", _("Person linked to the identity provider")),
            ("accounts.email_domain_added", _("E-mail domain added")),
            ("accounts.email_domain_proved", _("E-mail domain proved")),
            ("accounts.email_domain_lost", _("E-mail domain no longer believed: its proof is gone")),
            ("accounts.email_domain_removed", _("E-mail domain removed")),
            ("accounts.recovery_asked", _("Owner's way back in sent by e-mail")),
            ("accounts.recovery_login", _("Owner logged in past single sign-on")),
            ("accounts.api_login", _("Logged in through the API")),
            ("accounts.password_changed", _("Password changed")),
            ("accounts.password_reset", _("Password reset by e-mail")),
            ("accounts.picture_changed", _("Picture changed")),
            ("accounts.picture_removed", _("Picture removed")),
            ("accounts.email_change_asked", _("Change of the e-mail address asked for")),
            ("accounts.email_change_stopped", _("Change of the e-mail address stopped by the old one")),
            ("accounts.email_change_undone", _("Change of the e-mail address undone by the old one")),
            ("accounts.email_changed", _("E-mail address changed")),
            ("accounts.unlocked", _("Tries of the password allowed again")),
            ("accounts.factor_added", _("Second factor added")),
            ("accounts.factor_removed", _("Second factor removed")),
            ("accounts.factor_reset", _("Second factor taken away by an administrator")),
            ("accounts.codes_renewed", _("New recovery codes made")),
            ("accounts.recovery_code_used", _("Recovery code used")),
            ("accounts.passkey_copied", _("Passkey refused: somebody has a copy")),
            ("accounts.login_ended", _("Login ended")),
            ("accounts.logins_ended", _("Logged out everywhere else")),
            ("accounts.login_rules_changed", _("Rules of logging in changed")),
            ("accounts.role_created", _("Role made")),
            ("accounts.role_edited", _("Permissions of a role changed")),
            ("accounts.role_deleted", _("Role deleted")),
            ("accounts.token_created", _("API token made")),
            ("accounts.token_revoked", _("API token revoked")),
            ("accounts.refresh_reused", _("API login ended: its refresh token was used twice")),
        ):
            actions.register(action, label)

        # Permissions are made app by app; after the last one all of them are there.
        last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
        post_migrate.connect(_sync_roles, sender=last, dispatch_uid="accounts.sync_roles")


def _sync_roles(sender: AppConfig, **_: Any) -> None:
    from django.contrib.auth.management import create_permissions

    from tenants.accounts.services import roles

    if roles.stand_ready():
        # Receivers run in the order of INSTALLED_APPS and Django's own comes later: the last app's are not there yet.
        create_permissions(sender, verbosity=0)
        roles.sync()
