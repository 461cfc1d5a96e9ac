"""Charts as SVG made on the server: no script, no inline style, and the numbers as a table beside each.

Heights and bars start at zero. Shapes carry presentation attributes, because the content security
policy refuses inline styles; colours come from the classes `series-1` to `series-5`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

register = template.Library()

SERIES_LIMIT = 5
# Lines live in a square of this size that is stretched to the place; everything else is placed in percent,
# so that words and strokes keep their size on a phone.
SQUARE = 1000


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below the value; 1 for nothing."""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * 0.999999)


def _figure(value: Any) -> str:
    number = float(value)
    places = 0 if number == int(number) else 1 if abs(number) >= 10 else 2
    return formats.number_format(round(number, places), decimal_pos=places, use_l10n=True, force_grouping=True)


def _short_figure(value: float) -> str:
    for limit, word in ((1e9, gettext("B")), (1e6, gettext("M")), (1e3, gettext("k"))):
        if abs(value) >= limit:
            return f"{_figure(value / limit)} {word}"
    return _figure(value)


def _axis(highest: float) -> tuple[float, list[dict[str, Any]]]:
    top = nice_ceiling(highest)
    figures = f"{top:e}"[:3]
    # Whole counts get whole marks: a scale to 1 is not cut in halves, one to 5, 10 or 25 into fifths.
    parts = 1 if top == 1 else 5 if figures in {"5.0", "2.5"} or top == 10 else 2 if top < 4 else 4
    return top, [
        {"y": _percent(1 - step / parts), "label": _short_figure(top * step / parts)}
        for step in reversed(range(parts + 1))
    ]


def _percent(share: float) -> str:
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


def _numbers(values: Iterable[Any]) -> list[float]:
    return [float(value) if value is not None else 0.0 for value in values]


def _points(values: Sequence[float], *, top: float, width: float, height: float) -> list[tuple[float, float]]:
    step = width / max(len(values) - 1, 1)
    return [(round(step * n, 1), round(height - height * value / top, 1)) for n, value in enumerate(values)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in points)


@register.simple_tag
def sparkline(values: Iterable[int | float | Decimal], series: int = 1) -> SafeString | str:
    """A line of the last values beside their figure. Decoration: the figure says the number."""
    numbers = _numbers(values)
    if len(numbers) < 2:
        return ""
    points = _points(numbers, top=max(*numbers, 1e-9) * 1.1, width=120, height=32)
    line = _path(points)
    return format_html(
        '<svg class="sparkline series-{}" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="area" d="{} L120 32 L0 32 Z"/><path class="line" d="{}"/></svg>',
        series,
        line,
        line,
    )


@register.simple_tag
def area_chart(
    labels: Sequence[Any],
    series: Sequence[Mapping[str, Any]],
    title: str,
    unit: str = "",
    threshold: float | None = None,
    threshold_label: str = "",
) -> SafeString:
    """Lines over time. `series`: mappings with `label` and `values`, at most five, as long as `labels`."""
    shown = list(series)[:SERIES_LIMIT]
    rows = [_numbers(one["values"]) for one in shown]
    top, ticks = _axis(max([value for row in rows for value in row] + [threshold or 0]))
    lines = []
    for number, (one, row) in enumerate(zip(shown, rows, strict=True), start=1):
        points = _points(row, top=top, width=SQUARE, height=SQUARE)
        line = _path(points) if points else ""
        lines.append(
            {
                "number": number,
                "label": one["label"],
                "line": line,
                "area": f"{line} L{SQUARE} {SQUARE} L0 {SQUARE} Z" if points and len(shown) == 1 else "",
                "end": _percent(1 - row[-1] / top) if row else "",
            }
        )
    return _render(
        "components/charts/area.html",
        {
            "title": title,
            "ticks": ticks,
            "lines": lines,
            "moments": _moments(labels, shown, rows, top=top, unit=unit),
            "marks": _label_marks(labels, bands=False),
            "threshold": _threshold(threshold, threshold_label, top),
            "table": _table(labels, [one["label"] for one in shown], rows, unit),
        },
    )


@register.simple_tag
def bar_chart(
    labels: Sequence[Any],
    values: Sequence[Any],
    title: str,
    unit: str = "",
    threshold: float | None = None,
    threshold_label: str = "",
) -> SafeString:
    """One bar a label, each reachable by keyboard with its number."""
    numbers = _numbers(values)
    top, ticks = _axis(max([*numbers, threshold or 0]))
    band = 1 / max(len(numbers), 1)
    thick = min(band * 0.64, 0.08)
    bars = [
        {
            "x": _percent(band * n + (band - thick) / 2),
            "y": _percent(1 - value / top),
            "width": _percent(thick),
            "height": _percent(value / top),
            "label": label,
            "figure": _figure(value),
        }
        for n, (label, value) in enumerate(zip(labels, numbers, strict=True))
    ]
    return _render(
        "components/charts/bars.html",
        {
            "title": title,
            "unit": unit,
            "ticks": ticks,
            "bars": bars,
            "marks": _label_marks(labels, bands=True),
            "threshold": _threshold(threshold, threshold_label, top),
            "table": _table(labels, [title], [numbers], unit),
        },
    )


@register.simple_tag
def donut_chart(slices: Sequence[Mapping[str, Any]], title: str, unit: str = "") -> SafeString:
    """Parts of a whole. `slices`: mappings with `label` and `value`, at most five; the total stands in the middle."""
    shown = list(slices)[:SERIES_LIMIT]
    numbers = _numbers(one["value"] for one in shown)
    total = sum(numbers)
    turned, parts = 0.0, []
    for number, (one, value) in enumerate(zip(shown, numbers, strict=True), start=1):
        share = value / total if total else 0
        parts.append(
            {
                "number": number,
                "label": one["label"],
                "figure": _figure(value),
                "share": f"{share * 100:.0f}%",
                "path": _ring(turned, turned + share),
            }
        )
        turned += share
    return _render(
        "components/charts/donut.html",
        {
            "title": title,
            "unit": unit,
            "parts": parts,
            "total": _short_figure(total),
            "table": _table([one["label"] for one in shown], [title], [numbers], unit),
        },
    )


def _ring(start: float, end: float, outer: float = 60, inner: float = 44) -> str:
    """The path of a part of a ring; `start` and `end` in turns, from the top."""
    if end - start <= 0:
        return ""
    # A full turn starts where it ends, and an arc between equal points is nothing.
    end = min(end, start + 0.9999)
    a, b = 2 * math.pi * start - math.pi / 2, 2 * math.pi * end - math.pi / 2
    large = 1 if end - start > 0.5 else 0

    def at(radius: float, angle: float) -> str:
        return f"{64 + radius * math.cos(angle):.2f} {64 + radius * math.sin(angle):.2f}"

    return (
        f"M{at(outer, a)} A{outer:g} {outer:g} 0 {large} 1 {at(outer, b)} "
        f"L{at(inner, b)} A{inner:g} {inner:g} 0 {large} 0 {at(inner, a)} Z"
    )


def _label_marks(labels: Sequence[Any], *, bands: bool) -> list[dict[str, Any]]:
    """At most five labels under the axis (more collide on a phone), evenly spread, the first among them."""
    count = len(labels)
    every = max(1, math.ceil(count / 5))
    marks = []
    for n in range(0, count, every):
        share = (n + 0.5) / count if bands else n / max(count - 1, 1)
        anchor = "middle" if bands or 0 < n < count - 1 else "start" if n == 0 else "end"
        marks.append({"x": _percent(share), "label": labels[n], "anchor": anchor})
    return marks


def _moments(
    labels: Sequence[Any],
    series: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[float]],
    *,
    top: float,
    unit: str,
) -> list[dict[str, Any]]:
    """What each label's place says when it is pointed at or reached by the arrow keys: every line's figure there."""
    count = len(labels)
    band = 1 / max(count - 1, 1)
    found = []
    for n, label in enumerate(labels):
        share = n * band if count > 1 else 0.0
        start, end = max(share - band / 2, 0), min(share + band / 2, 1)
        figures = (f"{one['label']} {_figure(row[n])} {unit}".strip() for one, row in zip(series, rows, strict=True))
        found.append(
            {
                "x": _percent(share),
                "start": _percent(start),
                "width": _percent(end - start),
                "dots": [{"y": _percent(1 - row[n] / top), "number": at} for at, row in enumerate(rows, start=1)],
                "words": f"{label}: {', '.join(figures)}",
            }
        )
    return found


def _threshold(value: float | None, label: str, top: float) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"y": _percent(1 - float(value) / top), "label": label or _figure(value)}


def _table(labels: Sequence[Any], columns: Sequence[Any], rows: Sequence[Sequence[float]], unit: str) -> dict[str, Any]:
    return {
        "columns": columns,
        "unit": unit,
        "rows": [{"label": label, "figures": [_figure(row[n]) for row in rows]} for n, label in enumerate(labels)],
    }


def _render(name: str, context: dict[str, Any]) -> SafeString:
    return render_to_string(name, context)
