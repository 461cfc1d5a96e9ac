"""What a file is, by its bytes alone. What its name or its sender say about it is never asked.

Known signatures come from the library `filetype`; text has none, so it is recognised by what it does not hold.
"""

from dataclasses import dataclass

import filetype

HEAD_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A kind of ours, the type to serve it as, the ending its name gets, and ffmpeg's name of the container."""

    kind: str
    mime: str
    extension: str
    container: str = ""


# By the library's extension. What is not here is not taken: programs, pages, fonts, disk images.
KNOWN: dict[str, Sniffed] = {
    "jpg": Sniffed("image", "image/jpeg", "jpg"),
    "png": Sniffed("image", "image/png", "png"),
    "apng": Sniffed("image", "image/png", "png"),
    "gif": Sniffed("image", "image/gif", "gif"),
    "webp": Sniffed("image", "image/webp", "webp"),
    "avif": Sniffed("image", "image/avif", "avif"),
    "heic": Sniffed("document", "image/heic", "heic"),
    "bmp": Sniffed("image", "image/bmp", "bmp"),
    "tif": Sniffed("document", "image/tiff", "tif"),
    "psd": Sniffed("document", "image/vnd.adobe.photoshop", "psd"),
    "dwg": Sniffed("document", "image/vnd.dwg", "dwg"),
    "pdf": Sniffed("document", "application/pdf", "pdf"),
    "doc": Sniffed("document", "application/msword", "doc"),
    "xls": Sniffed("document", "application/vnd.ms-excel", "xls"),
    "ppt": Sniffed("document", "application/vnd.ms-powerpoint", "ppt"),
    "docx": Sniffed("document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    "xlsx": Sniffed("document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "pptx": Sniffed("document", "application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    "odt": Sniffed("document", "application/vnd.oasis.opendocument.text", "odt"),
    "ods": Sniffed("document", "application/vnd.oasis.opendocument.spreadsheet", "ods"),
    "odp": Sniffed("document", "application/vnd.oasis.opendocument.presentation", "odp"),
    "rtf": Sniffed("document", "application/rtf", "rtf"),
    "epub": Sniffed("document", "application/epub+zip", "epub"),
    "zip": Sniffed("document", "application/zip", "zip"),
    "mp3": Sniffed("audio", "audio/mpeg", "mp3", "mp3"),
    "m4a": Sniffed("audio", "audio/mp4", "m4a", "mov"),
    "aac": Sniffed("audio", "audio/aac", "aac", "aac"),
    "ogg": Sniffed("audio", "audio/ogg", "ogg", "ogg"),
    "flac": Sniffed("audio", "audio/flac", "flac", "flac"),
    "wav": Sniffed("audio", "audio/wav", "wav", "wav"),
    "amr": Sniffed("audio", "audio/amr", "amr", "amr"),
    # These carry sound alone as often as pictures; the worker looks inside and says which.
    "3gp": Sniffed("video", "video/3gpp", "3gp", "mov"),
    "mp4": Sniffed("video", "video/mp4", "mp4", "mov"),
    "m4v": Sniffed("video", "video/mp4", "mp4", "mov"),
    "mov": Sniffed("video", "video/quicktime", "mov", "mov"),
    "webm": Sniffed("video", "video/webm", "webm", "matroska"),
    "mkv": Sniffed("video", "video/webm", "webm", "matroska"),
}
TEXT = Sniffed("document", "text/plain", "txt")
# Endings that plain text may keep; all of them are served as plain text, for saving only.
TEXT_EXTENSIONS = {"txt", "csv", "tsv", "xml", "json", "md", "log", "ics", "vcf", "srt", "vtt", "ofx", "rem", "ret"}
ACTIVE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<iframe", b"#!", b"<?php", b"<%")
# Control characters that text does not hold: all but tab, line feed, form feed, carriage return, escape.
CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})


def sniff(head: bytes) -> Sniffed | None:
    """What the first bytes of a file say it is; nothing for what may not be sent."""
    # A subclass of ISO media that the library knows by one brand only.
    if head[4:8] == b"ftyp" and head[8:12] in (b"M4A ", b"M4B ", b"F4A "):
        return KNOWN["m4a"]
    guess = filetype.guess(head)
    if guess is not None:
        found = KNOWN.get(guess.extension)
        if found is None and head[4:8] == b"ftyp":
            return KNOWN["mp4"]
        return found
    if head[4:8] == b"ftyp":
        return KNOWN["mp4"]
    return _text(head)


def _text(head: bytes) -> Sniffed | None:
    if not head or head.translate(None, CONTROLS) != head:
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(ACTIVE):
        return None
    if start.startswith(b"<?xml") and any(word in head.lower() for word in (b"<svg", b"<html", b"xhtml")):
        return None
    return TEXT


def file_name(name: str, found: Sniffed) -> str:
    """The name a file is kept under: no folders, no invisible characters, the ending of what it is."""
    plain = "".join(
        # Direction marks hide the true ending: "faturaU+202Efdp.exe" reads as "faturaexe.pdf".
        character
        for character in name.replace("\\", "/").rsplit("/", 1)[-1]
        if character.isprintable()
        and not "\u200b" <= character <= "\u200f"
        and not "\u202a" <= character <= "\u202e"
        and not "\u2066" <= character <= "\u2069"
    ).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    ending = ending.lower()
    keeps = ending == found.extension or (found is TEXT and ending in TEXT_EXTENSIONS)
    if ending == "jpeg" and found.extension == "jpg":
        keeps = True
    if not keeps and ending and (len(ending) > 5 or not ending.isalnum()):
        stem = plain
    stem = stem.strip(" .")[:150] or "file"
    return f"{stem}.{ending if keeps else found.extension}"
