"""Refresh tokens: one use each, a moment's grace for two tabs, and an end for a login that two parties hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from tenants.accounts.errors import TokenRefused
from tenants.accounts.models import ApiSession
from tenants.accounts.services import emails, sessions


def opened(user, now):
    return sessions.open_with_password(email=user.email, password="balcao-demo", now=now)


def test_two_tabs_within_the_grace_go_on_with_the_same_pair(acme, ana):
    now = timezone.now()
    first = opened(ana, now)
    one = sessions.rotate(refresh=first.refresh, now=now)
    two = sessions.rotate(refresh=first.refresh, now=now + sessions.GRACE)

    # Both hold the one token that is good, so either may go on.
    third = sessions.rotate(refresh=two.refresh, now=now + timedelta(minutes=1))
    assert sessions.person_behind(third.access, now=now + timedelta(minutes=1)) == ana
    assert sessions.rotate(refresh=one.refresh, now=now + timedelta(minutes=1))


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(days=3)])
def test_a_used_token_after_the_grace_ends_the_login_and_its_owner_is_told_once(acme, ana, late, monkeypatch):
    sent = []
    monkeypatch.setattr(emails, "enqueue", lambda name, **what: sent.append(what))
    now = timezone.now()
    first = opened(ana, now)
    second = sessions.rotate(refresh=first.refresh, now=now)
    later = now + sessions.GRACE + late

    for _ in range(2):
        with pytest.raises(TokenRefused):
            sessions.rotate(refresh=first.refresh, now=later)

    with pytest.raises(TokenRefused):
        sessions.rotate(refresh=second.refresh, now=later)
    with pytest.raises(TokenRefused):
        sessions.person_behind(second.access, now=now)
    assert AuditEntry.objects.filter(action="accounts.refresh_reused").count() == 1
    assert [what["letter"] for what in sent] == ["refresh_reused"]
    emails.deliver(**sent[0])
    assert mail.outbox[0].to == [ana.email]


def test_the_token_before_the_last_is_no_tab_but_a_copy(acme, ana):
    now = timezone.now()
    first = opened(ana, now)
    second = sessions.rotate(refresh=first.refresh, now=now)
    sessions.rotate(refresh=second.refresh, now=now)

    with pytest.raises(TokenRefused):
        sessions.rotate(refresh=first.refresh, now=now)

    assert ApiSession.objects.get().ended_at == now


def test_another_login_of_the_same_person_goes_on(acme, ana):
    now = timezone.now()
    stolen, other = opened(ana, now), opened(ana, now)
    sessions.rotate(refresh=stolen.refresh, now=now)
    with pytest.raises(TokenRefused):
        sessions.rotate(refresh=stolen.refresh, now=now + timedelta(minutes=1))

    assert sessions.rotate(refresh=other.refresh, now=now + timedelta(minutes=1))


@pytest.mark.transactional
def test_many_tabs_at_the_same_moment_all_go_on(acme, ana):
    now = timezone.now()
    first = opened(ana, now)

    def rotate(_number):
        try:
            with tenant_context(acme):
                return sessions.rotate(refresh=first.refresh, now=now).refresh
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as pool:
        pairs = list(pool.map(rotate, range(6)))

    with tenant_context(acme):
        assert ApiSession.objects.get().ended_at is None
        assert all(sessions.rotate(refresh=text, now=now + timedelta(seconds=1)) for text in pairs[:1])
