"""Exceptions from the plans: what a reseller or the platform decided for one customer, for many, or for everybody."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from billing import entitlements
from billing.enums import Level, Subject
from billing.forms import OverrideForm
from billing.models import GaugeReading, Override
from billing.queries import features
from billing.services import overrides
from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.admin import cells
from tenants.admin.company import form_page
from tenants.console import Menu, ResellerScopedAdmin, scope_of, site
from tenants.enums import ConsoleRight
from tenants.models import Reseller, Tenant


def level_of(request: HttpRequest) -> str:
    """On which level this person decides."""
    return Level.PLATFORM if scope_of(request).is_platform else Level.RESELLER


@admin.register(Override, site=site)
class OverrideAdmin(ResellerScopedAdmin):
    """What holds beside the plans. Nothing here is edited: a new decision takes the old one's place, and both stay."""

    reseller_path = "reseller"
    rights = {"view": ConsoleRight.VIEW_CUSTOMERS, "add": ConsoleRight.CHANGE_PLANS}
    platform_may = frozenset({"view", "add"})
    menu = Menu("customers", "tune", order=40, title=_("Exceptions"))
    list_display = ("about_cell", "value_cell", "whom_cell", "level_cell", "until_cell", "set_cell")
    list_display_links = None
    list_filter: Sequence[Any] = ("subject", "level")
    list_select_related = ("tenant", "reseller")
    search_fields = ("tenant__name", "key", "reason")
    ordering = ("-set_at", "-pk")
    actions = ("take_back_selected",)
    add_label = _("Decide for all customers")
    empty_title = _("No exceptions")
    empty_hint = _("Every customer has what its plan says. Set something for one on its page, or for all of them here.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Override]:
        """What stands; what was replaced is history and in the log."""
        return super().get_queryset(request).filter(ended_at=None)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may take something back."""
        return self.has_add_permission(request)

    @admin.display(description=_("what"), ordering="key")
    def about_cell(self, row: Override) -> SafeString:
        """The feature or limit, and why."""
        return cells.titled(features.label_of(row.subject, row.key), row.reason)

    @admin.display(description=_("value"))
    def value_cell(self, row: Override) -> str:
        """On, off or how much."""
        return features.value_words(row.subject, row.key, row.value)

    @admin.display(description=_("for"), ordering="tenant__name")
    def whom_cell(self, row: Override) -> str:
        """One customer, all of a reseller's, or everybody."""
        if row.tenant is not None:
            return row.tenant.name
        if row.reseller is None:
            return gettext("Everybody")
        if row.level == Level.PLATFORM:
            return gettext("What %(reseller)s may give") % {"reseller": row.reseller}
        return gettext("All customers of %(reseller)s") % {"reseller": row.reseller}

    @admin.display(description=_("decided by"), ordering="level")
    def level_cell(self, row: Override) -> SafeString:
        """Platform, reseller or the customer itself."""
        return cells.badge(row.get_level_display(), "accent" if row.level == Level.PLATFORM else "")

    @admin.display(description=_("until"), ordering="until")
    def until_cell(self, row: Override) -> str:
        """The last day."""
        return features.until_words(row.until) or "–"

    @admin.display(description=_("set"), ordering="set_at")
    def set_cell(self, row: Override) -> SafeString | str:
        """Relative time."""
        return cells.when(row.set_at)

    @admin.action(description=_("Back to normal"), permissions=["decide"])
    def take_back_selected(self, request: HttpRequest, queryset: QuerySet[Override]) -> None:
        """What the plan says holds again. Only what was decided on one's own level is taken back."""
        for row in queryset.filter(level=level_of(request)).order_by("pk"):
            overrides.take_back(override=row, by=request.user, now=timezone.now())

    def get_urls(self) -> list[URLPattern]:
        """The way back beside the list and the form."""
        back = path(
            "<uuid:pk>/take-back/", self.admin_site.admin_view(self.take_back_view), name="billing_override_take_back"
        )
        return [back, *super().get_urls()]

    def take_back_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Take one decision back and return to the customer it is about."""
        return require_POST(self._take_back)(request, pk)

    def _take_back(self, request: HttpRequest, pk: Any) -> HttpResponse:
        row = self.get_object(request, str(pk)) if self.has_add_permission(request) else None
        if row is None or row.level != level_of(request):
            raise Http404
        overrides.take_back(override=row, by=request.user, now=timezone.now())
        return HttpResponseRedirect(back_to(row.tenant))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One decision, for the customer named in the address or for all; a row has no page of its own."""
        if object_id is not None:
            if not self.has_view_permission(request) or self.get_object(request, object_id) is None:
                raise Http404
            return HttpResponseRedirect(reverse("admin:billing_override_changelist"))
        if not self.has_add_permission(request):
            raise Http404
        tenant = self._tenant(request)
        scope = scope_of(request)
        choices = Reseller.objects.order_by("name", "pk") if scope.is_platform and scope.sees_everything else None
        form = OverrideForm(
            request.POST or None,
            initial={"about": request.GET.get("about", "")},
            resellers=choices if tenant is None else None,
        )
        if request.method == "POST" and form.is_valid():
            try:
                self._put(request, form, tenant, form.cleaned_data.get("reseller") or scope.reseller)
            except DomainError as error:
                add_problem(form, error)
            else:
                self.message_user(request, gettext("It holds within seconds."))
                return HttpResponseRedirect(back_to(tenant))
        title = (
            gettext("Exception for %(name)s") % {"name": tenant.name} if tenant else gettext("Decide for all customers")
        )
        return form_page(
            self,
            request,
            form,
            title=title,
            hint=gettext(
                "It goes before the plan. Lower and switch off as you like; more only as far as you may give."
            ),
            action=gettext("Save decision"),
            back=back_to(tenant),
        )

    def _put(self, request: HttpRequest, form: OverrideForm, tenant: Tenant | None, reseller: Reseller | None) -> None:
        subject, key, value = form.decision()
        until = form.cleaned_data["until"]
        try:
            overrides.put(
                level=level_of(request),
                tenant=tenant,
                reseller=reseller,
                subject=subject,
                key=key,
                value=value,
                reason=form.cleaned_data["reason"],
                until=timezone.make_aware(datetime.combine(until, time.max)) if until else None,
                by=request.user,
                now=timezone.now(),
            )
        except DomainError as error:
            if any(one.field == "value" for one in error.errors):
                field = "switch" if subject == Subject.FEATURE else "amount"
                raise _at(error, field) from error
            raise

    def _tenant(self, request: HttpRequest) -> Tenant | None:
        raw = request.GET.get("tenant", "")
        if not raw:
            return None
        found: Tenant | None = self.admin_site._registry[Tenant].get_object(request, raw)
        if found is None:
            raise Http404
        return found


def _at(error: DomainError, field: str) -> DomainError:
    """The same refusal, at the field of the form."""
    error.field = field
    return error


def back_to(tenant: Tenant | None) -> str:
    """Where a decision was made: the customer's tab, or the list."""
    if tenant is None:
        return reverse("admin:billing_override_changelist")
    return reverse("admin:tenants_tenant_change", args=[tenant.pk]) + "?tab=features"


def tab(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """Features and limits of one customer with all the words they rest on."""
    now = timezone.now()
    used = {row.key: row.used for row in GaugeReading.objects.for_tenant(tenant).order_by("pk")}
    counted = {key: used.get(key, 0) for key, one in entitlements.KNOWN.items() if one.shown}
    found = features.overview(tenant, used=counted, now=now)
    standing = Override.objects.in_force(now).filter(tenant=tenant, level=level_of(request)).order_by("pk")
    mine = {(row.subject, row.key): row for row in standing}
    rows = [
        *(_row(Subject.FEATURE, one.name, one.label, one.settled, mine) for one in found.features),
        *(_row(Subject.LIMIT, one.key, one.bar.label, one.settled, mine) for one in found.limits),
    ]
    add = reverse("admin:billing_override_add")
    return {"rows": rows, "add_url": add, "may_decide": scope_of(request).may(ConsoleRight.CHANGE_PLANS)}


def _row(subject: str, key: str, label: str, settled: Any, mine: dict[Any, Override]) -> dict[str, Any]:
    return {
        "about": f"{subject} {key}",
        "label": label,
        "value": features.value_words(subject, key, settled.value),
        "source": settled.source.label,
        "until": features.until_words(settled.last.until if settled.last else None),
        "mine": mine.get((subject, key)),
        "steps": [
            {
                "source": step.source.label,
                "value": features.value_words(subject, key, step.value),
                "counts": step.counts,
                "reason": step.reason,
                "until": features.until_words(step.until),
            }
            for step in settled.steps[1:]
        ],
    }
