"""Campaigns and churn estimates on the wire."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.enums import CampaignBasis, CampaignKind, CampaignState, CampaignVisitors, ChurnBand, LeftOut, RecipientState
from chat.models import Campaign, CampaignRecipient, ChurnScore
from chat.queries.campaigns import Figures
from chat.services import campaigns
from ops.kernel.api import StrictModelSerializer, StrictSerializer


class AttributeSerializer(StrictSerializer):
    """One thing that must be known about somebody."""

    name = serializers.CharField(max_length=60)
    op = serializers.ChoiceField(choices=campaigns.OPS)
    value = serializers.CharField(max_length=200, allow_blank=True, default="")


class AudienceSerializer(StrictSerializer):
    """Which contacts; everything that is said must hold."""

    labels = serializers.ListField(child=serializers.UUIDField(), max_length=50, required=False)
    without_labels = serializers.ListField(child=serializers.UUIDField(), max_length=50, required=False)
    inbox = serializers.UUIDField(required=False, help_text="Had a conversation there.")
    active_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, help_text="Wrote within.")
    quiet_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, help_text="Wrote nothing for.")
    company = serializers.CharField(max_length=120, required=False)
    risk = serializers.ListField(child=serializers.ChoiceField(choices=ChurnBand.choices), max_length=3, required=False)
    attrs = serializers.ListField(child=AttributeSerializer(), max_length=campaigns.MOST_ATTRS, required=False)


class CampaignTemplateSerializer(StrictSerializer):
    """An approved template of WhatsApp; values may hold places such as `{{contact.first_name}}`."""

    name = serializers.CharField(max_length=512)
    language = serializers.CharField(max_length=20)
    values = serializers.ListField(child=serializers.CharField(max_length=1024), max_length=20, default=list)


class CampaignWriteSerializer(StrictSerializer):
    """What a campaign says, to whom and when. Each kind takes its own fields."""

    kind = serializers.ChoiceField(choices=CampaignKind.choices, help_text="Never changes.")
    name = serializers.CharField(max_length=120)
    inbox = serializers.UUIDField()
    sender = serializers.UUIDField(allow_null=True, required=False, help_text="A person who answers conversations.")
    bot = serializers.UUIDField(allow_null=True, required=False)
    body = serializers.CharField(max_length=campaigns.BODY_LIMIT, allow_blank=True, required=False)
    starts_at = serializers.DateTimeField(allow_null=True, required=False)
    ends_at = serializers.DateTimeField(allow_null=True, required=False)
    page_patterns = serializers.ListField(
        child=serializers.CharField(max_length=300),
        max_length=campaigns.MOST_PATTERNS,
        required=False,
        help_text="`/pricing*`, `shop.example/p/*`; `!` in front takes a page away. Empty: every page.",
    )
    after_s = serializers.IntegerField(min_value=0, max_value=3600, required=False)
    open_hours_only = serializers.BooleanField(required=False)
    visitors = serializers.ChoiceField(choices=CampaignVisitors.choices, required=False)
    attrs = serializers.ListField(child=AttributeSerializer(), max_length=campaigns.MOST_ATTRS, required=False)
    most_times = serializers.IntegerField(min_value=1, max_value=20, required=False)
    pause_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    subject = serializers.CharField(max_length=200, allow_blank=True, required=False)
    template = CampaignTemplateSerializer(required=False)
    audience = AudienceSerializer(required=False)
    basis = serializers.ChoiceField(choices=CampaignBasis.choices, required=False)
    per_minute = serializers.IntegerField(min_value=1, max_value=600, required=False)

    @staticmethod
    def resolved(said: Mapping[str, Any]) -> dict[str, Any]:
        """With rows in place of ids."""
        found = {name: value for name, value in said.items() if name != "kind"}
        for name, read in (
            ("inbox", campaigns.inbox_of),
            ("sender", campaigns.sender_of),
            ("bot", campaigns.bot_of),
        ):
            if name in found:
                found[name] = read(found[name])
        return found


class FiguresSerializer(serializers.Serializer[Any]):
    """What became of it, in people; `views` counts every showing."""

    people = serializers.IntegerField()
    waiting = serializers.IntegerField()
    views = serializers.IntegerField()
    shown = serializers.IntegerField()
    opened = serializers.IntegerField()
    dismissed = serializers.IntegerField()
    replied = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()


class CampaignSerializer(StrictModelSerializer):
    """A campaign with its figures."""

    inbox = serializers.UUIDField(source="inbox_id")
    sender = serializers.UUIDField(source="sender_id", allow_null=True)
    bot = serializers.UUIDField(source="bot_id", allow_null=True)
    kind = serializers.ChoiceField(choices=CampaignKind.choices)
    state = serializers.ChoiceField(choices=CampaignState.choices)
    page_patterns = serializers.ListField(child=serializers.CharField())
    attrs = serializers.ListField(child=AttributeSerializer())
    audience = AudienceSerializer()
    template = serializers.DictField()
    figures = serializers.SerializerMethodField()

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "kind", "state", "inbox", "sender", "bot", "subject", "body", "template", "page_patterns",
            "after_s", "open_hours_only", "visitors", "attrs", "most_times", "pause_days", "audience", "basis",
            "per_minute", "starts_at", "ends_at", "listed_at", "done_at", "created_at", "updated_at", "figures",
        ]  # fmt: skip

    @extend_schema_field(FiguresSerializer)
    def get_figures(self, row: Campaign) -> dict[str, int]:
        """Read for the whole page at once."""
        found: Mapping[UUID, Figures] = self.context["figures"]
        return asdict(found[row.pk])


class RecipientSerializer(StrictModelSerializer):
    """One person of a campaign. Visitors who never wrote have no contact."""

    contact = serializers.UUIDField(source="contact_id", allow_null=True)
    conversation = serializers.IntegerField(source="conversation.number", allow_null=True, default=None)
    state = serializers.ChoiceField(choices=RecipientState.choices)
    left_out = serializers.ChoiceField(choices=LeftOut.choices, allow_blank=True)

    class Meta:
        model = CampaignRecipient
        fields = [
            "id", "contact", "address", "state", "left_out", "error", "shown", "last_shown_at", "opened_at",
            "dismissed_at", "sent_at", "replied_at", "conversation",
        ]  # fmt: skip


class ReachSerializer(serializers.Serializer[Any]):
    """How many people it would reach now, and why others are left out."""

    reached = serializers.IntegerField()
    left_out = serializers.DictField(child=serializers.IntegerField())


class CampaignCopySerializer(StrictSerializer):
    """What the copy is called."""

    name = serializers.CharField(max_length=120)


# --- On a website --------------------------------------------------------------------------------------


class PageVisitSerializer(StrictSerializer):
    """The page a visitor looks at, and what the browser knows of them."""

    key = serializers.UUIDField(help_text="Random, made once a browser; only its hash is kept.")
    url = serializers.URLField(max_length=500)
    returning = serializers.BooleanField(default=False)
    attributes = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), default=dict)


class OfferSerializer(serializers.Serializer[Any]):
    """A campaign that this page may show."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    after_s = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name that Python allows."""
        return {**super().get_fields(), "from": serializers.CharField(allow_blank=True)}


class OffersSerializer(serializers.Serializer[Any]):
    """In the order in which they are to be tried."""

    campaigns = OfferSerializer(many=True)


class OfferEventSerializer(StrictSerializer):
    """What happened to it in the browser."""

    key = serializers.UUIDField()
    event = serializers.ChoiceField(choices=["shown", "opened", "dismissed"])


class OfferAnswerSerializer(serializers.Serializer[Any]):
    """Whether it may be shown now; only of interest after `shown`."""

    show = serializers.BooleanField()


class AnsweredCampaignSerializer(StrictSerializer):
    """The invitation a visitor answers with a new conversation."""

    id = serializers.UUIDField()
    key = serializers.UUIDField()


# --- Churn ---------------------------------------------------------------------------------------------


class ChurnSerializer(StrictModelSerializer):
    """One contact's estimate and what it was made from."""

    contact = serializers.UUIDField(source="contact_id")
    name = serializers.CharField(source="contact.name")
    band = serializers.ChoiceField(choices=ChurnBand.choices)
    reasons = serializers.DictField(
        child=serializers.FloatField(), help_text="What each input adds to the sum, against the average contact."
    )

    class Meta:
        model = ChurnScore
        fields = [
            "contact", "name", "probability", "band", "recency_days", "frequency", "gap_days", "overdue", "trend",
            "csat", "unanswered", "late_hours", "breaches", "tenure_days", "reasons", "computed_at",
        ]  # fmt: skip
