"""The console: each reseller sees its own rows and nothing else, on every page the registry offers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ImproperlyConfigured
from django.db.models import ForeignKey, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from billing.models import Override, Plan, PlanPrice, Subscription
from billing.tests.factories import OverrideFactory, PlanPriceFactory, SubscriptionFactory
from ops.kernel.alerts.models import Alert
from ops.kernel.alerts.tests.factories import AlertFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.outbox.models import OutboxDelivery, OutboxEvent
from ops.kernel.outbox.tests.factories import OutboxDeliveryFactory, OutboxEventFactory
from tenants.accounts.tests.factories import UserFactory
from tenants.admin.bulk import chosen_token, works
from tenants.console import Reach, ResellerScopedAdmin, pages, site
from tenants.enums import JobState, ResellerRole
from tenants.models import (
    Announcement,
    Branding,
    Domain,
    ImpersonationGrant,
    MailSender,
    Reseller,
    ResellerMember,
    Tenant,
    TenantJob,
)
from tenants.tests.factories import (
    AnnouncementFactory,
    BrandingFactory,
    DomainFactory,
    ImpersonationGrantFactory,
    MailSenderFactory,
    ResellerFactory,
    ResellerMemberFactory,
    TenantFactory,
    TenantJobFactory,
)

PUBLIC = "config.urls_public"
WORD = {"sul": "Araucaria", "norte": "Buriti"}


def member_row(word: str, reseller: Reseller) -> ResellerMember:
    user = UserFactory(email=f"{word.lower()}@team.example", name=f"{word} Person", is_staff=True)
    return ResellerMemberFactory(reseller=reseller, user=user)


def tenant_row(word: str, reseller: Reseller) -> Tenant:
    return TenantFactory(name=f"{word} Bakery", slug=f"{word.lower()}-bakery", reseller=reseller)


# One row of each kind of the console that belongs to a reseller; a new kind without a maker fails the walk.
MAKERS: dict[type[Model], Callable[[str, Reseller], Model]] = {
    Tenant: tenant_row,
    TenantJob: lambda word, reseller: TenantJobFactory(
        tenant=TenantFactory(name=f"{word} Workshop", slug=f"{word.lower()}-workshop", reseller=reseller),
        state=JobState.FAILED,
        error=f"{word} stopped",
    ),
    ResellerMember: member_row,
    ImpersonationGrant: lambda word, reseller: ImpersonationGrantFactory(
        tenant=TenantFactory(name=f"{word} Garage", slug=f"{word.lower()}-garage", reseller=reseller),
        person_name=f"{word} Helper",
        reason=f"{word} cannot log in",
    ),
    Override: lambda word, reseller: OverrideFactory(
        level="reseller",
        tenant=TenantFactory(name=f"{word} Exception", slug=f"{word.lower()}-exception", reseller=reseller),
        reseller=reseller,
        value=False,
        reason=f"{word} reason",
    ),
    Announcement: lambda word, reseller: AnnouncementFactory(title_pt=f"{word} closes early", reseller=reseller),
    Branding: lambda word, reseller: BrandingFactory(tenant=None, reseller=reseller, display_name=f"{word} Brand"),
    MailSender: lambda word, reseller: MailSenderFactory(
        tenant=None, reseller=reseller, address=f"{word.lower()}@sender.example"
    ),
    # Rows of the whole installation, which name the reseller and are not its to read.
    Reseller: lambda word, reseller: reseller,
    AuditEntry: lambda word, reseller: AuditEntryFactory(object_label=f"{word} audited", actor_label=f"{word} actor"),
    OutboxEvent: lambda word, reseller: OutboxEventFactory(aggregate=f"{word}:1"),
    OutboxDelivery: lambda word, reseller: OutboxDeliveryFactory(aggregate=f"{word}:2", last_error=f"{word} failed"),
    Alert: lambda word, reseller: AlertFactory(title=f"{word} is on fire"),
    Plan: lambda word, reseller: Plan.objects.order_by("order").first(),
}


class House:
    """Two resellers with rows in every screen."""

    def __init__(self) -> None:
        self.sul, self.norte = self._reseller("sul"), self._reseller("norte")
        self.mine = {model: MAKERS[model](WORD["sul"], self.sul) for model in site._registry}
        self.foreign = {model: MAKERS[model](WORD["norte"], self.norte) for model in site._registry}

    def _reseller(self, slug: str) -> Reseller:
        reseller = ResellerFactory(
            name=f"{WORD[slug]} Reseller", slug=slug, support_email=f"{WORD[slug]}@x.example".lower()
        )
        DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=reseller, domain=f"{slug}.localhost")
        return reseller

    def foreign_ids(self) -> set[str]:
        """Ids of rows the first reseller must never read."""
        shared = {Plan}
        found = {
            str(row.pk) for model, row in self.foreign.items() if model not in shared and not str(row.pk).isdigit()
        }
        return found | {
            str(row.tenant_id) for row in self.foreign.values() if isinstance(row, TenantJob | ImpersonationGrant)
        }


@pytest.fixture
def house(db: None) -> House:
    return House()


@pytest.fixture
def rita(house: House) -> Any:
    """Owner of the first reseller."""
    user = UserFactory(email="rita@sul.example", name="Rita", is_staff=True)
    ResellerMemberFactory(reseller=house.sul, user=user, role=ResellerRole.OWNER)
    return user


@pytest.fixture
def console(rita: Any) -> Client:
    """Rita's browser on her own console."""
    return browser(rita, "sul.localhost")


def browser(user: Any, host: str) -> Client:
    client = Client(headers={"host": host})
    client.force_login(user)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", urlconf=PUBLIC, args=args)


def of(model: type[Model], page: str, *args: Any) -> str:
    return url(f"{model._meta.app_label}_{model._meta.model_name}_{page}", *args)


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


def assert_nothing_foreign(house: House, response: Any, where: str) -> None:
    text = body(response)
    assert WORD["norte"].lower() not in text.lower(), f"{where} names a foreign row"
    for key in house.foreign_ids():
        assert key not in text, f"{where} holds the id of a foreign row"


def screens() -> list[Any]:
    return [pytest.param(model, screen, id=model._meta.label) for model, screen in site._registry.items()]


def test_every_screen_has_rows_in_this_test():
    assert set(site._registry) == set(MAKERS)


@pytest.mark.parametrize(("model", "screen"), screens())
def test_the_rows_of_this_test_lead_to_their_reseller(house, model, screen):
    """The walk is worth nothing where the path would hide every row."""
    if isinstance(screen.reseller_path, Reach):
        return
    assert model.objects.filter(**{screen.reseller_path: house.sul.pk, "pk": house.mine[model].pk}).exists()
    assert model.objects.filter(**{screen.reseller_path: house.norte.pk, "pk": house.foreign[model].pk}).exists()


@pytest.mark.parametrize(("model", "screen"), screens())
def test_no_list_shows_a_foreign_row(house, console, model, screen):
    for query in ("", f"?q={WORD['norte'][:-1]}", "?all=", "?_popup=1"):
        response = console.get(of(model, "changelist") + query, follow=True)

        assert response.status_code in {200, 403, 404}
        assert_nothing_foreign(house, response, f"list {query}")
        if query == "" and not isinstance(screen.reseller_path, Reach):
            assert WORD["sul"] in body(response)


@pytest.mark.parametrize(("model", "screen"), screens())
def test_no_page_of_a_foreign_row_opens(house, console, model, screen):
    key = house.foreign[model].pk
    for page in ("change", "history", "delete"):
        for method in ("get", "post"):
            response = getattr(console, method)(of(model, page, key), {"post": "yes"})

            if model is Plan:
                assert response.status_code in {200, 403}
                continue
            assert response.status_code in {302, 403, 404}, (page, method)
            # Django answers a missing row by going home and saying so: the same words for any id.
            if response.status_code == 302:
                missing = getattr(console, method)(
                    of(model, page, uuid4() if "-" in str(key) else 999_999_999), {"post": "yes"}
                )
                assert (missing.status_code, missing["Location"]) == (302, response["Location"])
    assert type(house.foreign[model]).objects.filter(pk=key).exists()


def test_no_page_of_a_foreign_customer_opens(house, console):
    tenant = house.foreign[Tenant]
    for page in (
        "progress",
        "progress_json",
        "retry",
        "suspend",
        "resume",
        "addresses",
        "support",
        "support_json",
        "support_enter",
        "support_withdraw",
    ):
        for method in ("get", "post"):
            response = getattr(console, method)(
                url(f"tenants_tenant_{page}", tenant.pk), {"confirmed": 1, "reason": "x"}
            )
            assert response.status_code in {404, 405}, (page, method)
    tenant.refresh_from_db()
    assert tenant.status == "active"


@pytest.mark.parametrize(("model", "screen"), screens())
def test_no_form_offers_a_foreign_choice(house, console, rita, model, screen):
    response = console.get(of(model, "add"), follow=True)
    assert response.status_code in {200, 403, 404}
    assert_nothing_foreign(house, response, "add form")

    request = response.wsgi_request
    request.user = rita
    for field in model._meta.get_fields():
        if not isinstance(field, ForeignKey):
            continue
        rows = screen.get_field_queryset(None, field, request)
        assert rows is not None, f"{field} offers every row"
        foreign = house.foreign.get(field.related_model)
        if foreign is not None and not isinstance(site._registry[field.related_model].reseller_path, Reach):
            assert foreign not in rows


@pytest.mark.parametrize(("model", "screen"), screens())
def test_no_action_reaches_a_foreign_row(house, console, model, screen):
    before = {name: str(value) for name, value in model.objects.filter(pk=house.foreign[model].pk).values()[0].items()}
    names = set(screen.actions or ()) | {"export_csv", "delete_selected"}
    if model is Tenant:
        names |= {f"bulk_{name}" for name, _work in works.items()} | {"announce"}
    for name in names:
        for across in ("0", "1"):
            if across == "1" and name != "export_csv":
                continue  # would act on the own rows, which other tests do
            data = {
                "action": name,
                "select_across": across,
                "_selected_action": [str(house.foreign[model].pk)],
                "index": "0",
            }
            data |= {"confirmed": "1", "reason": "because"}
            response = console.post(of(model, "changelist"), data, follow=True)
            assert response.status_code in {200, 403, 404, 422}
            assert_nothing_foreign(house, response, f"action {name}")
    after = {name: str(value) for name, value in model.objects.filter(pk=house.foreign[model].pk).values()[0].items()}
    assert after == before


def test_autocomplete_offers_own_rows_only(house, console, monkeypatch):
    """No form of the console uses it yet; the door is open all the same, so it is tried for every relation."""
    tried = 0
    for model in site._registry:
        for field in model._meta.get_fields():
            if not isinstance(field, ForeignKey):
                continue
            query = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
                "term": "",
            }
            response = console.get(url("autocomplete"), query)
            assert response.status_code in {200, 403, 404}
            assert_nothing_foreign(house, response, f"autocomplete {field}")
            tried += 1
    assert tried
    assert AutocompleteJsonView  # the view under test


def test_the_palette_finds_own_customers_only(house, console):
    mine = console.get(url("search"), {"s": WORD["sul"], "extended": 1})
    foreign = console.get(url("search"), {"s": WORD["norte"][:-1], "extended": 1})

    assert f"{WORD['sul']} Bakery" in body(mine)
    assert_nothing_foreign(house, foreign, "palette")


def test_work_on_chosen_customers_does_not_reach_a_foreign_one(house, console):
    """The signature says who was chosen and not who may: the rows are looked up in sight again."""
    foreign = house.foreign[Tenant]
    for name, _work in works.items():
        page = url("tenants_tenant_bulk", name)
        answer = {"chosen": chosen_token([foreign]), "confirmed": "1", "reason": "because", "plan": "starter"}
        response = console.post(page, answer, follow=True)
        assert_nothing_foreign(house, response, f"work {name}")
    announced = console.post(
        of(Announcement, "add"),
        {
            "chosen": chosen_token([foreign]),
            "audience": "selected",
            "tone": "info",
            "title_pt": "x",
            "starts_at": "2026-11-20T10:00",
        },
    )
    assert announced.status_code == 422
    assert_nothing_foreign(house, announced, "announcement")
    foreign.refresh_from_db()
    assert foreign.status == "active"


@pytest.mark.parametrize("name", [key for key, page in pages.items() if "<" not in page.path])
def test_no_page_tells_of_a_foreign_row(house, console, name):
    for model in (Tenant, ImpersonationGrant):
        tenant = house.foreign[model] if model is Tenant else house.foreign[model].tenant
        SubscriptionFactory(tenant=tenant, plan=Plan.objects.order_by("order").first())
    for query in ("", "?format=csv", f"?q={WORD['norte'][:-1]}", "?order=name&near=1", "?page=9"):
        response = console.get(url(name) + query)
        assert response.status_code == 200
        assert_nothing_foreign(house, response, f"{name} {query}")


def test_no_price_of_another_reseller_is_shown_or_taken_back(house, console):
    plan = Plan.objects.order_by("order").first()
    theirs = PlanPriceFactory(
        plan=plan,
        kind="retail",
        reseller=house.norte,
        amount_cents=77_777,
        floor_cents=1,
        starts_at=timezone.now() + timedelta(days=3),
    )
    assert "777,77" not in body(console.get(url("billing_price", plan.slug, "retail")))
    assert "777,77" not in body(console.get(url("billing_prices")))
    assert console.post(url("billing_price_cancel", theirs.pk)).status_code == 404
    assert console.get(url("billing_price", plan.slug, "wholesale")).status_code == 404
    assert PlanPrice.objects.filter(pk=theirs.pk).exists()


def test_the_dashboard_tells_of_own_customers_only(house, console):
    for tenant in (house.mine[Tenant], house.foreign[Tenant]):
        AuditEntryFactory(
            action="tenants.tenant_suspended",
            object_type="tenants.tenant",
            object_id=str(tenant.pk),
            object_label=tenant.name,
        )
    response = console.get(url("index"))

    assert f"{WORD['sul']} Bakery" in body(response)
    assert_nothing_foreign(house, response, "dashboard")


def test_the_redirect_that_tells_whether_an_id_exists_is_gone(house, console):
    assert console.get(f"/admin/r/1/{house.foreign[Tenant].pk}/").status_code == 404


def test_every_filter_offers_own_rows_only(house, console):
    for model in site._registry:
        response = console.get(of(model, "changelist"), follow=True)
        cl = response.context and response.context.get("cl")
        for spec in cl.filter_specs if cl else ():
            offered = [str(choice["display"]) for choice in spec.choices(cl)]
            assert not any(WORD["norte"] in text for text in offered)


# --- Forgetting it -----------------------------------------------------------------------------------


def test_a_screen_that_is_not_scoped_stops_the_start():
    with pytest.raises(ImproperlyConfigured):
        site.register(Subscription, ModelAdmin)


def test_a_screen_that_does_not_say_whose_rows_it_shows_stops_the_start():
    class Forgetful(ResellerScopedAdmin):
        """Says nothing."""

    with pytest.raises(ImproperlyConfigured):
        site.register(Subscription, Forgetful)


def test_a_field_that_prints_any_row_by_its_id_stops_the_start():
    class Raw(ResellerScopedAdmin):
        """Prints a foreign row's name for whoever types its id."""

        reseller_path = "tenant__reseller"
        raw_id_fields = ("tenant",)

    with pytest.raises(ImproperlyConfigured):
        site.register(Subscription, Raw)


# --- Who comes in ------------------------------------------------------------------------------------


def log_in(host: str, email: str, password: str = "balcao-demo") -> Any:
    return Client(headers={"host": host}).post(
        "/admin/login/", {"username": email, "password": password, "next": "/admin/"}
    )


@pytest.fixture
def known_password(rita: Any) -> Any:
    rita.set_password("balcao-demo")
    rita.save()
    return rita


def test_a_reseller_logs_in_at_home(known_password):
    response = log_in("sul.localhost", "RITA@sul.example")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_a_reseller_is_refused_next_door_and_told_where_to_go(known_password):
    response = log_in("norte.localhost", "rita@sul.example")

    assert response.status_code == 200
    assert "Araucaria Reseller" in body(response)
    assert "_auth_user_id" not in response.client.session


def test_a_wrong_password_says_nothing_about_resellers(known_password):
    response = log_in("norte.localhost", "rita@sul.example", "wrong-password")

    assert "Araucaria" not in body(response)


def test_a_session_carried_next_door_opens_nothing(house, rita):
    stray = browser(rita, "norte.localhost")

    assert stray.get(url("index")).status_code == 302
    assert stray.get(of(Tenant, "changelist")).status_code == 302
    refusal = stray.get("/admin/login/?next=/admin/")
    assert refusal.status_code == 200
    assert "Rita" in body(refusal)


def test_the_people_of_a_closed_reseller_stay_outside(house, known_password):
    Reseller.objects.filter(pk=house.sul.pk).update(is_active=False)

    assert "_auth_user_id" not in log_in("localhost", "rita@sul.example").client.session
    assert log_in("sul.localhost", "rita@sul.example").status_code in {200, 410}


def test_a_person_of_no_reseller_stays_outside(db):
    UserFactory(email="nobody@x.example").set_password("balcao-demo")

    assert "_auth_user_id" not in log_in("localhost", "nobody@x.example").client.session


def test_guessing_passwords_is_slowed_down(known_password):
    for _ in range(10):
        log_in("sul.localhost", "rita@sul.example", "wrong-password")

    assert "_auth_user_id" not in log_in("sul.localhost", "rita@sul.example").client.session


def test_there_is_no_console_on_a_tenants_host(acme, client_of):
    assert client_of(acme, role="owner").get("/admin/").status_code == 404
    assert client_of(acme, role="owner").get("/admin/login/").status_code == 404


def test_platform_staff_see_everything_at_home_and_one_reseller_on_its_host(house):
    admin = UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)

    everything = body(browser(admin, "localhost").get(of(Tenant, "changelist")))
    one = browser(admin, "norte.localhost").get(of(Tenant, "changelist"))

    assert "Araucaria Bakery" in everything
    assert "Buriti Bakery" in everything
    assert "Buriti Bakery" in body(one)
    assert "Araucaria Bakery" not in body(one)


def test_the_ledgers_are_for_platform_staff_at_home(house, console):
    admin = UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)
    for model, screen in site._registry.items():
        if screen.reseller_path is not Reach.PLATFORM:
            continue
        assert browser(admin, "localhost").get(of(model, "changelist")).status_code == 200
        assert browser(admin, "sul.localhost").get(of(model, "changelist")).status_code == 403
        assert console.get(of(model, "changelist")).status_code == 403


def test_only_the_console_may_compile_scripts(house, console):
    assert "'unsafe-eval'" in console.get(url("index"))["Content-Security-Policy"]
    assert "'unsafe-inline'" not in console.get(url("index"))["Content-Security-Policy"]
    assert "'unsafe-eval'" not in Client(headers={"host": "sul.localhost"}).get("/")["Content-Security-Policy"]
    assert "'unsafe-eval'" not in Client(headers={"host": "sul.localhost"}).get("/signup/")["Content-Security-Policy"]


def test_the_people_of_public_have_no_page(house, console):
    assert console.get("/settings/people/").status_code == 404
    assert console.get("/api/v1/users/").status_code == 404


def test_platform_domain_rows_are_no_customers(house, console):
    admin = UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)
    public = Tenant.objects.get(schema_name="public")

    assert browser(admin, "localhost").get(of(Tenant, "change", public.pk)).status_code == 404
    assert Domain.objects.filter(tenant=public).exists()


# --- Bad input ---------------------------------------------------------------------------------------

NASTY = ["\x00", "' OR 1=1 --", "9" * 400, "é{{7*7}}", ""]
KEYS = ["q", "o", "p", "status", "plan", "created_at__gte", "_to_field", "state__exact"]


@pytest.mark.parametrize(("model", "screen"), screens())
def test_no_query_and_no_action_of_a_list_is_an_accident(house, model, screen):
    admin = browser(UserFactory(email="admin@x.example", is_staff=True, is_superuser=True), "localhost")
    page = of(model, "changelist")
    for key in KEYS:
        assert admin.get(page, {key: "\x00"}).status_code < 500, key
    for name in [*(screen.actions or ()), "export_csv", "nonsense"]:
        data = {"action": name, "_selected_action": ["\x00"], "select_across": "x", "confirmed": "1", "reason": "\x00"}
        assert admin.post(page, data).status_code < 500, name
    for other in ("change", "delete", "history"):
        assert admin.get(of(model, other, "é{{7*7}}")).status_code < 500, other


@pytest.mark.parametrize("value", NASTY)
def test_no_form_and_no_question_is_an_accident(house, console, value):
    tenant = house.mine[Tenant]
    stranger = Client(headers={"host": "localhost"})
    fields = (
        "name",
        "slug",
        "plan",
        "owner_email",
        "owner_name",
        "language",
        "email",
        "role",
        "reseller",
        "display_name",
    )
    everything = dict.fromkeys((*fields, "primary_color", "secondary_color"), value)
    answers = [
        console.post(of(Tenant, "add"), everything),
        console.post(of(ResellerMember, "add"), everything),
        console.post(of(Branding, "changelist"), everything),
        console.get(of(Tenant, "changelist"), {"q": value, "plan": value}),
        console.get(url("search"), {"s": value, "extended": 1, "page": value}),
        console.get(url("autocomplete"), {"app_label": value, "model_name": value, "field_name": value, "term": value}),
        console.get(url("tenants_tenant_check_address"), {"name": value, "slug": value}),
        console.post(url("tenants_tenant_suspend", tenant.pk), {"confirmed": value, "reason": value}),
        stranger.post("/admin/login/", {"username": value, "password": value}),
        stranger.get("/signup/check-address/", {"name": value, "slug": value}),
        *[
            console.post(url("tenants_tenant_addresses", tenant.pk), {"do": do, "host": value, "domain": value})
            for do in ("add", "remove", value)
        ],
    ]

    assert all(answer.status_code < 500 for answer in answers)


# --- Roles of the team -------------------------------------------------------------------------------

OWNER, MANAGER, SUPPORT, FINANCE = ResellerRole.OWNER, ResellerRole.MANAGER, ResellerRole.SUPPORT, ResellerRole.FINANCE
EVERYBODY = frozenset(ResellerRole)
MATRIX = [
    ("tenants_tenant_changelist", EVERYBODY),
    ("tenants_tenant_add", {OWNER, MANAGER}),
    ("billing_usage", EVERYBODY),
    ("tenants_announcement_add", {OWNER, MANAGER}),
    ("tenants_impersonationgrant_changelist", {OWNER, MANAGER, SUPPORT}),
    ("tenants_resellermember_changelist", EVERYBODY),
    ("tenants_resellermember_add", {OWNER}),
    ("tenants_branding_changelist", {OWNER, MANAGER}),
    ("tenants_console_addresses", {OWNER}),
    ("billing_prices", {OWNER, MANAGER, FINANCE}),
    ("billing_margin", {OWNER, FINANCE}),
    ("tenants_console_log", {OWNER, MANAGER}),
]


@pytest.mark.parametrize("role", [OWNER, MANAGER, SUPPORT, FINANCE])
def test_each_role_opens_its_own_pages_and_the_menu_offers_no_others(house, role):
    user = UserFactory(email="one@sul.example", is_staff=True)
    ResellerMemberFactory(reseller=house.sul, user=user, role=role)
    client = browser(user, "sul.localhost")
    menu = body(client.get(url("index")))

    for page, who in MATRIX:
        assert (client.get(url(page)).status_code == 200) == (role in who), page
        if not page.endswith("_add"):
            assert (f'href="{url(page)}"' in menu) == (role in who), page


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (OWNER, {"suspend", "support", "addresses", "progress", "price", "plan"}),
        (MANAGER, {"suspend", "support", "addresses", "progress", "plan"}),
        (SUPPORT, {"support"}),
        (FINANCE, {"suspend", "price", "plan"}),
    ],
)
def test_each_role_does_its_own_work_on_a_customer(house, role, may):
    user = UserFactory(email="one@sul.example", is_staff=True)
    ResellerMemberFactory(reseller=house.sul, user=user, role=role)
    client, tenant, plan = browser(user, "sul.localhost"), house.mine[Tenant], Plan.objects.order_by("order").first()

    done = {
        "suspend": client.get(url("tenants_tenant_suspend", tenant.pk)),
        "support": client.get(url("tenants_tenant_support", tenant.pk)),
        "addresses": client.post(url("tenants_tenant_addresses", tenant.pk), {"do": "given"}),
        "progress": client.get(url("tenants_tenant_progress_json", tenant.pk)),
        "price": client.post(url("billing_price", plan.slug, "retail"), {"amount": "x"}),
        "plan": client.post(url("tenants_tenant_bulk", "change_plan"), {"chosen": chosen_token([tenant])}),
    }

    assert {name for name, response in done.items() if response.status_code != 404} == may
