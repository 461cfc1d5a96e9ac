"""What stands in the cells of the console's lists."""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from ops.kernel.alerts.enums import AlertState, Severity
from ops.kernel.outbox.models import DeliveryState
from tenants.enums import JobState, TenantStatus
from tenants.templatetags.ui import ago

TONES: dict[Any, str] = {
    TenantStatus.PROVISIONING: "blue",
    TenantStatus.ACTIVE: "green",
    TenantStatus.SUSPENDED: "amber",
    TenantStatus.ARCHIVED: "",
    TenantStatus.DELETED: "",
    JobState.QUEUED: "blue",
    JobState.RUNNING: "blue",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    DeliveryState.DEAD: "red",
    AlertState.OPEN: "red",
    AlertState.ACKNOWLEDGED: "amber",
    AlertState.RESOLVED: "green",
    Severity.INFO: "blue",
    Severity.WARNING: "amber",
    Severity.ERROR: "red",
    Severity.CRITICAL: "red",
    Severity.EMERGENCY: "red",
}


def badge(label: object, tone: str = "") -> SafeString:
    """A state in a word."""
    return mark_safe(render_to_string("components/badge.html", {"label": label, "tone": tone}))  # noqa: S308  our own template


def state(value: Any, label: object) -> SafeString:
    """A state in a word, in the tone it has everywhere."""
    return badge(label, TONES.get(value, ""))


def titled(title: object, hint: object = "") -> SafeString:
    """A name with a quieter line under it."""
    return format_html('<span class="cell-title"><span>{}</span><small>{}</small></span>', title, hint)


def when(value: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover."""
    return ago(value) if value else "–"


def linked(title: object, url: str) -> SafeString:
    """A name that leads somewhere."""
    return format_html('<a href="{}">{}</a>', url, title)


def titled_link(title: object, url: str, hint: object = "") -> SafeString:
    """A name that leads somewhere, with a quieter line under it."""
    return format_html('<span class="cell-title"><a href="{}">{}</a><small>{}</small></span>', url, title, hint)
