import json

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.utils import translation
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from ops.kernel import errors
from ops.kernel.api import IdempotentMixin, RateThrottle, StrictSerializer, remember
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.ratelimit import Rate


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


class LineSerializer(StrictSerializer):
    name = serializers.CharField(max_length=5)


class ThingSerializer(StrictSerializer):
    name = serializers.CharField(max_length=5)
    lines = LineSerializer(many=True, required=False)


class Open(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


class Things(Open):
    def post(self, request):
        serializer = ThingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data, status=201)


def raising(exc):
    class Raising(Open):
        def get(self, request):
            raise exc

    return Raising.as_view()


def call(view, *, method="post", body=b"{}", content_type="application/json", **headers):
    request = RequestFactory(headers=headers).generic(method.upper(), "/api/v1/things/", body, content_type)
    request.request_id = "r-1"
    response = view(request)
    response.render()
    return response


def problem_of(response):
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert set(body) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert body["status"] == response.status_code
    return body


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        ({"name": "Ana"}, 201, None),
        ({"name": "Anastasia"}, 422, [("name", "max_length")]),
        ({"name": "Ana", "nmae": 1, "is_admin": True}, 422, [("nmae", "unknown_field"), ("is_admin", "unknown_field")]),
        ({"name": "Ana", "lines": [{"name": "a"}, {"name": "toolong", "x": 1}]}, 422, [("lines.1.x", "unknown_field")]),
        ({"name": "Ana", "lines": [{"name": "a"}, {"name": "toolong"}]}, 422, [("lines.1.name", "max_length")]),
        ({"name": "Ana", "lines": "x"}, 422, [("lines", "not_a_list")]),
        ([], 422, [("", "invalid")]),
        ("text", 422, [("", "invalid")]),
        (None, 422, [("", "null")]),
    ],
)
def test_each_wrong_field_is_named_by_its_path(body, status, found):
    response = call(Things.as_view(), body=json.dumps(body).encode())

    assert response.status_code == status
    if found:
        assert [(one["field"], one["code"]) for one in problem_of(response)["errors"]] == found


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": NaN}',
        b'{"name": "a\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" + b"9" * 5000 + b"]",
    ],
)
def test_what_cannot_be_read_is_a_400(body):
    response = call(Things.as_view(), body=body)

    assert response.status_code == 400
    assert problem_of(response)["code"] == "unreadable"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"name": "a\\u0000"}', ["name"]),
        (b'{"things": [{"name": "a"}, {"name": "\\ud800"}]}', ["things.1.name"]),
        (b'{"things": {"\\u0000": 1}}', ["things"]),
        (b'{"\\ud800": 1}', []),
    ],
)
def test_a_text_that_cannot_be_kept_is_named(body, fields):
    assert [one["field"] for one in problem_of(call(Things.as_view(), body=body))["errors"]] == fields


def test_a_type_we_do_not_read_is_refused():
    response = call(Things.as_view(), content_type="text/csv")
    assert problem_of(response)["code"] == "unsupported_media_type"
    assert response.status_code == 415


def test_a_method_that_does_not_exist_is_named_with_those_that_do():
    response = call(Things.as_view(), method="delete")

    assert problem_of(response)["code"] == "method_not_allowed"
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed({"detail": "No.", "code": "token_not_valid"}), 401, "authentication_failed"),
        (exceptions.Throttled(wait=3), 429, "rate_limited"),
        (exceptions.NotFound(), 404, "not_found"),
        (ObjectDoesNotExist(), 404, "not_found"),
        (DjangoValidationError({"name": ["No."]}), 422, "invalid"),
        (IntegrityError("duplicate key"), 409, "conflict"),
        (errors.LimitReached(), 402, "limit_reached"),
        (errors.TemporaryFailure(retry_after=30), 503, "temporary_failure"),
    ],
)
def test_every_refusal_has_the_one_shape(exc, status, code):
    response = call(raising(exc), method="get")

    # Without an authenticator DRF answers 403 for who is not signed in.
    assert response.status_code == (403 if status == 401 else status)
    assert problem_of(response)["code"] == code


def test_a_bug_is_raised_for_the_log():
    with pytest.raises(ZeroDivisionError):
        call(raising(ZeroDivisionError()), method="get")


def test_waiting_times_are_told():
    assert call(raising(exceptions.Throttled(wait=3)), method="get")["Retry-After"] == "3"
    assert call(raising(errors.RateLimited(retry_after=8)), method="get")["Retry-After"] == "8"


class Orders(IdempotentMixin, Open):
    def post(self, request):
        serializer = ThingSerializer(data=request.data)
        AuditEntryFactory(actor_label="before the check")
        serializer.is_valid(raise_exception=True)
        if serializer.validated_data["name"] == "bug":
            raise ZeroDivisionError
        return Response({"id": str(AuditEntry.objects.count())}, status=201, headers={"Location": "/orders/1"})


def test_a_repeated_post_gets_the_same_answer(acme):
    sent = {"body": b'{"name": "Ana"}', "Idempotency-Key": "k-1"}
    first, second = call(Orders.as_view(), **sent), call(Orders.as_view(), **sent)

    assert (first.status_code, first.content, first["Location"]) == (201, b'{"id":"1"}', "/orders/1")
    assert (second.status_code, second.content, second["Location"]) == (201, b'{"id":"1"}', "/orders/1")
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert AuditEntry.objects.count() == 1

    other = call(Orders.as_view(), body=b'{"name": "Bia"}', **{"Idempotency-Key": "k-1"})
    assert (other.status_code, problem_of(other)["code"]) == (409, "idempotency_key_reused")
    assert call(Orders.as_view(), body=b'{"name": "Bia"}').status_code == 201


def test_a_refused_post_is_replayed_too_and_leaves_nothing(acme):
    sent = {"body": b'{"name": "Anastasia"}', "Idempotency-Key": "k-1"}
    first, second = call(Orders.as_view(), **sent), call(Orders.as_view(), **sent)

    assert first.status_code == second.status_code == 422
    assert problem_of(first)["errors"] == problem_of(second)["errors"]
    assert second["Idempotent-Replayed"] == "true"
    assert not AuditEntry.objects.exists()


def test_a_bug_keeps_no_answer_and_a_bad_key_is_refused(acme):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        call(Orders.as_view(), body=b'{"name": "bug"}', **{"Idempotency-Key": "k-1"})
    assert call(Orders.as_view(), body=b'{"name": "Ana"}', **{"Idempotency-Key": "k-1"}).status_code == 201

    refused = call(Orders.as_view(), body=b'{"name": "Ana"}', **{"Idempotency-Key": "x" * 300})
    assert problem_of(refused)["errors"][0]["field"] == "Idempotency-Key"


class TwoAMinute(RateThrottle):
    def rule(self, request, view):
        return "tests", 2, 60


class Limited(Open):
    throttle_classes = (TwoAMinute,)

    def get(self, request):
        return Response({})


def test_a_throttle_keeps_the_tightest_rate_on_the_request(acme):
    requests = [RequestFactory().get("/api/v1/x/") for _ in range(3)]
    answers = [Limited.as_view()(request).render() for request in requests]

    assert [
        (answer.status_code, request.rate.remaining) for answer, request in zip(answers, requests, strict=True)
    ] == [
        (200, 1),
        (200, 0),
        (429, 0),
    ]
    assert answers[2]["Retry-After"] == requests[2].rate.headers["Retry-After"]
    wide = Rate(allowed=True, limit=100, remaining=50, reset_s=1)
    remember(requests[0], wide)
    assert requests[0].rate.remaining == 1
