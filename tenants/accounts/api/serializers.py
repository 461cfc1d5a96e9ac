"""People and tokens as the API writes and reads them."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ops.kernel.api import StrictModelSerializer, StrictSerializer
from tenants.accounts.models import User


class UserSerializer(StrictModelSerializer):
    """A person of this tenant."""

    role = serializers.CharField(
        source="role.slug", read_only=True, allow_null=True, help_text="Short name of the role."
    )
    is_invited = serializers.BooleanField(read_only=True, help_text="Whether the person has not chosen a password yet.")
    created_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = ["id", "email", "name", "role", "language", "is_active", "is_invited", "last_login", "created_at"]
        read_only_fields = fields


class MeSerializer(UserSerializer):
    """The person who asks, with what they may do."""

    permissions = serializers.SerializerMethodField(help_text="Names of what the role allows, as `app.codename`.")

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "permissions"]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_permissions(self, user: User) -> list[str]:
        """In alphabetical order."""
        return sorted(user.get_all_permissions())


class UserCreateSerializer(StrictSerializer):
    """Somebody new; a welcome link is sent to the address."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    role = serializers.SlugField(max_length=40, help_text="Short name of a role; see `/api/v1/settings/roles/`.")
    language = serializers.ChoiceField(choices=["", *dict(settings.LANGUAGES)], default="")


class UserPatchSerializer(StrictSerializer):
    """What can be changed about a person; what is left out stays."""

    role = serializers.SlugField(
        max_length=40, required=False, help_text="Short name of a role; see `/api/v1/settings/roles/`."
    )
    is_active = serializers.BooleanField(required=False)


class LoginSerializer(StrictSerializer):
    """E-mail and password of a person of this tenant."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    otp = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="Code of the authenticator app, or a recovery code; needed by who has a second factor.",
    )


class RefreshSerializer(StrictSerializer):
    """A refresh token; each is good for one use."""

    refresh = serializers.CharField(max_length=4096)


class PairSerializer(serializers.Serializer[Any]):
    """Tokens of one login. `access` goes into `Authorization: Bearer`, `refresh` gets the next pair."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
