"""The demo's prices, news and visits of support pass the rules everybody's do, and are made once."""

from typing import Any

from django_tenants.utils import schema_context, tenant_context

from billing.enums import PriceKind
from billing.models import Plan
from billing.queries import prices
from config import demo_trade
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import GrantEnd, GrantState
from tenants.models import Announcement, ImpersonationGrant, Tenant
from tenants.services import announcements
from tenants.tests.factories import ResellerFactory, ResellerMemberFactory


def test_the_demos_reseller_sells_tells_and_helps(acme: Tenant, ana: Any, noon: Any) -> None:
    with schema_context("public"):
        sul: Any = ResellerFactory(name="Rede Sul", slug="sul")
        Tenant.objects.filter(pk=acme.pk).update(reseller=sul)
        acme.refresh_from_db()
        renata: Any = UserFactory(email="renata@sul.example", name="Renata Vidal", is_staff=True)
        ResellerMemberFactory(reseller=sul, user=renata)
        alice: Any = UserFactory(email="alice@balcao.example", is_superuser=True)

    for _twice in range(2):
        demo_trade.set_prices(reseller=sul, platform=alice, seller=renata, now=noon)
        demo_trade.tell_customers(reseller=sul, seller=renata, now=noon)
    demo_trade.visit(tenant=acme, person=renata, owner=ana, now=noon)

    with schema_context("public"):
        board: Any = prices.board(resellers=[sul.pk])
        starter = Plan.objects.get(slug="starter")
        assert board.wholesale(starter.pk, noon).cents == 129_00
        assert board.at(PriceKind.LIST, starter.pk, noon).amount_cents == 197_00
        assert board.retail(starter.pk, noon, sul.pk).cents == 219_00
        assert Announcement.objects.filter(reseller=sul).count() == 2
    with tenant_context(acme):
        on = announcements.for_page(tenant=acme, person_id=ana.pk, now=noon)
        assert [notice.words[0][0] for notice in on] == ["Plantão da Rede Sul no fim de ano"]
        visits = ImpersonationGrant.objects.for_tenant(acme).order_by("created_at")
        assert [(one.state, one.end) for one in visits] == [
            (GrantState.ENDED, GrantEnd.LEFT),
            (GrantState.REQUESTED, ""),
        ]
        assert all(one.created_at < noon for one in visits)
