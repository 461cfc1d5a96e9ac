"""Tasks that wait for the broker: stored as events, sent by the dispatcher as soon as it is back."""

from typing import Any

from django.db import transaction
from django_tenants.utils import schema_context

from ops.kernel.outbox.events import TaskKept
from ops.kernel.outbox.services.publishing import publish
from ops.kernel.tasks import TENANT_HEADER


def keep(name: str, kwargs: dict[str, Any], headers: dict[str, str]) -> None:
    """Store a task durably, in the tenant it was meant for."""
    with schema_context(headers[TENANT_HEADER]), transaction.atomic():
        publish(TaskKept(task=name, kwargs=kwargs, headers=headers))
