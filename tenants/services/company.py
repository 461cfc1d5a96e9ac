"""A tenant's own words about itself: name, language, time zone, currency."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from ops.kernel.audit import services as audit
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Tenant
from tenants.queries import hosts
from tenants.services import naming

FIELDS = ("name", "language", "time_zone", "currency")


def update(*, tenant: Tenant, by: Any = None, now: datetime | None = None, **changes: str) -> Tenant:
    """Change `name`, `language`, `time_zone` or `currency`; what is not named stays.

    Raises `Invalid` for an empty name, `UnknownLanguage`, `UnknownTimeZone`, `UnknownCurrency`.
    """
    unknown = changes.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"A tenant's settings have no {', '.join(sorted(unknown))}.")
    now = now or timezone.now()
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = Tenant.objects.select_for_update(of=("self",)).get(pk=tenant.pk)
        before = {name: getattr(row, name) for name in changes}
        for name, value in changes.items():
            setattr(row, name, " ".join(value.split()) if name == "name" else value)
        naming.check_words(row)
        changed = {
            name: [before[name], getattr(row, name)] for name in sorted(changes) if before[name] != getattr(row, name)
        }
        if changed:
            row.save(update_fields=[*changed, "updated_at"])
            hosts.forget()
    if changed:
        # In the tenant's own log: it is theirs to read.
        audit.record("tenants.settings_changed", by=by, on=row, detail={"changed": changed}, now=now)
    return row
