"""Asked to come, and in."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import LimitReached
from tenants.accounts.models import Invitation, Login, Role, User
from tenants.accounts.services import emails, invitations, seats
from tenants.accounts.services.invitations import token_of
from tenants.accounts.tests.factories import InvitationFactory

NEW = {"name": "Dora Dias", "password": "a quite long password"}


def invited(ana, email="dora@acme.example", role="viewer", **more):
    return invitations.invite(email=email, role=role, by=ana, now=timezone.now(), **more)


def url_of(row):
    return f"/invitation/{token_of(row)}/"


def test_the_letter_leads_to_a_page_that_lets_in_once(ana, acme, client_of):
    row = invited(ana)
    emails.deliver_invitation(invitation_id=str(row.pk), host="", link_of=token_of)
    letter = mail.outbox[0]
    assert (letter.to, letter.reply_to) == (["dora@acme.example"], [ana.email])
    assert "Ana Alves" in letter.subject
    path = re.search(r"/invitation/\S+", letter.body).group()
    client = client_of(acme)
    assert "Ana Alves" in client.get(path).content.decode()

    answer = client.post(path, NEW)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = User.objects.get(email="dora@acme.example")
    assert (person.name, person.role.slug, person.check_password(NEW["password"])) == ("Dora Dias", "viewer", True)
    assert client.get("/settings/profile/").status_code == 200
    assert Login.objects.get(user=person).method == "invitation"
    again = client_of(acme).post(path, NEW)
    assert (again.status_code, again.context["refusal"].code) == (404, "invitation_used")


@pytest.mark.parametrize(
    ("what", "code"), [("revoked", "invitation_revoked"), ("old", "invitation_expired"), ("resent", "link_replaced")]
)
def test_a_link_that_is_over_says_why_and_lets_nobody_in(ana, acme, client_of, what, code):
    row = invited(ana)
    path = url_of(row)
    now = timezone.now()
    if what == "revoked":
        invitations.revoke(invitation=row, by=ana, now=now)
    elif what == "old":
        Invitation.objects.update(expires_at=now)
    else:
        row = invitations.send_again(invitation=row, by=ana, now=now)

    for answer in (client_of(acme).get(path), client_of(acme).post(path, NEW)):
        assert (answer.status_code, answer.context["refusal"].code) == (404, code)
    assert not User.objects.filter(email=row.email).exists()
    if what == "resent":
        assert client_of(acme).get(url_of(row)).status_code == 200


def test_a_link_opens_only_its_own_tenant(ana, acme, beta, client_of):
    row = invited(ana)
    with tenant_context(beta):
        InvitationFactory(pk=row.pk, email=row.email, role=Role.objects.get(slug="owner"))

    answer = client_of(beta).post(url_of(row), NEW)

    assert answer.status_code == 404
    with tenant_context(beta):
        assert not User.objects.filter(email=row.email).exists()


def test_many_at_once_and_those_refused_stay_with_the_reason(ana, bia, acme, client_of):
    text = "Dora <DORA@acme.example>; eva@acme.example\nbia@acme.example, not-an-address dora@acme.example"

    page = client_of(acme, user=ana).post(
        "/settings/people/invitations/new/", {"addresses": text, "role": "viewer", "language": ""}
    )

    assert page.status_code == 422
    assert [one.email for one in page.context["refused"]] == ["bia@acme.example", "not-an-address"]
    assert "not-an-address" in page.context["form"]["addresses"].value()
    assert "dora@" not in page.context["form"]["addresses"].value()
    assert set(Invitation.objects.values_list("email", "name")) == {
        ("dora@acme.example", "Dora"),
        ("eva@acme.example", ""),
    }


def test_waiting_invitations_hold_seats_and_the_page_keeps_what_was_typed(ana, acme, client_of, monkeypatch):
    def one_is_left(amount):
        if amount > 1:
            raise LimitReached("One seat is left.")

    monkeypatch.setattr(seats, "_rule", one_is_left)
    client = client_of(acme, user=ana)

    page = client.post(
        "/settings/people/invitations/new/",
        {"addresses": "dora@acme.example, eva@acme.example", "role": "agent", "language": ""},
    )

    assert (page.status_code, page.context["form"]["addresses"].value()) == (402, "eva@acme.example")
    assert Invitation.objects.get().email == "dora@acme.example"
    assert (
        client.post(
            "/settings/people/invitations/new/", {"addresses": "eva@acme.example", "role": "viewer", "language": ""}
        )["Location"]
        == "/settings/people/invitations/"
    )


def test_no_seat_left_at_the_door_is_said_kindly(ana, acme, client_of, monkeypatch):
    row = invited(ana, role="agent")

    def full(amount):
        raise LimitReached("Full.")

    monkeypatch.setattr(seats, "_rule", full)
    page = client_of(acme).post(url_of(row), NEW)

    assert (page.status_code, bool(page.context["limit"])) == (402, True)
    assert not User.objects.filter(email=row.email).exists()


def test_nobody_is_invited_to_more_than_the_inviter_has(acme, ana, client_of):
    client = client_of(acme, role="admin")

    assert "owner" not in dict(client.get("/settings/people/invitations/new/").context["form"].fields["role"].choices)
    answer = client.post("/api/v1/invitations/", {"email": "dora@acme.example", "role": "owner"}, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "owner_only")
    assert not Invitation.objects.exists()


def test_the_api_invites_sends_again_and_takes_back(ana, acme, client_of):
    client = client_of(acme, user=ana)
    made = client.post("/api/v1/invitations/", {"email": "dora@acme.example", "role": "viewer"}, "application/json")
    assert (made.status_code, made.json()["state"]) == (201, "pending")
    url = f"/api/v1/invitations/{made.json()['id']}/"
    taken = client.post("/api/v1/invitations/", {"email": "Dora@acme.example", "role": "viewer"}, "application/json")
    assert (taken.status_code, taken.json()["code"]) == (409, "already_invited")

    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert client_of(acme, user=ana).get(url).json()["state"] == "expired"
        assert client_of(acme, user=ana).post(f"{url}send/").json()["state"] == "pending"

    assert client.delete(url).status_code == 204
    assert client.get(url).json()["state"] == "revoked"
    assert client.post(f"{url}send/").json()["code"] == "invitation_not_pending"
    told = AuditEntry.objects.filter(action__startswith="accounts.invitation").order_by(
        "pk"
    )  # one came from the future
    assert list(told.values_list("action", flat=True)) == [
        "accounts.invitation_sent",
        "accounts.invitation_sent_again",
        "accounts.invitation_revoked",
    ]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(ana, acme, client_of, rows):
    InvitationFactory.create_batch(rows, role=Role.objects.get(slug="viewer"), invited_by=ana)
    client = client_of(acme, user=ana)
    client.get("/settings/people/invitations/")

    with CaptureQueriesContext(connection) as queries:
        page = client.get("/settings/people/invitations/")

    assert len(page.context["rows"]) == rows
    assert len([query for query in queries.captured_queries if '"accounts_invitation"' in query["sql"]]) == 2


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("nada, joao@; a@x.example", [("", "nada"), ("", "joao@"), ("", "a@x.example")]),
        (
            'Ana <ana@x.example>\r\n"Lopes, Bia" <BIA@x.example>',
            [("Ana", "ana@x.example"), ("Lopes, Bia", "bia@x.example")],
        ),
        ("c@x.example d@x.example\tc@x.example", [("", "c@x.example"), ("", "d@x.example")]),
        ("<script>alert(1)</script>@x.example", [("", "<script>alert(1)</script>@x.example")]),
        (" , ;\n", []),
    ],
    ids=["not one", "named", "spaces", "markup", "nothing"],
)
def test_nothing_that_was_pasted_is_lost(text, people):
    assert invitations.addresses_in(text) == people


def test_the_page_says_of_each_address_why_it_got_no_letter(ana, acme, client_of):
    sent = {"addresses": f"joao@, {ana.email}", "role": "viewer", "language": ""}

    page = client_of(acme, user=ana).post("/settings/people/invitations/new/", sent)

    assert page.status_code == 422
    assert [(one.email, one.reason.code) for one in page.context["refused"]] == [
        ("joao@", "invalid"),
        (ana.email, "email_taken"),
    ]
    assert "<ul>" in page.content.decode()
    assert page.context["refused"][0].words != str(page.context["refused"][0].reason)
