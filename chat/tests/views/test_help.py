"""The public help centre: read by everybody, drawn once, the same for all who ask."""

import xml.etree.ElementTree as ET

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import ArticleFeedback, QuestionGroup
from chat.services import articles, helpcentre
from chat.tests.factories import ArticleFactory, CategoryFactory
from ops.kernel.configuration import services as configuration

BODY = "Entregamos em **dois** dias.\n\n## Sábado\n\nAté 12h.\n\n## Domingo\n\nNão."


@pytest.fixture
def shelf(acme):
    return CategoryFactory(name="Entrega", slug="entrega", description="Prazos e taxas.")


@pytest.fixture
def article(shelf):
    return ArticleFactory(title="Prazo de entrega", summary="Em dois dias.", body=BODY, category=shelf, position=20)


def test_a_stranger_reads_shelves_articles_and_contents(acme, article, shelf, client_of):
    ArticleFactory(title="Taxa de entrega", category=shelf, position=10)
    ArticleFactory(title="Outro assunto", category=shelf, position=30)
    ArticleFactory(title="Rascunho secreto", published=False, category=shelf)
    client = client_of(acme)

    home = client.get("/help/").content.decode()
    page = client.get("/help/a/prazo-de-entrega").content.decode()
    listed = client.get("/help/c/entrega").content.decode()

    assert 'href="/help/c/entrega"' in home
    assert "Rascunho secreto" not in home + listed
    assert '<a href="#sabado">Sábado</a>' in page
    assert "Entregamos em <strong>dois</strong> dias." in page
    assert 'rel="prev"' in page
    assert 'href="/help/a/outro-assunto" rel="next"' in page
    assert '<link rel="canonical" href="http://acme.localhost' in page
    assert '<meta property="og:title" content="Prazo de entrega">' in page
    assert listed.index("Taxa de entrega") < listed.index("Prazo de entrega")
    assert client.get("/help/a/rascunho-secreto").status_code == 404


def test_a_page_is_the_same_for_everybody_and_not_sent_twice(
    acme, article, ana, client_of, django_assert_max_num_queries
):
    page = client_of(acme).get("/help/a/prazo-de-entrega")
    other = client_of(acme, user=ana).get("/help/a/prazo-de-entrega", headers={"accept-language": "en"})

    assert page.content == other.content
    assert not page.cookies
    assert "Cookie" not in page.get("Vary", "")
    assert "public" in page["Cache-Control"]
    with django_assert_max_num_queries(6):
        again = client_of(acme).get("/help/a/prazo-de-entrega", headers={"if-none-match": page["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    with tenant_context(acme):
        articles.change(article=article, body=BODY + "\n\nNovo.", now=timezone.now())
    fresh = client_of(acme).get("/help/a/prazo-de-entrega", headers={"if-none-match": page["ETag"]})
    assert fresh.status_code == 200
    assert "Novo." in fresh.content.decode()


def test_a_translation_is_linked_both_ways_and_in_the_sitemap(acme, article, client_of):
    english = articles.translate(article=article, locale="en", now=timezone.now())
    english = articles.change(article=english, title="Delivery time", slug="delivery-time", now=timezone.now())
    articles.publish(article=english, now=timezone.now())

    page = client_of(acme).get("/help/a/delivery-time")
    sitemap = client_of(acme).get("/help/sitemap.xml")

    assert page["Content-Language"] == "en"
    assert '<html lang="en"' in page.content.decode()
    assert 'hreflang="pt-BR" href="http://acme.localhost' in page.content.decode()
    locations = [
        one.text.rsplit("/", 1)[1] for one in ET.fromstring(sitemap.content).iter() if one.tag.endswith("}loc")
    ]
    assert locations == ["", "prazo-de-entrega", "delivery-time", "entrega"]
    assert sitemap.content.count(b'hreflang="en"') == 2


def test_robots_are_sent_to_the_help_centre_only(acme, client_of):
    lines = client_of(acme).get("/robots.txt").content.decode().splitlines()

    assert "Disallow: /" in lines
    assert "Allow: /help/" in lines
    assert any(
        line.startswith("Sitemap: http://acme.localhost") and line.endswith("/help/sitemap.xml") for line in lines
    )


def test_a_search_without_an_answer_is_kept_for_the_writers(acme, article, client_of):
    client = client_of(acme)

    assert "Prazo de entrega" in client.get("/help/search?q=entregas").content.decode()
    typing = {"HX-Request": "true", "HX-Trigger-Name": "q"}
    client.get("/help/search?q=estac", headers=typing)
    client.get("/help/search?q=Tem+estacionamento%3F")
    client.get("/help/search?q=tem+estacionamento%3F")
    response = client.get("/help/search?q=\x00%27%22<b>")

    assert response.status_code == 200
    assert "<b>" not in response.content.decode().split('id="help-results"')[1]
    assert list(QuestionGroup.objects.values_list("title", "count")) == [("Tem estacionamento?", 1)]


def test_a_reader_says_whether_it_helped_with_and_without_a_script(acme, article, client_of):
    client = client_of(acme, enforce_csrf_checks=True)
    url = "/help/a/prazo-de-entrega/feedback"

    part = client.post(url, {"helpful": "no"}, headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("<section") or part.strip().startswith("<section")
    assert "<textarea" in part
    assert "Prazo de entrega" in client.post(url, {"helpful": "no", "words": "E no feriado?"}).content.decode()

    kept = ArticleFeedback.objects.get()
    assert (kept.helpful, kept.words) == (False, "E no feriado?")
    assert client.post(url, {"helpful": "maybe"}).status_code == 404
    assert client.post(url, {"helpful": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for _ in range(20):
        last = client.post(url, {"helpful": "yes"})
    assert last.status_code == 429


def test_a_closed_help_centre_answers_nobody(acme, article, ana, client_of):
    configuration.set(helpcentre.NAME, {"enabled": False}, by=ana)
    client = client_of(acme)

    for path in ("/help/", "/help/a/prazo-de-entrega", "/help/c/entrega", "/help/search?q=x", "/help/sitemap.xml"):
        assert client.get(path).status_code == 404, path
    assert "Sitemap" not in client.get("/robots.txt").content.decode()


def test_another_tenants_article_is_not_here(acme, beta, article, client_of):
    with tenant_context(beta):
        ArticleFactory(title="Coisa da Beta")

    assert client_of(beta).get("/help/a/prazo-de-entrega").status_code == 404
    assert "Prazo de entrega" not in client_of(beta).get("/help/").content.decode()
    assert client_of(acme).get("/help/a/coisa-da-beta").status_code == 404
