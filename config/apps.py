"""Lets `config` bring its management commands; it has no tables."""

from django.apps import AppConfig


class WiringConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Deploy checks register themselves when imported."""
        from config import checks  # noqa: F401
