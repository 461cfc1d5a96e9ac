"""The reseller's own company: its team and its brand; and, for the platform, the resellers themselves."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.admin import cells
from tenants.console import Menu, Reach, ResellerScopedAdmin, host_reseller, scope_of, site
from tenants.enums import ConsoleRight, JobState, ResellerRole, TenantStatus
from tenants.forms.brand import BrandForm
from tenants.forms.console import MemberForm, NewResellerForm
from tenants.models import Branding, Reseller, ResellerMember, TenantJob
from tenants.queries import brands
from tenants.services import branding, domains, leaving, provisioning, resellers


@admin.register(ResellerMember, site=site)
class MemberAdmin(ResellerScopedAdmin):
    """Who works in this console. Owners invite, change roles and take people out."""

    reseller_path = "reseller"
    platform_may = frozenset({"view", "add"})
    rights = {"view": ConsoleRight.VIEW_TEAM, "add": ConsoleRight.CHANGE_TEAM}
    menu = Menu("company", "group", order=10, title=_("Team"))
    list_display = ("person_cell", "role_cell", "factor_cell", "since_cell")
    list_display_links = None
    list_filter = ("role",)
    list_select_related = ("user", "reseller")
    search_fields = ("user__email", "user__name")
    ordering = ("user__name", "pk")
    actions = ("make_owner", "make_manager", "make_support", "make_finance", "reset_second_factor", "remove")
    add_label = _("Invite somebody")
    empty_title = _("Nobody here yet")
    empty_hint = _("Invite the people who look after your customers.")

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the reseller where people of several stand on one page."""
        shown = super().get_list_display(request)
        return (shown[0], "reseller", *shown[1:]) if scope_of(request).sees_everything else shown

    @admin.display(description=_("person"), ordering="user__name")
    def person_cell(self, row: ResellerMember) -> SafeString:
        """Name and e-mail."""
        return cells.titled(row.user.get_full_name(), row.user.email)

    @admin.display(description=_("role"), ordering="role")
    def role_cell(self, row: ResellerMember) -> SafeString:
        """What they may do here."""
        return cells.badge(row.get_role_display(), "accent" if row.role == ResellerRole.OWNER else "")

    @admin.display(description=_("second factor"), ordering="user__second_factor_at")
    def factor_cell(self, row: ResellerMember) -> SafeString | str:
        """Whether there is one, and whether the rules ask for it."""
        if row.user.second_factor_at is not None:
            return cells.badge(pgettext("second factor", "Set up"), "green")
        return cells.badge(pgettext("second factor", "Missing"), "amber") if row.user.factor_required_from else "–"

    @admin.display(description=_("since"), ordering="created_at")
    def since_cell(self, row: ResellerMember) -> SafeString | str:
        """Relative time."""
        return cells.when(row.created_at)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may change the team."""
        return self.has_add_permission(request)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Inviting is a short form of its own; a row has no page, its actions are in the list."""
        if object_id is not None:
            if self.get_object(request, object_id) is None or not self.has_view_permission(request):
                raise Http404
            return HttpResponseRedirect(reverse("admin:tenants_resellermember_changelist"))
        if not self.has_add_permission(request):
            raise Http404
        scope = scope_of(request)
        offered = scope.limit(Reseller.objects.filter(is_active=True).order_by("name", "pk"), "pk")
        form = MemberForm(request.POST or None, resellers=offered)
        if request.method == "POST" and form.is_valid():
            try:
                resellers.add_member(**form.cleaned_data, by=request.user, now=timezone.now())
            except DomainError as error:
                add_problem(form, error)
            else:
                words = gettext("%(email)s gets a link to log in.") % {"email": form.cleaned_data["email"]}
                self.message_user(request, words, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:tenants_resellermember_changelist"))
        return form_page(
            self,
            request,
            form,
            title=gettext("Invite somebody"),
            hint=gettext("They get an e-mail with a link and choose their own password."),
            action=gettext("Send invitation"),
        )

    @admin.action(description=_("Make owner"), permissions=["manage"])
    def make_owner(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> None:
        """They may manage the team from now on."""
        self._set_role(request, queryset, ResellerRole.OWNER)

    @admin.action(description=_("Make manager"), permissions=["manage"])
    def make_manager(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> None:
        """They look after customers, the brand and announcements."""
        self._set_role(request, queryset, ResellerRole.MANAGER)

    @admin.action(description=_("Make support"), permissions=["manage"])
    def make_support(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> None:
        """They see customers and ask to enter their pages."""
        self._set_role(request, queryset, ResellerRole.SUPPORT)

    @admin.action(description=_("Make finance"), permissions=["manage"])
    def make_finance(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> None:
        """They see prices and margins, change plans and suspend."""
        self._set_role(request, queryset, ResellerRole.FINANCE)

    @admin.action(description=_("Take a lost second factor away"), permissions=["manage"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> HttpResponse | None:
        """They log in with the password alone and set up a new one; their logins stop and they get a letter."""
        rows = self._others(request, queryset)
        question = self.ask_first(
            request,
            rows,
            action="reset_second_factor",
            title=gettext("Take the second factor away?"),
            hint=gettext(
                "They log in with the password alone and set up a new one. They are logged out everywhere and get a letter."
            ),
            label=gettext("Take it away"),
        )
        for member in rows if question is None else ():
            self._try(
                request,
                lambda one=member: resellers.reset_second_factor(member=one, by=request.user, now=timezone.now()),
            )
        return question

    @admin.action(description=_("Take out of the team"), permissions=["manage"])
    def remove(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> HttpResponse | None:
        """Their logins stop at once."""
        rows = self._others(request, queryset)
        question = self.ask_first(
            request,
            rows,
            action="remove",
            title=gettext("Take out of the team?"),
            hint=gettext("Their logins stop at once. What they did stays in the log."),
            label=gettext("Take out"),
        )
        for member in rows if question is None else ():
            self._try(
                request, lambda one=member: resellers.remove_member(member=one, by=request.user, now=timezone.now())
            )
        return question

    def _others(self, request: HttpRequest, queryset: QuerySet[ResellerMember]) -> QuerySet[ResellerMember]:
        """All but oneself, which is said: nobody locks themselves out by a click too many."""
        if queryset.filter(user=request.user.pk).exists():  # type: ignore[misc]  # the site let a person in
            self.message_user(request, gettext("You are left out: somebody else has to do that."), messages.WARNING)
        return queryset.exclude(user=request.user.pk).select_related("user", "reseller").order_by("user__name", "pk")  # type: ignore[misc]

    def _set_role(self, request: HttpRequest, queryset: QuerySet[ResellerMember], role: str) -> None:
        for member in queryset.exclude(role=role):
            self._try(
                request,
                lambda one=member: resellers.set_member_role(
                    member=one, role=role, by=request.user, now=timezone.now()
                ),
            )

    def _try(self, request: HttpRequest, do: Any) -> None:
        try:
            do()
        except DomainError as error:
            self.message_user(request, str(error), messages.WARNING)


@admin.register(Branding, site=site)
class BrandAdmin(ResellerScopedAdmin):
    """The reseller's own look: its console, its customers' default, its e-mails. One page, no list."""

    reseller_path = "reseller"
    platform_may = frozenset({"view", "change"})
    rights = {"view": ConsoleRight.CHANGE_BRAND, "change": ConsoleRight.CHANGE_BRAND}
    menu = Menu("company", "palette", order=20, title=_("Brand"))
    list_display = ("display_name", "reseller")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Branding]:
        """Brands of resellers; a customer's own is on the customer's page."""
        return super().get_queryset(request).filter(reseller__isnull=False).select_related("reseller")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """On a reseller's host, where there is a brand to paint."""
        return super().has_view_permission(request, obj) and host_reseller(request) is not None

    has_change_permission = has_view_permission

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one brand, so the list is its page."""
        return self.brand_page(request)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The row's own address leads to the one page."""
        if object_id is None or not self.has_view_permission(request) or self.get_object(request, object_id) is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:tenants_branding_changelist"))

    def brand_page(self, request: HttpRequest) -> HttpResponse:
        """Change the brand and see it on the things it paints."""
        reseller = host_reseller(request)
        if reseller is None or not self.has_change_permission(request):
            raise Http404
        row, look = branding.of(reseller), brands.brand_of(request)
        known = {
            "display_name": row.display_name,
            "primary_color": look.primary,
            "secondary_color": look.secondary,
            "email_sender_name": row.email_sender_name,
            "custom_css": row.custom_css,
        }
        form = BrandForm(request.POST or None, request.FILES or None, initial=known)
        if request.method == "POST" and form.is_valid():
            try:
                branding.save(owner=reseller, by=request.user, now=timezone.now(), **form.changes())
            except DomainError as error:
                add_problem(form, error)
            else:
                self.message_user(request, gettext("Your brand is painted."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:tenants_branding_changelist"))
        return form_page(
            self,
            request,
            form,
            template="console/brand.html",
            title=gettext("Brand"),
            hint=gettext("Your console and, until they choose their own, your customers' pages wear it."),
            action=gettext("Save brand"),
            look=look,
            row=row,
        )


@admin.register(Reseller, site=site)
class ResellerAdmin(ResellerScopedAdmin):
    """Companies that sell the product under their own brand. Platform staff open and close them."""

    reseller_path = Reach.PLATFORM
    platform_may = frozenset({"view", "add"})
    menu = Menu("platform", "apartment", order=10)
    list_display = ("name_cell", "customers_cell", "support_email", "state_cell", "created_cell")
    list_display_links = None
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name", "pk")
    actions = ("close", "open_again")
    add_label = _("Open a reseller")
    empty_title = _("No resellers yet")
    empty_hint = _("A reseller gets a console of its own, in its own brand.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reseller]:
        """With the number of customers, counted in the same question."""
        living = Q(tenants__isnull=False) & ~Q(tenants__status=TenantStatus.DELETED)
        return (
            super()
            .get_queryset(request)
            .annotate(customers=Count("tenants", filter=living))
            .prefetch_related("domains")
        )

    @admin.display(description=_("reseller"), ordering="name")
    def name_cell(self, row: Reseller) -> SafeString:
        """Name, and a link to its console."""
        hosts = sorted(row.domains.all(), key=lambda domain: not domain.is_primary)
        host = hosts[0].domain if hosts else ""
        return format_html(
            '<span class="cell-title"><a href="{}" target="_blank" rel="noopener">{}</a><small>{}</small></span>',
            domains.address_at(host, "/admin/"),
            row.name,
            host,
        )

    @admin.display(description=_("customers"), ordering="customers")
    def customers_cell(self, row: Any) -> int:
        """How many, without those whose data are gone."""
        return row.customers

    @admin.display(description=_("state"), ordering="is_active")
    def state_cell(self, row: Reseller) -> SafeString:
        """Whether its console is open."""
        return (
            cells.badge(pgettext("console", "Open"), "green")
            if row.is_active
            else cells.badge(pgettext("console", "Closed"), "red")
        )

    @admin.display(description=_("since"), ordering="created_at")
    def created_cell(self, row: Reseller) -> SafeString | str:
        """Relative time."""
        return cells.when(row.created_at)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Who may open and close resellers."""
        return self.has_add_permission(request)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Opening a reseller is a short form; a row leads to its own console."""
        if object_id is not None:
            row = self.get_object(request, object_id) if self.has_view_permission(request) else None
            if row is None:
                raise Http404
            return HttpResponseRedirect(domains.url_of_reseller(row, "/admin/"))
        if not self.has_add_permission(request):
            raise Http404
        form = NewResellerForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                made = resellers.create(**form.cleaned_data, by=request.user, now=timezone.now())
            except DomainError as error:
                add_problem(form, error)
            else:
                words = gettext("%(name)s is open at %(host)s. Its owner gets a link by e-mail.")
                host = domains.host_of_reseller(made)
                self.message_user(request, words % {"name": made.name, "host": host}, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:tenants_reseller_changelist"))
        return form_page(
            self,
            request,
            form,
            title=gettext("Open a reseller"),
            hint=gettext("It gets a console at its own address; the owner gets a link to log in."),
            action=gettext("Open reseller"),
        )

    @admin.action(description=_("Close the console"), permissions=["manage"])
    def close(self, request: HttpRequest, queryset: QuerySet[Reseller]) -> HttpResponse | None:
        """Its people cannot log in; its customers go on working."""
        question = self.ask_first(
            request,
            queryset,
            action="close",
            title=gettext("Close the console?"),
            hint=gettext("Its people cannot log in until you open it again. Their customers go on working."),
            label=gettext("Close the console"),
        )
        if question is None:
            self._switch(request, queryset, is_active=False)
        return question

    @admin.action(description=_("Open the console again"), permissions=["manage"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Reseller]) -> None:
        """Its people can log in again."""
        self._switch(request, queryset, is_active=True)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Reseller], *, is_active: bool) -> None:
        for reseller in queryset:
            resellers.switch(reseller=reseller, is_active=is_active, by=request.user, now=timezone.now())


@admin.register(TenantJob, site=site)
class TenantJobAdmin(ResellerScopedAdmin):
    """Long work on customers: what runs, what stopped and why. A stopped preparation goes on with one click."""

    reseller_path = "tenant__reseller"
    rights = {"view": ConsoleRight.VIEW_CUSTOMERS}
    menu = Menu("customers", "manufacturing", order=30)
    list_display = ("tenant_cell", "kind", "step", "state_cell", "error_cell", "attempts", "updated_cell")
    list_display_links = None
    list_filter = ("state", "kind")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-created_at", "-pk")
    actions = ("retry",)
    empty_title = _("No jobs yet")
    empty_hint = _("The preparation of each customer is kept here.")

    @admin.display(description=_("customer"), ordering="tenant__name")
    def tenant_cell(self, row: TenantJob) -> SafeString:
        """Whom it is about."""
        url = reverse("admin:tenants_tenant_change", args=[row.tenant_id]) + "?tab=jobs"
        return format_html('<a href="{}">{}</a>', url, row.tenant.name)

    @admin.display(description=_("state"), ordering="state")
    def state_cell(self, row: TenantJob) -> SafeString:
        """The state in its tone."""
        return cells.state(row.state, row.get_state_display())

    @admin.display(description=_("error"))
    def error_cell(self, row: TenantJob) -> str:
        """The first words of why it stopped."""
        return row.error[:120] or "–"

    @admin.display(description=_("changed"), ordering="updated_at")
    def updated_cell(self, row: TenantJob) -> SafeString | str:
        """Relative time."""
        return cells.when(row.updated_at)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A job's page is the tab of its customer."""
        row = self.get_object(request, object_id) if object_id and self.has_view_permission(request) else None
        if row is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[row.tenant_id]) + "?tab=jobs")

    def has_create_permission(self, request: HttpRequest) -> bool:
        """Who may go on with a preparation."""
        return scope_of(request).may(ConsoleRight.CREATE_CUSTOMERS)

    @admin.action(description=_("Try again"), permissions=["create"])
    def retry(self, request: HttpRequest, queryset: QuerySet[TenantJob]) -> None:
        """Continue the selected work at the step it stopped at."""
        for job in queryset.filter(state=JobState.FAILED).select_related("tenant"):
            provisioning.retry(job=job, by=request.user, now=timezone.now())
            leaving.retry(job=job, by=request.user, now=timezone.now())


def form_page(
    screen: ResellerScopedAdmin,
    request: HttpRequest,
    form: Any,
    *,
    title: str,
    hint: str,
    action: str,
    template: str = "console/form.html",
    **context: Any,
) -> TemplateResponse:
    """A short form in the console's frame; a refused one answers 422 with what was typed."""
    frame = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "title": title,
        "hint": hint,
        "action": action,
        "form": form,
        "back": reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_changelist"),
        **context,
    }
    return TemplateResponse(request, template, frame, status=422 if form.is_bound and form.errors else 200)
