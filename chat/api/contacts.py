"""Contacts over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.api.serializers import ContactSerializer, ContactWriteSerializer, ConversationSerializer
from chat.models import Contact
from chat.queries import inbox, wire
from chat.services import contacts
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions


class ContactFilter(django_filters.FilterSet):
    """Narrow the list."""

    q = django_filters.CharFilter(
        method="search", label="Words of the name, or the beginning of the e-mail, or digits of the phone."
    )
    email = django_filters.CharFilter(lookup_expr="iexact")
    identifier = django_filters.CharFilter()

    class Meta:
        model = Contact
        fields = ["q", "email", "identifier"]

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
        "conversations": "chat.view_conversation",
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = ContactFilter
    ordering_fields = ("created_at", "name")
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[Contact]:
        """Everybody the tenant knows."""
        return Contact.objects.all()

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

    @extend_schema(responses={200: ConversationSerializer(many=True)}, filters=False)
    @action(detail=True, filterset_class=None, ordering=("-last_activity_at",), ordering_fields=())
    def conversations(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The contact's conversations, newest first."""
        # Not `self.get_object()`: this action orders conversations, and a contact has no such column.
        contact = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        rows = inbox.page(user=request.user).filter(contact=contact)
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]
        return self.get_paginated_response([wire.conversation(row) for row in page])
