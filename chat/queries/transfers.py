"""Imports and exports as they go over the wire."""

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.models import AccountImport, ContactImport, DataExport, ImportLine
from chat.queries import wire
from ops.kernel import signing

SALT = "chat.export"
LINK_FOR = timedelta(minutes=10)
# Why a line of a spreadsheet is refused, or changes nothing.
REASONS: dict[str, str | Promise] = {
    "email": _("This is not an e-mail address."),
    "phone": _("This is not a phone number. Write it with its area code, or with its country code."),
    "nobody": _("The line names nobody: it has no name, e-mail, phone or identifier."),
    "cells": _("The line has more cells than the headings. A quotation mark may be missing."),
    "long": _("The text is too long."),
    "attributes": _("The attributes cannot be read, or there are too many."),
    "labels": _("The file would make too many new labels."),
    "known": _("This contact is known already, and you chose to leave those as they are."),
    "same": _("Everything the line says is known already."),
    "erased": _("This person's data was erased."),
}


def _transfer(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "state": row.state,
        "done": row.done,
        "total": row.total,
        "problem": row.problem,
        "by": wire.person(row.by),
        "created_at": wire.instant(row.created_at),
        "started_at": wire.instant(row.started_at),
        "finished_at": wire.instant(row.finished_at),
    }


def contact_import(row: ContactImport) -> dict[str, Any]:
    """A spreadsheet of contacts."""
    return {
        **_transfer(row),
        "name": row.name,
        "bytes": row.bytes,
        "encoding": row.encoding,
        "delimiter": row.delimiter,
        "headings": row.headings,
        "mapping": row.mapping,
        "update_known": row.update_known,
        "counts": row.counts,
    }


def line(row: ImportLine) -> dict[str, Any]:
    """What happens to one line."""
    return {
        "line": row.number,
        "outcome": row.outcome,
        "who": row.who,
        "field": row.field,
        "reason": row.reason,
        "detail": str(REASONS.get(row.reason, "")),
        "cells": row.cells,
        "contact": str(row.contact_id) if row.contact_id else None,
    }


def export(row: DataExport) -> dict[str, Any]:
    """A file to take away."""
    return {
        **_transfer(row),
        "kind": row.kind,
        "format": row.format,
        "bytes": row.bytes,
        "url": signed_url(row, now=timezone.now()),
        "expires_at": wire.instant(row.expires_at) if row.file else None,
    }


def signed_url(row: DataExport, *, now: datetime) -> str | None:
    """Address (a path) of the file, good for ten minutes for whoever holds it; nothing when there is no file."""
    if not row.file:
        return None
    token = signing.dumps_until(row.pk.hex, salt=SALT, until=now + LINK_FOR)
    return reverse("api:chat-export-file", args=[token], urlconf="config.urls_tenant")


def account_import(row: AccountImport) -> dict[str, Any]:
    """A Chatwoot account on its way here. Its token is never shown."""
    return {
        **_transfer(row),
        "base_url": row.base_url,
        "account": row.account,
        "name": row.name,
        "with_files": row.with_files,
        "stage": row.place.get("stage", ""),
        "counts": row.counts,
        "report": row.report,
        "due_at": wire.instant(row.due_at),
    }
