"""Bring secrets under a new key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from ops.kernel import fields as cipher
from ops.kernel.audit import services as audit
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.services.reading import forget
from ops.kernel.registry import sealed


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did in one schema: tokens under the newest key now, and those that no listed key can read."""

    rotated: int
    current: int
    unreadable: tuple[str, ...]


@transaction.atomic
def rotate_keys(*, by: Any, now: datetime | None = None) -> Rotation:
    """Bring every encrypted value of the current schema under the newest key: all versions of settings, and every
    `EncryptedTextField` of every model whose table stands in this schema, and what apps registered as `sealed`. What cannot be read stays as it is.
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
            names[row.name, row.scope] = True
    for table, key_column, column in _encrypted_columns():
        found = _rotate_column(table, key_column, column)
        rotated, current = rotated + found.rotated, current + found.current
        unreadable.extend(found.unreadable)

    def fresh(token: str) -> str:
        nonlocal rotated, current
        if cipher.is_current(token):
            current += 1
            return token
        try:
            made = cipher.rotate(token)
        except cipher.Unreadable:
            unreadable.append("a token inside a row")
            return token
        rotated += 1
        return made

    for walk in sealed:
        walk(fresh)
    if rotated:
        audit.record(
            "configuration.keys_rotated", by=by, detail={"rotated": rotated, "unreadable": len(unreadable)}, now=now
        )
        for name, scope in names:
            forget(name, scope)
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
