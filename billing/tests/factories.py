"""One factory a table of billing."""

from datetime import UTC, datetime

import factory

from billing import entitlements
from billing.enums import PriceKind
from billing.models import GaugeReading, Override, Plan, PlanPrice, Subscription


class PlanFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Plan

    slug = factory.Sequence(lambda number: f"plan-{number}")
    name = factory.Sequence(lambda number: f"Plan {number}")
    order = factory.Sequence(lambda number: 100 + number)
    limits = factory.LazyFunction(lambda: {"chat.agents": 2, "chat.conversations_month": 10})
    flags = factory.LazyFunction(lambda: {"fileUpload": True, "videoCall": False})
    is_public = False


class SubscriptionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Subscription
        skip_postgeneration_save = True

    plan = factory.SubFactory(PlanFactory)
    starts_at = datetime(2026, 11, 1, tzinfo=UTC)

    @factory.post_generation
    def in_force_at_once(self, create, extracted, **_):
        """As the service does it."""
        entitlements.forget(self.tenant)


class GaugeReadingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GaugeReading

    key = "chat.agents"
    used = 1
    counted_at = datetime(2026, 11, 1, tzinfo=UTC)


class PlanPriceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PlanPrice

    plan = factory.SubFactory(PlanFactory)
    kind = PriceKind.WHOLESALE
    amount_cents = 10_000
    starts_at = datetime(2026, 11, 1, tzinfo=UTC)


class OverrideFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Override

    level = "platform"
    subject = "feature"
    key = "videoCall"
    value = True
    set_at = datetime(2026, 11, 1, tzinfo=UTC)
