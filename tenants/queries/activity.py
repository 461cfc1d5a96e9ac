"""What just happened in a company, for its home page."""

from typing import Any

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
    entries = shown.only("at", "action", "actor_label", "object_label").newest_first()[:limit]
    return [
        {
            "icon": ICONS.get(entry.action.split(".")[0], "circle-dot"),
            "text": f"{entry.action_label}: {entry.object_label}" if entry.object_label else entry.action_label,
            "detail": entry.actor_label,
            "at": entry.at,
        }
        for entry in entries
    ]
