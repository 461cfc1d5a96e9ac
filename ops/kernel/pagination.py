"""Pages of an API list by cursor: nothing is skipped or shown twice while rows come and go."""

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from ops.kernel.errors import Invalid

if TYPE_CHECKING:
    from rest_framework.views import APIView

CURSOR = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")


class CursorPagination(pagination.CursorPagination):
    """`{results, next, previous}`; `?page_size=` up to 200.

    The ordering always ends in the primary key, so rows that are equal in the first column keep one order.
    """

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = ("-pk",)

    def get_ordering(self, request: Request, queryset: Any, view: "APIView") -> tuple[str, ...]:
        """What the view or `?ordering=` asks for, made unique."""
        ordering = getattr(view, "ordering", None)
        default, self.ordering = self.ordering, ordering if ordering else self.ordering
        try:
            found = tuple(super().get_ordering(request, queryset, view))
        finally:
            self.ordering = default
        unique = {"pk", "-pk", "id", "-id"}
        if not unique.intersection(found):
            found += ("-pk" if found[0].startswith("-") else "pk",)
        return found

    def decode_cursor(self, request: Request) -> Any:
        """The position a client came back with. Raises `Invalid` for one that is not ours."""
        sent = request.query_params.get(self.cursor_query_param)
        if sent is not None and not CURSOR.match(sent):
            raise Invalid(field=self.cursor_query_param)
        try:
            return super().decode_cursor(request)
        except (NotFound, UnicodeError) as error:
            raise Invalid(field=self.cursor_query_param) from error

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> Any:
        """One page. Raises `Invalid` for a cursor that is well formed and stands at no place of this list."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, DataError) as error:
            if self.cursor_query_param in request.query_params:
                raise Invalid(field=self.cursor_query_param) from error
            raise
