"""Files for the demonstration: a picture, a document and a voice message, drawn and written on the spot."""

import io
import math
import subprocess
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from chat.services import attachments, processing
from ops.kernel import ffmpeg

WIDTH, HEIGHT = 1200, 900
# A hum with the rhythm of two sentences: nobody's voice, and enough to draw a wave and press play.
HUM = (
    "aevalsrc='0.5*(sin(2*PI*(165+25*sin(2*PI*0.35*t))*t)+0.4*sin(2*PI*(330+50*sin(2*PI*0.35*t))*t))"
    "*pow(abs(sin(2*PI*1.9*t)),1.5)*(0.35+0.65*abs(sin(2*PI*0.23*t)))*lt(mod(t,4.4),3.7)':d=8.5:s=24000"
)


def bring(kind: str, *, owner: attachments.Owner, language: str, now: datetime) -> UUID | None:
    """Upload a file of that kind as its owner would, and check it at once; nothing when the plan takes none."""
    takes = attachments.allowed()
    if not takes["attachments"]:
        return None
    body, name = {"picture": _picture, "document": _document, "voice": _voice}[kind](language)
    voice = kind == "voice" and takes["voice"]
    row = attachments.begin(owner=owner, name=name, bytes=len(body), voice=voice, now=now)
    attachments.put(attachment_id=row.pk, owner=owner, body=body)
    processing.run(attachment_id=row.pk, now=now)
    return row.pk


def _picture(language: str) -> tuple[bytes, str]:
    return (_chart(), "report.png") if language.startswith("en") else (_table(), "mesa.jpg")


@cache
def _chart() -> bytes:
    """A report of somebody who is learning: bars, a line, a legend."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    draw.text((70, 48), "Orders a month", fill="#1f2937", font_size=44)
    draw.text((70, 108), "Online and in the shop, January to October", fill="#6b7280", font_size=26)
    for step in range(6):
        y = 760 - step * 110
        draw.line((70, y, WIDTH - 60, y), fill="#e5e7eb", width=2)
        draw.text((22, y - 13), str(step * 20), fill="#9ca3af", font_size=22)
    bars = (38, 44, 41, 55, 62, 58, 71, 80, 76, 92)
    line = (22, 25, 31, 30, 41, 45, 52, 50, 63, 68)
    at = [(130 + number * 108, 760 - line[number] * 5.5) for number in range(10)]
    for number, value in enumerate(bars):
        x = 130 + number * 108
        draw.rounded_rectangle((x - 30, 760 - value * 5.5, x + 30, 760), 6, fill="#c7d2fe")
        draw.text((x - 20, 776), "JFMAMJJASO"[number], fill="#6b7280", font_size=26)
    draw.line(at, fill="#4338ca", width=7, joint="curve")
    for x, height in at:
        draw.ellipse((x - 11, height - 11, x + 11, height + 11), fill="white", outline="#4338ca", width=5)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@cache
def _table() -> bytes:
    """A laid table from above: cloth, plates, a loaf, a cake, cups."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#e9dcc6")
    draw = ImageDraw.Draw(image)
    for stripe in range(0, WIDTH, 60):
        draw.rectangle((stripe, 0, stripe + 26, HEIGHT), fill="#e2d2b7")
    shadow = Image.new("RGBA", image.size, (0, 0, 0, 0))
    shade = ImageDraw.Draw(shadow)
    plates = [(250, 250, 150), (930, 230, 160), (260, 680, 150), (960, 690, 150)]
    for x, y, size in [*plates, (600, 450, 235)]:
        shade.ellipse((x - size + 14, y - size + 20, x + size + 14, y + size + 20), fill=(60, 40, 20, 110))
    image.paste(shadow.filter(ImageFilter.GaussianBlur(16)), mask=shadow.filter(ImageFilter.GaussianBlur(16)))
    for x, y, size in plates:
        draw.ellipse((x - size, y - size, x + size, y + size), fill="#fdfbf7")
        draw.ellipse((x - size + 26, y - size + 26, x + size - 26, y + size - 26), fill="#f3eee4")
    draw.ellipse((365, 215, 835, 685), fill="#fffdf8")
    draw.ellipse((410, 260, 790, 640), fill="#7a4a2a")
    draw.ellipse((425, 268, 775, 618), fill="#8f5a34")
    for number in range(12):
        angle = number * math.pi / 6
        east, south = 600 + 140 * math.cos(angle), 443 + 140 * math.sin(angle)
        draw.ellipse((east - 24, south - 24, east + 24, south + 24), fill="#c8323c")
        draw.ellipse((east - 14, south - 16, east - 2, south - 6), fill="#f0868c")
    draw.ellipse((560, 403, 640, 483), fill="#fff4e0")
    for x, y in ((250, 250), (960, 690)):
        draw.pieslice((x - 92, y - 70, x + 92, y + 70), 180, 360, fill="#c98a46")
        draw.rectangle((x - 92, y - 2, x + 92, y + 34), fill="#b9793a")
        for cut in (-46, 0, 46):
            draw.line((x + cut - 14, y - 40, x + cut + 14, y - 8), fill="#efd2a4", width=9)
    for x, y in ((930, 230), (260, 680)):
        draw.ellipse((x - 66, y - 66, x + 66, y + 66), fill="#d9e4e8")
        draw.ellipse((x - 52, y - 52, x + 52, y + 52), fill="#4b2c1a")
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(out, "JPEG", quality=88)
    return out.getvalue()


def _document(language: str) -> tuple[bytes, str]:
    """A one-page offer."""
    english = language.startswith("en")
    if english:
        title, name, sign = "Programme and prices", "programme.pdf", "$ "
        rows = [("Data analysis, live, twelve seats", "4,680.00"), ("Private group, 20% off", "-936.00")]
        total = "3,744.00"
    else:
        title, name, sign = "Proposta", "proposta.pdf", "R$ "
        rows = [("Mesa de café da manhã para 80 pessoas", "3.200,00"), ("Opções veganas e sem glúten", "280,00")]
        total = "3.480,00"
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4)
    page.setTitle(title)
    page.setFont("Helvetica-Bold", 20)
    page.drawString(60, 770, title)
    page.setFont("Helvetica", 11)
    for number, (what, price) in enumerate([*rows, ("Total", total)]):
        page.drawString(60, 720 - 26 * number, what)
        page.drawRightString(535, 720 - 26 * number, f"{sign}{price}")
        page.line(60, 712 - 26 * number, 535, 712 - 26 * number)
    page.save()
    return out.getvalue(), name


def _voice(language: str) -> tuple[bytes, str]:
    return _hum(), "voice.ogg" if language.startswith("en") else "audio.ogg"


@cache
def _hum() -> bytes:
    made: Any = subprocess.run(  # noqa: S603 — a list of our own words
        [ffmpeg.executable(), "-v", "error", "-nostdin", "-f", "lavfi", "-i", HUM, "-c:a", "libopus", "-f", "ogg", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return bytes(made.stdout)
