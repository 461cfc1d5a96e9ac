"""Makes bad requests from an OpenAPI document and from the URL patterns; seeded, so a failure comes back."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

METHODS = ("get", "post", "put", "patch", "delete")

STRANGE_TEXT = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "' OR 1=1 --",
    "%00%ff%fe",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "{{7*7}}{% debug %}",
    "🫠" * 50,
    "Ação Conceição \u202e\u0000",
    "9" * 400,
    "x" * 70_000,
    "1e400",
    "NaN",
    "-1",
    "0",
    "00000000-0000-0000-0000-000000000000",
    "2026-02-30T25:61:61Z",
    "true",
    "null",
    "[]",
]
STRANGE_BYTES = [
    b"\xff\xfe\x00{",
    b"\x80abc",
    b'{"a": "\xc3\x28"}',
    b"\x00" * 100,
    b"{",
    b"[" * 20_000,
    b"",
    b"null",
    b"nul",
    b'"text"',
    b"NaN",
    b"1" * 5_000,
]
CONTENT_TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=nonsense",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "application/xml",
    "",
    "ação/ção",
]


@dataclass
class BadRequest:
    """One request to send: enough to send it again by hand."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path[:200]!r} {self.content_type} {self.headers} {self.body[:200]!r}"


class Fuzzer:
    """A seeded source of bad requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def scalar(self) -> Any:
        """Any JSON scalar, mostly the wrong one."""
        return self.random.choice(
            [
                None,
                True,
                False,
                0,
                -1,
                2**31,
                2**63,
                2**200,
                1.5,
                -0.0,
                1e308,
                *(self.random.choice(STRANGE_TEXT) for _ in range(8)),
            ]
        )

    def value(self, depth: int = 0) -> Any:
        """Any JSON value, sometimes nested."""
        roll = self.random.random()
        if depth > 3 or roll < 0.7:
            return self.scalar()
        if roll < 0.85:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.key(): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def key(self) -> str:
        """A member name nobody declared."""
        return self.random.choice(
            ["id", "__class__", "a" * 300, "pk", "schema", "tenant", "é\u0000", "", "is_superuser"]
        )

    def deep(self) -> bytes:
        """JSON nested past any sensible depth."""
        depth = self.random.choice([50, 900, 5_000, 50_000])
        opening, closing = self.random.choice([("[", "]"), ('{"a":', "}")])
        return (opening * depth + "1" + closing * depth).encode()

    def like(self, schema: dict[str, Any], components: dict[str, Any], depth: int = 0) -> Any:
        """A value that follows the schema, each member wrong with some likelihood."""
        if "$ref" in schema:
            schema = components.get(schema["$ref"].rsplit("/", 1)[-1], {})
        if self.random.random() < 0.25 or depth > 4:
            return self.value(depth)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        for union in ("allOf", "oneOf", "anyOf"):
            if schema.get(union):
                return self.like(self.random.choice(schema[union]), components, depth + 1)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object" or "properties" in schema:
            made = {
                name: self.like(member, components, depth + 1)
                for name, member in schema.get("properties", {}).items()
                if self.random.random() < 0.8
            }
            if self.random.random() < 0.15:
                made[self.key()] = self.value(depth + 1)
            return made
        if kind == "array":
            return [self.like(schema.get("items", {}), components, depth + 1) for _ in range(self.random.randrange(4))]
        if kind == "string":
            return self.random.choice(
                {
                    "uuid": [str(UUID(int=self.random.getrandbits(128)))],
                    "email": ["a@b.example", "a@" + "b" * 300 + ".example"],
                    "date-time": ["2026-11-22T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
                }.get(schema.get("format", ""), ["text", "olá"])
            )
        if kind in {"integer", "number"}:
            return self.random.choice([0, 1, 50, -5, 10**12])
        return self.scalar()

    def body(self, schema: dict[str, Any] | None, components: dict[str, Any]) -> tuple[bytes, str]:
        """A request body and the content type it claims to have."""
        roll = self.random.random()
        content_type = "application/json" if self.random.random() < 0.85 else self.random.choice(CONTENT_TYPES)
        if roll < 0.08:
            return self.random.choice(STRANGE_BYTES), content_type
        if roll < 0.12:
            return self.deep(), content_type
        if roll < 0.13:
            return b'{"body": "' + b"x" * 3_000_000 + b'"}', content_type
        made = self.like(schema, components) if schema else self.value()
        return json.dumps(made).encode(), content_type

    def segment(self) -> str:
        """A path segment; slashes and control bytes are percent-encoded as a client would send them."""
        return self.random.choice(
            [
                "1",
                "0",
                "-1",
                "99999999999999999999",
                "abc",
                "%00",
                "%ff",
                "..",
                "%2e%2e%2f",
                "a" * 500,
                "ç",
                "%F0%9F%AB%A0",
                str(UUID(int=self.random.getrandbits(128))),
            ]
        )

    def query(self, names: list[str]) -> str:
        """A query string over declared and undeclared names."""
        parts = []
        for _ in range(self.random.randrange(4)):
            name = self.random.choice([*names, "cursor", "limit", "q", "ordering", "page", "x", "%00"])
            parts.append(
                f"{name}={self.random.choice(['', '1', '-1', 'abc', '%00', '%ff%fe', 'a' * 2000, '%F0%9F%AB%A0', '99999999999999999999', 'null', '2026-02-30', '__class__'])}"
            )
        return "?" + "&".join(parts) if parts else ""

    def headers(self) -> dict[str, str]:
        """Headers a client could send wrongly."""
        if self.random.random() < 0.8:
            return {}
        return self.random.choice(
            [
                {"HTTP_IDEMPOTENCY_KEY": "x" * 5_000},
                {"HTTP_IDEMPOTENCY_KEY": "k\u00e9"},
                {"HTTP_AUTHORIZATION": "Bearer " + "x" * 4_000},
                {"HTTP_AUTHORIZATION": "Token \xff"},
                {"HTTP_AUTHORIZATION": "Bearer"},
                {"HTTP_ACCEPT": "text/nothing"},
                {"HTTP_ACCEPT_LANGUAGE": "x" * 3_000},
                {"HTTP_X_REQUEST_ID": "\u0007" * 300},
                {"HTTP_COOKIE": "session=\xff\xfe; csrftoken="},
                {"HTTP_HX_REQUEST": "true"},
                {"HTTP_IF_NONE_MATCH": "x" * 2_000},
                {"HTTP_X_FORWARDED_FOR": "not an address, ' OR 1=1"},
                {"HTTP_X_FORWARDED_FOR": "999.999.1.1"},
            ]
        )

    def from_openapi(self, document: dict[str, Any], count: int) -> Iterator[BadRequest]:
        """`count` bad requests spread over every operation of the document."""
        components = document.get("components", {}).get("schemas", {})
        operations = [
            (method, path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        ]
        for number in range(count):
            method, path, operation = operations[number % len(operations)]
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    path = path.replace("{" + parameter["name"] + "}", self.segment())
            names = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body, content_type = (
                self.body(content.get("schema"), components) if method != "get" else (b"", "application/json")
            )
            yield BadRequest(method, path + self.query(names), body, content_type, self.headers())

    def from_urls(self, urlconf: str, count: int, skip: tuple[str, ...] = ()) -> Iterator[BadRequest]:
        """`count` bad requests spread over every URL pattern: garbage forms, paths and methods."""
        paths = [path for path in pattern_paths(get_resolver(urlconf)) if not path.startswith(skip)]
        for number in range(count):
            path = paths[number % len(paths)]
            while "\0" in path:
                path = path.replace("\0", self.segment(), 1)
            method = self.random.choice(["get", "post", "post", "post", "put", "head", "options", "delete"])
            if method == "post" and self.random.random() < 0.8:
                names = [
                    "email",
                    "password",
                    "name",
                    "slug",
                    "body",
                    "client_id",
                    "next",
                    "role",
                    "language",
                    "primary_color",
                    "custom_css",
                    "plan",
                    "q",
                    "status",
                    "action",
                    "_selected_action",
                ]
                body = "&".join(
                    f"{self.random.choice(names)}={self.random.choice(['', 'x', '%00', '%ff%fe', 'a' * 10_000, '%F0%9F%AB%A0', '//evil.example', 'javascript:1', '-1', '[]', '2026-02-30'])}"
                    for _ in range(self.random.randrange(8))
                ).encode()
                yield BadRequest(
                    method, "/" + path + self.query([]), body, "application/x-www-form-urlencoded", self.headers()
                )
            else:
                body, content_type = self.body(None, {})
                yield BadRequest(method, "/" + path + self.query([]), body, content_type, self.headers())


def pattern_paths(resolver: URLResolver, prefix: str = "") -> list[str]:
    """Every pattern as a path with NUL where a parameter stands."""
    found: list[str] = []
    for entry in resolver.url_patterns:
        text = prefix + spelled(entry.pattern)
        if isinstance(entry, URLPattern):
            found.append(text)
        else:
            found += pattern_paths(entry, text)
    return found


def spelled(pattern: Any) -> str:
    """A route with NUL for each converter; a regular expression as far as it is plain."""
    if isinstance(pattern, RoutePattern):
        parts = str(pattern).split("<")
        return parts[0] + "".join("\0" + part.split(">", 1)[1] for part in parts[1:])
    if isinstance(pattern, RegexPattern):
        plain = str(pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        depth, made = 0, ""
        for character in plain:
            if character == "(":
                made += "\0" if depth == 0 else ""
                depth += 1
            elif character == ")":
                depth -= 1
            elif depth == 0 and character not in "\\?+*":
                made += character
        return made
    return str(pattern)
