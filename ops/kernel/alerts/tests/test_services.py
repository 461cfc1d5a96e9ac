import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.db import connection
from django_tenants.utils import schema_context

from ops.kernel.actors import Actor
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import AlertState, DeliveryState, Severity
from ops.kernel.alerts.models import Alert, AlertDelivery
from ops.kernel.alerts.tests.factories import AlertDeliveryFactory, AlertFactory, AlertRuleFactory
from ops.kernel.errors import TemporaryFailure
from ops.kernel.registry import Audience, audiences


def raise_it(now, severity=Severity.WARNING, **other):
    values = {"kind": "tests.broken", "key": "tests.broken:1", "title": "Disk is full", **other}
    return alerts.raise_alert(values.pop("kind"), severity=severity, now=now, **values)


def history(alert):
    return list(alert.history.order_by("at", "id").values_list("what", flat=True))


def test_the_same_key_counts_one_alert_until_it_is_resolved(acme, noon):
    first = raise_it(noon)
    second = raise_it(noon + timedelta(minutes=1), title="Disk is fuller")

    assert first.pk == second.pk
    assert (second.count, second.title, second.last_seen_at) == (2, "Disk is fuller", noon + timedelta(minutes=1))

    assert alerts.resolve(key="tests.broken:1", now=noon + timedelta(minutes=2))
    assert not alerts.resolve(key="tests.broken:1", now=noon + timedelta(minutes=3))
    third = raise_it(noon + timedelta(minutes=4))

    assert third.pk != first.pk
    assert Alert.objects.get(pk=first.pk).state == AlertState.RESOLVED
    assert history(first) == ["raised", "told", "resolved"]


def test_people_are_told_when_it_is_new_when_it_is_worse_and_after_the_cooldown(acme, noon):
    AlertRuleFactory()
    moments = [
        (0, Severity.WARNING, 1),  # new
        (5, Severity.WARNING, 1),  # quiet
        (6, Severity.CRITICAL, 2),  # worse
        (8, Severity.CRITICAL, 2),  # quiet: five minutes
        (12, Severity.CRITICAL, 3),  # after the cooldown
        (13, Severity.WARNING, 3),  # less bad than it was
    ]
    for minute, severity, told in moments:
        alert = raise_it(noon + timedelta(minutes=minute), severity)
        assert AlertDelivery.objects.count() == told, minute

    alert.refresh_from_db()
    assert (alert.severity, alert.count) == (Severity.CRITICAL, 6)


def test_an_acknowledged_alert_is_quiet_until_it_gets_worse(acme, noon):
    AlertRuleFactory()
    alert = raise_it(noon)
    alerts.acknowledge(alert=alert, by=Actor("1", "Ana", "user"), now=noon)
    raise_it(noon + timedelta(hours=5))
    assert AlertDelivery.objects.count() == 1

    worse = raise_it(noon + timedelta(hours=6), Severity.EMERGENCY)

    assert AlertDelivery.objects.count() == 2
    assert worse.state == AlertState.OPEN
    assert history(alert) == ["raised", "told", "acknowledged", "worsened", "told"]


def test_a_resolved_alert_cannot_be_acknowledged(acme, noon):
    alert = AlertFactory(state=AlertState.RESOLVED)

    with pytest.raises(alerts.AlreadyResolved):
        alerts.acknowledge(alert=alert, by=None, now=noon)


def test_without_a_rule_it_is_shown_in_the_product_only(acme, noon):
    raise_it(noon)

    assert list(AlertDelivery.objects.values_list("channel", "recipient")) == [("in_app", "")]


def test_the_most_exact_rule_counts_and_a_milder_alert_stays_silent(acme, noon):
    AlertRuleFactory(kind="*", addresses=["all@acme.example"])
    AlertRuleFactory(kind="tests.*", addresses=["tests@acme.example"], min_severity=Severity.ERROR)
    AlertRuleFactory(kind="tests.broken", addresses=["off@acme.example"], enabled=False)

    raise_it(noon, Severity.WARNING)
    assert not AlertDelivery.objects.exists()
    raise_it(noon, Severity.ERROR)
    raise_it(noon, kind="other.thing", key="other")

    assert set(AlertDelivery.objects.values_list("recipient", flat=True)) == {"tests@acme.example", "all@acme.example"}


def test_an_audience_is_resolved_when_the_alert_is_told(acme, noon):
    audiences.register("tests", Audience("Testers", lambda: ["Ana@acme.example", "ops@acme.example"]))
    try:
        AlertRuleFactory(audiences=["tests", "nobody"])
        raise_it(noon)
    finally:
        audiences.unregister("tests")

    assert sorted(AlertDelivery.objects.values_list("recipient", flat=True)) == ["ana@acme.example", "ops@acme.example"]


def test_more_than_thirty_mails_an_hour_are_held_back(acme, noon):
    AlertRuleFactory()
    AlertDeliveryFactory.create_batch(30, created_at=noon - timedelta(minutes=10))

    raise_it(noon)
    raise_it(noon + timedelta(hours=2), key="tests.broken:2")

    states = AlertDelivery.objects.filter(created_at__gte=noon).order_by("created_at").values_list("state", flat=True)
    assert list(states) == [DeliveryState.HELD, DeliveryState.QUEUED]


def test_a_message_is_sent_once_with_what_people_need(acme, noon):
    delivery = AlertDeliveryFactory(
        alert__count=3, alert__title="Disk\nis full", alert__body="2 GB left.", alert__severity=Severity.CRITICAL
    )

    alerts.deliver(delivery_id=str(delivery.pk), now=noon)
    alerts.deliver(delivery_id=str(delivery.pk), now=noon)

    message = mail.outbox[0]
    assert len(mail.outbox) == 1
    assert message.to == ["ops@acme.example"]
    assert "Disk is full" in message.subject
    assert "2 GB left." in message.body
    assert "3" in message.body
    delivery.refresh_from_db()
    assert (delivery.state, delivery.sent_at, delivery.provider_id) == (
        DeliveryState.SENT,
        noon,
        f"<{delivery.pk}@alerts>",
    )


def test_a_mail_server_that_is_away_is_tried_again(acme, noon, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    delivery = AlertDeliveryFactory()

    with pytest.raises(TemporaryFailure):
        alerts.deliver(delivery_id=str(delivery.pk), now=noon)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.QUEUED


def test_the_bell_shows_what_a_person_has_not_read_since_it_last_happened(acme, noon):
    ana, bia = SimpleNamespace(pk="ana"), SimpleNamespace(pk="bia")
    old = raise_it(noon, key="a")
    new = raise_it(noon, key="b")
    AlertFactory(state=AlertState.RESOLVED)

    alerts.mark_read(alerts=[old], user=ana, now=noon)
    alerts.mark_read(alerts=[old], user=ana, now=noon + timedelta(minutes=1))
    assert list(Alert.objects.unread_by("ana")) == [new]
    assert Alert.objects.unread_by(bia.pk).count() == 2

    raise_it(noon + timedelta(minutes=5), key="a")
    assert Alert.objects.unread_by("ana").count() == 2


def test_alerts_of_one_tenant_are_not_those_of_another(acme, beta, noon):
    raise_it(noon)

    with schema_context(beta.schema_name):
        assert not Alert.objects.exists()
        assert not alerts.resolve(key="tests.broken:1", now=noon)
    assert Alert.objects.active().count() == 1


@pytest.mark.transactional
def test_raised_by_many_at_once_it_is_one_alert(acme, noon):
    def work():
        try:
            with schema_context(acme.schema_name):
                for _ in range(5):
                    raise_it(noon)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Alert.objects.get().count == 30
