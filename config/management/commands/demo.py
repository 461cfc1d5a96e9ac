"""`manage.py demo`: the demo installation, for development only."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config import demo


class Command(BaseCommand):
    """Builds the demo; what is there already stays as it is."""

    help = "Builds the demo installation (development only)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options of the command."""
        parser.add_argument(
            "--if-empty", action="store_true", help="Do nothing when there is a reseller or a customer."
        )
        parser.add_argument("--accounts", action="store_true", help="Only print the addresses and accounts.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, or print the accounts."""
        if options["accounts"]:
            if settings.DEMO:
                for address, account in demo.accounts():
                    self.stdout.write(f"{address}  {account}  {demo.PASSWORD}")
            return
        if options["if_empty"] and (not settings.DEMO or not demo.is_empty()):
            return
        if not settings.DEMO:
            raise CommandError("The demo has accounts with a public password. Set DEMO=1 and DEBUG=1 to build it.")
        demo.build(now=timezone.now(), say=self.stdout.write)
