"""The agents' desk over the API: teams, labels, canned replies, saved views, drafts."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api import numbers
from chat.api.desk_serializers import (
    CannedSerializer,
    CannedWriteSerializer,
    DraftSerializer,
    DraftWriteSerializer,
    LabelSerializer,
    LabelWriteSerializer,
    TeamSerializer,
    TeamWriteSerializer,
    ViewSerializer,
    ViewWriteSerializer,
)
from chat.api.handling import NUMBER
from chat.models import CannedResponse, Conversation, Draft, Label, SavedView, Team
from chat.queries import desk
from chat.services import canned, drafts, labels, teams, views
from ops.kernel import errors
from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

UUID_PATH = "[0-9a-fA-F-]{32,36}"


class DeskViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Any]):
    """A list of small things that are made, changed and removed by services."""

    lookup_value_regex = UUID_PATH
    permission_classes = (RequiredPermissions,)
    filter_backends = ()
    write_serializer: type[StrictSerializer]

    def sent(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """What came, checked."""
        serializer = self.write_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class TeamViewSet(DeskViewSet):
    """Groups of agents that conversations can be given to."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    write_serializer = TeamWriteSerializer
    ordering = ("name",)
    required_permissions = {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "create": "chat.manage_team",
        "partial_update": "chat.manage_team",
        "destroy": "chat.manage_team",
    }

    def get_queryset(self) -> QuerySet[Team]:
        """All of them, with their people."""
        return Team.objects.with_members()

    @extend_schema(request=TeamWriteSerializer, responses={201: TeamSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a team."""
        team = teams.create(by=request.user, now=timezone.now(), **self.sent(request))
        return Response(desk.team(self.get_queryset().get(pk=team.pk)), status=status.HTTP_201_CREATED)

    @extend_schema(request=TeamWriteSerializer, responses={200: TeamSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a team; `members` are all of its people."""
        team = teams.change(
            team=self.get_object(), by=request.user, now=timezone.now(), **self.sent(request, partial=True)
        )
        return Response(desk.team(self.get_queryset().get(pk=team.pk)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a team; its conversations keep their assignees."""
        teams.delete(team=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class LabelViewSet(DeskViewSet):
    """Words that sort conversations."""

    queryset = Label.objects.none()
    serializer_class = LabelSerializer
    write_serializer = LabelWriteSerializer
    ordering = ("name",)
    required_permissions = {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "create": "chat.manage_label",
        "partial_update": "chat.manage_label",
        "destroy": "chat.manage_label",
    }

    def get_queryset(self) -> QuerySet[Label]:
        """All of them."""
        return Label.objects.all()

    @extend_schema(request=LabelWriteSerializer, responses={201: LabelSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a label."""
        label = labels.create(by=request.user, now=timezone.now(), **self.sent(request))
        return Response(desk.label(label), status=status.HTTP_201_CREATED)

    @extend_schema(request=LabelWriteSerializer, responses={200: LabelSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a label on every conversation that has it."""
        asked = self.sent(request, partial=True)
        return Response(
            desk.label(labels.change(label=self.get_object(), by=request.user, now=timezone.now(), **asked))
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a label, from the conversations that have it too."""
        labels.delete(label=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class CannedViewSet(DeskViewSet):
    """Ready answers: everybody's, the caller's teams' and the caller's own."""

    queryset = CannedResponse.objects.none()
    serializer_class = CannedSerializer
    write_serializer = CannedWriteSerializer
    ordering = ("shortcut",)
    required_permissions = {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "create": "chat.reply_conversation",
        "partial_update": "chat.reply_conversation",
        "destroy": "chat.reply_conversation",
    }

    def get_queryset(self) -> QuerySet[CannedResponse]:
        """What the caller may use; those who write for others see every team's."""
        if self.request.user.has_perm("chat.manage_canned") and self.action != "list":
            return CannedResponse.objects.exclude(scope="person") | CannedResponse.objects.filter(
                owner=self.request.user.pk
            )
        return CannedResponse.objects.for_person(self.request.user)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "q", OpenApiTypes.STR, description="Beginning of words of shortcut or text; accents aside."
            ),
            OpenApiParameter(
                "conversation", OpenApiTypes.INT64, description="Number of the conversation that fills `text`."
            ),
        ],
        responses={200: CannedSerializer(many=True)},
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ready answers, best first when something is looked for: then without further pages."""
        text = request.query_params.get("q", "").replace("\x00", "")
        number = numbers.query(request, "conversation", low=1)
        about = None
        if number is not None:
            rows = Conversation.objects.visible_to(request.user).select_related("contact", "inbox")
            about = rows.filter(number=number).first()
            if about is None:
                raise errors.Invalid(field="conversation")
        if text.strip():
            found = list(desk.canned_for(user=request.user, text=text)[:50])
            return Response(
                {"results": [self._drawn(row, about, request.user) for row in found], "next": None, "previous": None}
            )
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([self._drawn(row, about, request.user) for row in page])

    def _drawn(self, row: CannedResponse, about: Conversation | None, user: Any) -> dict[str, Any]:
        return desk.canned(row, canned.filled(row, conversation=about, by=user) if about is not None else "")

    @extend_schema(request=CannedWriteSerializer, responses={201: CannedSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a ready answer; for others with the permission to."""
        made = canned.create(by=request.user, now=timezone.now(), **self.sent(request))
        return Response(desk.canned(made), status=status.HTTP_201_CREATED)

    @extend_schema(request=CannedWriteSerializer, responses={200: CannedSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a ready answer."""
        asked = self.sent(request, partial=True)
        return Response(
            desk.canned(canned.change(canned=self.get_object(), by=request.user, now=timezone.now(), **asked))
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a ready answer."""
        canned.delete(canned=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SavedViewViewSet(DeskViewSet):
    """Lists of conversations under a name: everybody's, the caller's teams' and the caller's own."""

    queryset = SavedView.objects.none()
    serializer_class = ViewSerializer
    write_serializer = ViewWriteSerializer
    ordering = ("position", "name")
    required_permissions = {
        "list": "chat.view_conversation",
        "retrieve": "chat.view_conversation",
        "create": "chat.view_conversation",
        "partial_update": "chat.view_conversation",
        "destroy": "chat.view_conversation",
    }

    def get_queryset(self) -> QuerySet[SavedView]:
        """What the caller may use; those who set up views for others may change every team's."""
        if self.request.user.has_perm("chat.manage_view") and self.action != "list":
            return SavedView.objects.exclude(scope="person") | SavedView.objects.filter(owner=self.request.user.pk)
        return SavedView.objects.for_person(self.request.user)

    @extend_schema(request=ViewWriteSerializer, responses={201: ViewSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Keep a list under a name; the caller's own unless `scope` says otherwise."""
        made = views.create(by=request.user, now=timezone.now(), **self.sent(request))
        return Response(desk.view(made), status=status.HTTP_201_CREATED)

    @extend_schema(request=ViewWriteSerializer, responses={200: ViewSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a view; `filters` are all of its filters."""
        asked = self.sent(request, partial=True)
        return Response(desk.view(views.change(view=self.get_object(), by=request.user, now=timezone.now(), **asked)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a view."""
        views.delete(view=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class DraftsView(APIView):
    """What the caller has begun to write."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.reply_conversation"}

    @extend_schema(operation_id="chat_drafts_list", responses={200: DraftSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """The caller's newest two hundred drafts."""
        rows = Draft.objects.filter(user=request.user.pk).select_related("conversation")
        return Response([desk.draft(row) for row in rows.order_by("-updated_at", "-pk")[:200]])


class DraftView(APIView):
    """The caller's drafts of one conversation."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {
        "get": "chat.reply_conversation",
        "put": "chat.reply_conversation",
        "delete": "chat.reply_conversation",
    }

    def _key(self, request: Request, number: int) -> UUID:
        rows = Conversation.objects.visible_to(request.user).filter(number=number)
        key = rows.values_list("pk", flat=True).first()
        if key is None:
            raise errors.NotFound()
        return key

    @extend_schema(
        operation_id="chat_drafts_retrieve", parameters=[NUMBER], responses={200: DraftSerializer(many=True)}
    )
    def get(self, request: Request, number: int) -> Response:
        """The reply and the note that were begun here."""
        rows = Draft.objects.filter(user=request.user.pk, conversation=self._key(request, number))
        return Response([desk.draft(row) for row in rows.select_related("conversation").order_by("private")])

    @extend_schema(
        operation_id="chat_drafts_update",
        parameters=[NUMBER],
        request=DraftWriteSerializer,
        responses={200: DraftSerializer, 204: None},
    )
    def put(self, request: Request, number: int) -> Response:
        """Keep what was written so far; 204 when an empty text removed it."""
        sent = DraftWriteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        draft = drafts.keep(conversation_id=self._key(request, number), by=request.user, **sent.validated_data)
        if draft is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(desk.draft(draft))

    @extend_schema(operation_id="chat_drafts_destroy", parameters=[NUMBER], responses={204: None})
    def delete(self, request: Request, number: int) -> Response:
        """Forget both drafts of this conversation."""
        drafts.drop(conversation_id=self._key(request, number), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
