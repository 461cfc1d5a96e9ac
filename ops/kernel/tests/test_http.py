import socket
import threading

import httpx
import pytest

from ops.kernel import context, http
from ops.kernel.errors import PermanentFailure, TemporaryFailure
from ops.kernel.testing import PATIENCE_S, FakeHTTP


@pytest.fixture
def pauses():
    """The pauses between attempts, not waited for."""
    return []


@pytest.fixture
def service(fake_http, pauses):
    with http.client(fake_http.url + "/v1", timeout=PATIENCE_S, sleep=pauses.append) as client:
        yield client


def test_a_call_carries_headers_and_gives_the_answer(fake_http, service):
    fake_http.on("POST", "/v1/send").reply(201, {"id": "m-1"})

    with context.bound(request="r-1"):
        answer = service.post(
            "/send", json={"text": "olá"}, params={"a": "1"}, idempotency_key="k-1", headers={"X-A": "b"}
        )

    assert (answer.status_code, answer.json()) == (201, {"id": "m-1"})
    sent = fake_http.requests[0]
    assert (sent.method, sent.path, sent.query, sent.json) == ("POST", "/v1/send", {"a": ["1"]}, {"text": "olá"})
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert (headers["idempotency-key"], headers["x-a"], headers["x-request-id"]) == ("k-1", "b", "r-1")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_safe_call_is_repeated_after_a_temporary_failure(fake_http, service, pauses, status):
    fake_http.on("GET", "/v1/x").reply(status, "busy").reply(200, {"ok": True})

    assert service.get("/x").json() == {"ok": True}
    assert len(fake_http.requests) == 2
    assert len(pauses) == 1


def test_attempts_end_and_pauses_grow(fake_http, service, pauses):
    fake_http.on("GET", "/v1/x").reply(503, "closed for lunch")

    with pytest.raises(http.ServiceUnavailable) as failed:
        service.get("/x")

    assert (failed.value.status_code, failed.value.words) == (503, "closed for lunch")
    assert isinstance(failed.value, TemporaryFailure)
    assert len(fake_http.requests) == 3
    assert all(0.15 <= pause <= 0.75 for pause in pauses)


def test_a_post_is_not_repeated_unless_it_carries_a_key(fake_http, service):
    fake_http.on("POST", "/v1/x").reply(503).reply(200)
    with pytest.raises(http.ServiceUnavailable):
        service.post("/x")
    assert len(fake_http.requests) == 1

    fake_http.reset()
    fake_http.on("POST", "/v1/x").reply(503).reply(200)
    assert service.post("/x", idempotency_key="k").status_code == 200
    assert len(fake_http.requests) == 2


def test_a_connection_that_was_never_made_is_tried_again_even_for_a_post(pauses):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # held and never listening: nobody else gets the port
        port = deaf.getsockname()[1]
        with (
            http.client(f"http://127.0.0.1:{port}", timeout=PATIENCE_S, sleep=pauses.append) as client,
            pytest.raises(http.ServiceUnavailable),
        ):
            client.post("/x")

    assert len(pauses) == 2


def test_an_answer_that_breaks_off_is_temporary(fake_http, service, pauses):
    fake_http.on("POST", "/v1/x").drop()
    with pytest.raises(http.ServiceUnavailable):
        service.post("/x")
    assert (len(fake_http.requests), pauses) == (1, [])

    fake_http.on("GET", "/v1/y").drop().reply(200, {"ok": True})
    assert service.get("/y").json() == {"ok": True}


def test_a_service_that_does_not_answer_in_time_is_temporary(fake_http):
    fake_http.on("POST", "/x").reply(200, delay_s=2)

    with http.client(fake_http.url, timeout=0.1) as client, pytest.raises(http.ServiceUnavailable):
        client.post("/x")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_keeps_the_services_words(fake_http, service, pauses, status):
    fake_http.on("GET", "/v1/x").reply(status, {"error": {"message": "no such card", "key": "sk_live_abcdefgh1234"}})

    with pytest.raises(http.ServiceRefused) as refused:
        service.get("/x")

    assert isinstance(refused.value, PermanentFailure)
    assert refused.value.status_code == status
    assert "no such card" in refused.value.words
    assert "sk_live" not in refused.value.words
    assert refused.value.answer["error"]["message"] == "no such card"
    assert (len(fake_http.requests), pauses) == (1, [])


def test_a_short_wait_that_is_asked_for_is_kept_and_a_long_one_is_told(fake_http, service, pauses):
    fake_http.on("GET", "/v1/x").reply(429, headers={"Retry-After": "2"}).reply(200)
    service.get("/x")
    assert pauses[0] >= 2

    fake_http.on("GET", "/v1/y").reply(429, headers={"Retry-After": "3600"})
    with pytest.raises(http.ServiceUnavailable) as failed:
        service.get("/y")
    assert failed.value.retry_after == 3600
    assert max(pauses) <= 5


def test_a_redirect_is_not_followed(fake_http, service):
    fake_http.on("GET", "/v1/x").reply(302, headers={"Location": fake_http.url + "/v1/elsewhere"})

    assert service.get("/x").status_code == 302
    assert [sent.path for sent in fake_http.requests] == ["/v1/x"]


def test_an_answer_too_large_is_cut_off(fake_http):
    fake_http.on("GET", "/x").reply(200, b"x" * 5000)

    with (
        http.client(fake_http.url, timeout=PATIENCE_S, max_bytes=1000) as client,
        pytest.raises(http.ServiceRefused) as refused,
    ):
        client.get("/x")

    assert refused.value.words == "more than 1000 bytes"


def test_credentials_do_not_reach_the_log(fake_http, caplog):
    caplog.set_level("INFO", logger="ops.kernel.http")
    fake_http.on("GET", "/bot123456:AAE_abcdefghijklmnopqrstuv/getMe").reply(200)

    with http.client(fake_http.url, timeout=PATIENCE_S, headers={"Authorization": "Bearer abcdef123456"}) as client:
        client.get("/bot123456:AAE_abcdefghijklmnopqrstuv/getMe", params={"token": "s3cretvalue"})

    assert "200" in caplog.text
    for secret in ("AAE_abc", "abcdef123456", "s3cretvalue"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/", "http://localhost/", "http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/", "http://0x7f.1/", "http://100.64.0.1/",
        "http://224.0.0.1/", "http://[fe80::1]/", "http://[fc00::1]/",
    ],
)  # fmt: skip
def test_an_address_in_our_own_network_is_refused_when_people_typed_it(address):
    with http.client("https://example.com", timeout=2, public_only=True) as client, pytest.raises(http.AddressRefused):
        client.get(address)


def test_a_name_is_resolved_once_and_the_checked_address_is_used(fake_http, monkeypatch):
    """A name server that answers differently the second time cannot lead us home."""
    answers = [[(2, 1, 6, "", ("93.184.216.34", 80))], [(2, 1, 6, "", ("127.0.0.1", 80))]]
    connected = []

    def resolve(*args, **kwargs):
        return answers.pop(0)

    def connect(self, request):
        connected.append((request.url.host, request.headers["Host"], request.extensions["sni_hostname"]))
        return httpx.Response(200, request=request, stream=httpx.ByteStream(b""))

    monkeypatch.setattr(http.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", connect)
    with http.client("http://rebind.example", timeout=2, public_only=True) as client:
        assert client.get("/hook").status_code == 200

    assert connected == [("93.184.216.34", "rebind.example", "rebind.example")]


def test_a_client_serves_many_threads(fake_http, service):
    fake_http.on("GET", "/v1/x").reply(200, {"ok": 1})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(service.get("/x").json())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [{"ok": 1}] * 8


def test_the_pretended_service_says_what_nobody_expected():
    with FakeHTTP() as fake, http.client(fake.url, timeout=PATIENCE_S) as client:
        fake.on("GET", "/files/*").reply(200, b"\x00\x01")
        assert client.get("/files/a/b").content == b"\x00\x01"
        with pytest.raises(http.ServiceRefused) as refused:
            client.post("/files/a")
    assert "nothing expected at POST /files/a" in refused.value.words
