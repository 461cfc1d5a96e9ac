import pytest
import time_machine
from django.core import signing as django_signing
from django_tenants.utils import tenant_context

from ops.kernel import signing


def test_a_value_comes_back_for_its_purpose(acme):
    token = signing.dumps({"id": 7, "name": "é"}, salt="invite")

    assert signing.loads(token, salt="invite", max_age=60) == {"id": 7, "name": "é"}
    with pytest.raises(signing.BadSignature):
        signing.loads(token, salt="reset", max_age=60)


def test_a_token_of_one_tenant_is_refused_by_every_other(acme, beta):
    token = signing.dumps(7, salt="invite")

    with tenant_context(beta), pytest.raises(signing.BadSignature):
        signing.loads(token, salt="invite", max_age=60)


def test_the_schema_inside_is_checked_even_when_the_signature_is_right(acme, beta):
    forged = django_signing.dumps([beta.schema_name, 7], salt=signing._salt("invite"), compress=True)

    with pytest.raises(signing.BadSignature, match="another tenant"):
        signing.loads(forged, salt="invite", max_age=60)


def test_a_token_grows_old(acme):
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        token = signing.dumps(7, salt="invite")
        clock.shift(60)
        assert signing.loads(token, salt="invite", max_age=60) == 7
        clock.shift(1)
        with pytest.raises(signing.SignatureExpired):
            signing.loads(token, salt="invite", max_age=60)
        assert signing.loads(token, salt="invite", max_age=None) == 7


@pytest.mark.parametrize("token", ["", ":", "a:b:c", "\x00", "é:ü:ß", ".eJw:1:2", "x" * 10_000])
def test_nonsense_is_a_bad_signature(acme, token):
    with pytest.raises(signing.BadSignature):
        signing.loads(token, salt="invite", max_age=60)


def test_every_changed_character_is_noticed(acme):
    token = signing.dumps(7, salt="invite")

    for index, character in enumerate(token):
        changed = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
        with pytest.raises(signing.BadSignature):
            signing.loads(changed, salt="invite", max_age=None)
