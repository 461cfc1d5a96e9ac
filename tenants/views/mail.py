"""Settings: the address letters come from, and their words."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST

from ops.kernel.errors import DomainError, NotFound
from tenants import letterbook, mailroom
from tenants.accounts.forms.base import add_problem
from tenants.forms.mail import LetterForm, SenderForm
from tenants.permissions import CHANGE_BRANDING
from tenants.queries import senders as dns_of
from tenants.services import letters, senders, wording


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """The sender with what its DNS needs, and every letter."""
    tenant = request.tenant
    row = senders.of(tenant)
    form = SenderForm(
        request.POST if request.method == "POST" else None, initial={"address": row.address if row else ""}
    )
    if request.method == "POST" and form.is_valid():
        try:
            senders.ask_for(owner=tenant, address=form.cleaned_data["address"], by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Now put the two records into your domain's DNS."))
            return redirect("tenants:mail")
    context = {
        "form": form,
        "sender": row,
        "records": mailroom.records(row) if row else [],
        "leaves_from": dns_of.leaves_from(tenant),
        "letters": mailroom.shelf(tenant, lambda name: reverse("tenants:letter", args=[name])),
    }
    return render(request, "tenants/mail.html", context, status=422 if form.is_bound else 200)


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
    senders.remove(owner=request.tenant, by=request.user, now=timezone.now())
    messages.success(request, _("Letters leave from our address again."))
    return redirect("tenants:mail")


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest, name: str) -> HttpResponse:
    """One letter in one language."""
    known, language = _known(name), mailroom.language_of(request)
    tenant = request.tenant
    own = wording.own(owner=tenant).get((name, language))
    words = wording.standing(name, tenant=tenant, language=language)
    form = LetterForm(
        request.POST if request.method == "POST" else None, initial={"subject": words.subject, "body": words.body}
    )
    here = f"{request.path}?language={language}"
    if request.method == "POST" and "reset" in request.POST:
        wording.reset(owner=tenant, name=name, language=language, by=request.user, now=timezone.now())
        messages.success(request, _("The letter has its standard words again."))
        return redirect(here)
    if request.method == "POST" and form.is_valid():
        try:
            wording.save(
                owner=tenant, name=name, language=language, words=form.words(), by=request.user, now=timezone.now()
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The letter is saved."))
            return redirect(here)
    context = {
        "letter": known,
        "name": name,
        "language": language,
        "tabs": mailroom.languages(request.path, language),
        "own": own,
        "form": form,
        "places": mailroom.places(known),
        "preview_url": f"{reverse('tenants:letter-preview', args=[name])}?language={language}",
    }
    return render(request, "tenants/letter.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@xframe_options_sameorigin
@require_http_methods(["GET", "HEAD", "POST"])
def letter_preview(request: HttpRequest, name: str) -> HttpResponse:
    """How a letter looks with the words that were sent, or with those that stand. Changes nothing."""
    _known(name)
    return mailroom.preview(request, name, language=mailroom.language_of(request))


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def letter_test(request: HttpRequest, name: str) -> HttpResponse:
    """Send the letter, as it stands, to the person who asks."""
    _known(name)
    language = mailroom.language_of(request)
    letters.send_sample(name, to=mailroom.email_of(request), language=language, host=request.get_host())
    messages.success(request, _("A sample is on its way to %(email)s.") % {"email": mailroom.email_of(request)})
    return redirect(f"{reverse('tenants:letter', args=[name])}?language={language}")


def _known(name: str) -> letterbook.Letter:
    found = letterbook.letters.get(name)
    if found is None:
        raise Http404
    return found
