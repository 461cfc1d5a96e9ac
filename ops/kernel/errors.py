"""Errors that tell the person what to do and the program which case it is.

One table for every door: a `DomainError` carries a stable `code` and the HTTP `status` it means. The API
answers it as problem+json, a page as a branded error page or a message, a socket as a `nack` frame.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import redis
from django.contrib import messages
from django.core.exceptions import (
    NON_FIELD_ERRORS,
    BadRequest,
    ObjectDoesNotExist,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ops.kernel import context

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its dotted path (empty for the whole input), a code and a sentence."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal the caller can act on. Subclass it in the app's `errors.py` with `code`, `status` and `message`.

    `message` is a translatable sentence whose named placeholders are filled from `params`; a message given to
    the constructor replaces it. `field` names the input it is about, so that a form shows it in place.
    """

    code = "error"
    status = 400
    message: str | Promise = _("This could not be done.")

    def __init__(self, message: str | Promise | None = None, *, field: str | None = None, **params: Any) -> None:
        if message is not None:
            self.message = message
        self.field = field
        self.params = params
        super().__init__(self.message)

    def __str__(self) -> str:
        text = str(self.message)
        # Numbers as people write them: "10.000 conversas".
        said = {
            name: number_format(value, force_grouping=True) if type(value) is int else value
            for name, value in self.params.items()
        }
        return text % said if said else text

    @property
    def errors(self) -> list[FieldError]:
        """The fields that are wrong; one when `field` was given, else none."""
        return [FieldError(self.field, self.code, str(self))] if self.field else []

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to the answer."""
        return {}


class NotFound(DomainError):
    """What was asked for does not exist, or belongs to somebody else: the answer is the same."""

    code = "not_found"
    status = 404
    message = _("This does not exist, or it is not yours to see.")


class PermissionRefused(DomainError):
    """The person is known and may not do this."""

    code = "permission_refused"
    status = 403
    message = _("Your role does not allow this. Ask an administrator of your team.")


class Conflict(DomainError):
    """The thing is not in the state the request supposes."""

    code = "conflict"
    status = 409
    message = _("Somebody changed this in the meantime. Reload and try again.")


class Invalid(DomainError):
    """The input is wrong; `errors` says which fields."""

    code = "invalid"
    status = 422
    message = _("Some of the values are not valid.")

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        errors: Iterable[FieldError] = (),
        field: str | None = None,
        **params: Any,
    ) -> None:
        super().__init__(message, field=field, **params)
        self._errors = list(errors)

    @property
    def errors(self) -> list[FieldError]:
        """Every wrong field."""
        return self._errors or super().errors


class LimitReached(DomainError):
    """The plan does not include more of this."""

    code = "limit_reached"
    status = 402
    message = _("Your plan does not include more of this. Change the plan to go on.")


LONG_WAIT_S = 90
LONG_WAIT = _("Too many requests. Try again in %(minutes)s minutes.")


class RateLimited(DomainError):
    """Too many requests; `retry_after` is in seconds. A message may name `%(retry_after)s` or, rounded up, `%(minutes)s`."""

    code = "rate_limited"
    status = 429
    message = _("Too many requests. Try again in %(retry_after)s seconds.")

    def __init__(self, message: str | Promise | None = None, *, retry_after: int = 1, **params: Any) -> None:
        self.retry_after = max(1, int(retry_after))
        if message is None and self.retry_after > LONG_WAIT_S and self.message is RateLimited.message:
            message = LONG_WAIT
        super().__init__(message, retry_after=self.retry_after, minutes=-(-self.retry_after // 60), **params)

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"Retry-After": str(self.retry_after)}


class TemporaryFailure(DomainError):
    """Something outside us did not work now and may work later. `words` keeps what it said."""

    code = "temporary_failure"
    status = 503
    message = _("A service we depend on does not answer right now. Try again in a moment.")

    def __init__(
        self, message: str | Promise | None = None, *, words: str = "", retry_after: int | None = None, **params: Any
    ) -> None:
        super().__init__(message, **params)
        self.words = words
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """When to try again, if that is known."""
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}


class PermanentFailure(DomainError):
    """Something outside us refused, and will refuse the same again. `words` keeps what it said."""

    code = "permanent_failure"
    status = 502
    message = _("A service we depend on refused this request.")

    def __init__(self, message: str | Promise | None = None, *, words: str = "", **params: Any) -> None:
        super().__init__(message, **params)
        self.words = words


# --- Translating what Django raises ---------------------------------------------------------------

TITLES = {
    400: _("The request cannot be read"),
    401: _("Sign in first"),
    402: _("Limit reached"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    406: _("Format not available"),
    409: _("Conflict"),
    410: _("No longer available"),
    413: _("Too large"),
    415: _("Unsupported format"),
    422: _("Not valid"),
    423: _("Locked"),
    429: _("Too many requests"),
    500: _("Something broke on our side"),
    502: _("An outside service refused"),
    503: _("Not available right now"),
}


class Unreadable(DomainError):
    """The bytes that came are not what they claim to be."""

    code = "unreadable"
    status = 400
    message = _("The request cannot be read. Check its format and encoding.")


class WrongMethod(DomainError):
    """The address exists and takes other methods, such as a form from one of our pages."""

    code = "method_not_allowed"
    status = 405
    message = _("It takes what a form of our pages sends. Go to the start page and find your way from there.")


class TooLarge(DomainError):
    """More bytes than this address accepts."""

    code = "too_large"
    status = 413
    message = _("This is larger than we accept here.")


class Broken(DomainError):
    """Our fault; what it was is in the log under the request id, not in the answer."""

    code = "internal_error"
    status = 500
    message = _("Something broke on our side. It was recorded; nothing was changed.")


def as_domain_error(exc: BaseException) -> DomainError | None:
    """The `DomainError` that an exception of Django or of the database stands for, or nothing when it is a bug."""
    if isinstance(exc, DomainError):
        return exc
    if isinstance(exc, Http404 | ObjectDoesNotExist):
        return NotFound()
    if isinstance(exc, DjangoPermissionDenied):
        return PermissionRefused()
    if isinstance(exc, DjangoValidationError):
        return Invalid(errors=list(_validation_errors(exc)))
    if isinstance(exc, RequestDataTooBig):
        return TooLarge()
    if isinstance(exc, SuspiciousOperation | BadRequest | MultiPartParserError | UnicodeError):
        return Unreadable()
    if isinstance(exc, IntegrityError):
        # Two requests raced for the same unique value, or a row it points to is gone.
        return Conflict(_("This clashes with something that already exists."))
    if isinstance(exc, DataError):
        return Invalid(_("One of the values is outside what can be stored."))
    if isinstance(exc, OperationalError | InterfaceError | redis.RedisError):
        # Away, restarting, or two transactions in each other's way: the same request may work in a moment.
        return TemporaryFailure(retry_after=2)
    if isinstance(exc, OverflowError):
        return Invalid(_("One of the values is outside what can be stored."))
    if isinstance(exc, ValueError) and "NUL" in str(exc):
        # psycopg and Django's fields refuse NUL characters with a plain ValueError.
        return Invalid(_("Text must not contain the NUL character."))
    return None


def _validation_errors(exc: DjangoValidationError) -> Iterable[FieldError]:
    if hasattr(exc, "error_dict"):
        for field, problems in exc.error_dict.items():
            for problem_ in problems:
                yield FieldError("" if field == NON_FIELD_ERRORS else field, problem_.code or "invalid", _one(problem_))
    else:
        for problem_ in exc.error_list:
            yield FieldError("", problem_.code or "invalid", _one(problem_))


def _one(exc: DjangoValidationError) -> str:
    return " ".join(exc.messages)


def problem(exc: BaseException, *, request_id: str = "") -> dict[str, Any]:
    """The RFC 9457 body of an exception. What is not a known refusal becomes a 500 that tells nothing."""
    error = as_domain_error(exc) or Broken()
    return problem_of(
        status=error.status, code=error.code, detail=str(error), errors=error.errors, request_id=request_id
    )


def problem_of(
    *, status: int, code: str, detail: str, errors: Iterable[FieldError] = (), request_id: str = ""
) -> dict[str, Any]:
    """A problem+json body from its parts."""
    return {
        "type": "about:blank",
        "title": str(TITLES.get(status) or HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [asdict(error) for error in errors],
        "request_id": request_id or context.request_id.get(),
    }


def nack(exc: BaseException, *, client_id: str | None = None) -> dict[str, Any]:
    """The socket frame that refuses one message of a client."""
    error = as_domain_error(exc) or Broken()
    frame: dict[str, Any] = {"type": "nack", "code": error.code, "detail": str(error)}
    if client_id is not None:
        frame["client_id"] = client_id
    if error.errors:
        frame["errors"] = [asdict(item) for item in error.errors]
    retry_after = getattr(error, "retry_after", None)
    if retry_after:
        frame["retry_after"] = retry_after
    return frame


# --- Pages ------------------------------------------------------------------------------------------

API_PREFIXES = ("/api/", "/webhooks/", "/hooks/")


def wants_problem_json(request: HttpRequest) -> bool:
    """Programs get problem+json: API paths, and callers that ask for JSON and not for HTML."""
    if request.path.startswith(API_PREFIXES):
        return True
    accept = request.headers.get("Accept", "")
    return "json" in accept and "text/html" not in accept


def response_for(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The answer to a refused request: problem+json, a message on the page it came from, or an error page."""
    if wants_problem_json(request):
        response: HttpResponse = JsonResponse(
            problem(error, request_id=getattr(request, "request_id", "")),
            status=error.status,
            content_type=PROBLEM_JSON,
            json_dumps_params={"ensure_ascii": False},
        )
    elif _can_go_back(request, error):
        messages.error(request, str(error))
        response = _back(request)
    else:
        response = error_page(request, status=error.status, detail=str(error), code=error.code)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


# A refused form goes back to where it was sent from, with the reason as a message; everything else gets a page.
GO_BACK = {402, 409, 422, 429, 502, 503}


def _can_go_back(request: HttpRequest, error: DomainError) -> bool:
    return (
        request.method == "POST"
        and error.status in GO_BACK
        and hasattr(request, "_messages")
        and _referer(request) is not None
    )


def _referer(request: HttpRequest) -> str | None:
    referer = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    return referer if url_has_allowed_host_and_scheme(referer, {request.get_host()}) else None


def _back(request: HttpRequest) -> HttpResponse:
    target = _referer(request) or "/"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response.headers["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)


def error_page(request: HttpRequest, *, status: int, detail: str, code: str, in_brand: bool = True) -> HttpResponse:
    """`errors/<status>.html` in the brand of the host, `errors/error.html` for the others.

    `in_brand=False` leaves out the context processors, which ask the session and the database.
    """
    page = {
        "status": status,
        "code": code,
        "title": str(TITLES.get(status) or TITLES[400]),
        "detail": detail,
        "request_id": getattr(request, "request_id", ""),
    }
    names = [f"errors/{status}.html", "errors/error.html"]
    for brand in (True, False) if in_brand else (False,):
        try:
            body = render_to_string(names, page, request=request if brand else None)
        except TemplateDoesNotExist:
            break
        except (OperationalError, InterfaceError, redis.RedisError) as error:
            log.error("An error page without its brand: %s", error)
        else:
            return HttpResponse(body, status=status)
    return HttpResponse(_plain_page(page), status=status)


# For an installation without templates (and for a template that is itself broken, see the 500 handler).
PLAIN_PAGE = """<!doctype html>
<html lang="%(language)s"><head><meta charset="utf-8"><title>%(title)s</title></head>
<body><main><h1>%(title)s</h1><p>%(detail)s</p><p><small>%(request_id)s</small></p></main></body></html>
"""


def _plain_page(page: dict[str, Any]) -> str:
    return PLAIN_PAGE % {
        "language": escape(get_language() or "en"),
        **{name: escape(str(page[name])) for name in ("title", "detail", "request_id")},
    }


class DomainErrorMiddleware:
    """Last in the list: turns a refusal raised by a page's view into the page or message people see.

    Bugs are left alone: Django logs them with their traceback and calls the 500 handler. Database errors
    that bad input can cause (a race for a unique value, a number out of range) are refusals too, and are logged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; refusals come back through `process_exception`.

        Django answers a wrong method with an empty body, which browsers show as a failure of their own.
        """
        response = self.get_response(request)
        if response.status_code != WrongMethod.status or response.streaming or response.content:
            return response
        answer = response_for(request, WrongMethod())
        answer.headers["Allow"] = response.headers.get("Allow", "")
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer refusals; nothing for what Django itself answers well (404, 403) or for bugs."""
        if isinstance(exception, Http404 | DjangoPermissionDenied) and not wants_problem_json(request):
            return None
        error = as_domain_error(exception)
        if error is None:
            return None
        note(exception)
        return response_for(request, error)


def note(exc: BaseException) -> None:
    """Log what became a refusal on the way and that somebody should know of."""
    if isinstance(exc, OperationalError | InterfaceError | redis.RedisError):
        log.error("A part we depend on failed: %s", exc, exc_info=exc)
    elif isinstance(exc, IntegrityError | DataError | OverflowError):
        log.warning("Refused below the service: %s", exc, exc_info=exc)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """`handler400`."""
    return response_for(request, (as_domain_error(exception) if exception else None) or Unreadable())


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """`handler403`."""
    return response_for(request, PermissionRefused())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """`handler404`."""
    return response_for(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: must work when the database, the session or a template is what broke."""
    error = Broken()
    if wants_problem_json(request):
        return response_for(request, error)
    try:
        return error_page(request, status=500, detail=str(error), code=error.code, in_brand=False)
    except Exception:
        log.exception("The page for errors is broken too")
        page = {"title": TITLES[500], "detail": error, "request_id": getattr(request, "request_id", "")}
        return HttpResponse(_plain_page(page), status=500)
