"""Rows and files of one tenant into the empty schema of another, table by table from one snapshot."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from django.apps import apps
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, models
from django_tenants.utils import schema_context

from tenants.enums import CopyMode
from tenants.services import template
from tenants.services.account_parts import COPIED, CopyRule, Part, copy_rules

log = logging.getLogger(__name__)

COLUMNS = """
SELECT c.relname, a.attname, a.attnotnull, a.attgenerated <> ''
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum"""
KEYS = """
SELECT c.relname, a.attname, f.relname, fa.attname
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
  JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
 WHERE k.contype = 'f' AND k.connamespace = %s::regnamespace"""
TRIGGERS = """
SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND c.relnamespace = %s::regnamespace"""
SEQUENCES = """
SELECT t.relname, s.relname FROM pg_class s
  JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_class t ON t.oid = d.refobjid
 WHERE s.relkind = 'S' AND s.relnamespace = %s::regnamespace"""


@dataclass(frozen=True, slots=True)
class Key:
    """A reference from a column to another table's column."""

    column: str
    target: str
    target_column: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What PostgreSQL knows of a schema's tables."""

    columns: dict[str, list[str]]
    required: set[tuple[str, str]]
    keys: dict[str, list[Key]]


class Plan:
    """Which tables go from one schema to another, and the statement for each."""

    def __init__(self, shape: Shape, *, source: str, mode: CopyMode) -> None:
        self.shape, self.source, self.mode = shape, source, mode
        wanted = COPIED[mode]
        self.tables = {
            table for table in shape.columns if (rule := copy_rules.get(table)) is not None and rule.part in wanted
        }
        # A table that cannot stand without one that stays behind stays behind too.
        while lost := {table for table in self.tables if any(self._is_lost(table, key) for key in self._keys(table))}:
            self.tables -= lost

    def select(self, table: str) -> tuple[list[str], str]:
        """The columns of a table, and the SELECT that yields them for the copy."""
        columns = self.shape.columns[table]
        sets = self._rule(table).sets
        keys = {key.column: key for key in self._keys(table)}
        values = []
        for column in columns:
            key = keys.get(column)
            if column in sets:
                value = sets[column].format(source=self.source)
            elif key is not None and not self._has(key.target):
                value = "NULL"
            elif key is not None and (table, column) not in self.shape.required and self._chosen(key.target, table):
                value = f"CASE WHEN {self._is_there(key, table)} THEN r.{_q(column)} END"
            else:
                value = f"r.{_q(column)}"
            values.append(value)
        where = self._chosen(table)
        rows = f"SELECT {', '.join(values)} FROM {self.source}.{table} r"  # noqa: S608 — our catalogue's names
        return columns, f"{rows} WHERE {where}" if where else rows

    def _chosen(self, table: str, *seen: str) -> str:
        """The condition for a row of a table to be copied; empty when every row is."""
        if not self._has(table) or table in seen or self._part(table) is Part.GIVEN:
            return ""
        rule = self._rule(table)
        parts = [text.format(source=self.source) for text in (rule.where, rule.where_in.get(self.mode, "")) if text]
        for key in self._keys(table):
            if (table, key.column) in self.shape.required and self._chosen(key.target, table, *seen):
                parts.append(self._is_there(key, table, *seen))
        return " AND ".join(f"({part})" for part in parts)

    def _is_there(self, key: Key, *seen: str) -> str:
        inner = self._chosen(key.target, *seen)
        rows = f"SELECT r.{_q(key.target_column)} FROM {self.source}.{key.target} r WHERE {inner}"  # noqa: S608
        return f"r.{_q(key.column)} IN ({rows})"

    def _is_lost(self, table: str, key: Key) -> bool:
        return (table, key.column) in self.shape.required and not self._has(key.target)

    def _has(self, table: str) -> bool:
        return table in self.tables or self._part(table) is Part.GIVEN

    def _part(self, table: str) -> Part:
        rule = copy_rules.get(table)
        return rule.part if rule is not None else Part.NEVER

    def _rule(self, table: str) -> CopyRule:
        return copy_rules[table]

    def _keys(self, table: str) -> list[Key]:
        return self.shape.keys.get(table, [])


def shape_of(run: "Run", schema: str) -> Shape:
    """Read the tables of a schema."""
    columns: dict[str, list[str]] = {}
    required = set()
    for table, column, is_required, is_generated in run(COLUMNS, [schema]):
        columns.setdefault(table, [])
        if not is_generated:
            columns[table].append(column)
        if is_required:
            required.add((table, column))
    keys: dict[str, list[Key]] = {}
    for table, column, target, target_column in run(KEYS, [schema]):
        keys.setdefault(table, []).append(Key(column, target, target_column))
    return Shape(columns, required, keys)


class Run:
    """Statements on one connection: Django's inside a caller's transaction, else a fresh one with its own snapshot."""

    def __init__(self, cursor: psycopg.Cursor) -> None:
        self.cursor = cursor

    def __call__(self, statement: str, values: list[object] | None = None) -> list[tuple]:
        """Run one statement; its rows, if it yields any."""
        self.cursor.execute(statement.encode(), values)
        return self.cursor.fetchall() if self.cursor.description else []


def copy_rows(*, source: str, target: str, mode: CopyMode, inside: bool) -> dict[str, int]:
    """Fill a fresh schema from another one, in one transaction and one snapshot. Counts the rows of each table.

    `inside` uses the caller's transaction, so that both are rolled back together; then the snapshot is the caller's.
    """
    for name in (source, target):
        if not template.SAFE_SCHEMA.match(name):
            raise ValueError(f"{name!r} cannot stand unquoted in a statement.")
    if inside:
        with connection.cursor() as cursor:
            return _copy(Run(cursor.cursor), source, target, mode)
    with template.fresh_connection() as fresh:
        fresh.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with fresh.transaction(), fresh.cursor() as cursor:
            return _copy(Run(cursor), source, target, mode)


def _copy(run: Run, source: str, target: str, mode: CopyMode) -> dict[str, int]:
    plan = Plan(shape_of(run, source), source=source, mode=mode)
    # Counters and places in the queue are copied with their rows; nobody counts them a second time. Without the team
    # everything that waited for a member waits for anybody: then the triggers speak.
    loud = [table for (table,) in run(TRIGGERS, [target]) if table in plan.tables and mode == CopyMode.FULL]
    for table in loud:
        run(f"ALTER TABLE {target}.{table} DISABLE TRIGGER USER")
    tables = sorted(plan.tables)
    run("SET CONSTRAINTS ALL DEFERRED")
    run("".join(f"DELETE FROM {target}.{table};" for table in tables))  # noqa: S608 — names of our own catalogue
    counts = {}
    for table in tables:
        columns, rows = plan.select(table)
        names = ", ".join(_q(column) for column in columns)
        run(f"INSERT INTO {target}.{table} ({names}) OVERRIDING SYSTEM VALUE {rows}")
        counts[table] = run.cursor.rowcount
    for table, sequence in run(SEQUENCES, [target]):
        if table in plan.tables:
            run(f"SELECT setval('{target}.{sequence}', last_value, is_called) FROM {source}.{sequence}")  # noqa: S608
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in loud:
        run(f"ALTER TABLE {target}.{table} ENABLE TRIGGER USER")
    run("SET CONSTRAINTS ALL DEFERRED")
    return counts


def copy_files(*, source: str, target: str) -> int:
    """Bring every file that a row of the target names from the source's folder. What is there already stays."""
    copied = 0
    for name in files_of(target):
        with schema_context(target):
            there = default_storage.size(name) if default_storage.exists(name) else None
        with schema_context(source):
            if not default_storage.exists(name):
                log.warning("%s names %s, which is not there", source, name)
                continue
            if there == default_storage.size(name):
                continue
            held = default_storage.open(name)
        with held, schema_context(target):
            if there is not None:
                default_storage.delete(name)
            default_storage.save(name, File(held))
        copied += 1
    return copied


def files_of(schema: str) -> Iterator[str]:
    """The names of the files that rows of a schema speak of, each once."""
    seen: set[str] = set()
    for model in apps.get_models():
        rule = copy_rules.get(model._meta.db_table)
        if rule is None or rule.part is Part.NEVER:
            continue
        for column in [one for one in model._meta.concrete_fields if isinstance(one, models.FileField)]:
            with schema_context(schema):
                rows = model._base_manager.exclude(**{column.name: ""}).exclude(**{f"{column.name}__isnull": True})
                names = list(rows.order_by("pk").values_list(column.name, flat=True))
            for name in names:
                if name not in seen:
                    seen.add(name)
                    yield name


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
