import json

import pytest
import redis
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.test import RequestFactory
from django.utils import translation

from ops.kernel import errors
from ops.kernel.errors import (
    Conflict,
    DomainError,
    DomainErrorMiddleware,
    FieldError,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
)


class AgentsUsedUp(LimitReached):
    """A subclass as an app would write it."""

    code = "agents_used_up"
    message = "Your plan includes %(limit)s agents."


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def test_a_problem_says_what_where_and_for_which_request():
    problem = errors.problem(AgentsUsedUp(limit=3, field="email"), request_id="r-1")

    assert problem == {
        "type": "about:blank",
        "title": "Limit reached",
        "status": 402,
        "detail": "Your plan includes 3 agents.",
        "code": "agents_used_up",
        "errors": [{"field": "email", "code": "agents_used_up", "detail": "Your plan includes 3 agents."}],
        "request_id": "r-1",
    }


def test_an_invalid_lists_every_field():
    error = Invalid(errors=[FieldError("a", "x", "A."), FieldError("b.0", "y", "B.")])

    assert [one["field"] for one in errors.problem(error)["errors"]] == ["a", "b.0"]


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_refused"),
        (ValidationError({"name": ["Too long."]}), 422, "invalid"),
        (RequestDataTooBig(), 413, "too_large"),
        (SuspiciousOperation(), 400, "unreadable"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), 400, "unreadable"),
        (IntegrityError("duplicate key value violates ... DETAIL: secret"), 409, "conflict"),
        (DataError("integer out of range"), 422, "invalid"),
        (ValueError("A string literal cannot contain NUL (0x00) characters."), 422, "invalid"),
        (RateLimited(retry_after=7), 429, "rate_limited"),
        (OperationalError("connection to secret failed"), 503, "temporary_failure"),
        (redis.ConnectionError("secret"), 503, "temporary_failure"),
        (OverflowError("Python int too large"), 422, "invalid"),
        (ZeroDivisionError("secret"), 500, "internal_error"),
        (ValueError("a bug"), 500, "internal_error"),
    ],
)
def test_the_table_from_exceptions_to_answers(raised, status, code):
    problem = errors.problem(raised)

    assert (problem["status"], problem["code"]) == (status, code)
    assert "secret" not in json.dumps(problem)


def test_a_socket_gets_a_nack():
    assert errors.nack(RateLimited(retry_after=7), client_id="c-1") == {
        "type": "nack",
        "code": "rate_limited",
        "detail": "Too many requests. Try again in 7 seconds.",
        "client_id": "c-1",
        "retry_after": 7,
    }
    assert errors.nack(ZeroDivisionError("secret"))["code"] == "internal_error"


def test_a_percent_sign_in_a_message_without_parameters_is_left_alone():
    assert str(DomainError("100 % full")) == "100 % full"


def answer(error, *, path="/chat/", method="post", **headers):
    request = getattr(RequestFactory(headers=headers), method)(path)
    request.request_id = "r-1"
    request._messages = CookieStorage(request)
    response = DomainErrorMiddleware(lambda _: HttpResponse()).process_exception(request, error)
    return request, response


def test_a_program_gets_problem_json():
    for headers, path in (({}, "/api/v1/x/"), ({"Accept": "application/json"}, "/chat/")):
        _request, response = answer(RateLimited(retry_after=9), path=path, **headers)
        assert response["Content-Type"] == "application/problem+json"
        assert response["Retry-After"] == "9"
        assert json.loads(response.content)["code"] == "rate_limited"


def test_a_refused_form_goes_back_with_the_reason():
    request, response = answer(Conflict("Taken."), Referer="http://testserver/chat/?q=1")

    assert (response.status_code, response["Location"]) == (302, "http://testserver/chat/?q=1")
    assert [str(message) for message in get_messages(request)] == ["Taken."]


def test_a_refused_htmx_call_sends_the_page_back():
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/chat/"}
    _request, response = answer(Conflict("Taken."), **headers)

    assert (response.status_code, response["HX-Redirect"]) == (204, "http://testserver/chat/")


@pytest.mark.parametrize("referer", ["", "https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_host(referer):
    _request, response = answer(Conflict("Taken."), Referer=referer)

    assert response.status_code == 409
    assert "Taken." in response.content.decode()


@pytest.mark.parametrize("error", [NotFound(), errors.PermissionRefused(), errors.TooLarge()])
def test_a_page_that_cannot_be_shown_is_an_error_page(error):
    _request, response = answer(error, method="get")

    assert response.status_code == error.status


def test_what_a_person_typed_is_escaped_on_the_page():
    _request, response = answer(NotFound("<script>alert(1)</script>"), method="get")

    assert "<script>alert" not in response.content.decode()


def test_a_long_wait_is_said_in_minutes():
    class TooManyUploads(RateLimited):
        message = "Wait %(retry_after)s seconds."

    assert str(RateLimited(retry_after=879)) == "Too many requests. Try again in 15 minutes."
    assert str(TooManyUploads(retry_after=120)) == "Wait 120 seconds."


def test_a_wrong_method_is_answered_with_words():
    request = RequestFactory().get("/logout/", headers={"accept": "text/html"})

    response = DomainErrorMiddleware(lambda _: HttpResponseNotAllowed(["POST"]))(request)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert b"<h1>" in response.content


def test_a_wrong_method_that_says_why_is_left_alone():
    request = RequestFactory().get("/api/v1/auth/login/")

    response = DomainErrorMiddleware(lambda _: HttpResponse(b"{}", status=405))(request)

    assert response.content == b"{}"


def test_bugs_are_left_to_django():
    assert answer(ZeroDivisionError())[1] is None
    assert answer(KeyError("x"))[1] is None


@pytest.mark.parametrize("path", ["/chat/", "/api/v1/x/"])
def test_the_handlers_of_django_answer_in_the_same_shapes(path):
    request = RequestFactory().get(path)
    for handler, status in (
        (errors.bad_request, 400),
        (errors.permission_denied, 403),
        (errors.page_not_found, 404),
    ):
        response = handler(request, SuspiciousOperation() if status == 400 else Exception())
        assert response.status_code == status
        assert ("problem+json" in response["Content-Type"]) == path.startswith("/api/")
    assert errors.server_error(request).status_code == 500


def test_an_error_page_needs_neither_database_nor_templates(monkeypatch):
    rendered = []

    def render(names, page, request=None):
        rendered.append(request)
        if request is not None:
            raise OperationalError("the database is away")
        return "unbranded"

    monkeypatch.setattr(errors, "render_to_string", render)
    request = RequestFactory().get("/chat/")
    assert errors.error_page(request, status=503, detail="x", code="x").content == b"unbranded"
    assert rendered == [request, None]

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(errors, "render_to_string", broken)
    response = errors.server_error(request)
    assert response.status_code == 500
    assert "<h1>" in response.content.decode()
