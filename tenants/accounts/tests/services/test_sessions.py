"""API logins that are over are kept for a while and then forgotten."""

from datetime import timedelta

from django.contrib.sessions.models import Session

from tenants.accounts.models import ApiSession
from tenants.accounts.services import sessions
from tenants.accounts.tests.factories import ApiSessionFactory


def test_old_logins_are_forgotten_and_live_ones_stay(ana, noon):
    live = ApiSessionFactory(user=ana, expires_at=noon + timedelta(days=1))
    recent = ApiSessionFactory(user=ana, expires_at=noon + timedelta(days=1), ended_at=noon - timedelta(days=29))
    ApiSessionFactory(user=ana, expires_at=noon + timedelta(days=1), ended_at=noon - timedelta(days=31))
    ApiSessionFactory(user=ana, expires_at=noon - timedelta(days=31))
    Session.objects.create(session_key="over", session_data="", expire_date=noon - timedelta(seconds=1))
    Session.objects.create(session_key="live", session_data="", expire_date=noon + timedelta(seconds=1))

    assert sessions.forget_old(now=noon) == 3

    assert set(ApiSession.objects.all()) == {live, recent}
    assert Session.objects.get().session_key == "live"
