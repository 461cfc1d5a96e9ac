"""`manage.py configuration rotate-keys|export|import`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django_tenants.utils import get_public_schema_name, get_tenant_model, schema_context

from ops.kernel.configuration import services
from ops.kernel.errors import DomainError

BY = "manage.py configuration"


class Command(BaseCommand):
    """For operators."""

    help = "Rotate the encryption keys of stored secrets, and carry settings from one schema to another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One verb each."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "rotate-keys",
            help="Encrypt everything again with the first key of FIELD_KEYS; afterwards the others can go.",
        )
        for verb, words in (("export", "Write settings, without secrets."), ("import", "Take over exported settings.")):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("--schema", default=get_public_schema_name())
            one.add_argument("--yaml", action="store_true")
            if verb == "import":
                one.add_argument("file", type=Path, help="A file, or - for standard input.")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Do what the verb says."""
        try:
            getattr(self, f"_{verb.replace('-', '_')}")(options)
        except DomainError as error:
            raise CommandError(
                " ".join([str(error), *(f"{one.field}: {one.detail}" for one in error.errors)])
            ) from error

    def _rotate_keys(self, options: dict[str, Any]) -> None:
        unreadable: list[str] = []
        for schema in _schemas_with_data():
            done = services.rotate_keys(by=BY)
            self.stdout.write(f"{schema}: {done.rotated} rotated, {done.current} already under the newest key")
            unreadable += [f"{schema}: {what}" for what in done.unreadable]
        if unreadable:
            raise CommandError("No key in FIELD_KEYS reads these:\n" + "\n".join(unreadable))

    def _export(self, options: dict[str, Any]) -> None:
        with schema_context(options["schema"]):
            self.stdout.write(services.export(form=_form(options)))

    def _import(self, options: dict[str, Any]) -> None:
        file: Path = options["file"]
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        with schema_context(options["schema"]):
            changed = services.import_(text, by=BY, form=_form(options))
        self.stdout.write(f"{len(changed)} settings changed: {', '.join(changed) or '-'}")


def _form(options: dict[str, Any]) -> str:
    return "yaml" if options["yaml"] else "json"


def _schemas_with_data() -> Iterator[str]:
    """Enter every schema that exists, whatever the state of its tenant: a suspended tenant has secrets too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace")
        present = {name for (name,) in cursor.fetchall()}
    for schema in list(get_tenant_model().objects.order_by("pk").values_list("schema_name", flat=True)):
        if schema in present:
            with schema_context(schema):
                yield schema
