"""The same for several conversations."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api.desk_serializers import BulkResultSerializer, BulkSerializer
from chat.api.handling import person_of, team_of
from chat.services import bulk
from ops.kernel.api import IdempotentMixin
from tenants.accounts.permissions import RequiredPermissions


class BulkView(IdempotentMixin, APIView):
    """Up to two hundred conversations at once."""

    permission_classes = (RequiredPermissions,)
    required_permissions = {"post": "chat.view_conversation"}

    @extend_schema(operation_id="chat_bulk", request=BulkSerializer, responses={200: BulkResultSerializer})
    def post(self, request: Request) -> Response:
        """Do it to each; `ids` are numbers of conversations. What one refuses stops none of the others."""
        sent = BulkSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = dict(sent.validated_data)
        given = {name: asked[name] for name in ("priority", "snoozed_until", "add", "remove") if name in asked}
        if "assignee" in asked:
            given["to"] = person_of(asked["assignee"])
        if "team" in asked:
            given["team"] = team_of(asked["team"])
        rows = bulk.run(numbers=asked["ids"], action=asked["action"], by=request.user, now=timezone.now(), **given)
        failed = [row for row in rows if row.error is not None]
        return Response(
            {
                "done": len(rows) - len(failed),
                "failed": len(failed),
                "results": [
                    {
                        "id": row.number,
                        "ok": row.error is None,
                        "code": row.error.code if row.error is not None else "",
                        "detail": str(row.error) if row.error is not None else "",
                    }
                    for row in rows
                ],
            }
        )
