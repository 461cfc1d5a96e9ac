import threading

import pytest
from django_tenants.utils import tenant_context

from ops.kernel import ratelimit
from ops.kernel import redis as kernel_redis

START = 1_800_000_000.0  # the beginning of a window of a minute


@pytest.fixture
def no_redis(monkeypatch):
    """Redis is away: nothing listens at the address."""
    kernel_redis._client.cache_clear()
    monkeypatch.setattr(kernel_redis.settings, "REDIS_URL", "redis://127.0.0.1:1/0", raising=False)
    yield
    kernel_redis._client.cache_clear()


def hits(n, *, now=START, **other):
    values = {"limit": 3, "window_s": 60, **other}
    return [ratelimit.hit("tests", now=now, **values) for _ in range(n)]


def test_what_is_left_goes_down_to_nothing(acme):
    rates = hits(5)

    assert [(rate.allowed, rate.remaining) for rate in rates] == [
        (True, 2),
        (True, 1),
        (True, 0),
        (False, 0),
        (False, 0),
    ]
    assert rates[0].headers == {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "2", "X-RateLimit-Reset": "60"}
    assert rates[4].headers["Retry-After"] == "60"


def test_the_edge_of_a_window_lets_nobody_send_twice_the_limit(acme):
    hits(3, now=START + 59)

    assert [rate.allowed for rate in hits(3, now=START + 60)] == [False, False, False]
    # Half of the window before has faded out.
    assert [rate.allowed for rate in hits(3, now=START + 90)] == [True, False, False]
    assert [rate.allowed for rate in hits(3, now=START + 300)] == [True, True, True]


def test_a_refused_hit_costs_nothing(acme):
    hits(10)

    assert hits(1, now=START + 120)[0].remaining == 2


def test_a_cost_larger_than_what_is_left_is_refused_whole(acme):
    assert ratelimit.hit("tests", limit=10, window_s=60, cost=8, now=START).remaining == 2
    assert not ratelimit.hit("tests", limit=10, window_s=60, cost=3, now=START).allowed
    assert ratelimit.hit("tests", limit=10, window_s=60, cost=2, now=START).remaining == 0


def test_tenants_and_keys_are_counted_apart(acme, beta):
    hits(3)
    with tenant_context(beta):
        assert hits(1)[0].allowed
    assert ratelimit.hit("other", limit=3, window_s=60, now=START).allowed
    assert not hits(1)[0].allowed


def test_a_limit_of_nothing_refuses_everything(acme):
    assert not ratelimit.hit("tests", limit=0, window_s=60).allowed


def test_the_count_is_atomic(acme):
    allowed = []

    def work():
        with tenant_context(acme):
            allowed.extend(rate.allowed for rate in hits(50, limit=100))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert allowed.count(True) == 100


def test_without_redis_everybody_is_let_in_and_it_is_logged(acme, no_redis, caplog):
    rates = hits(5)

    assert all(rate.allowed for rate in rates)
    assert "Rate limit not counted" in caplog.text
