"""What lies between the demo's platform, its reseller and their customers: prices, news and help from support."""

from datetime import datetime, timedelta

from django.conf import settings
from django_tenants.utils import schema_context, tenant_context

from billing.enums import PriceKind
from billing.models import Plan, PlanPrice
from billing.services import prices
from ops.kernel.money import Money
from tenants.accounts.models import User
from tenants.enums import GrantEnd, Tone
from tenants.models import Announcement, ImpersonationGrant, Reseller, Tenant
from tenants.services import announcements, support

# A plan's prices a month in whole reais: wholesale, list, and what the reseller asks.
PRICES = {
    "starter": (129, 197, 219),
    "professional": (319, 497, 547),
    "business": (649, 997, 1090),
}


def set_prices(*, reseller: Reseller, platform: User, seller: User, now: datetime) -> None:
    """What each plan costs whom; nothing where anybody has decided a price already."""
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        if PlanPrice.objects.exists():
            return
        for plan in Plan.objects.filter(slug__in=PRICES).order_by("order"):
            wholesale, listed, retail = (Money.of(reais, "BRL") for reais in PRICES[plan.slug])
            began = now - timedelta(days=90)
            prices.set_price(plan=plan, kind=PriceKind.WHOLESALE, amount=wholesale, by=platform, now=began)
            prices.set_price(plan=plan, kind=PriceKind.LIST, amount=listed, by=platform, now=began)
            prices.set_price(
                plan=plan,
                kind=PriceKind.RETAIL,
                amount=retail,
                reseller=reseller,
                by=seller,
                now=now - timedelta(days=60),
            )


def tell_customers(*, reseller: Reseller, seller: User, now: datetime) -> None:
    """What the reseller tells its customers: one announcement on their pages, one that is over."""
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        if Announcement.objects.filter(reseller=reseller).exists():
            return
        announcements.publish(
            reseller=reseller,
            by=seller,
            now=now - timedelta(days=34),
            ends_at=now - timedelta(days=32),
            tone=Tone.WARNING,
            title_pt="Manutenção no domingo, das 2h às 4h",
            text_pt="O atendimento pode ficar alguns minutos fora do ar. As mensagens chegam depois, nenhuma se perde.",
            title_en="Maintenance on Sunday, from 2 to 4 a.m.",
            text_en="The desk may be away for a few minutes. Messages arrive afterwards, none is lost.",
        )
        announcements.publish(
            reseller=reseller,
            by=seller,
            now=now - timedelta(hours=5),
            ends_at=now + timedelta(days=10),
            tone=Tone.INFO,
            title_pt="Plantão da Rede Sul no fim de ano",
            text_pt="De 20 de dezembro a 3 de janeiro atendemos você das 9h às 20h, também aos sábados.",
            title_en="Rede Sul is here over the holidays",
            text_en="From 20 December to 3 January we answer you from 9 a.m. to 8 p.m., on Saturdays too.",
        )


def visit(*, tenant: Tenant, person: User, owner: User, now: datetime) -> None:
    """One visit of support that is over, and a request that waits for the owner's answer."""
    asked = now - timedelta(days=6, hours=3)
    grant = support.request(
        tenant=tenant,
        person=person,
        role="agent",
        reason="O aviso sonoro não toca no balcão: conferir com a Bia.",
        minutes=30,
        now=asked,
    )
    support.answer(grant=grant, approve=True, by=owner, now=asked + timedelta(minutes=7))
    entered = asked + timedelta(minutes=15)
    link = support.entry_link(grant=grant, person=person, now=entered)
    with tenant_context(tenant):
        support.enter(token=link.rstrip("/").rsplit("/", 1)[1], tenant=tenant, now=entered)
    support.end(grant=grant, why=GrantEnd.LEFT, by=grant.who, now=entered + timedelta(minutes=18))
    waiting = support.request(
        tenant=tenant,
        person=person,
        role="viewer",
        reason="Ver por que o relatório de novembro veio sem os sábados.",
        minutes=15,
        now=now - timedelta(minutes=25),
    )
    # The rows stamp their own beginning: the past has to be put there.
    for request, at in ((grant, asked), (waiting, now - timedelta(minutes=25))):
        ImpersonationGrant.objects.filter(pk=request.pk).update(created_at=at)
