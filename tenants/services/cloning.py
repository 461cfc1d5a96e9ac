"""A new tenant made from another one: a template shop, a branch, a place to try things.

The preparation is the one of every tenant (`provisioning`), with three more steps: rows from one snapshot, new secrets,
files. Logins, tokens, proofs and ledgers stay with the original; outside channels are copied switched off.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit import services as audit
from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, CopyMode, TenantStatus
from tenants.models import Tenant
from tenants.services import domains, provisioning


def clone(
    *,
    source: Tenant,
    name: str,
    slug: str = "",
    mode: CopyMode = CopyMode.FULL,
    owner: provisioning.Owner | None = None,
    plan: str = "",
    by: Any = None,
    now: datetime | None = None,
    wait: bool = False,
) -> Tenant:
    """Reserve the address of the copy and start making it; with `wait` it is ready on return.

    With people the owners are the original's: whoever orders a copy does not get to read it. Without them `owner` is
    needed. Raises `NothingToCopy`, `OwnerOfCopy`, `OwnerMissing`, and what `provisioning.create` raises.
    """
    now = now or timezone.now()
    if mode == CopyMode.FULL and owner is not None:
        raise errors.OwnerOfCopy(field="owner_email")
    if mode != CopyMode.FULL and owner is None:
        raise errors.OwnerMissing(field="owner_email")
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = Tenant.objects.select_for_update(of=("self",)).select_related("reseller").get(pk=source.pk)
        if row.is_public or row.status not in (TenantStatus.ACTIVE, TenantStatus.SUSPENDED):
            raise errors.NothingToCopy()
        made = provisioning.create(
            name=name,
            slug=slug,
            reseller=row.reseller,
            owner=owner,
            language=row.language,
            time_zone=row.time_zone,
            currency=row.currency,
            plan=plan,
            copy_of=provisioning.CopyOf(row, mode),
            by=by,
            now=now,
        )
        detail = {"to": made.name, "address": made.slug, "mode": mode.value}
        audit.record("tenants.tenant_copied", by=by, on=row, detail=detail, now=now)
        with tenant_context(row):
            if domains.has_tables(row):
                audit.record("tenants.tenant_copied", by=by, on=row, detail=detail, now=now)
    if wait:
        provisioning.finish(tenant=made, now=now)
    return made
