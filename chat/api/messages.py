"""One message: other words, none any more, or once more."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.serializers import MessageEditSerializer, MessageSerializer
from chat.services import message_changes
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

MESSAGE = OpenApiParameter("message_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class MessageView(APIView):
    """A message by its id."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"patch": "chat.reply_conversation", "delete": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_messages_partial_update",
        parameters=[MESSAGE],
        request=MessageEditSerializer,
        responses={200: MessageSerializer},
    )
    def patch(self, request: Request, message_id: UUID) -> Response:
        """Change the words of one's own message. 409 when it has left by another channel or was deleted."""
        sent = MessageEditSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(
            message_changes.edit(message_id=message_id, by=request.user, now=timezone.now(), **sent.validated_data)
        )

    @extend_schema(operation_id="chat_messages_destroy", parameters=[MESSAGE], responses={204: None})
    def delete(self, request: Request, message_id: UUID) -> Response:
        """Take its words away for everybody; its place stays. Others' messages need the right to set up inboxes."""
        message_changes.delete(message_id=message_id, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RetryView(IdempotentMixin, APIView):
    """A message that failed."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_messages_retry", parameters=[MESSAGE], request=None, responses={200: MessageSerializer}
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """Send it again. 409 when it did not fail."""
        return Response(message_changes.retry(message_id=message_id, by=request.user, now=timezone.now()))
