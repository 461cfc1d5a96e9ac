"""The ffmpeg that comes along as a wheel: what a sound or film is, and another form of it.

It reads files of strangers. So it is told the container (nothing like a playlist that names other files is ever
guessed), may open files only, has one thread, a time limit, and asks nothing.
"""

import functools
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from ops.kernel.errors import PermanentFailure, TemporaryFailure

TIMEOUT_S = 240.0
DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
STREAM = re.compile(r"Stream #0:\d+.*?: (Audio|Video): (\w+)(.*)")
SIZE = re.compile(r"[ ,](\d{2,5})x(\d{2,5})[ ,\[]")
ROTATED = re.compile(r"rotation of -?(?:90|270)\.")


@dataclass(frozen=True, slots=True)
class Media:
    """What stands in a file. `duration_s` is nothing when the container does not say it."""

    duration_s: float | None
    audio: str = ""
    video: str = ""
    width: int = 0
    height: int = 0


@functools.cache
def executable() -> str:
    """Path of the program."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def run(arguments: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> subprocess.CompletedProcess[bytes]:
    """Run it. Raises `PermanentFailure` with its last words, `TemporaryFailure` when it took too long."""
    result = _call(["-v", "error", "-y", *arguments], timeout_s)
    if result.returncode != 0:
        raise PermanentFailure(words=result.stderr.decode("utf-8", "replace")[-500:])
    return result


def source(path: Path, container: str) -> list[str]:
    """The arguments that open a stranger's file."""
    return ["-protocol_whitelist", "file,pipe", "-f", container, "-i", str(path)]


def probe(path: Path, container: str) -> Media:
    """What is in a file. Raises `PermanentFailure` when it is not of that container or holds nothing to play."""
    # Without an output it ends with an error, after it has described the input.
    result = _call(source(path, container), 30.0)
    words = result.stderr.decode("utf-8", "replace")
    streams = {kind: (codec, rest) for kind, codec, rest in reversed(STREAM.findall(words))}
    if not streams:
        raise PermanentFailure(words=words[-500:])
    said = DURATION.search(words)
    duration = int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3]) if said else None
    video, rest = streams.get("Video", ("", ""))
    if "attached pic" in rest:
        video, rest = "", ""  # the cover of a song
    size = SIZE.search(rest + ",") if video else None
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if ROTATED.search(words):
        width, height = height, width
    return Media(duration, audio=streams.get("Audio", ("", ""))[0], video=video, width=width, height=height)


def _call(arguments: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 — a list of arguments, no shell; names of files are ours
            [executable(), "-hide_banner", "-nostdin", "-threads", "1", *arguments],
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TemporaryFailure(words=f"ffmpeg took more than {timeout_s:.0f} s") from error
