"""What an agent does with a whole conversation besides answering it, as actions of its address."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.desk_serializers import (
    LabelsPutSerializer,
    MergeSerializer,
    MuteSerializer,
    SpamSerializer,
    TeamPutSerializer,
    TransferSerializer,
)
from chat.api.serializers import ConversationSerializer
from chat.models import Conversation, Team
from chat.services import assignment, conversations, handling, labels
from ops.kernel import errors
from tenants.accounts.models import User

NUMBER = OpenApiParameter(
    "number", OpenApiTypes.INT64, OpenApiParameter.PATH, description="The conversation's number in this tenant."
)


def team_of(key: UUID | None) -> Team | None:
    """The team of an id, nothing for none. Raises `Invalid`."""
    if key is None:
        return None
    team = Team.objects.filter(pk=key).first()
    if team is None:
        raise errors.Invalid(field="team")
    return team


def person_of(key: UUID | None) -> User | None:
    """The person of an id, nothing for none. Raises `Invalid`."""
    if key is None:
        return None
    person = User.objects.active().filter(pk=key).first()
    if person is None:
        raise errors.Invalid(field="assignee")
    return person


class HandlingActions:
    """Actions for the conversations' view set: labels, team, transfer, mute, spam, merge, unread."""

    required_permissions = {
        "labels": "chat.reply_conversation",
        "team": "chat.assign_conversation",
        "transfer": "chat.reply_conversation",
        "mute": "chat.reply_conversation",
        "spam": "chat.close_conversation",
        "merge": "chat.close_conversation",
        "unread": "chat.reply_conversation",
    }
    _key: Any
    _answer: Any

    @extend_schema(parameters=[NUMBER], request=LabelsPutSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def labels(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give it exactly these labels (`labels`), or put some on and take some off (`add`, `remove`)."""
        sent = LabelsPutSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key, now = self._key(), timezone.now()
        asked = sent.validated_data
        if "labels" in asked:
            labels.set_on(conversation_id=key, labels=asked["labels"], by=request.user, now=now)
        else:
            labels.change_on(conversation_id=key, by=request.user, now=now, **asked)
        return self._answer(key)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=TeamPutSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def team(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give it to a team, or to none; the assignee stays."""
        sent = TeamPutSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key = self._key()
        team = team_of(sent.validated_data["team"])
        assignment.assign_team(conversation_id=key, team=team, by=request.user, now=timezone.now())
        return self._answer(key)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=TransferSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hand it over to a person or a team's queue, with a note for whoever takes it."""
        sent = TransferSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key, asked = self._key(), sent.validated_data
        handling.transfer(
            conversation_id=key,
            by=request.user,
            to=person_of(asked["assignee"]),
            team=team_of(asked["team"]),
            note=asked["note"],
            client_id=asked["client_id"],
            now=timezone.now(),
        )
        return self._answer(key)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=MuteSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def mute(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Notify nobody of what comes in it, or notify again."""
        sent = MuteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key = self._key()
        handling.mute(conversation_id=key, by=request.user, now=timezone.now(), **sent.validated_data)
        return self._answer(key)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=SpamSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def spam(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put it away as spam, which gives it back to the plan, or take that back. `block` also shuts the contact out."""
        sent = SpamSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        if sent.validated_data["block"] and not request.user.has_perm("chat.change_contact"):
            raise errors.PermissionRefused(field="block")
        key = self._key()
        handling.mark_spam(conversation_id=key, by=request.user, now=timezone.now(), **sent.validated_data)
        return self._answer(key)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=MergeSerializer, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Continue it in another conversation of the same contact, whose number is `into`. Answers that one."""
        sent = MergeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        key = self._key()
        rows = Conversation.objects.visible_to(request.user).filter(number=sent.validated_data["into"])
        into = rows.values_list("pk", flat=True).first()
        if into is None:
            raise errors.Invalid(field="into")
        handling.merge(conversation_id=key, into=into, by=request.user, now=timezone.now())
        return self._answer(into)  # type: ignore[no-any-return]

    @extend_schema(parameters=[NUMBER], request=None, responses={200: ConversationSerializer})
    @action(detail=True, methods=["post"])
    def unread(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show the visitor's last message as unread again."""
        key = self._key()
        conversations.mark_unread(conversation_id=key, by=request.user, now=timezone.now())
        return self._answer(key)  # type: ignore[no-any-return]
