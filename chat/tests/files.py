"""Files for tests: small, real, made on the spot."""

import io
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.storage import default_storage
from PIL import Image

from ops.kernel import ffmpeg


def photo(width=800, height=400, *, format="JPEG", place=True):
    """A picture, with the place it was taken at and on its side when it is a JPEG."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    exif = Image.Exif()
    if place:
        exif[0x0112] = 6  # turn a quarter right to see it upright
        exif[0x010F] = "Camera of the baker"
        exif.get_ifd(0x8825)[1] = "S"
        exif.get_ifd(0x8825)[2] = (23.0, 33.0, 1.0)
    out = io.BytesIO()
    image.save(out, format, **({"exif": exif} if format == "JPEG" else {}))
    return out.getvalue()


@cache
def sound(*, seconds=1, codec="libopus", ending="webm"):
    """What a browser records: Opus in WebM (Chrome, Firefox) or AAC in MP4 (Safari)."""
    return _made(ending, "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-c:a", codec)


@cache
def film(*, ending="mp4", codec="libx264"):
    """Half a second of moving picture that says where it was taken."""
    return _made(
        ending,
        *("-f", "lavfi", "-i", "testsrc=duration=0.5:size=128x96:rate=8", "-c:v", codec, "-pix_fmt", "yuv420p"),
        *("-metadata", "location=-23.5505-046.6333/"),
    )


def _made(ending, *arguments):
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"out.{ending}"
        subprocess.run([ffmpeg.executable(), "-v", "error", "-nostdin", *arguments, str(path)], check=True)
        return path.read_bytes()


def content(stored):
    """What a row's file holds; closed again."""
    with stored.open("rb") as file:
        return file.read()


def stored(name):
    """What the storage holds under a name; closed again."""
    with default_storage.open(name) as file:
        return file.read()
