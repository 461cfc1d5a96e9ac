"""Where a reseller's console answers: the address below the platform, and domains of its own."""

from django.contrib import messages
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import DomainError
from tenants.console import Menu, Page, pages, site
from tenants.enums import PUBLIC_SCHEMA, ConsoleRight
from tenants.forms.domains import HostForm
from tenants.models import Reseller, Tenant
from tenants.queries import addresses
from tenants.queries.portfolio import Scope
from tenants.services import claims


def console_addresses(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Add a domain, see the records to enter, check them, choose the main one."""
    reseller = scope.reseller
    platform = Tenant.objects.get(schema_name=PUBLIC_SCHEMA)
    if reseller is None:
        return HttpResponseRedirect(reverse("admin:index"))
    if request.method == "POST":
        form = HostForm(request.POST if request.POST.get("do") == "add" else None)
        try:
            if _do(request, form, platform, reseller):
                return HttpResponseRedirect(reverse("admin:tenants_console_addresses"))
        except DomainError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:tenants_console_addresses"))
    else:
        form = HostForm()
    form.fields["host"].help_text = gettext("It answers once its DNS proves that it is yours.")
    context = {
        "title": gettext("Addresses of the console"),
        "rows": addresses.of(platform, reseller),
        "addresses_url": reverse("admin:tenants_console_addresses"),
        "form": form,
        "may_change_addresses": True,
    }
    return site.frame(request, "console/addresses.html", context, status=422 if form.errors else 200)


def _do(request: HttpRequest, form: HostForm, platform: Tenant, reseller: Reseller) -> bool:
    """One of the buttons; says whether anything was to be done. Raises what the service raises."""
    now, by, wanted = timezone.now(), request.user, request.POST.get("do", "")
    if wanted == "add":
        if not form.is_valid():
            return False
        claims.claim(tenant=platform, reseller=reseller, host=form.cleaned_data["host"], by=by, now=now)
        messages.success(request, gettext("The domain is in your list. Enter its records now."))
        return True
    if wanted == "given":
        host = claims.use_given(tenant=platform, reseller=reseller, by=by, now=now)
        messages.success(request, gettext("%(host)s is the main address now.") % {"host": host})
        return True
    try:
        claim = claims.find(tenant=platform, reseller=reseller, claim_id=request.POST.get("claim", ""))
    except (ValueError, TypeError, DjangoValidationError):
        return True
    if wanted == "check":
        row = addresses.one(claims.check_now(claim=claim, by=by, now=now))
        words = row.hint or gettext("%(host)s is verified and leads here.") % {"host": row.host}
        (messages.warning if row.hint else messages.success)(request, words)
    elif wanted == "primary":
        claims.make_primary(claim=claim, by=by, now=now)
        messages.success(request, gettext("%(host)s is the main address now.") % {"host": claim.host})
    elif wanted == "remove":
        claims.release(claim=claim, by=by, now=now)
        messages.success(request, gettext("%(host)s no longer answers.") % {"host": claim.host})
    return True


pages.register(
    "tenants_console_addresses",
    Page(
        "address/",
        console_addresses,
        ConsoleRight.CHANGE_DOMAIN,
        Menu("company", "language", order=25, title=_("Addresses")),
        at_home=False,
    ),
)
