"""Makers of tenancy's rows. A tenant made here is a row without a schema; `acme`, `beta` and provisioning give whole ones."""

import factory

from tenants.enums import JobKind, JobState, JobStep, TenantStatus
from tenants.models import Branding, Domain, Reseller, ResellerMember, TemplateScript, Tenant, TenantJob


class ResellerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Reseller

    name = factory.Sequence(lambda n: f"Revenda {n}")
    slug = factory.Sequence(lambda n: f"revenda-{n}")
    support_email = factory.LazyAttribute(lambda row: f"suporte@{row.slug}.example")


class ResellerMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ResellerMember

    reseller = factory.SubFactory(ResellerFactory)
    user = factory.SubFactory("tenants.accounts.tests.factories.UserFactory")


class TenantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Tenant

    name = factory.Sequence(lambda n: f"Cliente {n}")
    slug = factory.Sequence(lambda n: f"cliente-{n}")
    schema_name = factory.LazyAttribute(lambda row: "t_" + row.slug.replace("-", "_"))
    status = TenantStatus.ACTIVE


class DomainFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Domain

    tenant = factory.SubFactory(TenantFactory)
    domain = factory.LazyAttribute(lambda row: f"{row.tenant.slug}.localhost")


class BrandingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Branding

    tenant = factory.SubFactory(TenantFactory)
    display_name = factory.LazyAttribute(lambda row: row.tenant.name if row.tenant else row.reseller.name)
    primary_color = "#b4532a"


class TenantJobFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TenantJob

    tenant = factory.SubFactory(TenantFactory, status=TenantStatus.PROVISIONING)
    kind = JobKind.PROVISION
    step = JobStep.SCHEMA
    state = JobState.QUEUED


class TemplateScriptFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TemplateScript

    release_hash = factory.Sequence(lambda n: f"{n:064x}")
    sql = "CREATE SCHEMA zz_tenant_template_zz;"
