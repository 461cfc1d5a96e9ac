"""What the schema document says about every operation: one error shape, rate-limit headers, keys for safe repeats."""

from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.utils import OpenApiParameter

from ops.kernel.api import IdempotentMixin

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "The one shape of every refusal (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The kind of refusal in words."},
        "status": {"type": "integer", "description": "The HTTP status again."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string", "description": "The case, for programs: `not_found`, `limit_reached`, …"},
        "errors": {
            "type": "array",
            "description": "The fields that are wrong.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "Dotted path, empty for the whole input."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
            },
        },
        "request_id": {"type": "string", "description": "Name it when you ask us about it."},
    },
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "Id of this request; one you sent is echoed.", "schema": {"type": "string"}},
    "X-RateLimit-Limit": {"description": "Requests allowed in the window.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Requests left in the window.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {
        "description": "Seconds until all of it is there again; never more than the window.",
        "schema": {"type": "integer"},
    },
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer"}}


class AutoSchema(SpectacularSchema):
    """Adds the header that makes a POST safe to repeat where the view understands it."""

    def get_override_parameters(self) -> list[Any]:
        """Parameters beside those of path, filters and pagination."""
        own = list(super().get_override_parameters())
        if self.method == "POST" and isinstance(self.view, IdempotentMixin):
            own.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    description="A word of your own for this request. The same key within 24 hours gets the first answer again; "
                    "with another body it is refused with 409.",
                )
            )
        return own


def describe_the_house(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook: every answer has the headers, and every operation says how it refuses."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["headers"] = {**HEADERS, "Retry-After": RETRY_AFTER}
    components["responses"] = {
        "Problem": _problem("Refused; `code` says why."),
        "RateLimited": _problem("Too many requests; wait as long as `Retry-After` says.", "Retry-After"),
    }
    for path in result.get("paths", {}).values():
        for operation in path.values():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            for answer in operation["responses"].values():
                if "$ref" not in answer:
                    answer["headers"] = {**_headers(), **answer.get("headers", {})}
            operation["responses"].setdefault("429", {"$ref": "#/components/responses/RateLimited"})
            operation["responses"].setdefault("default", {"$ref": "#/components/responses/Problem"})
    return result


def _headers(*more: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*HEADERS, *more)}


def _problem(description: str, *headers: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": _headers(*headers),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
