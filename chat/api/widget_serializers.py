"""What the widget reads and writes. A visitor's numbers are their own: private notes take no place in them."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from chat.api.campaign_serializers import AnsweredCampaignSerializer
from chat.api.inbox_serializers import ConsentSerializer, FeaturesSerializer, QuestionSerializer
from chat.api.serializers import (
    AttachmentIdsField,
    FirstMessageSerializer,
    PersonSerializer,
    QueueSerializer,
    WireSerializer,
)
from chat.queries import wire
from chat.services.messages import BODY_LIMIT
from ops.kernel.api import StrictSerializer


class VisitorConversationSerializer(WireSerializer):
    """A conversation as its visitor sees it; numbers are the visitor's own."""

    render = staticmethod(wire.visitor_conversation)

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["open", "resolved"])
    assignee = PersonSerializer(allow_null=True)
    last_seq = serializers.IntegerField()
    agent_seen_seq = serializers.IntegerField()
    contact_seen_seq = serializers.IntegerField()
    unread = serializers.IntegerField()
    queue = QueueSerializer(allow_null=True)
    preview = serializers.CharField(allow_blank=True)
    preview_direction = serializers.CharField(allow_blank=True)
    last_message_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class WidgetConfigSerializer(StrictSerializer):
    """What the widget shows before anybody wrote."""

    mode = serializers.ChoiceField(
        choices=["chat", "form"], help_text="`form`: far beyond the plan, messages are taken by `POST left/`."
    )
    open = serializers.BooleanField(help_text="Whether it is inside the business hours.")
    opens_at = serializers.DateTimeField(allow_null=True, help_text="When it opens next; nothing while it is open.")
    name = serializers.CharField()
    greeting = serializers.CharField(allow_blank=True)
    offline_text = serializers.CharField(allow_blank=True)
    reply_time = serializers.CharField(allow_blank=True)
    locale = serializers.CharField(allow_blank=True)
    features = FeaturesSerializer()
    pre_chat_fields = QuestionSerializer(many=True)
    consent = ConsentSerializer(allow_null=True)
    online = serializers.BooleanField(help_text="Whether somebody can answer now.")
    socket = serializers.CharField()


class SessionCreateSerializer(StrictSerializer):
    """Who comes to the counter."""

    visitor_id = serializers.UUIDField(help_text="Random secret that the browser made and keeps.")
    identifier = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    identifier_hash = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)


class VisitorContactSerializer(StrictSerializer):
    """What a visitor says about themselves."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    attrs = serializers.DictField(
        child=serializers.CharField(max_length=500, allow_blank=True),
        required=False,
        help_text="Texts by name; an empty one is taken away. Nobody proved them.",
    )
    consent_version = serializers.CharField(
        max_length=12, required=False, help_text="The version of the inbox's consent text they agreed to."
    )


class PreChatSerializer(StrictSerializer):
    """What was asked before the first message."""

    answers = serializers.DictField(child=serializers.CharField(max_length=2000, allow_blank=True), default=dict)
    consent_version = serializers.CharField(max_length=12, default="", allow_blank=True)


class KnownContactSerializer(StrictSerializer):
    """What is known about the visitor, as told to the visitor."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)


class SessionSerializer(StrictSerializer):
    """The visitor's session."""

    jwt = serializers.CharField(help_text="For `Authorization: Bearer` and the socket's greeting.")
    ws_url = serializers.CharField()
    contact = KnownContactSerializer()
    online = serializers.BooleanField()
    conversations = VisitorConversationSerializer(many=True)


@extend_schema_serializer(component_name="VisitorConversationCreate")
class VisitorConversationCreateSerializer(StrictSerializer):
    """A new thread and what it begins with."""

    client_id = serializers.UUIDField()
    first_message = FirstMessageSerializer()
    pre_chat = PreChatSerializer(required=False)
    campaign = AnsweredCampaignSerializer(required=False, help_text="The invitation this answers.")
    page_url = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    referrer = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class VisitorMessageCreateSerializer(StrictSerializer):
    """What a visitor writes."""

    client_id = serializers.UUIDField()
    body = serializers.CharField(max_length=BODY_LIMIT, trim_whitespace=False, allow_blank=True, default="")
    reply_to = serializers.UUIDField(allow_null=True, default=None)
    attachment_ids = AttachmentIdsField()


class VisitorPageSerializer(StrictSerializer):
    """The page the visitor looks at."""

    url = serializers.URLField(max_length=500)
    title = serializers.CharField(max_length=200, allow_blank=True, default="")
