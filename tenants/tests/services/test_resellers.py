"""Who works in a reseller's console: leaving it, and coming again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.accounts.errors import EmailTaken, LinkExpired
from tenants.accounts.models import User
from tenants.accounts.services import links, users
from tenants.enums import ResellerRole
from tenants.models import Reseller, ResellerMember, Tenant
from tenants.queries import trail
from tenants.services import lifecycle, resellers
from tenants.tests.factories import DomainFactory, ResellerFactory, TenantFactory

NOW = timezone.now()
EMAIL, OLD, NEW = "rita@correio.example", "uma-senha-antiga-boa", "outra-senha-muito-boa"


@pytest.fixture
def houses(db: None) -> list[Reseller]:
    found = []
    for slug in ("sul", "norte"):
        row = ResellerFactory(name=slug.title(), slug=slug)
        DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain=f"{slug}.localhost")
        resellers.add_member(reseller=row, email=f"dono@{slug}.example", role=ResellerRole.OWNER, password=OLD, now=NOW)
        found.append(row)
    return found


def join(reseller: Reseller, **fields: Any) -> ResellerMember:
    return resellers.add_member(reseller=reseller, email=EMAIL, now=NOW, **fields)


def test_who_was_taken_out_comes_again_elsewhere_as_somebody_new(
    houses: list[Reseller], django_capture_on_commit_callbacks: Any
) -> None:
    sul, norte = houses
    member = join(sul, name="Rita", role=ResellerRole.MANAGER, password=OLD)
    lifecycle.suspend(tenant=TenantFactory(reseller=sul, name="Padaria"), reason="unpaid", by=member.user, now=NOW)
    resellers.remove_member(member=member, by="", now=NOW)

    with django_capture_on_commit_callbacks() as callbacks:
        again = join(norte, role=ResellerRole.SUPPORT)

    person = User.objects.get(email=EMAIL)
    assert (again.user, again.reseller, again.role) == (person, norte, ResellerRole.SUPPORT)
    assert person.pk != member.user_id
    assert (person.is_active, person.is_staff) == (True, True)
    assert "tenants.tenant_suspended" in {entry.action for entry in trail.of_reseller(sul)}
    assert "tenants.tenant_suspended" not in {entry.action for entry in trail.of_reseller(norte)}
    assert person.is_invited
    assert not person.check_password(OLD)
    assert len([one for one in callbacks if "welcome" in repr(one) and str(person.pk) in repr(one)]) == 1
    users.accept_invitation(token=links.welcome(person), name="Rita", password=NEW, now=NOW + timedelta(hours=1))
    assert User.objects.get(email=EMAIL).check_password(NEW)


def test_a_link_from_the_first_time_does_not_open_the_second(houses: list[Reseller]) -> None:
    sul, _norte = houses
    member = join(sul)
    token = links.welcome(member.user)
    resellers.remove_member(member=member, by="", now=NOW)

    join(sul)

    with pytest.raises(LinkExpired):
        links.welcomed(token)


@pytest.mark.parametrize("leave", ["works here", "works there", "of the platform"])
def test_nobody_is_taken_from_where_they_are(houses: list[Reseller], leave: str) -> None:
    sul, norte = houses
    if leave == "of the platform":
        User.objects.create_superuser(EMAIL, OLD)
        User.objects.filter(email=EMAIL).update(is_active=False)
    else:
        join(sul if leave == "works here" else norte)

    with pytest.raises(EmailTaken):
        join(sul)
