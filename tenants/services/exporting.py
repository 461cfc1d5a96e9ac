"""Everything of a tenant as one zip: a JSON line for each row of each table, its files, and a manifest to check them by.

Rows come from one snapshot. Encrypted values, passwords and whatever opens a door stay out; `account_parts` says which.
"""

import hashlib
import json
import logging
import secrets
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Any

import psycopg
from django.apps import apps
from django.core import serializers
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context

from ops.kernel.fields import EncryptedTextField
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Branding, Domain, LetterText, Tenant
from tenants.services import row_copies, template
from tenants.services.account_parts import copy_rules
from tenants.services.row_copies import COLUMNS, Run

log = logging.getLogger(__name__)

FORMAT = 1
PIECE = 256 * 1024
SPOOLED_BYTES = 16 * 1024 * 1024
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export: its name in the tenant's folder, and what the owners check it by."""

    name: str
    bytes: int
    sha256: str
    rows: int
    files: int


class _Hashed:
    """A file inside the zip that counts and hashes what is written to it."""

    def __init__(self, held: IO[bytes]) -> None:
        self.held, self.bytes, self.digest = held, 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self.held.write(piece)
        self.digest.update(piece)
        self.bytes += len(piece)


def make(*, tenant: Tenant, now: datetime, inside: bool = False) -> Export:
    """Write the export into the tenant's own folder, under a name nobody can guess.

    `inside` reads in the caller's transaction, else in a snapshot of its own.
    """
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES) as out:
        rows, files = write(out, tenant=tenant, now=now, inside=inside)
        size = out.tell()
        out.seek(0)
        digest = hashlib.file_digest(out, "sha256").hexdigest()  # type: ignore[arg-type]
        out.seek(0)
        with schema_context(tenant.schema_name):
            wanted = f"exports/account/{now:%Y-%m-%d}-{secrets.token_hex(16)}.zip"
            name = default_storage.save(wanted, File(out))  # type: ignore[arg-type]
    return Export(name, size, digest, rows, files)


def write(out: IO[bytes], *, tenant: Tenant, now: datetime, inside: bool = False) -> tuple[int, int]:
    """Write the zip into an open file. Counts the rows and the files in it."""
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "release": tenant.release_hash,
        "company": {"id": str(tenant.pk), "name": tenant.name, "address": tenant.slug},
        "tables": {},
        "files": [],
        "missing_files": [],
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with _snapshot(tenant.schema_name, inside=inside) as read:
            for table, columns in _tables(read, tenant.schema_name):
                lines = read.lines(table, columns)
                manifest["tables"][table] = {"columns": columns, **_table(archive, f"tables/{table}.jsonl", lines)}
        for table, own in _of_public(tenant):
            manifest["tables"][table] = _table(archive, f"tables/{table}.jsonl", own)
        for name in row_copies.files_of(tenant.schema_name):
            entry = _file(archive, tenant, name)
            manifest["files" if entry else "missing_files"].append(entry or {"name": name})
        with translation.override(tenant.language):
            words = _(
                "Everything of %(company)s, as it was on the day in manifest.json.\n\n"
                "tables/: one file a table, one row a line, as JSON.\n"
                "files/: pictures and attachments under the names the rows speak of.\n"
                "manifest.json: how many rows each table has, and the SHA-256 of each file, to check them by.\n"
            )
        archive.writestr("README.txt", words % {"company": tenant.name})
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
    return sum(one["rows"] for one in manifest["tables"].values()), len(manifest["files"])


def verify(held: IO[bytes]) -> dict[str, Any]:
    """Count and hash everything in an export again; gives the manifest. Raises `ValueError` naming what differs."""
    with zipfile.ZipFile(held) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        for table, said in manifest["tables"].items():
            body = archive.read(f"tables/{table}.jsonl")
            if hashlib.sha256(body).hexdigest() != said["sha256"] or body.count(b"\n") != said["rows"]:
                raise ValueError(f"The table {table} is not what the manifest says.")
        for said in manifest["files"]:
            with archive.open(f"files/{said['name']}") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != said["sha256"]:  # type: ignore[arg-type]
                    raise ValueError(f"The file {said['name']} is not what the manifest says.")
    return manifest


def remove(*, tenant: Tenant, name: str) -> None:
    """Delete an export; one that is gone already is no fault."""
    if name:
        with schema_context(tenant.schema_name):
            default_storage.delete(name)


def facts(export: Export) -> dict[str, Any]:
    """An export as a job keeps it."""
    return asdict(export)


# --- What goes in ---


class _Reader(Run):
    schema = ""

    def lines(self, table: str, columns: list[str]) -> Iterator[bytes]:
        """The rows of a table as JSON, in the order of their first column, without holding them all."""
        names = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
        question = f"SELECT row_to_json(x)::text FROM (SELECT {names} FROM {self.schema}.{table} ORDER BY 1) x"  # noqa: S608
        with self.cursor.connection.cursor(name=f"export_{table}") as rows:
            rows.itersize = 2000
            rows.execute(question.encode())
            for (text,) in rows:
                yield text.encode() + b"\n"


@contextmanager
def _snapshot(schema: str, *, inside: bool) -> Iterator[_Reader]:
    if not template.SAFE_SCHEMA.match(schema):
        raise ValueError(f"{schema!r} cannot stand unquoted in a statement.")
    if inside:
        with connection.cursor() as cursor:
            reader = _Reader(cursor.cursor)
            reader.schema = schema
            yield reader
        return
    with template.fresh_connection() as fresh:
        fresh.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with fresh.transaction(), fresh.cursor() as cursor:
            reader = _Reader(cursor)
            reader.schema = schema
            yield reader


def _tables(read: Run, schema: str) -> list[tuple[str, list[str]]]:
    """The tables that may leave, with the columns that may."""
    closed = {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    }
    found: dict[str, list[str]] = {}
    for table, column, _is_required, _is_generated in read(COLUMNS, [schema]):
        rule = copy_rules.get(table)
        if rule is not None and rule.exported and column not in rule.hidden and (table, column) not in closed:
            found.setdefault(table, []).append(column)
    return sorted(found.items())


def _of_public(tenant: Tenant) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The tenant's own rows in public: who it is, where it answers, how it looks and what its letters say."""
    with schema_context(PUBLIC_SCHEMA):
        rows = {
            "company": [tenant],
            "company_addresses": list(Domain.objects.filter(tenant=tenant, reseller=None).order_by("pk")),
            "company_brand": list(Branding.objects.filter(tenant=tenant)),
            "company_letters": list(LetterText.objects.of(tenant).order_by("pk")),
        }
    for name, found in rows.items():
        shown = (json.loads(serializers.serialize("json", [one]))[0] for one in found)
        yield name, [json.dumps({"id": one["pk"], **one["fields"]}).encode() + b"\n" for one in shown]


def _table(archive: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> dict[str, Any]:
    count = 0
    with archive.open(name, "w", force_zip64=True) as held:
        hashed = _Hashed(held)
        for line in lines:
            hashed.write(line)
            count += 1
    return {"rows": count, "bytes": hashed.bytes, "sha256": hashed.digest.hexdigest()}


def _file(archive: zipfile.ZipFile, tenant: Tenant, name: str) -> dict[str, Any] | None:
    with schema_context(tenant.schema_name):
        try:
            body = default_storage.open(name)
        except FileNotFoundError:
            log.warning("%s names %s, which is not there", tenant.schema_name, name)
            return None
    with body, archive.open(f"files/{name}", "w", force_zip64=True) as held:
        hashed = _Hashed(held)
        while piece := body.read(PIECE):
            hashed.write(piece)
    return {"name": name, "bytes": hashed.bytes, "sha256": hashed.digest.hexdigest()}
