"""What every page of one customer, or of several chosen ones, begins with."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse

from tenants.console import ResellerScopedAdmin, scope_of
from tenants.enums import ConsoleRight
from tenants.models import Tenant


class CustomerPages(ResellerScopedAdmin):
    """Pages beside unfold's list."""

    def one(self, request: HttpRequest, pk: UUID | str, right: ConsoleRight = ConsoleRight.VIEW_CUSTOMERS) -> Tenant:
        """The customer of that id, if it is in sight and the person holds the right; else a 404 that says nothing more."""
        if not self.has_view_permission(request) or not scope_of(request).may(right):
            raise Http404
        found = self.get_object(request, str(pk))
        if found is None:
            raise Http404
        return found

    def page(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> TemplateResponse:
        """A page in the console's frame."""
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": context.get("tenant"),
            **context,
        }
        return TemplateResponse(request, template, frame, status=status)
