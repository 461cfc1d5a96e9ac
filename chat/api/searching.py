"""One search over conversations, people and articles."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import numbers
from chat.api.help_serializers import ArticleSerializer
from chat.api.serializers import ContactSerializer, ConversationSerializer
from chat.queries import searching, wire
from ops.kernel import errors
from ops.kernel.api import StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

# What is looked through, and who may look there.
KINDS = {
    "conversations": "chat.view_conversation",
    "contacts": "chat.view_contact",
    "articles": "chat.view_article",
}
USUAL, MOST = 5, 50
TEXT_LIMIT = 100


class SaidSerializer(StrictSerializer):
    """Where in a conversation the words were said last."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    private = serializers.BooleanField()
    excerpt = serializers.CharField()
    created_at = serializers.DateTimeField()


class FoundConversationSerializer(StrictSerializer):
    """A conversation, and the newest of its messages that says the words."""

    conversation = ConversationSerializer()
    message = SaidSerializer(allow_null=True, help_text="Null when its number or its contact was found.")


class SearchSerializer(StrictSerializer):
    """What was found, by kind; a kind that was not asked for, or may not be seen, is empty."""

    conversations = FoundConversationSerializer(many=True)
    contacts = ContactSerializer(many=True)
    articles = ArticleSerializer(many=True)


class SearchView(APIView):
    """Everything the counter keeps, whatever its age."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_conversation"}

    @extend_schema(
        operation_id="chat_search",
        parameters=[
            OpenApiParameter(
                "q",
                OpenApiTypes.STR,
                required=True,
                description="Words, the beginning of one, `#12`, digits, an e-mail.",
            ),
            OpenApiParameter(
                "type", OpenApiTypes.STR, enum=list(KINDS), description="Only one kind; all when left out."
            ),
            OpenApiParameter(
                "limit", OpenApiTypes.INT, description="How many of each kind, up to 50; 5 when left out."
            ),
        ],
        responses={200: SearchSerializer},
    )
    def get(self, request: Request) -> Response:
        """Find conversations, people and articles by words; accents, case and plurals aside."""
        text = request.query_params.get("q", "").replace("\x00", "").strip()[:TEXT_LIMIT]
        kind = request.query_params.get("type", "")
        limit = numbers.query(request, "limit", low=1, high=MOST) or USUAL
        if not text:
            raise errors.Invalid(field="q")
        if kind and kind not in KINDS:
            raise errors.Invalid(field="type")
        if kind and not request.user.has_perm(KINDS[kind]):
            raise errors.PermissionRefused()
        wanted = [kind] if kind else [name for name, needed in KINDS.items() if request.user.has_perm(needed)]
        found: dict[str, list[Any]] = {name: [] for name in KINDS}
        if "conversations" in wanted:
            rows = searching.conversations(text, user=request.user, limit=limit)
            found["conversations"] = [_conversation(row, text) for row in rows]
        if "contacts" in wanted:
            found["contacts"] = [wire.contact(row) for row in searching.contacts(text, limit=limit)]
        if "articles" in wanted:
            found["articles"] = list(ArticleSerializer(searching.articles(text, limit=limit), many=True).data)
        return Response(found)


def _conversation(row: searching.Found, text: str) -> dict[str, Any]:
    said = row.message
    return {
        "conversation": wire.conversation(row.conversation),
        "message": said
        and {
            "id": str(said.pk),
            "seq": said.seq,
            "private": said.private,
            "excerpt": searching.excerpt(said.body, text),
            "created_at": said.created_at,
        },
    }
