"""What the list of conversations can be narrowed to and sorted by; a saved view is a set of the same words."""

from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation

from chat.enums import Priority, Status
from chat.models import Conversation, SavedView
from chat.queries import inbox as lists
from ops.kernel.errors import Invalid


class ConversationFilter(django_filters.FilterSet):
    """Narrow the list."""

    q = django_filters.CharFilter(
        method="search", label="Number, words of any message, or the contact's name, e-mail or phone."
    )
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    priority = django_filters.MultipleChoiceFilter(choices=Priority.choices)
    assignee = django_filters.CharFilter(method="of_assignee", label="`me`, `none`, or the id of a person.")
    team = django_filters.CharFilter(method="of_team", label="`mine`, `none`, or the id of a team.")
    label = django_filters.CharFilter(method="of_label", label="Id or name of a label; several must all be there.")
    inbox = django_filters.UUIDFilter(field_name="inbox_id")
    contact = django_filters.UUIDFilter(field_name="contact_id")
    unread = django_filters.BooleanFilter(method="with_unread", label="Only with, or only without, unread messages.")
    mentioned = django_filters.BooleanFilter(method="with_mention", label="Only where somebody calls the caller.")
    spam = django_filters.BooleanFilter(method="as_spam", label="Only, or all but, what was marked as spam.")
    view = django_filters.UUIDFilter(
        method="leave", label="A saved view: its filters and its order, where the address names none."
    )
    sort = django_filters.ChoiceFilter(
        method="leave",
        choices=[(name, name) for name in lists.SORTS],
        label="`recent` (last activity first), `oldest`, `newest` (begun last), `waiting` (longest first), `priority`.",
    )

    class Meta:
        model = Conversation
        fields = [
            "q",
            "status",
            "priority",
            "assignee",
            "team",
            "label",
            "inbox",
            "contact",
            "unread",
            "mentioned",
            "spam",
            "view",
            "sort",
        ]

    def search(self, queryset: Any, name: str, value: str) -> Any:
        """By the QuerySet's own words."""
        return queryset.search(value)

    def of_assignee(self, queryset: Any, name: str, value: str) -> Any:
        """`me`, `none` or a person."""
        return lists.of_assignee(queryset, value, user=self.request.user)

    def of_team(self, queryset: Any, name: str, value: str) -> Any:
        """`mine`, `none` or a team."""
        return lists.of_team(queryset, value, user=self.request.user)

    def of_label(self, queryset: Any, name: str, value: str) -> Any:
        """All of them, not only the last one of the address."""
        return lists.of_labels(queryset, [text for text in self.data.getlist("label") if text])

    def with_unread(self, queryset: Any, name: str, value: bool) -> Any:
        """Something the team has not seen."""
        return queryset.filter(agent_unread__gt=0) if value else queryset.filter(agent_unread=0)

    def with_mention(self, queryset: Any, name: str, value: bool) -> Any:
        """Where the caller was called by name."""
        return lists.mentioning(queryset, self.request.user) if value else queryset

    def as_spam(self, queryset: Any, name: str, value: bool) -> Any:
        """What was put away as spam."""
        return queryset.filter(spam_at__isnull=not value)

    def leave(self, queryset: Any, name: str, value: Any) -> Any:
        """The backend has used it already."""
        return queryset


class ListBackend(DjangoFilterBackend):
    """Filters of the address and of the saved view it names, and the order they ask for."""

    def get_filterset_kwargs(self, request: Any, queryset: Any, view: Any) -> dict[str, Any]:
        """The words of both together."""
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        return {**kwargs, "data": with_view(request.query_params, user=request.user)}

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """Narrow, and let the pages go by the order that was asked for."""
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise translate_validation(filterset.errors)
        rows = filterset.qs
        wanted = filterset.form.cleaned_data.get("sort")
        if wanted:
            view.ordering = (lists.SORTS[wanted],)
            rows = lists.sorted_by(rows, wanted)
        return rows


def with_view(query: QueryDict, *, user: Any) -> QueryDict:
    """The address's words, with those of the saved view it names where it has none of its own. Raises `Invalid`."""
    if not query.get("view"):
        return query
    try:
        view = SavedView.objects.for_person(user).get(pk=str(query["view"]))
    except (SavedView.DoesNotExist, ValidationError) as error:
        raise Invalid(field="view") from error
    both = query.copy()
    filters = {**view.filters, **({"sort": view.sort} if view.sort else {})}
    for name, value in filters.items():
        if name not in query:
            both.setlist(name, [_text(one) for one in (value if isinstance(value, list) else [value])])
    return both


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
