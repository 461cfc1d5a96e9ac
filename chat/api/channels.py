"""Channels over the API: templates of WhatsApp, and the two doors of a channel that people bring themselves."""

import base64
import binascii
from typing import Any
from uuid import UUID

from django.core.validators import validate_email
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.serializers import MessageSerializer
from chat.enums import Delivery
from chat.errors import ContactBlocked
from chat.models import Conversation, Inbox, Message
from chat.queries import wire
from chat.services import channels, own_channel
from chat.services.messages import BODY_LIMIT
from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

INBOX = OpenApiParameter("inbox_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
NUMBER = OpenApiParameter("number", OpenApiTypes.INT64, OpenApiParameter.PATH)
FILE_LIMIT, FILES = 1_400_000, 5


class TemplateSerializer(StrictSerializer):
    """An approved template of WhatsApp."""

    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField(allow_blank=True)
    body = serializers.CharField(help_text="With {{1}}, {{2}}, … where values go.")
    values = serializers.IntegerField(help_text="How many values it takes.")


class TemplateSendSerializer(StrictSerializer):
    """A template with its values."""

    client_id = serializers.UUIDField(help_text="Made by the sender once a message; sending it again is safe.")
    name = serializers.CharField(max_length=512)
    language = serializers.CharField(max_length=20)
    values = serializers.ListField(child=serializers.CharField(max_length=1024), max_length=20, default=list)


def validate_when_given(value: str) -> None:
    """An e-mail address, or nothing."""
    if value:
        validate_email(value)


class OwnContactSerializer(StrictSerializer):
    """Who wrote."""

    source_id = serializers.CharField(max_length=128, help_text="Who this is in your own system.")
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    email = serializers.CharField(max_length=254, allow_blank=True, default="", validators=[validate_when_given])
    phone = serializers.CharField(max_length=30, allow_blank=True, default="")


class OwnFileSerializer(StrictSerializer):
    """A file, in the request itself."""

    name = serializers.CharField(max_length=200)
    content = serializers.CharField(max_length=FILE_LIMIT, help_text="Base64, up to 1 MB.")

    def validate_content(self, value: str) -> bytes:
        """The bytes."""
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise serializers.ValidationError("This is not Base64.") from error


class IncomingSerializer(StrictSerializer):
    """A message that came in through your own channel."""

    id = serializers.CharField(
        max_length=255, help_text="Its id in your system: the same one again is the same message."
    )
    contact = OwnContactSerializer()
    body = serializers.CharField(max_length=BODY_LIMIT, allow_blank=True, default="", trim_whitespace=False)
    files = serializers.ListField(child=OwnFileSerializer(), max_length=FILES, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Something must be said."""
        if not attrs["body"].strip() and not attrs["files"]:
            raise serializers.ValidationError({"body": "Write something, or add a file."}, code="empty")
        return attrs


class ReceiptSerializer(StrictSerializer):
    """How far a message got."""

    message = serializers.UUIDField()
    delivery = serializers.ChoiceField(
        choices=[Delivery.DELIVERED.value, Delivery.READ.value, Delivery.FAILED.value, Delivery.UNCONFIRMED.value]
    )
    error = serializers.CharField(max_length=300, allow_blank=True, default="")


def _inbox(inbox_id: UUID) -> Inbox:
    return get_object_or_404(Inbox.objects.select_related("account"), pk=inbox_id)


class TemplatesView(APIView):
    """Templates of an inbox."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_inboxes_templates", parameters=[INBOX], responses={200: TemplateSerializer(many=True)}
    )
    def get(self, request: Request, inbox_id: UUID) -> Response:
        """The approved templates; 409 for an inbox that is not connected to WhatsApp."""
        rows = channels.templates(inbox=_inbox(inbox_id))
        return Response(
            [{name: row[name] for name in ("name", "language", "category", "body", "values")} for row in rows]
        )


class TemplateView(IdempotentMixin, APIView):
    """A template into a conversation."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_conversations_template",
        parameters=[NUMBER],
        request=TemplateSendSerializer,
        responses={201: MessageSerializer},
    )
    def post(self, request: Request, number: int) -> Response:
        """Send it; also where free words are refused because the person last wrote more than 24 hours ago."""
        rows = Conversation.objects.visible_to(request.user).select_related("inbox__account")
        conversation = get_object_or_404(rows, number=number)
        sent = TemplateSendSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        stored = channels.send_template(
            conversation_id=conversation.pk,
            inbox=conversation.inbox,
            by=request.user,
            now=timezone.now(),
            **sent.validated_data,
        )
        return Response(stored.wire, status=status.HTTP_201_CREATED if stored.created else status.HTTP_200_OK)


class IncomingView(IdempotentMixin, APIView):
    """Messages in, for the channel `api`."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.manage_inbox"}

    @extend_schema(
        operation_id="chat_inboxes_incoming",
        parameters=[INBOX],
        request=IncomingSerializer,
        responses={201: MessageSerializer},
    )
    def post(self, request: Request, inbox_id: UUID) -> Response:
        """Store a message; its contact and conversation are made when they are new. 200 for one that is known."""
        inbox = own_channel.inbox_of(_inbox(inbox_id))
        sent = IncomingSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        told = sent.validated_data
        found = own_channel.take_in(
            inbox=inbox,
            message_id=told["id"],
            body=told["body"],
            files=[(file["name"], file["content"]) for file in told["files"]],
            now=timezone.now(),
            **told["contact"],
        )
        if found is None:
            raise ContactBlocked()
        row = Message.objects.with_people().get(pk=found[0].pk)
        return Response(
            wire.message(row, visitor=False), status=status.HTTP_201_CREATED if found[1] else status.HTTP_200_OK
        )


class ReceiptsView(IdempotentMixin, APIView):
    """Receipts in, for the channel `api`."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.manage_inbox"}

    @extend_schema(
        operation_id="chat_inboxes_receipts", parameters=[INBOX], request=ReceiptSerializer, responses={204: None}
    )
    def post(self, request: Request, inbox_id: UUID) -> Response:
        """Say how far a message got. Late and repeated ones change nothing: the state only moves up."""
        inbox = own_channel.inbox_of(_inbox(inbox_id))
        sent = ReceiptSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        told = sent.validated_data
        own_channel.take_receipt(
            inbox=inbox,
            message_id=told["message"],
            delivery=told["delivery"],
            error=told["error"],
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
