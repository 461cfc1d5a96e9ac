"""Who in a console's team needs a second factor: decided by a reseller's owner, or by the platform for its people."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import DomainError
from tenants.accounts.forms.base import add_problem
from tenants.accounts.views.security import recently_confirmed
from tenants.console import Menu, Page, pages, site
from tenants.enums import ConsoleRight
from tenants.forms.console import TeamRulesForm
from tenants.queries.portfolio import Scope
from tenants.services import team_rules


@recently_confirmed
def login_rules(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Which roles need a second factor, how long a device is trusted, and how far the team has come."""
    reseller, now = scope.reseller, timezone.now()
    initial: dict[str, Any] = {
        "roles": sorted(team_rules.required_roles(reseller)),
        "grace_days": 7,
        "trust_days": team_rules.trust_days(reseller),
    }
    form = TeamRulesForm(request.POST or None, initial=initial, offered=team_rules.roles_of(reseller))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            team_rules.change(
                reseller=reseller,
                roles=data["roles"],
                grace_days=data["grace_days"],
                trust_days=data["trust_days"],
                by=request.user,
                now=now,
                host=request.get_host(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, gettext("The rules are saved."))
            return HttpResponseRedirect(reverse("admin:tenants_console_login_rules"))
    context = {
        "title": gettext("Login rules"),
        "form": form,
        "state": team_rules.state(reseller=reseller, now=now),
        "security_url": reverse("accounts:security"),
    }
    status = 422 if form.is_bound and form.errors else 200
    return site.frame(request, "console/login_rules.html", context, status=status)


pages.register(
    "tenants_console_login_rules",
    Page(
        "login-rules/",
        login_rules,
        ConsoleRight.CHANGE_LOGIN_RULES,
        Menu("company", "shield_lock", order=12, title=_("Login rules")),
    ),
)
