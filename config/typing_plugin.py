"""Tells mypy what the middleware and django-tenants add at run time.

django-tenants' own plugin types `tenant` on subclasses of HttpRequest only; views take the class itself.
"""

from collections.abc import Callable

from mypy.plugin import ClassDefContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.types import AnyType, TypeOfAny

ADDED = {
    "django.http.request.HttpRequest": ("tenant", "reseller", "request_id", "rate", "htmx", "csp_nonce"),
    "django.db.backends.base.base.BaseDatabaseWrapper": (
        "tenant",
        "schema_name",
        "search_path_set_schemas",
        "set_tenant",
        "set_schema",
        "set_schema_to_public",
    ),
}


def _add(context: ClassDefContext) -> None:
    for name in ADDED[context.cls.fullname]:
        if name not in context.cls.info.names:
            add_attribute_to_class(context.api, context.cls, name, AnyType(TypeOfAny.explicit))


class TypingPlugin(Plugin):
    """Adds the attributes of `ADDED` to their classes."""

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Called for every class definition."""
        return _add if fullname in ADDED else None


def plugin(version: str) -> type[Plugin]:
    """mypy's entry point."""
    return TypingPlugin
