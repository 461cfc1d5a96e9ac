"""What the console offers besides answering: teams, labels, snoozing, filters, articles, who is on the website."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.models import Conversation, Label, SavedView, Team
from chat.services import presence
from chat.tests.factories import ConversationFactory, MessageFactory


def numbers(response):
    """Numbers of the rows of a list, in order."""
    return [row.number for row in response.context["rows"]]


def test_a_team_and_labels_are_put_on_and_taken_off(acme, bia, client_of):
    conversation = ConversationFactory()
    team, label = Team.objects.create(name="Vendas"), Label.objects.create(name="Pedido", color="blue")
    client = client_of(acme, user=bia)
    base = f"/chat/c/{conversation.number}/"

    client.post(base + "team", {"team": str(team.pk)})
    client.post(base + "labels", {"add": str(label.pk)})
    row = client.get("/chat/?tab=all").content.decode()

    conversation.refresh_from_db()
    assert (conversation.team, list(conversation.labels.all())) == (team, [label])
    assert 'class="label-dot label-blue"' in row
    client.post(base + "team", {"team": ""})
    client.post(base + "labels", {"remove": str(label.pk)})
    conversation.refresh_from_db()
    assert (conversation.team, list(conversation.labels.all())) == (None, [])


def test_labels_of_the_person_are_changed_beside_the_thread_and_on_their_page(acme, bia, client_of):
    conversation = ConversationFactory()
    label = Label.objects.create(name="Atacado", color="teal")
    client = client_of(acme, user=bia)
    page, url = f"/chat/contacts/{conversation.contact_id}/", f"/chat/contacts/{conversation.contact_id}/labels/"
    worn = '<span class="label label-teal">Atacado</span>'

    told = client.post(url, {"add": str(label.pk)}, headers={"X-Console": "action"})
    beside = client.get(f"/chat/c/{conversation.number}").content.decode()
    on_page = client.get(page).content.decode()
    back = client.post(url, {"remove": str(label.pk)})

    assert (told.status_code, back.status_code, back["Location"]) == (204, 302, page)
    assert worn in beside
    assert worn in on_page
    assert worn not in client.get(f"/chat/c/{conversation.number}").content.decode()
    assert worn not in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("team", {"team": str(uuid4())}),
        ("team", {"team": "x"}),
        ("labels", {}),
        ("labels", {"add": "x"}),
        ("status", {"status": "snoozed", "until": "2001-01-01T10:00"}),
        ("status", {"status": "snoozed", "until": "soon"}),
        ("article", {"article": str(uuid4())}),
    ],
)
def test_bent_values_change_nothing(acme, bia, client_of, path, form):
    conversation = ConversationFactory()

    response = client_of(acme, user=bia).post(
        f"/chat/c/{conversation.number}/{path}", form, headers={"x-console": "action"}
    )

    assert response.status_code in {404, 422}
    conversation.refresh_from_db()
    assert (conversation.status, conversation.team, conversation.last_seq) == ("open", None, 1)


def test_a_snooze_ends_on_the_day_and_hour_somebody_chose(acme, bia, client_of):
    conversation = ConversationFactory()

    client_of(acme, user=bia).post(
        f"/chat/c/{conversation.number}/status", {"status": "snoozed", "until": "2999-03-01T08:30"}
    )

    conversation.refresh_from_db()
    assert conversation.snoozed_until.year == 2999
    assert conversation.status == "snoozed"


def test_filters_narrow_sort_and_can_be_kept_as_a_view(acme, bia, client_of):
    urgent, plain = ConversationFactory(priority="urgent"), ConversationFactory()
    label = Label.objects.create(name="Pedido")
    plain.labels.add(label)
    client = client_of(acme, user=bia)

    assert numbers(client.get("/chat/?tab=all&priority=urgent")) == [urgent.number]
    assert numbers(client.get(f"/chat/?tab=all&label={label.pk}")) == [plain.number]
    assert numbers(client.get("/chat/?tab=all&sort=priority")) == [urgent.number, plain.number]
    assert numbers(client.get("/chat/?tab=all&unread=1")) == []
    narrowed = client.get(f"/chat/?tab=all&label={label.pk}").context["narrowed"]
    assert [(chip["label"], chip["url"]) for chip in narrowed] == [("Pedido", "/chat/?tab=all")]

    panel = client.get(f"/chat/?tab=all&label={label.pk}", headers={"x-console": "filters"})
    kept = json.loads(panel.context["as_view"])
    assert kept == {"status": ["open"], "label": [str(label.pk)]}
    SavedView.objects.create(name="Pedidos", filters=kept, scope="person", owner=bia)
    panel = client.get("/chat/", headers={"x-console": "filters"})
    assert [one["url"] for one in panel.context["views"]] == [f"/chat/?tab=all&label={label.pk}"]


def test_what_only_the_server_draws_is_drawn_once_more(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    first = MessageFactory(conversation=conversation, body="Um")
    MessageFactory(conversation=conversation, body="Dois", by=bia, reply_to=first.pk)
    client = client_of(acme, user=bia)

    response = client.get(f"/chat/c/{conversation.number}/lines?seq={first.seq + 1},x,99")

    assert [line.text for line in response.context["lines"]] == ["Dois"]
    assert f'data-quoted="{first.pk}"' in response.content.decode()


def test_who_is_on_the_website_is_shown_to_their_own_team_only(acme, beta, bia, caio, client_of):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Oi")
    presence.visitors_came([(conversation.contact_id, "s1")])
    address = reverse("chat:visitor-write", args=[conversation.contact_id])

    own = client_of(acme, user=bia)
    shown = own.get("/chat/visitors/")
    assert [row["contact"].pk for row in shown.context["rows"]] == [conversation.contact_id]
    assert "None" not in shown.content.decode()  # neither the page nor where they came from is known
    assert own.post(address)["Location"] == f"/chat/c/{conversation.number}"
    assert Conversation.objects.count() == 1
    assert client_of(acme, role="viewer").post(address).status_code == 403
    neighbour = client_of(beta, user=caio)
    assert neighbour.get("/chat/visitors/").context["rows"] == []
    assert neighbour.post(address).status_code == 404


def test_the_worker_of_notifications_may_look_after_the_counter_alone(acme, client_of):
    response = client_of(acme).get("/chat/push.js")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in response.headers
    assert "fetch" not in response.content.decode()
