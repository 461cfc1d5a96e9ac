"""The sender of a tenant's letters and their words over the API."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from ops.kernel.api import StrictSerializer
from ops.kernel.errors import NotFound
from tenants import letterbook
from tenants.accounts.permissions import RequiredPermissions
from tenants.enums import SenderState
from tenants.models import Tenant
from tenants.permissions import CHANGE_BRANDING
from tenants.queries import senders as dns_of
from tenants.services import senders, wording


class MailRecordSerializer(serializers.Serializer[Any]):
    """One record of the DNS, and whether it was there when we looked."""

    host = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)
    value = serializers.CharField(read_only=True)
    found = serializers.BooleanField(read_only=True)


class SenderSerializer(serializers.Serializer[Any]):
    """The address letters leave from."""

    leaves_from = serializers.EmailField(read_only=True, help_text="The address in use now.")
    address = serializers.CharField(read_only=True, help_text="The own address; empty when none was asked for.")
    state = serializers.ChoiceField(choices=SenderState.choices, read_only=True, allow_blank=True)
    records = MailRecordSerializer(many=True, read_only=True)
    checked_at = serializers.DateTimeField(read_only=True, allow_null=True)


class SenderPutSerializer(StrictSerializer):
    """An address of the tenant's own domain."""

    address = serializers.EmailField(max_length=254)


class LetterSerializer(serializers.Serializer[Any]):
    """A letter in one language."""

    name = serializers.CharField(read_only=True)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, read_only=True)
    own = serializers.BooleanField(read_only=True, help_text="Whether these are the tenant's words.")
    subject = serializers.CharField(read_only=True)
    body = serializers.CharField(read_only=True, help_text="Markdown with places such as `{{name}}`.")
    places = serializers.ListField(child=serializers.CharField(), read_only=True)


class LetterPutSerializer(StrictSerializer):
    """The tenant's words."""

    subject = serializers.CharField(max_length=wording.MOST_SUBJECT)
    body = serializers.CharField(max_length=wording.MOST_BODY, trim_whitespace=False)


class SenderView(GenericAPIView[Any]):
    """The sender."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": CHANGE_BRANDING, "put": CHANGE_BRANDING, "delete": CHANGE_BRANDING}
    serializer_class = SenderSerializer

    @extend_schema(operation_id="mail_sender_read", responses={200: SenderSerializer})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The address, and what the DNS of its domain needs."""
        return Response(_sender(request.tenant))

    @extend_schema(operation_id="mail_sender_put", request=SenderPutSerializer, responses={200: SenderSerializer})
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask to send from an address; it is used once both records stand in the DNS."""
        sent = SenderPutSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        senders.ask_for(owner=request.tenant, by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(_sender(request.tenant))

    @extend_schema(operation_id="mail_sender_delete", responses={204: None})
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send from the installation's address again."""
        senders.remove(owner=request.tenant, by=request.user, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SenderCheckView(GenericAPIView[Any]):
    """A look into the DNS."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": CHANGE_BRANDING}
    serializer_class = SenderSerializer

    @extend_schema(operation_id="mail_sender_check", request=None, responses={200: SenderSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Look now; 503 when no name server answers."""
        senders.check(owner=request.tenant, by=request.user, now=timezone.now())
        return Response(_sender(request.tenant))


class LettersView(GenericAPIView[Any]):
    """Every letter."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": CHANGE_BRANDING}
    serializer_class = LetterSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(operation_id="mail_letters_list", responses={200: LetterSerializer(many=True)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All of them, in every language, in the words they leave with."""
        found = wording.all_standing(tenant=request.tenant)
        return Response([_letter(name, language, words, own) for (name, language), (words, own) in found.items()])


@extend_schema(
    parameters=[
        OpenApiParameter("app", str, OpenApiParameter.PATH, description="First half of the name: `accounts`."),
        OpenApiParameter("letter", str, OpenApiParameter.PATH, description="Second half of the name: `welcome`."),
        OpenApiParameter("language", str, OpenApiParameter.PATH, enum=[code for code, _label in settings.LANGUAGES]),
    ]
)
class LetterView(GenericAPIView[Any]):
    """One letter in one language."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": CHANGE_BRANDING, "put": CHANGE_BRANDING, "delete": CHANGE_BRANDING}
    serializer_class = LetterSerializer

    @extend_schema(operation_id="mail_letter_read", responses={200: LetterSerializer})
    def get(self, request: Request, app: str, letter: str, language: str) -> Response:
        """The words it leaves with."""
        return Response(self._shown(request, f"{app}/{letter}", language))

    @extend_schema(operation_id="mail_letter_put", request=LetterPutSerializer, responses={200: LetterSerializer})
    def put(self, request: Request, app: str, letter: str, language: str) -> Response:
        """Write it in the tenant's own words."""
        sent = LetterPutSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        words = wording.Words(sent.validated_data["subject"], sent.validated_data["body"])
        wording.save(
            owner=request.tenant,
            name=f"{app}/{letter}",
            language=language,
            words=words,
            by=request.user,
            now=timezone.now(),
        )
        return Response(self._shown(request, f"{app}/{letter}", language))

    @extend_schema(operation_id="mail_letter_delete", responses={204: None})
    def delete(self, request: Request, app: str, letter: str, language: str) -> Response:
        """Back to the words of the reseller or of the product."""
        wording.reset(
            owner=request.tenant, name=f"{app}/{letter}", language=language, by=request.user, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, request: Request, name: str, language: str) -> dict[str, Any]:
        if language not in dict(settings.LANGUAGES):
            raise NotFound
        words = wording.standing(name, tenant=request.tenant, language=language)
        return _letter(name, language, words, (name, language) in wording.own(owner=request.tenant))


def _sender(tenant: Tenant) -> dict[str, Any]:
    row = senders.of(tenant)
    shown: dict[str, Any] = {
        "leaves_from": dns_of.leaves_from(tenant),
        "address": "",
        "state": "",
        "records": [],
        "checked_at": None,
    }
    if row is None:
        return shown
    pairs = ((dns_of.dkim_record(row), row.dkim), (dns_of.spf_record(row), row.spf))
    records = [{"host": one.host, "type": one.kind, "value": one.value, "found": found} for one, found in pairs]
    return shown | {"address": row.address, "state": row.state, "records": records, "checked_at": row.checked_at}


def _letter(name: str, language: str, words: wording.Words, own: bool) -> dict[str, Any]:
    places = list(letterbook.letters[name].all_places)
    return {
        "name": name,
        "language": language,
        "own": own,
        "subject": words.subject,
        "body": words.body,
        "places": places,
    }
