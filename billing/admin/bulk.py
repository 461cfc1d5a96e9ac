"""What can be done to several customers at once and needs the plan."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.forms import PlanChoiceForm
from billing.models import Subscription
from billing.services import subscriptions
from tenants.admin.bulk import Work, works
from tenants.enums import ConsoleRight


def _form(request: HttpRequest, data: Any) -> forms.Form:
    return PlanChoiceForm(data)


works.register(
    "change_plan",
    Work(
        _("Change plan"),
        _("The new limits hold at once. What a customer uses beyond them stays; more of it is refused."),
        ConsoleRight.CHANGE_PLANS,
        lambda tenant, answers, by, now: subscriptions.change_plan(
            tenant=tenant, plan=answers["plan"].slug, by=by, now=now
        ),
        form=_form,
        is_so=lambda tenant, answers: (
            Subscription.objects.for_tenant(tenant).open().filter(plan=answers["plan"]).exists()
        ),
    ),
)
