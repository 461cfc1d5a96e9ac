"""Settings: the address letters come from, and their words."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST

from ops.kernel.dns import NameServerSilent
from ops.kernel.errors import DomainError, NotFound
from tenants import letterbook
from tenants.accounts.forms import add_problem
from tenants.forms import LetterForm, SenderForm
from tenants.models import MailSender, Tenant
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
        "records": _records(row) if row else [],
        "leaves_from": dns_of.leaves_from(tenant),
        "letters": _shelf(tenant),
    }
    return render(request, "tenants/mail.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def mail_check(request: HttpRequest) -> HttpResponse:
    """Look into the DNS now."""
    try:
        row = senders.check(owner=request.tenant, by=request.user, now=timezone.now())
    except NameServerSilent:
        messages.warning(request, _("The name servers did not answer. Nothing has changed; try again in a moment."))
    except NotFound:
        raise Http404 from None
    else:
        if row.dkim and row.spf:
            messages.success(
                request, _("Both records are there. Your letters leave from %(address)s.") % {"address": row.address}
            )
        else:
            messages.warning(request, _("Not everything is there yet. DNS changes can take some hours."))
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
    known, language = _known(name), _language(request)
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
        "tabs": [
            {"label": label, "url": f"{request.path}?language={code}", "current": code == language}
            for code, label in settings.LANGUAGES
        ],
        "own": own,
        "form": form,
        "places": [{"name": f"{{{{{key}}}}}", "label": place.label} for key, place in known.all_places.items()],
    }
    return render(request, "tenants/letter.html", context, status=422 if form.is_bound else 200)


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@xframe_options_sameorigin
@require_http_methods(["GET", "HEAD", "POST"])
def letter_preview(request: HttpRequest, name: str) -> HttpResponse:
    """How a letter looks with the words that were sent, or with those that stand. Changes nothing."""
    _known(name)
    language, words, problem = _language(request), None, ""
    form = LetterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            words = wording.checked(name, language=language, words=form.words())
        except DomainError as error:
            problem = str(error)
    elif form.is_bound:
        problem = _("Write a subject and a text.")
    if problem:
        response = HttpResponse(problem, content_type="text/plain; charset=utf-8", status=422)
    else:
        sample = letters.sample(
            name, to=person_of(request).email, language=language, host=request.get_host(), words=words
        )
        response = HttpResponse(str(sample.alternatives[0][0]))
    # Mails carry their style inline; nothing else may happen in this frame.
    response._csp_replace = {  # type: ignore[attr-defined]
        "default-src": "'none'",
        "script-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "'self'",
        "frame-ancestors": "'self'",
    }
    return response


@login_required
@permission_required(CHANGE_BRANDING, raise_exception=True)
@require_POST
def letter_test(request: HttpRequest, name: str) -> HttpResponse:
    """Send the letter, as it stands, to the person who asks."""
    _known(name)
    language = _language(request)
    letters.send_sample(name, to=person_of(request).email, language=language, host=request.get_host())
    messages.success(request, _("A sample is on its way to %(email)s.") % {"email": person_of(request).email})
    return redirect(f"{reverse('tenants:letter', args=[name])}?language={language}")


def _known(name: str) -> letterbook.Letter:
    found = letterbook.letters.get(name)
    if found is None:
        raise Http404
    return found


def _language(request: HttpRequest) -> str:
    """The letter's language, the reader's own by default."""
    asked = request.GET.get("language", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return str(get_language() or settings.LANGUAGE_CODE)


def _records(row: MailSender) -> list[dict[str, Any]]:
    """What has to stand in the DNS, and whether it does."""
    return [
        {
            "label": _("Signature (DKIM)"),
            "hint": _("Proves that a letter is yours and was not changed."),
            "record": dns_of.dkim_record(row),
            "found": row.dkim,
        },
        {
            "label": _("Permission (SPF)"),
            "hint": _("Is there a v=spf1 record already? Then only put the include into it: a domain has one."),
            "record": dns_of.spf_record(row),
            "found": row.spf,
        },
    ]


def _shelf(tenant: Tenant) -> list[dict[str, Any]]:
    """Every letter, and in which languages it is in the tenant's words."""
    own = wording.own(owner=tenant)
    return [
        {
            "name": name,
            "letter": known,
            "languages": [label for code, label in settings.LANGUAGES if (name, code) in own],
        }
        for name, known in letterbook.letters.items()
    ]
