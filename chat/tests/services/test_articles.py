"""Articles: written, published, kept in versions, judged by readers."""

import pytest

from chat import errors
from chat.models import Article, QuestionGroup, UnansweredQuestion
from chat.queries import articles as queries
from chat.services import articles, markdown, questions
from chat.tests.factories import ArticleFactory, CategoryFactory
from ops.kernel.errors import Invalid


def test_markdown_becomes_clean_html_with_contents_and_plain_words():
    made = markdown.render(
        "# Prazo\n\nOlá **mundo** <script>alert(1)</script> [x](javascript:alert(1)) [y](https://a.example)"
        " ![foto](/media/a.png) ![fora](https://evil.example/x.png)\n\n## Prazo\n\n1. Um\n2. Dois\n\n|A|B|\n|-|-|\n|1|2|\n"
    )

    assert made.toc == [
        {"id": "prazo", "title": "Prazo", "level": 2},
        {"id": "prazo-2", "title": "Prazo", "level": 2},
    ]
    assert "<script" not in made.html
    assert 'href="javascript' not in made.html
    assert '<a href="https://a.example" rel="noopener nofollow">y</a>' in made.html
    assert '<img src="/media/a.png" alt="foto">' in made.html
    assert "evil.example" not in made.html
    assert made.text.split("\n\n")[2:] == ["# Prazo", "1. Um", "2. Dois", "A — B", "1 — 2"]


def test_an_article_is_a_draft_until_it_is_published(acme, ana, noon):
    article = articles.write(title="Prazo de entrega", locale="pt-br", by=ana, now=noon)

    assert (article.slug, article.state, article.version) == ("prazo-de-entrega", "draft", 1)
    with pytest.raises(errors.ArticleEmpty):
        articles.publish(article=article, by=ana, now=noon)

    articles.change(article=article, body="Entregamos em **dois** dias.", by=ana, now=noon)
    article = articles.publish(article=article, by=ana, now=noon)

    assert (article.state, article.published_at, article.version) == ("published", noon, 2)
    assert list(article.versions.order_by("number").values_list("number", "body")) == [
        (1, ""),
        (2, "Entregamos em **dois** dias."),
    ]
    with pytest.raises(errors.ArticleEmpty):
        articles.change(article=article, body="", by=ana, now=noon)
    assert Article.objects.get().body == "Entregamos em **dois** dias."


def test_an_address_is_nobody_elses(acme, noon):
    first = ArticleFactory(title="Troca")
    second = ArticleFactory(title="Troca")

    assert (first.slug, second.slug) == ("troca", "troca-2")
    with pytest.raises(Invalid) as refusal:
        articles.change(article=second, slug="troca", now=noon)
    assert refusal.value.field == "slug"
    with pytest.raises(Invalid):
        articles.change(article=second, category=CategoryFactory(locale="en"), now=noon)


def test_two_writers_do_not_overwrite_each_other(acme, ana, noon):
    article = ArticleFactory(body="Um.")
    articles.change(article=article, version=1, body="Dois.", by=ana, now=noon)

    with pytest.raises(errors.ArticleChanged):
        articles.change(article=article, version=1, body="Três.", by=ana, now=noon)

    assert Article.objects.get().body == "Dois."


def test_an_earlier_version_comes_back_as_a_new_one(acme, ana, noon):
    article = ArticleFactory(title="Antes", body="Um.")
    articles.change(article=article, title="Depois", body="Dois.", by=ana, now=noon)

    article = articles.restore(article=article, number=1, by=ana, now=noon)

    assert (article.title, article.body, article.version) == ("Antes", "Um.", 3)
    assert article.versions.get(number=3).restored_from == 1
    assert "Um." in article.body_html
    assert articles.restore(article=article, number=1, by=ana, now=noon).version == 3


def test_a_translation_shares_the_group_and_is_made_once(acme, ana, noon):
    shelf = CategoryFactory(name="Pedidos", slug="pedidos")
    orders = articles.add_category(name="Orders", locale="en", group=shelf.group, now=noon)
    article = ArticleFactory(title="Prazo", category=shelf)

    english = articles.translate(article=article, locale="en", by=ana, now=noon)

    assert (english.group, english.locale, english.state) == (article.group, "en", "draft")
    assert english.category == orders
    with pytest.raises(errors.AlreadyTranslated):
        articles.translate(article=article, locale="en", by=ana, now=noon)


def test_a_reader_has_one_voice_and_words_become_a_question(acme, noon):
    article = ArticleFactory()
    articles.rate(article=article, helpful=True, reader="a", now=noon)
    articles.rate(article=article, helpful=False, reader="a", words="E no feriado, vocês entregam?", now=noon)
    articles.rate(article=article, helpful=True, reader="b", now=noon)

    article.refresh_from_db()
    assert (article.helpful, article.unhelpful) == (1, 1)
    assert UnansweredQuestion.objects.get().text == "E no feriado, vocês entregam?"


def test_questions_that_ask_the_same_are_counted_together_and_become_one_draft(acme, ana, noon):
    for number, text in enumerate(
        ["Vocês entregam no feriado?", "entrega em feriado", "Tem estacionamento?", "Entregam nos feriados também?"]
    ):
        questions.collect(text=text, locale="pt-br", source="search", key=f"search:{number}", now=noon)
    questions.collect(text="de novo", locale="pt-br", source="search", key="search:0", now=noon)
    questions.collect(text="???", locale="pt-br", source="search", key="search:9", now=noon)

    assert list(QuestionGroup.objects.order_by("-count").values_list("title", "count")) == [
        ("Vocês entregam no feriado?", 3),
        ("Tem estacionamento?", 1),
    ]
    group = QuestionGroup.objects.get(count=3)
    article = articles.begin_from(group=group, by=ana, now=noon)
    assert (article.title, article.state) == ("Vocês entregam no feriado?", "draft")
    assert "- entrega em feriado" in article.body
    assert articles.begin_from(group=group, by=ana, now=noon) == article


def test_search_is_blind_to_accents_plurals_and_typing_errors(acme):
    ArticleFactory(title="Prazo de entrega", body="Entregamos em dois dias.", keywords="frete, correio")
    ArticleFactory(title="Devoluções e trocas", body="Você tem sete dias para devolver.")
    ArticleFactory(title="Rascunho sobre entrega", published=False)
    ArticleFactory(title="Delivery time", locale="en", body="We deliver in two days. Entrega.")

    def titles(text, **options):
        return [hit.title for hit in queries.search(text, locale="pt-br", **options)]

    assert titles("qual o prazo das ENTREGAS?") == ["Prazo de entrega"]
    assert titles("devolucao") == ["Devoluções e trocas"]
    assert titles("devolusão") == ["Devoluções e trocas"]
    assert titles("qual o valor do frete") == ["Prazo de entrega"]
    assert titles("entr", typing=True) == ["Prazo de entrega"]
    assert titles("de que") == []
    assert titles("xyzxyz") == []
    assert [hit.title for hit in queries.search("delivery", locale="en")] == ["Delivery time"]


def test_a_score_says_how_much_of_the_question_is_answered(acme):
    ArticleFactory(title="Prazo de entrega", body="# Sábado\n\nNo sábado até 12h.\n\n## Semana\n\nEm dois dias úteis.")
    for number in range(6):
        ArticleFactory(title=f"Outro assunto {number}", body="Nada a ver.")

    [whole] = queries.search("prazo de entrega", locale="pt-br")
    [half] = queries.search("entrega de unicórnio voador azul", locale="pt-br")
    assert whole.score > 0.7
    assert half.score < 0.3
    [saturday] = queries.search("entrega sábado", locale="pt-br")
    assert saturday.passage == "No sábado até 12h."
