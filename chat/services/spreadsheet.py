"""Tables as CSV that spreadsheets open without running what is inside."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(headings: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Commas, quotes where needed, UTF-8 with a byte order mark so that Excel reads the accents."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(one) for one in headings])
    writer.writerows([cell(one) for one in row] for row in rows)
    return "\ufeff" + out.getvalue()


def cell(value: Any) -> Any:
    """A value as it may stand in a cell: numbers as they are, text never a formula."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    return "'" + text if text.startswith(FORMULA) else text
