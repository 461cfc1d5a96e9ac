"""Pages and doors of campaigns, and the page that ends them."""

from uuid import uuid4

import pytest
from django.utils import timezone

from billing import entitlements
from billing.services import subscriptions
from billing.tests.factories import SubscriptionFactory
from chat.models import Campaign, ChurnScore
from chat.services import churn, optouts
from chat.tests.factories import (
    CampaignFactory,
    CampaignRecipientFactory,
    ChannelAccountFactory,
    ChurnScoreFactory,
    ContactFactory,
    ContactInboxFactory,
    ConversationFactory,
    InboxFactory,
    MessageFactory,
)

KEY = str(uuid4())
INVITATION = {
    "name": "Prices",
    "body": "Any question?",
    "speaker": "",
    "after_s": "15",
    "visitors": "all",
    "most_times": "1",
    "pause_days": "7",
    "page_patterns": "/pricing*\n!/checkout",
    "attrs": "plan = free\ncart\n!vip\ncity != Recife\nname ~ an",
}


@pytest.fixture
def included(acme):
    SubscriptionFactory(tenant=acme, plan=subscriptions.plan_of("professional"))
    entitlements.forget(acme)


def mailbox():
    inbox = InboxFactory(channel="email", name="Mail")
    ChannelAccountFactory(inbox=inbox, settings={"address": "loja@acme.example"})
    return inbox


def test_an_invitation_is_written_changed_started_copied_and_removed(acme, ana, bia, client_of):
    client, inbox = client_of(acme, user=ana), InboxFactory()

    made = client.post(
        "/chat/campaigns/add/ongoing/", {**INVITATION, "inbox": str(inbox.pk), "speaker": f"user:{bia.pk}"}
    )
    row = Campaign.objects.get()
    assert (made.status_code, made.url) == (302, f"/chat/campaigns/{row.pk}/")
    assert (row.state, row.sender, row.open_hours_only) == ("draft", bia, False)
    assert row.page_patterns == ["/pricing*", "!/checkout"]
    assert [(one["name"], one["op"], one["value"]) for one in row.attrs] == [
        ("plan", "is", "free"),
        ("cart", "known", ""),
        ("vip", "unknown", ""),
        ("city", "is_not", "Recife"),
        ("name", "contains", "an"),
    ]

    form = client.get(f"/chat/campaigns/{row.pk}/edit/").context["form"]
    assert form.initial["attrs"] == INVITATION["attrs"]
    client.post(
        f"/chat/campaigns/{row.pk}/edit/", {**INVITATION, "name": "Costs", "inbox": str(inbox.pk), "then": "start"}
    )
    row.refresh_from_db()
    assert (row.name, row.state) == ("Costs", "running")

    for step, state in (("pause", "paused"), ("start", "running"), ("stop", "stopped")):
        assert client.post(f"/chat/campaigns/{row.pk}/{step}/").status_code == 302
        row.refresh_from_db()
        assert row.state == state
    client.post(f"/chat/campaigns/{row.pk}/copy/")
    assert Campaign.objects.filter(state="draft").count() == 1
    client.post(f"/chat/campaigns/{row.pk}/remove/")
    assert not Campaign.objects.filter(pk=row.pk).exists()


def test_what_is_wrong_stands_at_its_field_with_what_was_typed(acme, ana, client_of):
    client, inbox = client_of(acme, user=ana), InboxFactory()

    lacks = client.post(
        "/chat/campaigns/add/ongoing/", {**INVITATION, "body": "", "inbox": str(inbox.pk), "then": "start"}
    )
    wrong = client.post(
        "/chat/campaigns/add/ongoing/",
        {**INVITATION, "attrs": "!a = b", "after_s": "-1", "inbox": str(uuid4()), "name": ""},
    )

    assert (lacks.status_code, list(lacks.context["form"].errors)) == (422, ["body"])
    assert Campaign.objects.get().state == "draft"  # nothing typed is lost
    assert set(wrong.context["form"].errors) == {"attrs", "after_s", "inbox", "name"}
    assert "!a = b" in wrong.content.decode()


def test_a_list_is_counted_before_it_is_kept_and_scheduled(acme, ana, client_of, noon):
    client, inbox = client_of(acme, user=ana), mailbox()
    ContactFactory(name="Rui", email="rui@x.example", consent_at=noon)
    ContactFactory(email="no@x.example", consent_at=noon, opted_out_at=noon)
    sent = {
        "name": "News",
        "inbox": str(inbox.pk),
        "subject": "News",
        "body": "Hello",
        "basis": "consent",
        "per_minute": "30",
    }

    counted = client.post("/chat/campaigns/reach/", sent)
    assert counted.context["reach"].reached == 1
    assert "Rui" in counted.content.decode()
    assert client.post("/chat/campaigns/reach/", {**sent, "quiet_days": "x"}).context["reach"] is None
    assert not Campaign.objects.exists()

    client.post("/chat/campaigns/add/once/", {**sent, "then": "start", "starts_at": "2031-01-05T09:00"})
    row = Campaign.objects.get()
    assert (row.state, row.starts_at.year) == ("draft", 2031)
    page = client.get(f"/chat/campaigns/{row.pk}/")
    assert page.context["reach"].reached == 1
    # The page asks first: what was sent cannot be taken back.
    client.post(f"/chat/campaigns/{row.pk}/start/")
    row.refresh_from_db()
    assert row.state == "scheduled"


def test_a_list_is_not_written_to_through_an_inbox_that_reaches_nobody(acme, ana, client_of):
    client, inbox = client_of(acme, user=ana), InboxFactory(channel="email")
    sent = {"name": "News", "inbox": str(inbox.pk), "subject": "News", "basis": "consent", "per_minute": "30"}

    lost = client.post("/chat/campaigns/add/once/", {**sent, "body": "Hello", "then": "start"})
    typo = client.post("/chat/campaigns/add/once/", {**sent, "body": "Hello {{name}}", "then": "start"})

    assert (lost.status_code, list(lost.context["form"].errors)) == (422, ["inbox"])
    assert (typo.status_code, list(typo.context["form"].errors)) == (422, ["body"])
    row = Campaign.objects.filter(body="Hello").get()
    client.post(f"/chat/campaigns/{row.pk}/start/")
    row.refresh_from_db()
    assert row.state == "draft"


@pytest.mark.parametrize("rows", [1, 3])
def test_list_and_page_ask_the_same_number_of_questions(acme, ana, client_of, rows, django_assert_max_num_queries):
    campaigns = CampaignFactory.create_batch(rows, kind="once", state="done", inbox=mailbox())
    for _number in range(rows):
        CampaignRecipientFactory(campaign=campaigns[0], conversation=ConversationFactory())
    client = client_of(acme, user=ana)
    client.get("/chat/campaigns/")

    with django_assert_max_num_queries(12):
        listed = client.get("/chat/campaigns/")
    with django_assert_max_num_queries(16):
        shown = client.get(f"/chat/campaigns/{campaigns[0].pk}/")

    assert len(listed.context["rows"]) == rows
    assert len(shown.context["people"]) == rows


def test_agents_look_and_do_not_touch(acme, bia, client_of):
    row = CampaignFactory()
    client = client_of(acme, user=bia)

    assert client.get("/chat/campaigns/").status_code == 200
    assert client.get(f"/chat/campaigns/{row.pk}/?state=opened_at").status_code == 200
    for path in ("add/ongoing/", f"{row.pk}/edit/"):
        assert client.get(f"/chat/campaigns/{path}").status_code == 403
    for path in (f"{row.pk}/pause/", f"{row.pk}/remove/", f"{row.pk}/copy/", "reach/"):
        assert client.post(f"/chat/campaigns/{path}").status_code == 403
    row.refresh_from_db()
    assert row.state == "running"


def test_a_draft_shows_what_it_says_and_no_empty_figures(acme, ana, client_of):
    ana.language = "en"
    ana.save()
    client = client_of(acme, user=ana)
    draft, running = CampaignFactory(state="draft"), CampaignFactory(state="running")

    assert "Not started yet" in client.get(f"/chat/campaigns/{draft.pk}/").content.decode()
    shown = client.get(f"/chat/campaigns/{running.pk}/").content.decode()
    assert "Not started yet" not in shown
    assert "Visitors who put it away" in shown


def test_the_link_of_a_mail_ends_campaigns_by_a_button_and_not_by_looking(acme, beta, ana, client_of):
    contact = ContactFactory(email="a@x.example")
    path = "/chat/optout/" + optouts.link(contact.pk).partition("/chat/optout/")[2]
    client = client_of(acme)

    assert client.get(path).status_code == 200
    contact.refresh_from_db()
    assert contact.opted_out_at is None
    assert client_of(beta).post(path).status_code == 404
    pressed = client.post(path, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    contact.refresh_from_db()
    assert (pressed.status_code, contact.opted_out_via) == (200, "link")
    assert client.get("/chat/optout/made-up/").status_code == 404

    ana.language = "en"
    ana.save()
    team = client_of(acme, user=ana)
    assert "Wants none since" in team.get(f"/chat/contacts/{contact.pk}/").content.decode()
    team.post(f"/chat/contacts/{contact.pk}/campaigns/", {"wants": "yes"})
    contact.refresh_from_db()
    assert contact.opted_out_at is None
    team.post(f"/chat/contacts/{contact.pk}/campaigns/", {"wants": "no"})
    contact.refresh_from_db()
    assert contact.opted_out_via == "team"


def test_programs_make_start_and_read_campaigns(acme, ana, client_of):
    client, inbox = client_of(acme, user=ana), InboxFactory()
    base = "/api/v1/chat/campaigns/"
    body = {"kind": "ongoing", "name": "Prices", "inbox": str(inbox.pk), "body": "Any question?", "after_s": 5}

    made = client.post(base, body, "application/json")
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    one = f"{base}{made.json()['id']}/"
    changed = client.patch(one, {"page_patterns": ["/p*"], "visitors": "new"}, "application/json")
    assert changed.json()["page_patterns"] == ["/p*"]
    assert client.post(f"{one}start/").json()["state"] == "running"
    refused = client.post(f"{one}start/")
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_moved")
    foreign = client.patch(one, {"subject": "No mail"}, "application/json")
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (422, "subject")
    unknown = client.post(base, {**body, "inbox": str(uuid4())}, "application/json")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "inbox")
    CampaignRecipientFactory(campaign=Campaign.objects.get(), visitor_key="x", state="shown", shown=2)
    assert client.get(one).json()["figures"]["views"] == 2
    assert client.get(f"{one}recipients/?state=shown").json()["results"][0]["shown"] == 2
    assert client.get(f"{one}recipients/?state=failed").json()["results"] == []
    assert client.post(f"{one}copy/", {"name": "Again"}, "application/json").status_code == 201
    assert client.get(f"{base}?state=running").json()["results"][0]["id"] == made.json()["id"]
    assert client.post(f"{one}pause/").json()["state"] == "paused"
    assert client.post(f"{one}stop/").json()["state"] == "stopped"
    assert client.delete(one).status_code == 204


def test_a_page_of_the_website_asks_claims_and_answers(acme, client_of):
    shop = InboxFactory()
    campaign = CampaignFactory(inbox=shop, page_patterns=["/pricing"])
    client = client_of(acme)
    token = {"X-Widget-Token": shop.website_token}

    def post(path, body, headers=token):
        return client.post(f"/api/widget/v1/campaigns/{path}", body, "application/json", headers=headers)

    offered = post("", {"key": KEY, "url": "https://shop.example/pricing"})
    assert [one["text"] for one in offered.json()["campaigns"]] == ["Can we help you choose?"]
    assert post("", {"key": KEY, "url": "https://shop.example/"}).json() == {"campaigns": []}
    assert post(f"{campaign.pk}/", {"key": KEY, "event": "shown"}).json() == {"show": True}
    assert post(f"{campaign.pk}/", {"key": KEY, "event": "shown"}).json() == {"show": False}
    assert post(f"{campaign.pk}/", {"key": KEY, "event": "dismissed"}).status_code == 200
    assert campaign.recipients.get().dismissed_at is not None
    assert post(f"{uuid4()}/", {"key": KEY, "event": "shown"}).status_code == 404
    assert post("", {"key": "1", "url": "x"}).status_code == 422
    assert post("", {"key": KEY, "url": "https://shop.example/"}, {"X-Widget-Token": "made-up"}).status_code in {
        403,
        404,
    }
    assert '"campaigns":true' in client.get("/widget.js").content.decode()


def test_the_churn_report_says_who_why_and_from_what(acme, ana, client_of, included):
    message = MessageFactory()
    churn.nightly(now=timezone.now())
    ana.language = "en"
    ana.save()
    client = client_of(acme, user=ana)

    page = client.get("/chat/reports/churn/")
    text = page.content.decode()

    assert page.context["rows"][0]["score"].contact == message.conversation.contact
    assert "What this estimate is, and what it is not" in text
    assert "not as a fact about a person" in text
    assert client.get("/chat/reports/churn/?band=high").context["rows"] == []
    assert "Will they come back?" in client.get(f"/chat/contacts/{message.conversation.contact_id}/").content.decode()
    one = client.get("/api/v1/chat/churn/").json()["results"][0]
    assert one["contact"] == str(message.conversation.contact_id)
    assert set(one["reasons"]) == set(churn.HOUSE) - {"intercept"}
    assert client.get(f"/api/v1/chat/churn/{one['contact']}/").json()["probability"] == one["probability"]
    file = client.get("/api/v1/chat/churn/export/").content.decode("utf-8-sig").splitlines()
    assert (len(file), file[0].count(",")) == (2, 13)


def test_estimates_wait_for_a_plan_that_has_them(acme, ana, bia, client_of):
    score = ChurnScoreFactory()
    client = client_of(acme, user=ana)

    assert "limit" in client.get("/chat/reports/churn/").context
    assert client.get("/api/v1/chat/churn/").status_code == 402
    assert client.get(f"/chat/contacts/{score.contact_id}/").context["risk"] is None
    assert client_of(acme, user=bia).get("/chat/reports/churn/").status_code == 403


def test_contacts_are_filtered_and_ordered_by_risk(acme, bia, client_of, included):
    for name, band, chance in (("Low", "low", 0.1), ("High", "high", 0.9), ("Top", "high", 0.95)):
        ChurnScoreFactory(contact=ContactFactory(name=name), band=band, probability=chance)
    ContactFactory(name="Unknown")
    client = client_of(acme, user=bia)

    def names(query):
        return [row["contact"].name for row in client.get(f"/chat/contacts/{query}").context["rows"]]

    assert names("") == ["Unknown", "Top", "High", "Low"]
    assert names("?order=risk") == ["Top", "High", "Low"]
    assert names("?risk=high&order=risk") == ["Top", "High"]
    assert names("?risk=low") == ["Low"]
    found = client.get("/api/v1/chat/contacts/?risk=low").json()["results"]
    assert [row["name"] for row in found] == ["Low"]


def test_the_console_says_which_campaign_and_which_risk(acme, bia, client_of, included):
    link = ContactInboxFactory()
    talk = ConversationFactory(contact_inbox=link)
    CampaignRecipientFactory(
        campaign=CampaignFactory(name="Spring prices"), contact=link.contact, conversation=talk, visitor_key="x"
    )
    ChurnScoreFactory(contact=link.contact, probability=0.81, band="high")

    page = client_of(acme, user=bia).get(f"/chat/c/{talk.number}").content.decode()

    assert "Spring prices" in page
    assert "81%" in page
    assert ChurnScore.objects.count() == 1
