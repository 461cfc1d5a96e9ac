"""Setting up addresses of other systems."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from ops.kernel.audit import services as audit
from ops.kernel.webhooks.errors import EndpointNotFound, NoEvents, TooManyEndpoints, UnknownEvent, UnusableAddress
from ops.kernel.webhooks.models import WebhookEndpoint, new_secret
from ops.kernel.webhooks.registry import events as known_events

MOST = 20
# How long both secrets sign after a change, so that the other side can follow without losing anything.
OVERLAP = timedelta(hours=24)
CHANGEABLE = {"url", "description", "events", "enabled"}


def get(*, endpoint_id: UUID) -> WebhookEndpoint:
    """The endpoint. Raises `EndpointNotFound`."""
    found = WebhookEndpoint.objects.filter(pk=endpoint_id).first()
    if found is None:
        raise EndpointNotFound()
    return found


@transaction.atomic
def create(
    *, url: str, events: Sequence[str], by: Any, now: datetime, description: str = "", enabled: bool = True
) -> WebhookEndpoint:
    """Add an address. Raises `UnusableAddress`, `UnknownEvent`, `NoEvents`, `TooManyEndpoints`."""
    if WebhookEndpoint.objects.count() >= MOST:
        raise TooManyEndpoints(limit=MOST)
    endpoint = WebhookEndpoint.objects.create(
        url=_usable(url), events=_known(events), description=description.strip(), enabled=enabled
    )
    audit.record("webhooks.endpoint_created", by=by, on=endpoint, detail={"url": endpoint.url}, now=now)
    return endpoint


@transaction.atomic
def change(*, endpoint_id: UUID, by: Any, now: datetime, **changes: Any) -> WebhookEndpoint:
    """Change address, words, events or whether it is on. Switching on forgets earlier failures."""
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound()
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"change() got unexpected fields: {', '.join(sorted(unknown))}")
    if "url" in changes:
        changes["url"] = _usable(changes["url"])
    if "events" in changes:
        changes["events"] = _known(changes["events"])
    changed = sorted(name for name, value in changes.items() if getattr(endpoint, name) != value)
    if not changed:
        return endpoint
    for name in changed:
        setattr(endpoint, name, changes[name])
    if "enabled" in changed or "url" in changed:
        endpoint.failing_since = None
    endpoint.save()
    audit.record("webhooks.endpoint_changed", by=by, on=endpoint, detail={"fields": changed}, now=now)
    return endpoint


@transaction.atomic
def remove(*, endpoint_id: UUID, by: Any, now: datetime) -> None:
    """Take an address away, with the record of what was sent to it."""
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound()
    audit.record("webhooks.endpoint_removed", by=by, on=endpoint, detail={"url": endpoint.url}, now=now)
    endpoint.delete()


@transaction.atomic
def rotate_secret(*, endpoint_id: UUID, by: Any, now: datetime) -> WebhookEndpoint:
    """Give a new secret. For a day everything is signed with both."""
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound()
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + OVERLAP
    endpoint.secret = new_secret()
    endpoint.save()
    audit.record("webhooks.secret_rotated", by=by, on=endpoint, now=now)
    return endpoint


def _usable(url: str) -> str:
    """An address that may be called; its host is looked at again at every call (`http.PublicOnlyTransport`)."""
    url = url.strip()
    schemes = ["https", "http"] if settings.WEBHOOK_PRIVATE_ADDRESSES else ["https"]
    try:
        URLValidator(schemes=schemes)(url)
    except ValidationError as error:
        raise UnusableAddress(field="url") from error
    parts = urlsplit(url)
    if parts.username or parts.password or parts.fragment:
        raise UnusableAddress(field="url")
    return url


def _known(events: Sequence[str]) -> list[str]:
    if not events:
        raise NoEvents(field="events")
    if "*" in events:
        return ["*"]
    for event in events:
        if event not in known_events:
            raise UnknownEvent(field="events", event=event)
    return sorted(set(events))
