"""Campaigns as a website's pages ask for them. Most of those who ask have no session, and get none by asking."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.campaign_serializers import (
    OfferAnswerSerializer,
    OfferEventSerializer,
    OffersSerializer,
    PageVisitSerializer,
)
from chat.api.widget import ORIGINS, StrangerView, VisitorAuthentication, VisitorPrincipal
from chat.models import Inbox
from chat.services import invitations
from chat.services.conversations import Visitor
from ops.kernel.api import RateThrottle

CAMPAIGN = OpenApiParameter("campaign_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class CampaignThrottle(RateThrottle):
    """By network address, apart from the chat's own doors: looking at pages must not use up what writing needs."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Four a second, for a company's whole office."""
        return f"widget:campaigns:{request.META.get('REMOTE_ADDR', '')}", 240, 60


class CampaignView(StrangerView):
    """Asked with a session when there is one."""

    authentication_classes = (VisitorAuthentication,)  # type: ignore[assignment]
    throttle_classes = (CampaignThrottle,)  # type: ignore[assignment]

    def visitor_of(self, request: Request, inbox: Inbox) -> Visitor | None:
        """Who asks, when they are known at this inbox."""
        principal = request.user
        if not isinstance(principal, VisitorPrincipal) or principal.visitor.inbox_id != inbox.pk:
            return None
        return principal.visitor


class OffersView(CampaignView):
    """What a page may show."""

    @extend_schema(
        operation_id="widget_campaigns",
        parameters=[ORIGINS],
        request=PageVisitSerializer,
        responses={200: OffersSerializer},
        auth=[{}, {"visitor": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request) -> Response:
        """The campaigns this page gets for this visitor; nothing is written down by asking."""
        inbox = self.inbox(request)
        sent = PageVisitSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        found = invitations.offered(
            inbox=inbox, visitor=self.visitor_of(request, inbox), now=timezone.now(), **sent.validated_data
        )
        return Response({"campaigns": found}, headers={"Cache-Control": "no-store"})


class OfferView(CampaignView):
    """What happened to one of them."""

    @extend_schema(
        operation_id="widget_campaign",
        parameters=[ORIGINS, CAMPAIGN],
        request=OfferEventSerializer,
        responses={200: OfferAnswerSerializer},
        auth=[{}, {"visitor": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        """Ask to show it (only then it may be shown), or say that it was taken up or put away."""
        inbox = self.inbox(request)
        sent = OfferEventSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        event, key = sent.validated_data["event"], sent.validated_data["key"]
        now = timezone.now()
        if event == "shown":
            visitor = self.visitor_of(request, inbox)
            shown = invitations.show(inbox=inbox, campaign_id=campaign_id, key=key, visitor=visitor, now=now)
            return Response({"show": shown})
        invitations.answer(inbox=inbox, campaign_id=campaign_id, key=key, opened=event == "opened", now=now)
        return Response({"show": False})
