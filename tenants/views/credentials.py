"""Settings: credentials of outside services, their history, and whether they work."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Tested, accounts
from ops.kernel.configuration.services import credentials, reading
from ops.kernel.configuration.services.credentials import CredentialRefused
from ops.kernel.configuration.values import Source
from ops.kernel.errors import DomainError, Invalid
from tenants.accounts.forms.base import add_problem
from tenants.forms.services import CredentialForm

CHANGE = "configuration.change_settings"
# Words for whose values are used; nothing in them names a platform or a reseller.
STATES = {
    Source.OWN: (gettext_lazy("Your own"), "green"),
    Source.GROUP: (gettext_lazy("From your provider"), "blue"),
    Source.PLATFORM: (gettext_lazy("From your provider"), "blue"),
    Source.DEFAULT: (gettext_lazy("Standard"), ""),
    None: (gettext_lazy("Not set"), "amber"),
}


def state_of(line: credentials.Line) -> dict[str, Any]:
    """The badge of one credential."""
    label, tone = STATES[line.source]
    return {"label": label, "tone": tone}


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_safe
def credential_list(request: HttpRequest) -> HttpResponse:
    """Every service the product can use, and whose credentials it uses."""
    context = {
        "rows": [(line, state_of(line)) for line in credentials.listed(for_tenant=True)],
        "accounts": [account for rows in accounts for account in rows()],
    }
    return render(request, "tenants/credentials.html", context)


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def credential(request: HttpRequest, name: str) -> HttpResponse:
    """One service: enter, try, save."""
    found = credentials.find(name, for_tenant=True)
    values = configuration.get(name)
    form = CredentialForm(
        request.POST if request.method == "POST" else None, definition=reading.find(name), values=values
    )
    refused = False
    if request.method == "POST" and form.is_valid():
        try:
            credentials.save(
                name,
                form.given(),
                by=request.user,
                now=timezone.now(),
                for_tenant=True,
                seen_version=form.cleaned_data["version"],
                insist="insist" in request.POST,
            )
        except DomainError as error:
            refused = isinstance(error, CredentialRefused)
            add_problem(form, error)
        else:
            messages.success(request, _("%(service)s is saved.") % {"service": found.label})
            return redirect("tenants:credential", name)
    line = credentials.line(found, values)
    context = {
        "line": line,
        "state": state_of(line),
        "form": form,
        "fields": [field for field in form if not field.is_hidden],
        "refused": refused,
        "tested": None,
    }
    response = render(request, "tenants/credential.html", context, status=422 if form.is_bound else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_POST
def credential_test(request: HttpRequest, name: str) -> HttpResponse:
    """One cheap call with what stands in the form; a page with scripts gets the answer alone."""
    found = credentials.find(name, for_tenant=True)
    form = CredentialForm(request.POST, definition=reading.find(name), values=configuration.get(name))
    try:
        tested = credentials.try_out(name, form.given() if form.is_valid() else None, for_tenant=True)
    except Invalid as error:
        tested = Tested(False, " ".join(one.detail for one in error.errors) or str(error))
    if request.htmx:
        return render(request, "tenants/_credential_tested.html", {"tested": tested})
    words = f"{found.label}: {tested.words}"
    (messages.success if tested.ok else messages.error)(request, words)
    return redirect("tenants:credential", name)


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_safe
def credential_history(request: HttpRequest, name: str) -> HttpResponse:
    """Every version with who made it and what it changed; secrets only say that they did."""
    found = credentials.find(name, for_tenant=True)
    context = {"credential": found, "name": name, "versions": credentials.versions(name)}
    return render(request, "tenants/credential_history.html", context)


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_POST
def credential_rollback(request: HttpRequest, name: str) -> HttpResponse:
    """Put an earlier version in force again."""
    credentials.find(name, for_tenant=True)
    number = request.POST.get("version", "")
    if not number.isdecimal() or len(number) > 9:
        raise Invalid(field="version")
    configuration.rollback(name, version=int(number), by=request.user, now=timezone.now())
    messages.success(request, _("Version %(version)s is in force again.") % {"version": number})
    return redirect("tenants:credential-history", name)


@login_required
@permission_required(CHANGE, raise_exception=True)
@require_POST
def credential_reset(request: HttpRequest, name: str) -> HttpResponse:
    """Take one's own values back: what the provider gives holds again."""
    credentials.find(name, for_tenant=True)
    configuration.reset(name, by=request.user, now=timezone.now())
    messages.success(request, _("Your own values are taken back."))
    return redirect("tenants:credential", name)
