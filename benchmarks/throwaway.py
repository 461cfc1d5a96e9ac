"""A database of its own for one benchmark, on the server that DATABASE_URL names, dropped at the end.

Import it before anything of Django: it points DATABASE_URL at the new database.
"""

import atexit
import os
import sys
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("LOG_LEVEL", "WARNING")

NAME = f"bench_{os.getpid()}"


def _make() -> None:
    var = Path(os.environ.get("VAR_DIR", ROOT / "var")).resolve()
    address = os.environ.get("DATABASE_URL") or f"postgres://app@/app?host={var / 'run'}"
    server = make_conninfo(address, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    parts = conninfo_to_dict(address)
    credentials = parts.get("user", "") + (f":{parts['password']}" if parts.get("password") else "")
    host = parts.get("host", "")
    port = f"&port={parts['port']}" if parts.get("port") else ""
    os.environ["DATABASE_URL"] = f"postgres://{credentials}@/{NAME}?host={host}{port}"

    def drop() -> None:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NAME)))

    atexit.register(drop)


_make()

import django  # noqa: E402

django.setup()
