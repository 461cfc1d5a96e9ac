"""The catalogue: what each plan allows. Only the platform changes it."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.models import Plan
from ops.kernel.audit import services as audit


@transaction.atomic
def change(*, plan: Plan, changed: list[str], by: Any, now: datetime) -> None:
    """Keep the new values of a plan; every customer on it has them within seconds. Raises `ValidationError`."""
    if not changed:
        return
    plan.full_clean(exclude=[field.name for field in plan._meta.fields if field.name not in changed])
    plan.save(update_fields=[*changed, "updated_at"])
    audit.record("billing.plan_edited", by=by, on=plan, detail={name: getattr(plan, name) for name in changed}, now=now)
