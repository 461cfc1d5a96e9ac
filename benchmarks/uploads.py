"""CPU of taking a file in pieces against writing the same bytes to the same storage, and of making files ready.

    bin/dev (or any PostgreSQL and Redis), then: .venv/bin/python benchmarks/uploads.py [--mb 16] [--turns 5]

Ours: `POST uploads/` and `PUT` in pieces of 1 MiB through the whole web stack (session, CSRF, permissions, throttle,
plan, first bytes, rows), in this process. Baseline: the same pieces saved by the storage alone. Both take turns; CPU is
this process's own. Then, per kind, the worker's part: a photograph of 12 million pixels, a minute of voice, ten seconds
of film; ffmpeg's CPU is counted with its caller's.
"""

import argparse
import io
import resource
import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import throwaway  # noqa: F401
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django_tenants.utils import tenant_context
from PIL import Image

from chat.models import Attachment
from chat.services import attachments, processing
from ops.kernel import ffmpeg
from tenants.accounts.models import User
from tenants.services import provisioning

PIECE = 1024 * 1024
WANTED_RATIO = 20.0


def cpu() -> float:
    """Seconds this process and its finished children have worked."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def measured(work: Callable[[], None]) -> float:
    """CPU seconds of one run."""
    before = cpu()
    work()
    return cpu() - before


def over_http(client: Client, body: bytes) -> None:
    """As a browser sends it."""
    begun = client.post("/api/v1/chat/uploads/", {"name": "notes.txt", "bytes": len(body)}, "application/json").json()
    for start in range(0, len(body), PIECE):
        piece = body[start : start + PIECE]
        said = f"bytes {start}-{start + len(piece) - 1}/{len(body)}"
        answer = client.generic(
            "PUT", begun["put_url"], piece, "application/octet-stream", headers={"content-range": said}
        )
        assert answer.status_code == 200, answer.content


def to_storage(body: bytes) -> None:
    """The bytes alone."""
    for start in range(0, len(body), PIECE):
        name = f"uploads/parts/bench-{start}-{secrets.token_hex(4)}"
        default_storage.save(name, ContentFile(body[start : start + PIECE]))


def samples() -> dict[str, bytes]:
    """One file a kind, as telephones make them."""
    out = io.BytesIO()
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(out, "JPEG", quality=88)
    with tempfile.TemporaryDirectory() as folder:

        def made(name: str, *arguments: str) -> bytes:
            path = Path(folder) / name
            subprocess.run([ffmpeg.executable(), "-v", "error", "-nostdin", *arguments, str(path)], check=True)
            return path.read_bytes()

        voice = made("v.webm", "-f", "lavfi", "-i", "sine=frequency=300:duration=60", "-c:a", "libopus")
        film = made("f.mp4", "-f", "lavfi", "-i", "testsrc2=duration=10:size=1280x720:rate=30", "-c:v", "libx264")
    return {"photograph, 12 million pixels": out.getvalue(), "voice, 60 s": voice, "film, 10 s of 720p": film}


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=16)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    owner = provisioning.Owner("ana@bench.example", "Ana", "balcao-demo", "")
    tenant = provisioning.create(name="Bench", slug="bench", owner=owner, wait=True)
    body = (b"A line of plain text, as in a list of orders.\n" * (options.mb * PIECE // 46 + 1))[: options.mb * PIECE]

    with tempfile.TemporaryDirectory() as media, tenant_context(tenant):
        settings.STORAGE_URL = f"file://{media}"
        client = Client(headers={"host": f"bench.{settings.PLATFORM_DOMAIN}"})
        client.force_login(User.objects.get())
        ours, bare = [], []
        for _turn in range(options.turns):
            bare.append(measured(lambda: to_storage(body)) / options.mb * 1000)
            ours.append(measured(lambda: over_http(client, body)) / options.mb * 1000)
            Attachment.objects.all().delete()
        ratio = statistics.median(ours) / statistics.median(bare)
        print(f"storage alone   {statistics.median(bare):7.2f} ms CPU per MiB")
        print(
            f"PUT in pieces   {statistics.median(ours):7.2f} ms CPU per MiB   {ratio:.1f} times (wanted at most {WANTED_RATIO:.0f})"
        )
        person = User.objects.get()
        for name, sample in samples().items():
            times, spans = [], []
            for _turn in range(options.turns):
                row = attachments.begin(owner=person, name="x", bytes=len(sample))
                attachments.put(attachment_id=row.pk, owner=person, body=sample)
                began = time.perf_counter()
                times.append(measured(lambda key=row.pk: processing.run(attachment_id=key)))
                spans.append(time.perf_counter() - began)
                row.refresh_from_db()
                assert row.state == "ready", row.reason
            print(f"{name:32} {statistics.median(times):6.2f} s CPU, {statistics.median(spans):.2f} s until ready")


if __name__ == "__main__":
    main()
