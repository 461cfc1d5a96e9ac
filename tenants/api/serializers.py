"""A tenant's settings and brand as the API writes and reads them."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from ops.kernel.api import StrictSerializer
from tenants.enums import TenantStatus
from tenants.services import naming


class SettingsSerializer(serializers.Serializer[Any]):
    """The company: how it is called and what its people see."""

    name = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True, help_text="The first word of its host below the platform.")
    hosts = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Main one first.")
    status = serializers.ChoiceField(choices=TenantStatus.choices, read_only=True)
    language = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)


class SettingsPatchSerializer(StrictSerializer):
    """What can be changed; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False)
    time_zone = serializers.CharField(max_length=40, required=False, help_text="A name of the IANA database.")
    currency = serializers.ChoiceField(choices=list(naming.CURRENCIES.items()), required=False)


class BrandingSerializer(serializers.Serializer[Any]):
    """The brand: what the tenant chose, and below `effective` what its pages show."""

    display_name = serializers.CharField(read_only=True)
    primary_color = serializers.CharField(read_only=True, help_text="Empty: the reseller's or the platform's.")
    secondary_color = serializers.CharField(read_only=True, help_text="Empty: the reseller's or the platform's.")
    email_sender_name = serializers.CharField(read_only=True)
    custom_css = serializers.CharField(read_only=True)
    effective = serializers.DictField(child=serializers.CharField(allow_blank=True), read_only=True)


class BrandingPatchSerializer(StrictSerializer):
    """What can be changed; what is left out stays, an empty text falls back."""

    display_name = serializers.CharField(max_length=80, allow_blank=True, required=False)
    primary_color = serializers.CharField(max_length=7, allow_blank=True, required=False, help_text="`#rrggbb`")
    secondary_color = serializers.CharField(max_length=7, allow_blank=True, required=False, help_text="`#rrggbb`")
    email_sender_name = serializers.CharField(max_length=80, allow_blank=True, required=False)
    custom_css = serializers.CharField(max_length=20_000, allow_blank=True, required=False, trim_whitespace=False)


class PictureSerializer(StrictSerializer):
    """A picture, as `multipart/form-data`."""

    file = serializers.FileField(help_text="PNG, JPEG, WebP or ICO, at most 2 MB.")
