"""What is in force: the schema's own value, else what was set for its group, else the platform's, else the default."""

import logging
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, schema_context

from ops.kernel import fields as cipher
from ops.kernel.configuration import registry
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.registry import Definition, Field, definitions
from ops.kernel.configuration.values import Secret, Source, Values
from ops.kernel.errors import NotFound

log = logging.getLogger(__name__)

CACHE_S = 300
CHANGING = "changing"
CHANGING_S = 10
NOTHING: dict[str, Any] = {"version": 0, "values": {}, "secrets": {}}
Layer = tuple[Source, dict[str, Any]]


class UnknownSetting(NotFound):
    """No app declared a setting of this name."""

    code = "unknown_setting"


def get(name: str) -> Values:
    """The values in force in the current schema.

    A field that was never set falls back to the value of the group the schema belongs to (its reseller), then to the
    platform's (both when the setting is inherited), then to the Django setting it names, then to its default. Fields
    that belong `together` come from one place: a key is never sent to an address that somebody else entered.
    Secrets come wrapped in `Secret`; `sources` says where each field came from.
    """
    return merged(find(name), stored(name))


def merged(definition: Definition, mine: dict[str, Any], *, scope: str = "") -> Values:
    """`mine` over what stands above the current schema or, with `scope`, above that group."""
    name = definition.name
    layers: list[Layer] = [(Source.OWN, mine)]
    schema = connection.schema_name
    if scope:
        layers.append((Source.PLATFORM, stored(name)))
    elif definition.inherit and schema != get_public_schema_name():
        group = registry.scope_between(schema)
        with schema_context(get_public_schema_name()):
            if group:
                layers.append((Source.GROUP, stored(name, group)))
            layers.append((Source.PLATFORM, stored(name)))
    return _merged(definition, layers, version=mine["version"])


def own(name: str, *, scope: str = "") -> Values:
    """What was saved in this schema for `scope` and nothing from above; an empty field is `None` or an empty secret."""
    definition = find(name)
    mine = stored(name, scope)
    values: dict[str, Any] = {}
    for field in definition.fields:
        token = mine["secrets"].get(field.name)
        values[field.name] = (
            Secret(cipher.decrypt(token) if token else "") if field.secret else mine["values"].get(field.name)
        )
    return Values(values, version=mine["version"])


def effective_for(name: str, scope: str) -> Values:
    """What a group works with: its own values over the platform's. In public."""
    return merged(find(name), stored(name, scope), scope=scope)


def find(name: str) -> Definition:
    """The declaration of a setting. Raises `UnknownSetting`."""
    definition = definitions.get(name)
    if definition is None:
        raise UnknownSetting()
    return definition


def _merged(definition: Definition, layers: list[Layer], *, version: int) -> Values:
    owner = _owner_of_group(definition, layers)
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for field in definition.fields:
        from_layers = layers
        if field.name in definition.together and owner is not None:
            from_layers = [owner]
        values[field.name], sources[field.name] = _value(
            field, from_layers, with_setting=owner is None or field.name not in definition.together
        )
    return Values(values, version=version, sources=sources)


def _owner_of_group(definition: Definition, layers: list[Layer]) -> Layer | None:
    """The nearest layer that has something to say about the fields that belong together."""
    for layer in layers:
        for name in definition.together:
            if layer[1]["secrets"].get(name) or layer[1]["values"].get(name) not in (None, "", [], {}):
                return layer
    return None


def _value(field: Field, layers: list[Layer], *, with_setting: bool) -> tuple[Any, Source]:
    for source, layer in layers:
        if field.secret and layer["secrets"].get(field.name):
            return Secret(cipher.decrypt(layer["secrets"][field.name])), source
        if not field.secret and field.name in layer["values"]:
            return layer["values"][field.name], source
    fallback = getattr(settings, field.setting, None) if field.setting and with_setting else None
    if field.secret:
        return Secret(fallback or ""), Source.PLATFORM if fallback else Source.DEFAULT
    if fallback in (None, "", []):
        return field.default, Source.DEFAULT
    return fallback, Source.PLATFORM


def _cache_key(name: str, scope: str) -> str:
    return f"configuration:{name}:{scope}" if scope else f"configuration:{name}"


def stored(name: str, scope: str = "") -> dict[str, Any]:
    """Plain values and encrypted tokens in force; cached, and the cache holds no secret in the clear."""
    try:
        found = cache.get(_cache_key(name, scope))
    except redis.RedisError as error:
        log.warning("Settings are read without the cache: %s", error)
        return _in_force(name, scope)
    if found is None or found == CHANGING:
        found = _in_force(name, scope)
        # `add`, not `set`: what was read before a change must not outlive it.
        cache.add(_cache_key(name, scope), found, CACHE_S)
    return found


def _in_force(name: str, scope: str) -> dict[str, Any]:
    rows = SettingVersion.objects.active().filter(name=name, scope=scope)
    row = rows.values("version", "values", "secrets").first()
    return dict(row) if row else NOTHING


def forget(name: str, scope: str = "") -> None:
    """Mark the cached values as changing, now and again at the commit, under the key of the schema that changes.

    While the mark stands everybody reads the table and nobody fills the cache: this transaction sees its own change,
    and a reader that was on its way with the old values cannot leave them behind.
    """
    schema = connection.schema_name

    def mark() -> None:
        try:
            with schema_context(schema):
                cache.set(_cache_key(name, scope), CHANGING, CHANGING_S)
        except redis.RedisError as error:
            log.error("The cache keeps the old values for up to %s seconds: %s", CACHE_S, error)

    mark()
    transaction.on_commit(mark)
