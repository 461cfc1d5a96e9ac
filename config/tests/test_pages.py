"""Pages of the wiring: landing, failures, and what exists only in development."""

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import override

from config.dev import views as dev
from ops.kernel import errors


def test_the_landing_page_is_in_the_platforms_name_and_says_what_works(platform, client_of):
    with override("en"):
        page = client_of(platform).get("/", headers={"accept-language": "en"}).content.decode()

    assert "Works today" in page
    assert page.count("Being built") == 4
    assert 'href="/signup/?plan=starter"' in page
    assert "Sell it under your own name" in page


@pytest.mark.parametrize("name", ["400", "403", "404", "429", "csrf", "error"])
@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_a_failure_says_what_to_do_and_carries_the_request_id(name, language):
    with override(language):
        page = render_to_string(f"errors/{name}.html", {"request_id": "7f3a91c2"})

    assert "7f3a91c2" in page
    assert "<h1>" in page
    assert 'href="/"' in page


def test_the_page_of_a_broken_server_needs_no_database():
    # No `db` fixture: a query would fail the test.
    request = RequestFactory().get("/")
    request.request_id = "7f3a91c2"

    response = errors.server_error(request)

    assert response.status_code == 500
    assert "7f3a91c2" in response.content.decode()


def test_development_pages_are_not_mounted_without_debug(platform, client_of):
    client = client_of(platform)

    assert client.get("/dev/gallery/").status_code == 404
    assert client.get("/dev/mail/").status_code == 404


@pytest.fixture
def mailbox(settings, tmp_path):
    """A folder of mail with two messages sent over one connection."""
    settings.ROOT_URLCONF = "config.tests.design.urls"
    settings.EMAIL_FILE_PATH = tmp_path
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=str(tmp_path))
    first = EmailMultiAlternatives(
        "Welcome, Bia", "Open http://x.test/w/", "a@x.test", ["bia@x.test"], connection=connection
    )
    first.attach_alternative("<p style='color:red'>Welcome</p><script>alert(1)</script>", "text/html")
    second = EmailMultiAlternatives("Second", "Only text", "a@x.test", ["caio@x.test"], connection=connection)
    connection.send_messages([first, second])
    return tmp_path


def names(folder):
    file = next(folder.glob("*.log")).name
    return f"{file}~0", f"{file}~1"


def test_the_mailbox_lists_every_message(mailbox):
    page = dev.mailbox(RequestFactory().get("/dev/mail/")).content.decode()

    assert "Welcome, Bia" in page
    assert "Second" in page


def test_a_message_is_shown_as_text_and_as_page_that_runs_nothing(mailbox):
    first, second = names(mailbox)

    page = dev.mail_message(RequestFactory().get("/"), first).content.decode()
    assert '<a href="http://x.test/w/"' in page
    assert "<iframe" in page
    assert "<iframe" not in dev.mail_message(RequestFactory().get("/"), second).content.decode()

    part = dev.mail_message(RequestFactory().get("/?part=html"), first)
    assert part._csp_replace["script-src"] == "'none'"


def test_a_mailbox_without_mail_says_so(settings, tmp_path):
    settings.ROOT_URLCONF = "config.tests.design.urls"
    settings.EMAIL_FILE_PATH = tmp_path / "none"

    assert "No mail yet" in dev.mailbox(RequestFactory().get("/dev/mail/")).content.decode()


@pytest.mark.parametrize("name", ["../../etc/passwd~0", "nothing.log~0", "nothing", "~", "x~99"])
def test_a_message_that_is_not_there_is_not_found(mailbox, name):
    with pytest.raises(dev.Http404):
        dev.mail_message(RequestFactory().get("/"), name)


def test_the_mail_layout_carries_brand_and_one_button():
    html = render_to_string("dev/page_mail.html", {"brand": {"display_name": "Padaria Aurora", "primary": "#c2410c"}})

    assert "border-top:3px solid #c2410c" in html
    assert html.count("https://padaria.balcao.example/welcome/") == 2  # the button, and its address in words
    assert "<script" not in html
