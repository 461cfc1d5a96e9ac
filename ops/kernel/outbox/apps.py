"""The app's name, and what it registers at start."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    """Events and webhooks; tables in public only, the schema is a column."""

    name = "ops.kernel.outbox"
    label = "outbox"
    verbose_name = _("Outbox")

    def ready(self):
        """Import every app's `receivers.py`, and connect the tenant to Celery's messages."""
        from ops.kernel import tasks  # connects the tenant to Celery's signals
        from ops.kernel.audit import actions
        from ops.kernel.outbox.services import keeping

        tasks.keeper = keeping

        actions.register("outbox.event_replayed", _("Event delivered again"))
        actions.register("outbox.deliveries_replayed", _("Deliveries put back in line"))
        actions.register("outbox.deliveries_discarded", _("Given-up deliveries discarded"))
        actions.register("outbox.webhook_replayed", _("Webhook handled again"))
        autodiscover_modules("receivers")
