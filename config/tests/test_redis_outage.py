"""What still works while Redis is stopped: a real server, killed and started again in the middle.

The choice is written down in `docs/adr/0007`: requests are counted by each process for itself, wrong passwords are
counted in PostgreSQL as always.
"""

import subprocess
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import caches
from django.test import Client

from billing.tests.factories import PlanFactory, SubscriptionFactory
from config.embedded import binaries, places
from ops.kernel import ratelimit
from ops.kernel import redis as kernel_redis
from ops.kernel.testing import PATIENCE_S
from tenants.accounts.services.attempts import FAILURE_LIMIT


class Server:
    """One Redis of this test's own."""

    def __init__(self, folder: Path):
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}?db=0"
        self.binary = binaries.find(places.find(folder)).redis
        self.process: subprocess.Popen | None = None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.socket.parent],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                return redis.Redis.from_url(self.url).ping()
            except redis.RedisError:
                time.sleep(0.02)
        raise AssertionError("Redis did not start")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.process = None


@pytest.fixture
def server(tmp_path_factory, monkeypatch):
    """Everything of this process that speaks to Redis speaks to this one."""
    own = Server(tmp_path_factory.mktemp("r"))
    own.start()
    monkeypatch.setattr(settings, "REDIS_URL", own.url)
    monkeypatch.setitem(caches.settings["default"], "LOCATION", own.url)
    kept = caches["default"]
    del caches["default"]
    kernel_redis._client.cache_clear()
    ratelimit.start_afresh()
    yield own
    own.stop()
    caches["default"] = kept
    kernel_redis._client.cache_clear()
    ratelimit.start_afresh()


def test_redis_stops_and_comes_back(server, acme, ana, client_of):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(limits={"api.requests_15min": 4}))
    stranger = client_of(acme)
    credentials = {"email": ana.email, "password": "balcao-demo"}
    pair = stranger.post("/api/v1/auth/login/", credentials, "application/json").json()
    program = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {pair['access']}"})
    assert program.get("/api/v1/auth/me/")["X-RateLimit-Remaining"] == "3"
    browser = client_of(acme, user=ana)

    server.stop()

    # Who is in goes on working, and is still counted: by this process.
    assert browser.get("/settings/profile/").status_code == 200
    answers = [program.get("/api/v1/auth/me/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["3", "2", "1", "0", "0"]
    assert int(answers[4]["Retry-After"]) > 0
    # Passwords are still taken, and guessing them is still braked.
    assert stranger.post("/api/v1/auth/login/", credentials, "application/json").status_code == 200
    assert stranger.post("/login/", credentials).status_code == 302
    fresh = client_of(acme)
    guesses = [fresh.post("/login/", {**credentials, "password": f"guess {number}"}) for number in range(12)]
    assert [guess.status_code for guess in guesses] == [200] * FAILURE_LIMIT + [429, 429]

    server.start()
    ratelimit.start_afresh()  # the second for which Redis is left alone is over

    assert program.get("/api/v1/auth/me/")["X-RateLimit-Remaining"] == "3"
    # The restart forgave nobody.
    assert client_of(acme).post("/login/", credentials).status_code == 429
