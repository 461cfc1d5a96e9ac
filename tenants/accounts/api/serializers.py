"""People and tokens as the API writes and reads them."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ops.kernel.api import StrictModelSerializer, StrictSerializer
from tenants.accounts.enums import InvitationState
from tenants.accounts.models import Invitation, User


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
    hand_over = serializers.DictField(
        child=serializers.CharField(max_length=80),
        required=False,
        help_text=(
            "With `is_active: false`: who takes what the person has in hand, by kind of work, such as"
            ' `{"chat.conversations": "queue"}`; also `team:<id>` or `person:<id>`. Left out, it goes to the queue.'
        ),
    )


class InvitationSerializer(StrictModelSerializer):
    """An address that was asked to come in."""

    role = serializers.CharField(source="role.slug", read_only=True, help_text="Short name of the role.")
    invited_by = serializers.UUIDField(source="invited_by_id", read_only=True, allow_null=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = [
            "id",
            "email",
            "name",
            "role",
            "language",
            "state",
            "invited_by",
            "sent_at",
            "expires_at",
            "accepted_at",
            "revoked_at",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=InvitationState.choices))
    def get_state(self, row: Invitation) -> str:
        """What became of it."""
        return row.state(timezone.now()).value


class InvitationCreateSerializer(StrictSerializer):
    """Who is asked to come, and as what."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    role = serializers.CharField(max_length=40, help_text="Short name of the role.")
    language = serializers.ChoiceField(choices=["", *dict(settings.LANGUAGES)], default="")


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
