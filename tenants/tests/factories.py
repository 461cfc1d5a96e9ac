"""Makers of tenancy's rows. A tenant made here is a row without a schema; `acme`, `beta` and provisioning give whole ones."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import factory
from django_tenants.utils import schema_context

from tenants.enums import JobKind, JobState, JobStep, TenantStatus
from tenants.models import (
    Announcement,
    AnnouncementDismissal,
    Branding,
    Domain,
    DomainClaim,
    ImpersonationGrant,
    LetterText,
    MailSender,
    Reseller,
    ResellerMember,
    SupportAccess,
    TeamRule,
    TemplateScript,
    Tenant,
    TenantJob,
)


class PublicFactory(factory.django.DjangoModelFactory):
    """Rows of the public schema, wherever the test stands."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: type, *args: Any, **kwargs: Any) -> Any:
        with schema_context("public"):
            return super()._create(model_class, *args, **kwargs)


class ResellerFactory(PublicFactory):
    class Meta:
        model = Reseller

    name = factory.Sequence(lambda n: f"Revenda {n}")
    slug = factory.Sequence(lambda n: f"revenda-{n}")
    support_email = factory.LazyAttribute(lambda row: f"suporte@{row.slug}.example")


class ResellerMemberFactory(PublicFactory):
    class Meta:
        model = ResellerMember

    reseller = factory.SubFactory(ResellerFactory)
    user = factory.SubFactory("tenants.accounts.tests.factories.UserFactory")


class TenantFactory(PublicFactory):
    class Meta:
        model = Tenant

    name = factory.Sequence(lambda n: f"Cliente {n}")
    slug = factory.Sequence(lambda n: f"cliente-{n}")
    schema_name = factory.LazyAttribute(lambda row: "t_" + row.slug.replace("-", "_"))
    status = TenantStatus.ACTIVE


class DomainFactory(PublicFactory):
    class Meta:
        model = Domain

    tenant = factory.SubFactory(TenantFactory)
    domain = factory.LazyAttribute(lambda row: f"{row.tenant.slug}.localhost")


class DomainClaimFactory(PublicFactory):
    class Meta:
        model = DomainClaim

    tenant = factory.SubFactory(TenantFactory)
    host = factory.Sequence(lambda n: f"loja{n}.com.br")
    token = factory.Sequence(lambda n: f"token{n}")


class BrandingFactory(PublicFactory):
    class Meta:
        model = Branding

    tenant = factory.SubFactory(TenantFactory)
    display_name = factory.LazyAttribute(lambda row: row.tenant.name if row.tenant else row.reseller.name)
    primary_color = "#b4532a"


class TenantJobFactory(PublicFactory):
    class Meta:
        model = TenantJob

    tenant = factory.SubFactory(TenantFactory, status=TenantStatus.PROVISIONING)
    kind = JobKind.PROVISION
    step = JobStep.SCHEMA
    state = JobState.QUEUED


class TemplateScriptFactory(PublicFactory):
    class Meta:
        model = TemplateScript

    release_hash = factory.Sequence(lambda n: f"{n:064x}")
    sql = "CREATE SCHEMA zz_tenant_template_zz;"


class SupportAccessFactory(PublicFactory):
    class Meta:
        model = SupportAccess

    tenant = factory.SubFactory(TenantFactory)


class ImpersonationGrantFactory(PublicFactory):
    class Meta:
        model = ImpersonationGrant

    tenant = factory.SubFactory(TenantFactory)
    person_id = factory.LazyFunction(uuid4)
    person_name = "Renata Vidal"
    person_email = "renata@sul.example"
    company = "Rede Sul"
    role = "agent"
    reason = "The widget does not open"
    minutes = 30
    valid_until = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class AnnouncementFactory(PublicFactory):
    class Meta:
        model = Announcement

    title_pt = "Manutenção no domingo"
    title_en = "Maintenance on Sunday"
    starts_at = datetime(2026, 11, 1, tzinfo=UTC)


class AnnouncementDismissalFactory(PublicFactory):
    class Meta:
        model = AnnouncementDismissal

    announcement = factory.SubFactory(AnnouncementFactory)
    tenant = factory.SubFactory(TenantFactory)
    person_id = factory.LazyFunction(uuid4)
    at = datetime(2026, 11, 2, tzinfo=UTC)


class MailSenderFactory(PublicFactory):
    class Meta:
        model = MailSender

    tenant = factory.SubFactory(TenantFactory)
    address = factory.Sequence(lambda n: f"contato@loja-{n}.example")
    selector = factory.Sequence(lambda n: f"m{n}")


class LetterTextFactory(PublicFactory):
    class Meta:
        model = LetterText

    tenant = factory.SubFactory(TenantFactory)
    letter = "accounts/welcome"
    language = "pt-br"
    subject = "Bem-vinda"
    body = "Entre aqui: {{link}}"


class TeamRuleFactory(PublicFactory):
    class Meta:
        model = TeamRule

    reseller = factory.SubFactory(ResellerFactory)
    role = "owner"
    second_factor_from = datetime(2026, 7, 1, tzinfo=UTC)
