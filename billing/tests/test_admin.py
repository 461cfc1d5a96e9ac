"""The screens resellers live in: their customers, from the short form to the finished page."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tenants.utils import tenant_context

from billing.forms import plan_form
from billing.models import Plan, Subscription
from billing.tests.factories import PlanFactory, SubscriptionFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import FakeDNS
from tenants.accounts.models import User
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import JobKind, JobState, JobStep, ResellerRole, TenantStatus
from tenants.models import Domain, DomainClaim, Reseller, Tenant, TenantJob
from tenants.queries import records
from tenants.services import naming, provisioning
from tenants.tests.factories import (
    AnnouncementFactory,
    DomainClaimFactory,
    DomainFactory,
    ImpersonationGrantFactory,
    ResellerFactory,
    ResellerMemberFactory,
    TenantFactory,
    TenantJobFactory,
)

FORM = {
    "name": "Café Central",
    "slug": "",
    "plan": "professional",
    "owner_name": "Clara",
    "owner_email": "clara@cafe.example",
    "language": "pt-br",
}


@pytest.fixture
def reseller(db: None) -> Reseller:
    row = ResellerFactory(name="Rede Sul", slug="redesul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain="redesul.localhost")
    return row


@pytest.fixture
def rita(reseller: Reseller) -> Any:
    user = UserFactory(email="rita@redesul.example", name="Rita", is_staff=True)
    ResellerMemberFactory(reseller=reseller, user=user, role=ResellerRole.OWNER)
    return user


@pytest.fixture
def console(rita: Any) -> Client:
    client = Client(headers={"host": "redesul.localhost"})
    client.force_login(rita)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", urlconf="config.urls_public", args=args)


def run_job(tenant: Tenant) -> TenantJob:
    job = TenantJob.objects.get(tenant=tenant, kind=JobKind.PROVISION)
    return provisioning.run(job_id=job.pk, now=timezone.now())


# --- Creating ----------------------------------------------------------------------------------------


def test_a_customer_is_created_prepared_and_handed_over(console, reseller):
    response = console.post(url("tenants_tenant_add"), FORM)

    tenant = Tenant.objects.get(slug="cafe-central")
    assert response["Location"] == url("tenants_tenant_progress", tenant.pk)
    assert tenant.reseller == reseller
    assert tenant.status == TenantStatus.PROVISIONING
    assert Subscription.objects.for_tenant(tenant).open().get().plan.slug == "professional"
    waiting = console.get(url("tenants_tenant_progress_json", tenant.pk)).json()
    assert waiting == {"ready": False, "failed": False, "steps": ["done", "current", "waiting", "waiting", "waiting"]}

    run_job(tenant)

    assert console.get(url("tenants_tenant_progress_json", tenant.pk)).json()["ready"] is True
    page = console.get(url("tenants_tenant_progress", tenant.pk)).content.decode()
    assert "http://cafe-central.localhost" in page
    assert "clara@cafe.example" in page
    link = page.split("/welcome/")[1].split("/<")[0].split('/"')[0].split("<")[0].strip("/")
    with tenant_context(tenant):
        owner = User.objects.get(email="clara@cafe.example")
        assert owner.is_invited
    assert Client(headers={"host": "cafe-central.localhost"}).get(f"/welcome/{link}/").status_code == 200


def test_the_first_login_is_gone_once_it_was_used(console, reseller):
    console.post(url("tenants_tenant_add"), FORM)
    tenant = Tenant.objects.get(slug="cafe-central")
    run_job(tenant)
    with tenant_context(tenant):
        owner = User.objects.get(email="clara@cafe.example")
        owner.set_password("a-password-of-hers")
        owner.save()

    assert "/welcome/" not in console.get(url("tenants_tenant_progress", tenant.pk)).content.decode()


def test_a_preparation_that_stops_says_why_and_goes_on(console, reseller, monkeypatch):
    console.post(url("tenants_tenant_add"), FORM)
    tenant = Tenant.objects.get(slug="cafe-central")
    TenantJob.objects.filter(tenant=tenant).update(state=JobState.FAILED, step=JobStep.SCHEMA, error="the disk is full")

    page = console.get(url("tenants_tenant_progress", tenant.pk)).content.decode()
    assert "the disk is full" in page
    assert console.get(url("tenants_tenant_progress_json", tenant.pk)).json()["failed"] is True
    assert "Café Central" in console.get(url("index")).content.decode()

    response = console.post(url("tenants_tenant_retry", tenant.pk))

    assert response["Location"] == url("tenants_tenant_progress", tenant.pk)
    job = TenantJob.objects.get(tenant=tenant)
    assert job.state == JobState.QUEUED
    assert AuditEntry.objects.filter(action="tenants.provisioning_retried", actor_label="rita@redesul.example").exists()
    run_job(tenant)
    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.ACTIVE


def test_retrying_needs_a_post(console, reseller):
    job = TenantJobFactory(tenant=TenantFactory(reseller=reseller), state=JobState.FAILED)

    assert console.get(url("tenants_tenant_retry", job.tenant_id)).status_code == 405
    job.refresh_from_db()
    assert job.state == JobState.FAILED


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("slug", "admin", "reserved"),
        ("slug", "Über Uns", "small letters"),
        ("slug", "a" * 41, ""),
        ("name", "", ""),
        ("owner_email", "nobody", ""),
        ("plan", "gold", ""),
        ("language", "fr", ""),
        ("name", "x\x00y", ""),
    ],
)
def test_a_wrong_answer_keeps_what_was_typed_and_creates_nothing(console, field, value, words, settings):
    settings.LANGUAGE_CODE = "en"
    response = console.post(url("tenants_tenant_add"), FORM | {field: value}, headers={"accept-language": "en"})

    assert response.status_code == 422
    page = response.content.decode()
    assert "clara@cafe.example" in page or field == "owner_email"
    assert words in page
    assert not Tenant.objects.customers().filter(name__startswith="Café").exists()


def test_an_address_somebody_took_meanwhile_is_refused_in_its_field(console, reseller):
    TenantFactory(slug="cafe-central")

    response = console.post(url("tenants_tenant_add"), FORM | {"slug": "cafe-central"})

    assert response.status_code == 422
    assert "slug" in response.context["form"].errors
    assert Tenant.objects.filter(slug="cafe-central").count() == 1


def test_the_same_form_sent_twice_makes_one_customer(console, reseller):
    first = console.post(url("tenants_tenant_add"), FORM | {"slug": "cafe-central"})
    second = console.post(url("tenants_tenant_add"), FORM | {"slug": "cafe-central"})

    assert first["Location"] == second["Location"]
    assert Tenant.objects.filter(slug="cafe-central").count() == 1


def test_the_live_check_says_what_the_form_will_say(console, reseller):
    TenantFactory(slug="padaria")

    def state(**query: str) -> str:
        return console.get(url("tenants_tenant_check_address"), query).json()["state"]

    assert state(name="Café Central") == "free"
    assert state(name="Padaria") == "taken"
    assert state(name="x", slug="admin") == "invalid"
    assert state(name="x", slug="-") == "invalid"
    assert state(name="", slug="") == "empty"
    assert naming.is_free("cafe-central")


# --- Looking and stopping ----------------------------------------------------------------------------


def test_a_customer_is_suspended_with_a_reason_and_resumed(console, reseller):
    tenant = TenantFactory(reseller=reseller)

    assert console.post(url("tenants_tenant_suspend", tenant.pk), {"confirmed": "1", "reason": ""}).status_code == 422
    console.post(url("tenants_tenant_suspend", tenant.pk), {"confirmed": "1", "reason": "Unpaid since October"})
    tenant.refresh_from_db()
    assert (tenant.status, tenant.suspend_reason) == (TenantStatus.SUSPENDED, "Unpaid since October")
    assert "Unpaid since October" in console.get(url("tenants_tenant_change", tenant.pk)).content.decode()

    console.post(url("tenants_tenant_resume", tenant.pk), {"confirmed": "1"})
    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.ACTIVE
    actions = list(AuditEntry.objects.about(tenant).newest_first().values_list("action", "actor_label"))
    assert actions == [
        ("tenants.tenant_resumed", "rita@redesul.example"),
        ("tenants.tenant_suspended", "rita@redesul.example"),
    ]


def test_asking_is_not_doing(console, reseller):
    tenant = TenantFactory(reseller=reseller)

    assert console.get(url("tenants_tenant_suspend", tenant.pk)).status_code == 200
    console.post(url("tenants_tenant_changelist"), {"action": "bulk_suspend", "_selected_action": [str(tenant.pk)]})

    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.ACTIVE


def test_several_are_suspended_at_once(console, reseller):
    tenants = [TenantFactory(reseller=reseller) for _ in range(3)]
    closed = TenantFactory(reseller=reseller, status=TenantStatus.ARCHIVED, name="Closed shop")
    chosen = {"action": "bulk_suspend", "_selected_action": [str(tenant.pk) for tenant in [*tenants, closed]]}

    asked = console.post(url("tenants_tenant_changelist"), chosen)
    assert asked.status_code == 200
    page = url("tenants_tenant_bulk", "suspend")
    answer = {"chosen": asked.context["chosen"], "confirmed": "1"}
    assert console.post(page, answer | {"reason": ""}).status_code == 422
    report = console.post(page, answer | {"reason": "Moved away"}, follow=True)

    assert (report.context["done"], report.context["refused"]) == (3, 1)
    assert report.context["lines"][0]["name"] == "Closed shop"  # what went wrong stands on top
    assert "Closed shop" in console.get(report.request["PATH_INFO"] + "?format=csv").content.decode()
    entry = AuditEntry.objects.get(action="tenants.bulk_done")
    assert (entry.detail["work"], entry.detail["done"], entry.detail["refused"]) == ("suspend", 3, 1)
    assert Tenant.objects.of(reseller).filter(status=TenantStatus.SUSPENDED).count() == 3


def test_the_report_tells_what_was_so_already_from_what_was_done(console, reseller):
    stopped = TenantFactory(reseller=reseller, status=TenantStatus.SUSPENDED, name="Stopped")
    running = TenantFactory(reseller=reseller, name="Running")
    gone = TenantFactory(reseller=reseller, status=TenantStatus.ARCHIVED, name="Gone")
    chosen = {"action": "bulk_resume", "_selected_action": [str(row.pk) for row in (stopped, running, gone)]}

    asked = console.post(url("tenants_tenant_changelist"), chosen)
    answer = {"chosen": asked.context["chosen"], "confirmed": "1"}
    report = console.post(url("tenants_tenant_bulk", "resume"), answer, follow=True)

    assert [(line["name"], line["done"], line["was_so"]) for line in report.context["lines"]] == [
        ("Gone", False, False),
        ("Running", False, True),
        ("Stopped", True, False),
    ]


def test_the_state_a_customer_is_in_decides_what_is_possible(console, reseller):
    tenant = TenantFactory(reseller=reseller, status=TenantStatus.PROVISIONING)

    console.post(url("tenants_tenant_suspend", tenant.pk), {"confirmed": "1", "reason": "x"})

    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.PROVISIONING


@pytest.mark.parametrize("tab", ["overview", "usage", "addresses", "brand", "jobs", "nonsense"])
def test_every_tab_opens(console, reseller, tab):
    tenant = TenantFactory(reseller=reseller)
    DomainFactory(tenant=tenant)
    SubscriptionFactory(tenant=tenant)

    response = console.get(url("tenants_tenant_change", tenant.pk), {"tab": tab})

    assert response.status_code == 200
    assert tenant.name in response.content.decode()


def test_addresses_are_added_proven_chosen_and_removed(console, reseller, settings):
    tenant = TenantFactory(reseller=reseller)
    DomainFactory(tenant=tenant, is_primary=True)
    page = url("tenants_tenant_addresses", tenant.pk)

    with FakeDNS() as server:
        settings.DNS_SERVERS = [server.address]
        settings.EDGE_HOST = "edge.example"
        console.post(page, {"do": "add", "host": "Chat.Cafe.Example"})
        claim = tenant.domain_claims.get()
        assert not Domain.objects.filter(domain="chat.cafe.example").exists()  # a wish routes nothing
        server.on(records.proof_name(claim.host), "TXT", records.proof_value(claim))
        server.on(claim.host, "CNAME", "edge.example")
        console.post(page, {"do": "check", "claim": str(claim.pk)})
    added = Domain.objects.get(domain="chat.cafe.example")
    assert added.tenant == tenant
    console.post(page, {"do": "primary", "claim": str(claim.pk)})
    added.refresh_from_db()
    assert added.is_primary
    shown = console.get(url("tenants_tenant_change", tenant.pk), {"tab": "addresses"}).content.decode()
    assert "chat.cafe.example" in shown
    console.post(page, {"do": "given"})
    added.refresh_from_db()
    assert not added.is_primary
    console.post(page, {"do": "add", "host": "other.localhost"})
    assert tenant.domain_claims.count() == 1
    console.post(page, {"do": "remove", "claim": str(claim.pk)})
    assert not Domain.objects.filter(pk=added.pk).exists()
    assert console.post(page, {"do": "remove", "claim": "no id"}).status_code == 404


def test_the_claims_of_another_resellers_customer_are_out_of_reach(console, reseller):
    mine = TenantFactory(reseller=reseller)
    theirs = DomainClaimFactory(tenant=TenantFactory(reseller=ResellerFactory()))

    for do in ("check", "primary", "remove"):
        assert (
            console.post(url("tenants_tenant_addresses", mine.pk), {"do": do, "claim": str(theirs.pk)}).status_code
            == 404
        )
        away = url("tenants_tenant_addresses", theirs.tenant.pk)
        assert console.post(away, {"do": do, "claim": str(theirs.pk)}).status_code == 404
    assert DomainClaim.objects.get(pk=theirs.pk).checked_at is None


def test_the_list_filters_by_state_and_plan_and_finds_by_address(console, reseller):
    bakery, books = TenantFactory(name="Bakery", reseller=reseller), TenantFactory(name="Books", reseller=reseller)
    DomainFactory(tenant=books, domain="books.example")
    SubscriptionFactory(tenant=bakery, plan__slug="special", plan__name="Special")
    Tenant.objects.filter(pk=books.pk).update(status=TenantStatus.SUSPENDED)

    def shown(**query: str) -> list[str]:
        return [row.name for row in console.get(url("tenants_tenant_changelist"), query).context["cl"].result_list]

    assert shown(status="suspended") == ["Books"]
    assert shown(plan="special") == ["Bakery"]
    assert shown(q="books.example") == ["Books"]
    assert set(shown()) == {"Bakery", "Books"}


def test_the_export_is_text_for_a_spreadsheet(console, reseller):
    tenant = TenantFactory(name='=HYPERLINK("http://evil")', reseller=reseller)
    response = console.post(
        url("tenants_tenant_changelist"), {"action": "export_csv", "_selected_action": [str(tenant.pk)]}
    )

    text = b"".join(response.streaming_content).decode()
    assert response["Content-Type"].startswith("text/csv")
    assert "'=HYPERLINK" in text
    assert tenant.slug in text


# --- How many questions ------------------------------------------------------------------------------


# Every page of the console that shows rows or numbers of customers.
CONSOLE_PAGES = (
    "index",
    "tenants_tenant_changelist",
    "tenants_tenantjob_changelist",
    "tenants_impersonationgrant_changelist",
    "tenants_announcement_changelist",
    "tenants_resellermember_changelist",
    "billing_usage",
    "billing_margin",
    "billing_prices",
    "billing_plan_changelist",
)


def fill(reseller: Reseller, count: int) -> None:
    plan = PlanFactory()
    for number in range(count):
        tenant = TenantFactory(reseller=reseller)
        DomainFactory(tenant=tenant)
        SubscriptionFactory(tenant=tenant, plan=plan)
        ImpersonationGrantFactory(tenant=tenant)
        AnnouncementFactory(reseller=reseller)
        if number % 2:
            TenantJobFactory(tenant=tenant, state=JobState.FAILED)


def questions(console: Client, page: str) -> int:
    console.get(page)  # plans, brands and hosts are remembered after the first time
    with CaptureQueriesContext(connection) as asked:
        assert console.get(page).status_code == 200
    return len([query for query in asked if "search_path" not in query["sql"]])


def test_every_page_asks_the_same_number_of_questions_whatever_it_shows(console, reseller):
    fill(reseller, 3)
    three = {page: questions(console, url(page)) for page in CONSOLE_PAGES}
    fill(reseller, 27)
    thirty = {page: questions(console, url(page)) for page in CONSOLE_PAGES}

    assert three == thirty
    assert max(thirty.values()) <= 25, thirty


def test_a_new_reseller_is_told_what_to_do_first(console, reseller):
    page = console.get(url("index")).content.decode()

    assert url("tenants_tenant_add") in page


# --- Plans -------------------------------------------------------------------------------------------


def test_the_platform_changes_a_plan_and_everybody_reads_it(console):
    plan = Plan.objects.get(slug="starter")
    admin = Client(headers={"host": "localhost"})
    admin.force_login(UserFactory(email="admin@x.example", is_staff=True, is_superuser=True))
    page = url("billing_plan_change", plan.pk)
    assert admin.get(page).status_code == 200

    response = admin.post(
        page,
        {
            "name": "Starter",
            "order": plan.order,
            "is_public": "on",
            "limit chat.agents": "4",
            "limit chat.conversations_month": "",
            "limit storage.bytes": "7",
            "limit api.requests_15min": "100",
            "feature videoCall": "on",
        },
    )

    assert response.status_code == 302
    plan.refresh_from_db()
    assert (plan.limits["chat.agents"], plan.limits["chat.conversations_month"]) == (4, None)
    assert plan.limits["storage.bytes"] == 7 * 1024**3
    assert (plan.flags["videoCall"], plan.flags["fileUpload"]) == (True, False)
    assert set(AuditEntry.objects.get(action="billing.plan_edited").detail) == {"limits", "flags"}
    assert "7" in console.get(url("billing_plan_changelist")).content.decode()


@pytest.mark.parametrize("value", ["-1", "x", "9" * 30, "1.5"])
def test_a_limit_is_a_whole_number_or_nothing(db, value):
    plan = Plan.objects.get(slug="starter")
    before = dict(plan.limits)
    form = plan_form()({"name": "Starter", "order": "1", "limit chat.agents": value}, instance=plan)

    assert "limit chat.agents" in form.errors
    assert Plan.objects.get(slug="starter").limits == before


def test_a_reseller_changes_no_plan(console):
    plan = Plan.objects.get(slug="starter")

    assert console.post(url("billing_plan_change", plan.pk), {"name": "Free"}).status_code == 403
    plan.refresh_from_db()
    assert plan.name == "Starter"
