from dataclasses import dataclass
from typing import ClassVar

import pytest

from ops.kernel.outbox import subscriptions


@dataclass(frozen=True)
class ThingHappened:
    """What these tests publish."""

    name: ClassVar[str] = "tests.thing_happened"
    thing: str
    number: int

    @property
    def aggregate(self):
        return f"thing:{self.thing}"


@pytest.fixture
def react():
    """Subscribe functions for one test: `react(function)`, or `react(function, "tests.other")`."""
    made = []

    def subscribe(function, event="tests.thing_happened", name=None):
        name = name or f"tests.{getattr(function, '__name__', 'receiver')}"
        subscriptions.receiver(event, name=name)(function)
        made.append((event, name))
        return function

    yield subscribe
    for event, name in made:
        subscriptions.unsubscribe(event, name)


@pytest.fixture
def handle_webhooks():
    """Handle the webhooks of the provider `tests` for one test."""

    def subscribe(function):
        subscriptions.inbound("tests")(function)
        return function

    yield subscribe
    if subscriptions.inbound_handler("tests"):
        subscriptions.stop_inbound("tests")
