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

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 24
SERIES_LIMIT = 5


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
    # Whole counts get whole marks: a scale to 1 is not cut into halves.
    parts = 2 if top in (1, 2) or str(top)[0] == "1" else 5 if str(top)[0] == "5" and "." not in f"{top / 5:g}" else 2
    if top == 1:
        parts = 1
    height = HEIGHT - TOP - BOTTOM
    return top, [
        {"y": round(TOP + height - height * step / parts, 1), "label": _short_figure(top * step / parts)}
        for step in range(parts + 1)
    ]


def _numbers(values: Iterable[Any]) -> list[float]:
    return [float(value) if value is not None else 0.0 for value in values]


def _points(values: Sequence[float], *, top: float, left: float, width: float, start: float, height: float) -> list[tuple[float, float]]:
    step = width / max(len(values) - 1, 1)
    return [(round(left + step * n, 1), round(start + height - height * value / top, 1)) for n, value in enumerate(values)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in points)


@register.simple_tag
def sparkline(values: Iterable[int | float | Decimal], series: int = 1) -> SafeString | str:
    """A line of the last values beside their figure. Decoration: the figure says the number."""
    numbers = _numbers(values)
    if len(numbers) < 2:
        return ""
    points = _points(numbers, top=max(*numbers, 1e-9), left=1, width=118, start=3, height=27)
    line = _path(points)
    return format_html(
        '<svg class="sparkline series-{}" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="area" d="{} L119 32 L1 32 Z"/><path class="line" d="{}"/></svg>',
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
    highest = max([value for row in rows for value in row] + [threshold or 0])
    top, ticks = _axis(highest)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    lines = []
    for number, (one, row) in enumerate(zip(shown, rows, strict=True), start=1):
        points = _points(row, top=top, left=LEFT, width=width, start=TOP, height=height)
        line = _path(points) if points else ""
        lines.append(
            {
                "number": number,
                "label": one["label"],
                "line": line,
                "area": f"{line} L{points[-1][0]:g} {HEIGHT - BOTTOM} L{LEFT} {HEIGHT - BOTTOM} Z" if points and len(shown) == 1 else "",
                "end": points[-1] if points else None,
            }
        )
    return _render(
        "components/charts/area.html",
        {
            "title": title,
            "ticks": ticks,
            "lines": lines,
            "marks": _label_marks(labels, left=LEFT, width=width, bands=False),
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
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    band = width / max(len(numbers), 1)
    thick = min(band * 0.64, 40)
    bars = [
        {
            "x": round(LEFT + band * n + (band - thick) / 2, 1),
            "y": round(TOP + height - height * value / top, 1),
            "width": round(thick, 1),
            "height": round(height * value / top, 1),
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
            "marks": _label_marks(labels, left=LEFT, width=width, bands=True),
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


def _ring(start: float, end: float, outer: float = 60, inner: float = 42) -> str:
    if end - start <= 0:
        return ""
    # A full turn starts where it ends, and an arc between equal points is nothing.
    end = min(end, start + 0.99999)
    a, b = 2 * math.pi * start - math.pi / 2, 2 * math.pi * end - math.pi / 2
    large = 1 if end - start > 0.5 else 0

    def at(radius: float, angle: float) -> str:
        return f"{64 + radius * math.cos(angle):.2f} {64 + radius * math.sin(angle):.2f}"

    return (
        f"M{at(outer, a)} A{outer:g} {outer:g} 0 {large} 1 {at(outer, b)} "
        f"L{at(inner, b)} A{inner:g} {inner:g} 0 {large} 0 {at(inner, a)} Z"
    )


def _label_marks(labels: Sequence[Any], *, left: float, width: float, bands: bool) -> list[dict[str, Any]]:
    """At most seven labels under the axis, evenly spread, the first and the last among them."""
    count = len(labels)
    if not count:
        return []
    every = max(1, math.ceil(count / 7))
    step = width / (count if bands else max(count - 1, 1))
    marks = []
    for n in range(0, count, every):
        x = left + step * n + (step / 2 if bands else 0)
        anchor = "middle" if bands or 0 < n < count - 1 else "start" if n == 0 else "end"
        marks.append({"x": round(x, 1), "label": labels[n], "anchor": anchor})
    return marks


def _threshold(value: float | None, label: str, top: float) -> dict[str, Any] | None:
    if value is None:
        return None
    height = HEIGHT - TOP - BOTTOM
    return {"y": round(TOP + height - height * float(value) / top, 1), "label": label or _figure(value)}


def _table(labels: Sequence[Any], columns: Sequence[Any], rows: Sequence[Sequence[float]], unit: str) -> dict[str, Any]:
    return {
        "columns": columns,
        "unit": unit,
        "rows": [{"label": label, "figures": [_figure(row[n]) for row in rows]} for n, label in enumerate(labels)],
    }


def _render(name: str, context: dict[str, Any]) -> SafeString:
    return render_to_string(name, context | {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "floor": HEIGHT - BOTTOM})
