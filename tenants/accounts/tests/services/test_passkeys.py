"""A passkey opens its own host, its own schema and its own person, and nothing twice."""

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.errors import PasskeyRefused
from tenants.accounts.models import Role, User
from tenants.accounts.services import factors, passkeys
from tenants.accounts.tests.services.key import SoftKey

PLACE = passkeys.Place("acme.localhost", "https://acme.localhost", "Acme")


def judge(question, answer, *, user=None, place=PLACE):
    return passkeys.judge(user=user, answer=answer, state=question.state, place=place, now=timezone.now())


def keep(user, key, *, place=PLACE):
    question = passkeys.offer(user=user, place=place)
    return passkeys.add(
        user=user, name="Telephone", answer=key.make(question), state=question.state, place=place, now=timezone.now()
    )


@pytest.fixture
def key(ana):
    """A key that Ana has kept."""
    made = SoftKey(PLACE.host, PLACE.origin)
    assert len(keep(ana, made)) == 10
    ana.refresh_from_db()
    return made


def test_it_logs_in_alone_and_as_a_second_factor(ana, bia, key):
    assert ana.second_factor_at is not None
    alone = passkeys.ask(user=None, place=PLACE)
    assert judge(alone, key.show(alone)) == ana

    second = passkeys.ask(user=ana, place=PLACE)
    assert judge(second, key.show(second, handle=False), user=ana) == ana

    for_bia = passkeys.ask(user=bia, place=PLACE)
    with pytest.raises(PasskeyRefused):
        judge(for_bia, key.show(for_bia), user=bia)
    with pytest.raises(PasskeyRefused):
        judge(alone, key.show(second), user=None)


@pytest.mark.parametrize(
    "elsewhere",
    [
        passkeys.Place("beta.localhost", "https://beta.localhost", "Beta"),
        passkeys.Place("acme.localhost", "https://acme.localhost:8443", "Acme"),
        passkeys.Place("acme.localhost", "http://acme.localhost", "Acme"),
    ],
)
def test_it_answers_its_own_page_only(ana, key, elsewhere):
    question = passkeys.ask(user=ana, place=elsewhere)

    with pytest.raises(PasskeyRefused):
        judge(question, key.show(question), user=ana, place=elsewhere)
    with pytest.raises(PasskeyRefused):
        judge(question, key.show(question, origin=elsewhere.origin), user=ana)


def test_in_another_tenant_the_same_rows_on_the_same_host_open_nothing(ana, key, beta):
    """As when a custom domain changes hands after a clone."""
    row = Authenticator.objects.get(user=ana, type="webauthn")
    here = passkeys.ask(user=None, place=PLACE)
    with tenant_context(beta):
        copy = User.objects.create_user(ana.email, "balcao-demo", role=Role.objects.get(slug="owner"), pk=ana.pk)
        Authenticator.objects.create(user=copy, type="webauthn", data=row.data)
        there = passkeys.ask(user=None, place=PLACE)
        with pytest.raises(PasskeyRefused):
            judge(there, key.show(there))
        with pytest.raises(PasskeyRefused):
            judge(here, key.show(here))


def test_a_copied_key_is_refused_and_stands_in_the_audit(ana, key):
    question = passkeys.ask(user=ana, place=PLACE)
    key.count = 7
    judge(question, key.show(question), user=ana)

    key.count = 3
    with pytest.raises(PasskeyRefused):
        judge(question, key.show(question), user=ana)

    assert AuditEntry.objects.filter(action="accounts.passkey_copied").count() == 1


@pytest.mark.parametrize("answer", ["", "[]", "{}", "null", '{"id": 3, "response": {}}', '{"id": "\\u0000"}'])
def test_nonsense_is_refused(ana, key, answer):
    for question, user in ((passkeys.ask(user=None, place=PLACE), None), (passkeys.ask(user=ana, place=PLACE), ana)):
        with pytest.raises(PasskeyRefused):
            judge(question, answer, user=user)
    offer = passkeys.offer(user=ana, place=PLACE)
    with pytest.raises(PasskeyRefused):
        passkeys.add(user=ana, name="x", answer=answer, state=offer.state, place=PLACE, now=timezone.now())


def test_the_last_one_takes_the_recovery_codes_with_it(ana, key):
    factors.remove(user=ana, key=factors.of(ana)[0].pk, now=timezone.now())

    ana.refresh_from_db()
    assert ana.second_factor_at is None
    assert not Authenticator.objects.filter(user=ana).exists()
