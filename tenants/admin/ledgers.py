"""Ledgers of the whole installation: only platform staff see them, and nobody changes them by hand."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import AlertState
from ops.kernel.alerts.models import Alert
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import DomainError
from ops.kernel.outbox.models import OutboxDelivery, OutboxEvent
from ops.kernel.outbox.services import replaying
from tenants.admin import cells
from tenants.console import Menu, Reach, ResellerScopedAdmin, site


class Ledger(ResellerScopedAdmin):
    """Rows that are only read. Values in JSON are shown as text: unfold would colour them by inline styles."""

    reseller_path = Reach.PLATFORM
    platform_may = frozenset({"view"})
    show_full_result_count = False
    json_field = ""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every column, the one in JSON as text."""
        names = [field.name for field in self.model._meta.fields]
        return ["json_text" if name == self.json_field else name for name in names]

    get_readonly_fields = get_fields  # type: ignore[assignment]

    @admin.display(description=_("detail"))
    def json_text(self, row: Any) -> SafeString:
        """The value with one line a name."""
        text = json.dumps(getattr(row, self.json_field), indent=2, ensure_ascii=False, default=str)
        return format_html('<pre class="console-json">{}</pre>', text)


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(Ledger):
    """Who did what on the platform and in the consoles. Customers' own logs stay in their schemas."""

    menu = Menu("platform", "history", order=60)
    json_field = "detail"
    list_display = ("action_cell", "actor_label", "object_label", "ip", "at_cell")
    list_filter = ("actor_kind", ("at", admin.DateFieldListFilter))
    search_fields = ("action", "actor_label", "object_label", "=request_id")
    ordering = ("-at", "-id")
    empty_title = _("Nothing was done yet")
    empty_hint = _("Everything people do in the consoles is kept here.")
    export_columns = (
        (_("when"), lambda row: row.at.isoformat()),
        (_("action"), lambda row: row.action),
        (_("actor"), lambda row: row.actor_label),
        (_("object"), lambda row: row.object_label),
        (_("request id"), lambda row: row.request_id),
    )

    @admin.display(description=_("action"), ordering="action")
    def action_cell(self, row: AuditEntry) -> SafeString:
        """In words, with the name programs use."""
        return cells.titled(row.action_label, row.action)

    @admin.display(description=_("when"), ordering="at")
    def at_cell(self, row: AuditEntry) -> SafeString | str:
        """Relative time."""
        return cells.when(row.at)


@admin.register(OutboxEvent, site=site)
class OutboxEventAdmin(Ledger):
    """What happened in every schema, in the order it was written."""

    menu = Menu("platform", "bolt", order=40)
    json_field = "payload"
    list_display = ("name", "schema", "aggregate", "at_cell")
    list_filter = (("at", admin.DateFieldListFilter),)
    search_fields = ("^name", "=schema", "^aggregate", "=request_id")
    ordering = ("-position",)
    list_per_page = 50

    @admin.display(description=_("when"), ordering="at")
    def at_cell(self, row: OutboxEvent) -> SafeString | str:
        """Relative time."""
        return cells.when(row.at)


@admin.register(OutboxDelivery, site=site)
class OutboxDeliveryAdmin(Ledger):
    """Each event at each receiver. The ones that were given up wait here for somebody to look and send them again."""

    menu = Menu("platform", "outbox", order=45)
    list_display = ("event_cell", "receiver", "schema", "state_cell", "attempts", "error_cell", "due_cell")
    list_filter = ("state",)
    list_select_related = ("event",)
    search_fields = ("^receiver", "=schema", "^aggregate", "^event__name")
    ordering = ("-event", "receiver", "pk")
    actions = ("replay",)

    @admin.display(description=_("event"), ordering="event")
    def event_cell(self, row: OutboxDelivery) -> SafeString:
        """What happened to what."""
        return cells.titled(row.event.name, row.aggregate)

    @admin.display(description=_("state"), ordering="state")
    def state_cell(self, row: OutboxDelivery) -> SafeString:
        """The state in its tone."""
        return cells.state(row.state, row.get_state_display())

    @admin.display(description=_("last error"))
    def error_cell(self, row: OutboxDelivery) -> SafeString | str:
        """The first words of the error."""
        return format_html("<code>{}</code>", row.last_error.splitlines()[-1][:120]) if row.last_error else "–"

    @admin.display(description=_("next attempt"), ordering="due_at")
    def due_cell(self, row: OutboxDelivery) -> SafeString | str:
        """Relative time."""
        return cells.when(row.due_at)

    @admin.action(description=_("Send again"))
    def replay(self, request: HttpRequest, queryset: QuerySet[OutboxDelivery]) -> None:
        """Put the selected deliveries back in line; receivers recognise what they have handled."""
        count = replaying.replay(deliveries=queryset, by=request.user, now=timezone.now())
        message = ngettext(
            "%(count)s delivery is on its way again.", "%(count)s deliveries are on their way again.", count
        )
        self.message_user(request, message % {"count": count}, messages.SUCCESS)


@admin.register(Alert, site=site)
class AlertAdmin(Ledger):
    """What is wrong with the installation, until it is not any more."""

    menu = Menu("platform", "notifications", order=50)
    list_display = ("title_cell", "severity_cell", "state_cell", "count", "last_cell")
    list_filter = ("state", "severity")
    search_fields = ("title", "^kind", "^key")
    ordering = ("-last_seen_at", "-id")
    actions = ("acknowledge", "resolve")
    empty_title = _("All is well")
    empty_hint = _("Problems of the installation are told here and by e-mail.")

    @admin.display(description=_("title"), ordering="title")
    def title_cell(self, row: Alert) -> SafeString:
        """What is wrong, with the kind programs know."""
        return cells.titled(row.title, row.kind)

    @admin.display(description=_("severity"), ordering="severity")
    def severity_cell(self, row: Alert) -> SafeString:
        """How bad it is."""
        return cells.state(row.severity, row.get_severity_display())

    @admin.display(description=_("state"), ordering="state")
    def state_cell(self, row: Alert) -> SafeString:
        """Whether somebody looks after it."""
        return cells.state(row.state, row.get_state_display())

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def last_cell(self, row: Alert) -> SafeString | str:
        """Relative time."""
        return cells.when(row.last_seen_at)

    @admin.action(description=_("Look after it"))
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """The selected alerts stay active and stop being told."""
        for alert in queryset.filter(state=AlertState.OPEN):
            try:
                alerts.acknowledge(alert=alert, by=request.user, now=timezone.now())
            except DomainError as error:
                self.message_user(request, str(error), messages.WARNING)

    @admin.action(description=_("It is over"))
    def resolve(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """The selected alerts are closed; they open again when it happens again."""
        for alert in queryset.active():  # type: ignore[attr-defined]
            alerts.resolve(key=alert.key, by=request.user, now=timezone.now())
