"""`configuration rotate-keys` reaches every secret the product keeps, whichever app keeps it."""

import ast
from importlib import import_module

import factory
import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django_tenants.utils import schema_context

from config.tests.test_house import ROOT, our_models, python_files
from ops.kernel import fields
from ops.kernel.configuration import services as configuration

# Whoever makes tokens by hand: the field itself, settings (rotated version by version), the adapter of the second factor
# (registered as `sealed`), and two values that live for minutes in a session.
MAKERS = {
    "ops/kernel/fields.py",
    "ops/kernel/configuration/services/changing.py",
    "tenants/accounts/adapters.py",
    "tenants/accounts/views/security.py",
}


def encrypted():
    """Each model that keeps secrets, with its fields."""
    found = {
        model: [one for one in model._meta.local_concrete_fields if isinstance(one, fields.EncryptedTextField)]
        for model in our_models()
    }
    return {model: names for model, names in found.items() if names}


def factories():
    """The factory of each model."""
    made = {}
    for path in ROOT.glob("**/tests/factories.py"):
        if ".venv" not in path.parts:
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, factory.Factory) and value._meta.model:
                    made.setdefault(value._meta.model, value)
    return made


@pytest.mark.parametrize("model", sorted(encrypted(), key=lambda model: model._meta.label), ids=lambda m: m._meta.label)
def test_every_encrypted_column_comes_under_the_new_key(acme, settings, model):
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()
    row, names = factories()[model](), [one.name for one in encrypted()[model]]
    model._base_manager.filter(pk=row.pk).update(**dict.fromkeys(names, "a secret of before"))

    settings.FIELD_KEYS = [new, old]
    for schema in (connection.schema_name, "public"):
        with schema_context(schema):
            assert configuration.rotate_keys(by=None).unreadable == ()

    settings.FIELD_KEYS = [new]
    kept = model._base_manager.filter(pk=row.pk).values(*names).get()
    assert kept == dict.fromkeys(names, "a secret of before")


def test_nobody_else_makes_tokens_that_no_rotation_knows():
    makers = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute | ast.Name)
            and (
                getattr(node.func, "id", "") == "encrypt"
                or (
                    getattr(node.func, "attr", "") == "encrypt"
                    and getattr(getattr(node.func, "value", None), "id", "") in {"fields", "cipher"}
                )
            )
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert makers <= MAKERS
    assert len(makers) >= 3
