"""Small words of every page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import timezone
from django.utils.translation import override

from tenants.templatetags import ui

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Souza", "AS"),
        ("João da Silva", "JS"),
        ("Caio", "C"),
        ("ana@padaria.example", "AP"),
        ("  ", "?"),
        ("", "?"),
        (None, "?"),
        ("🎉 Lia", "L"),
    ],
)
def test_initials_are_first_and_last_name(name, letters):
    assert ui.initials(name) == letters


def test_a_name_keeps_its_colour_whatever_its_case():
    assert ui.avatar_colour("Ana Souza") == ui.avatar_colour(" ana souza ")
    assert {ui.avatar_colour(f"Person {n}") for n in range(200)} == set(range(1, 9))


@pytest.mark.parametrize(
    ("language", "amount", "currency", "written"),
    [
        ("pt-br", "1234.56", "BRL", "R$\N{NO-BREAK SPACE}1.234,56"),
        ("en", "1234.56", "BRL", "R$1,234.56"),
        ("pt-br", "-7.5", "BRL", "-R$\N{NO-BREAK SPACE}7,50"),
        ("en", "12", "JPY", "JPY\N{NO-BREAK SPACE}12.00"),
    ],
)
def test_money_is_written_as_people_do(language, amount, currency, written):
    with override(language):
        assert ui.money(SimpleNamespace(amount=Decimal(amount), currency=currency)) == written


def test_no_money_is_nothing():
    assert ui.money(None) == ""


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=7), "15 Nov 2026"),
        (timedelta(days=-2), "24 Nov 2026"),
    ],
)
def test_time_is_relative_up_to_a_week(past, words):
    with override("en"), timezone.override("America/Sao_Paulo"):
        assert ui.relative_words(NOW - past, NOW) == words


def test_a_date_in_portuguese():
    with override("pt-br"), timezone.override("America/Sao_Paulo"):
        assert ui.short_date(datetime(2026, 11, 22, 2, 0, tzinfo=UTC)) == "21 nov. 2026"


def test_ago_carries_the_exact_time():
    with override("en"), timezone.override("America/Sao_Paulo"):
        html = ui.ago(datetime(2026, 1, 5, 15, 30, tzinfo=UTC))

    assert html == ('<time datetime="2026-01-05T15:30:00+00:00" title="5 Jan 2026, 12:30" data-ago>5 Jan 2026</time>')
    assert ui.ago(None) == ""


def test_an_icon_says_nothing_to_a_screen_reader():
    html = ui.icon("check", 16, "text-green")

    assert 'aria-hidden="true"' in html
    assert 'width="16"' in html
    assert 'class="text-green"' in html


def test_every_module_with_a_controller_has_its_address():
    found = ui._controllers()

    assert found["chat/console"].startswith("/static/js/chat/console")
    assert not [name for name in found if name.startswith("lib/") or name == "app"]


@pytest.mark.parametrize(("name", "word"), [("Ana Souza", "Ana"), ("bia@x.example", "bia"), ("", "")])
def test_people_are_greeted_by_their_first_name(name, word):
    assert ui.first_word(name) == word


def test_numbers_are_grouped_as_people_write_them():
    with override("pt-br"):
        assert ui.grouped(10000) == "10.000"
    with override("en"):
        assert ui.grouped(10000) == "10,000"
