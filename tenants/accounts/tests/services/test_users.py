"""People: who may be added, changed and stopped."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from tenants.accounts import errors
from tenants.accounts.models import Role, User
from tenants.accounts.services import links, sessions, users
from tenants.accounts.tests.factories import ApiSessionFactory, UserFactory

PASSWORD = "correct horse battery"


def role(slug):
    return Role.objects.get(slug=slug)


def test_an_address_is_kept_in_small_letters_and_found_whatever_its_case(ana, noon):
    user = users.create(email="  Dora@ACME.example ", role="agent", name="Dora", password=PASSWORD, by=ana, now=noon)

    assert user.email == "dora@acme.example"
    assert User.objects.get_by_natural_key("DORA@acme.EXAMPLE") == user
    entry = AuditEntry.objects.get(action="accounts.user_added")
    assert (entry.actor_id, entry.object_id) == (str(ana.pk), str(user.pk))


def test_an_address_is_given_once(ana, noon):
    users.create(email="dora@acme.example", role="viewer", password=PASSWORD, by=ana, now=noon)

    with pytest.raises(errors.EmailTaken) as refusal:
        users.create(email="DORA@acme.example", role="viewer", password=PASSWORD, by=ana, now=noon)

    assert refusal.value.errors[0].field == "email"
    assert User.objects.filter(email="dora@acme.example").count() == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [("no address", PASSWORD), ("dora@acme.example\x00", PASSWORD), ("dora@acme.example", "1234567890")],
)
def test_what_will_not_do_is_refused_before_anything_is_written(ana, noon, email, password):
    with pytest.raises(Invalid):
        users.create(email=email, role="viewer", password=password, by=ana, now=noon)

    assert list(User.objects.all()) == [ana]


def test_an_unknown_role_is_refused(ana, noon):
    with pytest.raises(errors.UnknownRole):
        users.create(email="dora@acme.example", role="emperor", password=PASSWORD, by=ana, now=noon)


def test_only_an_owner_makes_an_owner(ana, noon):
    admin = UserFactory(role=role("admin"))

    with pytest.raises(errors.OwnerOnly):
        users.create(email="dora@acme.example", role="owner", password=PASSWORD, by=admin, now=noon)
    with pytest.raises(errors.OwnerOnly):
        users.set_role(user=admin, role="owner", by=admin, now=noon)
    with pytest.raises(errors.OwnerOnly):
        users.deactivate(user=ana, by=admin, now=noon)

    assert User.objects.with_role("owner").get() == ana
    assert User.objects.get(pk=ana.pk).is_active


def test_one_owner_remains(ana, noon):
    with pytest.raises(errors.LastOwner):
        users.deactivate(user=ana, by=ana, now=noon)
    with pytest.raises(errors.LastOwner):
        users.set_role(user=ana, role="viewer", by=ana, now=noon)

    ana.refresh_from_db()
    assert (ana.is_active, ana.role.slug) == (True, "owner")


def test_an_owner_may_go_when_another_stays(ana, noon):
    dora = users.create(email="dora@acme.example", role="owner", password=PASSWORD, by=ana, now=noon)

    users.set_role(user=ana, role="viewer", by=dora, now=noon)

    ana.refresh_from_db()
    assert ana.role.slug == "viewer"
    with pytest.raises(errors.LastOwner):
        users.deactivate(user=dora, by=dora, now=noon)


def test_deactivating_ends_every_login_of_the_person_and_of_nobody_else(ana, bia, noon):
    hers, other = ApiSessionFactory(user=bia), ApiSessionFactory(user=ana)

    users.deactivate(user=bia, by=ana, now=noon)

    hers.refresh_from_db()
    other.refresh_from_db()
    assert (hers.ended_at, other.ended_at) == (noon, None)
    assert AuditEntry.objects.filter(action="accounts.user_deactivated", object_id=str(bia.pk)).count() == 1


def test_a_role_change_is_written_down_with_both_roles(ana, bia, noon):
    users.set_role(user=bia, role="editor", by=ana, now=noon)

    assert AuditEntry.objects.get(action="accounts.role_changed").detail == {"from": "agent", "to": "editor"}


def test_inviting_the_first_owner_twice_makes_one(acme, noon):
    first = users.invite_owner(email="olga@acme.example", now=noon)
    second = users.invite_owner(email="OLGA@acme.example", now=noon)

    assert first == second
    assert first.is_invited
    assert first.role.slug == "owner"


def test_a_welcome_link_lets_in_once(acme, noon):
    olga = users.invite_owner(email="olga@acme.example", now=noon)
    token = links.welcome(olga)

    users.accept_invitation(token=token, name="Olga", password=PASSWORD, now=noon)

    olga.refresh_from_db()
    assert (olga.name, olga.check_password(PASSWORD), olga.is_invited) == ("Olga", True, False)
    with pytest.raises(errors.LinkExpired):
        users.accept_invitation(token=token, name="Mallory", password="another long password", now=noon)
    olga.refresh_from_db()
    assert olga.name == "Olga"


def test_sending_the_invitation_again_makes_the_first_link_worthless(ana, noon):
    dora = users.create(email="dora@acme.example", role="viewer", by=ana, now=noon)
    old = links.welcome(dora)

    users.invite_again(user=dora, by=ana, now=noon)

    with pytest.raises(errors.LinkExpired):
        links.welcomed(old)
    dora.refresh_from_db()
    assert links.welcomed(links.welcome(dora)) == dora


def test_changing_the_password_ends_the_other_logins(ana, noon):
    login = ApiSessionFactory(user=ana)
    reset = links.reset(ana)

    users.change_password(user=ana, current="balcao-demo", new=PASSWORD, now=noon)

    login.refresh_from_db()
    assert login.ended_at == noon
    with pytest.raises(errors.LinkExpired):
        links.resetting(reset)


def test_a_wrong_current_password_changes_nothing(ana, noon):
    with pytest.raises(errors.WrongPassword):
        users.change_password(user=ana, current="guess", new=PASSWORD, now=noon)

    ana.refresh_from_db()
    assert ana.check_password("balcao-demo")


def test_a_superuser_flag_in_a_tenant_means_nothing(acme, platform):
    intruder = UserFactory(role=role("viewer"), is_superuser=True, is_staff=True)

    assert not intruder.has_perm("accounts.change_user")

    with tenant_context(platform):
        admin = User.objects.create_superuser("admin@balcao.example", PASSWORD)
        assert admin.has_perm("accounts.change_user")
        assert connection.schema_name == "public"


def test_permissions_come_from_the_role_in_one_query(bia, django_assert_num_queries):
    user = User.objects.select_related("role").get(pk=bia.pk)

    with django_assert_num_queries(1):
        assert user.has_perm("accounts.view_user")
        assert not user.has_perm("accounts.change_user")
        assert not user.has_perm("chat.no_such_thing")

    user.is_active = False
    assert not user.has_perm("accounts.view_user")


def test_a_refresh_token_is_good_for_one_use_and_a_second_use_ends_the_login(ana, noon):
    now = timezone.now()
    first = sessions.open_with_password(email=ana.email, password="balcao-demo", now=now)
    second = sessions.rotate(refresh=first.refresh, now=now)
    assert sessions.person_behind(second.access, now=now) == ana

    with pytest.raises(errors.TokenRefused):
        sessions.rotate(refresh=first.refresh, now=now + sessions.GRACE + timedelta(seconds=1))

    with pytest.raises(errors.TokenRefused):
        sessions.person_behind(second.access, now=now)
    with pytest.raises(errors.TokenRefused):
        sessions.rotate(refresh=second.refresh, now=now)
