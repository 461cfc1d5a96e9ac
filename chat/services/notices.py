"""Letters of the counter to whoever runs the company, and to the reseller who looks after it."""

from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import translation
from django.utils.formats import number_format
from django_tenants.utils import schema_context

from chat.services import quota
from ops.kernel.tasks import enqueue
from tenants.accounts.queries import team
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Reseller, ResellerMember, Tenant
from tenants.services import domains, letters


def order_limit_letters(*, audience: str, step: int, limit: int, used: int) -> int:
    """Have everybody of an audience (`tenant` or `reseller`) written to, each by a task of its own; says how many."""
    if audience == "reseller":
        reseller = _tenant().reseller
        people = _people_of(reseller) if reseller is not None and reseller.is_active else []
    else:
        people = team.emails_of("owner", "admin")
    for to in people:
        enqueue("chat.send_limit_letter", audience=audience, to=to, step=step, limit=limit, used=used)
    return len(people)


def send_limit_letter(*, audience: str, to: str, step: int, limit: int, used: int) -> bool:
    """Say how much of the month's conversations is used. Says whether the letter was sent now.

    A reseller reads it in its own brand, with the customer's name. Raises what the mail server raises; sending again is
    the task's business.
    """
    tenant = _tenant()
    language = tenant.language or settings.LANGUAGE_CODE
    key = f"limit:{tenant.pk}:{step}:{limit}:{used}:{to}"
    with translation.override(language):
        numbers = {"limit": number_format(limit, force_grouping=True), "used": number_format(used, force_grouping=True)}
        context: dict[str, Any] = {**numbers, "title": quota.title(step), "advice": quota.advice(step) % numbers}
    if audience != "reseller":
        context["link"] = domains.url_of(tenant, reverse("billing:overview"))
        return letters.send_once(
            key=key, letter=lambda: letters.write("chat/limit", to=to, context=context, language=language)
        )
    reseller = tenant.reseller
    if reseller is None:
        return False
    context |= {"customer": tenant.name, "link": domains.url_of_reseller(reseller, "/admin/")}
    host = domains.host_of_reseller(reseller) + settings.SITE_PORT_SUFFIX
    with schema_context(PUBLIC_SCHEMA):
        return letters.send_once(
            key=key,
            letter=lambda: letters.write("chat/limit_reseller", to=to, context=context, language=language, host=host),
        )


def _tenant() -> Tenant:
    return Tenant.objects.select_related("reseller").get(schema_name=connection.schema_name)


def _people_of(reseller: Reseller) -> list[str]:
    with schema_context(PUBLIC_SCHEMA):
        members = ResellerMember.objects.filter(reseller=reseller, user__is_active=True)
        found = sorted(members.values_list("user__email", flat=True))
    return found or ([reseller.support_email] if reseller.support_email else [])
