"""Colours of a brand: reading them, measuring contrast (WCAG 2), and finding the nearest shade that can be read.

Shades move in OKLCH, where the same step looks the same in every hue: a repaired blue is still that blue.
"""

import math
import re
from functools import lru_cache

HEX = re.compile(r"#[0-9a-f]{6}\Z")
SHORT_HEX = re.compile(r"#[0-9a-f]{3}\Z")

READABLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text
# The darkest light ground and the lightest dark ground text may stand on (see static/css/tokens.css).
LIGHT_GROUND = "#f2f2f4"
DARK_GROUND = "#1e2024"
WHITE = "#ffffff"
INK = "#111111"
BLACK = "#000000"
PAPER = "#e8e8ec"


def parse(text: str) -> str | None:
    """`#0B6` or `#00bb66` as `#00bb66`; None for anything else."""
    colour = text.strip().lower()
    if SHORT_HEX.match(colour):
        colour = "#" + "".join(letter * 2 for letter in colour[1:])
    return colour if HEX.match(colour) else None


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: str) -> str:
    """White or near-black, whichever reads better on a ground; in the narrow middle only pure black reaches 4.5:1."""
    best = max((WHITE, INK), key=lambda ink: contrast(ink, ground))
    return best if contrast(best, ground) >= READABLE else max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


def readable(colour: str, *, on: str, ratio: float = READABLE) -> str:
    """The nearest shade of a colour that reaches `ratio` on a ground; the colour itself when it does already.

    Only lightness moves, away from the ground; chroma gives way where the screen has no such colour.
    """
    if contrast(colour, on) >= ratio:
        return colour
    lightness, chroma, hue = _oklch(colour)
    # Away from the ground, as far as it takes. Contrast grows with the distance, so halving finds the nearest shade.
    near, far = lightness, 0.0 if _luminance(on) > 0.18 else 1.0
    for _ in range(24):
        middle = (near + far) / 2
        if contrast(_hex(middle, chroma, hue), on) >= ratio:
            far = middle
        else:
            near = middle
    return _hex(far, chroma, hue)


@lru_cache(maxsize=512)
def shades(primary: str, secondary: str) -> dict[str, str]:
    """Every custom property of `/brand.css`, by name. `on-…` is text on the colour; `…-text-…` is the colour as text."""
    dark = readable(primary, on=DARK_GROUND)
    lightness, chroma, _hue = _oklch(primary)
    # Black lifted as far as it can be read is the grey of what is switched off; on dark ground it turns to its opposite.
    turned = {"--brand-accent-dark": PAPER, "--on-accent-dark": INK} if lightness < 0.4 and chroma < 0.03 else {}
    return {
        **turned,
        "--brand-primary": primary,
        "--brand-primary-light": primary,
        "--brand-primary-dark": dark,
        "--on-brand": ink_on(primary),
        "--on-brand-dark": ink_on(dark),
        "--brand-text-light": readable(primary, on=LIGHT_GROUND),
        "--brand-text-dark": dark,
        "--brand-secondary": secondary,
        "--brand-secondary-light": secondary,
        "--brand-secondary-dark": readable(secondary, on=DARK_GROUND),
        "--on-brand-secondary": ink_on(secondary),
        "--brand-secondary-text-light": readable(secondary, on=LIGHT_GROUND),
        "--brand-secondary-text-dark": readable(secondary, on=DARK_GROUND),
    }


def stylesheet(*, primary: str, secondary: str, custom_css: str = "") -> str:
    """The text of `/brand.css`. Custom CSS was judged and scoped when it was saved."""
    lines = "\n".join(f"        {name}: {value};" for name, value in shades(primary, secondary).items())
    custom = f"\n{custom_css.rstrip()}\n" if custom_css else ""
    return f"@layer brand {{\n    :root {{\n{lines}\n    }}\n{custom}}}\n"


def _channels(colour: str) -> tuple[float, float, float]:
    """Linear light of red, green and blue, 0 to 1."""
    values = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklch(colour: str) -> tuple[float, float, float]:
    """Lightness, chroma, hue in radians (Björn Ottosson, "A perceptual color space for image processing")."""
    r, g, b = _channels(colour)
    l_ = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    m_ = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s_ = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_
    a = 1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_
    b_ = 0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_
    return lightness, math.hypot(a, b_), math.atan2(b_, a)


def _hex(lightness: float, chroma: float, hue: float) -> str:
    """The nearest colour a screen has: chroma shrinks until every channel fits."""
    for step in range(33):
        values = _linear(lightness, chroma * (1 - step / 32), hue)
        if all(-0.0005 <= value <= 1.0005 for value in values):
            break
    encoded = (
        12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in (min(max(v, 0.0), 1.0) for v in values)
    )
    return "#" + "".join(f"{round(value * 255):02x}" for value in encoded)


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )
