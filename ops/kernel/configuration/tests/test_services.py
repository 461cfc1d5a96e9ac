import json
import pickle
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import fields
from ops.kernel.actors import Actor
from ops.kernel.audit.models import AuditEntry
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.registry import Definition, Field, declare, definitions
from ops.kernel.configuration.values import Secret
from ops.kernel.errors import Invalid, NotFound
from ops.kernel.redaction import MASK

ANA = Actor("1", "ana@acme.example", "user")


def even(value):
    if value % 2:
        raise ValidationError("odd", code="odd")


def not_both(values):
    if values.get("colour") == "blue" and values.get("size") == 4:
        raise ValidationError("blue comes in other sizes", code="clash")


SHOP = Definition(
    "tests.shop",
    "Shop",
    fields=(
        Field("colour", "Colour", choices=("red", "blue"), default="red", required=True),
        Field("size", "Size", type=int, min_value=2, max_value=10, default=2, validate=even),
        Field("key", "Key", secret=True, setting="TESTS_SHOP_KEY"),
        Field("open", "Open", type=bool, default=False),
        Field("tags", "Tags", type=list, default=None),
    ),
    check=not_both,
)


@pytest.fixture(autouse=True)
def shop():
    """A setting that only these tests know."""
    declare(SHOP)
    yield
    definitions.unregister("tests.shop")


def set_shop(**values):
    return configuration.set("tests.shop", values, by=ANA)


def test_what_was_never_set_has_its_default(acme):
    values = configuration.get("tests.shop")

    assert (values["colour"], values["size"], bool(values["key"]), values.version) == ("red", 2, False, 0)
    with pytest.raises(configuration.UnknownSetting):
        configuration.get("tests.nothing")


def test_a_change_is_a_version_with_author_and_an_entry_in_the_log(acme, noon):
    configuration.set("tests.shop", {"colour": "blue"}, by=ANA, now=noon - timedelta(hours=1))
    made = configuration.set("tests.shop", {"size": 6}, by=ANA, note="More room", now=noon)

    assert (made.version, made.author_label, made.note, made.created_at) == (2, "ana@acme.example", "More room", noon)
    assert dict(configuration.get("tests.shop"))["size"] == 6
    assert configuration.get("tests.shop")["colour"] == "blue"
    assert [(row.version, row.active) for row in configuration.history("tests.shop")] == [(2, True), (1, False)]
    entry = AuditEntry.objects.newest_first().first()
    assert entry.detail["changes"] == {"size": {"from": None, "to": 6}}


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        ({"colour": "green"}, {"colour": "not_a_choice"}),
        ({"size": "6"}, {"size": "wrong_type"}),
        ({"size": True}, {"size": "wrong_type"}),
        ({"size": 1}, {"size": "too_small"}),
        ({"size": 12}, {"size": "too_large"}),
        ({"size": 5}, {"size": "odd"}),
        ({"colour": ""}, {"colour": "not_a_choice"}),
        ({"colour": None}, {"colour": "required"}),
        ({"key": 7}, {"key": "wrong_type"}),
        ({"key": "a\x00b"}, {"key": "invalid"}),
        ({"key": "x" * 2001}, {"key": "too_long"}),
        ({"nonsense": 1, "size": 3}, {"nonsense": "unknown_field", "size": "odd"}),
        ({"colour": "blue", "size": 4}, {"": "clash"}),
        ({"tags": ["x" * 100_001]}, {"tags": "too_large"}),
    ],
)
def test_each_wrong_field_is_named_and_nothing_is_saved(acme, values, problems):
    with pytest.raises(Invalid) as refused:
        set_shop(**values)

    assert {error.field: error.code for error in refused.value.errors} == problems
    assert not SettingVersion.objects.exists()


def test_a_secret_is_encrypted_and_masked_everywhere(acme, caplog):
    made = set_shop(key="sk-very-secret-1", colour="blue")

    made.refresh_from_db()
    assert "very-secret" not in json.dumps([made.values, made.secrets])
    values = configuration.get("tests.shop")
    assert values["key"].reveal() == "sk-very-secret-1"
    for shown in (
        repr(values),
        str(values["key"]),
        f"{values['key']:>3}",
        repr(values["key"]),
        str(values.masked()),
        f"{values['key']!s}",
    ):
        assert "very-secret" not in shown
    assert values.masked()["key"] == MASK
    with pytest.raises(TypeError):
        pickle.dumps(values["key"])
    assert "very-secret" not in json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert AuditEntry.objects.get().detail["changes"]["key"] == "replaced"


def test_the_mask_of_a_form_leaves_the_secret_and_an_empty_one_removes_it(acme):
    set_shop(key="first")

    set_shop(key=MASK, colour="blue")
    assert configuration.get("tests.shop")["key"] == Secret("first")

    set_shop(key="")
    assert not configuration.get("tests.shop")["key"]


def test_a_tenant_inherits_from_the_platform_and_the_platform_from_its_environment(acme, settings):
    settings.TESTS_SHOP_KEY = "from the environment"
    assert configuration.get("tests.shop")["key"].reveal() == "from the environment"

    with schema_context("public"):
        set_shop(key="of the platform", size=8)
    assert configuration.get("tests.shop")["key"].reveal() == "of the platform"
    assert configuration.get("tests.shop")["size"] == 8

    set_shop(key="our own")
    assert configuration.get("tests.shop")["key"].reveal() == "our own"
    assert configuration.get("tests.shop")["size"] == 8


@pytest.mark.transactional
def test_the_cache_is_per_tenant_holds_no_secret_and_forgets_a_change(acme, beta):
    set_shop(colour="blue", key="very-secret")
    cache.clear()  # the mark of the change, which keeps the cache empty for some seconds
    assert configuration.get("tests.shop")["colour"] == "blue"
    assert cache.get("configuration:tests.shop")["values"] == {"colour": "blue"}
    assert "very-secret" not in str(cache.get("configuration:tests.shop"))
    with tenant_context(beta):
        assert configuration.get("tests.shop")["colour"] == "red"

    with transaction.atomic():
        set_shop(colour="red")
        assert configuration.get("tests.shop")["colour"] == "red"
        transaction.set_rollback(True)
    assert configuration.get("tests.shop")["colour"] == "blue"
    set_shop(colour="red")
    assert configuration.get("tests.shop")["colour"] == "red"


def test_an_earlier_version_comes_back_as_a_new_one_with_its_secret(acme):
    set_shop(colour="blue", key="first")
    set_shop(colour="red", key="second")

    made = configuration.rollback("tests.shop", version=1, by=ANA)

    assert made.version == 3
    values = configuration.get("tests.shop")
    assert (values["colour"], values["key"].reveal()) == ("blue", "first")
    with pytest.raises(NotFound):
        configuration.rollback("tests.shop", version=9, by=ANA)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_export_carries_everything_but_secrets_and_comes_in_again(acme, beta, form):
    set_shop(colour="blue", key="very-secret", tags=["é", "b"])
    text = configuration.export(form=form)
    assert "very-secret" not in text
    assert "key" in text

    with tenant_context(beta):
        set_shop(key="beta's own")
        assert configuration.import_(text, by=ANA, form=form) == ["tests.shop"]
        assert configuration.import_(text, by=ANA, form=form) == []
        values = configuration.get("tests.shop")
        assert (values["colour"], values["tags"], values["key"].reveal()) == ("blue", ["é", "b"], "beta's own")
        assert configuration.export(form=form) == text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{", "json"),
        ("[1]", "json"),
        ("a: [", "yaml"),
        ("!!python/object/apply:os.system ['true']", "yaml"),
        ('{"format": 2, "settings": {}}', "json"),
        ('{"format": 1, "settings": {"tests.nothing": {"values": {}}}}', "json"),
        ('{"format": 1, "settings": {"tests.shop": {"values": {"size": 3}}}}', "json"),
        ("[" * 100_000, "json"),
    ],
)
def test_a_bad_import_changes_nothing(acme, text, form):
    with pytest.raises(Invalid):
        configuration.import_(text, by=ANA, form=form)

    assert not SettingVersion.objects.exists()


@pytest.mark.transactional
def test_keys_are_rotated_in_every_schema_and_the_old_one_can_go(acme, beta, settings, capsys):
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()
    set_shop(key="first")
    set_shop(key="acme's")
    with tenant_context(beta):
        set_shop(key="beta's")
    with schema_context("public"):
        set_shop(key="the platform's")

    settings.FIELD_KEYS = [new, old]
    assert configuration.get("tests.shop")["key"].reveal() == "acme's"
    call_command("configuration", "rotate-keys")
    assert f"{acme.schema_name}: 2 rotated, 0 already" in capsys.readouterr().out
    call_command("configuration", "rotate-keys")
    assert f"{acme.schema_name}: 0 rotated, 2 already" in capsys.readouterr().out

    settings.FIELD_KEYS = [new]
    assert configuration.get("tests.shop")["key"].reveal() == "acme's"
    configuration.rollback("tests.shop", version=1, by=ANA)
    assert configuration.get("tests.shop")["key"].reveal() == "first"
    with tenant_context(beta):
        assert configuration.get("tests.shop")["key"].reveal() == "beta's"


@pytest.mark.transactional
def test_a_secret_without_its_key_is_named_and_stays_as_it_is(acme, settings):
    made = set_shop(key="lost")
    before = dict(made.secrets)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=r"t_acme: tests\.shop v1 key"):
        call_command("configuration", "rotate-keys")

    made.refresh_from_db()
    assert made.secrets == before
    with pytest.raises(fields.Unreadable):
        configuration.get("tests.shop")


@pytest.mark.transactional
def test_the_commands_carry_settings_between_schemas(acme, beta, tmp_path, capsys):
    set_shop(colour="blue")
    call_command("configuration", "export", "--schema", acme.schema_name, "--yaml")
    file = tmp_path / "settings.yaml"
    file.write_text(capsys.readouterr().out)

    call_command("configuration", "import", str(file), "--schema", beta.schema_name, "--yaml")

    with tenant_context(beta):
        assert configuration.get("tests.shop")["colour"] == "blue"
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("configuration", "import", str(tmp_path / "missing"))


def test_a_field_that_makes_no_sense_stops_the_start():
    with pytest.raises(ImproperlyConfigured):
        Field("a", "A", type=float)
    with pytest.raises(ImproperlyConfigured):
        Field("a", "A", secret=True, default="x")
    with pytest.raises(ImproperlyConfigured):
        Definition("x", "X", fields=(Field("a", "A"), Field("a", "A")))


def test_one_version_is_in_force_and_the_database_keeps_it_so(acme):
    set_shop(colour="blue")

    with pytest.raises(IntegrityError), transaction.atomic():
        SettingVersion.objects.create(name="tests.shop", version=2)
    assert connection.schema_name == acme.schema_name
