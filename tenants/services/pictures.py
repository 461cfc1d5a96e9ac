"""Uploaded pictures of a brand: checked, drawn again, and so freed of everything that is not pixels."""

import io
import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from tenants.errors import ImageRefused

MAX_BYTES = 2_000_000
MAX_SIDE = 4096
MIN_SIDE = 16
LOGO_BOX = (1024, 512)
PORTRAIT = 256
FAVICON_SIZES = [(16, 16), (32, 32), (48, 48), (64, 64), (128, 128)]
FORMATS = ("PNG", "JPEG", "WEBP", "ICO")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as we keep it, named after its content."""

    body: bytes
    extension: str

    @property
    def name(self) -> str:
        """The same picture always has the same name, another one never."""
        return f"{sha256(self.body).hexdigest()[:16]}.{self.extension}"


def logo(upload: IO[bytes]) -> Picture:
    """A logo fit for pages and e-mails: PNG (or JPEG for a photograph), at most 1024 × 512."""
    picture = _read(upload, field="logo")
    is_photograph = picture.format == "JPEG"
    image = _upright(picture)
    image.thumbnail(LOGO_BOX, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if is_photograph:
        image.convert("RGB").save(out, "JPEG", quality=88, optimize=True)
        return Picture(out.getvalue(), "jpg")
    image.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), "png")


def favicon(upload: IO[bytes]) -> Picture:
    """A favicon in the sizes browsers ask for, on a transparent square."""
    image = _upright(_read(upload, field="favicon")).convert("RGBA")
    side = max(image.size)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    if side < 128:
        square = square.resize((128, 128), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    square.save(out, "ICO", sizes=FAVICON_SIZES)
    return Picture(out.getvalue(), "ico")


def portrait(upload: IO[bytes], *, crop: tuple[float, float, float] | None = None) -> Picture:
    """A person's face: a square of 256 pixels. `crop` is left, top and side as shares of the picture's width and height.

    Without it the middle is taken. The side is a share of the shorter one; what lies outside is moved in.
    """
    image = _upright(_read(upload, field="picture")).convert("RGB")
    shorter = min(image.size)
    left, top, share = crop or ((1 - shorter / image.width) / 2, (1 - shorter / image.height) / 2, 1.0)
    side = max(MIN_SIDE, round(min(max(share, 0.05), 1.0) * shorter))
    x = round(min(max(left * image.width, 0), image.width - side))
    y = round(min(max(top * image.height, 0), image.height - side))
    square = image.crop((x, y, x + side, y + side)).resize((PORTRAIT, PORTRAIT), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    square.save(out, "WEBP", quality=86, method=4)
    return Picture(out.getvalue(), "webp")


def _read(upload: IO[bytes], *, field: str) -> Image.Image:
    """Open and decode, refusing what is too big before it is unpacked. Raises `ImageRefused`."""
    body = upload.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise ImageRefused(_("The file is larger than %(limit)s MB.") % {"limit": MAX_BYTES // 1_000_000}, field=field)
    if body.lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<svg>"):
        # An SVG is a document that can run scripts and fetch addresses; a picture cannot.
        raise ImageRefused(
            _("SVG files can carry scripts. Export the picture as PNG with a transparent ground."), field=field
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(body), formats=FORMATS)
            if max(image.size) > MAX_SIDE:
                raise ImageRefused(
                    _("The picture is %(width)s × %(height)s pixels; at most %(limit)s on a side.")
                    % {"width": image.width, "height": image.height, "limit": MAX_SIDE},
                    field=field,
                )
            if min(image.size) < MIN_SIDE:
                raise ImageRefused(
                    _("The picture is smaller than %(limit)s pixels.") % {"limit": MIN_SIDE}, field=field
                )
            image.load()
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise ImageRefused(field=field) from error
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the camera meant it, as pixels only: new pictures inherit no EXIF, text or colour profile."""
    turned = ImageOps.exif_transpose(image)
    mode = "RGBA" if turned.mode in ("RGBA", "LA", "P", "PA") or "transparency" in turned.info else "RGB"
    plain = turned.convert(mode)
    plain.info.clear()
    return plain
