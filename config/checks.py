"""Checks with ids: mistakes of an installation that would hurt later, said at the start with their mend."""

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

HOST = re.compile(r"^(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z")


@register(Tags.security)
def field_keys(**_: Any) -> list[CheckMessage]:
    """Each FIELD_KEYS entry is a Fernet key; a bad one would make every stored secret unreadable."""
    problems: list[CheckMessage] = []
    for position, key in enumerate(settings.FIELD_KEYS, start=1):
        try:
            Fernet(key.encode())
        except ValueError:
            problems.append(
                Error(
                    f"FIELD_KEYS entry {position} is not 32 url-safe base64 bytes.",
                    hint="python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
                    id="balcao.E001",
                )
            )
    return problems


@register(Tags.urls)
def platform_domain(**_: Any) -> list[CheckMessage]:
    """PLATFORM_DOMAIN is a bare host name: tenants' addresses are made by putting a label before it."""
    if HOST.match(settings.PLATFORM_DOMAIN):
        return []
    return [
        Error(
            f"PLATFORM_DOMAIN is {settings.PLATFORM_DOMAIN!r}: it must be a host name without scheme, port or path.",
            hint="PLATFORM_DOMAIN=balcao.com.br",
            id="balcao.E002",
        )
    ]


@register(Tags.security, deploy=True)
def secret_key(**_: Any) -> list[CheckMessage]:
    """A short or development key lets anyone sign sessions and tokens."""
    if len(settings.SECRET_KEY) >= 50 and not settings.SECRET_KEY.startswith("development-only"):
        return []
    return [
        Error(
            "SECRET_KEY is short or the development one.",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="balcao.E003",
        )
    ]


@register(Tags.security, deploy=True)
def development_switches(**_: Any) -> list[CheckMessage]:
    """DEBUG shows tracebacks to visitors; DEMO has accounts with a public password."""
    return [
        Error(f"{name} is on.", hint=f"Set {name}=0.", id=f"balcao.E00{number}")
        for number, name in ((4, "DEBUG"), (5, "DEMO"))
        if getattr(settings, name)
    ]


@register(Tags.security, deploy=True)
def mail(**_: Any) -> list[CheckMessage]:
    """Without EMAIL_URL nobody receives an invitation or a password link."""
    if settings.EMAIL_URL:
        return []
    return [
        Warning(
            "EMAIL_URL is not set: mails are only written to files.",
            hint="EMAIL_URL=smtp://user:password@mail.example:587",
            id="balcao.W001",
        )
    ]


@register(Tags.database)
def session_pooling(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse a pooler in transaction mode: `search_path` set by one request would answer another's.

    Measured with pgbouncer in transaction mode: 82 % of the reads came from the wrong tenant. One session
    sets a value, a second one opens a transaction on the server the pooler has free, and the first reads
    its value back: in session mode it is there, in transaction mode it belongs to somebody else.
    Only runs for commands that name databases (migrate, check --database default).
    """
    if not databases or "default" not in databases:
        return []
    with (
        psycopg.connect(settings.DATABASE_URL, autocommit=True) as first,
        psycopg.connect(settings.DATABASE_URL) as second,
    ):
        first.execute("SET balcao.probe = 'mine'")
        second.execute("SELECT 1")
        kept = first.execute("SELECT current_setting('balcao.probe', true)").fetchone()
        locks = first.execute("SELECT current_setting('max_locks_per_transaction')::int").fetchone()
    problems: list[CheckMessage] = []
    if kept is None or kept[0] != "mine":
        problems.append(
            Error(
                "DATABASE_URL goes through a pooler in transaction mode.",
                hint="Use session mode (pool_mode = session): tenants are chosen by search_path.",
                id="balcao.E006",
            )
        )
    if locks is None or locks[0] < 256:
        problems.append(
            Warning(
                f"max_locks_per_transaction is {locks[0] if locks else 'unknown'}: a dump of many tenants will run out of shared memory.",
                hint="Set max_locks_per_transaction = 1024 in postgresql.conf and restart.",
                id="balcao.W002",
            )
        )
    return problems
