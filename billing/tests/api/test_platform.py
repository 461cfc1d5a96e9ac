"""Customers over the platform's API."""

import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from billing.models import Subscription
from billing.tests.factories import SubscriptionFactory
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import ResellerRole, TenantStatus
from tenants.models import Reseller, Tenant
from tenants.tests.factories import DomainFactory, ResellerFactory, ResellerMemberFactory, TenantFactory

TENANTS = "/api/platform/v1/tenants/"
NEW = {"name": "Café Central", "plan": "starter", "owner_email": "clara@cafe.example"}


def open_reseller(slug: str) -> Reseller:
    row = ResellerFactory(name=slug.title(), slug=slug)
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain=f"{slug}.localhost")
    return row


@pytest.fixture
def sul(db: None) -> Reseller:
    return open_reseller("sul")


@pytest.fixture
def norte(db: None) -> Reseller:
    return open_reseller("norte")


@pytest.fixture
def rita(sul: Reseller) -> Any:
    user = UserFactory(email="rita@sul.example", is_staff=True)
    user.set_password("balcao-demo")
    user.save()
    ResellerMemberFactory(reseller=sul, user=user, role=ResellerRole.MANAGER)
    return user


@pytest.fixture
def admin(db: None) -> Any:
    return UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)


def program(user: Any, host: str = "sul.localhost") -> Client:
    client = Client(headers={"host": host})
    client.force_login(user)
    return client


def post(client: Client, path: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.post(path, data or {}, content_type="application/json", headers=headers)


def names(response: Any) -> set[str]:
    return {row["name"] for row in response.json()["results"]}


def test_a_reseller_reads_its_own_customers_only(sul, norte, rita):
    mine, foreign = TenantFactory(name="Mine", reseller=sul), TenantFactory(name="Foreign", reseller=norte)
    TenantFactory(name="Direct")

    assert names(program(rita).get(TENANTS)) == {"Mine"}
    assert names(program(rita, "localhost").get(TENANTS)) == {"Mine"}
    assert program(rita).get(f"{TENANTS}{mine.pk}/").json()["slug"] == mine.slug
    for method, path in (("get", ""), ("post", "suspend/"), ("post", "resume/")):
        response = getattr(program(rita), method)(
            f"{TENANTS}{foreign.pk}/{path}", {"reason": "x"}, content_type="application/json"
        )
        assert response.status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == TenantStatus.ACTIVE


def test_strangers_and_neighbours_read_nothing(norte, rita):
    assert Client(headers={"host": "localhost"}).get(TENANTS).status_code == 401
    assert program(UserFactory(email="nobody@x.example")).get(TENANTS).status_code == 403
    refused = program(rita, "norte.localhost").get(TENANTS)
    assert refused.status_code == 403
    assert refused["Content-Type"] == "application/problem+json"


def test_platform_staff_read_all_at_home_and_one_reseller_on_its_host(sul, norte, admin):
    TenantFactory(name="Mine", reseller=sul), TenantFactory(name="Foreign", reseller=norte)

    assert {"Mine", "Foreign"} <= names(program(admin, "localhost").get(TENANTS))
    assert names(program(admin, "norte.localhost").get(TENANTS)) == {"Foreign"}


def test_a_bearer_token_of_public_opens_it_and_one_of_a_tenant_does_not(sul, rita, acme, ana):
    client = Client(headers={"host": "sul.localhost"})
    login = post(client, "/api/v1/auth/login/", {"email": "rita@sul.example", "password": "balcao-demo"})
    assert login.status_code == 200

    assert client.get(TENANTS, headers={"authorization": f"Bearer {login.json()['access']}"}).status_code == 200

    tenants_own = Client(headers={"host": "acme.localhost"})
    foreign = post(tenants_own, "/api/v1/auth/login/", {"email": "ana@acme.example", "password": "balcao-demo"}).json()
    assert client.get(TENANTS, headers={"authorization": f"Bearer {foreign['access']}"}).status_code == 401


def test_it_does_not_answer_on_a_tenants_host(acme, client_of):
    assert client_of(acme, role="owner").get(TENANTS).status_code == 404


def test_a_customer_is_created_once_for_one_key(sul, rita):
    client = program(rita)

    first = post(client, TENANTS, NEW, **{"idempotency-key": "k-1"})
    again = post(client, TENANTS, NEW, **{"idempotency-key": "k-1"})
    other = post(client, TENANTS, NEW | {"name": "Another"}, **{"idempotency-key": "k-1"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    assert first.json()["status"] == "provisioning"
    assert first.json()["address"].startswith("http://cafe-central.localhost")
    tenant = Tenant.objects.get(slug="cafe-central")
    assert tenant.reseller == sul
    assert Subscription.objects.for_tenant(tenant).open().get().plan.slug == "starter"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({"owner_email": "nobody"}, "owner_email"),
        ({"slug": "admin"}, "slug"),
        ({"language": "fr"}, "language"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"currency": "XXX"}, "currency"),
        ({"reseller": "norte"}, "reseller"),
        ({"colour": "red"}, "colour"),
        ({"name": None}, "name"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_wrong_input_names_its_field(sul, norte, rita, change, field):
    response = post(program(rita), TENANTS, NEW | change)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Tenant.objects.filter(slug="cafe-central").exists()


def test_platform_staff_create_for_a_reseller(sul, admin):
    assert post(program(admin, "localhost"), TENANTS, NEW | {"reseller": "sul"}).json()["reseller"] == "sul"


def test_suspending_takes_a_reason_and_resuming_none(sul, rita):
    tenant = TenantFactory(reseller=sul)
    client = program(rita)

    assert post(client, f"{TENANTS}{tenant.pk}/suspend/").status_code == 422
    suspended = post(client, f"{TENANTS}{tenant.pk}/suspend/", {"reason": "Unpaid"}).json()
    assert (suspended["status"], suspended["suspend_reason"]) == ("suspended", "Unpaid")
    assert post(client, f"{TENANTS}{tenant.pk}/resume/").json()["status"] == "active"


def test_what_is_not_possible_now_is_a_conflict(sul, rita):
    tenant = TenantFactory(reseller=sul, status=TenantStatus.PROVISIONING)

    response = post(program(rita), f"{TENANTS}{tenant.pk}/suspend/", {"reason": "x"})

    assert response.status_code == 409
    assert response.json()["code"] == "transition_not_allowed"


def test_lists_are_paged_filtered_and_ordered(sul, rita):
    for name in ("Bakery", "Books", "Cinema"):
        tenant = TenantFactory(name=name, reseller=sul)
    SubscriptionFactory(tenant=tenant, plan__slug="special")
    Tenant.objects.filter(name="Books").update(status=TenantStatus.SUSPENDED)
    client = program(rita)

    assert names(client.get(TENANTS, {"q": "bo"})) == {"Books"}
    assert names(client.get(TENANTS, {"status": "suspended"})) == {"Books"}
    assert names(client.get(TENANTS, {"plan": "special"})) == {"Cinema"}
    assert [row["name"] for row in client.get(TENANTS, {"ordering": "name"}).json()["results"]] == [
        "Bakery",
        "Books",
        "Cinema",
    ]
    page = client.get(TENANTS, {"page_size": 2}).json()
    assert len(page["results"]) == 2
    assert len(client.get(page["next"]).json()["results"]) == 1
    assert client.get(TENANTS, {"status": "nonsense"}).status_code in {400, 422}


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(sul, rita, rows, django_assert_max_num_queries):
    for _ in range(rows):
        tenant = TenantFactory(reseller=sul)
        DomainFactory(tenant=tenant)
        SubscriptionFactory(tenant=tenant)
    client = program(rita)
    client.get(TENANTS)

    with django_assert_max_num_queries(12):
        assert len(client.get(TENANTS).json()["results"]) == rows


def test_the_document_describes_this_host(db):
    response = Client(headers={"host": "localhost"}).get("/api/schema/", headers={"accept": "application/json"})
    text = response.content.decode()

    validate_schema(json.loads(text))
    assert "/api/platform/v1/tenants/" in text
    assert "/api/v1/auth/login/" in text
    assert "/api/v1/chat/" not in text


def test_an_address_of_nothing_is_a_problem_too(db):
    response = Client(headers={"host": "localhost"}).get("/api/platform/v1/nothing/")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
