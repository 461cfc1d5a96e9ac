"""Another address leads on from the old one, which nobody else gets meanwhile; a domain moves with its proof."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from tenants import errors
from tenants.enums import ClaimState, TenantStatus
from tenants.models import Domain, Tenant
from tenants.queries import hosts
from tenants.services import naming, provisioning, renaming
from tenants.tests.factories import DomainClaimFactory, DomainFactory, ResellerFactory, TenantFactory


def test_the_old_address_leads_to_the_new_one_and_programs_stay(acme, client_of):
    now = timezone.now()
    before = client_of(acme)
    renaming.rename(tenant=acme, name="Acme Nova", slug="acme-nova", by="the test", now=now)

    page = before.get("/login/?next=/x/")
    assert (page.status_code, page["Location"]) == (
        308,
        "http://acme-nova.localhost:8000/login/?next=/x/".replace(
            ":8000", page["Location"].split("localhost")[1].split("/")[0]
        ),
    )
    assert before.get("/api/v1/auth/me/").status_code == 401
    assert before.post("/login/", {}).status_code != 308
    acme.refresh_from_db()
    assert (acme.name, acme.slug, acme.schema_name) == ("Acme Nova", "acme-nova", "t_acme")
    with tenant_context(acme):
        entry = AuditEntry.objects.get(action="tenants.tenant_renamed")
    assert entry.detail["changed"]["slug"] == ["acme", "acme-nova"]
    with schema_context("public"):
        assert AuditEntry.objects.about(acme).filter(action="tenants.tenant_renamed").exists()


def test_nobody_else_gets_the_old_address_until_its_time_is_over(acme):
    now = timezone.now()
    renaming.rename(tenant=acme, slug="acme-nova", now=now)

    with pytest.raises(errors.SlugTaken):
        provisioning.create(name="Acme", slug="acme")
    assert renaming.release_due(now=now + timedelta(days=89)) == 0
    assert renaming.release_due(now=now + timedelta(days=91)) == 1
    naming.require_free("acme")
    assert hosts.site_of("acme.localhost") is None


def test_somebody_may_go_back_to_the_address_of_before(acme):
    now = timezone.now()
    renaming.rename(tenant=acme, slug="acme-nova", now=now)
    renaming.rename(tenant=acme, slug="acme", now=now)

    assert acme.slug == "acme"
    assert [row.domain for row in renaming.former(acme)] == ["acme-nova.localhost"]
    assert hosts.site_of("acme.localhost").leads_to == ""
    assert hosts.site_of("acme-nova.localhost").leads_to == "acme.localhost"


def test_an_own_main_domain_stays_the_main_one(acme):
    DomainFactory(tenant=acme, domain="chat.acme.example", is_primary=True)
    renaming.rename(tenant=acme, slug="acme-nova", now=timezone.now())

    assert hosts.site_of("acme.localhost").leads_to == "chat.acme.example"
    assert hosts.site_of("acme-nova.localhost").leads_to == ""


@pytest.mark.parametrize(
    ("slug", "error"),
    [("admin", errors.SlugReserved), ("No!", errors.SlugMalformed), ("beta", errors.SlugTaken)],
)
def test_an_address_must_be_free_and_well_formed(acme, beta, slug, error):
    with pytest.raises(error):
        renaming.rename(tenant=acme, slug=slug, now=timezone.now())


def test_few_addresses_are_kept_from_others(acme):
    now = timezone.now()
    for number in range(renaming.MOST_FORMER):
        renaming.rename(tenant=acme, slug=f"acme-{number}", now=now)

    with pytest.raises(errors.TooManyAddresses):
        renaming.rename(tenant=acme, slug="acme-more", now=now)


@pytest.mark.parametrize("status", [TenantStatus.PROVISIONING, TenantStatus.ARCHIVED, TenantStatus.DELETED])
def test_only_what_works_is_renamed(db, status):
    with pytest.raises(errors.WrongState):
        renaming.rename(tenant=TenantFactory(status=status), slug="outro", now=timezone.now())


@pytest.fixture
def pair(acme, beta):
    """Two customers of one reseller, the first with a proven domain that is its main address."""
    reseller = ResellerFactory()
    Tenant.objects.filter(pk__in=(acme.pk, beta.pk)).update(reseller=reseller)
    domain = DomainFactory(tenant=acme, domain="chat.loja.example", is_primary=True)
    DomainClaimFactory(tenant=acme, host=domain.domain, domain=domain, state=ClaimState.VERIFIED)
    DomainClaimFactory(tenant=beta, host=domain.domain)
    acme.refresh_from_db()
    beta.refresh_from_db()
    return acme, beta


def test_a_domain_moves_with_its_proof(pair):
    acme, beta = pair
    renaming.move_domain(host="chat.loja.example", source=acme, target=beta, by="the test", now=timezone.now())

    assert hosts.site_of("chat.loja.example").tenant == beta
    row = Domain.objects.get(domain="chat.loja.example")
    assert (row.claim.tenant, row.claim.state, row.is_primary) == (beta, ClaimState.VERIFIED, False)
    assert acme.domains.get(is_primary=True).domain == "acme.localhost"
    for tenant in pair:
        with tenant_context(tenant):
            assert AuditEntry.objects.filter(action="tenants.domain_moved").count() == 1


def test_a_domain_stays_within_its_house(pair):
    acme, beta = pair
    now = timezone.now()
    with pytest.raises(errors.HostReserved):
        renaming.move_domain(host="acme.localhost", source=acme, target=beta, now=now)
    with pytest.raises(errors.UnknownHost):
        renaming.move_domain(host="chat.loja.example", source=beta, target=acme, now=now)
    Tenant.objects.filter(pk=beta.pk).update(reseller=ResellerFactory())
    with pytest.raises(errors.NotTheSameReseller):
        renaming.move_domain(host="chat.loja.example", source=acme, target=beta, now=now)
