"""Letters of the counter to whoever runs the company, and to the reseller who looks after it."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.formats import number_format
from django_tenants.utils import schema_context

from chat.services import quota
from tenants import palette
from tenants.accounts.queries import team
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Reseller, ResellerMember, Tenant
from tenants.queries import brands
from tenants.services import domains
from tenants.services.letters import sender


def send_limit_letter(*, audience: str, step: int, limit: int, used: int) -> int:
    """Say how much of the month's conversations is used; returns to how many people.

    Raises what the mail server raises; sending again is the task's business.
    """
    tenant = Tenant.objects.select_related("reseller").get(schema_name=connection.schema_name)
    if audience == "reseller":
        reseller = tenant.reseller
        if reseller is None or not reseller.is_active:
            return 0
        people = _people_of(reseller)
        brand = brands.brand_for(None, reseller)
        link = domains.url_of_reseller(reseller, "/admin/")
    else:
        people = team.emails_of("owner", "admin")
        brand = brands.brand_for(tenant, tenant.reseller)
        link = domains.url_of(tenant, reverse("billing:overview"))
    with translation.override(tenant.language or settings.LANGUAGE_CODE):
        numbers = {"limit": number_format(limit, force_grouping=True), "used": number_format(used, force_grouping=True)}
        context = {
            "brand": brand,
            "ink": palette.ink_on(brand.primary),
            "tenant": tenant,
            "for_reseller": audience == "reseller",
            "title": quota.title(step),
            "advice": quota.advice(step) % numbers,
            "link": link,
            "logo_absolute_url": "",
            **numbers,
        }
        subject = " ".join(render_to_string("emails/chat/limit.subject", context).split())
        text = render_to_string("emails/chat/limit.txt", context).strip() + "\n"
        html = render_to_string("emails/chat/limit.html", context)
    for address in people:
        letter = EmailMultiAlternatives(
            subject=subject,
            body=text,
            from_email=sender(brand.email_sender_name),
            to=[address],
            headers={"Auto-Submitted": "auto-generated"},
        )
        letter.attach_alternative(html, "text/html")
        letter.send()
    return len(people)


def _people_of(reseller: Reseller) -> list[str]:
    with schema_context(PUBLIC_SCHEMA):
        members = ResellerMember.objects.filter(reseller=reseller, user__is_active=True)
        found = sorted(members.values_list("user__email", flat=True))
    return found or ([reseller.support_email] if reseller.support_email else [])
