"""Pages of those who write the help centre, and of those who set up bots."""

import pytest

from chat.models import Article, Bot, Category, QuestionGroup
from chat.services import articles, questions
from chat.services.bots import assistant
from chat.tests.factories import ArticleFactory, BotFactory, CategoryFactory, InboxFactory
from ops.kernel.configuration import services as configuration

BASE = "/chat/articles/"


@pytest.fixture
def writer(acme, client_of):
    return client_of(acme, role="editor")


def test_an_article_is_written_previewed_published_and_taken_back(writer):
    shelf = CategoryFactory()
    words = {
        "title": "Troca",
        "summary": "",
        "body": "Em **7** dias.",
        "category": shelf.pk,
        "keywords": "",
        "slug": "",
        "position": 10,
    }

    assert "<strong>7</strong>" in writer.post(f"{BASE}preview/", {"body": "Em **7** dias."}).content.decode()
    made = writer.post(f"{BASE}new/", words | {"publish": "1"})
    article = Article.objects.get()
    assert (made.status_code, article.state, article.slug, article.author.email) == (
        302,
        "published",
        "troca",
        "editor@acme.example",
    )

    url = f"{BASE}{article.pk}/"
    page = writer.get(url).content.decode()
    assert "Em **7** dias." in page
    assert 'name="version" value="1"' in page
    late = writer.post(url, words | {"version": 7})
    assert late.status_code == 422
    writer.post(url, words | {"version": 1, "body": "Em **30** dias.", "withdraw": "1"})
    article.refresh_from_db()
    assert (article.state, article.version) == ("draft", 2)

    diff = writer.get(f"{url}versions/").content.decode()
    assert "<ins>Em **30** dias.</ins>" in diff
    assert "<del>Em **7** dias.</del>" in diff
    assert 'class="gap"' not in writer.get(f"{url}versions/?version=1").content.decode()
    writer.post(f"{url}versions/", {"number": "1"})
    article.refresh_from_db()
    assert (article.body, article.version) == ("Em **7** dias.", 3)
    writer.post(f"{url}translate/", {"locale": "en"})
    assert Article.objects.get(locale="en").group == article.group
    writer.post(f"{url}delete/")
    assert not Article.objects.filter(locale="pt-br").exists()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(acme, client_of, rows, django_assert_num_queries):
    ArticleFactory.create_batch(rows)
    client = client_of(acme, role="editor")
    client.get(BASE)

    with django_assert_num_queries(5):
        page = client.get(BASE)

    assert len(page.context["rows"]) == rows


def test_the_list_is_narrowed_by_words_state_and_language(writer):
    ArticleFactory(title="Prazo de entrega")
    ArticleFactory(title="Rascunho", published=False)
    ArticleFactory(title="Delivery", locale="en")

    def titles(query):
        return [row["article"].title for row in writer.get(f"{BASE}?{query}").context["rows"]]

    assert titles("q=entregas") == ["Prazo de entrega"]
    assert titles("state=draft") == ["Rascunho"]
    assert titles("locale=en") == ["Delivery"]
    assert titles("q=%00&page=x") != []
    assert writer.get(f"{BASE}?page=99999").status_code == 200


def test_a_question_becomes_an_article_or_is_dismissed(writer, noon):
    for number, text in enumerate(["Vocês entregam no feriado?", "Tem estacionamento?"]):
        questions.collect(text=text, locale="pt-br", source="search", key=f"search:{number}", now=noon)
    first, second = QuestionGroup.objects.order_by("title")[::-1]
    url = f"{BASE}questions/"

    assert "Tem estacionamento?" in writer.get(url).content.decode()
    writer.post(url, {"question": second.pk, "todo": "dismiss"})
    drafted = writer.post(url, {"question": first.pk, "todo": "draft"})

    article = Article.objects.get()
    assert drafted["Location"] == f"{BASE}{article.pk}/"
    assert {row["group"] for row in writer.get(f"{url}?state=dismissed").context["rows"]} == {second}
    assert writer.post(url, {"question": "x", "todo": "draft"}).status_code == 404


def test_a_category_is_added_changed_and_removed(writer):
    url = f"{BASE}categories/"
    fields = {"name": "Pedidos", "locale": "pt-br", "description": "", "icon": "truck", "position": ""}

    assert writer.post(f"{url}new/", fields | {"name": ""}).status_code == 422
    writer.post(f"{url}new/", fields)
    row = Category.objects.get()
    writer.post(f"{url}{row.pk}/", fields | {"name": "Compras", "position": 5})
    row.refresh_from_db()
    assert (row.name, row.slug, row.icon, row.position) == ("Compras", "pedidos", "truck", 5)
    articles.write(title="Troca", locale="pt-br", category=row)
    writer.post(f"{url}{row.pk}/delete/")
    assert Article.objects.get().category is None


def test_who_only_reads_writes_nothing(acme, client_of):
    article = ArticleFactory()
    viewer = client_of(acme, role="viewer")

    assert viewer.get(f"{BASE}{article.pk}/").status_code == 200
    for path in ("new/", f"{article.pk}/delete/", "categories/new/", "preview/"):
        assert viewer.post(f"{BASE}{path}", {"title": "x"}).status_code == 403
    assert viewer.post(f"{BASE}{article.pk}/", {"title": "x"}).status_code == 403
    assert viewer.get("/settings/chat/bots/").status_code == 403
    assert client_of(acme).get(BASE).status_code == 302


def test_the_help_centres_words_are_saved(writer, acme, client_of):
    writer.post(
        "/settings/chat/help/", {"enabled": "on", "title_pt_br": "Oi, {x}!", "footer_pt_br": "[a](https://a.example)"}
    )

    page = client_of(acme).get("/help/").content.decode()
    assert "Oi, {x}!" in page
    assert '<a href="https://a.example" rel="noopener nofollow">a</a>' in page


# --- Bots -----------------------------------------------------------------------------------------------


@pytest.fixture
def admin(acme, client_of):
    return client_of(acme, role="admin")


BOT = {
    "name": "Aurora",
    "kind": "retrieval",
    "active": "on",
    "hours": "always",
    "threshold": 35,
    "max_misses": 2,
    "keywords": "Procon\n\nmulta",
}


def test_a_bot_is_added_placed_tried_and_deleted(admin):
    inbox = InboxFactory()
    ArticleFactory(title="Prazo de entrega", body="Dois dias.")

    made = admin.post("/settings/chat/bots/new/", BOT | {"inboxes": [inbox.pk]})
    bot = Bot.objects.get()
    assert (made.status_code, bot.keywords, list(bot.inboxes.all())) == (302, ["Procon", "multa"], [inbox])
    url = f"/settings/chat/bots/{bot.pk}/"
    assert admin.post(url, BOT | {"threshold": 99}).status_code == 422
    assert admin.post(url, BOT | {"kind": "webhook"}).status_code == 422
    assert admin.get(url).status_code == 200
    assert "Prazo de entrega" in admin.get(f"{url}try/?q=entregas").content.decode()
    shown = admin.post(f"{url}secret/")
    fresh = Bot.objects.get().webhook_secret
    assert (fresh != bot.webhook_secret, fresh in shown.content.decode()) == (True, True)
    assert fresh not in admin.get(url).content.decode()
    admin.post(f"{url}delete/")
    assert not Bot.objects.exists()


def test_a_flow_is_put_together_without_a_script(admin):
    bot = BotFactory()
    article = ArticleFactory()
    url = f"/settings/chat/bots/{bot.pk}/flow/"
    typed = {
        "steps-0-key": "inicio",
        "steps-0-text": "Oi!",
        "steps-0-buttons-0-label": "Entrega",
        "steps-0-buttons-0-do": f"article:{article.slug}",
        "steps-0-buttons-1-label": "Pix",
        "steps-0-buttons-1-do": "text",
        "steps-0-buttons-1-text": "Chave: x",
        "steps-0-buttons-2-label": "",
        "steps-0-buttons-2-do": "",
    }

    assert admin.get(url).status_code == 200
    assert len(admin.post(url, typed | {"add": "1"}).context["steps"]) == 2
    assert admin.post(url, typed | {"remove": "inicio"}).context["steps"] == []
    assert admin.post(url, typed | {"steps-0-text": ""}).status_code == 422
    assert admin.post(url, typed).status_code == 302
    bot.refresh_from_db()
    assert [one["do"] for one in bot.flow["steps"][0]["buttons"]] == ["article", "text"]
    assert admin.get(url).status_code == 200


def test_the_language_model_is_set_up_tested_and_its_key_never_shown(admin, ana, fake_http):
    url = "/settings/chat/bots/model/"
    fields = {
        "base_url": f"{fake_http.url}/v1",
        "key": "sk-very-secret",
        "model": "m",
        "price_in": "0.15",
        "price_out": "0.6",
        "budget": 5,
        "timeout_s": 60,
    }

    assert admin.post(url, fields | {"price_in": "cheap"}).status_code == 422
    assert admin.post(url, fields).status_code == 302
    assert "sk-very-secret" not in admin.get(url).content.decode()
    admin.post(url, fields | {"key": configuration.get(assistant.NAME).masked()["key"]})
    assert configuration.get(assistant.NAME)["key"].reveal() == "sk-very-secret"
    fake_http.on("POST", "/v1/chat/completions").reply(401, {"error": {"message": "Incorrect API key"}})
    assert "Incorrect API key" in admin.post(url, {"test": "1"}).content.decode()
