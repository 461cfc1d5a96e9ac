from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.views import APIView

from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.errors import Invalid
from ops.kernel.pagination import CursorPagination


def page(query, *, ordering=None):
    view = APIView()
    view.ordering = ordering
    paginator = CursorPagination()
    rows = paginator.paginate_queryset(AuditEntry.objects.all(), Request(RequestFactory().get("/", query)), view=view)
    body = paginator.get_paginated_response([row.pk for row in rows]).data
    return body


def walk(direction="next", **options):
    """Every id, page by page, and the query of the last page."""
    seen, query = [], {"page_size": 3}
    while True:
        body = page(query, **options)
        seen += body["results"]
        if body[direction] is None:
            return seen, query
        query = {name: values[0] for name, values in parse_qs(urlsplit(body[direction]).query).items()}


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [(None, ["-pk"]), ("at", ["at", "pk"]), ("-at", ["-at", "-pk"]), (("actor_label", "-pk"), ["actor_label", "-pk"])],
)
def test_every_row_comes_once_in_a_stable_order(acme, noon, ordering, expected):
    for number in range(10):
        AuditEntryFactory(at=noon + timedelta(minutes=number // 4), actor_label=f"{number % 3}")

    seen, _last = walk(ordering=ordering)

    assert seen == list(AuditEntry.objects.order_by(*expected).values_list("pk", flat=True))


def test_rows_that_come_meanwhile_shift_nothing(acme):
    old = [AuditEntryFactory().pk for _ in range(6)]
    first = page({"page_size": 3})
    AuditEntryFactory()
    query = {name: values[0] for name, values in parse_qs(urlsplit(first["next"]).query).items()}

    second = page(query)

    assert first["results"] + second["results"] == old[::-1]
    assert set(first) == {"results", "next", "previous"}
    assert second["next"] is None
    assert second["previous"] is not None


@pytest.mark.parametrize("cursor", ["nonsense", "%%%", "\x00", "é", "cD0x", "bz1hYmM="])
def test_a_cursor_that_is_not_ours_is_refused(acme, cursor):
    AuditEntryFactory()

    with pytest.raises(Invalid) as refused:
        page({"cursor": cursor})

    assert refused.value.errors[0].field == "cursor"


@pytest.mark.parametrize("size", ["0", "-1", "x", "99999999999999999999", "500"])
def test_a_page_has_its_limits(acme, size):
    AuditEntryFactory.create_batch(2)

    assert len(page({"page_size": size})["results"]) == 2
