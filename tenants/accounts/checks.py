"""Start-up checks of accounts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, register

from ops.kernel.registry import permission_areas, permissions
from tenants.accounts.enums import BuiltInRole


@register(Tags.models)
def permissions_exist(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Every permission given to a role is one that a model's Meta makes, and every role named exists."""
    existing = set()
    for model in apps.get_models():
        meta = model._meta
        existing |= {f"{meta.app_label}.{action}_{meta.model_name}" for action in meta.default_permissions}
        existing |= {f"{meta.app_label}.{codename}" for codename, _name in meta.permissions}
    problems: list[CheckMessage] = []
    for definition in permissions:
        if definition.codename not in existing:
            problems.append(
                Error(
                    f"The permission {definition.codename!r} is registered but no model makes it.",
                    hint="Add it to Meta.permissions of the model it is about, or remove the registration.",
                    id="accounts.E001",
                )
            )
        if definition.area not in permission_areas or not definition.hint:
            problems.append(
                Error(
                    f"The permission {definition.codename!r} has no area or no hint.",
                    hint="The page of roles and the scopes of tokens show it there: "
                    f"PermissionDef(..., area, hint), area one of {', '.join(permission_areas.keys())}.",
                    id="accounts.E003",
                )
            )
        unknown = set(definition.roles) - set(BuiltInRole.values)
        if unknown:
            problems.append(
                Error(
                    f"The permission {definition.codename!r} is given to unknown roles: {', '.join(sorted(unknown))}.",
                    hint=f"Built-in roles are {', '.join(BuiltInRole.values)}.",
                    id="accounts.E002",
                )
            )
    return problems
