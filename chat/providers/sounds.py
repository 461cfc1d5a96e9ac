"""Sound and film in the forms that everybody plays.

Sound becomes AAC in an .m4a file, which every browser plays (Safari none of the Opus that Chrome and Firefox
record), and Ogg Opus, the one form WhatsApp shows as a voice message. Film is copied as it is into a fresh
container: without the place it was taken, seekable, its index at the front.
"""

import array
from dataclasses import dataclass
from pathlib import Path

from chat.providers import pictures
from ops.kernel import ffmpeg
from ops.kernel.errors import PermanentFailure

LONGEST_S = 2 * 3600
PEAKS = 64
PEAK_RATE = 8000
STRIP = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]


@dataclass(frozen=True, slots=True)
class Sound:
    """Two files beside the source, how long it plays, and how loud it is along the way (0 to 100)."""

    m4a: Path
    opus: Path
    duration_s: float
    peaks: list[int]


@dataclass(frozen=True, slots=True)
class Film:
    """The file in its new container, its measures and a picture of its beginning."""

    body: Path
    mime: str
    extension: str
    width: int
    height: int
    duration_s: float
    thumb: bytes


def transcode(path: Path, container: str, media: ffmpeg.Media) -> Sound:
    """Make both forms of a sound. Raises `PermanentFailure` when there is nothing to hear."""
    m4a, opus, pcm = path.with_name("sound.m4a"), path.with_name("sound.ogg"), path.with_name("sound.pcm")
    source = ffmpeg.source(path, container)
    mono = ["-map", "0:a:0", "-vn", "-sn", "-dn", *STRIP]
    as_opus = ["-c:a", "copy"] if media.audio == "opus" else ["-c:a", "libopus", "-b:a", "32k", "-ac", "1"]
    as_aac = ["-c:a", "copy"] if media.audio == "aac" else ["-c:a", "aac", "-b:a", "64k", "-ac", "1", "-ar", "44100"]
    limit = ["-t", str(LONGEST_S)]
    # One reading for all three.
    ffmpeg.run(
        [
            *source,
            *mono, *limit, "-c:a", "pcm_s16le", "-ac", "1", "-ar", str(PEAK_RATE), "-f", "s16le", str(pcm),
            *mono, *limit, *as_aac, "-movflags", "+faststart", "-f", "ipod", str(m4a),
            *mono, *limit, *as_opus, "-f", "ogg", str(opus),
        ]
    )  # fmt: skip
    samples = array.array("h")
    body = pcm.read_bytes()
    samples.frombytes(body[: len(body) // 2 * 2])
    if not samples:
        raise PermanentFailure(words="no sound in it")
    return Sound(m4a, opus, round(len(samples) / PEAK_RATE, 2), peaks(samples))


def peaks(samples: "array.array[int]", count: int = PEAKS) -> list[int]:
    """The loudest of each of `count` equal pieces, in percent of the loudest of all."""
    count = min(count, len(samples))
    edges = [len(samples) * number // count for number in range(count + 1)]
    loud = []
    for start, end in zip(edges, edges[1:], strict=False):
        piece = samples[start:end]
        loud.append(max(abs(max(piece)), abs(min(piece))))
    top = max(loud)
    # Silence stays silence: noise a thousandth of the full scale is not drawn as speech.
    return [min(100, round(value * 100 / max(top, 512))) for value in loud]


def film(path: Path, container: str, media: ffmpeg.Media) -> Film:
    """Put a film into a fresh container and take a picture of it. Raises `PermanentFailure`."""
    webm = container == "matroska"
    body = path.with_name("film.webm" if webm else "film.mp4")
    keep = ["-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-c", "copy", *STRIP]
    form = ["-f", "webm"] if webm else ["-movflags", "+faststart", "-f", "mp4"]
    ffmpeg.run([*ffmpeg.source(path, container), *keep, *form, str(body)])
    clean = ffmpeg.probe(body, container)
    still = path.with_name("still.png")
    moment = min(1.0, (clean.duration_s or 0) / 3)
    ffmpeg.run(
        ["-ss", f"{moment:.2f}", *ffmpeg.source(body, container), "-map", "0:v:0", "-frames:v", "1",
         "-vf", "scale='min(960,iw)':-2", "-f", "image2", "-c:v", "png", str(still)]
    )  # fmt: skip
    if not still.exists():
        raise PermanentFailure(words="no picture in it")
    return Film(
        body,
        "video/webm" if webm else "video/mp4",
        "webm" if webm else "mp4",
        clean.width or media.width,
        clean.height or media.height,
        round(clean.duration_s or 0, 2),
        pictures.thumb_of(still),
    )
