"""What happens to a customer is told twice: in the platform's log, which consoles read, and in the customer's own."""

from datetime import datetime
from typing import Any

from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit import services as audit
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Tenant
from tenants.services import domains


def record_both(action: str, *, tenant: Tenant, by: Any, detail: dict[str, Any], now: datetime) -> None:
    """An entry in both logs, in the caller's transaction."""
    with schema_context(PUBLIC_SCHEMA):
        audit.record(action, by=by, on=tenant, detail=detail, now=now)
    if not tenant.is_public and domains.has_tables(tenant):
        with tenant_context(tenant):
            audit.record(action, by=by, on=tenant, detail=detail, now=now)
