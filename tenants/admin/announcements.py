"""Announcements: written in both languages, looked at before, shown until their end."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ops.kernel import signing
from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.admin import cells
from tenants.admin.bulk import CHOSEN_FOR_S, SALT, chosen_token
from tenants.console import Menu, ResellerScopedAdmin, scope_of, site
from tenants.enums import Audience, ConsoleRight
from tenants.forms.support import AnnouncementForm
from tenants.models import Announcement, Tenant
from tenants.services import announcements


@admin.register(Announcement, site=site)
class AnnouncementAdmin(ResellerScopedAdmin):
    """What customers read on top of their pages. On the platform's host: what all customers or resellers read."""

    reseller_path = "reseller"
    platform_may = frozenset({"view", "add"})
    rights = {"view": ConsoleRight.ANNOUNCE, "add": ConsoleRight.ANNOUNCE}
    menu = Menu("customers", "campaign", order=50)
    list_display = ("title_cell", "audience_cell", "state_cell", "read_cell", "from_cell")
    list_display_links = None
    list_filter = ("audience",)
    search_fields = ("title_pt", "title_en")
    ordering = ("-starts_at", "-pk")
    actions = ("finish",)
    add_label = _("Write an announcement")
    empty_title = _("Nothing announced yet")
    empty_hint = _("Tell your customers of maintenance, news or holidays, on top of their pages.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        """On each host what is said there: at home the platform's own, on a reseller's its own."""
        rows = super().get_queryset(request)
        if scope_of(request).sees_everything:
            rows = rows.filter(reseller=None)
        return rows.annotate(read=Count("dismissals", distinct=True), chosen=Count("tenants", distinct=True))

    @admin.display(description=_("announcement"), ordering="title_pt")
    def title_cell(self, row: Announcement) -> SafeString:
        """The title, and who wrote it."""
        return cells.titled_link(
            row.words(get_language())[0], reverse("admin:tenants_announcement_change", args=[row.pk]), row.author
        )

    @admin.display(description=_("for whom"), ordering="audience")
    def audience_cell(self, row: Any) -> str:
        """The audience in words."""
        if row.audience == Audience.PLANS:
            return ", ".join(row.plans)
        if row.audience == Audience.SELECTED:
            return ngettext("%(count)s customer", "%(count)s customers", row.chosen) % {"count": row.chosen}
        return row.get_audience_display()

    @admin.display(description=_("state"))
    def state_cell(self, row: Announcement) -> SafeString:
        """Whether it is shown now."""
        now = timezone.now()
        if row.ends_at is not None and row.ends_at <= now:
            return cells.badge(gettext("Over"))
        if row.starts_at > now:
            return cells.badge(gettext("To come"), "blue")
        return cells.badge(gettext("On the pages"), "green")

    @admin.display(description=_("put away by"))
    def read_cell(self, row: Any) -> str:
        """How many people have read it and put it away."""
        return ngettext("%(count)s person", "%(count)s people", row.read) % {"count": row.read}

    @admin.display(description=_("from"), ordering="starts_at")
    def from_cell(self, row: Announcement) -> SafeString | str:
        """When it began, or begins."""
        return cells.when(row.starts_at)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Who may write and end announcements."""
        return self.has_add_permission(request)

    @admin.action(description=_("End now"), permissions=["publish"])
    def finish(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> HttpResponse | None:
        """Off all pages at once."""
        question = self.ask_first(
            request,
            queryset,
            action="finish",
            title=gettext("End now?"),
            hint=gettext("Nobody reads it any more. It can be published again from its page."),
            label=gettext("End now"),
        )
        if question is not None:
            return question
        for row in Announcement.objects.filter(pk__in=queryset.values("pk")).order_by("pk"):
            announcements.finish(announcement=row, by=request.user, now=timezone.now())
        self.message_user(request, gettext("The announcement is off all pages."), messages.SUCCESS)
        return None

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One page to write, to look at it as customers will, and to publish."""
        row: Announcement | None = None
        if object_id is not None:
            row = self.get_object(request, object_id) if self.has_view_permission(request) else None
            if row is None:
                raise Http404
        if not self.has_add_permission(request):
            raise Http404
        return self.write(request, row, self._chosen(request, row))

    def write(self, request: HttpRequest, row: Announcement | None, chosen: list[Tenant]) -> HttpResponse:
        """The form; `chosen` customers came from the list, or are the row's own."""
        scope = scope_of(request)
        sent = request.method == "POST" and "title_pt" in request.POST
        form = AnnouncementForm(
            request.POST if sent else None,
            initial=_initial(row, chosen),
            for_platform=scope.sees_everything,
            chosen=len(chosen),
            plans=announcements.plan_choices(),
        )
        if sent and form.is_valid() and "preview" not in request.POST:
            try:
                announcements.publish(
                    reseller=scope.reseller,
                    announcement=row,
                    tenants=chosen,
                    by=request.user,
                    now=timezone.now(),
                    **form.answers(),
                )
            except DomainError as error:
                add_problem(form, error)
            else:
                self.message_user(request, gettext("The announcement is published."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:tenants_announcement_changelist"))
        here = (
            reverse("admin:tenants_announcement_change", args=[row.pk])
            if row
            else reverse("admin:tenants_announcement_add")
        )
        return site.frame(
            request,
            "console/announcement.html",
            {
                "opts": self.opts,
                "title": gettext("Announcement"),
                "form": form,
                "here": here,
                "row": row,
                "chosen_names": [tenant.name for tenant in chosen[:12]],
                "chosen_more": max(0, len(chosen) - 12),
                "chosen_token": chosen_token(chosen) if chosen else "",
                "preview": form.preview() if sent else [],
                "back": reverse("admin:tenants_announcement_changelist"),
            },
            status=422 if sent and form.errors else 200,
        )

    def _chosen(self, request: HttpRequest, row: Announcement | None) -> list[Tenant]:
        """The customers it is for, in sight of whoever writes."""
        tenants = scope_of(request).tenants().order_by("name", "pk")
        token = request.POST.get("chosen", "")
        if token:
            try:
                keys = signing.loads(token, salt=SALT, max_age=CHOSEN_FOR_S)
            except signing.BadSignature:
                return []
            return list(tenants.filter(pk__in=keys))
        return list(tenants.filter(announcements=row)) if row is not None else []


def _initial(row: Announcement | None, chosen: list[Tenant]) -> dict[str, Any]:
    if row is None:
        return {"audience": Audience.SELECTED if chosen else Audience.CUSTOMERS, "starts_at": _local(timezone.now())}
    names = ("audience", "plans", "tone", "title_pt", "text_pt", "title_en", "text_en")
    return {name: getattr(row, name) for name in names} | {
        "starts_at": _local(row.starts_at),
        "ends_at": _local(row.ends_at) if row.ends_at else None,
    }


def _local(at: datetime) -> datetime:
    return timezone.localtime(at).replace(second=0, microsecond=0)
