"""Signing up without anybody's help."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Subscription
from billing.views import signup
from tenants.enums import JobState, TenantStatus
from tenants.models import Reseller, Tenant, TenantJob
from tenants.services import provisioning
from tenants.tests.factories import DomainFactory, ResellerFactory, TenantFactory

FORM = {
    "name": "Doceria Lua",
    "slug": "doceria-lua",
    "plan": "starter",
    "owner_name": "Luana",
    "owner_email": "luana@lua.example",
    "language": "pt-br",
    "terms": "on",
    "website": "",
}


@pytest.fixture
def visitor(db: None) -> Client:
    return Client(headers={"host": "localhost"})


@pytest.fixture
def reseller(db: None) -> Reseller:
    row = ResellerFactory(name="Rede Sul", slug="redesul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain="redesul.localhost")
    return row


def words(response: Any) -> str:
    return response.content.decode()


def test_a_visitor_becomes_a_customer(visitor):
    sent = visitor.post("/signup/", FORM)

    tenant = Tenant.objects.get(slug="doceria-lua")
    assert sent.status_code == 302
    assert tenant.reseller is None
    assert Subscription.objects.for_tenant(tenant).open().get().plan.slug == "starter"
    waiting = visitor.get(sent["Location"])
    assert waiting.status_code == 200
    assert visitor.get(sent["Location"] + "state/").json()["ready"] is False

    provisioning.run(job_id=TenantJob.objects.get(tenant=tenant).pk, now=timezone.now())

    done = visitor.get(sent["Location"])
    assert "http://doceria-lua.localhost" in words(done)
    assert "luana@lua.example" in words(done)
    assert "/welcome/" not in words(done)  # the link is for whoever reads the owner's mail


def test_a_sign_up_at_a_resellers_belongs_to_it(reseller):
    visitor = Client(headers={"host": "redesul.localhost"})

    sent = visitor.post("/signup/", FORM)

    assert Tenant.objects.get(slug="doceria-lua").reseller == reseller
    assert "Rede Sul" in words(visitor.get(sent["Location"]))
    assert Client(headers={"host": "localhost"}).get(sent["Location"]).status_code == 404


def test_a_preparation_that_stops_is_told_kindly(visitor):
    sent = visitor.post("/signup/", FORM)
    TenantJob.objects.update(state=JobState.FAILED, error="psycopg.errors.DiskFull: secret path")

    page = words(visitor.get(sent["Location"]))

    assert "secret path" not in page
    assert 'data-state="failed"' in page


@pytest.mark.parametrize("field", ["name", "owner_name", "owner_email", "plan", "language", "terms"])
def test_every_answer_is_needed(visitor, field):
    response = visitor.post("/signup/", {**FORM, field: ""})

    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Tenant.objects.filter(slug="doceria-lua").exists()


def test_what_was_typed_is_kept(visitor):
    page = words(visitor.post("/signup/", {**FORM, "terms": ""}))

    for value in ("Doceria Lua", "doceria-lua", "Luana", "luana@lua.example"):
        assert value in page


def test_a_machine_sees_a_page_and_makes_nothing(visitor):
    response = visitor.post("/signup/", {**FORM, "website": "https://spam.example"})

    assert response.status_code == 200
    assert not Tenant.objects.filter(slug="doceria-lua").exists()


def test_a_taken_address_is_said_at_the_address(visitor):
    TenantFactory(slug="doceria-lua")

    response = visitor.post("/signup/", FORM)

    assert response.status_code == 422
    assert "slug" in response.context["form"].errors


def test_the_same_words_a_day_later_are_a_guess(visitor):
    visitor.post("/signup/", FORM)
    Tenant.objects.filter(slug="doceria-lua").update(created_at=timezone.now() - timedelta(days=1))

    assert visitor.post("/signup/", FORM).status_code == 422


def test_sending_twice_makes_one(visitor):
    assert visitor.post("/signup/", FORM).status_code == 302
    assert visitor.post("/signup/", FORM).status_code == 302
    assert Tenant.objects.filter(slug="doceria-lua").count() == 1


def test_one_caller_makes_only_so_many(visitor):
    for number in range(signup.SIGN_UPS):
        assert visitor.post("/signup/", {**FORM, "slug": f"doceria-{number}"}).status_code == 302

    response = visitor.post("/signup/", {**FORM, "slug": "doceria-more"})

    assert response.status_code == 429
    assert not Tenant.objects.filter(slug="doceria-more").exists()


def test_trying_out_addresses_is_slowed_down(visitor, monkeypatch):
    monkeypatch.setattr(signup, "CHECKS", 3)

    answers = [visitor.get("/signup/check-address/", {"slug": f"doce-{n}"}).status_code for n in range(4)]

    assert answers == [200, 200, 200, 429]


@pytest.mark.parametrize("token", ["x", "a.b.c", "%00", "é"])
def test_a_token_of_somebody_else_opens_nothing(visitor, token):
    assert visitor.get(f"/signup/{token}/").status_code == 404
    assert visitor.get(f"/signup/{token}/state/").status_code == 404


@pytest.mark.parametrize("query", ["?plan=business", "?plan=gold", "?plan=%00"])
def test_a_plan_of_the_landing_page_is_chosen_already(visitor, query):
    response = visitor.get(f"/signup/{query}")

    assert response.status_code == 200
    assert response.context["form"]["plan"].value() == ("business" if query.endswith("business") else "professional")


def test_nobody_signs_up_on_a_tenants_host(acme, client_of):
    assert client_of(acme).get("/signup/").status_code == 404


def test_the_form_is_signed_off_by_the_browser(db):
    strict = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)

    assert strict.post("/signup/", FORM).status_code == 403
    assert TenantStatus.PROVISIONING not in Tenant.objects.filter(slug="doceria-lua").values_list("status", flat=True)
