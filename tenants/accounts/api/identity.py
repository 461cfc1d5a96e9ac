"""Login services and e-mail domains over the API. Secrets are taken and never given back."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.enums import IdentityProviderKind
from tenants.accounts.models import EmailDomain, IdentityProvider
from tenants.accounts.permissions import RequiredPermissions
from tenants.accounts.services import connections, email_domains, identity_providers

MANAGE = "accounts.manage_identityprovider"


class GroupRoleSerializer(StrictSerializer):
    """One group at the provider, one role here."""

    group = serializers.CharField(max_length=200)
    role = serializers.CharField(max_length=40, help_text=_("Short name of a role, not the owner's."))


class CertificateSerializer(serializers.Serializer[Any]):
    """A certificate answers are believed by."""

    fingerprint = serializers.CharField(help_text="SHA-256.")
    expires_at = serializers.DateTimeField()


class IdentityProviderSerializer(serializers.ModelSerializer[IdentityProvider]):
    """A login service without its secrets."""

    domains = serializers.SerializerMethodField()
    default_role = serializers.CharField(source="default_role.slug", read_only=True, allow_null=True, default=None)
    group_roles = GroupRoleSerializer(many=True, read_only=True)
    has_client_secret = serializers.SerializerMethodField()
    certificates = serializers.SerializerMethodField()
    ours = serializers.SerializerMethodField(help_text=_("Our addresses, for the provider's own settings."))

    class Meta:
        model = IdentityProvider
        fields = [
            "id", "kind", "name", "button_label", "enabled", "enforced", "issuer", "client_id", "has_client_secret",
            "metadata_url", "entity_id", "sso_url", "slo_url", "certificates", "idp_initiated", "email_attribute",
            "name_attribute", "groups_attribute", "domains", "creates_people", "default_role", "group_roles",
            "asks_second_factor", "tested_at", "checked_at", "problem", "ours", "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_domains(self, row: IdentityProvider) -> list[str]:
        """Names of the proved domains its people may come from."""
        return sorted(domain.name for domain in row.domains.all())

    def get_has_client_secret(self, row: IdentityProvider) -> bool:
        """Whether a secret is stored."""
        return bool(row.client_secret)

    @extend_schema_field(CertificateSerializer(many=True))
    def get_certificates(self, row: IdentityProvider) -> list[dict[str, Any]]:
        """Fingerprints and ends."""
        return list(CertificateSerializer(identity_providers.certificates(row), many=True).data)

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_ours(self, row: IdentityProvider) -> dict[str, str]:
        """Where the provider sends browsers."""
        request = self.context["request"]
        return connections.own_addresses(
            row, connections.base_of(host=request.get_host(), scheme=request.scheme or "https")
        )


class IdentityProviderWriteSerializer(StrictSerializer):
    """What can be set; what is left out stays."""

    name = serializers.CharField(max_length=80)
    button_label = serializers.CharField(max_length=80, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)
    enforced = serializers.BooleanField(required=False, help_text=_("Only after a test login has worked."))
    issuer = serializers.CharField(max_length=500, required=False, allow_blank=True)
    client_id = serializers.CharField(max_length=300, required=False, allow_blank=True)
    client_secret = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, write_only=True, help_text=_("Empty keeps the one there is.")
    )
    metadata_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    metadata_xml = serializers.CharField(max_length=500_000, required=False, allow_blank=True, write_only=True)
    entity_id = serializers.CharField(max_length=500, required=False, allow_blank=True)
    sso_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    slo_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    certificate = serializers.CharField(max_length=20_000, required=False, allow_blank=True, write_only=True)
    next_certificate = serializers.CharField(max_length=20_000, required=False, allow_blank=True, write_only=True)
    idp_initiated = serializers.BooleanField(required=False)
    email_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    name_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    groups_attribute = serializers.CharField(max_length=200, required=False, allow_blank=True)
    domains = serializers.ListField(child=serializers.CharField(max_length=253), max_length=100, required=False)
    creates_people = serializers.BooleanField(required=False)
    default_role = serializers.CharField(max_length=40, required=False, allow_null=True, allow_blank=True)
    group_roles = GroupRoleSerializer(many=True, required=False)
    asks_second_factor = serializers.BooleanField(required=False)


class IdentityProviderCreateSerializer(IdentityProviderWriteSerializer):
    """A new login service; it is off until it is switched on."""

    kind = serializers.ChoiceField(choices=IdentityProviderKind.choices)


class PublishedSerializer(serializers.Serializer[Any]):
    """What a login service publishes, line by line."""

    found = serializers.ListField(child=serializers.CharField())


class EmailDomainSerializer(serializers.ModelSerializer[EmailDomain]):
    """A domain, and the TXT record that proves it."""

    record_name = serializers.SerializerMethodField()
    record_text = serializers.SerializerMethodField()

    class Meta:
        model = EmailDomain
        fields = [
            "id", "name", "verified_at", "proof", "checked_at", "failing_since", "record_name", "record_text", "created_at",
        ]  # fmt: skip

    def get_record_name(self, row: EmailDomain) -> str:
        """Where the record stands."""
        return email_domains.record_of(row)[0]

    def get_record_text(self, row: EmailDomain) -> str:
        """What it says."""
        return email_domains.record_of(row)[1]


class EmailDomainCreateSerializer(StrictSerializer):
    """A domain of the company."""

    name = serializers.CharField(max_length=253)


class IdentityProviderViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[IdentityProvider]
):
    """Login services of the company."""

    queryset = IdentityProvider.objects.none()
    serializer_class = IdentityProviderSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy", "check"), MANAGE)
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[IdentityProvider]:
        """Every one of the tenant."""
        return IdentityProvider.objects.select_related("default_role").prefetch_related("domains")

    @extend_schema(request=IdentityProviderCreateSerializer, responses={201: IdentityProviderSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a login service. A metadata address is read at once."""
        sent = IdentityProviderCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = identity_providers.create(by=request.user, now=timezone.now(), **_plain(sent.validated_data))
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=IdentityProviderWriteSerializer, responses={200: IdentityProviderSerializer})
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a login service. Another issuer, client or entity takes back the test and "the only way in"."""
        sent = IdentityProviderWriteSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        row = self.get_object()
        identity_providers.change(
            provider_id=row.pk, by=request.user, now=timezone.now(), **_plain(sent.validated_data)
        )
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a login service; its people stay."""
        identity_providers.remove(provider_id=self.get_object().pk, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: PublishedSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fetch what the login service publishes. A test login needs a browser."""
        base = connections.base_of(host=request.get_host(), scheme=request.scheme or "https")
        found = identity_providers.check(provider_id=self.get_object().pk, base=base, now=timezone.now())
        return Response({"found": found})


class EmailDomainViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[EmailDomain]
):
    """E-mail domains of the company."""

    queryset = EmailDomain.objects.none()
    serializer_class = EmailDomainSerializer
    lookup_value_regex = "[0-9a-fA-F-]{32,36}"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "destroy", "prove"), MANAGE)
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[EmailDomain]:
        """Every one of the tenant."""
        return EmailDomain.objects.all()

    @extend_schema(request=EmailDomainCreateSerializer, responses={201: EmailDomainSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a domain; the answer has the record that proves it."""
        sent = EmailDomainCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = email_domains.add(name=sent.validated_data["name"], by=request.user, now=timezone.now())
        return Response(EmailDomainSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Forget a domain; 409 while a login service lets its people in."""
        email_domains.remove(domain_id=self.get_object().pk, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: EmailDomainSerializer})
    @action(detail=True, methods=["post"])
    def prove(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Look for the record now; 422 `domain_not_proved` when it is not there yet."""
        row = email_domains.prove(domain_id=self.get_object().pk, by=request.user, now=timezone.now())
        return Response(EmailDomainSerializer(row).data)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    if "group_roles" in values:
        values["group_roles"] = [dict(row) for row in values["group_roles"]]
    return values
