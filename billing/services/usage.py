"""Readings: what each tenant uses, counted now and then, so that lists of tenants are quick."""

from datetime import datetime

from django.db import connection

from billing import entitlements
from billing.models import GaugeReading
from tenants.models import Tenant


def read_gauges(*, tenant: Tenant, now: datetime) -> None:
    """Count what the tenant whose schema we are in uses of everything that is recounted, and note it."""
    if tenant.schema_name != connection.schema_name:
        raise ValueError(f"Gauges of {tenant.schema_name} are counted in its schema, not in {connection.schema_name}.")
    readings = [
        GaugeReading(tenant=tenant, key=key, used=entitlements.used(key, now=now), counted_at=now)
        for key, entitlement in entitlements.KNOWN.items()
        if entitlement.meter is None and entitlement.shown
    ]
    GaugeReading.objects.bulk_create(
        readings, update_conflicts=True, unique_fields=["tenant", "key"], update_fields=["used", "counted_at"]
    )
