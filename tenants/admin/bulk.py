"""Several customers at once: choose in the list, read what will happen, confirm, read what became of each.

What can be done is registered, so that a floor above adds what needs a plan. The chosen ones travel signed, so that
what was confirmed is what is done, and are looked up in sight again. One that refuses does not keep the others.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError
from ops.kernel.registry import Registry, Text
from tenants.admin.pages import CustomerPages
from tenants.console import ResellerScopedAdmin, formula_free, scope_of, site
from tenants.enums import ConsoleRight, TenantStatus
from tenants.forms.console import ReasonForm
from tenants.models import Announcement, Tenant
from tenants.queries import trail
from tenants.services import leaving, lifecycle, naming

SALT, CHOSEN_FOR_S = "tenants.bulk", 3600
REPORT_FOR_S = 24 * 3600
AT_ONCE = 500
NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that can be done to customers. `run(tenant, answers, by, now)` raises what the service raises.

    `is_so(tenant, answers)` says whether there is nothing to do; the report tells it from what was done.
    """

    verb: Text
    hint: Text
    right: ConsoleRight
    run: Callable[[Tenant, Mapping[str, Any], Any, Any], object]
    form: Callable[[HttpRequest, Any], forms.Form] | None = None
    destroys: bool = False
    is_so: Callable[[Tenant, Mapping[str, Any]], bool] | None = None


works: Registry[Work] = Registry("work on customers")


def _reason_form(request: HttpRequest, data: Any) -> forms.Form:
    return ReasonForm(data)


works.register(
    "suspend",
    Work(
        _("Suspend"),
        _(
            "Everything is kept. Their people can read and change nothing, the API refuses, and the chat on their"
            " website is offline."
        ),
        ConsoleRight.STOP_CUSTOMERS,
        lambda tenant, answers, by, now: lifecycle.suspend(tenant=tenant, reason=answers["reason"], by=by, now=now),
        form=_reason_form,
        destroys=True,
        is_so=lambda tenant, answers: tenant.status == TenantStatus.SUSPENDED,
    ),
)
works.register(
    "resume",
    Work(
        _("Resume"),
        _("Pages, API and chat work again at once."),
        ConsoleRight.STOP_CUSTOMERS,
        lambda tenant, answers, by, now: lifecycle.resume(tenant=tenant, by=by, now=now),
        is_so=lambda tenant, answers: tenant.status == TenantStatus.ACTIVE,
    ),
)


works.register(
    "archive",
    Work(
        _("Archive"),
        _(
            "Nobody can log in any more and the chat on their website is gone. Everything is kept, without a date for"
            " its deletion, until you open the account again."
        ),
        ConsoleRight.CLOSE_CUSTOMERS,
        lambda tenant, answers, by, now: lifecycle.archive(tenant=tenant, reason=answers["reason"], by=by, now=now),
        form=_reason_form,
        destroys=True,
        is_so=lambda tenant, answers: tenant.status == TenantStatus.ARCHIVED,
    ),
)
works.register(
    "open_again",
    Work(
        _("Open again"),
        _("The account works as it did before it was closed. A planned deletion is taken back."),
        ConsoleRight.CLOSE_CUSTOMERS,
        lambda tenant, answers, by, now: leaving.open_again(tenant=tenant, by=by, now=now),
        is_so=lambda tenant, answers: tenant.status == TenantStatus.ACTIVE,
    ),
)


def _told(detail: Mapping[str, Any]) -> str:
    """What the log says of work on several customers."""
    work = works.get(str(detail.get("work", "")))
    words = ngettext("%(work)s: %(count)s customer", "%(work)s: %(count)s customers", int(detail.get("done", 0)))
    said = [words % {"work": work.verb if work else detail.get("work", ""), "count": detail.get("done", 0)}]
    if detail.get("refused"):
        said.append(gettext("%(count)s refused") % {"count": detail["refused"]})
    if detail.get("reason"):
        said.append(str(detail["reason"]))
    return " · ".join(said)


trail.wordings.register("tenants.bulk_done", _told)


class BulkPages(CustomerPages):
    """The list's actions over several customers, and the same work on one."""

    def get_urls(self) -> list[URLPattern]:
        """The question, and the report."""
        page = self.admin_site.admin_view
        own = [
            path("bulk/report/<uuid:key>/", page(self.report_view), name="tenants_tenant_bulk_report"),
            path("bulk/<slug:name>/", page(self.bulk_view), name="tenants_tenant_bulk"),
            path("<uuid:pk>/suspend/", page(self.work_on_one), {"name": "suspend"}, name="tenants_tenant_suspend"),
            path("<uuid:pk>/resume/", page(self.work_on_one), {"name": "resume"}, name="tenants_tenant_resume"),
            path("<uuid:pk>/work/<slug:name>/", page(self.work_on_one), name="tenants_tenant_work"),
        ]
        return own + super().get_urls()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What the person may do to several, before the export."""
        actions = super().get_actions(request)
        scope = scope_of(request)
        mine = {
            f"bulk_{name}": (_starter(name), f"bulk_{name}", work.verb)
            for name, work in works.items()
            if scope.may(work.right)
        }
        if scope.may(ConsoleRight.ANNOUNCE):
            mine["announce"] = (_announce, "announce", _("Write an announcement"))
        if not scope.may(ConsoleRight.EXPORT_CUSTOMERS):
            actions.pop("export_csv", None)
        return mine | actions

    def bulk_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask about those that were chosen in the list, then do it."""
        work = self._work(request, name)
        try:
            chosen = signing.loads(request.POST.get("chosen", ""), salt=SALT, max_age=CHOSEN_FOR_S)
            keys = [UUID(key) for key in chosen]
        except (signing.BadSignature, ValueError, TypeError, AttributeError):
            self.message_user(request, gettext("Choose the customers again."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:tenants_tenant_changelist"))
        tenants = list(self.get_queryset(request).filter(pk__in=keys).order_by("name", "pk"))
        return self._ask(request, name, work, tenants, reverse("admin:tenants_tenant_changelist"))

    def work_on_one(self, request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
        """Ask about one customer, then do it."""
        work = self._work(request, name)
        tenant = self.one(request, pk, work.right)
        return self._ask(request, name, work, [tenant], reverse("admin:tenants_tenant_change", args=[tenant.pk]))

    def _work(self, request: HttpRequest, name: str) -> Work:
        work = works.get(name)
        if work is None or not self.has_view_permission(request) or not scope_of(request).may(work.right):
            raise Http404
        return work

    def _ask(self, request: HttpRequest, name: str, work: Work, tenants: list[Tenant], back: str) -> HttpResponse:
        confirmed = request.method == "POST" and "confirmed" in request.POST
        form = work.form(request, request.POST if confirmed else None) if work.form else None
        if confirmed and (form is None or form.is_valid()):
            answers = form.cleaned_data if form else {}
            if len(tenants) == 1:
                self._do_one(request, work, tenants[0], answers)
                return HttpResponseRedirect(back)
            return HttpResponseRedirect(self._do(request, name, work, tenants, answers))
        return self.page(
            request,
            "console/tenant/confirm.html",
            {
                "title": work.verb,
                "tenant": tenants[0] if len(tenants) == 1 else None,
                "heading": _heading(work, tenants),
                "work_name": name,
                "work": work,
                "tenants": tenants if len(tenants) > 1 else (),
                "shown": [tenant.name for tenant in tenants[:NAMES_SHOWN]],
                "more": max(0, len(tenants) - NAMES_SHOWN),
                "chosen": chosen_token(tenants),
                "form": form,
                "back": back,
            },
            status=422 if confirmed else 200,
        )

    def _do_one(self, request: HttpRequest, work: Work, tenant: Tenant, answers: Mapping[str, Any]) -> None:
        if work.is_so is not None and work.is_so(tenant, answers):
            self.message_user(request, gettext("%(name)s: it is so already.") % {"name": tenant.name})
            return
        try:
            work.run(tenant, answers, request.user, timezone.now())
        except DomainError as error:
            self.message_user(request, f"{tenant.name}: {error}", messages.WARNING)
        else:
            words = gettext("%(work)s: done for %(name)s.") % {
                "work": work.verb,
                "name": naming.in_sentence(tenant.name),
            }
            self.message_user(request, words, messages.SUCCESS)

    def _do(
        self, request: HttpRequest, name: str, work: Work, tenants: list[Tenant], answers: Mapping[str, Any]
    ) -> str:
        """Each in its own transaction; says where the report is."""
        lines: list[dict[str, Any]] = []
        for tenant in tenants:
            line = {"pk": str(tenant.pk), "name": tenant.name, "done": False, "was_so": False, "words": ""}
            lines.append(line)
            if work.is_so is not None and work.is_so(tenant, answers):
                line |= {"was_so": True, "words": gettext("It is so already.")}
                continue
            try:
                work.run(tenant, answers, request.user, timezone.now())
            except DomainError as error:
                line["words"] = str(error)
            else:
                line["done"] = True
        done = sum(line["done"] for line in lines)
        audit.record(
            "tenants.bulk_done",
            by=request.user,
            detail={"work": name, "done": done, "refused": len(lines) - done, **_plain(answers)},
            now=timezone.now(),
        )
        key = uuid4()
        report = {"name": name, "lines": lines, "at": timezone.now(), "answers": _plain(answers)}
        cache.set(self._report_key(request, key), report, REPORT_FOR_S)
        return reverse("admin:tenants_tenant_bulk_report", args=[key])

    def _report_key(self, request: HttpRequest, key: UUID) -> str:
        """One's own report, on the console it was made in."""
        scope = scope_of(request)
        return f"tenants.bulk:{scope.reseller.pk if scope.reseller else ''}:{request.user.pk}:{key}"

    def report_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """What became of each; kept for a day, for whoever did it."""
        found = cache.get(self._report_key(request, key)) if self.has_view_permission(request) else None
        work = works.get(found["name"]) if found else None
        if found is None or work is None:
            raise Http404
        if request.GET.get("format") == "csv":
            return _report_csv(found, str(work.verb))
        # What needs a look stands on top: the refused, then those where there was nothing to do.
        refused = [line for line in found["lines"] if not line["done"]]
        refused.sort(key=lambda line: line["was_so"])
        return self.page(
            request,
            "console/tenant/report.html",
            {
                "title": work.verb,
                "work": work,
                "at": found["at"],
                "lines": refused + [line for line in found["lines"] if line["done"]],
                "done": len(found["lines"]) - len(refused),
                "refused": len(refused),
                "back": reverse("admin:tenants_tenant_changelist"),
            },
        )


def chosen_token(tenants: list[Tenant]) -> str:
    """The chosen customers, signed."""
    return signing.dumps([str(tenant.pk) for tenant in tenants], salt=SALT)


def _starter(name: str) -> Callable[[Any, HttpRequest, QuerySet[Tenant]], HttpResponse]:
    def start(model_admin: ResellerScopedAdmin, request: HttpRequest, queryset: QuerySet[Tenant]) -> HttpResponse:
        """The question about the selected rows."""
        tenants = list(queryset.order_by("name", "pk")[: AT_ONCE + 1])
        back = reverse("admin:tenants_tenant_changelist")
        if len(tenants) > AT_ONCE:
            words = gettext("Choose at most %(count)s customers at once.") % {"count": AT_ONCE}
            model_admin.message_user(request, words, messages.WARNING)
            return HttpResponseRedirect(back)
        screen: Any = model_admin
        return screen._ask(request, name, screen._work(request, name), tenants, back)

    return start


def _announce(model_admin: ResellerScopedAdmin, request: HttpRequest, queryset: QuerySet[Tenant]) -> HttpResponse:
    """The form of an announcement, with the selected customers as its audience."""
    tenants = list(queryset[:AT_ONCE])
    screen: Any = site._registry[Announcement]
    return screen.write(request, None, tenants)


def _heading(work: Work, tenants: list[Tenant]) -> str:
    if len(tenants) == 1:
        return gettext("%(work)s: %(name)s?") % {"work": work.verb, "name": tenants[0].name}
    words = ngettext("%(work)s: %(count)s customer?", "%(work)s: %(count)s customers?", len(tenants))
    return words % {"work": work.verb, "count": len(tenants)}


def _plain(answers: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value)[:200] for key, value in answers.items()}


def _report_csv(found: Mapping[str, Any], verb: str) -> HttpResponse:
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found["name"]}-{found["at"]:%Y-%m-%d}.csv"'
    writer = csv.writer(response)
    writer.writerow([capfirst(gettext("customer")), verb, capfirst(gettext("why not"))])
    for line in found["lines"]:
        state = gettext("done") if line["done"] else gettext("as before") if line["was_so"] else gettext("refused")
        writer.writerow([formula_free(line["name"]), state, formula_free(line["words"])])
    return response
