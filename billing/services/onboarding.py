"""A new customer: tenant, plan and first owner in one step."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context

from billing.models import Subscription
from billing.services import subscriptions, usage
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import User
from tenants.accounts.services import emails, links
from tenants.models import Reseller, Tenant, TenantJob
from tenants.services import domains, provisioning

# The plan of a tenant that was made without naming one.
FIRST_PLAN = "starter"


def sign_up(
    *,
    name: str,
    plan: str,
    owner_email: str,
    now: datetime,
    slug: str = "",
    owner_name: str = "",
    owner_password: str | None = None,
    reseller: Reseller | None = None,
    language: str = settings.LANGUAGE_CODE,
    time_zone: str = settings.TIME_ZONE,
    currency: str = "BRL",
    host: str = "",
    by: Any = None,
    wait: bool = False,
) -> Tenant:
    """Reserve the address, give the plan, prepare the tenant and write to its owner.

    Sent twice for the same address, owner and reseller it gives the tenant of the first time. `wait=True` prepares it
    before returning; otherwise a worker does. Raises what `provisioning.create` raises, and `UnknownPlan`.
    """
    subscriptions.plan_of(plan)
    with schema_context(get_public_schema_name()):
        tenant = _same(slug, owner_email, reseller)
        if tenant is None:
            with transaction.atomic():
                tenant = provisioning.create(
                    name=name,
                    slug=slug,
                    reseller=reseller,
                    owner=provisioning.Owner(
                        email=owner_email, name=owner_name, password=owner_password, language=language
                    ),
                    language=language,
                    time_zone=time_zone,
                    currency=currency,
                    host=host,
                    by=by,
                    now=now,
                )
                subscriptions.start(tenant=tenant, plan=plan, now=now, by=by)
        if wait:
            for job in TenantJob.objects.filter(tenant=tenant, kind="provision").order_by("-pk")[:1]:
                provisioning.run(job_id=job.pk, now=now)
            tenant.refresh_from_db()
    return tenant


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """Who comes first into a tenant, and the link that lets them in once."""

    email: str
    url: str = field(repr=False)


def first_login(tenant: Tenant) -> FirstLogin | None:
    """The link of the first owner who has not chosen a password yet; nothing when every owner has been in."""
    with tenant_context(tenant):
        owner = next(
            (one for one in User.objects.active().with_role(BuiltInRole.OWNER).order_by("pk") if one.is_invited), None
        )
        if owner is None:
            return None
        path = reverse("accounts:welcome", args=[links.welcome(owner)], urlconf=settings.ROOT_URLCONF)
    return FirstLogin(email=owner.email, url=domains.url_of(tenant, path))


def lay_out(tenant: Tenant, *, now: datetime) -> None:
    """What billing puts into a tenant that is being prepared: a plan if it has none, and the first readings."""
    if not Subscription.objects.for_tenant(tenant).open().exists():
        subscriptions.start(tenant=tenant, plan=_plan_of_original(tenant) or FIRST_PLAN, now=now)
    usage.read_gauges(tenant=tenant, now=now)


def _plan_of_original(tenant: Tenant) -> str:
    """The plan of whom a tenant is a copy of; empty for everybody else."""
    job = TenantJob.objects.birth_of(tenant)
    if job is None or job.source is None:
        return ""
    held = Subscription.objects.for_tenant(job.source).open().select_related("plan").first()
    return held.plan.slug if held else ""


def welcome_owners(tenant: Tenant) -> None:
    """Write to the owners who have no password yet. Runs in the tenant's schema while it is being prepared."""
    for owner in User.objects.active().with_role(BuiltInRole.OWNER).order_by("pk"):
        if owner.is_invited:
            emails.send("welcome", user=owner)


def _same(slug: str, owner_email: str, reseller: Reseller | None) -> Tenant | None:
    """The tenant an earlier, equal request made: same address, same reseller, same owner."""
    tenant = Tenant.objects.customers().filter(slug=slug, reseller=reseller).first() if slug else None
    if tenant is None:
        return None
    email = owner_email.strip().lower()
    job = TenantJob.objects.filter(tenant=tenant, kind="provision").order_by("-pk").first()
    asked = ((job.payload if job else {}).get("owner") or {}).get("email")
    if asked is not None:
        return tenant if asked == email else None
    with tenant_context(tenant):
        is_owner = User.objects.with_role(BuiltInRole.OWNER).filter(email=email).exists()
    return tenant if is_owner else None
