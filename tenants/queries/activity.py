"""What just happened in a company, for its home page."""

from typing import Any

from django.db import connection

from ops.kernel.audit.actions import label_of

# Written out: on the page everybody opens first, making the words from a query set costs more than the answer.
LATEST = """
SELECT at, action, actor_label, object_label FROM audit_auditentry
WHERE action <> ALL (%s) ORDER BY at DESC, id DESC LIMIT %s
"""
# Everybody comes and goes; the page shows what somebody did.
COMINGS_AND_GOINGS = ["accounts.login", "accounts.api_login", "accounts.logout"]
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
    with connection.cursor() as sql:
        sql.execute(LATEST, [COMINGS_AND_GOINGS, limit])
        entries = sql.fetchall()
    return [
        {
            "icon": ICONS.get(action.split(".")[0], "circle-dot"),
            "text": f"{label_of(action)}: {about}" if about else label_of(action),
            "detail": actor,
            "at": at,
        }
        for at, action, actor, about in entries
    ]
