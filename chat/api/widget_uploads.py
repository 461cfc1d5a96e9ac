"""Files of visitors."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from chat.api.uploads import (
    ATTACHMENT,
    RANGE_HEADER,
    AttachmentSerializer,
    UploadCreateSerializer,
    UploadSerializer,
    piece,
)
from chat.api.widget import VisitorView
from chat.errors import AttachmentNotFound
from chat.queries import attachments as queries
from chat.services import attachments


class VisitorUploadsView(VisitorView):
    """Announce."""

    @extend_schema(
        operation_id="widget_uploads_create", request=UploadCreateSerializer, responses={201: UploadSerializer}
    )
    def post(self, request: Request) -> Response:
        """Announce a file and get the address its bytes go to. 402 when none can be received; text always can."""
        sent = UploadCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = attachments.begin(owner=self.visitor, now=timezone.now(), **sent.validated_data)
        put_url = reverse("widget-api:upload", args=[row.pk])
        return Response({**queries.wire(row), "put_url": put_url}, status=status.HTTP_201_CREATED)


class VisitorUploadView(VisitorView):
    """One file: its bytes, its state, and fresh addresses to open it."""

    @extend_schema(
        operation_id="widget_uploads_retrieve", parameters=[ATTACHMENT], responses={200: AttachmentSerializer}
    )
    def get(self, request: Request, attachment_id: UUID) -> Response:
        """How far it is, with fresh addresses: of the visitor's own uploads and of files sent to them."""
        mine = queries.for_visitor(contact_inbox_id=self.visitor.contact_inbox_id, contact_id=self.visitor.contact_id)
        row = mine.filter(pk=attachment_id).first()
        if row is None:
            raise AttachmentNotFound
        return Response(queries.wire(row))

    @extend_schema(
        operation_id="widget_uploads_put",
        parameters=[ATTACHMENT, RANGE_HEADER],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: AttachmentSerializer},
    )
    def put(self, request: Request, attachment_id: UUID) -> Response:
        """Send the next piece, up to 8 MiB. 409 `upload_offset` says where to go on; a piece may be repeated."""
        return Response(
            queries.wire(attachments.put(attachment_id=attachment_id, owner=self.visitor, **piece(request)))
        )

    @extend_schema(operation_id="widget_uploads_destroy", parameters=[ATTACHMENT], responses={204: None})
    def delete(self, request: Request, attachment_id: UUID) -> Response:
        """Take it back before it is sent."""
        attachments.discard(attachment_id=attachment_id, owner=self.visitor)
        return Response(status=status.HTTP_204_NO_CONTENT)
