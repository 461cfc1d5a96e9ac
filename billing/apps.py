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
        from billing.services import onboarding, subscriptions
        from ops.kernel.audit import actions
        from ops.kernel.registry import (
            Feature,
            NavItem,
            PermissionArea,
            PermissionDef,
            features,
            nav,
            permission_areas,
            permissions,
        )
        from tenants.accounts.services import seats
        from tenants.services import provisioning

        seats.register(lambda amount: entitlements.require("chat.agents", amount))
        provisioning.register_plan_rule(subscriptions.start)
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
        features.register("fileUpload", Feature(_("File upload")))
        features.register("audioRecording", Feature(_("Audio recording")))
        features.register("videoCall", Feature(_("Video call")))
        features.register("analytics", Feature(_("Analytics")))
        actions.register("billing.subscription_started", _("Subscription started"))
        actions.register("billing.plan_changed", _("Plan changed"))
        actions.register("billing.plan_edited", _("Plan edited"))
