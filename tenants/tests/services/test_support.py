"""Support's visits: asked for, allowed, limited in time, ended at once, told on both sides."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from tenants import errors
from tenants.accounts.models import User
from tenants.accounts.services import seats
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import GrantEnd, GrantState, ResellerRole, SupportMode
from tenants.models import ImpersonationGrant, Reseller, Tenant
from tenants.services import lifecycle, resellers, support
from tenants.tests.factories import ImpersonationGrantFactory, ResellerFactory, ResellerMemberFactory


@pytest.fixture
def sul(acme: Tenant) -> Reseller:
    """The reseller of acme."""
    with schema_context("public"):
        row = ResellerFactory(name="Rede Sul", slug="sul")
        Tenant.objects.filter(pk=acme.pk).update(reseller=row)
        acme.refresh_from_db()
        return row


def of_team(reseller: Reseller, role: str = ResellerRole.SUPPORT, email: str = "renata@sul.example") -> Any:
    with schema_context("public"):
        user = UserFactory(email=email, name="Renata Vidal", is_staff=True)
        return ResellerMemberFactory(reseller=reseller, user=user, role=role).user


@pytest.fixture
def renata(sul: Reseller) -> Any:
    """Of the reseller's support."""
    return of_team(sul)


def ask(tenant: Tenant, person: Any, now: Any, **more: Any) -> ImpersonationGrant:
    wanted = {"role": "agent", "reason": "The widget does not open", "minutes": 15}
    return support.request(tenant=tenant, person=person, now=now, **(wanted | more))


def go_in(grant: ImpersonationGrant, person: Any, tenant: Tenant, now: Any) -> Any:
    url = support.entry_link(grant=grant, person=person, now=now)
    with tenant_context(tenant):
        return support.enter(token=url.rstrip("/").rsplit("/", 1)[1], tenant=tenant, now=now)


def write_to(grant: ImpersonationGrant, owner: Any) -> bool:
    return support.write_to_owner(grant_id=str(grant.pk), owner_id=str(owner.pk))


def said(schema: str) -> list[str]:
    with schema_context(schema):
        rows = AuditEntry.objects.filter(action__startswith="tenants.support").order_by("at", "id")
        return [row.action.removeprefix("tenants.support_") for row in rows]


# --- Asking and answering -----------------------------------------------------------------------------


def test_a_request_waits_for_the_owner_and_is_told_on_both_sides(acme, ana, renata, noon):
    grant = ask(acme, renata, noon)

    assert (grant.state, grant.company, grant.person_email) == ("requested", "Rede Sul", "renata@sul.example")
    assert said("t_acme") == said("public") == ["requested"]
    entry = AuditEntry.objects.get(action="tenants.support_requested")
    assert entry.actor_label == "Renata Vidal (Rede Sul)"
    assert entry.detail["reason"] == "The widget does not open"

    support.answer(grant=grant, approve=True, by=ana, now=noon)
    grant.refresh_from_db()
    assert (grant.state, grant.answered_by) == ("approved", "ana@acme.example")
    with pytest.raises(errors.VisitOver):
        support.answer(grant=grant, approve=False, by=ana, now=noon)


def test_a_request_rings_the_bell_until_it_is_answered_or_over(acme, ana, renata, noon):
    grant = ask(acme, renata, noon)
    alert = Alert.objects.active().get()
    assert ("Renata Vidal (Rede Sul)" in alert.title, alert.kind) == (True, "tenants.support_requested")
    assert "The widget does not open" in alert.body

    support.answer(grant=grant, approve=True, by=ana, now=noon)
    assert not Alert.objects.active().exists()
    support.end(grant=grant, why=GrantEnd.PERSON, by=renata, now=noon)

    ask(acme, renata, noon)
    assert Alert.objects.active().count() == 1
    support.close_overdue(now=noon + support.ANSWER_WITHIN)
    assert not Alert.objects.active().exists()


def test_owners_get_a_letter_whose_link_answers(acme, ana, renata, noon):
    grant = ask(acme, renata, noon)

    assert write_to(grant, ana)

    letter = mail.outbox[0]
    assert letter.to == ["ana@acme.example"]
    assert "Renata Vidal (Rede Sul)" in letter.subject
    assert "The widget does not open" in letter.body
    link = next(line for line in letter.body.splitlines() if line.startswith("http"))
    token = link.rstrip("/").rsplit("/", 1)[1]
    assert support.behind_letter(token=token, tenant=acme) == (grant, ana)
    support.answer(grant=grant, approve=False, by=ana, now=noon)
    mail.outbox.clear()
    cache.clear()
    assert not write_to(grant, ana)
    assert mail.outbox == []  # nothing to answer any more


def test_each_owner_has_a_task_and_one_that_runs_again_sends_nothing_twice(
    acme, ana, renata, noon, django_capture_on_commit_callbacks
):
    olga = UserFactory(email="olga@acme.example", role=ana.role)
    with django_capture_on_commit_callbacks() as callbacks:
        grant = ask(acme, renata, noon)
    tasks = [repr(one) for one in callbacks if "send_support_letter" in repr(one)]
    assert [sum(str(one.pk) in task for task in tasks) for one in (ana, olga)] == [1, 1]
    assert len(tasks) == 2

    with (
        override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=1
        ),
        pytest.raises(ConnectionRefusedError),
    ):
        write_to(grant, olga)
    assert [write_to(grant, one) for one in (ana, olga, ana, olga)] == [True, True, False, False]
    assert [letter.to for letter in mail.outbox] == [["ana@acme.example"], ["olga@acme.example"]]
    assert not support.write_to_owner(grant_id=str(grant.pk), owner_id=str(renata.pk))  # nobody of this customer


def test_who_said_never_is_not_asked(acme, ana, renata, noon):
    support.set_access(tenant=acme, mode=SupportMode.NEVER, by=ana, now=noon)

    with pytest.raises(errors.SupportRefused):
        ask(acme, renata, noon)
    assert not ImpersonationGrant.objects.exists()


def test_who_allowed_it_until_a_day_is_not_asked_again(acme, ana, renata, noon):
    support.set_access(tenant=acme, mode=SupportMode.ALLOWED, allowed_until=noon + timedelta(days=2), by=ana, now=noon)

    assert ask(acme, renata, noon).state == GrantState.APPROVED
    support.end_of_person(person_id=renata.pk, by="", now=noon)
    assert ask(acme, renata, noon + timedelta(days=3)).state == GrantState.REQUESTED


@pytest.mark.parametrize("days", [-1, 0, 92])
def test_a_permission_has_an_end_that_is_near(acme, ana, noon, days):
    with pytest.raises(errors.BadConsentEnd):
        support.set_access(
            tenant=acme, mode=SupportMode.ALLOWED, allowed_until=noon + timedelta(days=days), by=ana, now=noon
        )


@pytest.mark.parametrize(
    ("field", "value"), [("role", "owner"), ("role", "billing"), ("minutes", 45), ("minutes", 0), ("reason", "  x ")]
)
def test_a_request_is_for_a_reason_a_small_role_and_a_short_time(acme, renata, noon, field, value):
    with pytest.raises(Invalid) as refused:
        ask(acme, renata, noon, **{field: value})

    assert [one.field for one in refused.value.errors] == [field]


def test_the_database_itself_refuses_an_owner_and_a_day(acme):
    for wrong in ({"role": "owner"}, {"minutes": 1440}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ImpersonationGrantFactory(tenant=acme, **wrong)


def test_one_request_at_a_time(acme, renata, noon):
    ask(acme, renata, noon)

    with pytest.raises(errors.VisitOpen):
        ask(acme, renata, noon)


@pytest.mark.parametrize("role", [ResellerRole.FINANCE])
def test_who_may_not_enter_may_not_ask(acme, sul, noon, role):
    with pytest.raises(errors.NotYourCustomer):
        ask(acme, of_team(sul, role), noon)


def test_another_resellers_people_and_strangers_may_not_ask(acme, beta, sul, noon):
    with schema_context("public"):
        norte, nobody = ResellerFactory(slug="norte"), UserFactory(email="nobody@x.example")
    for person in (of_team(norte, ResellerRole.OWNER, "nina@norte.example"), nobody):
        with pytest.raises(errors.NotYourCustomer):
            ask(acme, person, noon)
    with pytest.raises(errors.NotYourCustomer):
        ask(beta, of_team(sul, ResellerRole.OWNER, "rita@sul.example"), noon)  # a direct customer
    assert not ImpersonationGrant.objects.exists()


def test_the_platforms_people_are_named_without_the_platform_to_a_resellers_customer(acme, beta, sul, noon):
    with schema_context("public"):
        alice = UserFactory(email="alice@x.example", name="Alice", is_staff=True, is_superuser=True)

    assert ask(acme, alice, noon).company == ""
    assert ask(beta, alice, noon).company == "Balcão"


# --- Inside -------------------------------------------------------------------------------------------


@pytest.fixture
def inside(acme: Tenant, ana: Any, renata: Any, noon: Any) -> Any:
    """Renata inside acme: her login there and the visit."""
    grant = ask(acme, renata, noon)
    support.answer(grant=grant, approve=True, by=ana, now=noon)
    return go_in(grant, renata, acme, noon)


def visit(inside: Any, tenant: Tenant, now: Any) -> support.Visit | None:
    user, grant = inside
    return support.visit_of(user=user, entry=str(grant.entry_id), tenant=tenant, now=now)


def test_the_clock_starts_at_the_first_entry(acme, inside, noon):
    user, grant = inside

    assert grant.valid_until == noon + timedelta(minutes=15)
    assert (user.name, user.role.slug, user.is_active) == ("Renata Vidal (Rede Sul)", "agent", True)
    assert visit(inside, acme, noon + timedelta(minutes=14)) is not None
    assert visit(inside, acme, noon + timedelta(minutes=15)) is None


def test_a_login_of_support_has_no_password_no_seat_and_no_other_rights(acme, inside, noon):
    user, _grant = inside

    assert not user.has_usable_password()
    assert seats.taken() == 0
    assert user.has_perm("chat.reply_conversation")
    assert not any(user.has_perm(name) for name in ("accounts.change_user", "chat.manage_privacy"))
    assert user not in User.objects.members()


@pytest.mark.parametrize("role", ["viewer", "agent", "admin"])
def test_no_role_gives_support_a_secret(acme, ana, renata, noon, role):
    grant = ask(acme, renata, noon, role=role)
    support.answer(grant=grant, approve=True, by=ana, now=noon)
    user, _grant = go_in(grant, renata, acme, noon)

    held = user.get_all_permissions()
    forbidden = (
        "configuration.change_settings",
        "webhooks.manage_endpoint",
        "accounts.change_user",
        "chat.manage_inbox",
        "chat.manage_pix",
        "chat.manage_privacy",
        "tenants.manage_support_access",
        "audit.view_auditentry",
    )
    assert "chat.view_conversation" in held
    assert held.isdisjoint(forbidden)


def test_a_link_works_once_and_a_new_one_replaces_it(acme, ana, renata, noon):
    grant = ask(acme, renata, noon)
    support.answer(grant=grant, approve=True, by=ana, now=noon)
    first = support.entry_link(grant=grant, person=renata, now=noon)
    second = support.entry_link(grant=grant, person=renata, now=noon)
    tokens = [url.rstrip("/").rsplit("/", 1)[1] for url in (first, second)]

    with pytest.raises(errors.VisitOver):
        support.enter(token=tokens[0], tenant=acme, now=noon)
    support.enter(token=tokens[1], tenant=acme, now=noon)
    with pytest.raises(errors.VisitOver):
        support.enter(token=tokens[1], tenant=acme, now=noon)


def test_a_link_belongs_to_its_tenant_and_its_person(acme, beta, ana, sul, renata, noon):
    grant = ask(acme, renata, noon)
    with pytest.raises(errors.VisitOver):
        support.entry_link(grant=grant, person=renata, now=noon)  # nobody has answered
    support.answer(grant=grant, approve=True, by=ana, now=noon)
    other = of_team(sul, ResellerRole.MANAGER, "marta@sul.example")
    with pytest.raises(errors.VisitOver):
        support.entry_link(grant=grant, person=other, now=noon)
    token = support.entry_link(grant=grant, person=renata, now=noon).rstrip("/").rsplit("/", 1)[1]

    with tenant_context(beta), pytest.raises(errors.VisitOver):
        support.enter(token=token, tenant=beta, now=noon)
    assert not User.objects.filter(support_person_id=renata.pk).exists()


def test_entering_again_ends_the_session_before_and_gives_no_more_time(acme, inside, renata, noon):
    _user, grant = inside
    later = noon + timedelta(minutes=10)
    before = str(grant.entry_id)

    user, again = go_in(grant, renata, acme, later)

    assert again.valid_until == noon + timedelta(minutes=15)
    assert support.visit_of(user=user, entry=before, tenant=acme, now=later) is None
    assert support.visit_of(user=user, entry=str(again.entry_id), tenant=acme, now=later) is not None


# --- Ending -------------------------------------------------------------------------------------------


def test_the_customer_ends_a_visit_at_once(acme, ana, inside, noon):
    user, grant = inside

    support.end(grant=grant, why=GrantEnd.CUSTOMER, by=ana, now=noon)

    assert visit(inside, acme, noon) is None
    user.refresh_from_db()
    assert not user.is_active
    assert said("t_acme") == said("public") == ["requested", "approved", "entered", "ended"]
    assert not support.end(grant=grant, why=GrantEnd.LEFT, by=ana, now=noon)


@pytest.mark.parametrize("how", ["never", "suspended", "taken out", "made finance", "console closed", "deactivated"])
def test_what_takes_the_ground_away_ends_the_visit(acme, ana, inside, renata, sul, noon, how):
    with schema_context("public"):
        member = renata.reseller_member
        ResellerMemberFactory(reseller=sul, role=ResellerRole.OWNER)
    match how:
        case "never":
            support.set_access(tenant=acme, mode=SupportMode.NEVER, by=ana, now=noon)
        case "suspended":
            lifecycle.suspend(tenant=acme, reason="Unpaid", now=noon)
        case "taken out":
            with schema_context("public"):
                resellers.remove_member(member=member, by="", now=noon)
        case "made finance":
            with schema_context("public"):
                resellers.set_member_role(member=member, role=ResellerRole.FINANCE, by="", now=noon)
        case "console closed":
            with schema_context("public"):
                resellers.switch(reseller=sul, is_active=False, by="", now=noon)
        case "deactivated":
            with schema_context("public"):
                User.objects.filter(pk=renata.pk).update(is_active=False)

    assert visit(inside, acme, noon) is None


def test_back_to_asking_sends_away_who_came_by_the_general_permission(acme, ana, renata, sul, noon):
    support.set_access(tenant=acme, mode=SupportMode.ALLOWED, allowed_until=noon + timedelta(days=2), by=ana, now=noon)
    user, grant = go_in(ask(acme, renata, noon), renata, acme, noon)

    support.set_access(tenant=acme, mode=SupportMode.ASK, by=ana, now=noon)

    assert support.visit_of(user=user, entry=str(grant.entry_id), tenant=acme, now=noon) is None


def test_time_that_is_over_is_written_down(acme, inside, noon):
    later = noon + timedelta(minutes=16)

    assert support.close_overdue(now=later) == 1

    grant = ImpersonationGrant.objects.get()
    assert (grant.state, grant.end, grant.ended_at) == ("ended", GrantEnd.TIME, noon + timedelta(minutes=15))
    assert support.close_overdue(now=later) == 0


@pytest.mark.parametrize(("approve", "why"), [(None, GrantEnd.UNANSWERED), (True, GrantEnd.UNUSED)])
def test_requests_do_not_wait_for_ever(acme, ana, renata, noon, approve, why):
    grant = ask(acme, renata, noon)
    if approve:
        support.answer(grant=grant, approve=True, by=ana, now=noon)
    late = noon + timedelta(hours=25)
    with pytest.raises(errors.VisitOver):
        support.answer(grant=grant, approve=True, by=ana, now=late)

    support.close_overdue(now=late)

    grant.refresh_from_db()
    assert grant.end == why


def test_a_password_never_opens_a_login_of_support(acme, inside):
    user, _grant = inside
    browser = Client(headers={"host": "acme.localhost"})

    browser.post("/login/", {"email": user.email, "password": "balcao-demo"})
    browser.post("/password/reset/", {"email": user.email})

    assert "_auth_user_id" not in browser.session
    assert mail.outbox == []
