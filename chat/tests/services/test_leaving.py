"""Somebody leaves, and nothing stays with them."""

import pytest
from django.utils import timezone

from chat.models import PushSubscription
from chat.services import leaving
from chat.tests.factories import ConversationFactory, PushSubscriptionFactory, TeamFactory
from ops.kernel.errors import Invalid
from tenants.accounts.models import Role
from tenants.accounts.services import users
from tenants.accounts.tests.factories import UserFactory


@pytest.fixture
def hands_full(bia):
    """Three conversations of Bia's, one of them resolved."""
    return [ConversationFactory(assignee=bia, status=status) for status in ("open", "snoozed", "resolved")]


def holders(rows):
    for row in rows:
        row.refresh_from_db()
    return [row.assignee for row in rows]


def test_the_page_says_how_many_and_hands_them_to_whom_was_chosen(ana, bia, acme, client_of, hands_full):
    other = UserFactory(role=Role.objects.get(slug="agent"), name="Caro")
    PushSubscriptionFactory(user=bia)
    client = client_of(acme, user=ana)
    page = client.get(f"/settings/people/{bia.pk}/deactivate/")
    assert page.context["form"].open == {"chat.conversations": 2}

    client.post(f"/settings/people/{bia.pk}/deactivate/", {"chat.conversations": f"person:{other.pk}"})

    bia.refresh_from_db()
    assert not bia.is_active
    assert not PushSubscription.objects.exists()
    # The task that waits for the commit does the rest.
    leaving.run(user_id=bia.pk, choice=f"person:{other.pk}", by_id=ana.pk, now=timezone.now())
    assert holders(hands_full) == [other, other, bia]
    assert leaving.run(user_id=bia.pk, choice=f"person:{other.pk}", by_id=ana.pk, now=timezone.now()) == 0


def test_to_a_team_or_when_the_chosen_one_left_too_to_the_queue(ana, bia, acme, hands_full):
    team = TeamFactory()
    leaving.run(user_id=bia.pk, choice=f"team:{team.pk}", by_id=ana.pk, now=timezone.now())
    assert holders(hands_full)[:2] == [None, None]
    assert hands_full[0].team == team

    gone = UserFactory(role=Role.objects.get(slug="agent"), is_active=False)
    row = ConversationFactory(assignee=bia)
    leaving.run(user_id=bia.pk, choice=f"person:{gone.pk}", by_id=None, now=timezone.now())
    assert holders([row]) == [None]


def test_a_choice_nobody_offered_changes_nothing(ana, bia, acme, client_of, hands_full):
    with pytest.raises(Invalid):
        users.deactivate(user=bia, by=ana, now=timezone.now(), hand_over={"chat.conversations": "person:nobody"})

    answer = client_of(acme, user=ana).patch(
        f"/api/v1/users/{bia.pk}/", {"is_active": False, "hand_over": {"garden": "queue"}}, "application/json"
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "hand_over")
    bia.refresh_from_db()
    assert bia.is_active
