"""Contacts over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api.contact_serializers import (
    ContactMergeSerializer,
    ContactMergeWriteSerializer,
    ContactNoteSerializer,
    ContactNoteWriteSerializer,
)
from chat.api.desk_serializers import LabelsPutSerializer
from chat.api.serializers import ContactSerializer, ContactWriteSerializer, ConversationSerializer
from chat.enums import ChurnBand
from chat.models import Contact, ContactMerge, ContactNote, phones
from chat.queries import inbox, wire
from chat.services import contacts, labels, notes
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

NOTE = OpenApiParameter("note", OpenApiTypes.UUID, OpenApiParameter.PATH)
MERGE = OpenApiParameter("merge", OpenApiTypes.UUID, OpenApiParameter.PATH)


class ContactFilter(django_filters.FilterSet):
    """Narrow the list."""

    q = django_filters.CharFilter(
        method="search", label="Words of the name, or the beginning of the e-mail, or digits of the phone."
    )
    email = django_filters.CharFilter(lookup_expr="iexact")
    identifier = django_filters.CharFilter()
    phone = django_filters.CharFilter(
        method="with_phone", label="A number, as people write it; with and without the ninth digit."
    )
    company = django_filters.CharFilter(lookup_expr="iexact")
    label = django_filters.CharFilter(
        field_name="labels__name", lookup_expr="iexact", distinct=True, label="A label of the person, by name."
    )
    blocked = django_filters.BooleanFilter()
    inbox = django_filters.UUIDFilter(field_name="contact_inboxes__inbox", distinct=True)
    seen_after = django_filters.IsoDateTimeFilter(field_name="last_seen_at", lookup_expr="gte")
    seen_before = django_filters.IsoDateTimeFilter(field_name="last_seen_at", lookup_expr="lt")
    risk = django_filters.ChoiceFilter(
        field_name="churn__band", choices=ChurnBand.choices, label="How likely they are not to come back."
    )
    merged = django_filters.BooleanFilter(
        method="with_merged", label="Also those who turned out to be somebody else; left out otherwise."
    )

    class Meta:
        model = Contact
        fields = [
            "q",
            "email",
            "identifier",
            "phone",
            "company",
            "label",
            "blocked",
            "inbox",
            "seen_after",
            "seen_before",
            "risk",
            "merged",
        ]

    def filter_queryset(self, queryset: Any) -> Any:
        """Without merged ones, unless they are asked for."""
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("merged") else rows.current()

    def with_merged(self, queryset: Any, name: str, value: bool) -> Any:
        """Said above."""
        return queryset

    def with_phone(self, queryset: Any, name: str, value: str) -> Any:
        """By what both spellings of a number have in common."""
        number = phones.normalise(value)
        return queryset.none() if number is None else queryset.filter(phone_match_key=phones.match_key(number))

    def search(self, queryset: Any, name: str, value: str) -> Any:
        """By the QuerySet's own words."""
        return queryset.search(value)


class ContactViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Contact]):
    """People outside."""

    queryset = Contact.objects.none()
    serializer_class = ContactSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_contact",
        "retrieve": "chat.view_contact",
        "create": "chat.change_contact",
        "partial_update": "chat.change_contact",
        "labels": "chat.change_contact",
        "conversations": "chat.view_conversation",
        "notes": "chat.view_contact",
        "add_note": "chat.change_contact",
        "change_note": "chat.change_contact",
        "delete_note": "chat.change_contact",
        "merges": "chat.view_contact",
        "merge": "chat.change_contact",
        "undo_merge": "chat.change_contact",
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = ContactFilter
    ordering_fields = ("created_at", "name", "company")
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[Contact]:
        """Everybody the tenant knows."""
        return Contact.objects.prefetch_related("labels")

    @extend_schema(request=ContactWriteSerializer, responses={201: ContactSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a contact."""
        sent = ContactWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        contact = contacts.create(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(wire.contact(contact), status=status.HTTP_201_CREATED)

    @extend_schema(request=ContactWriteSerializer, responses={200: ContactSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is known."""
        sent = ContactWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        contact = contacts.change(contact=self.get_object(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(wire.contact(contact))

    @extend_schema(request=LabelsPutSerializer, responses={200: ContactSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def labels(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give the person exactly these labels (`labels`), or put some on and take some off (`add`, `remove`)."""
        sent = LabelsPutSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        contact, now, asked = self.get_object(), timezone.now(), sent.validated_data
        if "labels" in asked:
            contact = labels.set_on_contact(contact_id=contact.pk, labels=asked["labels"], by=request.user, now=now)
        else:
            contact = labels.change_on_contact(contact_id=contact.pk, by=request.user, now=now, **asked)
        return Response(wire.contact(contact))

    @extend_schema(responses={200: ConversationSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-last_activity_at",), ordering_fields=())
    def conversations(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The contact's conversations, newest first."""
        # Not `self.get_object()`: this action orders conversations, and a contact has no such column.
        contact = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        rows = inbox.page(user=request.user).filter(contact=contact)
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response([wire.conversation(row) for row in page])

    @extend_schema(responses={200: ContactNoteSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-created_at",), ordering_fields=())
    def notes(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the team wrote down, newest first."""
        contact = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        rows: Any = contact.notes.select_related("author")
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response([wire.contact_note(row) for row in page])

    @extend_schema(request=ContactNoteWriteSerializer, responses={201: ContactNoteSerializer})
    @notes.mapping.post
    def add_note(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Write something down."""
        sent = ContactNoteWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        contact = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        note = notes.add(contact=contact, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(wire.contact_note(note), status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[NOTE], request=ContactNoteWriteSerializer, responses={200: ContactNoteSerializer})
    @action(detail=True, methods=["patch"], url_path="notes/(?P<note>[0-9a-fA-F-]{32,36})", filterset_class=None)
    def change_note(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Write it differently; only its author does."""
        sent = ContactNoteWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        note = notes.change(note=self._note(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(wire.contact_note(note))

    @extend_schema(parameters=[NOTE], responses={204: None})
    @change_note.mapping.delete
    def delete_note(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a note; others' need the right to set up inboxes."""
        notes.delete(note=self._note(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _note(self) -> ContactNote:
        rows = ContactNote.objects.select_related("author", "contact").filter(contact=self.kwargs["pk"])
        return get_object_or_404(rows, pk=self.kwargs["note"])

    @extend_schema(responses={200: ContactMergeSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-created_at",), ordering_fields=())
    def merges(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who else this contact was, newest first; each can be undone while `undone_at` is empty."""
        contact = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        rows: Any = contact.merges.select_related("gone", "by")
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response([wire.contact_merge(row) for row in page])

    @extend_schema(request=ContactMergeWriteSerializer, responses={201: ContactMergeSerializer})
    @action(detail=False, methods=["post"], filterset_class=None)
    def merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make two contacts one: `keep` gets everything of `gone`. 409 when one of them is part of another already."""
        sent = ContactMergeWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        found = {row.pk: row for row in self.get_queryset().filter(pk__in=sent.validated_data.values())}
        for field, key in sent.validated_data.items():
            if key not in found:
                raise errors.Invalid(field=field)
        keep, gone = (found[sent.validated_data[field]] for field in ("keep", "gone"))
        done = contacts.merge(keep=keep, gone=gone, by=request.user, now=timezone.now())
        return Response(wire.contact_merge(done), status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[MERGE], request=None, responses={200: ContactSerializer})
    @action(detail=False, methods=["post"], url_path="merges/(?P<merge>[0-9a-fA-F-]{32,36})/undo", filterset_class=None)
    def undo_merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Separate them again; answers the one that is back. 409 when that is not possible any more."""
        done = get_object_or_404(ContactMerge.objects.all(), pk=self.kwargs["merge"])
        return Response(wire.contact(contacts.undo_merge(merge=done, by=request.user, now=timezone.now())))
