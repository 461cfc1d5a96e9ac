import factory

from ops.kernel.alerts.enums import Severity
from ops.kernel.alerts.models import Alert, AlertDelivery, AlertEvent, AlertReading, AlertRule


class AlertFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Alert

    kind = "tests.broken"
    key = factory.Sequence(lambda n: f"tests.broken:{n}")
    severity = Severity.WARNING
    title = "Something broke"


class AlertEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AlertEvent

    alert = factory.SubFactory(AlertFactory)
    what = "raised"


class AlertReadingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AlertReading

    alert = factory.SubFactory(AlertFactory)
    user_id = factory.Sequence(lambda n: f"user-{n}")
    read_at = factory.SelfAttribute("alert.last_seen_at")


class AlertRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AlertRule

    kind = "tests.*"
    channels = factory.List(["email"])
    addresses = factory.List(["ops@acme.example"])


class AlertDeliveryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AlertDelivery

    alert = factory.SubFactory(AlertFactory)
    channel = "email"
    recipient = "ops@acme.example"
