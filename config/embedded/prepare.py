"""Brings the database up to date and, when it is empty, fills it with the demo: one start of Django for both."""

import os
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Called by `bin/dev` before anything else uses the database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - needs the set-up above

    call_command("migrate", verbosity=1, interactive=False)
    if settings.DEMO:
        call_command("demo", if_empty=True)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    main()
