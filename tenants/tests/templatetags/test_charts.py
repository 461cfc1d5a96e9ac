"""Charts start at zero, carry their numbers as a table, and survive having none."""

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.utils.translation import override

from tenants.templatetags import charts


def drawing(html: str) -> ElementTree.Element:
    """The chart as a tree; fails where the markup is not well formed."""
    return ElementTree.fromstring(re.sub(r" (tabindex|open|data-ago)(?=[ >])", r' \1=""', html.strip()))


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.4, 0.5), (1, 1), (3, 5), (7, 10), (24, 25), (26, 50), (100, 100), (101, 200), (1999, 2000)],
)
def test_a_scale_ends_at_a_round_number_not_below_the_value(value, top):
    assert charts.nice_ceiling(value) == pytest.approx(top)


@pytest.mark.parametrize("highest", [1, 2, 4, 7, 18, 23, 90, 170, 240])
def test_whole_counts_get_whole_marks(highest):
    _top, marks = charts._axis(highest)

    assert all(float(mark["label"].replace(",", ".")).is_integer() for mark in marks)


def test_bars_stand_on_zero_and_can_be_reached_by_keyboard():
    with override("en"):
        html = charts.bar_chart(["Mon", "Tue"], [5, 10], "Conversations")
    bars = [bar for bar in drawing(html).iter("rect") if bar.get("class") == "block"]

    assert [(bar.get("y"), bar.get("height")) for bar in bars] == [("50%", "50%"), ("0%", "100%")]
    # One stop for the whole chart; the arrow keys go on from there.
    assert (html.count('tabindex="0" role="img"'), html.count('tabindex="-1" role="img"')) == (1, 1)
    assert 'aria-label="Tue: 10 "' in html


def test_a_threshold_is_drawn_with_its_words():
    html = charts.bar_chart(["Mon"], [5], "Conversations", threshold=10, threshold_label="limit")

    assert drawing(html).find(".//line[@class='threshold']").get("y1") == "0%"
    assert ">limit</text>" in html


def test_every_number_is_in_the_table():
    with override("pt-br"):
        html = charts.area_chart(
            ["seg", "ter"],
            [{"label": "Recebidas", "values": [1234, None]}, {"label": "Resolvidas", "values": [Decimal("2.5"), 3]}],
            "Conversas",
        )

    for figure in ("1.234", "2,50", "3", "0"):
        assert f'<td class="number">{figure}</td>' in html


def test_every_place_of_a_line_says_its_figures():
    with override("en"):
        html = charts.area_chart(
            ["Mon", "Tue", "Wed"],
            [{"label": "Started", "values": [4, 8, 0]}, {"label": "Resolved", "values": [2, 8, 1]}],
            "Conversations",
        )

    assert 'data-tip="Tue: Started 8, Resolved 8"' in html
    reach = [(one.get("x"), one.get("width")) for one in drawing(html).iter("rect") if one.get("class") == "reach"]
    assert reach == [("0%", "25%"), ("25%", "50%"), ("75%", "25%")]


def test_more_than_five_series_are_not_drawn():
    html = charts.area_chart(["a"], [{"label": f"s{n}", "values": [n]} for n in range(8)], "Many")

    assert html.count('class="line"') == 5


def test_a_part_that_is_everything_is_a_full_ring():
    html = charts.donut_chart([{"label": "Website", "value": 7}, {"label": "Other", "value": 0}], "By channel")

    assert html.count('<path class="slice') == 1
    assert "100%" in html


@pytest.mark.parametrize(
    "html",
    [
        lambda: charts.bar_chart([], [], "Nothing"),
        lambda: charts.area_chart([], [], "Nothing"),
        lambda: charts.area_chart(["a"], [{"label": "one", "values": [0]}], "Nothing"),
        lambda: charts.donut_chart([], "Nothing"),
    ],
)
def test_a_chart_without_numbers_is_still_a_chart(html):
    assert "nan" not in html().lower()
    drawing(html())


def test_a_sparkline_of_less_than_two_values_is_nothing():
    assert charts.sparkline([]) == ""
    assert charts.sparkline([3]) == ""
    assert 'd="M0 32 L120 2.9"' in charts.sparkline([0, 7])


def test_labels_cannot_bring_markup():
    html = charts.bar_chart(['"><script>'], [1], "<b>")

    assert "<script>" not in html
    assert "<b>" not in html
