"""The support counter."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Support counter")

    def ready(self) -> None:
        from chat import permissions
        from chat.models import Inbox
        from chat.services import inboxes
        from ops.kernel.audit import actions
        from ops.kernel.registry import Gauge, Meter, gauges, meters
        from tenants.services.provisioning import on_ready

        permissions.register()
        on_ready.register("chat.first_inbox", inboxes.make_first)
        gauges.register("chat.inboxes", Gauge(_("Inboxes"), lambda: Inbox.objects.active().count()))
        meters.register("chat.conversations", Meter(_("Conversations"), _("conversations"), 10))
        meters.register("chat.messages", Meter(_("Messages"), _("messages"), 20))
        for action, label in (
            ("chat.inbox_created", _("Inbox added")),
            ("chat.inbox_changed", _("Inbox changed")),
            ("chat.contact_created", _("Contact added")),
            ("chat.contact_changed", _("Contact changed")),
            ("chat.conversation_assigned", _("Conversation assigned")),
            ("chat.conversation_unassigned", _("Conversation put back into the queue")),
            ("chat.conversation_status_changed", _("Conversation moved")),
        ):
            actions.register(action, label)
