"""A reseller vouches for the e-mail domains of its own customers, and of nobody else's."""

import pytest
from django.test import Client
from django.urls import reverse
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.models import EmailDomain
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import ResellerRole
from tenants.models import Tenant
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory


@pytest.fixture
def browser(db):
    reseller = ResellerFactory(name="Rede Sul", slug="sul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=reseller, domain="sul.localhost")
    user = UserFactory(email="rita@sul.example", is_staff=True)
    ResellerMemberFactory(reseller=reseller, user=user, role=ResellerRole.OWNER)
    client = Client(headers={"host": "sul.localhost"})
    client.force_login(user)
    client.reseller = reseller
    return client


def vouch(browser, tenant, name):
    url = reverse("admin:tenants_tenant_addresses", args=[tenant.pk], urlconf="config.urls_public")
    return browser.post(url, {"do": "vouch", "name": name})


def test_the_domain_of_an_own_customer_counts(browser, beta):
    Tenant.objects.filter(pk=beta.pk).update(reseller=browser.reseller)

    vouch(browser, beta, "Beta.Example")
    vouch(browser, beta, "gmail.com")

    page = browser.get(
        reverse("admin:tenants_tenant_change", args=[beta.pk], urlconf="config.urls_public") + "?tab=addresses"
    )
    assert "beta.example" in page.content.decode()
    with tenant_context(beta):
        domain = EmailDomain.objects.get()
        assert (domain.name, domain.is_verified, domain.proof) == ("beta.example", True, "reseller")
        assert AuditEntry.objects.get(action="accounts.email_domain_proved").actor_label == "rita@sul.example"


def test_nobody_vouches_for_the_customer_of_another(browser, beta):
    answer = vouch(browser, beta, "beta.example")

    assert answer.status_code in {302, 404}
    with schema_context(beta.schema_name):
        assert EmailDomain.objects.count() == 0
