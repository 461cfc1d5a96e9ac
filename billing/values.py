"""How features and limits are settled: what the platform, the plan, the reseller and the tenant said, in this order.

* A **feature** is what the plan says, else its own default. The platform may switch it on for everybody or for one
  tenant. A reseller may switch it off always, and on only where the platform allows the reseller. A tenant may switch
  it off. What the platform switched off for everybody stays off.
* A **limit** is what the plan says, else there is none. What was agreed in the subscription replaces it, what the
  platform granted one tenant replaces both. A reseller may lower it always, and raise it as far as the platform allows
  the reseller. What the platform set for everybody is never passed.

What a reseller set beyond what it is allowed counts only as far as it is: when the platform takes the allowance back,
nobody has to look for the values that rested on it. `None` as a limit means that there is none.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.TextChoices):
    """Who decided a value last."""

    DEFAULT = "default", _("Standard")
    PLAN = "plan", _("Plan")
    AGREEMENT = "agreement", _("Agreed for this customer")
    PLATFORM = "platform", _("Platform")
    RESELLER = "reseller", _("Reseller")
    TENANT = "tenant", _("Customer's own choice")


@dataclass(frozen=True, slots=True)
class Word:
    """What one of them said, as far as it is still in force."""

    value: Any
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One of the words on the way to a value; `counts` tells whether it changed it."""

    source: Source
    value: Any
    counts: bool = True
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A value, who decided it last, and all the words that were heard."""

    value: Any
    source: Source
    steps: tuple[Step, ...] = ()

    @property
    def last(self) -> Step | None:
        """The step the value rests on."""
        return next((step for step in reversed(self.steps) if step.counts), None)


@dataclass(frozen=True, slots=True)
class Said:
    """The words about one feature or limit. `allowance` is how far the platform lets the reseller go."""

    everybody: Word | None = None
    granted: Word | None = None
    allowance: Word | None = None
    reseller: Word | None = None
    tenant: Word | None = None


NOBODY = Said()


def settle_feature(*, default: bool, plan: bool | None, said: Said = NOBODY) -> Settled:
    """Whether a feature is on, and why."""
    way = _Way(default, Source.DEFAULT)
    if plan is not None:
        way.take(Source.PLAN, plan)
    if said.everybody is not None and said.everybody.value is True:
        way.hear(Source.PLATFORM, said.everybody)
    if said.granted is not None:
        way.hear(Source.PLATFORM, said.granted)
    if said.reseller is not None:
        allowed = said.reseller.value is False or way.value is True or _allows(said.allowance)
        way.hear(Source.RESELLER, said.reseller, counts=allowed)
    if said.tenant is not None:
        way.hear(Source.TENANT, said.tenant, counts=said.tenant.value is False and way.value is True)
    if said.everybody is not None and said.everybody.value is False:
        way.hear(Source.PLATFORM, said.everybody)
    return way.end()


def settle_limit(*, plan: int | None, in_plan: bool, agreed: Word | None = None, said: Said = NOBODY) -> Settled:
    """How much is allowed, and why."""
    way = _Way(None, Source.DEFAULT)
    if in_plan:
        way.take(Source.PLAN, plan)
    if agreed is not None:
        way.hear(Source.AGREEMENT, agreed)
    if said.granted is not None:
        way.hear(Source.PLATFORM, said.granted)
    if said.reseller is not None:
        reach = _higher(way.value, said.allowance.value) if said.allowance is not None else way.value
        kept = _lower(said.reseller.value, reach)
        way.hear(Source.RESELLER, said.reseller, value=kept, counts=kept != way.value)
    if said.everybody is not None:
        kept = _lower(way.value, said.everybody.value)
        way.hear(Source.PLATFORM, said.everybody, value=kept, counts=kept != way.value)
    return way.end()


def most_allowed(*, base: int | None, allowance: Word | None) -> int | None:
    """How high a reseller may set a limit that is `base` without it."""
    return _higher(base, allowance.value) if allowance is not None else base


def _allows(allowance: Word | None) -> bool:
    return allowance is not None and allowance.value is True


def _lower(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _higher(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


class _Way:
    """The value as it goes from word to word."""

    def __init__(self, value: Any, source: Source) -> None:
        self.value, self.source = value, source
        self.steps = [Step(source, value)]

    def take(self, source: Source, value: Any) -> None:
        self.value, self.source = value, source
        self.steps.append(Step(source, value))

    def hear(self, source: Source, word: Word, *, value: Any = ..., counts: bool = True) -> None:
        if counts:
            self.value, self.source = word.value if value is ... else value, source
        self.steps.append(Step(source, word.value, counts, word.reason, word.until))

    def end(self) -> Settled:
        return Settled(self.value, self.source, tuple(self.steps))
