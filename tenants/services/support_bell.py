"""A request of support is told at once: behind the bell, and on the open pages of those who may answer."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django_tenants.utils import tenant_context

from ops.kernel import live
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.models import ImpersonationGrant


def ring(grant: ImpersonationGrant, *, now: datetime) -> None:
    """Say that somebody asks to come in. Runs in the customer's schema, in the transaction of the request."""
    owners = User.objects.active().members().with_role(BuiltInRole.OWNER).order_by("pk")
    for owner in owners:
        with translation.override(owner.language or grant.tenant.language):
            frame = {
                "type": "support_request",
                "text": _sentence(grant),
                "action": _("Answer"),
                "url": reverse("tenants:support-access", urlconf=settings.ROOT_URLCONF),
            }
        live.push(live.group(f"user.{owner.pk}"), {"type": "forward", "text": json.dumps(frame, ensure_ascii=False)})
    with translation.override(grant.tenant.language), transaction.atomic():
        alerts.raise_alert(
            "tenants.support_requested",
            severity=Severity.WARNING,
            key=_key(grant),
            title=_sentence(grant),
            body=_("The reason given: %(reason)s. An owner answers on the page of support access.")
            % {"reason": grant.reason.rstrip(".")},
            now=now,
        )


def silence(grant: ImpersonationGrant, *, by: Any, now: datetime) -> None:
    """It was answered, taken back or is over: the alert is too."""
    with tenant_context(grant.tenant):
        alerts.resolve(key=_key(grant), by=by, now=now)


def _sentence(grant: ImpersonationGrant) -> str:
    return _("%(who)s asks to come in.") % {"who": grant.who}


def _key(grant: ImpersonationGrant) -> str:
    return f"support:{grant.pk}"
