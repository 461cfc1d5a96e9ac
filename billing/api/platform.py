"""Customers over the API of the platform's and the resellers' hosts: what the console does, for programs."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, permissions, serializers, status
from rest_framework.decorators import action
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing.models import Subscription
from billing.services import onboarding, subscriptions
from ops.kernel.api import IdempotentMixin, StrictSerializer
from ops.kernel.errors import FieldError, Invalid
from tenants.enums import ConsoleRight, CopyMode, TenantStatus
from tenants.models import Reseller, Tenant
from tenants.queries import portfolio
from tenants.services import cloning, domains, leaving, lifecycle, provisioning, renaming

# What each call asks of a reseller's team; one that is not named is closed.
RIGHTS = {
    "list": ConsoleRight.VIEW_CUSTOMERS,
    "retrieve": ConsoleRight.VIEW_CUSTOMERS,
    "create": ConsoleRight.CREATE_CUSTOMERS,
    "suspend": ConsoleRight.STOP_CUSTOMERS,
    "resume": ConsoleRight.STOP_CUSTOMERS,
    "archive": ConsoleRight.CLOSE_CUSTOMERS,
    "restore": ConsoleRight.CLOSE_CUSTOMERS,
    "change_plan": ConsoleRight.CHANGE_PLANS,
    "clone": ConsoleRight.CREATE_CUSTOMERS,
    "rename": ConsoleRight.CHANGE_ADDRESSES,
    "domains_move": ConsoleRight.CHANGE_ADDRESSES,
    "delete_planned": ConsoleRight.CLOSE_CUSTOMERS,
    "undelete": ConsoleRight.CLOSE_CUSTOMERS,
    "metadata": ConsoleRight.VIEW_CUSTOMERS,
}


class ConsolePermission(permissions.BasePermission):
    """Platform staff, and people of a reseller on its own hosts or the platform's: the rule of the console.

    A view about something else than customers says by `rights` what each of its actions needs.
    """

    message = _("This person has no access to customers here.")

    def has_permission(self, request: Request, view: Any) -> bool:
        """Keep the scope on the view: every list and every single row starts from it."""
        try:
            view.scope = portfolio.scope_of(user=request.user, host=getattr(request, "reseller", None))
        except portfolio.ScopeRefused:
            return False
        right = getattr(view, "rights", RIGHTS).get(view.action)
        return right is not None and view.scope.may(right)


class TenantFilter(django_filters.FilterSet):
    """`?q=` looks in names and addresses."""

    q = django_filters.CharFilter(
        method="search", max_length=100, label="Part of the name or the address, whatever its case."
    )
    status = django_filters.ChoiceFilter(choices=TenantStatus.choices)
    plan = django_filters.CharFilter(method="on_plan", max_length=40, label="Short name of the plan in force.")
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Tenant
        fields = ["q", "status", "plan", "created_after", "created_before"]

    def search(self, rows: Any, name: str, value: str) -> Any:
        """By name or address."""
        return rows.filter(Q(name__icontains=value) | Q(slug__icontains=value))

    def on_plan(self, rows: Any, name: str, value: str) -> Any:
        """By the plan in force."""
        return rows.filter(plan_slug=value)


class TenantSerializer(serializers.Serializer[Any]):
    """A customer as the console sees it."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True)
    address = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=TenantStatus.choices, read_only=True)
    plan = serializers.CharField(source="plan_slug", read_only=True, allow_null=True)
    reseller = serializers.SerializerMethodField()
    language = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)
    suspended_at = serializers.DateTimeField(read_only=True, allow_null=True)
    suspend_reason = serializers.CharField(read_only=True)
    delete_after = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When everything of a closed customer is deleted."
    )
    created_at = serializers.DateTimeField(read_only=True)

    def get_address(self, row: Tenant) -> str:
        """Where it answers."""
        hosts = sorted(row.domains.all(), key=lambda host: not host.is_primary)
        return domains.address_at(hosts[0].domain) if hosts else ""

    def get_reseller(self, row: Tenant) -> str | None:
        """Short name of its reseller; null for a direct customer."""
        return row.reseller.slug if row.reseller else None


class TenantCreateSerializer(StrictSerializer):
    """A customer to be. Its owner gets a link by e-mail."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="Made from the name when left out."
    )
    plan = serializers.CharField(max_length=40)
    owner_email = serializers.EmailField(max_length=254)
    owner_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    language = serializers.CharField(max_length=8, required=False)
    time_zone = serializers.CharField(max_length=40, required=False)
    currency = serializers.CharField(max_length=3, required=False)
    reseller = serializers.SlugField(
        max_length=40, required=False, help_text="For platform staff on the platform's host: whose customer it becomes."
    )


class SuspendSerializer(StrictSerializer):
    """Why a customer is stopped."""

    reason = serializers.CharField(max_length=200)


class ArchiveSerializer(StrictSerializer):
    """Why an account is put away."""

    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class PlanChangeSerializer(StrictSerializer):
    """The short name of the new plan."""

    plan = serializers.CharField(max_length=40)


class CloneSerializer(StrictSerializer):
    """A copy to be. With everything it keeps the owners of the original; of the settings only, it needs one."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="Made from the name when left out."
    )
    mode = serializers.ChoiceField(
        choices=[(one.value, one.label) for one in (CopyMode.FULL, CopyMode.SETTINGS)], default=CopyMode.SETTINGS
    )
    plan = serializers.CharField(max_length=40, required=False, help_text="The original's when left out.")
    owner_email = serializers.EmailField(max_length=254, required=False)
    owner_name = serializers.CharField(max_length=120, required=False, allow_blank=True)


class RenameSerializer(StrictSerializer):
    """Another name, another address, or both."""

    name = serializers.CharField(max_length=120, required=False)
    slug = serializers.CharField(max_length=40, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """At least one of them."""
        if not attrs:
            raise serializers.ValidationError({"name": [_("Give a name, an address, or both.")]})
        return attrs


class MoveDomainSerializer(StrictSerializer):
    """An own domain, and the customer of the same reseller that it goes to."""

    host = serializers.CharField(max_length=253)
    to = serializers.UUIDField()


class DeleteSerializer(StrictSerializer):
    """Why a customer's account is closed. Its name is sent along, so that no script closes the wrong one."""

    name = serializers.CharField(max_length=120)
    reason = serializers.CharField(max_length=200)
    grace_days = serializers.IntegerField(min_value=7, max_value=365, default=lifecycle.GRACE.days)


class TenantViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tenant]):
    """The customers in sight: all of them for platform staff, a reseller's own for its people."""

    queryset = Tenant.objects.none()
    serializer_class = TenantSerializer
    permission_classes = (permissions.IsAuthenticated, ConsolePermission)
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = TenantFilter
    ordering_fields = ("created_at", "name")
    ordering = ("-created_at",)
    lookup_value_converter = "uuid"
    scope: portfolio.Scope

    def get_queryset(self) -> QuerySet[Tenant]:
        """Customers in sight, with what a row shows."""
        if getattr(self, "swagger_fake_view", False):
            return Tenant.objects.none()
        in_force = Subscription.objects.open().filter(tenant=OuterRef("pk")).values("plan__slug")[:1]
        return (
            self.scope.tenants()
            .select_related("reseller")
            .prefetch_related("domains")
            .annotate(plan_slug=Subquery(in_force))
        )

    @extend_schema(request=TenantCreateSerializer, responses={201: TenantSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create a customer. It answers `provisioning` and is `active` a few seconds later."""
        sent = TenantCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        answers = dict(sent.validated_data)
        reseller = self._reseller(answers.pop("reseller", None))
        made = onboarding.sign_up(**answers, reseller=reseller, by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=SuspendSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, pk: Any = None) -> Response:
        """Stop a customer; everything is kept."""
        sent = SuspendSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        lifecycle.suspend(
            tenant=self.get_object(), reason=sent.validated_data["reason"], by=request.user, now=timezone.now()
        )
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: Any = None) -> Response:
        """Let a suspended customer work again."""
        lifecycle.resume(tenant=self.get_object(), by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=ArchiveSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: Any = None) -> Response:
        """Close the doors for everybody and keep the data, without a date for their deletion."""
        sent = ArchiveSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        reason = sent.validated_data.get("reason", "")
        lifecycle.archive(tenant=self.get_object(), reason=reason, by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: Any = None) -> Response:
        """Open a closed account again; a planned deletion is taken back."""
        leaving.open_again(tenant=self.get_object(), by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=PlanChangeSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"], url_path="plan")
    def change_plan(self, request: Request, pk: Any = None) -> Response:
        """Put a customer on another plan, from now on. What it uses beyond the new limits stays; more of it is refused."""
        sent = PlanChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        subscriptions.change_plan(
            tenant=self.get_object(), plan=sent.validated_data["plan"], by=request.user, now=timezone.now()
        )
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=CloneSerializer, responses={201: TenantSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: Any = None) -> Response:
        """Make a customer from this one. The copy answers `provisioning` and is `active` a little later."""
        sent = CloneSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        answers = dict(sent.validated_data)
        email, name = answers.pop("owner_email", ""), answers.pop("owner_name", "")
        source = self.get_object()
        owner = provisioning.Owner(email, name, language=source.language) if email else None
        mode = CopyMode(answers.pop("mode"))
        made = cloning.clone(source=source, mode=mode, owner=owner, **answers, by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RenameSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def rename(self, request: Request, pk: Any = None) -> Response:
        """Give a customer another name or address. Pages at the old address lead to the new one for ninety days."""
        sent = RenameSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        renaming.rename(tenant=self.get_object(), **sent.validated_data, by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=MoveDomainSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"], url_path="move-domain")
    def domains_move(self, request: Request, pk: Any = None) -> Response:
        """Let an own domain answer for another customer of the same reseller. Answers with that customer."""
        sent = MoveDomainSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        source = self.get_object()
        target = self.get_queryset().filter(pk=sent.validated_data["to"]).first()
        if target is None:
            words = str(_("There is no such customer."))
            raise Invalid(errors=[FieldError("to", "unknown_tenant", words)])
        renaming.move_domain(
            host=sent.validated_data["host"],
            source=source,
            target=target,
            by=request.user,
            now=timezone.now(),
        )
        return Response(TenantSerializer(self.get_queryset().get(pk=target.pk)).data)

    @extend_schema(request=DeleteSerializer, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"], url_path="delete")
    def delete_planned(self, request: Request, pk: Any = None) -> Response:
        """Close a customer's account now and delete everything after the grace time. Its owners get the last export."""
        sent = DeleteSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        tenant = self.get_object()
        leaving.require_name(tenant, sent.validated_data["name"])
        leaving.plan(
            tenant=tenant,
            reason=leaving.require_reason(sent.validated_data["reason"]),
            grace=timedelta(days=sent.validated_data["grace_days"]),
            by=request.user,
            now=timezone.now(),
        )
        return Response(TenantSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={200: TenantSerializer})
    @action(detail=True, methods=["post"])
    def undelete(self, request: Request, pk: Any = None) -> Response:
        """Take a planned deletion back: everything is as it was."""
        leaving.take_back(tenant=self.get_object(), by=request.user, now=timezone.now())
        return Response(TenantSerializer(self.get_object()).data)

    def _reseller(self, slug: str | None) -> Reseller | None:
        """Whose customer it becomes: the scope's own reseller, or the one platform staff names."""
        if slug is None:
            return self.scope.reseller
        found = self.scope.limit(Reseller.objects.filter(slug=slug, is_active=True), "pk").first()
        if found is None:
            raise Invalid(errors=[FieldError("reseller", "unknown_reseller", str(_("There is no such reseller.")))])
        return found
