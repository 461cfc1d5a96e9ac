"""Entering a customer's pages as support, from the console: ask, wait for the customer, enter, go."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.accounts.models import User
from tenants.admin import cells
from tenants.admin.pages import CustomerPages
from tenants.console import Menu, ResellerScopedAdmin, scope_of, site
from tenants.enums import ConsoleRight, GrantEnd, GrantState, SupportMode, TenantStatus
from tenants.forms.support import SupportRequestForm
from tenants.models import ImpersonationGrant, Tenant
from tenants.services import support


class SupportPages(CustomerPages):
    """The pages of one customer that lead into it."""

    def get_urls(self) -> list[URLPattern]:
        """Ask and follow the answer; enter; take it back."""
        page = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/support/", page(self.support_view), name="tenants_tenant_support"),
            path("<uuid:pk>/support/state.json", page(self.support_json), name="tenants_tenant_support_json"),
            path("<uuid:pk>/support/enter/", page(self.support_enter), name="tenants_tenant_support_enter"),
            path("<uuid:pk>/support/withdraw/", page(self.support_withdraw), name="tenants_tenant_support_withdraw"),
        ]
        return own + super().get_urls()

    def support_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The form; afterwards what the customer answered, and the way in."""
        tenant = self.one(request, pk, ConsoleRight.ENTER_CUSTOMERS)
        access = support.access_of(tenant)
        grant = self._mine(request, tenant)
        form = SupportRequestForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            me = User.objects.get(pk=request.user.pk)
            try:
                support.request(tenant=tenant, person=me, now=timezone.now(), **form.cleaned_data)
            except DomainError as error:
                add_problem(form, error)
            else:
                return HttpResponseRedirect(reverse("admin:tenants_tenant_support", args=[tenant.pk]))
        now = timezone.now()
        return self.page(
            request,
            "console/tenant/support.html",
            {
                "title": gettext("Enter as support"),
                "tenant": tenant,
                "access": access,
                "is_allowed": access.allows_now(now),
                "is_closed": access.mode == SupportMode.NEVER or tenant.status != TenantStatus.ACTIVE,
                "grant": grant,
                "grant_state": state_of(grant) if grant else "",
                "form": form,
                "past": ImpersonationGrant.objects.for_tenant(tenant).newest_first()[:10],
            },
            status=422 if form.is_bound and form.errors else 200,
        )

    def support_json(self, request: HttpRequest, pk: UUID) -> JsonResponse:
        """Whether the customer has answered, for the page that waits."""
        tenant = self.one(request, pk, ConsoleRight.ENTER_CUSTOMERS)
        grant = self._mine(request, tenant)
        return JsonResponse({"state": grant.state if grant else ""})

    def support_enter(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A fresh link to the customer's own host."""
        return require_POST(self._enter)(request, pk)

    def support_withdraw(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take the request back, or end the visit from here."""
        return require_POST(self._withdraw)(request, pk)

    def _enter(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        tenant = self.one(request, pk, ConsoleRight.ENTER_CUSTOMERS)
        grant = self._mine(request, tenant)
        if grant is None:
            raise Http404
        me = User.objects.get(pk=request.user.pk)
        try:
            url = support.entry_link(grant=grant, person=me, now=timezone.now())
        except DomainError as error:
            self.message_user(request, str(error), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:tenants_tenant_support", args=[tenant.pk]))
        # A page and no redirect: our policy lets forms lead to our own host only, and the customer's is another one.
        return self.page(
            request, "console/tenant/support_link.html", {"title": tenant.name, "tenant": tenant, "link": url}
        )

    def _withdraw(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        tenant = self.one(request, pk, ConsoleRight.ENTER_CUSTOMERS)
        grant = self._mine(request, tenant)
        if grant is not None:
            why = GrantEnd.LEFT if grant.state == GrantState.RUNNING else GrantEnd.WITHDRAWN
            support.end(grant=grant, why=why, by=User.objects.get(pk=request.user.pk), now=timezone.now())
            self.message_user(request, gettext("Your request is over."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:tenants_tenant_support", args=[tenant.pk]))

    @staticmethod
    def _mine(request: HttpRequest, tenant: Tenant) -> ImpersonationGrant | None:
        rows = ImpersonationGrant.objects.for_tenant(tenant).open()
        return (
            rows.filter(
                person_id=request.user.pk,  # type: ignore[misc]  # the site let a person in
                valid_until__gt=timezone.now(),
            )
            .select_related("tenant")
            .first()
        )


def state_of(grant: ImpersonationGrant) -> SafeString:
    """The state in its tone; of a finished one, why."""
    tones = {
        GrantState.REQUESTED: "blue",
        GrantState.APPROVED: "green",
        GrantState.RUNNING: "amber",
        GrantState.REFUSED: "red",
    }
    if grant.state == GrantState.ENDED:
        return cells.badge(grant.get_end_display())
    return cells.badge(grant.get_state_display(), tones.get(GrantState(grant.state), ""))


@admin.register(ImpersonationGrant, site=site)
class VisitAdmin(ResellerScopedAdmin):
    """Who of the team entered which customer, why, and what the customer answered. Read only."""

    reseller_path = "tenant__reseller"
    rights = {"view": ConsoleRight.ENTER_CUSTOMERS}
    menu = Menu("customers", "support_agent", order=40, title=_("Visits of support"))
    list_display = ("tenant_cell", "person_cell", "reason", "state_cell", "asked_cell")
    list_display_links = None
    list_filter = ("state",)
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "person_name", "person_email")
    ordering = ("-created_at", "-pk")
    empty_title = _("Nobody asked to enter yet")
    empty_hint = _("Open a customer and choose “Enter as support”: the customer answers, and reads what was done.")
    export_columns = (
        (_("customer"), lambda row: row.tenant.name),
        (_("person"), lambda row: row.person_email),
        (_("reason"), lambda row: row.reason),
        (_("acts as"), lambda row: row.role),
        (_("state"), lambda row: row.get_state_display()),
        (_("asked"), lambda row: row.created_at.isoformat()),
        (_("came in"), lambda row: row.started_at.isoformat() if row.started_at else ""),
        (_("ended"), lambda row: row.ended_at.isoformat() if row.ended_at else ""),
    )

    @admin.display(description=_("customer"), ordering="tenant__name")
    def tenant_cell(self, row: ImpersonationGrant) -> Any:
        """Whom it was about."""
        return cells.linked(row.tenant.name, reverse("admin:tenants_tenant_support", args=[row.tenant_id]))

    @admin.display(description=_("person"), ordering="person_name")
    def person_cell(self, row: ImpersonationGrant) -> Any:
        """Who asked."""
        return cells.titled(row.who, row.person_email)

    @admin.display(description=_("state"), ordering="state")
    def state_cell(self, row: ImpersonationGrant) -> Any:
        """What became of it."""
        return state_of(row)

    @admin.display(description=_("asked"), ordering="created_at")
    def asked_cell(self, row: ImpersonationGrant) -> Any:
        """Relative time."""
        return cells.when(row.created_at)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A visit's page is the customer's."""
        row = self.get_object(request, object_id) if object_id and self.has_view_permission(request) else None
        if row is None or not scope_of(request).may(ConsoleRight.ENTER_CUSTOMERS):
            raise Http404
        return HttpResponseRedirect(reverse("admin:tenants_tenant_support", args=[row.tenant_id]))
