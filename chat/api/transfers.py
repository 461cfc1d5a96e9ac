"""Imports and exports over the API."""

from typing import Any

from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from chat.api.serializers import PersonSerializer, WireSerializer
from chat.api.uploads import FileThrottle
from chat.enums import ExportKind, LineOutcome, TransferState
from chat.errors import SpreadsheetTooLarge
from chat.models import AccountImport, ContactImport, DataExport, ImportLine
from chat.queries import transfers
from chat.services import account_imports, contact_imports, contact_rows, exports
from ops.kernel.api import IdempotentMixin, StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

MB = 1024 * 1024
MANAGE = "chat.transfer_data"
KEY = "[0-9a-fA-F-]{32,36}"
NAME = OpenApiParameter("name", OpenApiTypes.STR, description="What the file is called.")


class TransferSerializer(WireSerializer):
    """How far it is."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=TransferState.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    problem = serializers.CharField(allow_blank=True)
    by = PersonSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class ContactImportSerializer(TransferSerializer):
    """A spreadsheet of contacts."""

    render = staticmethod(transfers.contact_import)

    name = serializers.CharField()
    bytes = serializers.IntegerField()
    encoding = serializers.CharField(help_text="As it was recognised.")
    delimiter = serializers.CharField(help_text="As it was recognised.")
    headings = serializers.ListField(child=serializers.CharField(allow_blank=True))
    mapping = serializers.ListField(child=serializers.CharField(allow_blank=True), help_text="First suggested by us.")
    update_known = serializers.BooleanField()
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Lines by outcome, and labels that were made."
    )


class ContactImportCheckSerializer(StrictSerializer):
    """What the columns are."""

    mapping = serializers.ListField(
        child=serializers.CharField(allow_blank=True, max_length=80),
        max_length=contact_rows.MOST_COLUMNS,
        help_text="One for each column: name, first_name, last_name, email, phone, company, identifier, labels,"
        " attributes, attr:<name of an attribute>, or nothing to leave it out.",
    )
    update_known = serializers.BooleanField(default=True, help_text="Change contacts that are known already.")


class ImportLineSerializer(WireSerializer):
    """What happens, or happened, to one line."""

    render = staticmethod(transfers.line)

    line = serializers.IntegerField(help_text="Number of the line in the file; the headings are line 1.")
    outcome = serializers.ChoiceField(choices=LineOutcome.choices)
    who = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True, help_text="The reason in words.")
    cells = serializers.ListField(child=serializers.CharField(allow_blank=True), help_text="Only of a refused line.")
    contact = serializers.UUIDField(allow_null=True)


class DataExportSerializer(TransferSerializer):
    """A file to take away."""

    render = staticmethod(transfers.export)

    kind = serializers.ChoiceField(choices=ExportKind.choices)
    format = serializers.ChoiceField(choices=exports.FORMATS)
    bytes = serializers.IntegerField()
    url = serializers.CharField(allow_null=True, help_text="Good for ten minutes; nothing while there is no file.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the file is deleted.")


class DataExportCreateSerializer(StrictSerializer):
    """What to export."""

    kind = serializers.ChoiceField(choices=ExportKind.choices)
    format = serializers.ChoiceField(choices=exports.FORMATS, default="csv")


class ContactImportViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ContactImport]
):
    """Contacts from spreadsheets: upload, check, start."""

    queryset = ContactImport.objects.none()
    serializer_class = ContactImportSerializer
    lookup_value_regex = KEY
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "check", "start", "stop", "lines", "refused"), MANAGE)
    ordering = ("-created_at",)
    ordering_fields = ()

    def get_queryset(self) -> Any:
        """All of the tenant's."""
        return ContactImport.objects.select_related("by")

    @extend_schema(request=ContactImportCheckSerializer, responses={202: ContactImportSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Try it without writing. `lines/` says of each what would happen, once the state is `checked`."""
        sent = ContactImportCheckSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = contact_imports.check(
            import_id=self._found().pk, by=request.user, now=timezone.now(), **sent.validated_data
        )
        return Response(transfers.contact_import(row), status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ContactImportSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the contacts in. 409 before the check is through."""
        row = contact_imports.start(import_id=self._found().pk, by=request.user, now=timezone.now())
        return Response(transfers.contact_import(row), status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: ContactImportSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give it up; who is in already stays. 409 when it is over."""
        row = contact_imports.stop(import_id=self._found().pk, by=request.user, now=timezone.now())
        return Response(transfers.contact_import(row))

    @extend_schema(
        parameters=[OpenApiParameter("outcome", OpenApiTypes.STR, enum=LineOutcome.values)],
        responses={200: ImportLineSerializer(many=True)},
        filters=False,
    )
    @action(detail=True, ordering=("number",))
    def lines(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lines in their order."""
        rows: Any = ImportLine.objects.filter(transfer=self._found())
        outcome = request.query_params.get("outcome", "")
        if outcome:
            rows = rows.filter(outcome=outcome)
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response([transfers.line(row) for row in page])

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(detail=True, pagination_class=None)
    def refused(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The refused lines as a CSV to repair and upload again; the last column says why."""
        row = self._found()
        name = f"{row.name.rpartition('.')[0] or row.name}-refused.csv"
        return HttpResponse(
            contact_imports.refused_file(row),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": content_disposition_header(True, name) or "attachment",
                "Cache-Control": "no-store",
            },
        )

    def _found(self) -> ContactImport:
        # Not `get_object`: the actions order lines, and an import has no such column.
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])


class ContactImportUploadView(APIView):
    """The file itself."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"put": MANAGE}

    @extend_schema(
        operation_id="chat_contacts_imports_upload",
        parameters=[NAME],
        request={"text/csv": OpenApiTypes.BINARY},
        responses={201: ContactImportSerializer},
    )
    def put(self, request: Request) -> Response:
        """Send a CSV of up to 20 MB: UTF-8, UTF-16 or Latin-1; commas, semicolons or tabs; headings in the first line."""
        raw = request._request.read(contact_imports.MOST_BYTES + 1)
        if len(raw) > contact_imports.MOST_BYTES:
            raise SpreadsheetTooLarge(limit=contact_imports.MOST_BYTES // MB)
        name = request.query_params.get("name", "").replace("\x00", "")
        row = contact_imports.upload(name=name, raw=raw, by=request.user, now=timezone.now())
        return Response(transfers.contact_import(row), status=status.HTTP_201_CREATED)


class DataExportViewSet(IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[DataExport]):
    """Files of everything."""

    queryset = DataExport.objects.none()
    serializer_class = DataExportSerializer
    lookup_value_regex = KEY
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create"), MANAGE)
    ordering = ("-created_at",)
    ordering_fields = ()

    def get_queryset(self) -> Any:
        """All of the tenant's."""
        return DataExport.objects.select_related("by")

    @extend_schema(request=DataExportCreateSerializer, responses={202: DataExportSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Have a file made; ask again until its state is `done`. 429 while the same one is on its way."""
        sent = DataExportCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = exports.ask(by=request.user, now=timezone.now(), **sent.validated_data)
        where = {"Location": reverse("api:chat-export-detail", args=[row.pk])}
        return Response(transfers.export(row), status=status.HTTP_202_ACCEPTED, headers=where)


class LeftBehindSerializer(StrictSerializer):
    """Something that did not come along."""

    what = serializers.CharField()
    name = serializers.CharField()
    why = serializers.CharField()


class AccountImportSerializer(TransferSerializer):
    """A Chatwoot account on its way here."""

    render = staticmethod(transfers.account_import)

    base_url = serializers.CharField()
    account = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    with_files = serializers.BooleanField()
    stage = serializers.CharField(allow_blank=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="What was made here, by kind.")
    report = LeftBehindSerializer(many=True, help_text="The first 500 things that stayed behind.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it goes on; the other side asked for a pause.")


class AccountImportCreateSerializer(StrictSerializer):
    """Where the account is."""

    base_url = serializers.CharField(max_length=290, help_text="https://app.chatwoot.com, or your own.")
    account = serializers.CharField(max_length=18)
    token = serializers.CharField(max_length=200, help_text="An administrator's; forgotten when the import is over.")
    with_files = serializers.BooleanField(default=True)


class AccountImportViewSet(
    IdempotentMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[AccountImport]
):
    """Everything from a Chatwoot account, through its API."""

    queryset = AccountImport.objects.none()
    serializer_class = AccountImportSerializer
    lookup_value_regex = KEY
    permission_classes = (RequiredPermissions,)
    required_permissions = dict.fromkeys(("list", "retrieve", "create", "stop"), MANAGE)
    ordering = ("-created_at",)
    ordering_fields = ()

    def get_queryset(self) -> Any:
        """All of the tenant's."""
        return AccountImport.objects.select_related("by")

    @extend_schema(request=AccountImportCreateSerializer, responses={202: AccountImportSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Try the token and start. Again later, it fetches only what came since."""
        sent = AccountImportCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = account_imports.begin(by=request.user, now=timezone.now(), **sent.validated_data)
        return Response(transfers.account_import(row), status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: AccountImportSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give it up; what is here stays. 409 when it is over."""
        row = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        return Response(
            transfers.account_import(account_imports.stop(import_id=row.pk, by=request.user, now=timezone.now()))
        )


class ExportFileView(APIView):
    """Behind the short link."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (FileThrottle,)

    @extend_schema(
        operation_id="chat_exports_file",
        parameters=[OpenApiParameter("token", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        auth=[],
    )
    def get(self, request: Request, token: str) -> FileResponse:
        """The file of an export's `url`."""
        now = timezone.now()
        row = exports.behind(token, now=now)
        return FileResponse(
            exports.opened(row, by=exports.LINK, now=now),
            as_attachment=True,
            filename=exports.file_name(row),
            content_type=exports.mime(row),
            headers={"Cache-Control": "no-store"},
        )
