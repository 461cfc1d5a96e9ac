"""Sockets of the console."""

from typing import Any

from ops.kernel.consumers import CLOSE_FORBIDDEN, CLOSE_UNAUTHENTICATED, TenantConsumer
from tenants.services import support


class SupportConsumer(TenantConsumer):
    """Tells a page of the console that one of this person's requests to enter a customer changed.

    A hint without content: the page asks what became of it, by the door that decides what it may know.
    """

    async def connect(self) -> None:
        """For people of the platform's or a reseller's host; frames of theirs are not expected."""
        if not self.tenant.is_public:
            await self.close(CLOSE_FORBIDDEN)
        elif not self.scope["user"].is_authenticated:
            await self.close(CLOSE_UNAUTHENTICATED)
        else:
            await self.join(support.group_of(self.scope["user"].pk))
            await self.accept()

    async def receive_frame(self, frame: dict[str, Any]) -> None:
        """Nothing to say to us."""

    async def support_changed(self, message: dict[str, Any]) -> None:
        """Look again."""
        await self.send_frame({"type": "support.changed"})
