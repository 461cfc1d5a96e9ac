"""Articles and bots over the API, and the signed door of a bot's program."""

import json
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Article, Bot, Message
from chat.services.bots import programs, turns
from chat.tests.factories import (
    ArticleFactory,
    BotFactory,
    CategoryFactory,
    ConversationFactory,
    InboxFactory,
    MessageFactory,
    UnansweredQuestionFactory,
)

BASE = "/api/v1/chat/articles/"


@pytest.fixture
def writer(acme, client_of):
    return client_of(acme, role="editor")


def test_a_writer_begins_changes_publishes_and_restores(writer):
    shelf = CategoryFactory()
    made = writer.post(
        BASE, {"title": "Troca", "locale": "pt-br", "category": str(shelf.pk)}, content_type="application/json"
    )
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    url = f"{BASE}{made.json()['id']}/"

    empty = writer.post(f"{url}publish/")
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "body")
    changed = writer.patch(url, {"body": "Em **7** dias.", "version": 1}, content_type="application/json").json()
    assert (changed["version"], changed["body_html"]) == (2, "<p>Em <strong>7</strong> dias.</p>\n")
    late = writer.patch(url, {"body": "Nunca.", "version": 1}, content_type="application/json")
    assert (late.status_code, late.json()["code"]) == (409, "article_changed")
    assert writer.post(f"{url}publish/").json()["state"] == "published"
    assert [row["number"] for row in writer.get(f"{url}versions/").json()["results"]] == [2, 1]
    refused = writer.post(f"{url}restore/", {"number": 1}, content_type="application/json")
    assert (refused.status_code, Article.objects.get().body) == (422, "Em **7** dias.")
    assert writer.post(f"{url}withdraw/").json()["state"] == "draft"
    assert writer.delete(url).status_code == 204


def test_an_agent_finds_articles_and_writes_none(acme, client_of):
    ArticleFactory(title="Prazo de entrega", body="Dois dias.")
    ArticleFactory(title="Rascunho de entrega", published=False)
    agent = client_of(acme, role="agent")

    assert [row["title"] for row in agent.get(f"{BASE}search/?q=entre").json()["results"]] == ["Prazo de entrega"]
    assert agent.get(f"{BASE}?q=entrega&state=draft").json()["results"][0]["title"] == "Rascunho de entrega"
    assert agent.get(f"{BASE}search/?q=x&locale=tlh").status_code == 422
    assert agent.post(BASE, {"title": "x", "locale": "en"}, content_type="application/json").status_code == 403
    assert agent.get("/api/v1/chat/bots/").status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(acme, client_of, rows, django_assert_num_queries):
    ArticleFactory.create_batch(rows)
    client = client_of(acme, role="agent")
    client.get(BASE)

    with django_assert_num_queries(3):
        assert len(client.get(BASE).json()["results"]) == rows


def test_the_widget_searches_and_reads(acme, beta, client_of):
    inbox = InboxFactory()
    article = ArticleFactory(title="Prazo de entrega", body="Dois dias.", summary="Rápido.")
    ArticleFactory(title="Rascunho de entrega", published=False)
    headers = {"X-Widget-Token": inbox.website_token}
    client = client_of(acme)

    assert client.get("/api/widget/v1/articles/?q=entrega").status_code == 404  # no website token
    [found] = client.get("/api/widget/v1/articles/?q=entrga", headers=headers).json()["results"]
    assert (found["id"], found["url"]) == (str(article.pk), "/help/a/prazo-de-entrega")
    [first] = client.get("/api/widget/v1/articles/?q=&locale=en", headers=headers).json()["results"]
    assert first["excerpt"] == "Rápido."
    read = client.get(f"/api/widget/v1/articles/{article.pk}/", headers=headers).json()
    assert read["body_html"] == "<p>Dois dias.</p>\n"
    assert client.get(f"/api/widget/v1/articles/{uuid4()}/", headers=headers).status_code == 404
    assert client_of(beta).get(f"/api/widget/v1/articles/{article.pk}/", headers=headers).status_code == 404


def test_an_admin_sets_up_a_bot(acme, client_of):
    inbox = InboxFactory()
    admin = client_of(acme, role="admin")
    url = "/api/v1/chat/bots/"

    made = admin.post(url, {"name": "Aurora", "inboxes": [str(inbox.pk)]}, content_type="application/json")
    assert (made.status_code, made.json()["inboxes"]) == (201, [str(inbox.pk)])
    assert "webhook_secret" not in made.json()
    one = f"{url}{made.json()['id']}/"
    wrong = admin.patch(one, {"kind": "webhook"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "webhook_url")
    flow = {"steps": [{"key": "a", "text": "", "buttons": [{"label": "Ir", "do": "step", "value": "b"}]}]}
    wrong = admin.patch(one, {"flow": flow}, content_type="application/json")
    assert [row["field"] for row in wrong.json()["errors"]] == ["flow.0.text", "flow.0.buttons.0.value"]
    assert admin.patch(one, {"inboxes": [str(uuid4())]}, content_type="application/json").status_code == 422
    assert admin.patch(one, {"active": False}, content_type="application/json").json()["active"] is False
    assert admin.delete(one).status_code == 204
    assert not Bot.objects.exists()


def test_a_program_answers_through_its_signed_door(acme, beta, client_of):
    bot = BotFactory(kind="webhook", webhook_url="https://bot.example/hook")
    conversation = ConversationFactory(contact_inbox__inbox=InboxFactory(bot=bot))
    message = MessageFactory(conversation=conversation, body="Oi, tudo bem?")
    turns.take(message_id=message.pk, now=timezone.now())
    url = f"/hooks/bot/{bot.pk}/"

    def post(client, data, *, secret=bot.webhook_secret, key="evt-1"):
        body = json.dumps(data)
        headers = programs.signature(secret, key, body, timezone.now())
        return client.post(url, body, content_type="application/json", headers=headers)

    asked = {
        "conversation": str(conversation.pk),
        "body": "Sou um programa.",
        "quick_replies": ["Sim", {"label": "Não"}],
    }
    client = client_of(acme, enforce_csrf_checks=True)
    assert post(client, asked).json()["done"] is True
    assert post(client, asked).status_code == 200
    said = Message.objects.get(direction="bot")
    assert said.meta["quick_replies"] == [{"id": "Sim", "label": "Sim"}, {"id": "Não", "label": "Não"}]
    wrong = post(client, asked, secret="whsec_AAAA")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "signature_refused")
    assert post(client, {**asked, "action": "explode"}, key="evt-2").status_code == 422
    assert post(client, {"conversation": str(uuid4()), "body": "x"}, key="evt-3").status_code == 404
    assert client.post(url, "[", content_type="application/json").status_code == 403
    assert post(client_of(beta), asked, key="evt-4").status_code == 404
    with tenant_context(beta):
        assert not Message.objects.exists()


def test_shelves_are_added_changed_and_removed(writer):
    shelves = "/api/v1/chat/article-categories/"
    made = writer.post(
        shelves, {"name": "Entregas", "locale": "pt-br", "icon": "truck"}, content_type="application/json"
    ).json()
    url = f"{shelves}{made['id']}/"

    assert (made["slug"], made["icon"]) == ("entregas", "truck")
    changed = writer.patch(url, {"name": "Prazos", "position": 5}, content_type="application/json").json()
    assert (changed["name"], changed["slug"]) == ("Prazos", "entregas")
    bad = writer.post(shelves, {"name": "x", "locale": "tlh"}, content_type="application/json")
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "locale")
    assert writer.patch(url, {"icon": "bomb"}, content_type="application/json").json()["errors"][0]["field"] == "icon"
    assert (writer.delete(url).status_code, writer.get(url).status_code) == (204, 404)


def test_unanswered_questions_become_articles_and_articles_get_translations(writer):
    asked = UnansweredQuestionFactory(group__title="Vocês entregam aos domingos?", group__count=3)
    url = f"/api/v1/chat/article-questions/{asked.group_id}/"

    listed = writer.get("/api/v1/chat/article-questions/?state=open").json()["results"]
    dismissed = writer.post(f"{url}dismiss/").json()["state"]
    again = writer.post(f"{url}reopen/").json()["state"]
    draft, repeated = writer.post(f"{url}draft/").json(), writer.post(f"{url}draft/").json()
    other = writer.post(f"{BASE}{draft['id']}/translate/", {"locale": "en"}, content_type="application/json")

    assert [(row["title"], row["count"]) for row in listed] == [("Vocês entregam aos domingos?", 3)]
    assert (dismissed, again, draft["id"]) == ("dismissed", "open", repeated["id"])
    assert writer.get(url).json()["article"] == draft["id"]
    assert (other.status_code, other.json()["group"], other.json()["locale"]) == (201, draft["group"], "en")


def test_a_bot_is_tried_out_without_a_conversation(acme, client_of):
    bot = BotFactory(locale="pt-br", threshold=35)
    ArticleFactory(title="Prazo de entrega", body="Entregamos em dois dias.")

    answer = client_of(acme, role="admin").get(f"/api/v1/chat/bots/{bot.pk}/try/", {"q": "prazo de entrega"}).json()

    assert [(row["title"], row["answers"]) for row in answer["results"]] == [("Prazo de entrega", True)]
