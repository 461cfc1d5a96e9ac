"""Every reader of the environment names the variable, the bad value and an example."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.fixture
def given(monkeypatch):
    """Set one variable for the test; what it asks for is forgotten afterwards."""
    monkeypatch.setattr(env, "known", {})

    def set_variable(value, name="THING"):
        monkeypatch.setenv(name, value)

    return set_variable


def test_an_unset_or_empty_variable_gives_the_default(given):
    assert env.integer("THING", default=7, low=1, high=9) == 7
    given("  ")
    assert env.integer("THING", default=7, low=1, high=9) == 7


@pytest.mark.parametrize(("raw", "value"), [("1", True), ("YES", True), ("off", False), ("0", False)])
def test_booleans_are_read_in_every_usual_spelling(given, raw, value):
    given(raw)
    assert env.boolean("THING", default=not value) is value


@pytest.mark.parametrize(
    ("read", "raw", "words"),
    [
        (lambda: env.boolean("THING", default=False), "maybe", ["THING", "'maybe'", "1 or 0", "Example: THING="]),
        (
            lambda: env.integer("THING", default=8000, low=1, high=65535),
            "80a",
            ["THING", "'80a'", "whole number", "THING=8000"],
        ),
        (
            lambda: env.integer("THING", default=8000, low=1, high=65535),
            "70000",
            ["THING", "'70000'", "between 1 and 65535"],
        ),
        (
            lambda: env.url("THING", schemes={"https"}, example="https://x"),
            "ftp://y",
            ["THING", "'ftp://y'", "https:", "THING=https://x"],
        ),
        (lambda: env.url("THING", schemes={"https"}, example="https://x"), "https://x:port", ["THING", "not a URL"]),
        (lambda: env.choice("THING", options={"A", "B"}, default="A"), "C", ["THING", "'C'", "A, B"]),
        (lambda: env.text("THING", example="x"), "a\x07b", ["THING", "control characters"]),
    ],
)
def test_a_bad_value_is_named_with_an_example(given, read, raw, words):
    given(raw)

    with pytest.raises(ImproperlyConfigured) as refusal:
        read()

    for word in words:
        assert word in str(refusal.value)


def test_a_bad_secret_is_never_shown(given):
    given("hunter2://password@host")

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.url("THING", schemes={"postgres"}, example="postgres://…", secret=True)

    assert "hunter2" not in str(refusal.value)
    assert "a secret of 23 characters" in str(refusal.value)


def test_a_file_can_hold_the_value(given, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("from the file\n")
    given(str(secret), name="THING_FILE")

    assert env.text("THING", example="x") == "from the file"


def test_an_unreadable_file_is_named(given, tmp_path):
    given(str(tmp_path / "absent"), name="THING_FILE")

    with pytest.raises(ImproperlyConfigured, match="THING_FILE is .*absent"):
        env.text("THING", example="x")


def test_a_value_and_a_file_at_once_are_refused(given, tmp_path):
    given("x")
    given(str(tmp_path), name="THING_FILE")

    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("THING", example="x")
