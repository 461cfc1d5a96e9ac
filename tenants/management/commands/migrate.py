"""`manage.py migrate`: every schema, quickly. Anything but the plain call goes the ordinary way, schema by schema."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from tenants.services import migrating

# With one of these the caller wants something particular: Django's own executor does it in each schema.
PARTICULAR = (
    "app_label",
    "migration_name",
    "fake",
    "fake_initial",
    "plan",
    "prune",
    "check_unapplied",
    "schema_name",
    "shared",
    "tenant",
    "executor",
)


class Command(MigrateSchemasCommand):
    """Brings the public schema and all tenants in step with the code, and prepares the script for new tenants."""

    help = "Migrates the public schema and every tenant. A plain call replays compiled SQL; with arguments each schema is migrated the ordinary way."

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's options, and one to get the ordinary way everywhere."""
        super().add_arguments(parser)
        parser.add_argument(
            "--ordinary", action="store_true", help="Do not replay compiled SQL; run Django's executor in every schema."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """The quick way, or the ordinary one when something particular was asked for."""
        ordinary = options.pop("ordinary", False)
        if ordinary or any(options.get(name) for name in PARTICULAR) or options["database"] != "default":
            super().handle(*args, **options)
            self._afterwards(options)
            return
        say = self.stdout.write if options["verbosity"] >= 1 else lambda _: None
        report = migrating.run(
            say=say,
            verbosity=options["verbosity"],
            options={"run_syncdb": options.get("run_syncdb", False), "interactive": options.get("interactive", False)},
        )
        self._tell(report, say)
        if report.failed:
            names = "\n".join(f"  {schema}: {error}" for schema, error in sorted(report.failed.items()))
            raise CommandError(
                f"{len(report.failed)} of {report.tenants} tenants could not be migrated:\n{names}", returncode=1
            )

    def _afterwards(self, options: dict[str, Any]) -> None:
        """The script for new tenants follows the template, whichever way that was migrated."""
        if options.get("plan") or options.get("check_unapplied") or options.get("shared"):
            return
        connection.set_schema_to_public()
        migrating.refresh_script()

    @staticmethod
    def _tell(report: migrating.Report, say: Any) -> None:
        if not report.changed and not report.failed:
            say(f"Everything is up to date: {report.tenants} tenants, {report.seconds:.1f} s.")
            return
        say(
            f"Migrated in {report.seconds:.1f} s: public {'yes' if report.public else 'no'}, template {'yes' if report.template else 'no'}, "
            f"{len(report.replayed)} tenants replayed, {len(report.ordinary)} the ordinary way, "
            f"{len(report.references)} brought in step, {len(report.failed)} failed."
        )
