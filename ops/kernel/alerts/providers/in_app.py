"""Alerts inside the product: a live frame to everybody who follows this tenant's alerts."""

from ops.kernel import live
from ops.kernel.alerts.providers.base import Notice, Receipt


class InAppChannel:
    """The list behind the bell is the table itself; this tells open pages at once that it changed."""

    def send(self, notice: Notice, *, recipient: str, reference: str) -> Receipt:
        """Push to the group `alerts` of the current schema; who is not looking finds it in the list."""
        live.push(
            live.group("alerts"),
            {"type": "alert.notice", "reference": reference, "title": notice.title, "severity": int(notice.severity)},
        )
        return Receipt(ok=True, provider_id=reference)
