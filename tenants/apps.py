"""Who is speaking, for whom, under which brand."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Customers")
    schedule = {
        "tenants.take_up": 60.0,
        "tenants.keep_ready": 60.0,
        "tenants.purge": 3600.0,
        "tenants.tend_leaving": 600.0,
        "tenants.check_domains": 60.0,
        "tenants.check_certificates": 600.0,
        "tenants.close_overdue_visits": 60.0,
        "tenants.check_senders": 6 * 3600.0,
    }

    def ready(self) -> None:
        from ops.kernel.audit import actions
        from ops.kernel.configuration import registry as configuration
        from ops.kernel.registry import (
            NavItem,
            Panel,
            SettingsPage,
            SettingsSection,
            nav,
            panels,
            settings_pages,
            settings_sections,
        )
        from tenants import letters, permissions
        from tenants.accounts.queries import team
        from tenants.queries import activity, hosts
        from tenants.services import copying
        from tenants.services.account_parts import LeavingNote, leaving_notes

        permissions.register()
        letters.register()
        copying.register()
        for key, note in {
            "tenants.people": LeavingNote(
                "users",
                _("People"),
                _("Everybody is logged out at once, and nobody can log in."),
                team.size,
                10,
            ),
            "tenants.addresses": LeavingNote(
                "globe",
                _("Addresses"),
                _(
                    "Own domains are free for you to use elsewhere once everything is deleted: take our records out of their DNS then."
                ),
                None,
                50,
            ),
            "tenants.programs": LeavingNote(
                "webhook",
                _("Programs and webhooks"),
                _(
                    "Tokens stop working and no webhook is sent any more. Tell whoever looks after the systems you connected."
                ),
                None,
                60,
            ),
        }.items():
            leaving_notes.register(key, note)
        configuration.between(hosts.reseller_scope)
        nav.register("tenants.home", NavItem(_("Home"), "house", "tenants:home", None, 0))
        panels.register(
            "tenants.activity",
            Panel(
                "home/_activity.html",
                lambda request: {"entries": activity.latest()},
                "audit.view_auditentry",
                60,
                6,
                kept=True,
            ),
        )
        for action, label in {
            "tenants.tenant_created": _("Customer created"),
            "tenants.provisioning_retried": _("Preparation of the customer continued"),
            "tenants.tenant_ready": _("Customer ready"),
            "tenants.tenant_copied": _("Copy of the customer ordered"),
            "tenants.tenant_cloned": _("Made as a copy"),
            "tenants.tenant_renamed": _("Name or address changed"),
            "tenants.address_released": _("Earlier address given back"),
            "tenants.domain_moved": _("Domain moved to another customer"),
            "tenants.export_made": _("Export of everything made"),
            "tenants.export_fetched": _("Export of everything downloaded"),
            "tenants.deletion_reminded": _("Owners reminded of the deletion"),
            "tenants.deletion_taken_back": _("Deletion of the customer taken back"),
            "tenants.tenant_suspended": _("Customer suspended"),
            "tenants.tenant_resumed": _("Customer resumed"),
            "tenants.tenant_archived": _("Customer archived"),
            "tenants.tenant_restored": _("Customer restored"),
            "tenants.tenant_deletion_planned": _("Deletion of the customer planned"),
            "tenants.tenant_deleted": _("Customer deleted"),
            "tenants.domain_added": _("Address added"),
            "tenants.domain_removed": _("Address removed"),
            "tenants.domain_made_primary": _("Main address changed"),
            "tenants.domain_claimed": _("Domain added, waiting for its DNS"),
            "tenants.domain_verified": _("Domain verified"),
            "tenants.domain_failing": _("Domain's DNS no longer leads here"),
            "tenants.domain_recovered": _("Domain's DNS leads here again"),
            "tenants.domain_lost": _("Domain taken out"),
            "tenants.domain_released": _("Domain removed before it was verified"),
            "tenants.brand_changed": _("Brand changed"),
            "tenants.sender_asked": _("Own sender address asked for"),
            "tenants.sender_verified": _("Own sender address in use"),
            "tenants.sender_lost": _("Own sender address lost"),
            "tenants.sender_removed": _("Own sender address removed"),
            "tenants.letter_written": _("Letter written in own words"),
            "tenants.letter_reset": _("Letter back to the standard words"),
            "tenants.settings_changed": _("Company settings changed"),
            "tenants.reseller_created": _("Reseller created"),
            "tenants.reseller_opened": _("Reseller's console opened"),
            "tenants.reseller_closed": _("Reseller's console closed"),
            "tenants.member_added": _("Team member added"),
            "tenants.member_role_changed": _("Team member's role changed"),
            "tenants.member_removed": _("Team member removed"),
            "tenants.team_rules_changed": _("Rules of logging in to the console changed"),
            "tenants.support_access_changed": _("Support access changed"),
            "tenants.support_requested": _("Support asked to come in"),
            "tenants.support_approved": _("Support was let in"),
            "tenants.support_refused": _("Support was refused"),
            "tenants.support_entered": _("Support came in"),
            "tenants.support_ended": _("Visit of support ended"),
            "tenants.support_opened": _("Support opened a page"),
            "tenants.support_acted": _("Support changed something"),
            "tenants.support_stopped": _("Support stood before a closed door"),
            "tenants.announcement_published": _("Announcement published"),
            "tenants.announcement_changed": _("Announcement changed"),
            "tenants.announcement_ended": _("Announcement ended"),
            "tenants.bulk_done": _("Several customers changed at once"),
        }.items():
            actions.register(action, label)
        for key, label, order in (
            ("me", _("You"), 10),
            ("people", _("People and access"), 20),
            ("company", _("Company"), 30),
            ("connections", _("Connections and data"), 80),
        ):
            settings_sections.register(key, SettingsSection(label, order))
        settings_pages.register(
            "tenants.general",
            SettingsPage(
                _("Company"),
                "building-2",
                "tenants:settings-general",
                "tenants.change_settings",
                30,
                _("Name, language, time zone and currency."),
            ),
        )
        settings_pages.register(
            "tenants.account",
            SettingsPage(
                _("Account"),
                "store",
                "tenants:account",
                permissions.MANAGE_LIFECYCLE,
                39,
                _("Your address, a copy of everything, and closing the account."),
            ),
        )
        settings_pages.register(
            "tenants.branding",
            SettingsPage(
                _("Brand"),
                "palette",
                "tenants:settings-branding",
                "tenants.change_branding",
                31,
                _("Logo, colours and how your customers see you."),
            ),
        )
        settings_pages.register(
            "tenants.domains",
            SettingsPage(
                _("Domains"),
                "globe",
                "tenants:domains",
                permissions.MANAGE_DOMAINS,
                32,
                _("Your own addresses, such as chat.yourcompany.com."),
            ),
        )
        settings_pages.register(
            "tenants.support_access",
            SettingsPage(
                _("Support access"),
                "life-buoy",
                "tenants:support-access",
                "tenants.manage_support_access",
                27,
                _("Whether support may enter your pages, and what it did there."),
            ),
        )
        settings_pages.register(
            "tenants.mail",
            SettingsPage(
                _("E-mails"),
                "mail",
                "tenants:mail",
                "tenants.change_branding",
                33,
                _("The address your letters come from, and their words."),
            ),
        )
        settings_pages.register(
            "tenants.credentials",
            SettingsPage(
                _("Credentials"),
                "key-round",
                "tenants:credentials",
                "configuration.change_settings",
                82,
                _("Keys of outside services: whose are used, whether they work, who changed them."),
            ),
        )
        settings_pages.register(
            "tenants.webhooks",
            SettingsPage(
                _("Webhooks"),
                "webhook",
                "tenants:webhooks",
                "webhooks.manage_endpoint",
                81,
                _("Other systems that are told at once what happens here."),
            ),
        )
