"""What other systems may be told about: each app registers its events in its `apps.py`."""

from dataclasses import dataclass

from django.utils.functional import Promise

from ops.kernel.registry import Registry


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An event by its public name, such as `message.created`, in words for the person who chooses."""

    label: str | Promise
    order: int = 100


events: Registry[WebhookEvent] = Registry("webhook events")
