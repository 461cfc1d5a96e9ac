"""Search everywhere asks only sources that the person may use."""

import pytest

from ops.kernel.registry import PaletteSource, palette


@pytest.fixture
def sources():
    """One source for everybody, one for owners; each answers with more than is shown."""
    palette.register(
        "tests.fruit",
        PaletteSource(
            "Fruit", lambda request, text: ({"label": f"{text} {n}", "url": f"/fruit/{n}/"} for n in range(9))
        ),
    )
    palette.register(
        "tests.secrets",
        PaletteSource(
            "Secrets",
            lambda request, text: [{"label": "safe", "hint": "Room 3", "url": "/safe/"}],
            "accounts.change_user",
        ),
    )
    yield
    palette.unregister("tests.fruit")
    palette.unregister("tests.secrets")


def results(client, text):
    return client.get("/search/", {"q": text}).json()["results"]


def test_each_source_gives_at_most_six_results(acme, bia, client_of, sources):
    found = results(client_of(acme, user=bia), "pear")

    assert [one for one in found if one["hint"] == "Fruit"] == [
        {"label": f"pear {n}", "hint": "Fruit", "url": f"/fruit/{n}/"} for n in range(6)
    ]


def test_a_source_is_asked_only_for_those_who_may_use_it(acme, ana, bia, client_of, sources):
    safe = {"label": "safe", "hint": "Room 3", "url": "/safe/"}

    assert safe in results(client_of(acme, user=ana), "pear")
    assert safe not in results(client_of(acme, user=bia), "pear")


@pytest.mark.parametrize("text", ["", " ", "a", "\x00"])
def test_less_than_two_letters_find_nothing(acme, ana, client_of, sources, text):
    assert results(client_of(acme, user=ana), text) == []


def test_a_very_long_text_is_cut(acme, ana, client_of, sources):
    found = results(client_of(acme, user=ana), "x" * 5000)

    assert found[0]["label"] == f"{'x' * 100} 0" or len(max(one["label"] for one in found)) <= 102


def test_a_stranger_is_sent_to_the_login(acme, client_of):
    assert client_of(acme).get("/search/?q=pear").status_code == 302
