"""Pix cards over the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chat.models import Conversation, PixCharge
from chat.services import pix
from ops.kernel.api import AmountSerializer, IdempotentMixin, StrictSerializer
from ops.kernel.ids import uuid7
from ops.kernel.money import Money
from tenants.accounts.permissions import RequiredPermissions

KEY = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Id of the charge, or the `txid` of its card.")


class PixChargeSerializer(serializers.ModelSerializer[PixCharge]):
    """A charge as the team sees it."""

    amount = serializers.SerializerMethodField()
    conversation = serializers.UUIDField(source="conversation_id")
    message = serializers.UUIDField(source="message_id")

    class Meta:
        model = PixCharge
        fields = [
            "id", "conversation", "message", "txid", "amount", "text", "brcode", "state", "expires_at", "settled_at",
            "created_at",
        ]  # fmt: skip

    @extend_schema(responses=AmountSerializer)
    def get_amount(self, row: PixCharge) -> dict[str, str]:
        """In reais."""
        return Money(row.amount_cents, "BRL").as_json()


class PixWriteSerializer(StrictSerializer):
    """What an agent asks for."""

    conversation = serializers.UUIDField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    text = serializers.CharField(max_length=120, required=False, allow_blank=True)
    client_id = serializers.UUIDField(required=False)
    valid_for_s = serializers.IntegerField(required=False, min_value=300, max_value=30 * 86_400)


class PixViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[PixCharge]):
    """Amounts asked for in conversations."""

    queryset = PixCharge.objects.none()
    serializer_class = PixChargeSerializer
    # Its id, or the txid that the card and the bank's statement show.
    lookup_value_regex = "[0-9a-zA-Z-]{25,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "create": "chat.reply_conversation",
        "paid": "chat.reply_conversation",
        "cancel": "chat.reply_conversation",
    }
    filter_backends = ()
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[PixCharge]:
        """Charges of conversations this person may see."""
        return PixCharge.objects.filter(conversation__in=Conversation.objects.visible_to(self.request.user))

    def get_object(self) -> PixCharge:
        """The charge of the address, among those this person may see."""
        return pix.called(self.get_queryset(), self.kwargs["pk"])

    @extend_schema(parameters=[KEY])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One charge."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=PixWriteSerializer, responses={201: PixChargeSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a card with a Pix code; the same `client_id` again gives the one it made."""
        sent = PixWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        get_object_or_404(Conversation.objects.visible_to(request.user), pk=values["conversation"])
        made = pix.charge(
            conversation_id=values["conversation"],
            by=request.user,
            amount=Money.of(values["amount"], "BRL"),
            client_id=values.get("client_id") or uuid7(),
            text=values.get("text", ""),
            valid_for=timedelta(seconds=values["valid_for_s"]) if "valid_for_s" in values else pix.VALID_FOR,
            now=timezone.now(),
        )
        return Response(PixChargeSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[KEY], request=None, responses={200: PixChargeSerializer})
    @action(detail=True, methods=["post"])
    def paid(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The money is there. 409 when the charge is no longer open."""
        done = pix.mark_paid(charge_id=self._key(), by=request.user, now=timezone.now())
        return Response(PixChargeSerializer(done).data)

    @extend_schema(parameters=[KEY], request=None, responses={200: PixChargeSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the request back. 409 when the charge is no longer open."""
        done = pix.cancel(charge_id=self._key(), by=request.user, now=timezone.now())
        return Response(PixChargeSerializer(done).data)

    def _key(self) -> UUID:
        return self.get_object().pk
