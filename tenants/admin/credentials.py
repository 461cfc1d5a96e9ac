"""Credentials of outside services that a reseller, or the platform, gives its customers."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Tested
from ops.kernel.configuration.services import credentials, reading
from ops.kernel.configuration.services.credentials import CredentialRefused
from ops.kernel.configuration.values import Source
from ops.kernel.errors import DomainError, Invalid
from tenants.accounts.forms.base import add_problem
from tenants.console import Menu, Page, pages, site
from tenants.enums import ConsoleRight
from tenants.forms.services import CredentialForm
from tenants.queries.portfolio import Scope

STATES: dict[Any, tuple[Any, str]] = {
    Source.OWN: (_("Your own"), "green"),
    Source.PLATFORM: (_("The platform's"), "blue"),
    Source.DEFAULT: (_("Standard"), ""),
    None: (_("Not set"), "amber"),
}


def word_of(scope: Scope) -> str:
    """Under which word the values of whoever this is stand; the platform's own have none."""
    return str(scope.reseller.pk) if scope.reseller else ""


def credential_list(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Every service, and whose credentials the customers use that entered none."""
    lines = credentials.listed(for_tenant=scope.reseller is not None, scope=word_of(scope))
    context = {
        "title": gettext("Credentials"),
        "rows": [{"line": line, "label": STATES[line.source][0], "tone": STATES[line.source][1]} for line in lines],
    }
    return site.frame(request, "console/credentials.html", context)


def credential(request: HttpRequest, scope: Scope, name: str) -> HttpResponse:
    """One service: enter, try, save, take back, go back to an earlier version."""
    word, for_tenant = word_of(scope), scope.reseller is not None
    found = credentials.find(name, for_tenant=for_tenant)
    values = credentials.in_force(name, scope=word)
    form = CredentialForm(request.POST or None, definition=reading.find(name), values=values)
    do, tested, refused = _asked(request), None, False
    try:
        if do == "test":
            given = form.given() if form.is_valid() else None
            tested = _tried(name, given, for_tenant=for_tenant, word=word)
        elif do and _changed(request, form, name, for_tenant=for_tenant, word=word):
            messages.success(request, gettext("%(service)s is saved.") % {"service": found.label})
            return HttpResponseRedirect(reverse("admin:tenants_console_credential", args=[name]))
    except CredentialRefused as error:
        refused = True
        add_problem(form, error)
    except DomainError as error:
        add_problem(form, error)
    line = credentials.line(found, values)
    context = {
        "title": str(found.label),
        "line": line,
        "label": STATES[line.source][0],
        "tone": STATES[line.source][1],
        "form": form,
        "fields": [field for field in form if not field.is_hidden],
        "refused": refused,
        "tested": tested,
        "versions": credentials.versions(name, scope=word, limit=20),
        "is_for_customers": for_tenant,
    }
    is_wrong = do != "test" and form.is_bound
    response = site.frame(request, "console/credential.html", context, status=422 if is_wrong else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest) -> str:
    """Which button: the confirmed way back sends no more than the version."""
    return request.POST.get("do") or ("back" if request.POST.get("version") else "")


def _tried(name: str, given: dict[str, Any] | None, *, for_tenant: bool, word: str) -> Tested:
    try:
        return credentials.try_out(name, given, for_tenant=for_tenant, scope=word)
    except Invalid as error:
        return Tested(False, " ".join(one.detail for one in error.errors) or str(error))


def _changed(request: HttpRequest, form: CredentialForm, name: str, *, for_tenant: bool, word: str) -> bool:
    """One of the buttons that change something; says whether it did. Raises what the services raise."""
    do, now = _asked(request), timezone.now()
    if do == "reset":
        configuration.reset(name, by=request.user, now=now, scope=word)
        return True
    if do == "back":
        number = request.POST.get("version", "")
        if not number.isdecimal() or len(number) > 9:
            raise Invalid
        configuration.rollback(name, version=int(number), by=request.user, now=now, scope=word)
        return True
    if not form.is_valid():
        return False
    credentials.save(
        name,
        form.given(),
        by=request.user,
        now=now,
        for_tenant=for_tenant,
        scope=word,
        seen_version=form.cleaned_data["version"],
        insist=do == "insist",
    )
    return True


pages.register(
    "tenants_console_credentials",
    Page(
        "credentials/",
        credential_list,
        ConsoleRight.CHANGE_CREDENTIALS,
        Menu("company", "key", order=28, title=_("Credentials")),
    ),
)
pages.register(
    "tenants_console_credential", Page("credentials/<str:name>/", credential, ConsoleRight.CHANGE_CREDENTIALS)
)
