"""Ids, money, registries, redaction and encrypted columns: small things everything stands on."""

import json
import logging
import threading
import uuid
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject
from hypothesis import given
from hypothesis import strategies as st

from ops.kernel import context, fields
from ops.kernel.actors import Actor, actor_of
from ops.kernel.ids import uuid7
from ops.kernel.logging import JsonFormatter
from ops.kernel.money import Micros, MixedCurrencies, Money
from ops.kernel.redaction import MASK, redact, redact_text
from ops.kernel.registry import NavItem, Registry

# --- Ids ---


def test_ids_are_of_version_7_and_grow():
    made = [uuid7() for _ in range(20_000)]

    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}


def test_ids_of_many_threads_are_different():
    made = []
    threads = [threading.Thread(target=lambda: made.extend(uuid7() for _ in range(2000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 16_000


# --- Money ---


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [("197.00", "BRL", 19700), ("0.1", "USD", 10), (5, "BRL", 500), ("-1.01", "BRL", -101), ("1500", "JPY", 1500)],
)
def test_an_amount_is_whole_cents(amount, currency, cents):
    assert Money.of(amount, currency).cents == cents


@pytest.mark.parametrize("amount", ["1.005", "0.001"])
def test_what_would_need_rounding_is_refused(amount):
    with pytest.raises(ValueError, match="decimal places"):
        Money.of(amount, "BRL")
    with pytest.raises(ValueError, match="decimal places"):
        Money.of("1.5", "JPY")


def test_currencies_do_not_mix_and_floats_do_not_count():
    with pytest.raises(MixedCurrencies):
        Money.of("1", "BRL") + Money.of("1", "USD")
    with pytest.raises(MixedCurrencies):
        _ = Money.of("1", "BRL") < Money.of("1", "USD")
    with pytest.raises(TypeError):
        Money.of(1.5, "BRL")
    with pytest.raises(TypeError):
        Money.of("1", "BRL") * 1.5
    with pytest.raises(ValueError, match="ISO"):
        Money(1, "reais")
    assert Money.of("1", "BRL") != Money.of("1", "USD")


def test_money_in_the_form_of_the_api():
    assert (Money.of("197", "BRL") * 3).as_json() == {"amount": "591.00", "currency": "BRL"}
    assert str(-Money.of("0.05", "BRL")) == "BRL -0.05"


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any))
def test_the_parts_of_a_split_make_the_whole(cents, weights):
    whole = Money(cents, "BRL")
    parts = whole.split(weights)

    assert sum(part.cents for part in parts) == cents
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.cents - Decimal(cents) * weight / sum(weights)) < 1


@pytest.mark.parametrize(
    ("micros", "cents"), [(4_999, 0), (5_000, 1), (14_999, 1), (15_000, 2), (-5_000, -1), (1_000_000, 100)]
)
def test_a_line_is_rounded_half_up_once(micros, cents):
    assert Micros(micros, "USD").to_money() == Money(cents, "USD")


# --- Registries ---


def test_a_key_is_registered_once_and_items_keep_their_order():
    registry = Registry("tests")
    registry.register("b", NavItem("B", "b", "b", order=20))
    registry.register("a", NavItem("A", "a", "a", order=10))
    registry.register("c", NavItem("C", "c", "c", order=20))

    assert registry.keys() == ["a", "b", "c"]
    assert [item.label for item in registry] == ["A", "B", "C"]
    assert "a" in registry
    assert registry.get("z") is None
    with pytest.raises(ImproperlyConfigured, match="tests: 'a' is registered twice"):
        registry.register("a", NavItem("Other", "o", "o"))
    assert registry["a"].label == "A"


# --- Redaction and logs ---


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("Authorization: Bearer abcdef123456789", "Bearer", "abcdef123456789"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF_123", "", "eyJhbG"),
        ("postgres://app:s3cret@db/x", "postgres://app:", "s3cret"),
        ("GET /x?token=abc123&page=2", "page=2", "abc123"),
        ("https://api.telegram.org/bot123456:AAE_abcdefghijklmnopqrstuv/send", "/send", "AAE_abcdefghij"),
        ("key sk_live_abcdefgh12345 used", "used", "sk_live"),
        ("key sk-proj-abcdefghijklmnop used", "used", "sk-proj"),
    ],
)
def test_credentials_in_a_text_are_masked(text, kept, gone):
    shown = redact_text(text)

    assert gone not in shown
    assert kept in shown
    assert MASK in shown


def test_fields_are_masked_by_their_name_and_numbers_of_tokens_are_not():
    shown = redact(
        {
            "Password": "x",
            "api-key": "y",
            "client_secret": "z",
            "csrfmiddlewaretoken": "t",
            "tokens_in": 812,
            "a": [{"otp": 1}],
            "secret": "",
        }
    )

    assert shown == {
        "Password": MASK, "api-key": MASK, "client_secret": MASK, "csrfmiddlewaretoken": MASK, "tokens_in": 812, "a": [{"otp": MASK}], "secret": "",
    }  # fmt: skip


def line(message="hello", *args, exc_info=None, **extra):
    record = logging.LogRecord("tests", logging.INFO, __file__, 1, message, args, exc_info)
    record.__dict__.update(extra)
    return json.loads(JsonFormatter().format(record))


def test_a_line_of_the_log_is_json_with_tenant_person_and_request(acme):
    with context.bound(request="r-1", user="u-1"):
        written = line("sent %s", "ação", size_bytes=3)

    assert (written["message"], written["level"], written["logger"]) == ("sent ação", "INFO", "tests")
    assert (written["tenant"], written["user"], written["request_id"]) == (acme.schema_name, "u-1", "r-1")
    assert written["size_bytes"] == 3
    assert written["time"]


def test_what_django_says_of_a_request_afterwards_carries_its_id():
    request = RequestFactory().get("/")
    request.request_id = "r-1"

    assert line("Not Found: /", request=request)["request_id"] == "r-1"
    assert "request" not in line("Not Found: /", request=request)


def test_no_secret_reaches_the_log():
    try:
        raise RuntimeError("postgres://app:s3cret@db/x refused")
    except RuntimeError as error:
        written = line(
            "Bearer abcdef123456789",
            exc_info=(type(error), error, error.__traceback__),
            password="s3cret",
            request=object(),
        )

    assert "s3cret" not in json.dumps(written)
    assert "abcdef123456789" not in json.dumps(written)
    assert "RuntimeError" in written["exc_info"]


# --- Encrypted columns ---


class Vault(models.Model):
    secret = fields.EncryptedTextField(blank=True)

    class Meta:
        app_label = "audit"
        managed = False
        db_table = "tests_vault"

    def __str__(self):
        return str(self.pk)


@pytest.fixture
def vault(acme):
    """A table with an encrypted column, for one test."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tests_vault (id bigserial PRIMARY KEY, secret text NOT NULL)")
    return Vault.objects


def raw(pk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM tests_vault WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def test_a_secret_is_unreadable_in_the_table_and_readable_in_code(vault):
    row, empty = vault.create(secret="minha senha"), vault.create(secret="")

    assert "senha" not in raw(row.pk)
    assert raw(empty.pk) == ""
    assert vault.get(pk=row.pk).secret == "minha senha"
    assert vault.exclude(secret="").get() == row
    with pytest.raises(TypeError):
        vault.filter(secret__contains="senha").exists()


def test_an_old_key_still_reads_and_a_lost_one_says_so(vault, settings):
    row = vault.create(secret="x")
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()

    settings.FIELD_KEYS = [new, old]
    assert vault.get(pk=row.pk).secret == "x"
    assert not fields.is_current(raw(row.pk))
    settings.FIELD_KEYS = [new]
    with pytest.raises(fields.Unreadable):
        vault.get(pk=row.pk)
    settings.FIELD_KEYS = ["not a key"]
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS"):
        fields.encrypt("x")
    settings.FIELD_KEYS = []
    with pytest.raises(ImproperlyConfigured, match="empty"):
        fields.encrypt("x")


# --- Who and which request ---


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("req-12345678", True),
        ("short", False),
        ("x" * 101, False),
        ("bad id with spaces", False),
        ("a\nb-12345678", False),
        ("", False),
    ],
)
def test_a_decent_request_id_is_echoed_and_another_replaced(sent, kept):
    inside = []
    middleware = context.RequestIdMiddleware(lambda request: inside.append(context.request_id.get()) or HttpResponse())

    response = middleware(RequestFactory(headers={"X-Request-ID": sent}).get("/"))

    assert response["X-Request-ID"] == inside[0]
    assert (inside[0] == sent) is kept
    assert context.request_id.get() == ""


def test_a_session_nobody_has_read_stays_unread():
    request = RequestFactory().get("/")
    request.user = SimpleLazyObject(lambda: pytest.fail("the session was read"))
    inside = []

    context.RequestIdMiddleware(lambda request: inside.append(context.current_user_id()) or HttpResponse())(request)

    assert inside == [""]


async def test_the_request_id_is_there_in_async_views_too():
    async def view(request):
        return HttpResponse(context.request_id.get())

    response = await context.RequestIdMiddleware(view)(
        RequestFactory(headers={"X-Request-ID": "req-12345678"}).get("/")
    )

    assert response.content == b"req-12345678"
    assert response["X-Request-ID"] == "req-12345678"


def test_an_actor_is_made_from_what_a_service_is_given(ana):
    with context.bound(user="u-1"):
        assert actor_of(None) == Actor("u-1", "", "user")
    assert actor_of(None) == Actor()
    request = RequestFactory().get("/")
    request.user = ana
    inside = []
    context.RequestIdMiddleware(lambda request: inside.append(actor_of(None)) or HttpResponse())(request)
    assert inside == [Actor(str(ana.pk), "ana@acme.example", "user")]
    assert actor_of("manage.py outbox") == Actor("", "manage.py outbox", "system")
    assert actor_of(ana) == Actor(str(ana.pk), "ana@acme.example", "user")
    assert actor_of(Actor("1", "x", "api")) == Actor("1", "x", "api")
