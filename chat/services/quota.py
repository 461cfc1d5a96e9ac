"""Plan limits of the counter. They are gentle: a visitor's message is never dropped."""

from datetime import datetime
from uuid import UUID

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing import entitlements
from chat.models import Conversation
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.metering import services as metering

CONVERSATIONS = "chat.conversations_month"
METER = "chat.conversations"


def count_conversation(*, conversation_id: UUID, now: datetime) -> None:
    """Count a conversation at the visitor's first message; beyond the plan it is marked and the team is told."""
    decision = entitlements.check(CONVERSATIONS, amount=1)
    metering.record(METER, event_id=f"conversation:{conversation_id}", now=now)
    if decision.allowed or decision.limit is None:
        return
    Conversation.objects.filter(pk=conversation_id).update(over_quota=True)
    alerts.raise_alert(
        "chat.limit_reached",
        severity=Severity.WARNING,
        key=f"{CONVERSATIONS}:{now:%Y-%m}",
        title=_("This month's conversations are used up"),
        body=_("New conversations still arrive. Your plan includes %(limit)s a month; a larger plan brings more.")
        % {"limit": number_format(decision.limit, force_grouping=True)},
        now=now,
    )
