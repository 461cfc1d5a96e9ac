"""Transcripts: what was said, by mail."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.widget import CONVERSATION, VisitorView
from chat.errors import FeatureNotIncluded
from chat.models import Conversation, Inbox
from chat.services import transcripts
from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions


class TranscriptSerializer(StrictSerializer):
    """Where it goes."""

    email = serializers.CharField(max_length=254)


class TranscriptView(IdempotentMixin, APIView):
    """A transcript for somebody outside, sent by the team."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_conversations_transcript",
        parameters=[OpenApiParameter("number", OpenApiTypes.INT64, OpenApiParameter.PATH)],
        request=TranscriptSerializer,
        responses={202: None},
    )
    def post(self, request: Request, number: int) -> Response:
        """Send what the visitor may see of a conversation to an address, with a PDF."""
        conversation = get_object_or_404(Conversation.objects.visible_to(request.user), number=number)
        transcripts.order(conversation_id=conversation.pk, by=request.user, now=timezone.now(), **_sent(request))
        return Response(status=status.HTTP_202_ACCEPTED)


class VisitorTranscriptView(VisitorView):
    """A transcript for the visitor."""

    @extend_schema(
        operation_id="widget_conversations_transcript",
        parameters=[CONVERSATION],
        request=TranscriptSerializer,
        responses={202: None},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Send one's own conversation to an address."""
        key = self.own(conversation_id)
        if not Inbox.objects.filter(pk=self.visitor.inbox_id, features__transcript=True).exists():
            raise FeatureNotIncluded()
        transcripts.order(conversation_id=key, language=get_language() or "", now=timezone.now(), **_sent(request))
        return Response(status=status.HTTP_202_ACCEPTED)


def _sent(request: Request) -> dict[str, Any]:
    sent = TranscriptSerializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return {"to": sent.validated_data["email"]}
