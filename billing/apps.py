"""What may be used, what it costs, who pays."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")
    schedule = {"billing.read_gauges": 600.0}

    def ready(self) -> None:
        from django.utils import timezone

        from billing import entitlements
        from billing.models import PlanPrice, Subscription
        from billing.queries import features as feature_words
        from billing.queries import plans
        from billing.services import onboarding, subscriptions
        from ops.kernel.audit import actions
        from ops.kernel.registry import (
            Feature,
            NavItem,
            PermissionArea,
            PermissionDef,
            SettingsPage,
            features,
            nav,
            permission_areas,
            permissions,
            settings_pages,
        )
        from tenants.accounts.services import seats
        from tenants.queries import trail
        from tenants.services import announcements, provisioning
        from tenants.services.account_parts import LeavingNote, leaving_notes

        seats.register(lambda amount: entitlements.require("chat.agents", amount))
        provisioning.register_plan_rule(subscriptions.start)
        announcements.register_plan_rule(lambda tenant: entitlements.terms(tenant).plan, plans.slugs_and_names)
        leaving_notes.register(
            "billing.plan",
            LeavingNote(
                "receipt",
                _("Plan and invoices"),
                _(
                    "The plan ends with the account. Invoices of the past stay with whoever issued them, as the law asks."
                ),
                None,
                40,
            ),
        )
        provisioning.on_ready.register("billing.plan", lambda tenant: onboarding.lay_out(tenant, now=timezone.now()))
        provisioning.on_ready.register("billing.welcome", onboarding.welcome_owners)
        permission_areas.register("plan", PermissionArea(_("Plan and bills"), _("Company"), 330))
        permissions.register(
            "billing.view_subscription",
            PermissionDef(
                "billing.view_subscription",
                _("See the plan and what is used"),
                {"owner", "admin", "billing"},
                "plan",
                _("The plan, its limits and what is used of them."),
                support=True,
            ),
        )
        nav.register(
            "billing", NavItem(_("Plan and usage"), "credit-card", "billing:overview", "billing.view_subscription", 80)
        )
        settings_pages.register(
            "billing.features",
            SettingsPage(
                _("Features and limits"),
                "gauge",
                "billing:features",
                "billing.view_subscription",
                34,
                _("What you may use, where it comes from, and what is left."),
            ),
        )
        features.register(
            "fileUpload",
            Feature(_("File upload"), hint=_("Pictures and documents in conversations, from both sides.")),
        )
        features.register(
            "audioRecording", Feature(_("Audio recording"), hint=_("Voice messages, where files may be sent."))
        )
        features.register(
            "videoCall", Feature(_("Video call"), hint=_("Voice and video calls between agents and visitors."))
        )
        features.register("analytics", Feature(_("Analytics"), hint=_("The reports of the support counter.")))
        actions.register("billing.subscription_started", _("Subscription started"))
        actions.register("billing.plan_changed", _("Plan changed"))
        actions.register("billing.plan_edited", _("Plan edited"))
        actions.register("billing.exception_set", _("Feature or limit set"))
        actions.register("billing.exception_ended", _("Feature or limit back to normal"))
        permissions.register(
            "billing.change_features",
            PermissionDef(
                "billing.change_features",
                _("Switch features of the plan off and on"),
                {"owner", "admin"},
                "plan",
                _("For everybody in the company, and for its visitors."),
            ),
        )
        actions.register("billing.price_set", _("Price set"))
        actions.register("billing.price_canceled", _("Price taken back"))
        for kind in (trail.Kind(Subscription, "tenant__reseller", "tenant"), trail.Kind(PlanPrice, "reseller")):
            trail.kinds.register(kind.name, kind)
        trail.wordings.register("billing.exception_set", feature_words.decision_words)
        trail.wordings.register("billing.exception_ended", feature_words.decision_words)
