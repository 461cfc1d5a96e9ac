"""Credentials of outside services over the API: entered, tried, taken back; secrets are never given out."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from ops.kernel.api import IdempotentMixin, StrictSerializer
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.services import credentials
from ops.kernel.configuration.values import Source
from tenants.accounts.permissions import RequiredPermissions

CHANGE = "configuration.change_settings"
SOURCES = [(one.value, one.value) for one in Source]


class CredentialSerializer(serializers.Serializer[Any]):
    """One service with whose values are used; secrets are masked."""

    name = serializers.CharField(read_only=True, help_text="For example `providers.openai`.")
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # DRF's own `label` is set per field
    used = serializers.ChoiceField(
        choices=SOURCES, read_only=True, allow_null=True, help_text="Whose values are used; null when there are none."
    )
    version = serializers.IntegerField(read_only=True, help_text="Of the company's own values; 0 when there are none.")
    values = serializers.DictField(read_only=True, help_text="What is in force, secrets masked.")


class CredentialPatchSerializer(StrictSerializer):
    """New values; what is left out stays, an empty secret is removed."""

    values = serializers.DictField(help_text="By field.")
    seen_version = serializers.IntegerField(
        required=False, min_value=0, help_text="The version you looked at; another one since then is a 409."
    )
    insist = serializers.BooleanField(default=False, help_text="Keep them although the service refuses them.")


class CredentialTestSerializer(StrictSerializer):
    """What to try; nothing tries what is in force."""

    values = serializers.DictField(required=False, help_text="Values that are not saved.")


class CredentialTestedSerializer(serializers.Serializer[Any]):
    """What the service said."""

    ok = serializers.BooleanField(read_only=True)
    words = serializers.CharField(read_only=True)
    is_refused = serializers.BooleanField(read_only=True, help_text="The credentials themselves are wrong.")


class CredentialChangeSerializer(serializers.Serializer[Any]):
    """One field that a version changed."""

    field = serializers.CharField(read_only=True)
    before = serializers.CharField(read_only=True)
    after = serializers.CharField(read_only=True)


class CredentialVersionSerializer(serializers.Serializer[Any]):
    """One version."""

    version = serializers.IntegerField(read_only=True)
    in_force = serializers.BooleanField(read_only=True)
    author = serializers.CharField(read_only=True)
    note = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    changes = CredentialChangeSerializer(many=True, read_only=True)


class CredentialRollbackSerializer(StrictSerializer):
    """Which version to put in force again."""

    version = serializers.IntegerField(min_value=1)
    seen_version = serializers.IntegerField(required=False, min_value=0)


def as_json(name: str) -> dict[str, Any]:
    """One service as the API writes it."""
    found = credentials.find(name, for_tenant=True)
    values = configuration.get(name)
    return {
        "name": name,
        "label": str(found.label),
        "used": credentials.source_of(found, values),
        "version": values.version,
        "values": values.masked(),
    }


class CredentialsView(GenericAPIView[Any]):
    """Every service the product can use."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": CHANGE}
    serializer_class = CredentialSerializer
    queryset = SettingVersion.objects.none()
    filter_backends = ()
    pagination_class = None

    @extend_schema(operation_id="settings_credentials", responses={200: CredentialSerializer(many=True)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All of them; there are few, so no pages."""
        return Response([as_json(line.name) for line in credentials.listed(for_tenant=True)])


class CredentialView(GenericAPIView[Any]):
    """One service."""

    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("get", "patch", "delete"), CHANGE)
    serializer_class = CredentialSerializer

    @extend_schema(operation_id="settings_credential", responses={200: CredentialSerializer})
    def get(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """What is in force, secrets masked."""
        return Response(as_json(name))

    @extend_schema(
        operation_id="settings_credential_change",
        request=CredentialPatchSerializer,
        responses={200: CredentialSerializer},
    )
    def patch(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """Keep new values, after the service was asked about them."""
        sent = CredentialPatchSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        credentials.save(
            name,
            asked["values"],
            by=request.user,
            now=timezone.now(),
            for_tenant=True,
            seen_version=asked.get("seen_version"),
            insist=asked["insist"],
        )
        return Response(as_json(name))

    @extend_schema(operation_id="settings_credential_reset", responses={204: None})
    def delete(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """Take the company's own values back."""
        credentials.find(name, for_tenant=True)
        configuration.reset(name, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class CredentialTestView(GenericAPIView[Any]):
    """Whether a service takes its credentials."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": CHANGE}
    serializer_class = CredentialTestSerializer

    @extend_schema(
        operation_id="settings_credential_test",
        request=CredentialTestSerializer,
        responses={200: CredentialTestedSerializer},
    )
    def post(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """One cheap call to the service."""
        sent = CredentialTestSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        tested = credentials.try_out(name, sent.validated_data.get("values"), for_tenant=True)
        return Response({"ok": tested.ok, "words": str(tested.words), "is_refused": tested.is_refused})


class CredentialVersionsView(IdempotentMixin, GenericAPIView[Any]):
    """The history of one service."""

    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("get", "post"), CHANGE)
    serializer_class = CredentialVersionSerializer
    queryset = SettingVersion.objects.none()
    filter_backends = ()
    pagination_class = None

    @extend_schema(operation_id="settings_credential_versions", responses={200: CredentialVersionSerializer(many=True)})
    def get(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """The newest fifty versions with what each one changed."""
        credentials.find(name, for_tenant=True)
        return Response(
            [
                {
                    "version": one.row.version,
                    "in_force": one.row.active,
                    "author": one.row.author_label,
                    "note": one.row.note,
                    "created_at": one.row.created_at,
                    "changes": [
                        {"field": change.label, "before": change.before, "after": change.after}
                        for change in one.changes
                    ],
                }
                for one in credentials.versions(name)
            ]
        )

    @extend_schema(
        operation_id="settings_credential_rollback",
        request=CredentialRollbackSerializer,
        responses={200: CredentialSerializer},
    )
    def post(self, request: Request, name: str, *args: Any, **kwargs: Any) -> Response:
        """Put an earlier version in force again, as a new one."""
        credentials.find(name, for_tenant=True)
        sent = CredentialRollbackSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        configuration.rollback(name, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(as_json(name))
