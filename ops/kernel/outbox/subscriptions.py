"""Who reacts to which event. Apps declare it in their own `receivers.py`, which is imported at start.

A receiver runs in the schema of the event, in a transaction of its own, at least once. What it writes to the
database happens exactly once (the delivery is marked in the same transaction); work outside is enqueued.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as its receivers see it: only ids and primitives, because it may be read much later."""

    id: UUID
    name: str
    schema: str
    aggregate: str
    payload: Mapping[str, Any]
    at: datetime
    attempt: int = 1


Receiver = Callable[[Envelope], None]
R = TypeVar("R", bound=Receiver)

_by_event: dict[str, dict[str, Receiver]] = {}


def receiver(event_name: str, *, name: str | None = None) -> Callable[[R], R]:
    """Subscribe a function to an event. Its name (module and function) is stored with each delivery: keep it."""

    def subscribe(function: R) -> R:
        own = name or f"{function.__module__}.{function.__qualname__}"
        known = _by_event.setdefault(event_name, {})
        if own in known:
            raise ImproperlyConfigured(f"{own} is already a receiver of {event_name}.")
        known[own] = function
        return function

    return subscribe


def unsubscribe(event_name: str, name: str) -> None:
    """Take a receiver out again; only tests need to."""
    del _by_event[event_name][name]


def names_for(event_name: str) -> list[str]:
    """Names of the receivers of an event."""
    return list(_by_event.get(event_name, ()))


def find(event_name: str, name: str) -> Receiver | None:
    """The function of a stored name, when this release still has it."""
    return _by_event.get(event_name, {}).get(name)


def subscribed_events() -> list[str]:
    """Every event somebody reacts to."""
    return sorted(_by_event)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A webhook as its handler sees it: the bytes that came, under the provider's own id."""

    id: UUID
    provider: str
    external_id: str
    kind: str
    body: bytes
    received_at: datetime


InboundHandler = Callable[[Inbound], bool | None]
H = TypeVar("H", bound=InboundHandler)

_inbound: dict[str, InboundHandler] = {}


def inbound(provider: str) -> Callable[[H], H]:
    """Handle the webhooks of a provider; the function answers `False` for a kind that it does not know."""

    def subscribe(function: H) -> H:
        if provider in _inbound:
            raise ImproperlyConfigured(f"The webhooks of {provider} already have a handler.")
        _inbound[provider] = function
        return function

    return subscribe


def stop_inbound(provider: str) -> None:
    """Take a handler out again; only tests need to."""
    del _inbound[provider]


def inbound_handler(provider: str) -> InboundHandler | None:
    """The handler of a provider, when there is one."""
    return _inbound.get(provider)
