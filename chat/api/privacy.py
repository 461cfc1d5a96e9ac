"""A person's own data: handed over, or erased."""

from typing import Any
from uuid import UUID

from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.services import privacy
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions

CONTACT = OpenApiParameter("contact_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class ErasedSerializer(serializers.Serializer[Any]):
    """What was emptied."""

    conversations = serializers.IntegerField()
    messages = serializers.IntegerField()
    files = serializers.IntegerField()
    webhooks = serializers.IntegerField(help_text="What providers sent, as it came.")


class ExportView(APIView):
    """Everything held about a contact."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.manage_privacy"}

    @extend_schema(
        operation_id="chat_contacts_lgpd_export",
        parameters=[CONTACT],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, contact_id: UUID) -> FileResponse:
        """A ZIP of JSON and files. Reading it is noted in the audit log."""
        return FileResponse(
            privacy.export(contact_id=contact_id, by=request.user, now=timezone.now()),
            as_attachment=True,
            filename=f"contact-{contact_id}.zip",
            content_type="application/zip",
            headers={"Cache-Control": "no-store"},
        )


class EraseView(IdempotentMixin, APIView):
    """Nothing personal any more."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.manage_privacy"}

    @extend_schema(
        operation_id="chat_contacts_lgpd_erase", parameters=[CONTACT], request=None, responses={200: ErasedSerializer}
    )
    def post(self, request: Request, contact_id: UUID) -> Response:
        """Erase a contact and all that was said with them. It cannot be undone."""
        return Response(privacy.erase(contact_id=contact_id, by=request.user, now=timezone.now()))
