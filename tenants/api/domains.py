"""The company's own domains over the API."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions
from tenants.enums import ClaimState, TlsProblem
from tenants.models import DomainClaim
from tenants.permissions import MANAGE_DOMAINS
from tenants.queries import records
from tenants.services import claims


class DnsRecordSerializer(serializers.Serializer[Any]):
    """One record to enter in the domain's DNS."""

    kind = serializers.CharField(read_only=True, help_text="TXT, CNAME, A, AAAA or ALIAS.")
    name = serializers.CharField(read_only=True, help_text="Below the registered domain, as most panels want it.")
    full = serializers.CharField(read_only=True)
    value = serializers.CharField(read_only=True)
    is_proof = serializers.BooleanField(read_only=True, help_text="Proves whose the domain is; the others lead here.")


class DomainCertificateSerializer(serializers.Serializer[Any]):
    """The certificate visitors are shown, as it was seen last."""

    valid_until = serializers.DateTimeField(source="tls_until", read_only=True, allow_null=True)
    issuer = serializers.CharField(source="tls_issuer", read_only=True)
    problem = serializers.ChoiceField(
        source="tls_problem",
        choices=TlsProblem.choices,
        read_only=True,
        allow_blank=True,
        help_text="Empty when all is well.",
    )
    checked_at = serializers.DateTimeField(source="tls_checked_at", read_only=True, allow_null=True)


class DomainSerializer(serializers.Serializer[Any]):
    """A domain of the company's own. It answers from `verified` on, and not before."""

    id = serializers.UUIDField(read_only=True)
    host = serializers.CharField(read_only=True, help_text="In ASCII, as the DNS writes it.")
    state = serializers.ChoiceField(choices=ClaimState.choices, read_only=True)
    is_primary = serializers.SerializerMethodField(help_text="Whether links are made with it.")
    has_proof = serializers.SerializerMethodField(help_text="The TXT record is right; null while unknown.")
    leads_here = serializers.SerializerMethodField(help_text="Visitors arrive here; null while unknown.")
    records = serializers.SerializerMethodField()
    verified_at = serializers.DateTimeField(read_only=True, allow_null=True)
    checked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    failing_since = serializers.DateTimeField(read_only=True, allow_null=True)
    certificate = DomainCertificateSerializer(source="*", read_only=True)

    def get_is_primary(self, row: DomainClaim) -> bool:
        """Of a proven one only."""
        return bool(row.domain and row.domain.is_primary)

    def get_has_proof(self, row: DomainClaim) -> bool | None:
        """As of the last check."""
        return row.found.get("proof")

    def get_leads_here(self, row: DomainClaim) -> bool | None:
        """As of the last check."""
        return row.found.get("points")

    @extend_schema_field(DnsRecordSerializer(many=True))
    def get_records(self, row: DomainClaim) -> list[dict[str, Any]]:
        """The proof first."""
        return list(DnsRecordSerializer(records.needed(row), many=True).data)


class DomainAddSerializer(StrictSerializer):
    """A domain to claim."""

    host = serializers.CharField(max_length=253, help_text="Letters with accents are fine.")


class DomainPrimarySerializer(StrictSerializer):
    """How it becomes the main address."""

    redirect = serializers.BooleanField(default=True, help_text="Pages asked for at the others lead to it.")


class DomainViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[DomainClaim]):
    """The company's own domains: claim one, prove it, make it the main address."""

    queryset = DomainClaim.objects.none()
    serializer_class = DomainSerializer
    lookup_value_converter = "uuid"
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "destroy", "check", "primary"), MANAGE_DOMAINS)
    filter_backends = ()
    ordering = ("created_at",)

    def get_queryset(self) -> QuerySet[DomainClaim]:
        """Those of this tenant."""
        if getattr(self, "swagger_fake_view", False):
            return DomainClaim.objects.none()
        return DomainClaim.objects.of(self.request.tenant).select_related("tenant__reseller", "reseller", "domain")

    @extend_schema(request=DomainAddSerializer, responses={201: DomainSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Claim a domain; the answer says what to enter in its DNS."""
        sent = DomainAddSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = claims.claim(
            tenant=request.tenant, host=sent.validated_data["host"], by=request.user, now=timezone.now()
        )
        return Response(DomainSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let a domain go; it stops answering at once."""
        claims.release(claim=self.get_object(), by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: DomainSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask the DNS now; takes some seconds at most."""
        done = claims.check_now(claim=self.get_object(), by=request.user, now=timezone.now())
        return Response(DomainSerializer(done).data)

    @extend_schema(request=DomainPrimarySerializer, responses={200: DomainSerializer})
    @action(detail=True, methods=["post"])
    def primary(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make links with this domain from now on."""
        sent = DomainPrimarySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        claims.make_primary(
            claim=self.get_object(), redirect=sent.validated_data["redirect"], by=request.user, now=timezone.now()
        )
        return Response(DomainSerializer(self.get_object()).data)
