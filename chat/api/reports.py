"""Reports over the API, as JSON or CSV."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chat.enums import StatKind
from chat.errors import ReportNotFound
from chat.queries import reports
from chat.services import spreadsheet
from ops.kernel.api import StrictSerializer
from tenants.accounts.permissions import RequiredPermissions

DAYS = 30
BY_NAME = {
    "agents": StatKind.AGENT,
    "teams": StatKind.TEAM,
    "inboxes": StatKind.INBOX,
    "labels": StatKind.LABEL,
    "channels": StatKind.CHANNEL,
}
NAMES = ("overview", *BY_NAME, "csat", "sla", "traffic")


class CSVRenderer(BaseRenderer):
    """A table as it is; an error says its sentence."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """The bytes of the file."""
        if isinstance(data, str):
            return data.encode()
        # A refusal keeps the one shape of every error.
        return JSONRenderer().render(data)


class PeriodSerializer(StrictSerializer):
    """Days of a report; without them, the last thirty."""

    tz = serializers.CharField(max_length=64, required=False)
    format = serializers.ChoiceField(["json", "csv"], required=False)

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name that Python allows."""
        return {
            "from": serializers.DateField(required=False),
            "to": serializers.DateField(required=False),
            **super().get_fields(),
        }

    def validate_tz(self, value: str) -> ZoneInfo:
        """A time zone of the IANA list."""
        try:
            return ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise serializers.ValidationError("Give a time zone such as America/Sao_Paulo.") from error


class ReportView(GenericAPIView[Any]):
    """What happened at the counter, in sums."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"get": "chat.view_report"}
    renderer_classes = (JSONRenderer, CSVRenderer)
    filter_backends = ()
    pagination_class = None
    serializer_class = PeriodSerializer

    @extend_schema(
        operation_id="chat_report",
        parameters=[
            OpenApiParameter("name", OpenApiTypes.STR, OpenApiParameter.PATH, enum=NAMES),
            OpenApiParameter("from", OpenApiTypes.DATE, description="First day; thirty days ago without it."),
            OpenApiParameter("to", OpenApiTypes.DATE, description="Last day, included; today without it."),
            OpenApiParameter("tz", OpenApiTypes.STR, description="Time zone of the days; the company's without it."),
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"]),
        ],
        responses={200: OpenApiTypes.OBJECT, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One report: `overview`, `agents`, `teams`, `inboxes`, `labels`, `channels`, `csat`, `sla` or `traffic`."""
        name = kwargs["name"]
        if name not in NAMES:
            raise ReportNotFound()
        sent = PeriodSerializer(data=request.query_params.dict())
        sent.is_valid(raise_exception=True)
        reports.require(request.user)
        zone = sent.validated_data.get("tz") or ZoneInfo(str(timezone.get_current_timezone()))
        last = sent.validated_data.get("to") or timezone.now().astimezone(zone).date()
        first = sent.validated_data.get("from") or last - timedelta(days=DAYS - 1)
        over = reports.period(first=first, last=last, zone=zone)
        if request.accepted_renderer.format == "csv":
            filename = f"{name}-{first.isoformat()}-{last.isoformat()}.csv"
            return Response(as_csv(name, over), headers={"Content-Disposition": f'attachment; filename="{filename}"'})
        return Response({"from": first, "to": last, "tz": str(zone), **ANSWERS.get(name, _by)(name, over)})


def _overview(name: str, over: reports.Period) -> dict[str, Any]:
    spread = reports.first_reply_spread(over)
    return {
        "totals": reports.totals(over).as_dict(),
        "before": reports.totals(over.before).as_dict(),
        "first_reply_median_s": reports.median_of(spread),
        "first_reply_spread": [{"up_to_s": end, "count": count} for end, count in spread],
        "series": [{"at": step.at, **step.figures.as_dict()} for step in reports.steps(over)],
    }


def _by(name: str, over: reports.Period) -> dict[str, Any]:
    rows = reports.by(BY_NAME[name], over)
    return {"rows": [{"id": row.key, "name": row.name, **row.figures.as_dict()} for row in rows]}


def _part(name: str, over: reports.Period) -> dict[str, Any]:
    kept = [field for field in reports.headings() if field.startswith(name)]

    def narrowed(figures: reports.Figures) -> dict[str, Any]:
        told = figures.as_dict()
        return {field: told[field] for field in kept}

    return {
        "totals": narrowed(reports.totals(over)),
        "series": [{"at": step.at, **narrowed(step.figures)} for step in reports.steps(over)],
        "rows": [
            {"id": row.key, "name": row.name, **narrowed(row.figures)} for row in reports.by(StatKind.AGENT, over)
        ],
    }


def _traffic(name: str, over: reports.Period) -> dict[str, Any]:
    return {"messages_in_by_weekday_and_hour": reports.week(over)}


ANSWERS: dict[str, Callable[[str, reports.Period], dict[str, Any]]] = {
    "overview": _overview,
    "csat": _part,
    "sla": _part,
    "traffic": _traffic,
}


def as_csv(name: str, over: reports.Period) -> str:
    """The table of a report: by day or hour, by what it is about, or the week by the hour."""
    if name == "traffic":
        return spreadsheet.table(
            ["weekday", *range(24)], [[day, *counts] for day, counts in enumerate(reports.week(over), start=1)]
        )
    headings = reports.headings()
    shown = [field for field in headings if name not in {"csat", "sla"} or field.startswith(name)]
    if name in BY_NAME:
        rows = [[row.name or row.key, *_cells(row.figures, shown)] for row in reports.by(BY_NAME[name], over)]
        return spreadsheet.table([StatKind(BY_NAME[name]).label, *(headings[field] for field in shown)], rows)
    rows = [[step.at.isoformat(), *_cells(step.figures, shown)] for step in reports.steps(over)]
    return spreadsheet.table(["from", *(headings[field] for field in shown)], rows)


def _cells(figures: reports.Figures, shown: list[str]) -> list[Any]:
    told = figures.as_dict()
    return [told[field] for field in shown]
