"""`manage.py audit verify|export`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django_tenants.utils import get_public_schema_name, schema_context

from ops.kernel.audit import services
from ops.kernel.audit.models import AuditEntry
from ops.kernel.tasks import every_tenant

COLUMNS = [
    "seq", "at", "action", "actor_id", "actor_label", "actor_kind", "object_type", "object_id", "object_label",
    "detail", "request_id", "ip", "prev_hash", "hash",
]  # fmt: skip


class Command(BaseCommand):
    """For operators and auditors."""

    help = "Prove that the audit logs are whole, or write one out as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One verb each."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verify = verbs.add_parser("verify", help="Walk the chain of every schema, or of one.")
        verify.add_argument("--schema")
        verify.add_argument("--json", action="store_true")
        export = verbs.add_parser("export", help="One entry a line, oldest first.")
        export.add_argument("--schema", default=get_public_schema_name())

    def handle(self, *, verb: str, **options: Any) -> None:
        """Do what the verb says."""
        getattr(self, f"_{verb}")(options)

    def _verify(self, options: dict[str, Any]) -> None:
        broken = False
        for schema in _schemas(options["schema"]):
            verdict = services.verify()
            broken = broken or not verdict.ok
            if options["json"]:
                self.stdout.write(
                    json.dumps(
                        {
                            "schema": schema,
                            "ok": verdict.ok,
                            "entries": verdict.entries,
                            "head": verdict.head,
                            "broken_at": verdict.broken_at,
                        }
                    )
                )
            elif verdict.ok:
                self.stdout.write(f"{schema}: {verdict.entries} entries, whole, head {verdict.head or '-'}")
            else:
                self.stdout.write(f"{schema}: BROKEN at entry {verdict.broken_at}, {verdict.unsealed} not sealed")
        if broken:
            raise CommandError("At least one audit log was changed.")

    def _export(self, options: dict[str, Any]) -> None:
        with schema_context(options["schema"]):
            entries = (
                AuditEntry.objects.with_words().order_by("seq", "id").values(*COLUMNS, "words_label", "words_detail")
            )
            for entry in entries.iterator(chunk_size=2000):
                self.stdout.write(json.dumps(entry, cls=DjangoJSONEncoder, ensure_ascii=False))


def _schemas(only: str | None) -> Iterator[str]:
    """Enter each schema in turn."""
    if only:
        with schema_context(only):
            yield only
        return
    for _tenant in every_tenant(include_public=True):
        yield connection.schema_name
