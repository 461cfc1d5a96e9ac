"""What own domains mean for requests: the edge's question, redirects to the main address, cookies and origins."""

import threading

import pytest
from django.conf import settings as project
from django.db import connection
from django.test import Client

from ops.kernel.testing import count_queries
from tenants.queries import hosts
from tenants.services import domains
from tenants.tests.factories import DomainClaimFactory, DomainFactory

ASK = "/internal/tls-allowed"


def ask(domain, **extra):
    return Client(headers={"host": "127.0.0.1:8000"}).get(ASK, {"domain": domain}, **extra).status_code


@pytest.fixture
def own(acme):
    """acme's proven domain, the main one, to which pages lead."""
    domain = domains.add(tenant=acme, host="loja.com.br")
    return domains.make_primary(domain=domain, redirect=True)


def test_the_edge_gets_certificates_for_what_answers_and_nothing_else(acme, own):
    DomainClaimFactory(tenant=acme, host="wish.com.br")

    allowed = {
        name: ask(name)
        for name in ("loja.com.br", "www.LOJA.com.br", "acme.localhost", "localhost", "wish.com.br", "x.com", "", "a b")
    }

    assert allowed == {
        "loja.com.br": 200, "www.LOJA.com.br": 200, "acme.localhost": 200, "localhost": 200,
        "wish.com.br": 404, "x.com": 404, "": 404, "a b": 404,
    }  # fmt: skip


def test_a_closed_customer_gets_no_certificate(acme, own):
    acme.status = "archived"
    acme.save()
    hosts.forget()

    assert ask("loja.com.br") == 404


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "10.1.2.3"}, 200),
        ({"REMOTE_ADDR": "9.9.9.9"}, 404),
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": "9.9.9.9"}, 404),
        ({"REMOTE_ADDR": "9.9.9.9", "HTTP_AUTHORIZATION": "Bearer edge-token"}, 200),
        ({"REMOTE_ADDR": "9.9.9.9", "HTTP_AUTHORIZATION": "Bearer other"}, 404),
        ({"REMOTE_ADDR": "", "HTTP_AUTHORIZATION": ""}, 200),
    ],
)
def test_only_the_edge_is_answered(acme, own, settings, environ, status):
    settings.EDGE_TOKEN = "edge-token"

    assert ask("loja.com.br", **environ) == status


def test_a_storm_of_questions_asks_the_database_once_and_answers_right(acme, own):
    wrong = []
    assert ask("loja.com.br") == 200  # known from here on

    def storm(number):
        try:
            for turn in range(100):
                if ask("loja.com.br") != 200 or ask(f"n{number}-{turn}.example.com") != 404:
                    wrong.append((number, turn))
        finally:
            connection.close()

    with count_queries() as queries:
        for turn in range(200):
            assert ask(f"stranger-{turn}.example.com") == 404
    threads = [threading.Thread(target=storm, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(queries) == 0


def test_pages_at_the_other_addresses_lead_to_the_main_one(acme, own, client_of):
    answer = client_of(acme).get("/help/?q=a b")

    assert (answer.status_code, answer["Location"]) == (308, f"{domains.address_at('loja.com.br')}/help/?q=a%20b")
    assert answer["Cache-Control"] == "no-store"
    at_home = Client(headers={"host": "loja.com.br"}).get("/login/")
    assert at_home.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/widget.js", {}),
        ("GET", "/api/v1/settings/", {}),
        ("POST", "/api/v1/auth/login/", {}),
        ("POST", "/webhooks/telegram/none/", {}),
        ("GET", "/brand.css", {}),
        ("POST", "/login/", {}),
        ("GET", "/login/", {"hx-request": "true"}),
        ("GET", "/help/", {"sec-fetch-dest": "iframe"}),
        ("GET", "/login/", {"sec-fetch-dest": "empty"}),
    ],
)
def test_programs_frames_and_open_forms_keep_their_address(acme, own, client_of, method, path, headers):
    answer = client_of(acme).generic(method, path, headers=headers)

    assert answer.status_code != 308


def test_a_main_address_that_takes_nobody_over_redirects_nobody(acme, client_of):
    domain = domains.add(tenant=acme, host="loja.com.br")
    domains.make_primary(domain=domain, redirect=False)

    assert client_of(acme).get("/login/").status_code == 200


def test_another_customer_is_not_led_anywhere(acme, beta, own, client_of):
    assert client_of(beta).get("/login/").status_code == 200


def test_cookies_belong_to_one_host_only(acme, own, ana):
    browser = Client(headers={"host": "loja.com.br"})
    page = browser.get("/login/")

    answer = browser.post("/login/", {"email": ana.email, "password": "balcao-demo"})

    assert project.SESSION_COOKIE_DOMAIN is None
    assert answer.cookies["session"]["domain"] == ""
    assert page.cookies["csrftoken"]["domain"] == ""


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://acme.localhost", 200),
        ("http://loja.com.br", 200),
        ("http://www.loja.com.br", 200),
        ("https://loja.com.br", 403),
        ("http://loja.com.br:8443", 403),
        ("http://failing.com.br", 403),
        ("http://beta.localhost", 403),
        ("http://beta-shop.com.br", 403),
        ("http://loja.com.br.evil.example", 403),
        ("null", 403),
    ],
)
def test_forms_come_from_the_proven_hosts_of_the_same_owner(acme, beta, own, ana, origin, status):
    failing = DomainFactory(tenant=acme, domain="failing.com.br", is_primary=False)
    DomainClaimFactory(tenant=acme, host=failing.domain, domain=failing, state="failing")
    domains.add(tenant=beta, host="beta-shop.com.br")
    browser = Client(headers={"host": "acme.localhost"}, enforce_csrf_checks=True)
    browser.get("/login/", headers={"hx-request": "true"})
    token = browser.cookies["csrftoken"].value

    answer = browser.post(
        "/login/", {"email": ana.email, "password": "wrong", "csrfmiddlewaretoken": token}, headers={"origin": origin}
    )

    assert answer.status_code == status


def test_the_referer_counts_where_no_origin_is_sent(acme, own, ana):
    browser = Client(headers={"host": "acme.localhost"}, enforce_csrf_checks=True)
    browser.get("/login/", headers={"hx-request": "true"}, secure=True)
    sent = {"email": ana.email, "password": "wrong", "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}

    codes = [
        browser.post("/login/", sent, secure=True, headers={"referer": referer}).status_code
        for referer in ("https://loja.com.br/login/", "https://evil.example/login/", "")
    ]

    assert codes == [200, 403, 403]
