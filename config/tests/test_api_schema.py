"""The schema document: valid, complete about refusals, and true."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document():
    GENERATOR_STATS.reset()
    return SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)


def operations(document):
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_the_document_is_valid_and_was_made_without_a_warning(document):
    validate(document)

    assert dict(GENERATOR_STATS._warn_cache) == {}
    assert dict(GENERATOR_STATS._error_cache) == {}


def test_every_operation_says_how_it_refuses_and_what_is_left(document):
    assert len(operations(document)) > 10
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, where
        assert operation["responses"]["429"] == {"$ref": "#/components/responses/RateLimited"}, where
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                assert "X-RateLimit-Remaining" in answer["headers"], f"{where} {status}"


def test_every_operation_has_a_name_of_its_own_and_a_sentence(document):
    names = [operation["operationId"] for _method, _path, operation in operations(document)]
    silent = [
        f"{method} {path}" for method, path, operation in operations(document) if not operation.get("description")
    ]

    assert len(names) == len(set(names))
    assert silent == []


def test_the_ways_to_authenticate_are_described(document):
    schemes = document["components"]["securitySchemes"]

    assert schemes["bearer"]["scheme"] == "bearer"
    assert schemes["session"] == {**schemes["session"], "type": "apiKey", "in": "cookie"}


def test_creating_a_person_names_the_idempotency_header(document):
    named = {parameter["name"] for parameter in document["paths"]["/api/v1/users/"]["post"]["parameters"]}

    assert "Idempotency-Key" in named


def test_the_document_and_its_page_are_served(acme, client_of):
    client = client_of(acme)

    answer = client.get("/api/schema/?format=json")
    assert answer.status_code == 200
    validate(answer.json())

    page = client.get("/api/docs/")
    html = page.content.decode()
    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"]
    assert 'data-schema-url="/api/schema/"' in html
    assert "<style" not in html
