"""Settings: the login services of the company, and the e-mail domains that are its own."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ops.kernel.errors import DomainError
from tenants.accounts.enums import BuiltInRole, IdentityProviderKind
from tenants.accounts.forms.base import add_problem
from tenants.accounts.forms.sso import (
    ArrivalForm,
    EmailDomainForm,
    GroupRoles,
    IdentityProviderAddForm,
    OpenIDForm,
    SamlForm,
    SwitchForm,
)
from tenants.accounts.models import EmailDomain, IdentityProvider, SignIn
from tenants.accounts.queries import roles
from tenants.accounts.services import connections, email_domains, identity_providers
from tenants.accounts.views.sso import MANAGE, base_of

CONNECTIONS: dict[str, type[forms.Form]] = {"oidc": OpenIDForm, "saml": SamlForm}


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def index(request: HttpRequest) -> HttpResponse:
    """Every login service and every domain."""
    return _index(request, EmailDomainForm())


def _index(request: HttpRequest, form: EmailDomainForm) -> HttpResponse:
    rows = []
    for domain in EmailDomain.objects.order_by("name", "pk"):
        name, text = email_domains.record_of(domain)
        rows.append({"domain": domain, "record": name, "text": text})
    context = {
        "providers": IdentityProvider.objects.prefetch_related("domains").order_by("created_at", "pk"),
        "domains": rows,
        "form": form,
    }
    return render(request, "accounts/sso_settings.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE, raise_exception=True)
def add(request: HttpRequest) -> HttpResponse:
    """Choose the kind; everything else has its own page."""
    form = IdentityProviderAddForm(request.POST or None, kinds=identity_providers.kinds())
    if request.method == "POST" and form.is_valid():
        try:
            made = identity_providers.create(**form.cleaned_data, by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            return redirect("accounts:sso-provider", made.pk)
    return render(request, "accounts/sso_add.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE, raise_exception=True)
def provider(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Step by step: tell the provider about us, tell us about it, try it, say who may come in, switch it on.

    Each step is a form of its own; `form` says which was sent.
    """
    row = identity_providers.get(provider_id=pk)
    sent = request.POST.get("form", "") if request.method == "POST" else ""
    made = _forms(request, row, sent)
    form, groups = made.get(sent), made["groups"]
    if isinstance(form, forms.Form) and form.is_valid() and (sent != "arrival" or groups.is_valid()):
        values = dict(form.cleaned_data)
        if sent == "arrival":
            values["group_roles"] = [
                {"group": one["group"], "role": one["role"]} for one in groups.cleaned_data if one.get("group")
            ]
        try:
            identity_providers.change(provider_id=pk, by=request.user, now=timezone.now(), **values)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s is saved.") % {"name": row.name})
            return redirect("accounts:sso-provider", pk)
    context = {
        "provider": row,
        "forms": made,
        "ours": connections.own_addresses(row, base_of(request)),
        "google_redirect": connections.redirect_uri(row, base_of(request)) if row.kind == "google" else "",
        "certificates": identity_providers.certificates(row),
        "steps": _steps(row),
        "now": timezone.now(),
        "missing": identity_providers.missing(row),
        "is_saml": row.kind == IdentityProviderKind.SAML,
        "is_oidc": row.kind == IdentityProviderKind.OIDC,
    }
    return render(request, "accounts/sso_provider.html", context, status=422 if sent else 200)


def _forms(request: HttpRequest, row: IdentityProvider, sent: str) -> dict[str, Any]:
    def data(name: str) -> Any:
        return request.POST if sent == name else None

    choices = [pair for pair in roles.choices_for(request.user) if pair[0] != BuiltInRole.OWNER]
    proved = EmailDomain.objects.filter(verified_at__isnull=False).order_by("name").values_list("name", flat=True)
    arrival = {name: getattr(row, name) for name in ArrivalForm.base_fields if hasattr(IdentityProvider, name)}
    arrival["domains"] = list(row.domains.values_list("name", flat=True))
    arrival["default_role"] = row.default_role.slug if row.default_role else ""
    found: dict[str, Any] = {
        "arrival": ArrivalForm(data("arrival"), initial=arrival, domains=list(proved), roles=choices),
        "groups": GroupRoles(data("arrival"), initial=row.group_roles, prefix="groups", form_kwargs={"roles": choices}),
        "switch": SwitchForm(data("switch"), initial={name: getattr(row, name) for name in SwitchForm.base_fields}),
    }
    kind = CONNECTIONS.get(row.kind)
    if kind is not None:
        initial = {name: getattr(row, name) for name in kind.base_fields if name != "client_secret"}
        found["connection"] = kind(data("connection"), initial=initial)
    return found


def _steps(row: IdentityProvider) -> list[dict[str, str]]:
    """Where the set-up is."""
    done = [
        not identity_providers.missing(row),
        row.tested_at is not None,
        row.domains.exists(),
        row.enabled,
    ]
    labels = [_("Connect"), _("Try it"), _("Who may come in"), _("Switch it on")]
    first = done.index(False) if False in done else len(done)
    return [
        {"label": label, "state": "done" if is_done else "current" if place == first else "waiting"}
        for place, (label, is_done) in enumerate(zip(labels, done, strict=True))
    ]


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fetch what the provider publishes."""
    row = identity_providers.get(provider_id=pk)
    context: dict[str, Any] = {"provider": row, "found": [], "problem": None}
    try:
        context["found"] = identity_providers.check(provider_id=pk, base=base_of(request), now=timezone.now())
    except DomainError as error:
        context["problem"] = str(error)
    return render(request, "accounts/sso_check.html", context, status=422 if context["problem"] else 200)


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def tested(request: HttpRequest, pk: UUID, sign_in: UUID) -> HttpResponse:
    """What a test login brought, and how a real one would have ended."""
    rows = SignIn.objects.select_related("provider").filter(provider=pk, purpose="test", finished_at__isnull=False)
    row = get_object_or_404(rows, pk=sign_in, user=request.user)
    known = dict(roles.choices())
    context = {
        "provider": row.provider,
        "claims": row.claims,
        "report": row.report,
        "role": known.get(row.report.get("role", ""), row.report.get("role", "")),
    }
    return render(request, "accounts/sso_tested.html", context)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a login service away."""
    identity_providers.remove(provider_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("The login service is removed."))
    return redirect("accounts:sso-settings")


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def domain_add(request: HttpRequest) -> HttpResponse:
    """Note a domain; the list then shows the record that proves it."""
    form = EmailDomainForm(request.POST)
    if form.is_valid():
        try:
            email_domains.add(name=form.cleaned_data["name"], by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The domain is added. Put the record into its DNS to prove it."))
            return redirect("accounts:sso-settings")
    return _index(request, form)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def domain_prove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Look for the record now."""
    try:
        domain = email_domains.prove(domain_id=pk, by=request.user, now=timezone.now())
    except DomainError as error:
        if error.status == 404:
            raise
        messages.warning(request, str(error))
    else:
        messages.success(request, _("%(domain)s is proved.") % {"domain": domain.name})
    return redirect("accounts:sso-settings")


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def domain_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget a domain nobody comes in by."""
    try:
        email_domains.remove(domain_id=pk, by=request.user, now=timezone.now())
    except DomainError as error:
        if error.status == 404:
            raise
        messages.error(request, str(error))
    else:
        messages.success(request, _("The domain is removed."))
    return redirect("accounts:sso-settings")
