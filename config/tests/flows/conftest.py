"""The stage of the stories that cross features, and a worker behind it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings

from chat.tests.process import database_url
from config.tests.browser import chromium, stage, web
from ops.kernel.testing import PATIENCE_S

__all__ = ["chromium", "stage", "web", "worker"]


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """A real Celery worker on the test's database; it ends with the story."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "--pool",
            "solo",
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        ],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "DEBUG": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    process.kill()
    process.wait()
