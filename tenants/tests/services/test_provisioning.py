"""A tenant is made whole, once, and can be continued after a failure."""

import pytest
from django.contrib.auth import get_user_model
from django_tenants.utils import tenant_context

from tenants.enums import JobState, TenantStatus
from tenants.models import TenantJob
from tenants.services import provisioning

OWNER = provisioning.Owner("dona@cafe.example", "Dona Rosa", "correct horse", "pt-br")


def test_a_new_tenant_is_ready_with_its_owner(db):
    tenant = provisioning.create(name="Café Central", owner=OWNER, wait=True)

    assert (tenant.slug, tenant.schema_name, tenant.status) == ("cafe-central", "t_cafe_central", TenantStatus.ACTIVE)
    assert tenant.domains.get().domain == "cafe-central.localhost"
    job = TenantJob.objects.get(tenant=tenant)
    assert (job.state, job.payload) == (JobState.DONE, {})
    with tenant_context(tenant):
        owner = get_user_model().objects.get()
        assert (owner.email, owner.role.slug) == ("dona@cafe.example", "owner")
        assert owner.check_password("correct horse")
