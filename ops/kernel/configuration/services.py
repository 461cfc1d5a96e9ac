"""Read and change settings. Every change is a new version with its author; secrets are encrypted at rest."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
import yaml
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import get_public_schema_name, schema_context

from ops.kernel import fields as cipher
from ops.kernel.actors import actor_of
from ops.kernel.audit import services as audit
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.registry import Definition, Field, definitions
from ops.kernel.configuration.values import Secret, Values
from ops.kernel.errors import FieldError, Invalid, NotFound
from ops.kernel.redaction import MASK

log = logging.getLogger(__name__)

CACHE_S = 300
CHANGING = "changing"
CHANGING_S = 10
NOTHING: dict[str, Any] = {"version": 0, "values": {}, "secrets": {}}
FORMAT = 1


class UnknownSetting(NotFound):
    """No app declared a setting of this name."""

    code = "unknown_setting"


def get(name: str) -> Values:
    """The values in force in the current schema.

    A field that was never set falls back to the platform's value (when the setting is inherited), then to the
    Django setting it names, then to its default. Secrets come wrapped in `Secret`.
    """
    definition = _definition(name)
    own = _stored(name)
    layers = [own]
    if definition.inherit and connection.schema_name != get_public_schema_name():
        with schema_context(get_public_schema_name()):
            layers.append(_stored(name))
    values = {field.name: _value(field, layers) for field in definition.fields}
    return Values(values, version=own["version"])


def _value(field: Field, layers: list[dict[str, Any]]) -> Any:
    for layer in layers:
        if field.secret and layer["secrets"].get(field.name):
            return Secret(cipher.decrypt(layer["secrets"][field.name]))
        if not field.secret and field.name in layer["values"]:
            return layer["values"][field.name]
    fallback = getattr(settings, field.setting, None) if field.setting else None
    if field.secret:
        return Secret(fallback or "")
    return field.default if fallback in (None, "") else fallback


def _cache_key(name: str) -> str:
    return f"configuration:{name}"


def _stored(name: str) -> dict[str, Any]:
    """Plain values and encrypted tokens in force; cached, and the cache holds no secret in the clear."""
    try:
        found = cache.get(_cache_key(name))
    except redis.RedisError as error:
        log.warning("Settings are read without the cache: %s", error)
        return _in_force(name)
    if found is None or found == CHANGING:
        found = _in_force(name)
        # `add`, not `set`: what was read before a change must not outlive it.
        cache.add(_cache_key(name), found, CACHE_S)
    return found


def _in_force(name: str) -> dict[str, Any]:
    row = SettingVersion.objects.active().filter(name=name).values("version", "values", "secrets").first()
    return dict(row) if row else NOTHING


def set(name: str, value: Mapping[str, Any], *, by: Any, note: str = "", now: datetime | None = None) -> SettingVersion:
    """Make a new version with these fields changed; the others stay. Raises `Invalid` naming each wrong field.

    A secret given as the mask (what a form shows) or left out stays; an empty one is removed.
    """
    definition = _definition(name)
    now = now or timezone.now()
    with transaction.atomic():
        current = SettingVersion.objects.active().filter(name=name).select_for_update().first()
        values = dict(current.values) if current else {}
        secrets = dict(current.secrets) if current else {}
        before = {**values, **dict.fromkeys(secrets, MASK)}
        changed_secrets = _apply(definition, value, values=values, secrets=secrets)
        return _save(
            definition,
            current,
            values=values,
            secrets=secrets,
            by=by,
            note=note,
            now=now,
            detail=_difference(before, values, secrets, changed_secrets),
        )


def _apply(
    definition: Definition, given: Mapping[str, Any], *, values: dict[str, Any], secrets: dict[str, str]
) -> list[str]:
    """Write the given fields into `values` and `secrets`; says which secrets are new."""
    problems: list[FieldError] = []
    changed: list[str] = []
    for key, raw in given.items():
        field = definition.by_name.get(key)
        if field is None:
            problems.append(FieldError(str(key)[:100], "unknown_field", _("This field is not known here.")))
            continue
        if field.secret and raw == MASK:
            continue
        try:
            clean = _clean(field, raw)
        except ValidationError as error:
            problems.append(FieldError(key, error.code or "invalid", " ".join(error.messages)))
            continue
        if field.secret:
            changed.append(key)
            secrets.pop(key, None)
            if clean:
                secrets[key] = cipher.encrypt(clean)
        else:
            values[key] = clean
    for field in definition.fields:
        have = secrets.get(field.name) if field.secret else values.get(field.name, field.default)
        if (
            field.required
            and have in (None, "", [], {})
            and not any(problem.field == field.name for problem in problems)
        ):
            problems.append(FieldError(field.name, "required", _("This field is required.")))
    if not problems and definition.check is not None:
        try:
            definition.check(values)
        except ValidationError as error:
            problems.append(FieldError("", error.code or "invalid", " ".join(error.messages)))
    if problems:
        raise Invalid(errors=problems)
    return changed


def _clean(field: Field, raw: Any) -> Any:
    if raw is None:
        return None
    if not isinstance(raw, field.type) or (field.type is int and isinstance(raw, bool)):
        raise ValidationError(_("This value has the wrong type."), code="wrong_type")
    if isinstance(raw, str):
        raw = raw.strip()
        if len(raw) > field.max_length:
            raise ValidationError(_("Use at most %(limit)s characters.") % {"limit": field.max_length}, code="too_long")
        if "\x00" in raw:
            raise ValidationError(_("Text must not contain the NUL character."), code="invalid")
    if field.choices and raw not in field.choices:
        raise ValidationError(_("Choose one of the listed values."), code="not_a_choice")
    if field.type is int and field.min_value is not None and raw < field.min_value:
        raise ValidationError(_("Use at least %(limit)s.") % {"limit": field.min_value}, code="too_small")
    if field.type is int and field.max_value is not None and raw > field.max_value:
        raise ValidationError(_("Use at most %(limit)s.") % {"limit": field.max_value}, code="too_large")
    if field.type in (list, dict) and len(json.dumps(raw)) > 100_000:
        raise ValidationError(_("This value is too large."), code="too_large")
    if field.validate is not None and raw != "":
        field.validate(raw)
    return raw


def _difference(
    before: dict[str, Any], values: dict[str, Any], secrets: dict[str, str], changed_secrets: list[str]
) -> dict[str, Any]:
    changes: dict[str, Any] = {
        key: {"from": before.get(key), "to": value} for key, value in values.items() if before.get(key) != value
    }
    for key in changed_secrets:
        changes[key] = "replaced" if key in secrets else "removed"
    return changes


def _save(
    definition: Definition,
    current: SettingVersion | None,
    *,
    values: dict[str, Any],
    secrets: dict[str, str],
    by: Any,
    note: str,
    now: datetime,
    detail: dict[str, Any],
) -> SettingVersion:
    newest = SettingVersion.objects.of(definition.name).first()
    if current is not None:
        SettingVersion.objects.filter(pk=current.pk).update(active=False)
    actor = actor_of(by)
    made = SettingVersion.objects.create(
        name=definition.name,
        version=(newest.version if newest else 0) + 1,
        values=values,
        secrets=secrets,
        author_id=actor.id,
        author_label=actor.label,
        note=note[:200],
        created_at=now,
    )
    audit.record(
        "configuration.changed",
        by=by,
        on=made,
        detail={"setting": definition.name, "version": made.version, "changes": detail},
        now=now,
    )
    _forget(definition.name)
    return made


def history(name: str) -> Any:
    """Versions of a setting, newest first."""
    _definition(name)
    return SettingVersion.objects.of(name)


@transaction.atomic
def rollback(name: str, *, version: int, by: Any, now: datetime | None = None) -> SettingVersion:
    """Put an earlier version in force again, as a new version. Raises `NotFound` and, for values that are no longer valid, `Invalid`."""
    definition = _definition(name)
    current = SettingVersion.objects.active().filter(name=name).select_for_update().first()
    target = SettingVersion.objects.filter(name=name, version=version).first()
    if target is None:
        raise NotFound()
    values: dict[str, Any] = {}
    known = {key: value for key, value in target.values.items() if key in definition.by_name}
    secrets = {key: token for key, token in target.secrets.items() if key in definition.by_name}
    _apply(definition, known, values=values, secrets=secrets)
    return _save(
        definition,
        current,
        values=values,
        secrets=secrets,
        by=by,
        now=now or timezone.now(),
        note=_("Back to version %(version)s") % {"version": version},
        detail={"rolled_back_to": version},
    )


def export(*, form: str = "json") -> str:
    """Every saved setting of the current schema as JSON or YAML, without secrets: only which ones are set."""
    rows = SettingVersion.objects.active().filter(name__in=definitions.keys()).order_by("name")
    document = {
        "format": FORMAT,
        "settings": {row.name: {"values": row.values, "secrets_set": sorted(row.secrets)} for row in rows},
    }
    if form == "yaml":
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=True)
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)


@transaction.atomic
def import_(text: str, *, by: Any, form: str = "json", now: datetime | None = None) -> list[str]:
    """Take over the values of an export; secrets stay what they are here. All or nothing; gives the changed names."""
    try:
        document = yaml.safe_load(text) if form == "yaml" else json.loads(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise Invalid(_("The file is not valid %(form)s.") % {"form": form.upper()}) from error
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or not isinstance(document.get("settings"), dict)
    ):
        raise Invalid(_("The file is no export of settings."))
    changed = []
    for name, item in document["settings"].items():
        if not isinstance(item, dict) or not isinstance(item.get("values"), dict) or name not in definitions:
            raise Invalid(errors=[FieldError(str(name)[:100], "unknown_setting", _("This setting is not known here."))])
        if _stored_now(name) != item["values"]:
            set(name, item["values"], by=by, note=_("Imported"), now=now)
            changed.append(name)
    return changed


def _stored_now(name: str) -> dict[str, Any]:
    row = SettingVersion.objects.active().filter(name=name).first()
    return row.values if row else {}


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did in one schema: tokens under the newest key now, and those that no listed key can read."""

    rotated: int
    current: int
    unreadable: tuple[str, ...]


@transaction.atomic
def rotate_keys(*, by: Any, now: datetime | None = None) -> Rotation:
    """Bring every encrypted value of the current schema under the newest key: all versions of settings, and every
    `EncryptedTextField` of every model whose table stands in this schema. What cannot be read stays as it is.
    """
    now = now or timezone.now()
    rotated = current = 0
    unreadable: list[str] = []
    names = {}
    for row in SettingVersion.objects.exclude(secrets={}).order_by("pk").select_for_update():
        tokens = dict(row.secrets)
        for key, token in row.secrets.items():
            if cipher.is_current(token):
                current += 1
                continue
            try:
                tokens[key] = cipher.rotate(token)
                rotated += 1
            except cipher.Unreadable:
                unreadable.append(f"{row} {key}")
        if tokens != row.secrets:
            SettingVersion.objects.filter(pk=row.pk).update(secrets=tokens)
            names[row.name] = True
    for table, key_column, column in _encrypted_columns():
        found = _rotate_column(table, key_column, column)
        rotated, current = rotated + found.rotated, current + found.current
        unreadable.extend(found.unreadable)
    if rotated:
        audit.record(
            "configuration.keys_rotated", by=by, detail={"rotated": rotated, "unreadable": len(unreadable)}, now=now
        )
        for name in names:
            _forget(name)
    return Rotation(rotated=rotated, current=current, unreadable=tuple(unreadable))


def _encrypted_columns() -> list[tuple[str, str | None, str | None]]:
    """Table, key column and column of every encrypted field whose table stands in the current schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [connection.schema_name])
        present = {table for (table,) in cursor.fetchall()}
    return [
        (model._meta.db_table, model._meta.pk.column, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, cipher.EncryptedTextField) and model._meta.db_table in present
    ]


def _rotate_column(table: str, key_column: str | None, column: str | None) -> Rotation:
    rotated = current = 0
    unreadable: list[str] = []
    name, key, value = (connection.ops.quote_name(str(part)) for part in (table, key_column, column))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key}, {value} FROM {name} WHERE {value} <> '' ORDER BY {key} FOR UPDATE")  # noqa: S608 — quoted names
        for pk, token in cursor.fetchall():
            if cipher.is_current(token):
                current += 1
                continue
            try:
                fresh = cipher.rotate(token)
            except cipher.Unreadable:
                unreadable.append(f"{table} {pk} {column}")
                continue
            cursor.execute(f"UPDATE {name} SET {value} = %s WHERE {key} = %s", [fresh, pk])  # noqa: S608 — quoted names
            rotated += 1
    return Rotation(rotated=rotated, current=current, unreadable=tuple(unreadable))


def _forget(name: str) -> None:
    """Mark the cached values as changing, now and again at the commit, under the key of the schema that changes.

    While the mark stands everybody reads the table and nobody fills the cache: this transaction sees its own change,
    and a reader that was on its way with the old values cannot leave them behind.
    """
    schema = connection.schema_name

    def mark() -> None:
        try:
            with schema_context(schema):
                cache.set(_cache_key(name), CHANGING, CHANGING_S)
        except redis.RedisError as error:
            log.error("The cache keeps the old values for up to %s seconds: %s", CACHE_S, error)

    mark()
    transaction.on_commit(mark)


def _definition(name: str) -> Definition:
    definition = definitions.get(name)
    if definition is None:
        raise UnknownSetting()
    return definition
