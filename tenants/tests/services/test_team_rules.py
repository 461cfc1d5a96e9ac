"""Second factors that a reseller asks of its team, and the platform of its people."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from tenants.accounts.errors import SecondFactorFirst, SecondFactorMissing
from tenants.accounts.models import User
from tenants.accounts.services import rules, sessions
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import PLATFORM_TEAM, GrantEnd, ResellerRole
from tenants.models import ImpersonationGrant, Reseller, ResellerMember, TeamRule, Tenant
from tenants.services import resellers, support, team_rules
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory

RULES = "tenants_console_login_rules"
ASKED = {"roles": ["support"], "grace_days": "7", "trust_days": "7"}


def open_reseller(slug: str) -> Reseller:
    row = ResellerFactory(name=slug.title(), slug=slug)
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain=f"{slug}.localhost")
    return row


@pytest.fixture
def sul(db: None) -> Reseller:
    return open_reseller("sul")


def member(reseller: Reseller, role: ResellerRole, email: str, **fields: Any) -> ResellerMember:
    with schema_context("public"):
        user = UserFactory(email=email, is_staff=True, **fields)
        return ResellerMemberFactory(reseller=reseller, user=user, role=role)


@pytest.fixture
def rita(sul: Reseller) -> User:
    """The reseller's owner, who has a second factor."""
    return member(sul, ResellerRole.OWNER, "rita@sul.example", second_factor_at=timezone.now()).user


@pytest.fixture
def renata(sul: Reseller) -> User:
    """Of the reseller's support, with a password alone."""
    return member(sul, ResellerRole.SUPPORT, "renata@sul.example").user


@pytest.fixture
def alice(db: None) -> User:
    """Of the platform."""
    return UserFactory(email="alice@x.example", is_staff=True, is_superuser=True)


def browser(user: User, host: str = "sul.localhost") -> Client:
    client = Client(headers={"host": host})
    with schema_context("public"):
        client.force_login(user)
    return client


def url(name: str) -> str:
    return reverse(f"admin:{name}", urlconf="config.urls_public")


def ask(reseller: Reseller | None, *roles: str, by: Any, now: Any, grace_days: int = 0) -> None:
    team_rules.change(reseller=reseller, roles=roles, grace_days=grace_days, trust_days=30, by=by, now=now)


def fresh(user: User) -> User:
    return User.objects.select_related("role").get(pk=user.pk)


def test_an_owner_asks_it_of_a_role_and_who_lacks_it_gets_a_letter(
    sul, rita, renata, django_capture_on_commit_callbacks
):
    invited = member(sul, ResellerRole.SUPPORT, "novo@sul.example").user
    User.objects.filter(pk=invited.pk).update(password="!", last_login=None)
    client = browser(rita)

    with django_capture_on_commit_callbacks() as callbacks:
        answer = client.post(url(RULES), ASKED)

    assert answer["Location"] == url(RULES)
    letters = [repr(one) for one in callbacks if "second_factor_needed" in repr(one)]
    assert [str(renata.pk) in one for one in letters] == [True]
    rule = TeamRule.objects.get()
    assert (rule.reseller, rule.role) == (sul, "support")
    assert timedelta(days=6) < rule.second_factor_from - timezone.now() < timedelta(days=8)
    assert fresh(renata).factor_required_from == rule.second_factor_from
    assert (fresh(rita).factor_required_from, team_rules.trust_days(sul), rules.trust_days()) == (None, 7, 30)
    entry = AuditEntry.objects.get(action="tenants.team_rules_changed")
    assert (entry.actor_id, entry.detail["second_factor_roles"]) == (str(rita.pk), ["support"])

    page = client.get(url(RULES))
    assert [(one.role, one.people, one.with_factor) for one in page.context["state"]] == [
        ("owner", 1, 1),
        ("support", 2, 0),
    ]
    # A second save keeps the day.
    client.post(url(RULES), {**ASKED, "grace_days": "30"})
    assert TeamRule.objects.get().second_factor_from == rule.second_factor_from
    client.post(url(RULES), {**ASKED, "roles": []})
    assert (TeamRule.objects.count(), fresh(renata).factor_required_from) == (0, None)


def test_only_owners_decide_and_only_for_their_own_team(sul, rita, renata):
    norte = open_reseller("norte")
    nina = member(norte, ResellerRole.SUPPORT, "nina@norte.example").user
    for person in (renata, member(sul, ResellerRole.MANAGER, "saulo@sul.example").user):
        assert browser(person).get(url(RULES)).status_code == 404
        assert browser(person).post(url(RULES), ASKED).status_code == 404
    assert not TeamRule.objects.exists()

    browser(rita).post(url(RULES), ASKED)

    assert (fresh(renata).second_factor_from is not None, fresh(nina).second_factor_from) == (True, None)
    assert browser(rita, "norte.localhost").get(url(RULES)).status_code == 302  # the door of another house
    with pytest.raises(Invalid):
        ask(sul, PLATFORM_TEAM, by=rita, now=timezone.now())


def test_every_door_is_closed_until_it_is_set_up(sul, rita, renata):
    now = timezone.now()
    client = browser(renata)
    pair = sessions.begin(user=renata, now=now)
    assert client.get(url("index")).status_code == 200

    ask(sul, "support", by=rita, now=now)

    answer = client.get(url("index"))
    assert answer["Location"] == "/settings/profile/security/needed/"
    assert client.get(answer["Location"]).status_code == 200
    assert client.get(url("tenants_tenant_changelist"))["Location"] == answer["Location"]
    for headers in ({}, {"Authorization": f"Bearer {pair.access}"}):
        door = Client(headers={"host": "sul.localhost"}) if headers else client
        refused = door.get("/api/platform/v1/tenants/", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_missing")
    with pytest.raises(SecondFactorMissing):
        sessions.person_behind(pair.access, now=now)

    User.objects.filter(pk=renata.pk).update(second_factor_at=now)
    assert client.get(url("index")).status_code == 200


def test_the_rule_comes_and_goes_with_the_role(sul, rita, renata):
    now = timezone.now()
    ask(sul, "finance", by=rita, now=now, grace_days=7)
    day = TeamRule.objects.get().second_factor_from
    row = ResellerMember.objects.get(user=renata)

    resellers.set_member_role(member=row, role=ResellerRole.FINANCE, by=rita, now=now)
    assert fresh(renata).factor_required_from == day
    resellers.set_member_role(member=row, role=ResellerRole.SUPPORT, by=rita, now=now)
    assert fresh(renata).factor_required_from is None
    added = resellers.add_member(reseller=sul, email="fabio@sul.example", role=ResellerRole.FINANCE, by=rita, now=now)
    assert fresh(added.user).factor_required_from == day


def test_nobody_shuts_themselves_out(sul, renata, alice):
    otto = member(sul, ResellerRole.OWNER, "otto@sul.example").user

    page = browser(otto).post(url(RULES), {"roles": ["owner"], "grace_days": "0", "trust_days": "7"})
    assert (page.status_code, page.context["form"].is_valid()) == (422, False)
    with pytest.raises(SecondFactorFirst):
        ask(None, PLATFORM_TEAM, by=alice, now=timezone.now())

    assert not TeamRule.objects.exists()


def test_the_platform_asks_it_of_its_own_people_alone(sul, rita, renata, alice):
    bruno = UserFactory(email="bruno@x.example", is_staff=True, is_superuser=True)
    client = browser(alice, "localhost")

    answer = client.post(url(RULES), {"roles": [PLATFORM_TEAM], "grace_days": "3", "trust_days": "0"})

    assert answer["Location"] == url(RULES)
    day = TeamRule.objects.get(reseller=None).second_factor_from
    assert {fresh(one).factor_required_from for one in (alice, bruno)} == {day}
    assert {fresh(one).factor_required_from for one in (rita, renata)} == {None}
    assert User.objects.create_superuser("carla@x.example", "a long password").factor_required_from == day
    assert (rules.trust_days(), team_rules.trust_days_of(alice), team_rules.trust_days_of(renata)) == (0, 0, 0)
    assert client.get(url(RULES)).context["state"][0].people == 3
    assert browser(bruno, "localhost").get(url("index")).status_code == 200  # the time is not up


def test_who_must_set_one_up_at_once_leaves_the_customer(acme, ana, sul, rita, renata):
    now = timezone.now()
    with schema_context("public"):
        Tenant.objects.filter(pk=acme.pk).update(reseller=sul)
        acme.refresh_from_db()
    wanted = {"role": "agent", "reason": "The widget does not open", "minutes": 15}
    grant = support.request(tenant=acme, person=renata, now=now, **wanted)
    support.answer(grant=grant, approve=True, by=ana, now=now)
    link = support.entry_link(grant=grant, person=renata, now=now)
    with tenant_context(acme):
        support.enter(token=link.rstrip("/").rsplit("/", 1)[1], tenant=acme, now=now)

    with schema_context("public"):
        ask(sul, "support", by=rita, now=now)

    assert ImpersonationGrant.objects.get().end == GrantEnd.PERSON
    with tenant_context(acme):
        assert not User.everyone.get(support_person_id=renata.pk).is_active
