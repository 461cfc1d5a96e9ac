"""What plans cost: the platform's list and wholesale prices, and each reseller's own retail prices above wholesale.

A price is decided for an instant, now or to come, and what has begun is never changed: the rows are the history. A
retail price is judged by every wholesale price that holds from its beginning on. When the platform raises wholesale
above a retail price later, the retail price is lifted to it where it is shown, until the reseller decides again.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, schema_context

from billing import errors
from billing.enums import PriceKind
from billing.models import Plan, PlanPrice
from ops.kernel.audit import services as audit
from ops.kernel.money import Money
from tenants.models import Reseller

FARTHEST = timedelta(days=366)
MOST_CENTS = 100_000_000_00


def set_price(
    *,
    plan: Plan,
    kind: PriceKind,
    amount: Money,
    now: datetime,
    starts_at: datetime | None = None,
    reseller: Reseller | None = None,
    by: Any = None,
) -> PlanPrice:
    """Decide a price from `starts_at` (now by default) on. The same instant again replaces a price to come.

    Raises `BelowWholesale` for a retail price under wholesale, `NoWholesale` where there is none to sell above,
    `BelowListed` for a list price under wholesale, `BadPriceStart`, `BadAmount`.
    """
    starts_at = starts_at or now
    if starts_at < now - timedelta(minutes=1) or starts_at > now + FARTHEST:
        raise errors.BadPriceStart(field="starts_on")
    if not 0 <= amount.cents <= MOST_CENTS or amount.currency != "BRL":
        raise errors.BadAmount(field="amount")
    with schema_context(get_public_schema_name()), transaction.atomic():
        _one_at_a_time(plan)
        floor = None
        if kind == PriceKind.RETAIL:
            floor = _floor(plan, starts_at)
            if floor is None:
                raise errors.NoWholesale(field="amount")
            if amount.cents < floor:
                raise errors.BelowWholesale(field="amount", wholesale=words(Money(floor, "BRL")))
        elif kind == PriceKind.LIST:
            least = _floor(plan, starts_at)
            if least is not None and amount.cents < least:
                raise errors.BelowWholesale(field="amount", wholesale=words(Money(least, "BRL")))
        else:
            _keep_list_above(plan, amount, starts_at)
        row, _made = PlanPrice.objects.update_or_create(
            plan=plan,
            kind=kind,
            reseller=reseller if kind == PriceKind.RETAIL else None,
            starts_at=starts_at,
            defaults={
                "amount_cents": amount.cents,
                "currency": amount.currency,
                "floor_cents": floor,
                "author": (getattr(by, "email", "") or str(by or ""))[:200],
            },
        )
        audit.record(
            "billing.price_set",
            by=by,
            on=row,
            detail={
                "plan": plan.slug,
                "kind": str(kind),
                "reseller": reseller.slug if reseller else "",
                "amount": amount.as_json()["amount"],
                "from": starts_at.isoformat(),
            },
            now=now,
        )
    return row


def cancel(*, price: PlanPrice, by: Any, now: datetime) -> None:
    """Take back a price that has not begun. Raises `PriceHasBegun`."""
    with schema_context(get_public_schema_name()), transaction.atomic():
        _one_at_a_time(price.plan)
        if not PlanPrice.objects.to_come(now).filter(pk=price.pk).exists():
            raise errors.PriceHasBegun()
        detail = {"plan": price.plan.slug, "kind": price.kind, "from": price.starts_at.isoformat()}
        audit.record("billing.price_canceled", by=by, on=price, detail=detail, now=now)
        PlanPrice.objects.filter(pk=price.pk).delete()


def words(amount: Money) -> str:
    """`R$ 197,00`, inside a sentence."""
    return f"R$ {amount.amount:.2f}".replace(".", ",")


def _floor(plan: Plan, starts_at: datetime) -> int | None:
    """The highest wholesale price that holds at `starts_at` or begins later."""
    wholesale = PlanPrice.objects.of(PriceKind.WHOLESALE).filter(plan=plan)
    in_force = wholesale.begun(starts_at).order_by("-starts_at").values_list("amount_cents", flat=True).first()
    later = wholesale.to_come(starts_at).order_by("-amount_cents").values_list("amount_cents", flat=True).first()
    known = [cents for cents in (in_force, later) if cents is not None]
    return max(known) if known else None


def _keep_list_above(plan: Plan, wholesale: Money, starts_at: datetime) -> None:
    """The platform does not undersell its own resellers."""
    listed = PlanPrice.objects.of(PriceKind.LIST).filter(plan=plan)
    in_force = listed.begun(starts_at).order_by("-starts_at").values_list("amount_cents", flat=True).first()
    later = listed.to_come(starts_at).order_by("amount_cents").values_list("amount_cents", flat=True).first()
    known = [cents for cents in (in_force, later) if cents is not None]
    if known and min(known) < wholesale.cents:
        raise errors.AboveListed(field="amount", listed=words(Money(min(known), "BRL")))


def _one_at_a_time(plan: Plan) -> None:
    """Retail is judged by wholesale: two decisions about one plan wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"billing.prices.{plan.pk}"])
