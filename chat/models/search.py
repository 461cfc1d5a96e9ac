"""Search by words, blind to accents, case and Portuguese plurals."""

import re
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Func, QuerySet, Value

WORD = re.compile(r"\w+")


class Matches(Func):
    """Whether a text holds every wanted word, or words that begin with them. Written as the indexes' expression is."""

    template = "to_tsvector('pg_catalog.simple', public.f_pt(%(expressions)s))"
    arg_joiner = ")) @@ to_tsquery('pg_catalog.simple', public.f_pt("
    output_field = BooleanField()


class HasDigits(Func):
    """Whether a phone number holds these digits, anywhere in it. Written as the index's expression is."""

    template = "chat_tails(%(expressions)s)"
    arg_joiner = ") @@ to_tsquery('pg_catalog.simple', "
    output_field = BooleanField()


def expected(rows: QuerySet[Any]) -> int:
    """How many rows PostgreSQL believes there are: from its statistics, without looking."""
    statement, values = rows.values("pk").order_by().query.sql_with_params()
    with connection.cursor() as sql:
        sql.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        return int(sql.fetchone()[0][0]["Plan"]["Plan Rows"])


def words(text: str) -> Value | None:
    """What a person typed as a query of whole words and beginnings of words; nothing when there is no word in it."""
    found = WORD.findall(text.replace("_", " "))[:8]
    return Value(" & ".join(f"{word}:*" for word in found)) if found else None
