"""The team page and my own."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.accounts.models import Role
from tenants.accounts.services import users
from tenants.accounts.tests.factories import UserFactory


@pytest.mark.parametrize(
    ("role", "sees", "changes"), [("owner", 200, 200), ("admin", 200, 200), ("agent", 200, 403), ("billing", 200, 403)]
)
def test_who_sees_the_team_and_who_changes_it(ana, acme, client_of, role, sees, changes):
    client = client_of(acme, role=role)

    assert client.get("/settings/people/").status_code == sees
    assert client.get("/settings/people/invitations/new/").status_code == changes
    assert client.get("/settings/people/invitations/").status_code == changes
    assert client.get(f"/settings/people/{ana.pk}/").status_code == changes


def test_strangers_are_sent_to_the_login(acme, client_of):
    for url in ("/settings/people/", "/settings/people/invitations/", "/settings/profile/"):
        assert client_of(acme).get(url)["Location"] == f"/login/?next={url}"


@pytest.mark.parametrize("rows", [1, 3])
def test_the_team_asks_the_same_number_of_questions(ana, acme, client_of, rows):
    UserFactory.create_batch(rows, role=Role.objects.get(slug="viewer"))
    client = client_of(acme, user=ana)
    client.get("/settings/people/")

    with CaptureQueriesContext(connection) as queries:
        page = client.get("/settings/people/")

    assert len(page.context["page"].object_list) == rows + 1
    # Who is asking, how many there are, and the rows with their roles; what the frame asks is not ours to count.
    assert len([query for query in queries.captured_queries if '"accounts_user"' in query["sql"]]) == 3


def test_search_and_role_filter(ana, bia, acme, client_of):
    client = client_of(acme, user=ana)

    assert client.get("/settings/people/?q=BRAGA").context["page"].object_list[0] == bia
    assert list(client.get("/settings/people/?role=owner").context["page"].object_list) == [ana]
    assert client.get("/settings/people/?q=%00&page=-3&role=nonsense").status_code == 200


def test_deactivate_and_activate(ana, bia, acme, client_of):
    client = client_of(acme, user=ana)

    client.post(f"/settings/people/{bia.pk}/deactivate/")
    bia.refresh_from_db()
    assert not bia.is_active

    client.post(f"/settings/people/{bia.pk}/activate/")
    bia.refresh_from_db()
    assert bia.is_active


def test_the_last_owner_stays_and_is_told_why(ana, acme, client_of):
    client = client_of(acme, user=ana)

    page = client.post(f"/settings/people/{ana.pk}/", {"role": "viewer"})

    assert page.context["form"].non_field_errors()
    ana.refresh_from_db()
    assert ana.role.slug == "owner"


def test_my_name_and_language(ana, acme, client_of):
    client = client_of(acme, user=ana)

    client.post("/settings/profile/", {"form": "profile", "profile-name": "Ana A.", "profile-language": "en"})

    ana.refresh_from_db()
    assert (ana.name, ana.language) == ("Ana A.", "en")


def test_my_password_keeps_this_browser_and_ends_the_others(ana, acme, client_of):
    here, elsewhere = client_of(acme, user=ana), client_of(acme, user=ana)

    data = {
        "form": "password",
        "password-current_password": "balcao-demo",
        "password-new_password": "a quite long password",
    }
    assert here.post("/settings/profile/", data)["Location"] == "/settings/profile/"

    assert here.get("/settings/profile/").status_code == 200
    assert elsewhere.get("/settings/profile/").status_code == 302


def test_a_wrong_password_changes_neither_password_nor_address(ana, acme, client_of):
    client = client_of(acme, user=ana)

    for data in (
        {"form": "password", "password-current_password": "guess", "password-new_password": "a quite long password"},
        {"form": "email", "email-email": "new@acme.example", "email-password": "guess"},
    ):
        page = client.post("/settings/profile/", data)
        assert page.context["forms"][data["form"]].errors

    ana.refresh_from_db()
    assert ana.check_password("balcao-demo")


def test_the_address_changes_only_when_the_letter_is_answered(ana, acme, client_of):
    client = client_of(acme, user=ana)

    client.post(
        "/settings/profile/", {"form": "email", "email-email": "New@acme.example", "email-password": "balcao-demo"}
    )

    ana.refresh_from_db()
    assert ana.email == "ana@acme.example"
    assert client.get("/settings/profile/").context["waiting"] == "new@acme.example"


def test_a_posted_invitation_for_somebody_who_is_in_is_refused(ana, bia, acme, client_of):
    password = bia.password

    client_of(acme, user=ana).post(f"/settings/people/{bia.pk}/invite/")

    bia.refresh_from_db()
    assert bia.password == password
    assert not users.User.objects.filter(password__startswith="!").exists()
