"""One search over everything, and the live list of visitors."""

import pytest
from django.utils import timezone

from chat.services import presence
from chat.tests.factories import ArticleFactory, ContactFactory, ConversationFactory, MessageFactory
from conftest import person
from tenants.accounts.services import roles

SEARCH = "/api/v1/chat/search/"


@pytest.fixture
def shop(acme):
    contact = ContactFactory(name="Rui Conceição", email="rui@correio.example")
    conversation = ConversationFactory(contact_inbox__contact=contact)
    MessageFactory(conversation=conversation, body="Vocês têm pão de queijo sem glúten para amanhã?")
    MessageFactory(conversation=conversation, body="E pão de forma?")
    ArticleFactory(title="Pães sem glúten", body="Às terças.", published=False)
    return conversation


def test_words_are_found_in_conversations_people_and_articles(shop, acme, client_of):
    client = client_of(acme, role="agent")

    found = client.get(SEARCH, {"q": "gluten"}).json()
    person = client.get(SEARCH, {"q": "conceicao"}).json()
    one_kind = client.get(SEARCH, {"q": "pao", "type": "contacts"}).json()

    (row,) = found["conversations"]
    assert (row["conversation"]["number"], row["message"]["excerpt"]) == (
        shop.number,
        "Vocês têm pão de queijo sem glúten para amanhã?",
    )
    assert [article["title"] for article in found["articles"]] == ["Pães sem glúten"]
    assert [one["name"] for one in person["contacts"]] == ["Rui Conceição"]
    assert person["conversations"][0]["message"] is None
    assert one_kind == {"conversations": [], "contacts": [], "articles": []}


@pytest.mark.parametrize(
    ("query", "field"), [({}, "q"), ({"q": "x", "type": "users"}, "type"), ({"q": "x", "limit": "51"}, "limit")]
)
def test_a_search_says_what_is_wrong_with_it(acme, client_of, query, field):
    answer = client_of(acme, role="agent").get(SEARCH, query)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_kind_somebody_may_not_see_is_not_looked_through(shop, acme, ana, client_of):
    listener = roles.create(name="Listener", codenames={"chat.view_conversation"}, by=ana, now=timezone.now())
    client = client_of(acme, user=person(acme, listener.slug, email="listener@acme.example"))

    assert client.get(SEARCH, {"q": "rui"}).json()["contacts"] == []
    assert client.get(SEARCH, {"q": "rui", "type": "contacts"}).status_code == 403


def test_the_live_list_names_who_is_here_and_where(shop, acme, client_of):
    contact = shop.contact
    contact.last_page = {"url": "https://shop.example/bread", "title": "Bread"}
    contact.save()
    client = client_of(acme, role="agent")
    before = client.get("/api/v1/chat/visitors/").json()
    presence.visitors_came([(contact.pk, "one")])

    (row,) = client.get("/api/v1/chat/visitors/").json()["results"]

    assert before == {"results": []}
    assert (row["contact"]["id"], row["page"]["title"], row["conversation"]) == (str(contact.pk), "Bread", shop.number)
