"""The page of the plan."""

import pytest

from billing.tests.factories import PlanFactory, SubscriptionFactory


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("admin", 200), ("billing", 200), ("agent", 403), ("viewer", 403)]
)
def test_who_sees_the_plan(acme, client_of, role, status):
    assert client_of(acme, role=role).get("/billing/").status_code == status


def test_the_page_shows_this_tenant_s_plan_and_no_other(acme, beta, client_of):
    SubscriptionFactory(tenant=acme, plan=PlanFactory(name="Ours"))
    SubscriptionFactory(tenant=beta, plan=PlanFactory(name="Theirs"))

    page = client_of(acme, role="owner").get("/billing/")

    html = page.content.decode()
    assert "Ours" in html
    assert "Theirs" not in html
    assert [bar.key for bar in page.context["bars"]] == ["chat.agents", "chat.conversations_month"]


def test_a_tenant_without_a_plan_sees_the_smallest_one_s_limits(acme, client_of):
    page = client_of(acme, role="owner").get("/billing/")

    assert page.context["subscription"] is None
    assert page.context["bars"][0].limit == 3


def test_strangers_are_sent_to_the_login(acme, client_of):
    assert client_of(acme).get("/billing/")["Location"] == "/login/?next=/billing/"
