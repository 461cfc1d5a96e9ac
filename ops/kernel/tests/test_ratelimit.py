import multiprocessing
import threading

import pytest
from django.db import connection
from django_tenants.utils import tenant_context
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.kernel import ratelimit
from ops.kernel import redis as kernel_redis
from ops.kernel.ratelimit import Limit
from ops.kernel.testing import PATIENCE_S

START = 1_800_000_000.0  # the beginning of a window of a minute


@pytest.fixture
def no_redis(monkeypatch):
    """Redis is away: nothing listens at the address."""
    kernel_redis._client.cache_clear()
    ratelimit.start_afresh()
    monkeypatch.setattr(
        ratelimit, "PAUSE_S", 3600
    )  # how often it is asked again must not depend on how long a test takes
    monkeypatch.setattr(kernel_redis.settings, "REDIS_URL", "redis://127.0.0.1:1/0", raising=False)
    yield
    kernel_redis._client.cache_clear()
    ratelimit.start_afresh()


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


def test_no_window_however_it_lies_lets_more_than_the_limit_pass(acme):
    hits(3, now=START + 59)

    assert [rate.allowed for rate in hits(3, now=START + 60)] == [False, False, False]
    assert [rate.allowed for rate in hits(1, now=START + 118.999)] == [False]
    assert [rate.allowed for rate in hits(4, now=START + 119)] == [True, True, True, False]


def test_the_times_told_are_true_to_the_edge(acme):
    ratelimit.hit("tests", limit=3, window_s=60, now=START)
    ratelimit.hit("tests", limit=3, window_s=60, cost=2, now=START + 20)

    one, two = (ratelimit.hit("tests", limit=3, window_s=60, cost=cost, now=START + 30) for cost in (1, 2))

    assert (one.allowed, one.wait_s, one.reset_s) == (False, 30, 50)
    assert (two.allowed, two.wait_s) == (False, 50)
    assert not hits(1, now=START + 30 + one.wait_s - 0.001)[0].allowed
    passed = hits(1, now=START + 30 + one.wait_s)[0]
    assert (passed.allowed, passed.wait_s, passed.remaining) == (True, 0, 0)
    assert ratelimit.hit("tests", limit=3, window_s=60, cost=0, now=START + 60 + 60).remaining == 3


def test_a_refused_hit_costs_nothing(acme):
    hits(10)

    assert hits(1, now=START + 60)[0].remaining == 2


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
    assert not ratelimit.hit("tests", limit=0, window_s=60, cost=0).allowed


def test_one_refusal_charges_no_limit_of_the_request(acme):
    both = [Limit("person", 5, 60), Limit("address", 1, 60)]
    ratelimit.check(both, now=START)

    refused = ratelimit.check(both, now=START)

    assert [rate.allowed for rate in refused] == [True, False]
    assert [rate.remaining for rate in refused] == [4, 0]
    assert ratelimit.tightest(refused) is refused[1]


def test_all_limits_of_a_request_are_one_question_to_redis(acme, monkeypatch):
    asked = []
    execute = kernel_redis.client().execute_command
    monkeypatch.setattr(
        kernel_redis.client(), "execute_command", lambda *args, **more: asked.append(args[0]) or execute(*args, **more)
    )
    ratelimit.hit("warm", limit=1, window_s=60)
    asked.clear()

    ratelimit.check([Limit(f"key{number}", 10, 60) for number in range(4)])

    assert asked == ["EVALSHA"]


def test_a_redis_that_forgot_the_script_is_told_it_again(acme):
    hits(1)
    kernel_redis.client().script_flush()

    assert hits(1)[0].remaining == 1


# --- Against a model that keeps every request --------------------------------------------------------------


class Model:
    """The rule said as simply as can be: a request counts until the step it fell into is one window old."""

    def __init__(self, window_ms):
        self.window, self.step = window_ms, -(-window_ms // 60)
        self.ends = []

    def ask(self, now, limit, cost):
        """Lets pass, used before, ms until it passes, ms until all is there again."""
        alive = sorted(end for end in self.ends if end > now)
        fits = len(alive) + cost <= limit
        wait = 0
        if not fits:
            spare = len(alive) + cost - limit  # so many must end first
            wait = alive[spare - 1] - now if cost <= limit else self.step * 60
        return fits, len(alive), wait, (alive[-1] - now if alive else 0)

    def charge(self, now, cost):
        self.ends += [now // self.step * self.step + 60 * self.step] * cost


requests = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 300), st.sampled_from([999, 1000, 1001, 9_999, 10_000, 59_999, 60_000, 60_001])),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("here", ["redis", "local"])
@settings(max_examples=60)
@given(story=requests, first=st.integers(1, 6), second=st.integers(1, 9), window=st.sampled_from([10, 60, 900]))
def test_redis_and_the_process_keep_the_same_rule(acme, here, story, first, second, window):
    kernel_redis.client().flushdb()
    ratelimit.start_afresh()
    limits, models = (first, second), (Model(window * 1000), Model(7 * window * 1000))
    ask = ratelimit._ask_redis if here == "redis" else ratelimit._local.count
    moment = int(START * 1000)
    for pause, cost in story:
        moment += pause
        pair = [Limit("a", first, window, cost), Limit("b", second, 7 * window, cost)]
        expected = [model.ask(moment, limit, cost) for model, limit in zip(models, limits, strict=True)]
        passes = all(fits for fits, *_ in expected)
        if passes:
            for model in models:
                model.charge(moment, cost)
            expected = [(True, *model.ask(moment, 10**9, 0)[1:]) for model in models]

        said = [tuple(answer) for answer in ask(pair, moment / 1000)]

        assert said == [(int(fits), used, wait, reset) for fits, used, wait, reset in expected]
        for one, (fits, _used, wait, reset) in zip(pair, said, strict=True):
            assert reset <= one.step_ms * 60
            assert fits or 0 < wait <= one.step_ms * 60


# --- Many at once ---------------------------------------------------------------------------------------


def test_the_count_is_atomic_among_threads(acme):
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


def _hammer(schema, answers):
    kernel_redis._client.cache_clear()
    connection.schema_name = schema
    pair = [Limit("shared", 100, 900), Limit("wide", 1000, 900)]
    answers.put(sum(all(rate.allowed for rate in ratelimit.check(pair)) for _ in range(60)))


def test_processes_together_get_exactly_the_limit(acme):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [context.Process(target=_hammer, args=(acme.schema_name, answers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    passed = [answers.get(timeout=PATIENCE_S) for _ in workers]
    for worker in workers:
        worker.join(timeout=PATIENCE_S)

    assert sum(passed) == 100
    assert ratelimit.hit("wide", limit=1000, window_s=900, cost=0).remaining == 900


# --- Without Redis --------------------------------------------------------------------------------------


def test_without_redis_this_process_counts_and_says_so(acme, no_redis, caplog):
    rates = hits(5)

    assert [(rate.allowed, rate.remaining) for rate in rates] == [
        (True, 2),
        (True, 1),
        (True, 0),
        (False, 0),
        (False, 0),
    ]
    assert rates[4].headers["Retry-After"] == "60"
    # It was asked once and then left alone: nobody waits for it at every request.
    assert caplog.text.count("Redis does not count rate limits") == 1


def test_without_redis_tenants_are_counted_apart_too(acme, beta, no_redis):
    hits(3)

    with tenant_context(beta):
        assert hits(1)[0].allowed
    assert not hits(1)[0].allowed


def test_without_redis_memory_stays_bounded(acme, no_redis, monkeypatch):
    monkeypatch.setattr(ratelimit, "MOST_LOCAL", 10)

    for number in range(50):
        ratelimit.hit(f"caller{number}", limit=3, window_s=60)

    assert len(ratelimit._local._steps) == 10
    assert ratelimit.hit("caller49", limit=3, window_s=60, cost=0).remaining == 2
