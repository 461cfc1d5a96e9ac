"""Habits of every API view: one error shape, no unknown fields, keys that make a POST safe to repeat."""

import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, parsers, serializers, throttling
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from ops.kernel import errors, ratelimit, storable
from ops.kernel.errors import PROBLEM_JSON, FieldError
from ops.kernel.ratelimit import Limit, Rate

if TYPE_CHECKING:
    # `rest_framework.views` itself imports this module, for the parsers and throttles that settings name.
    from rest_framework.views import APIView

    _SerializerBase = serializers.Serializer
    _ViewBase = APIView
else:
    _SerializerBase = _ViewBase = object

# The codes of DRF's own exceptions in our words.
CODES = {
    exceptions.ParseError: "unreadable",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.PermissionDenied: "permission_refused",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "rate_limited",
}


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's `EXCEPTION_HANDLER`: problem+json for every refusal; bugs go on to Django's log and 500 handler."""
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        body = errors.problem(errors.Invalid(errors=list(field_errors(exc.detail))))
    elif isinstance(exc, exceptions.APIException):
        challenge, wait = getattr(exc, "auth_header", None), getattr(exc, "wait", None)
        if challenge:
            headers["WWW-Authenticate"] = challenge
        if wait:
            headers["Retry-After"] = str(max(1, int(wait)))
        body = errors.problem_of(
            status=exc.status_code,
            code=CODES.get(type(exc)) or _code(exc),
            detail=_detail(exc.detail),
            errors=exc.errors if isinstance(exc, UnstorableText) else (),
        )
    else:
        error = errors.as_domain_error(exc)
        if error is None:
            return None
        errors.note(exc)
        headers = error.headers
        body = errors.problem(error)
    _undo()
    return Response(body, status=body["status"], headers=headers, content_type=PROBLEM_JSON)


def _undo() -> None:
    """A refusal inside a request-wide transaction takes back what was written in it."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _code(exc: exceptions.APIException) -> str:
    code = exc.get_codes()
    return code if isinstance(code, str) else exc.default_code


def _detail(detail: Any) -> str:
    if isinstance(detail, Mapping):
        # simplejwt puts its sentence under "detail" beside a code.
        return _detail(detail.get("detail", next(iter(detail.values()), "")))
    if isinstance(detail, list):
        return " ".join(_detail(item) for item in detail)
    return str(detail)


def field_errors(detail: Any, path: str = "") -> Iterator[FieldError]:
    """Flatten DRF's nested detail to dotted paths: `items.0.name`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from field_errors(inner, ".".join(part for part in (path, own) if part))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from field_errors(inner, f"{path}.{index}".lstrip(".") if nested else path)
    else:
        yield FieldError(path, getattr(detail, "code", "invalid"), str(detail))


class UnstorableText(exceptions.ParseError):
    """A text of the body that no database keeps; says which."""

    default_code = "unreadable"

    def __init__(self, path: str) -> None:
        detail = _("Text must not contain the NUL character or half characters.")
        super().__init__(detail)
        self.errors = [FieldError(path, "unreadable", str(detail))] if path else []


class StrictJSONParser(parsers.JSONParser):
    """JSON that can be stored: UTF-8, no NaN, no NUL character, no half of a surrogate pair, a sane depth."""

    MAX_DEPTH = 32

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The value of the body. Raises `ParseError` (400)."""
        encoding = (parser_context or {}).get("encoding") or "utf-8"
        try:
            text = codecs.lookup(encoding).decode(stream.read())[0]
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise exceptions.ParseError(_("The body is not valid JSON.")) from error
        _check_storable(value, self.MAX_DEPTH)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_storable(value: Any, depth: int) -> None:
    try:
        place = storable.flaw(value, depth=depth)
    except storable.TooDeep as error:
        raise exceptions.ParseError(_("The body is nested too deeply.")) from error
    if place is not None:
        raise UnstorableText(place)


class StrictFieldsMixin(_SerializerBase):
    """Refuses fields that the serializer does not know, naming each."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate; an unknown name is an error of that field."""
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields and name != "csrfmiddlewaretoken"]
            if unknown:
                raise serializers.ValidationError(
                    {
                        str(name)[:100]: [
                            exceptions.ErrorDetail(str(_("This field is not known here.")), code="unknown_field")
                        ]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class StrictSerializer(StrictFieldsMixin, serializers.Serializer):
    """A serializer without a model."""


class AmountSerializer(serializers.Serializer):
    """Money as the API writes it."""

    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    currency = serializers.CharField(max_length=3, help_text="ISO 4217.")


class StrictModelSerializer(StrictFieldsMixin, serializers.ModelSerializer):
    """A serializer of a model. Writing stays with the services: `create` and `update` are theirs."""


class RateThrottle(throttling.BaseThrottle):
    """Counts requests with `ops.kernel.ratelimit`. A subclass says which limits apply.

    The tightest `Rate` of a request is kept on it as `request.rate`; a middleware writes its headers.
    """

    def rule(self, request: Request, view: "APIView") -> tuple[str, int, int] | None:
        """`(key, limit, window in seconds)`, or nothing when this request is not limited."""
        raise NotImplementedError

    def limits(self, request: Request, view: "APIView") -> list[Limit]:
        """All limits of this request, counted together; the one `rule` unless a subclass says otherwise."""
        rule = self.rule(request, view)
        return [] if rule is None else [Limit(*rule)]

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count and decide."""
        limits = self.limits(request, view)
        if not limits:
            return True
        self.rate = ratelimit.tightest(ratelimit.check(limits))
        remember(request._request, self.rate)
        return self.rate.allowed

    def wait(self) -> float | None:
        """Seconds until this request would pass."""
        rate = getattr(self, "rate", None)
        return rate.wait_s if rate else None


def remember(request: Any, rate: Rate) -> None:
    """Keep the rate with the least left: that is the one the caller must respect."""
    kept: Rate | None = getattr(request, "rate", None)
    if kept is None or not rate.allowed or rate.remaining < kept.remaining:
        request.rate = rate


class IdempotentMixin(_ViewBase):
    """A POST with `Idempotency-Key` happens once: the second time gets the first answer, another body gets 409.

    The key, the work and the stored answer are one transaction, so a crash leaves none of them. Fields named in
    `shown_once` are in the first answer only; what is kept, and said to whoever asks again, has null there.
    """

    shown_once: tuple[str, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication, permissions and throttles: put the key in front of the handler."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and "Idempotency-Key" in request.headers:
            view: Any = self
            view.post = self._once(view.post)

    def _once(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        from ops.kernel.idempotency import services as idempotency  # noqa: PLC0415

        def post(request: Request, *args: Any, **kwargs: Any) -> Response:
            once_only: dict[str, Any] = {}

            def answer() -> idempotency.Answer:
                try:
                    response = handler(request, *args, **kwargs)
                except Exception as exc:  # noqa: BLE001 — handle_exception raises it again when it is a bug
                    response = self.handle_exception(exc)
                body = response.data
                if response.status_code < 300 and isinstance(body, dict):
                    once_only.update({name: body[name] for name in self.shown_once if name in body})
                    body = {**body, **dict.fromkeys(once_only)}
                return idempotency.Answer(
                    status=response.status_code,
                    body=body,
                    # Until it is rendered an answer of DRF claims to be HTML; only a type somebody chose is kept.
                    # Before it is rendered, a response has Django's default type among its headers.
                    headers={name: value for name, value in response.headers.items() if name != "Content-Type"}
                    | ({"Content-Type": response.content_type} if response.content_type else {}),
                )

            kept, replayed = idempotency.once(
                key=request.headers["Idempotency-Key"],
                scope=f"{getattr(request.user, 'pk', None) or 'anonymous'} {request.method} {request.path}",
                body=request._request.body,
                run=answer,
            )
            headers = dict(kept.headers)
            content_type = headers.pop("Content-Type", None)
            if replayed:
                headers["Idempotent-Replayed"] = "true"
            body = kept.body if replayed or not once_only else {**kept.body, **once_only}
            return Response(body, status=kept.status, headers=headers, content_type=content_type)

        return post
