"""Agents over the API: who there is, how they work, and the caller's own settings."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.desk_serializers import AgentMeSerializer, AgentPatchSerializer, AgentSerializer
from chat.enums import NotificationKind
from chat.queries import desk
from chat.services import agents, presence
from ops.kernel import errors
from tenants.accounts.models import User
from tenants.accounts.permissions import RequiredPermissions

PERSON = OpenApiParameter("user_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
MANAGE = "chat.manage_team"


class AgentsView(APIView):
    """Who answers conversations."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_conversation"}

    @extend_schema(operation_id="chat_agents_list", responses={200: AgentSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Everybody a conversation can be assigned to, whether they are there, and how much they have."""
        return Response(desk.agents(states=presence.states()))


class AgentView(APIView):
    """One of them."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"patch": MANAGE}

    @extend_schema(
        operation_id="chat_agents_partial_update",
        parameters=[PERSON],
        request=AgentPatchSerializer,
        responses={200: AgentSerializer},
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change how somebody works."""
        sent = AgentPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        user = User.objects.seated().filter(pk=user_id).first()
        if user is None:
            raise errors.NotFound()
        agents.change(user=user, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(desk.agents(states=presence.states(), keys=[user.pk])[0])


class MeView(APIView):
    """The caller."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.reply_conversation", "patch": "chat.reply_conversation"}

    @extend_schema(operation_id="chat_agents_me", responses={200: AgentMeSerializer})
    def get(self, request: Request) -> Response:
        """How the caller works."""
        return Response(_me(request.user))

    @extend_schema(
        operation_id="chat_agents_me_update", request=AgentPatchSerializer, responses={200: AgentMeSerializer}
    )
    def patch(self, request: Request) -> Response:
        """Change how the caller works. `capacity` is for those who set up teams."""
        sent = AgentPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        if "capacity" in sent.validated_data and not request.user.has_perm(MANAGE):
            raise errors.PermissionRefused(field="capacity")
        agents.change(user=request.user, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(_me(request.user))


def _me(user: Any) -> dict[str, Any]:
    profile = agents.profile_of(user)
    shown = desk.agents(states=presence.states(), keys=[user.pk])
    if not shown:  # somebody whose own role may reply without being one of the plan's agents
        shown = [desk.agent(user, profile, state="offline", teams=[], inboxes=[])]
    ways = {kind: list(profile.notify.get(kind, agents.default_ways(kind))) for kind in NotificationKind.values}
    return {**shown[0], "signature": profile.signature, "notify": ways, "ui_prefs": profile.ui_prefs}
