"""Decisions beyond a plan: set, replaced and taken back, each with its reason, its day and its place in the history.

Who may set what is the caller's door; how far it may go is judged here: a reseller lowers and switches off as it
likes, and goes up as far as the platform lets it; a tenant switches off what it has. `billing/values.py` is the rule
by which they are put together.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django_tenants.utils import schema_context, tenant_context

from billing import entitlements
from billing.enums import Level, Subject
from billing.errors import (
    ExceptionChanged,
    NothingToSwitchOff,
    OnlyThePlatform,
    RaisedTooFar,
    UnknownFeature,
    UntilIsPast,
)
from billing.events import FeaturesChanged
from billing.models import Override
from billing.values import Word, most_allowed
from ops.kernel.actors import actor_of
from ops.kernel.audit import services as audit
from ops.kernel.outbox import services as outbox
from ops.kernel.registry import features
from tenants.enums import TenantStatus
from tenants.models import Reseller, Tenant
from tenants.services import domains

PUBLIC = settings.PUBLIC_SCHEMA_NAME


def put(
    *,
    level: str,
    subject: str,
    key: str,
    value: Any,
    by: Any,
    now: datetime,
    tenant: Tenant | None = None,
    reseller: Reseller | None = None,
    reason: str = "",
    until: datetime | None = None,
    seen_version: int | None = None,
) -> Override:
    """Decide about a feature or a limit: for a `tenant`, for all customers of a `reseller`, or for everybody.

    `seen_version` is the version the person looked at (0: none); another one since then raises `ExceptionChanged`.
    Raises `UnknownFeature`, `RaisedTooFar`, `OnlyThePlatform`, `NothingToSwitchOff`, `UntilIsPast`, `ValidationError`.
    """
    _known(subject, key)
    if until is not None and until <= now:
        raise UntilIsPast(field="until")
    reseller_id = tenant.reseller_id if tenant is not None else reseller.pk if reseller is not None else None
    with schema_context(PUBLIC), transaction.atomic():
        current = _standing(level, tenant, reseller_id, subject, key, seen_version)
        _judge(level, tenant, reseller, subject, key, value, now)
        row = Override(
            level=level,
            tenant=tenant,
            reseller_id=reseller_id,
            subject=subject,
            key=key,
            value=value,
            reason=" ".join(reason.split())[:200],
            version=(newest.version if (newest := _newest(level, tenant, reseller_id, subject, key)) else 0) + 1,
            until=until,
            set_at=now,
            set_by=actor_of(by).label,
        )
        row.clean_fields()
        if current is not None:
            Override.objects.filter(pk=current.pk).update(ended_at=now)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise ExceptionChanged from error
        _record("billing.exception_set", row, by=by, now=now, before=current)
        _take_effect(row)
    return row


def take_back(*, override: Override, by: Any, now: datetime) -> None:
    """Let what stands below hold again. One that was taken back or replaced before stays as it is."""
    with schema_context(PUBLIC), transaction.atomic():
        rows = Override.objects.standing().select_related("tenant", "reseller").select_for_update(of=("self",))
        row = rows.filter(pk=override.pk).first()
        if row is None:
            return
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        _record("billing.exception_ended", row, by=by, now=now)
        _take_effect(row)


def switch(*, tenant: Tenant, name: str, is_on: bool, by: Any, now: datetime) -> None:
    """A tenant switches a feature of its own off, or on again. Raises `UnknownFeature`, `NothingToSwitchOff`."""
    _known(Subject.FEATURE, name)
    if is_on:
        with schema_context(PUBLIC):
            own = Override.objects.standing().filter(
                level=Level.TENANT, tenant=tenant, subject=Subject.FEATURE, key=name
            )
            row = own.first()
        if row is not None:
            take_back(override=row, by=by, now=now)
        return
    put(level=Level.TENANT, subject=Subject.FEATURE, key=name, value=False, tenant=tenant, by=by, now=now)


def most_for(*, tenant: Tenant | None, reseller: Reseller, key: str, now: datetime) -> tuple[int | None, bool]:
    """How high a reseller may set a limit, and whether there is a number to go by.

    For one tenant that is what its plan and the platform give, or the allowance when it is higher. For all customers
    only the allowance says something: each one's own plan cuts the rest.
    """
    with schema_context(PUBLIC):
        allowance = (
            Override.objects.in_force(now)
            .filter(level=Level.PLATFORM, reseller=reseller, tenant=None, subject=Subject.LIMIT, key=key)
            .first()
        )
        word = Word(allowance.value) if allowance else None
        if tenant is None:
            return (word.value, True) if word else (None, False)
        return most_allowed(base=_without_reseller(tenant, key, now), allowance=word), True


def _without_reseller(tenant: Tenant, key: str, now: datetime) -> int | None:
    """What the tenant would have if its reseller said nothing."""
    found = entitlements.explained(tenant, now=now, without=Level.RESELLER).all
    return found.limits[key].value


def _judge(
    level: str, tenant: Tenant | None, reseller: Reseller | None, subject: str, key: str, value: Any, now: datetime
) -> None:
    if (subject == Subject.FEATURE) != isinstance(value, bool):
        raise UnknownFeature(field="value")
    if level == Level.TENANT:
        if tenant is None or subject != Subject.FEATURE or value is not False:
            raise OnlyThePlatform
        if not entitlements.explained(tenant, now=now, without=Level.TENANT).all.features[key].value:
            raise NothingToSwitchOff
        return
    if level != Level.RESELLER:
        return
    owner = reseller or (tenant.reseller if tenant is not None else None)
    if owner is None or (tenant is not None and tenant.reseller_id != owner.pk):
        raise OnlyThePlatform
    if subject == Subject.FEATURE:
        if value and not _may_switch_on(tenant, owner, key, now):
            raise OnlyThePlatform(field="value")
        return
    most, is_known = most_for(tenant=tenant, reseller=owner, key=key, now=now)
    if is_known and most is not None and (value is None or value > most):
        raise RaisedTooFar(field="value", most=most)


def _may_switch_on(tenant: Tenant | None, reseller: Reseller, name: str, now: datetime) -> bool:
    allowed = Override.objects.in_force(now).filter(
        level=Level.PLATFORM, reseller=reseller, tenant=None, subject=Subject.FEATURE, key=name, value=True
    )
    if allowed.exists():
        return True
    if tenant is None:
        return False
    return bool(entitlements.explained(tenant, now=now, without=Level.RESELLER).all.features[name].value)


def _known(subject: str, key: str) -> None:
    if subject == Subject.FEATURE and key in features:
        return
    if subject == Subject.LIMIT and key in entitlements.KNOWN:
        return
    raise UnknownFeature(field="key")


def _standing(
    level: str, tenant: Tenant | None, reseller_id: Any, subject: str, key: str, seen_version: int | None
) -> Override | None:
    rows = Override.objects.standing().filter(
        level=level, tenant=tenant, reseller=reseller_id, subject=subject, key=key
    )
    row = rows.select_for_update(of=("self",)).first()
    if seen_version is not None and (row.version if row else 0) != seen_version:
        raise ExceptionChanged
    return row


def _newest(level: str, tenant: Tenant | None, reseller_id: Any, subject: str, key: str) -> Override | None:
    rows = Override.objects.filter(level=level, tenant=tenant, reseller=reseller_id, subject=subject, key=key)
    return rows.order_by("-version").first()


def _record(action: str, row: Override, *, by: Any, now: datetime, before: Override | None = None) -> None:
    """In the platform's log; what is about one tenant also in its own, because it is theirs to know."""
    detail = {
        "level": row.level,
        "about": row.key,
        "value": row.value,
        "version": row.version,
        "reason": row.reason,
        "until": row.until.isoformat() if row.until else None,
        "before": before.value if before is not None else None,
    }
    audit.record(action, by=by, on=row.tenant or row.reseller, detail=detail, now=now)
    if row.tenant is not None and domains.has_tables(row.tenant):
        with tenant_context(row.tenant):
            audit.record(action, by=by, on=row.tenant, detail=detail, now=now)


def _take_effect(row: Override) -> None:
    """Everybody asks anew; whoever has a page of the chat open is told of a feature."""
    living = Tenant.objects.living()
    if row.tenant is not None:
        bears_on = [row.tenant]
    else:
        bears_on = list(living.filter(reseller=row.reseller_id) if row.reseller_id else living)
    for tenant in bears_on:
        entitlements.forget(tenant)
        if row.subject == Subject.FEATURE and tenant.status == TenantStatus.ACTIVE:
            with tenant_context(tenant):
                outbox.publish(FeaturesChanged(str(tenant.pk), row.key))
