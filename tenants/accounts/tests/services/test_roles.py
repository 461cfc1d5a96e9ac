"""Built-in roles follow what the apps declare, in every schema alike."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import translation
from django_tenants.utils import schema_context

from ops.kernel.registry import PermissionDef, permissions
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import Role
from tenants.accounts.services import roles


def held():
    return {
        role.slug: {
            f"{one.content_type.app_label}.{one.codename}" for one in role.permissions.select_related("content_type")
        }
        for role in Role.objects.filter(built_in=True)
    }


def test_every_schema_has_the_roles_with_what_was_declared(acme, beta):
    declared = {slug: roles.granted_to(slug) for slug in BuiltInRole.values}

    for schema in ("public", "t_acme", "t_beta", "zz_tenant_template_zz"):
        with schema_context(schema):
            assert held() == declared, schema
    assert "accounts.change_user" in declared["owner"]
    assert "accounts.change_user" not in declared["agent"]


def test_syncing_again_changes_nothing(acme):
    before = held()
    stamps = set(Role.objects.values_list("pk", "updated_at"))

    roles.sync()

    assert held() == before
    assert set(Role.objects.values_list("pk", "updated_at")) == stamps


def test_a_role_regains_what_was_taken_and_loses_what_was_added(acme):
    viewer = Role.objects.get(slug="viewer")
    viewer.permissions.set(Permission.objects.filter(codename="change_user"))
    own = Role.objects.create(slug="night-shift", name="Night shift")
    own.permissions.set(Permission.objects.filter(codename="change_user"))

    roles.sync()

    assert held()["viewer"] == roles.granted_to("viewer")
    assert own.permissions.get().codename == "change_user"


def test_a_new_declaration_arrives_with_the_next_sync(acme):
    permissions.register("accounts.test", PermissionDef("accounts.change_user", "test", {"viewer"}))
    try:
        roles.sync()
        assert "accounts.change_user" in held()["viewer"]
    finally:
        permissions.unregister("accounts.test")


@pytest.mark.parametrize(("language", "label"), [("en", "Owner"), ("pt-br", None)])
def test_names_are_stored_in_english_and_shown_in_the_reader_s_language(acme, language, label):
    owner = Role.objects.get(slug="owner")
    assert owner.name == "Owner"
    with translation.override(language):
        assert owner.label == (label or str(BuiltInRole.OWNER.label))
    assert Role(slug="owner", name="Chefe", built_in=False).label == "Chefe"
