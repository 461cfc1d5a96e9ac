"""What people read can be read: WCAG 2.2 AA for every pair of tokens that meet, in both themes and several brands."""

import re
from math import atan2, cos, sin
from pathlib import Path

import pytest
from django.conf import settings

from tenants import palette

TOKENS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text(encoding="utf-8")
# A dark blue, a bright yellow, a red, a mid grey, black, white-ish pink, neon green, the platform's own.
BRANDS = ["#1e3a8a", "#facc15", "#c2410c", "#808080", "#000000", "#ffd6e7", "#39ff14", "#0b6b5d", "#7c3aed", "#0ea5e9"]
THEMES = {"light": 0, "dark": 1}
TEXT, SHAPE = 4.5, 3.0


def token(name: str, theme: str) -> str:
    """A colour written as `light-dark(#…, #…)`, for one theme."""
    found = re.search(rf"--{name}: light-dark\((#[0-9a-f]{{6}}), (#[0-9a-f]{{6}})\)", TOKENS)
    assert found, f"--{name} is not a pair of colours"
    return found.group(THEMES[theme] + 1)


def step(number: int, brand: str) -> str:
    """One of the eleven steps, computed as the browser does from its formula in tokens.css."""
    found = re.search(
        rf"--accent-{number}: oklch\(from var\(--brand-primary\) ([\d.]+) min\(c(?: \* ([\d.]+))?, ([\d.]+)\) h\)",
        TOKENS,
    )
    assert found, f"--accent-{number} has another formula"
    lightness, times, most = float(found[1]), float(found[2] or 1), float(found[3])
    _, chroma, hue = palette._oklch(brand)
    return palette._hex(lightness, min(chroma * times, most), hue)


def mixed(one: str, share: float, other: str) -> str:
    """`color-mix(in oklab, one share, other)`."""
    a, b = (to_lab(colour) for colour in (one, other))
    lightness, green, blue = (x * share + y * (1 - share) for x, y in zip(a, b, strict=True))
    return palette._hex(lightness, (green**2 + blue**2) ** 0.5, atan2(blue, green))


def to_lab(colour: str) -> tuple[float, float, float]:
    """A colour in OKLab."""
    lightness, chroma, hue = palette._oklch(colour)
    return lightness, chroma * cos(hue), chroma * sin(hue)


def lifted(brand: str) -> str:
    """The accent on dark ground: never darker than 0.52."""
    lightness, chroma, hue = palette._oklch(brand)
    return brand if lightness >= 0.52 else palette._hex(0.52, chroma, hue)


GROUNDS = ["bg", "surface", "surface-raised", "surface-sunken", "surface-hover"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", ["text", "text-muted", "text-faint", "green", "amber", "red", "blue"])
def test_text_reads_on_every_surface(text, ground, theme):
    assert palette.contrast(token(text, theme), token(ground, theme)) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["text", "text-muted"])
def test_text_reads_on_a_pressed_surface(text, theme):
    assert palette.contrast(token(text, theme), token("surface-active", theme)) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour", ["green", "amber", "red", "blue"])
def test_a_state_reads_on_its_own_ground(colour, theme):
    ground = token(f"{colour}-soft", theme)

    assert palette.contrast(token(colour, theme), ground) >= TEXT
    assert palette.contrast(token("text", theme), ground) >= TEXT
    assert palette.contrast(token("text-muted", theme), ground) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_the_red_button_reads(theme):
    assert palette.contrast(token("on-red", theme), token("red-solid", theme)) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "surface"])
@pytest.mark.parametrize("line", ["line-strong", "green-solid", "red-solid", "blue-solid"])
def test_what_can_be_used_has_an_outline_that_shows(line, ground, theme):
    assert palette.contrast(token(line, theme), token(ground, theme)) >= SHAPE


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_links_read_in_every_brand(brand, ground):
    shades = palette.shades(brand, brand)

    assert palette.contrast(shades["--brand-text-light"], token(ground, "light")) >= TEXT
    if ground != "surface-hover":  # a link's row has the plain text colour while it is pointed at
        assert palette.contrast(shades["--brand-text-dark"], token(ground, "dark")) >= TEXT


@pytest.mark.parametrize("brand", BRANDS)
def test_the_primary_button_reads_in_every_brand(brand):
    ink = palette.shades(brand, brand)["--on-brand"]

    assert palette.contrast(ink, brand) >= TEXT
    assert palette.contrast(ink, lifted(brand)) >= TEXT


@pytest.mark.parametrize("brand", BRANDS)
def test_the_chosen_entry_of_the_rail_reads_in_every_brand(brand):
    light, dark = token("surface", "light"), token("surface", "dark")

    assert palette.contrast(step(800, brand), step(100, brand)) >= TEXT
    assert palette.contrast(step(800, brand), step(50, brand)) >= TEXT
    assert palette.contrast(step(200, brand), mixed(step(500, brand), 0.22, dark)) >= TEXT
    assert palette.contrast(step(700, brand), light) >= TEXT
    assert palette.contrast(step(300, brand), token("surface-raised", "dark")) >= TEXT


@pytest.mark.parametrize("brand", BRANDS)
def test_focus_and_bars_show_in_every_brand(brand):
    for ground in ("bg", "surface", "surface-sunken"):
        assert palette.contrast(step(600, brand), token(ground, "light")) >= SHAPE
        assert palette.contrast(step(400, brand), token(ground, "dark")) >= SHAPE


@pytest.mark.parametrize("brand", BRANDS)
def test_the_white_tick_shows_in_a_checked_box(brand):
    assert palette.contrast("#ffffff", step(600, brand)) >= SHAPE
    assert palette.contrast("#ffffff", step(500, brand)) >= SHAPE


@pytest.mark.parametrize("theme", THEMES)
def test_initials_read_on_their_colour(theme):
    css = (Path(settings.BASE_DIR) / "static/css/components/avatar.css").read_text(encoding="utf-8")
    pairs = re.findall(r"background: light-dark\((#\w{6}), (#\w{6})\);\s+color: light-dark\((#\w{6}), (#\w{6})\)", css)

    assert len(pairs) == 8
    for pair in pairs:
        assert palette.contrast(pair[THEMES[theme]], pair[THEMES[theme] + 2]) >= TEXT


def test_the_gallerys_brands_are_what_brand_css_would_say():
    css = (Path(settings.BASE_DIR) / "static/css/gallery.css").read_text(encoding="utf-8")
    brands = re.findall(r'\[data-brand="\w+"\] \{\n((?: {8}--[\w-]+: #\w{6};\n)+)', css)

    assert len(brands) == 4
    for block in brands:
        said = dict(re.findall(r"(--[\w-]+): (#\w{6});", block))
        shades = palette.shades(said["--brand-primary"], said["--brand-primary"])
        assert said == {name: shades[name] for name in said}
