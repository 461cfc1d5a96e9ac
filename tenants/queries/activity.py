"""What just happened in a company, for its home page."""

from typing import Any

from ops.kernel.audit.actions import label_of
from ops.kernel.audit.models import AuditEntry

# Everybody comes and goes; the page shows what somebody did.
COMINGS_AND_GOINGS = ("accounts.login", "accounts.api_login", "accounts.logout")
ICONS = {
    "tenants": "building-2",
    "accounts": "user-round",
    "chat": "messages-square",
    "billing": "receipt-text",
    "alerts": "bell",
    "configuration": "sliders-horizontal",
}


def latest(*, limit: int = 6) -> list[dict[str, Any]]:
    """The newest entries of the audit log of this schema, as `components/timeline.html` draws them."""
    shown = AuditEntry.objects.exclude(action__in=COMINGS_AND_GOINGS)
    entries = shown.newest_first().values_list("at", "action", "actor_label", "object_label")[:limit]
    return [
        {
            "icon": ICONS.get(action.split(".")[0], "circle-dot"),
            "text": f"{label_of(action)}: {about}" if about else label_of(action),
            "detail": actor,
            "at": at,
        }
        for at, action, actor, about in entries
    ]
