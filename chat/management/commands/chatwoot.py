"""`manage.py chatwoot`: move a Chatwoot account into a tenant, and wait for it."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django_tenants.utils import get_tenant_model, tenant_context

from chat.services import account_imports
from ops.kernel.errors import DomainError

POLL_S = 1.0


class Command(BaseCommand):
    """For whoever moves a customer: the same import as on the settings page, read to its end here."""

    help = "Import a Chatwoot account: labels, canned replies, contacts, conversations, files, articles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, where to."""
        parser.add_argument("--tenant", required=True, help="schema or address of the tenant")
        parser.add_argument("--url", required=True, help="https://app.chatwoot.com")
        parser.add_argument("--account", required=True, help="the account's number")
        parser.add_argument(
            "--token-file", required=True, help="file with an administrator's access token; - reads it from here"
        )
        parser.add_argument("--no-files", action="store_true", help="leave attachments behind")

    def handle(self, *, tenant: str, url: str, account: str, token_file: str, no_files: bool, **options: Any) -> None:
        """Begin, and read until it is over."""
        tenants = get_tenant_model().objects
        found = tenants.filter(schema_name=tenant).first() or tenants.filter(domains__domain=tenant).first()
        if found is None:
            raise CommandError(f"No tenant is called {tenant!r}.")
        token = (sys.stdin.readline() if token_file == "-" else Path(token_file).read_text(encoding="utf-8")).strip()  # noqa: S105
        with tenant_context(found):
            try:
                row = account_imports.begin(
                    base_url=url, account=account, token=token, with_files=not no_files, by=None, now=timezone.now()
                )
            except DomainError as error:
                raise CommandError(str(error)) from error
            while not account_imports.run(import_id=row.pk, now=timezone.now()):
                row.refresh_from_db()
                self.stderr.write(f"{row.place.get('stage')}: {row.counts}")
                if row.due_at is not None:
                    time.sleep(POLL_S)
            row.refresh_from_db()
        for left in row.report:
            self.stdout.write(f"left behind: {left['what']} {left['name']}: {left['why']}")
        self.stdout.write(f"{row.state}: {row.counts}")
        if row.problem:
            raise CommandError(row.problem)
