"""Settings and brand of the tenant over the API."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.accounts.permissions import RequiredPermissions
from tenants.api.serializers import (
    BrandingPatchSerializer,
    BrandingSerializer,
    PictureSerializer,
    SettingsPatchSerializer,
    SettingsSerializer,
)
from tenants.models import Domain, Tenant
from tenants.permissions import CHANGE_BRANDING, CHANGE_SETTINGS
from tenants.queries import brands
from tenants.services import branding, company


class SettingsView(GenericAPIView[Any]):
    """The company."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": None, "patch": CHANGE_SETTINGS}
    open_to_tokens = True
    serializer_class = SettingsSerializer

    @extend_schema(operation_id="settings_read", responses={200: SettingsSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Name, address, language, time zone and currency."""
        return Response(_settings(request.tenant))

    @extend_schema(operation_id="settings_update", request=SettingsPatchSerializer, responses={200: SettingsSerializer})
    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of them."""
        sent = SettingsPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        tenant = company.update(tenant=request.tenant, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(_settings(tenant))


class BrandingView(GenericAPIView[Any]):
    """The brand."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": None, "patch": CHANGE_BRANDING}
    open_to_tokens = True
    serializer_class = BrandingSerializer

    @extend_schema(operation_id="branding_read", responses={200: BrandingSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was chosen, and what pages show."""
        return Response(_branding(request.tenant))

    @extend_schema(operation_id="branding_update", request=BrandingPatchSerializer, responses={200: BrandingSerializer})
    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change names, colours and custom CSS."""
        sent = BrandingPatchSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        branding.save(owner=request.tenant, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(_branding(request.tenant))


class _PictureView(GenericAPIView[Any]):
    """One picture of the brand."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"put": CHANGE_BRANDING, "delete": CHANGE_BRANDING}
    serializer_class = PictureSerializer
    parser_classes = (MultiPartParser,)
    picture = ""

    def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put a picture in place; it is checked, made smaller and stored without anything but its pixels."""
        sent = PictureSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        self._save(request, sent.validated_data["file"])
        return Response(_branding(request.tenant))

    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the picture away."""
        self._save(request, None)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _save(self, request: Request, file: Any) -> None:
        branding.save(owner=request.tenant, by=request.user, now=timezone.now(), **{self.picture: file})


class LogoView(_PictureView):
    """The logo."""

    picture = "logo"

    @extend_schema(
        operation_id="branding_logo_put",
        request={"multipart/form-data": PictureSerializer},
        responses={200: BrandingSerializer},
    )
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace the logo."""
        return super().put(request, *args, **kwargs)

    @extend_schema(operation_id="branding_logo_delete", responses={204: None})
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the logo away."""
        return super().delete(request, *args, **kwargs)


class FaviconView(_PictureView):
    """The favicon."""

    picture = "favicon"

    @extend_schema(
        operation_id="branding_favicon_put",
        request={"multipart/form-data": PictureSerializer},
        responses={200: BrandingSerializer},
    )
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace the favicon."""
        return super().put(request, *args, **kwargs)

    @extend_schema(operation_id="branding_favicon_delete", responses={204: None})
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the favicon away."""
        return super().delete(request, *args, **kwargs)


def _settings(tenant: Tenant) -> dict[str, Any]:
    hosts = Domain.objects.filter(tenant=tenant).order_by("-is_primary", "domain")
    return {name: getattr(tenant, name) for name in ("name", "slug", "status", *company.FIELDS)} | {
        "hosts": list(hosts.values_list("domain", flat=True))
    }


def _branding(tenant: Tenant) -> dict[str, Any]:
    row, look = branding.of(tenant), brands.brand_for(tenant)
    chosen = ("display_name", "primary_color", "secondary_color", "email_sender_name", "custom_css")
    shown = ("display_name", "primary", "secondary", "logo_url", "favicon_url", "css_url", "email_sender_name")
    return {name: getattr(row, name) for name in chosen} | {"effective": {name: getattr(look, name) for name in shown}}
