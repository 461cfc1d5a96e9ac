"""Calls over the API: rung here, then spoken about over the socket."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.serializers import PersonSerializer
from chat.api.widget import CONVERSATION, VisitorView
from chat.enums import CallReason, CallSide, CallState
from chat.errors import ConversationNotFound
from chat.models import Conversation
from chat.services import calls, ice
from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

NUMBER = OpenApiParameter("number", OpenApiTypes.INT64, OpenApiParameter.PATH)


class CallContactSerializer(StrictSerializer):
    """The visitor, by name."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)


class CallSerializer(StrictSerializer):
    """A call."""

    id = serializers.UUIDField()
    conversation = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=CallState.choices)
    reason = serializers.ChoiceField(choices=CallReason.choices, allow_blank=True)
    video = serializers.BooleanField()
    started_by = serializers.ChoiceField(choices=CallSide.choices)
    agent = PersonSerializer(allow_null=True)
    contact = CallContactSerializer()
    agent_peer = serializers.CharField(allow_blank=True, help_text="The page that holds the agent's end.")
    visitor_peer = serializers.CharField(allow_blank=True)
    started_at = serializers.DateTimeField()
    rings_until = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_s = serializers.IntegerField()


class IceServerSerializer(StrictSerializer):
    """One entry of `RTCConfiguration.iceServers`."""

    urls = serializers.ListField(child=serializers.CharField())
    username = serializers.CharField(required=False)
    credential = serializers.CharField(required=False)


class CallStartSerializer(StrictSerializer):
    """Ring."""

    video = serializers.BooleanField(default=False)
    peer = serializers.RegexField(
        r"\A[A-Za-z0-9-]{8,36}\Z", help_text="Made by the page once a load; names it among the pages of a person."
    )


class StartedCallSerializer(StrictSerializer):
    """A call and the way to the other end."""

    call = CallSerializer()
    ice_servers = IceServerSerializer(many=True)


class LiveCallsSerializer(StrictSerializer):
    """Live calls of the caller, and those that ring for them."""

    calls = CallSerializer(many=True)
    ice_servers = IceServerSerializer(many=True)


def started(request: Request, *, conversation_id: UUID, by: calls.Party) -> Response:
    """Ring, and answer the call with the servers to reach the other end by."""
    sent = CallStartSerializer(data=request.data)
    sent.is_valid(raise_exception=True)
    now = timezone.now()
    told = calls.start(conversation_id=conversation_id, by=by, now=now, **sent.validated_data)
    body: dict[str, Any] = {"call": told, "ice_servers": ice.servers(who=sent.validated_data["peer"], now=now)}
    return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class CallView(IdempotentMixin, APIView):
    """Ring the visitor."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_conversations_call",
        parameters=[NUMBER],
        request=CallStartSerializer,
        responses={201: StartedCallSerializer},
    )
    def post(self, request: Request, number: int) -> Response:
        """Ring the visitor of a conversation, or answer when they are ringing. 409 when they are away or busy."""
        rows = Conversation.objects.visible_to(request.user).filter(number=number)
        key = rows.values_list("pk", flat=True).first()
        if key is None:
            raise ConversationNotFound
        return started(request, conversation_id=key, by=request.user)


class CallsView(APIView):
    """After a reload."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.reply_conversation"}

    @extend_schema(operation_id="chat_calls_list", responses={200: LiveCallsSerializer})
    def get(self, request: Request) -> Response:
        """The live call one is in, and those that ring for one."""
        servers = ice.servers(who=str(request.user.pk), now=timezone.now())
        return Response(
            {"calls": calls.mine(by=request.user), "ice_servers": servers}, headers={"Cache-Control": "no-store"}
        )


class VisitorCallView(VisitorView):
    """Ring the team."""

    @extend_schema(
        operation_id="widget_conversations_call",
        parameters=[CONVERSATION],
        request=CallStartSerializer,
        responses={201: StartedCallSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Ring the agents who are online, or answer when one is ringing. 409 when nobody is there."""
        return started(request, conversation_id=conversation_id, by=self.visitor)


class VisitorCallsView(VisitorView):
    """After a reload."""

    @extend_schema(operation_id="widget_calls_list", responses={200: LiveCallsSerializer})
    def get(self, request: Request) -> Response:
        """The visitor's live calls."""
        servers = ice.servers(who=str(self.visitor.contact_inbox_id), now=timezone.now())
        return Response(
            {"calls": calls.mine(by=self.visitor), "ice_servers": servers}, headers={"Cache-Control": "no-store"}
        )
