"""The home page shows what the apps registered, to those who may see it."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils.translation import get_language, override
from django_tenants.utils import tenant_context

from ops.kernel.registry import Panel, panels
from tenants.templatetags import ui
from tenants.views.home import Shown


@pytest.fixture
def salaries():
    """A panel that only the owner's permission opens."""
    panels.register(
        "tests.salaries",
        Panel(
            "components/badge.html",
            lambda request: {"label": f"Salaries for {request.user.name}"},
            "accounts.change_user",
            5,
            4,
        ),
    )
    yield
    panels.unregister("tests.salaries")


def test_a_stranger_is_asked_to_log_in(acme, client_of):
    response = client_of(acme).get("/")

    assert response.status_code == 302
    assert response.headers["Location"] == "/login/?next=/"


def test_people_are_greeted_and_see_their_panels(acme, ana, client_of, salaries):
    response = client_of(acme, user=ana).get("/")

    assert response.status_code == 200
    page = response.content.decode()
    assert ", Ana</h1>" in page
    assert "Salaries for Ana Alves" in page
    assert '<section class="panel panel-4" id="panel-tests-salaries">' in page


def test_a_panel_is_not_drawn_for_those_who_may_not_see_it(acme, bia, client_of, salaries):
    response = client_of(acme, user=bia).get("/")

    assert response.status_code == 200
    assert "Salaries" not in response.content.decode()


def test_home_is_the_same_size_of_work_for_many_entries(acme, ana, client_of, django_assert_max_num_queries):
    client = client_of(acme, user=ana)
    client.get("/")

    with django_assert_max_num_queries(20):
        client.get("/")


def test_home_is_not_on_the_platforms_host(platform, client_of):
    # There the landing page answers.
    response = client_of(platform).get("/")

    assert response.status_code == 200
    assert 'class="band"' in response.content.decode()


def test_the_theme_comes_from_the_cookie_and_nothing_else_does(acme, ana, client_of):
    client = client_of(acme, user=ana)
    client.cookies["theme"] = "dark"
    assert '<html lang="pt-br" data-theme="dark">' in client.get("/").content.decode()

    client.cookies["theme"] = '"><script>'
    assert '<html lang="pt-br">' in client.get("/").content.decode()


def test_the_rail_shows_where_one_is_and_only_areas_that_open(acme, client_of):
    page = client_of(acme, role="viewer").get("/").content.decode()

    assert page.count('<a class="rail-link" href="/" aria-current="page"') == 1
    assert "/settings/branding/" not in page


def test_a_client_that_must_not_write_can_still_read(acme, ana, client_of):
    response = client_of(acme, user=ana).post("/")

    assert response.status_code == 405


def test_the_page_carries_no_inline_script_or_style(acme, ana, client_of):
    client: Client = client_of(acme, user=ana)

    page = client.get("/").content.decode()

    assert "<script>" not in page
    assert " style=" not in page
    assert "onclick" not in page


def test_a_kept_panel_is_drawn_again_only_for_other_values_tenants_and_languages(acme, beta, time_machine):
    time_machine.move_to(datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC), tick=False)

    def draw(label="Open", kept=True):
        return ui.panel({}, Shown("tests", "components/badge.html", {"label": label}, 4, kept))

    first = draw()
    assert first.strip() == '<span class="badge">Open</span>'
    assert draw() is first
    assert draw("Closed").strip() == '<span class="badge">Closed</span>'
    assert draw(kept=False) is not first
    with override("en" if get_language() != "en" else "pt-br"):
        assert draw() is not first
    with tenant_context(beta):
        assert draw() is not first
    time_machine.shift(60)
    assert draw() is not first
