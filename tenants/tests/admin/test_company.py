"""The reseller's own company in the console: team, brand; and the platform's resellers and ledgers."""

from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_tenants.utils import schema_context
from PIL import Image

from ops.kernel.alerts.tests.factories import AlertFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.outbox.models import DeliveryState, OutboxDelivery
from ops.kernel.outbox.tests.factories import OutboxDeliveryFactory, OutboxEventFactory
from tenants.accounts.models import User
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import JobState, ResellerRole
from tenants.models import Branding, Domain, Reseller, ResellerMember, Tenant
from tenants.tests.factories import (
    DomainFactory,
    ResellerFactory,
    ResellerMemberFactory,
    TenantFactory,
    TenantJobFactory,
)


@pytest.fixture
def sul(db: None) -> Reseller:
    row = ResellerFactory(name="Rede Sul", slug="sul")
    DomainFactory(tenant=Tenant.objects.get(schema_name="public"), reseller=row, domain="sul.localhost")
    return row


def member(reseller: Reseller, role: str, email: str) -> ResellerMember:
    return ResellerMemberFactory(reseller=reseller, user=UserFactory(email=email, is_staff=True), role=role)


@pytest.fixture
def owner(sul: Reseller) -> ResellerMember:
    return member(sul, ResellerRole.OWNER, "rita@sul.example")


@pytest.fixture
def staff(sul: Reseller) -> ResellerMember:
    return member(sul, ResellerRole.MANAGER, "saulo@sul.example")


@pytest.fixture
def admin(db: None) -> Any:
    return UserFactory(email="admin@x.example", is_staff=True, is_superuser=True)


def browser(user: Any, host: str = "sul.localhost") -> Client:
    client = Client(headers={"host": host})
    with schema_context("public"):  # `acme` leaves a test in its own schema
        client.force_login(user)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", urlconf="config.urls_public", args=args)


def act(client: Client, model: str, action: str, *rows: Any) -> Any:
    """Run an action of a list, and say yes where it asks first."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    answer = client.post(url(f"{model}_changelist"), chosen, follow=True)
    if b'name="confirmed"' in answer.content:
        answer = client.post(url(f"{model}_changelist"), chosen | {"confirmed": "1"}, follow=True)
    return answer


# --- The team ----------------------------------------------------------------------------------------


def test_an_owner_invites_somebody(sul, owner):
    response = browser(owner.user).post(
        url("tenants_resellermember_add"),
        {"reseller": sul.pk, "name": "Nina", "email": "NINA@sul.example", "role": "manager"},
    )

    assert response.status_code == 302
    new = ResellerMember.objects.get(user__email="nina@sul.example")
    assert (new.reseller, new.role, new.user.is_staff, new.user.is_superuser) == (
        sul,
        ResellerRole.MANAGER,
        True,
        False,
    )
    assert new.user.is_invited
    assert AuditEntry.objects.filter(action="tenants.member_added").exists()
    assert mail.outbox == []  # the letter is the worker's, after the commit


def test_an_owner_cannot_invite_into_another_house(sul, owner):
    other = ResellerFactory(name="Norte", slug="norte")

    response = browser(owner.user).post(
        url("tenants_resellermember_add"), {"reseller": other.pk, "email": "nina@sul.example", "role": "owner"}
    )

    assert response.status_code == 422
    assert not User.objects.filter(email="nina@sul.example").exists()


def test_an_address_that_is_somebody_already_is_refused_in_its_field(sul, owner, staff):
    response = browser(owner.user).post(
        url("tenants_resellermember_add"), {"reseller": sul.pk, "email": staff.user.email, "role": "manager"}
    )

    assert response.status_code == 422
    assert "email" in response.context["form"].errors


def test_staff_see_the_team_and_change_nothing(sul, owner, staff):
    client = browser(staff.user)

    assert "rita@sul.example" in client.get(url("tenants_resellermember_changelist")).content.decode()
    assert client.get(url("tenants_resellermember_add")).status_code == 404
    for action in ("make_manager", "remove", "make_owner"):
        act(client, "tenants_resellermember", action, owner, staff)
    owner.refresh_from_db()
    staff.refresh_from_db()
    assert (owner.role, staff.role) == (ResellerRole.OWNER, ResellerRole.MANAGER)


def test_roles_change_and_one_owner_remains(sul, owner, staff):
    client = browser(owner.user)

    act(client, "tenants_resellermember", "make_manager", owner)
    owner.refresh_from_db()
    assert owner.role == ResellerRole.OWNER

    act(client, "tenants_resellermember", "make_owner", staff)
    act(client, "tenants_resellermember", "make_manager", owner)
    owner.refresh_from_db()
    staff.refresh_from_db()
    assert (owner.role, staff.role) == (ResellerRole.MANAGER, ResellerRole.OWNER)


def test_somebody_taken_out_is_out_at_once(sul, owner, staff):
    theirs = browser(staff.user)
    assert theirs.get(url("index")).status_code == 200

    act(browser(owner.user), "tenants_resellermember", "remove", staff)

    assert not ResellerMember.objects.filter(pk=staff.pk).exists()
    assert theirs.get(url("index")).status_code == 302
    assert not User.objects.get(email="saulo@sul.example").is_active


def test_taking_somebody_out_asks_first(sul, owner, staff):
    client = browser(owner.user)
    chosen = {"action": "remove", "_selected_action": [str(staff.pk), str(owner.pk)]}

    question = client.post(url("tenants_resellermember_changelist"), chosen)

    assert question.status_code == 200
    assert [str(key) for key in question.context["keys"]] == [str(staff.pk)]
    assert ResellerMember.objects.filter(pk=staff.pk).exists()


def test_nobody_takes_themselves_out(sul, owner):
    member(sul, ResellerRole.OWNER, "second@sul.example")

    act(browser(owner.user), "tenants_resellermember", "remove", owner)

    assert ResellerMember.objects.filter(pk=owner.pk).exists()


# --- The brand ---------------------------------------------------------------------------------------


def picture() -> SimpleUploadedFile:
    body = BytesIO()
    Image.new("RGB", (64, 64), "#7a1fa2").save(body, "PNG")
    return SimpleUploadedFile("logo.png", body.getvalue(), content_type="image/png")


BRAND = {
    "display_name": "Sul Atendimento",
    "primary_color": "#7a1fa2",
    "secondary_color": "#223344",
    "email_sender_name": "",
}


def test_a_reseller_paints_its_console(sul, staff):
    client = browser(staff.user)
    page = url("tenants_branding_changelist")
    assert client.get(page).status_code == 200

    assert client.post(page, BRAND | {"logo": picture()}).status_code == 302

    row = Branding.objects.get(reseller=sul)
    assert (row.display_name, row.primary_color) == ("Sul Atendimento", "#7a1fa2")
    assert row.logo
    stranger = Client(headers={"host": "sul.localhost"})
    assert "#7a1fa2" in stranger.get("/brand.css").content.decode()
    assert "Sul Atendimento" in stranger.get("/admin/login/").content.decode()
    assert stranger.get("/brand/logo").status_code == 200
    assert "#7a1fa2" not in Client(headers={"host": "localhost"}).get("/brand.css").content.decode()


def test_a_reseller_dresses_its_customers_and_takes_its_logo_away(sul, staff):
    client, page = browser(staff.user), url("tenants_branding_changelist")
    client.post(page, BRAND | {"logo": picture(), "custom_css": ".button { border-radius: 0; }"})

    assert "border-radius: 0" in Client(headers={"host": "sul.localhost"}).get("/brand.css").content.decode()
    assert "border-radius: 0" in client.get(page).content.decode()

    refused = client.post(page, BRAND | {"custom_css": "body { background: url(https://x.example) }"})
    assert refused.status_code == 422
    client.post(page, BRAND | {"remove_logo": "on", "custom_css": ""})
    row = Branding.objects.get(reseller=sul)
    assert (str(row.logo), row.custom_css) == ("", "")


@pytest.mark.parametrize(
    ("field", "value"),
    [("primary_color", "red;}body{display:none"), ("logo", SimpleUploadedFile("x.png", b"<svg onload=alert(1)>"))],
)
def test_what_is_no_colour_and_no_picture_is_refused(sul, staff, field, value):
    response = browser(staff.user).post(url("tenants_branding_changelist"), BRAND | {field: value})

    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Branding.objects.filter(reseller=sul).exists()


def test_the_platform_itself_has_no_brand_page(sul, admin):
    assert browser(admin, "localhost").get(url("tenants_branding_changelist")).status_code == 404
    assert browser(admin).get(url("tenants_branding_changelist")).status_code == 200


# --- The platform ------------------------------------------------------------------------------------


def test_platform_staff_open_a_reseller(admin):
    response = browser(admin, "localhost").post(
        url("tenants_reseller_add"),
        {
            "name": "Oeste Sistemas",
            "slug": "",
            "owner_name": "Otto",
            "owner_email": "otto@oeste.example",
            "support_email": "",
        },
    )

    assert response.status_code == 302
    made = Reseller.objects.get(slug="oeste-sistemas")
    assert Domain.objects.get(reseller=made).domain == "oeste-sistemas.localhost"
    assert made.members.get().role == ResellerRole.OWNER
    assert Client(headers={"host": "oeste-sistemas.localhost"}).get("/admin/login/").status_code == 200


def test_a_reseller_cannot_take_a_customers_address(admin):
    TenantFactory(slug="oeste")

    response = browser(admin, "localhost").post(
        url("tenants_reseller_add"),
        {"name": "Oeste", "slug": "oeste", "owner_name": "Otto", "owner_email": "otto@oeste.example"},
    )

    assert response.status_code == 422
    assert not User.objects.filter(email="otto@oeste.example").exists()


def test_a_closed_console_answers_nobody_and_its_customers_go_on(sul, owner, admin, acme, client_of):
    Tenant.objects.filter(pk=acme.pk).update(reseller=sul)  # tenancy's tables are public from every schema

    act(browser(admin, "localhost"), "tenants_reseller", "close", sul)

    assert browser(owner.user).get(url("index")).status_code in {302, 410}
    assert client_of(acme).get("/login/").status_code == 200
    act(browser(admin, "localhost"), "tenants_reseller", "open_again", sul)
    assert browser(owner.user).get(url("index")).status_code == 200


def test_dead_letters_are_sent_again(admin):
    dead = OutboxDeliveryFactory(state=DeliveryState.DEAD, attempts=8, last_error="Boom")

    page = browser(admin, "localhost").get(url("outbox_outboxdelivery_changelist"), {"state__exact": "dead"})
    assert "Boom" in page.content.decode()
    act(browser(admin, "localhost"), "outbox_outboxdelivery", "replay", dead)

    assert OutboxDelivery.objects.get(pk=dead.pk).state == DeliveryState.PENDING


@pytest.mark.parametrize("page", ["add", "delete", "change"])
def test_a_ledger_is_read_only(admin, page):
    entry = AuditEntry.objects.create(action="accounts.login", object_label="x")
    client = browser(admin, "localhost")
    address = url("audit_auditentry_add") if page == "add" else url(f"audit_auditentry_{page}", entry.pk)

    assert client.post(address, {"action": "x", "post": "yes"}).status_code == 403
    assert AuditEntry.objects.get(pk=entry.pk).action == "accounts.login"


def test_a_stopped_job_goes_on_from_the_list(sul, owner):
    job = TenantJobFactory(tenant=TenantFactory(reseller=sul, status="provisioning"), state=JobState.FAILED)

    act(browser(owner.user), "tenants_tenantjob", "retry", job)

    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.parametrize("model", ["audit_auditentry", "outbox_outboxevent", "outbox_outboxdelivery", "alerts_alert"])
def test_a_row_of_a_ledger_can_be_read_whole_without_inline_styles(admin, model):
    makers = {
        "audit_auditentry": lambda: AuditEntryFactory(detail={"why": "<b>because</b>"}),
        "outbox_outboxevent": lambda: OutboxEventFactory(payload={"why": "<b>because</b>"}),
        "outbox_outboxdelivery": OutboxDeliveryFactory,
        "alerts_alert": AlertFactory,
    }

    page = browser(admin, "localhost").get(url(f"{model}_change", makers[model]().pk))

    assert page.status_code == 200
    assert "style=" not in page.content.decode().replace("x-bind:style=", "")
    assert "<b>because</b>" not in page.content.decode()


def test_the_platforms_dashboard_tells_what_is_wrong_and_a_resellers_does_not(sul, owner, admin):
    TenantFactory(reseller=sul)
    AlertFactory(title="The disk is nearly full")
    OutboxDeliveryFactory(state=DeliveryState.DEAD)

    at_home = browser(admin, "localhost").get(url("index")).content.decode()
    elsewhere = [browser(user).get(url("index")).content.decode() for user in (admin, owner.user)]

    assert "The disk is nearly full" in at_home
    assert "?state__exact=dead" in at_home
    assert all("The disk is nearly full" not in page and "?state__exact=dead" not in page for page in elsewhere)


def test_somebody_changes_their_password_in_the_console_by_the_rules_of_everybody(owner):
    person = owner.user
    person.set_password("an old password 1")
    person.save()
    client = browser(person)
    address = url("password_change")

    wrong = client.post(address, {"current_password": "not mine", "new_password": "a new password 2"})
    weak = client.post(address, {"current_password": "an old password 1", "new_password": "12345678901"})
    person.refresh_from_db()
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["current_password"])
    assert (weak.status_code, list(weak.context["form"].errors)) == (422, ["new_password"])
    assert person.check_password("an old password 1")

    right = client.post(address, {"current_password": "an old password 1", "new_password": "a new password 2"})

    person.refresh_from_db()
    assert (right.status_code, right.headers["Location"]) == (302, "/admin/")
    assert person.check_password("a new password 2")
    assert client.get("/admin/").status_code == 200  # this browser stays logged in
    assert AuditEntry.objects.filter(action="accounts.password_changed", object_id=str(person.pk)).exists()


def test_guesses_at_an_open_console_are_slowed_down(owner):
    client = browser(owner.user)
    address = url("password_change")
    for _ in range(10):
        client.post(address, {"current_password": "a guess", "new_password": "a new password 2"})

    response = client.post(address, {"current_password": "a guess", "new_password": "a new password 2"})

    assert response.context["form"].non_field_errors()
