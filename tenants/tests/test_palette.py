"""Colours: contrast as WCAG 2 defines it, and repairs that keep the hue."""

import random

import pytest

from tenants import palette


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),  # the lightest grey of WCAG's own examples
        ("#ff0000", "#ffffff", 4.0),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_wcags(one, other, ratio):
    assert palette.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert palette.contrast(other, one) == palette.contrast(one, other)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#0B6B5D", "#0b6b5d"),
        (" #abc ", "#aabbcc"),
        ("#abcd", None),
        ("red", None),
        ("#12345g", None),
        ("", None),
        ("#12345", None),
        ("#123456;", None),
        ("＃123456", None),
    ],
)
def test_a_colour_is_six_digits(text, colour):
    assert palette.parse(text) == colour


def test_every_colour_can_be_read_after_repair():
    chance = random.Random(7)
    colours = [f"#{chance.randrange(1 << 24):06x}" for _ in range(2000)]
    colours += [
        "#000000",
        "#ffffff",
        "#ff0000",
        "#00ff00",
        "#0000ff",
        "#ffff00",
        "#00ffff",
        "#ff00ff",
        "#808080",
        "#777777",
    ]

    for colour in colours:
        shades = palette.shades(colour, colour)
        assert palette.contrast(colour, shades["--on-brand"]) >= 4.5, colour
        assert palette.contrast(shades["--brand-primary-dark"], shades["--on-brand-dark"]) >= 4.5, colour
        for ground, name in ((palette.LIGHT_GROUND, "light"), (palette.DARK_GROUND, "dark")):
            for kind in ("--brand-text", "--brand-secondary-text"):
                assert palette.contrast(shades[f"{kind}-{name}"], ground) >= 4.5, (colour, kind, name)


def test_a_readable_colour_is_left_alone():
    assert palette.readable("#0b6b5d", on=palette.LIGHT_GROUND) == "#0b6b5d"
    assert palette.shades("#0b6b5d", "#3d4451")["--brand-text-light"] == "#0b6b5d"


@pytest.mark.parametrize("colour", ["#ffd400", "#7ed957", "#ff7a59"])
def test_a_repair_moves_no_further_than_it_must_and_keeps_the_hue(colour):
    repaired = palette.readable(colour, on=palette.LIGHT_GROUND)

    assert 4.5 <= palette.contrast(repaired, palette.LIGHT_GROUND) < 4.65
    hue, hue_before = palette._oklch(repaired)[2], palette._oklch(colour)[2]
    assert abs(hue - hue_before) < 0.12


def test_colours_survive_the_way_to_oklch_and_back():
    for colour in ("#0b6b5d", "#b4532a", "#123456", "#fedcba", "#000000", "#ffffff"):
        assert palette._hex(*palette._oklch(colour)) == colour


def test_the_stylesheet_is_one_layer_with_every_shade():
    text = palette.stylesheet(primary="#b4532a", secondary="#3d4451", custom_css="    .x { color: red; }")

    assert text.startswith("@layer brand {\n    :root {\n        --brand-primary: #b4532a;")
    assert text.count("{") == text.count("}") == 3
    for name in (
        "--brand-primary-light",
        "--brand-primary-dark",
        "--on-brand",
        "--brand-secondary",
        "--brand-text-dark",
    ):
        assert f"{name}: #" in text


def test_a_black_brand_turns_light_on_dark_ground_and_a_dark_blue_stays_blue():
    black = palette.shades("#0b0b0f", "#111111")

    assert palette.contrast(black["--brand-accent-dark"], palette.DARK_GROUND) > 10
    assert palette.contrast(black["--brand-accent-dark"], black["--on-accent-dark"]) > 10
    assert "--brand-accent-dark" not in palette.shades("#0a1a4f", "#111111")
