"""Pages of one customer's life: a copy of it, another name or address, a domain to another customer, its end."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.admin.pages import CustomerPages
from tenants.enums import ConsoleRight, CopyMode, TenantStatus
from tenants.forms.account import CloneForm, CloseForm, MoveDomainForm, RenameForm
from tenants.models import DomainClaim, Tenant
from tenants.services import cloning, leaving, lifecycle, provisioning, renaming

Done = Callable[[Any], HttpResponse]


class LifecyclePages(CustomerPages):
    """What is done to one customer as a whole; each is a short form with what it means above it."""

    def get_urls(self) -> list[URLPattern]:
        """One page for each."""
        page = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/clone/", page(self.clone_view), name="tenants_tenant_clone"),
            path("<uuid:pk>/rename/", page(self.rename_view), name="tenants_tenant_rename"),
            path("<uuid:pk>/move-domain/", page(self.move_domain_view), name="tenants_tenant_move_domain"),
            path("<uuid:pk>/close/", page(self.close_view), name="tenants_tenant_close"),
            path("<uuid:pk>/reopen/", page(self.reopen_view), name="tenants_tenant_reopen"),
        ]
        return own + super().get_urls()

    def clone_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Make a customer from this one; it ends on the page that follows the preparation."""
        tenant = self.one(request, pk, ConsoleRight.CREATE_CUSTOMERS)

        def do(answers: dict[str, Any]) -> HttpResponse:
            mode, email = CopyMode(answers["mode"]), answers["owner_email"]
            made = cloning.clone(
                source=tenant,
                name=answers["name"],
                slug=answers["slug"],
                mode=mode,
                owner=provisioning.Owner(email, language=tenant.language) if email else None,
                by=request.user,
                now=timezone.now(),
            )
            return HttpResponseRedirect(reverse("admin:tenants_tenant_progress", args=[made.pk]))

        return self._form(
            request,
            tenant,
            CloneForm(request.POST or None),
            do,
            title=gettext("Copy %(name)s") % {"name": tenant.name},
            hint=gettext(
                "Connected numbers and mailboxes are copied switched off. Logins, tokens, webhooks and single sign-on"
                " are not copied; meters start at zero."
            ),
            action=gettext("Make the copy"),
        )

    def rename_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Another name, another address, or both."""
        tenant = self.one(request, pk, ConsoleRight.CHANGE_ADDRESSES)
        form = RenameForm(request.POST or None, initial={"name": tenant.name, "slug": tenant.slug})

        def do(answers: dict[str, Any]) -> HttpResponse:
            renaming.rename(tenant=tenant, **answers, by=request.user, now=timezone.now())
            return self._back(request, tenant, gettext("Name and address are saved."))

        return self._form(
            request,
            tenant,
            form,
            do,
            title=gettext("Name and address of %(name)s") % {"name": tenant.name},
            hint=gettext(
                "At a new address everybody logs in again; passkeys and single sign-on have to be set up anew."
            ),
            action=gettext("Save"),
        )

    def move_domain_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Let one of its own domains answer for another customer in sight."""
        tenant = self.one(request, pk, ConsoleRight.CHANGE_ADDRESSES)
        claims = DomainClaim.objects.of(tenant).filter(domain__isnull=False).order_by("host")
        hosts = list(claims.values_list("host", flat=True))
        form = MoveDomainForm(request.POST or None, hosts=hosts)

        def do(answers: dict[str, Any]) -> HttpResponse:
            others = self.get_queryset(request).exclude(status=TenantStatus.DELETED)
            target = others.filter(slug=answers["to"].strip().lower()).first()
            if target is None:
                form.add_error("to", gettext("There is no such customer."))
                raise _Refused
            renaming.move_domain(
                host=answers["host"], source=tenant, target=target, by=request.user, now=timezone.now()
            )
            words = gettext("%(host)s answers for %(name)s now.") % {"host": answers["host"], "name": target.name}
            return self._back(request, tenant, words)

        return self._form(
            request,
            tenant,
            form,
            do,
            title=gettext("Move a domain of %(name)s") % {"name": tenant.name},
            hint=gettext(
                "It goes with its proof, from one moment to the next. Only to a customer of the same reseller."
            )
            if hosts
            else gettext("This customer has no proven domain of its own."),
            action=gettext("Move the domain"),
            is_impossible=not hosts,
        )

    def close_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Close the doors now, and delete everything after the grace time."""
        tenant = self.one(request, pk, ConsoleRight.CLOSE_CUSTOMERS)

        def do(answers: dict[str, Any]) -> HttpResponse:
            leaving.require_name(tenant, answers["name"])
            reason = leaving.require_reason(answers["reason"])
            leaving.plan(tenant=tenant, reason=reason, by=request.user, now=timezone.now())
            return self._back(request, tenant, gettext("The account is closed. Its owners get the last export."))

        return self._form(
            request,
            tenant,
            CloseForm(request.POST or None),
            do,
            title=gettext("Close the account of %(name)s") % {"name": tenant.name},
            hint=gettext(
                "Nobody can log in any more. The owners get a letter with the last export; after %(days)s days"
                " everything is deleted. Until then you can take it back."
            )
            % {"days": lifecycle.GRACE.days},
            action=gettext("Close the account"),
            destroys=True,
        )

    def reopen_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Open a closed account again; a planned deletion is taken back."""
        return require_POST(self._reopen)(request, pk)

    def _reopen(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        tenant = self.one(request, pk, ConsoleRight.CLOSE_CUSTOMERS)
        try:
            leaving.open_again(tenant=tenant, by=request.user, now=timezone.now())
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]))
        return self._back(request, tenant, gettext("The account is open again, as it was."))

    def _form(self, request: HttpRequest, tenant: Tenant, form: forms.Form, do: Done, **words: Any) -> HttpResponse:
        """Ask, do, and ask again with what was typed when it is refused."""
        if request.method == "POST" and form.is_valid():
            try:
                return do(form.cleaned_data)
            except DomainError as error:
                add_problem(form, error)
            except _Refused:
                pass
        frame = {
            "tenant": tenant,
            "form": form,
            "back": reverse("admin:tenants_tenant_change", args=[tenant.pk]),
            **words,
        }
        return self.page(request, "console/form.html", frame, status=422 if form.is_bound else 200)

    def _back(self, request: HttpRequest, tenant: Tenant, words: str) -> HttpResponse:
        self.message_user(request, words, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]))


class _Refused(Exception):
    """The form says why."""
