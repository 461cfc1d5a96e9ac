"""Settings: the address letters come from, and their words."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST

from ops.kernel.errors import NotFound
from tenants import mailroom
from tenants.permissions import CHANGE_BRANDING
from tenants.queries import senders as dns_of
from tenants.services import letters


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """The sender with what its DNS needs, and every letter."""
    tenant = request.tenant
    asked = mailroom.ask(request, tenant)
    if asked.done:
        messages.success(request, asked.done)
        return redirect("tenants:mail")
    context = {
        **asked.context,
        "leaves_from": dns_of.leaves_from(tenant),
        "shelves": mailroom.shelf(tenant, lambda name: reverse("tenants:letter", args=[name])),
    }
    return render(request, "tenants/mail.html", context, status=asked.status)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def mail_check(request: HttpRequest) -> HttpResponse:
    """Look into the DNS now."""
    try:
        messages.add_message(request, *mailroom.look(request, request.tenant))
    except NotFound:
        raise Http404 from None
    return redirect("tenants:mail")


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def mail_remove(request: HttpRequest) -> HttpResponse:
    """Send from our address again."""
    messages.success(request, mailroom.ask(request, request.tenant, remove=True).done)
    return redirect("tenants:mail")


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """One letter in one language."""
    edited = mailroom.edit(request, request.tenant, name)
    if edited.done:
        messages.success(request, edited.done)
        return redirect(edited.back)
    preview = f"{reverse('tenants:letter-preview', args=[name])}?language={edited.context['language']}"
    return render(request, "tenants/letter.html", {**edited.context, "preview_url": preview}, status=edited.status)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@xframe_options_sameorigin
@require_http_methods(["GET", "HEAD", "POST"])
def letter_preview(request: HttpRequest, name: str) -> HttpResponse:
    """How a letter looks with the words that were sent, or with those that stand. Changes nothing."""
    mailroom.known(name)
    return mailroom.preview(request, name, language=mailroom.language_of(request))


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def letter_test(request: HttpRequest, name: str) -> HttpResponse:
    """Send the letter, as it stands, to the person who asks."""
    mailroom.known(name)
    language = mailroom.language_of(request)
    letters.send_sample(name, to=mailroom.email_of(request), language=language, host=request.get_host())
    messages.success(request, _("A sample is on its way to %(email)s.") % {"email": mailroom.email_of(request)})
    return redirect(f"{reverse('tenants:letter', args=[name])}?language={language}")
