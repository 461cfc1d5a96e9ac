"""Who is on the website right now, over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.serializers import ContactRefSerializer, LastPageSerializer
from chat.queries import visitors, wire
from chat.services import presence
from ops.kernel.api import StrictSerializer
from tenants.accounts.permissions import RequiredPermissions


class VisitorSerializer(StrictSerializer):
    """A known contact with a page of the website open."""

    contact = ContactRefSerializer()
    page = LastPageSerializer(allow_null=True, help_text="Where they are; null when their page has not said.")
    seen_at = serializers.DateTimeField(allow_null=True)
    referrer = serializers.CharField(allow_blank=True, help_text="Where their running conversation came from.")
    conversation = serializers.IntegerField(allow_null=True, help_text="Number of the one that runs.")


class VisitorListSerializer(StrictSerializer):
    """Those seen last first, at most 200."""

    results = VisitorSerializer(many=True)


class VisitorsView(APIView):
    """The live list."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_conversation"}

    @extend_schema(operation_id="chat_visitors_list", responses={200: VisitorListSerializer})
    def get(self, request: Request) -> Response:
        """Who has the chat's page open: who wrote before, or whom the website named."""
        return Response({"results": [_visitor(row) for row in visitors.here(presence.all_visitors())]})


def _visitor(row: dict[str, Any]) -> dict[str, Any]:
    contact, running = row["contact"], row["conversation"]
    return {
        "contact": wire.contact_ref(contact),
        "page": contact.last_page or None,
        "seen_at": contact.last_seen_at,
        "referrer": running.referrer if running else "",
        "conversation": running.number if running else None,
    }
