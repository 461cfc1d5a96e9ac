"""Structured logs: one JSON object a line, with tenant, user and request id, and without secrets."""

import logging
from typing import Any

from django.apps import apps
from django.db import connection
from pythonjsonlogger.json import JsonFormatter as BaseFormatter

from ops.kernel import context
from ops.kernel.redaction import redact, redact_text


class JsonFormatter(BaseFormatter):
    """`time, level, logger, message, tenant, user, request_id` and whatever `extra=` adds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("timestamp", "time")
        kwargs.setdefault("json_ensure_ascii", False)
        super().__init__(*args, **kwargs)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Put ours first and mask the rest."""
        super().add_fields(log_data, record, message_dict)
        # Objects of the web server would be printed whole, with their headers.
        log_data.pop("request", None)
        log_data.pop("taskName", None)
        log_data.update(redact(log_data))
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        # While Django starts there is no connection to ask, and asking for one would fail.
        log_data["tenant"] = connection.schema_name if apps.models_ready else ""
        log_data["user"] = context.current_user_id()
        # Django speaks of a refused request after our middleware has left; the request itself still knows its id.
        asked = getattr(record, "request_id", "") or getattr(getattr(record, "request", None), "request_id", "")
        log_data["request_id"] = asked or context.request_id.get()

    def formatException(self, ei: Any) -> str:
        """A traceback without credentials in it."""
        return redact_text(str(super().formatException(ei)))
