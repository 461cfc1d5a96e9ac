"""API tokens over the API, for people only: a token opens none of these doors."""

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.enums import TokenKind
from tenants.accounts.models import ApiToken, User
from tenants.accounts.permissions import CREATE_TOKENS, RequiredPermissions
from tenants.accounts.services import scopes, tokens


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its text."""

    begins_with = serializers.CharField(source="prefix", read_only=True)
    acts_as = serializers.SerializerMethodField(help_text="E-mail of its person; the name of a service.")
    role = serializers.CharField(
        source="role.slug", read_only=True, allow_null=True, help_text="Short name of a service's own role."
    )

    class Meta:
        model = ApiToken
        fields = [
            "id", "kind", "name", "begins_with", "acts_as", "role", "scopes", "created_at", "expires_at",
            "last_used_at", "last_used_from", "revoked_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.CharField())
    def get_acts_as(self, token: ApiToken) -> str:
        """Who it is."""
        return token.name if token.is_service else token.user.email


class TokenWithTextSerializer(TokenSerializer):
    """A token at the moment it was made: the only time its text is shown."""

    token = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Null in the answer to a request that was sent again with its key.",
    )

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


class TokenCreateSerializer(StrictSerializer):
    """What a person says about a token to be."""

    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=TokenKind.choices, default=TokenKind.PERSONAL)
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=60, help_text="See `/api/v1/settings/tokens/scopes/`."
    )
    days = serializers.IntegerField(default=tokens.DEFAULT_DAYS, min_value=1, help_text="How long it lives.")
    role = serializers.SlugField(max_length=40, required=False, help_text="The role of a service token.")


class ScopeSerializer(serializers.Serializer[Any]):
    """Something a token may be limited to."""

    scope = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class TokenViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    """Keys for programs: your own, and everybody's for who manages them."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    shown_once = ("token",)
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "destroy", "scopes"), CREATE_TOKENS)
    filter_backends = ()
    ordering = ("-created_at",)

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Those this person may see."""
        rows: QuerySet[ApiToken] = tokens.visible_to(cast(User, self.request.user))
        return rows.select_related("user", "role")

    @extend_schema(request=TokenCreateSerializer, responses={201: TokenWithTextSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a token. Its text is in this answer and nowhere else, ever."""
        sent = TokenCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        said = dict(sent.validated_data)
        kind, role = said.pop("kind"), said.pop("role", "")
        me = cast(User, request.user)
        common = {"scope_names": said.pop("scopes"), "host": request.get_host(), "now": timezone.now(), **said}
        if kind == TokenKind.SERVICE:
            token, plain = tokens.create_service(by=me, role=role, **common)
        else:
            token, plain = tokens.create_personal(user=me, **common)
        token.token = plain  # type: ignore[attr-defined]  # for this answer only
        return Response(
            TokenWithTextSerializer(token).data,
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke a token; it stops at once. Revoking twice is no error."""
        tokens.revoke(token_id=self.get_object().pk, by=cast(User, request.user), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="settings_tokens_scopes", responses={200: ScopeSerializer(many=True)})
    @action(detail=False, pagination_class=None)
    def scopes(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What a token may be limited to, and which permissions that covers."""
        rows = [{"scope": name, "permissions": sorted(names)} for name, names in scopes.known().items()]
        return Response(ScopeSerializer(rows, many=True).data)
