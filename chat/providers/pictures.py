"""Pictures: read once, turned upright, made a sane size, and written anew without anything but the picture.

Writing anew is what removes the place and the camera: nothing of the original file but its pixels and its colour
profile is kept.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from ops.kernel.errors import PermanentFailure

# A photograph of a good telephone has 50 million pixels; a bomb of a few kilobytes claims billions.
PIXELS = 64_000_000
EDGE = 2560
THUMB_EDGE = 480
FRAMES = 240
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP", "image/avif": "AVIF"}
READABLE = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept, and a small one of it (WebP, or JPEG of a film's first scene)."""

    body: bytes
    mime: str
    extension: str
    width: int
    height: int
    thumb: bytes


def clean(path: Path, mime: str) -> Picture:
    """Make a stranger's picture ours. Raises `PermanentFailure` when it is damaged or of an absurd size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=READABLE) as source:
                if source.width * source.height > PIXELS or not source.width or not source.height:
                    raise PermanentFailure(words=f"{source.width} x {source.height} pixels")
                return _clean(source, FORMATS.get(mime, "PNG"))
    # Pillow's readers raise whatever a damaged file makes of them.
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError,
            OverflowError, MemoryError, ArithmeticError, Image.DecompressionBombError) as error:  # fmt: skip
        raise PermanentFailure(words=str(error)[:300]) from error


def thumb_of(path: Path) -> bytes:
    """A small picture of a picture of our own making."""
    with Image.open(path) as source:
        return _thumb(source)


def _clean(source: Image.Image, format: str) -> Picture:
    moving = format in {"GIF", "WEBP"} and getattr(source, "n_frames", 1) > 1
    if moving:
        body, size, first = _moving(source, format)
        return Picture(body, f"image/{format.lower()}", format.lower(), *size, _thumb(first))
    upright = ImageOps.exif_transpose(source)
    upright.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    options: dict[str, Any] = {}
    profile = source.info.get("icc_profile")
    if profile and upright.mode in {"RGB", "RGBA", "L"}:
        options["icc_profile"] = profile
    if format in {"JPEG", "AVIF"}:
        # WhatsApp and older phones open no AVIF.
        format = "JPEG"
        if upright.mode not in {"RGB", "L"}:
            upright = _on_white(upright)
            options.pop("icc_profile", None)
        options |= {"quality": 86, "optimize": True, "progressive": True}
    elif format == "WEBP":
        upright = upright if upright.mode in {"RGB", "RGBA"} else upright.convert("RGBA")
        options |= {"quality": 86, "method": 3}
    elif format == "GIF":
        options.pop("icc_profile", None)
    elif upright.mode not in {"RGB", "RGBA", "L", "LA", "P", "1"}:
        upright = upright.convert("RGB")
    # What a picture carries beside its pixels stands in `info`: a new image has none.
    bare = Image.frombytes(upright.mode, upright.size, upright.tobytes())
    if upright.mode == "P":
        bare.putpalette(upright.getpalette("RGB") or [])
        if "transparency" in upright.info:
            options["transparency"] = upright.info["transparency"]
    out = io.BytesIO()
    bare.save(out, format, **options)
    ending = {"JPEG": "jpg"}.get(format, format.lower())
    return Picture(out.getvalue(), f"image/{format.lower()}", ending, bare.width, bare.height, _thumb(upright))


def _moving(source: Image.Image, format: str) -> tuple[bytes, tuple[int, int], Image.Image]:
    """An animation with its frames and their times, and nothing else."""
    edge = EDGE // 2
    frames, times = [], []
    for number, frame in enumerate(ImageSequence.Iterator(source)):
        if number >= FRAMES:
            break
        one = frame.convert("RGBA")
        one.thumbnail((edge, edge))
        one.info.clear()
        frames.append(one)
        times.append(int(frame.info.get("duration") or 100))
    out = io.BytesIO()
    options: dict[str, Any] = {"disposal": 2} if format == "GIF" else {"quality": 80, "method": 2}
    frames[0].save(
        out, format, save_all=True, append_images=frames[1:], duration=times, loop=source.info.get("loop", 0), **options
    )
    return out.getvalue(), frames[0].size, frames[0]


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, which JPEG does not know."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", layer.size, "white")
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("RGB")


def _thumb(image: Image.Image) -> bytes:
    small = image.copy()
    if small.mode not in {"RGB", "RGBA"}:
        small = small.convert("RGBA" if "transparency" in small.info or small.mode in {"LA", "PA"} else "RGB")
    small.thumbnail((THUMB_EDGE, THUMB_EDGE), Image.Resampling.LANCZOS)
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "WEBP", quality=78, method=3)
    return out.getvalue()
