"""Conversations over the API: the list, one thread, and everything an agent does with it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api import numbers
from chat.api.filters import ConversationFilter, ListBackend
from chat.api.handling import HandlingActions
from chat.api.serializers import (
    AssignSerializer,
    ConversationCreateSerializer,
    ConversationPatchSerializer,
    ConversationSerializer,
    CountsSerializer,
    EventsSerializer,
    MessageCreateSerializer,
    MessagePageSerializer,
    MessageSerializer,
    ReadSerializer,
    StreamSerializer,
    TypingSerializer,
    ViewersSerializer,
)
from chat.api.streaming import WAIT_S
from chat.models import Contact, Conversation, Inbox
from chat.queries import inbox, stream, thread, wire
from chat.services import assignment, conversations, messages, notifications, presence
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin
from tenants.accounts.models import User
from tenants.accounts.permissions import RequiredPermissions

NUMBER = OpenApiParameter(
    "number", OpenApiTypes.INT64, OpenApiParameter.PATH, description="The conversation's number in this tenant."
)


class ConversationViewSet(
    HandlingActions, IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Conversation]
):
    """Conversations, by their number."""

    queryset = Conversation.objects.none()
    serializer_class = ConversationSerializer
    lookup_field = "number"
    lookup_value_regex = "[0-9]{1,18}"
    permission_classes = (RequiredPermissions,)
    required_permissions = HandlingActions.required_permissions | {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "counts": "chat.view_conversation",
        "viewers": "chat.view_conversation",
        "events": "chat.view_conversation",
        "messages": "chat.view_conversation",
        "create": "chat.reply_conversation",
        "send": "chat.reply_conversation",
        "read": "chat.reply_conversation",
        "typing": "chat.reply_conversation",
        "partial_update": "chat.close_conversation",
        "claim": "chat.reply_conversation",
        "assign": "chat.assign_conversation",
        "unassign": "chat.assign_conversation",
    }
    filter_backends = (ListBackend, OrderingFilter)
    filterset_class = ConversationFilter
    ordering_fields = ("last_activity_at", "created_at", "number")
    ordering = ("-last_activity_at",)

    def get_queryset(self) -> QuerySet[Conversation]:
        """What this person may see."""
        return inbox.page(user=self.request.user)

    @method_decorator(gzip_page)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fifty rows say the same words fifty times: packed, they are a seventh."""
        return super().list(request, *args, **kwargs)

    def _key(self) -> UUID:
        """The conversation of this address. 404 when there is none, or it is not theirs to see."""
        number = int(self.kwargs["number"])
        key = (
            Conversation.objects.visible_to(self.request.user)
            .filter(number=number)
            .values_list("pk", flat=True)
            .first()
        )
        if key is None:
            raise errors.NotFound
        return key

    def _answer(self, key: UUID, *, code: int = status.HTTP_200_OK) -> Response:
        return Response(wire.conversation(self.get_queryset().get(pk=key)), status=code)

    @extend_schema(request=ConversationCreateSerializer, responses={201: ConversationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Write to a contact first. The same `client_id` again answers the conversation it made."""
        sent = ConversationCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        contact = Contact.objects.filter(pk=asked["contact"]).first()
        if contact is None:
            raise errors.Invalid(field="contact")
        ways = Inbox.objects.active().order_by("created_at", "pk")
        way = ways.filter(pk=asked["inbox"]).first() if "inbox" in asked else ways.first()
        if way is None:
            raise errors.Invalid(field="inbox")
        now = timezone.now()
        first = asked.get("first_message")
        # A conversation whose first message is refused is not begun.
        with transaction.atomic():
            conversation = conversations.agent_started(
                contact=contact, inbox=way, by=request.user, client_id=asked["client_id"], now=now
            )
            if first:
                messages.send(conversation_id=conversation.pk, by=request.user, now=now, **first)
        return self._answer(conversation.pk, code=status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[
            NUMBER,
            OpenApiParameter(
                "If-Match",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The `last_seq` the caller has seen; 412 when something happened since.",
            ),
        ],
        request=ConversationPatchSerializer,
        responses={200: ConversationSerializer},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Resolve, reopen, snooze, or say how urgent it is. 409 when it cannot go there from where it is."""
        sent = ConversationPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        key = self._key()
        conversations.change(
            conversation_id=key,
            by=request.user,
            if_seq=numbers.if_match(request),
            now=timezone.now(),
            **sent.validated_data,
        )
        return self._answer(key)

    @extend_schema(responses={200: CountsSerializer}, filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def counts(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How much there is to do."""
        return Response(inbox.counts(user=request.user))

    @extend_schema(parameters=[NUMBER], request=None, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a conversation nobody has. 409 when somebody was first."""
        key = self._key()
        assignment.claim(conversation_id=key, by=request.user, now=timezone.now())
        return self._answer(key)

    @extend_schema(parameters=[NUMBER], request=AssignSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give the conversation to somebody who answers conversations."""
        sent = AssignSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key = self._key()
        to = User.objects.active().filter(pk=sent.validated_data["assignee"]).first()
        if to is None:
            raise errors.Invalid(field="assignee")
        assignment.assign(conversation_id=key, to=to, by=request.user, now=timezone.now())
        return self._answer(key)

    @extend_schema(parameters=[NUMBER], request=None, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def unassign(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put the conversation back into the queue."""
        key = self._key()
        assignment.unassign(conversation_id=key, by=request.user, now=timezone.now())
        return self._answer(key)

    @extend_schema(parameters=[NUMBER], request=ReadSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def read(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Everything up to `seq` was seen by the team."""
        sent = ReadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key, now = self._key(), timezone.now()
        conversations.mark_read(conversation_id=key, seq=sent.validated_data["seq"], now=now)
        notifications.read_of(user=request.user, conversation_id=key, now=now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[NUMBER], request=TypingSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def typing(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show, or stop showing, that the caller writes."""
        sent = TypingSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        presence.agent_types(conversation_id=self._key(), user=request.user, **sent.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[NUMBER], responses={200: ViewersSerializer}, filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def viewers(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who has this conversation open."""
        return Response({"users": presence.viewers(self._key())})

    @extend_schema(
        parameters=[
            NUMBER,
            OpenApiParameter("before_seq", OpenApiTypes.INT64, description="Only messages before this place."),
            OpenApiParameter("page_size", OpenApiTypes.INT, description="Up to 100; 50 when left out."),
        ],
        responses={200: MessagePageSerializer},
        filters=False,
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def messages(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The thread from its end, oldest first."""
        before = numbers.query(request, "before_seq")
        limit = numbers.query(request, "page_size", low=1, high=100) or 50
        rows = thread.messages(self._key(), before_seq=before, limit=limit + 1)
        older = len(rows) > limit
        rows = rows[-limit:]
        previous = replace_query_param(request.build_absolute_uri(), "before_seq", rows[0].seq) if older else None
        return Response(
            {"results": [wire.message(row, visitor=False) for row in rows], "next": None, "previous": previous}
        )

    @extend_schema(
        parameters=[NUMBER],
        request=MessageCreateSerializer,
        responses={201: MessageSerializer, 200: MessageSerializer},
        operation_id="chat_conversations_messages_create",
    )
    @messages.mapping.post
    def send(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reply, or leave a note. 200 with the stored message when this `client_id` was sent before."""
        sent = MessageCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        stored = messages.send(conversation_id=self._key(), by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(stored.wire, status=status.HTTP_201_CREATED if stored.created else status.HTTP_200_OK)

    @extend_schema(
        parameters=[
            NUMBER,
            OpenApiParameter(
                "after_seq", OpenApiTypes.INT64, description="The last place the caller knows; 0 for everything."
            ),
        ],
        responses={200: EventsSerializer},
        filters=False,
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def events(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What happened after a place, in order. 410 when part of it is no longer kept."""
        after = numbers.query(request, "after_seq") or 0
        found = thread.events_after(self._key(), after=after, visitor=False, limit=thread.EVENTS_PAGE + 1)
        return Response({"events": found[: thread.EVENTS_PAGE], "has_more": len(found) > thread.EVENTS_PAGE})


class StreamView(APIView):
    """Everything that happens in the tenant's conversations."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_conversation"}

    @extend_schema(
        operation_id="chat_events_list",
        parameters=[
            OpenApiParameter(
                "cursor", OpenApiTypes.STR, description="From the last answer; left out, only a fresh cursor is given."
            ),
            OpenApiParameter("limit", OpenApiTypes.INT, description="Up to 500."),
            OpenApiParameter(
                "wait",
                OpenApiTypes.INT,
                description="Seconds, up to 25, to wait for something to happen when there is nothing yet.",
            ),
        ],
        responses={200: StreamSerializer},
    )
    def get(self, request: Request) -> Response:
        """Events after a cursor, each conversation's in order. 410 when the cursor is of another history: load the list again."""
        text = request.query_params.get("cursor", "")
        limit = numbers.query(request, "limit", low=1, high=stream.PAGE) or stream.PAGE
        numbers.query(request, "wait", high=WAIT_S)
        if not text:
            return Response({"events": [], "cursor": str(stream.now()), "has_more": False})
        events, cursor, more = stream.after(stream.parse(text), limit=limit)
        return Response({"events": events, "cursor": str(cursor), "has_more": more})
