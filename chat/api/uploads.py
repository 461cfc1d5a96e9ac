"""Files over the API: announced, sent in pieces, opened by short-lived addresses."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from chat.api.serializers import WireSerializer
from chat.enums import AttachmentKind, AttachmentState
from chat.errors import AttachmentNotFound, BadContentRange, FileTooLarge
from chat.queries import attachments as queries
from chat.services import attachments
from ops.kernel.api import IdempotentMixin, RateThrottle, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|(\*))/(\d{1,18})\Z")
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
RANGE_HEADER = OpenApiParameter(
    "Content-Range",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`bytes 0-1048575/5242880`; left out, the body is the whole file. `bytes */5242880` with an empty body only asks how far it is.",
)
ATTACHMENT = OpenApiParameter("attachment_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class AttachmentSerializer(WireSerializer):
    """A file."""

    render = staticmethod(queries.wire)

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=AttachmentKind.choices)
    state = serializers.ChoiceField(choices=AttachmentState.choices)
    reason = serializers.CharField(allow_blank=True, help_text="Why it was rejected: type, size, broken or virus.")
    name = serializers.CharField()
    bytes = serializers.IntegerField()
    received = serializers.IntegerField(help_text="How many bytes are here; an upload goes on from there.")
    mime = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_null=True, help_text="Good for five to ten minutes; only of a ready file.")
    thumb_url = serializers.CharField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    duration_s = serializers.FloatField(allow_null=True)
    voice = serializers.BooleanField(help_text="Recorded with the microphone of the chat.")
    peaks = serializers.ListField(child=serializers.IntegerField(), help_text="Loudness along the way, 0 to 100.")


class UploadSerializer(AttachmentSerializer):
    """A file that was announced, and where to put it."""

    put_url = serializers.CharField()


class UploadCreateSerializer(StrictSerializer):
    """Announce a file. Its type is found out from its bytes."""

    name = serializers.CharField(max_length=500, trim_whitespace=True)
    bytes = serializers.IntegerField(min_value=1, max_value=2**40)
    voice = serializers.BooleanField(default=False)


class FileThrottle(RateThrottle):
    """By network address: a thread full of pictures is no use of the API that a plan counts."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Ten a second over a minute."""
        return f"chat:files:{request.META.get('REMOTE_ADDR', '')}", 600, 60


def piece(request: Request) -> dict[str, Any]:
    """The bytes of a PUT and where they belong. Raises `BadContentRange`, `FileTooLarge`."""
    said = request.headers.get("Content-Range", "")
    # Not `.body`: that has Django's limit for forms, and pieces may be larger.
    body = request._request.read(attachments.PIECE_LIMIT + 1)
    if len(body) > attachments.PIECE_LIMIT:
        raise FileTooLarge(limit=attachments.PIECE_LIMIT // attachments.MB)
    if not said:
        return {"body": body, "start": 0, "total": len(body)}
    found = CONTENT_RANGE.match(said)
    if found is None:
        raise BadContentRange(field="Content-Range")
    first, last, asks, total = found.groups()
    if asks:
        if body:
            raise BadContentRange(field="Content-Range")
        return {"body": b"", "start": 0, "total": int(total)}
    if int(last) - int(first) + 1 != len(body) or int(last) >= int(total):
        raise BadContentRange(field="Content-Range")
    return {"body": body, "start": int(first), "total": int(total)}


class UploadsView(IdempotentMixin, APIView):
    """Announce."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.reply_conversation"}

    @extend_schema(
        operation_id="chat_uploads_create", request=UploadCreateSerializer, responses={201: UploadSerializer}
    )
    def post(self, request: Request) -> Response:
        """Announce a file and get the address its bytes go to. 402 when the storage of the plan is full."""
        sent = UploadCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = attachments.begin(owner=request.user, now=timezone.now(), **sent.validated_data)
        put_url = reverse("api:chat-upload", args=[row.pk])
        return Response({**queries.wire(row), "put_url": put_url}, status=status.HTTP_201_CREATED)


class UploadView(APIView):
    """One file: its bytes, its state, and fresh addresses to open it."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "get": "chat.view_conversation",
        "put": "chat.reply_conversation",
        "delete": "chat.reply_conversation",
    }

    @extend_schema(operation_id="chat_uploads_retrieve", parameters=[ATTACHMENT], responses={200: AttachmentSerializer})
    def get(self, request: Request, attachment_id: UUID) -> Response:
        """How far it is, with fresh addresses."""
        row = queries.for_agent(request.user).filter(pk=attachment_id).first()
        if row is None:
            raise AttachmentNotFound
        return Response(queries.wire(row))

    @extend_schema(
        operation_id="chat_uploads_put",
        parameters=[ATTACHMENT, RANGE_HEADER],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: AttachmentSerializer},
    )
    def put(self, request: Request, attachment_id: UUID) -> Response:
        """Send the next piece, up to 8 MiB. 409 `upload_offset` says where to go on; a piece may be repeated."""
        return Response(
            queries.wire(attachments.put(attachment_id=attachment_id, owner=request.user, **piece(request)))
        )

    @extend_schema(operation_id="chat_uploads_destroy", parameters=[ATTACHMENT], responses={204: None})
    def delete(self, request: Request, attachment_id: UUID) -> Response:
        """Take it back before it is sent."""
        attachments.discard(attachment_id=attachment_id, owner=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class FileView(APIView):
    """A file by its signed address; the address alone opens it, for minutes."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (FileThrottle,)

    @extend_schema(
        operation_id="chat_files_retrieve",
        parameters=[OpenApiParameter("token", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={
            200: OpenApiResponse(OpenApiTypes.BINARY, description="The file, or a part of it (206)."),
        },
        auth=[],
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        """The bytes, or the part that `Range` asks for."""
        stored = queries.behind(token, now=timezone.now())
        start, length, code = _wanted(request.headers.get("Range", ""), stored.size)
        headers = {
            "Content-Type": stored.mime if stored.mime != "text/plain" else "text/plain; charset=utf-8",
            "Content-Disposition": content_disposition_header(not stored.inline, stored.name) or "attachment",
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, max-age=300, immutable",
            "X-Content-Type-Options": "nosniff",
            # Whatever it is, it is opened as a thing of its own: no script, no cookie, no frame.
            "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
        }
        if code == status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE:
            return HttpResponse(status=code, headers={"Content-Range": f"bytes */{stored.size}"})
        headers["Content-Length"] = str(length)
        if code == status.HTTP_206_PARTIAL_CONTENT:
            headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
        return StreamingHttpResponse(stored.read(start, length), status=code, headers=headers)


def _wanted(said: str, size: int) -> tuple[int, int, int]:
    """Start, length and status for a `Range` header. What is not one plain range gets everything (RFC 9110, 14.2)."""
    found = RANGE.match(said.replace(" ", ""))
    if found is None or not any(found.groups()):
        return 0, size, status.HTTP_200_OK
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        start, end = size - length, size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    if start > end or start >= size:
        return 0, 0, status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE
    return start, end - start + 1, status.HTTP_206_PARTIAL_CONTENT
