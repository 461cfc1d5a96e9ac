"""Letters of a reseller: the address they leave from, and their words for all its customers."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from ops.kernel.errors import NotFound
from tenants import mailroom
from tenants.admin.company import form_page
from tenants.console import Menu, ResellerScopedAdmin, host_reseller, site
from tenants.enums import ConsoleRight
from tenants.models import MailSender, Reseller


def _framed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for a frame of our own, without what the console's frame needs for its scripts."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response._csp_update = None  # type: ignore[attr-defined]
        return response

    return xframe_options_sameorigin(shown)


@admin.register(MailSender, site=site)
class MailAdmin(ResellerScopedAdmin):
    """One page, no list: the sender, what its DNS needs, and the letters."""

    reseller_path = "reseller"
    platform_may = frozenset({"view", "change"})
    rights = {"view": ConsoleRight.CHANGE_BRAND, "change": ConsoleRight.CHANGE_BRAND}
    menu = Menu("company", "mail", order=30, title=_("E-mails"))
    list_display = ("address", "reseller")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailSender]:
        """Senders of resellers; a customer's own is the customer's."""
        return super().get_queryset(request).filter(reseller__isnull=False).select_related("reseller")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """On a reseller's host, whose letters they are."""
        return super().has_view_permission(request, obj) and host_reseller(request) is not None

    has_change_permission = has_view_permission

    def get_urls(self) -> list[URLPattern]:
        """The letters beside the page."""
        page = self.admin_site.admin_view
        own = [
            path("check/", page(self.check_view), name="tenants_mailsender_check"),
            path(
                "letters/<path:name>/preview/",
                _framed(page(self.preview_view)),
                name="tenants_mailsender_preview",
            ),
            path("letters/<path:name>/", page(self.letter_view), name="tenants_mailsender_letter"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one sender, so the list is its page."""
        reseller = self._reseller(request)
        asked = mailroom.ask(request, reseller, remove="remove" in request.POST)
        if asked.done:
            self.message_user(request, asked.done, messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:tenants_mailsender_changelist"))
        return form_page(
            self,
            request,
            template="console/mail.html",
            title=gettext("E-mails"),
            hint=gettext("The address your customers' letters come from, until they have their own, and their words."),
            action=gettext("Change address") if asked.context["sender"] else gettext("Use this address"),
            check_url=reverse("admin:tenants_mailsender_check"),
            shelves=mailroom.shelf(
                reseller, lambda name: reverse("admin:tenants_mailsender_letter", kwargs={"name": name})
            ),
            **asked.context,
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The row's own address leads to the one page."""
        if object_id is None or not self.has_view_permission(request) or self.get_object(request, object_id) is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:tenants_mailsender_changelist"))

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Look into the DNS now."""
        if request.method != "POST":
            raise Http404
        try:
            level, words = mailroom.look(request, self._reseller(request))
        except NotFound:
            raise Http404 from None
        self.message_user(request, words, level)
        return HttpResponseRedirect(reverse("admin:tenants_mailsender_changelist"))

    def letter_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """One letter in one language."""
        edited = mailroom.edit(request, self._reseller(request), name)
        if edited.done:
            self.message_user(request, edited.done, messages.SUCCESS)
            return HttpResponseRedirect(edited.back)
        letter, language = edited.context["letter"], edited.context["language"]
        preview = reverse("admin:tenants_mailsender_preview", kwargs={"name": name})
        return form_page(
            self,
            request,
            template="console/letter.html",
            title=str(letter.label),
            hint=str(letter.hint),
            action="",
            preview_url=f"{preview}?language={language}",
            **edited.context,
        )

    def preview_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """How the letter looks in the reseller's brand."""
        self._reseller(request)
        mailroom.known(name)
        return mailroom.preview(request, name, language=mailroom.language_of(request))

    def _reseller(self, request: HttpRequest) -> Reseller:
        reseller = host_reseller(request)
        if reseller is None or not self.has_change_permission(request):
            raise Http404
        return reseller
