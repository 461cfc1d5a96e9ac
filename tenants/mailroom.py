"""What the pages about letters show, on a tenant's settings and in a reseller's console alike."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ops.kernel.dns import NameServerSilent
from ops.kernel.errors import DomainError
from tenants import letterbook
from tenants.accounts.forms.base import add_problem
from tenants.forms.mail import LetterForm, SenderForm
from tenants.models import MailSender, Reseller, Tenant
from tenants.queries import senders as dns_of
from tenants.services import letters, senders, wording


def records(row: MailSender) -> list[dict[str, Any]]:
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


def shelf(owner: Tenant | Reseller, address: Callable[[str], str]) -> list[dict[str, Any]]:
    """Every letter by what it is about, where it is written, and in which languages it is in the owner's words."""
    own = wording.own(owner=owner)
    rows: list[dict[str, Any]] = [
        {
            "letter": known,
            "url": address(name),
            "languages": [label for code, label in settings.LANGUAGES if (name, code) in own],
        }
        for name, known in sorted(letterbook.letters.items(), key=lambda item: item[1].place)
    ]
    return [
        {"label": letterbook.GROUPS[group], "letters": list(found)}
        for group, found in groupby(rows, key=lambda row: row["letter"].group)
    ]


def known(name: str) -> letterbook.Letter:
    """The letter of that name, or a 404."""
    found = letterbook.letters.get(name)
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a page with a form: `done` says what was done, and then the way leads to `back`; else `context` is shown."""

    context: dict[str, Any]
    done: str = ""
    back: str = ""

    @property
    def status(self) -> int:
        """Of the page that is shown."""
        return 422 if self.context["form"].is_bound else 200


def edit(request: HttpRequest, owner: Tenant | Reseller, name: str) -> Edited:
    """One letter in one language: written, taken back, or shown with the words that stand. A 404 for an unknown one."""
    letter, language = known(name), language_of(request)
    back, now = f"{request.path}?language={language}", timezone.now()
    tenant, reseller = (owner, None) if isinstance(owner, Tenant) else (None, owner)
    words = wording.standing(name, tenant=tenant, reseller=reseller, language=language)
    form = LetterForm(
        request.POST if request.method == "POST" else None, initial={"subject": words.subject, "body": words.body}
    )
    context = {
        "letter": letter,
        "name": name,
        "language": language,
        "tabs": languages(request.path, language),
        "own": wording.own(owner=owner).get((name, language)),
        "form": form,
        "places": places(letter),
    }
    if request.method == "POST" and "reset" in request.POST:
        wording.reset(owner=owner, name=name, language=language, by=request.user, now=now)
        return Edited(context, _("The letter has its standard words again."), back)
    if form.is_bound and form.is_valid():
        try:
            wording.save(owner=owner, name=name, language=language, words=form.words(), by=request.user, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            return Edited(context, _("The letter is saved."), back)
    return Edited(context)


def ask(request: HttpRequest, owner: Tenant | Reseller, *, remove: bool = False) -> Edited:
    """The address letters leave from: asked for, given up (`remove`), or shown with what its DNS needs."""
    row, now = senders.of(owner), timezone.now()
    form = SenderForm(
        request.POST if request.method == "POST" and not remove else None,
        initial={"address": row.address if row else ""},
    )
    context = {"form": form, "sender": row, "records": records(row) if row else []}
    if remove:
        senders.remove(owner=owner, by=request.user, now=now)
        return Edited(context, _("Letters leave from our address again."))
    if form.is_bound and form.is_valid():
        try:
            senders.ask_for(owner=owner, address=form.cleaned_data["address"], by=request.user, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            return Edited(context, _("Now put the two records into your domain's DNS."))
    return Edited(context)


def languages(path: str, chosen: str) -> list[dict[str, Any]]:
    """Tabs."""
    return [
        {"label": label, "url": f"{path}?language={code}", "current": code == chosen}
        for code, label in settings.LANGUAGES
    ]


def places(letter: letterbook.Letter) -> list[dict[str, Any]]:
    """What is filled in."""
    return [{"name": f"{{{{{key}}}}}", "label": place.label} for key, place in letter.all_places.items()]


def language_of(request: HttpRequest) -> str:
    """The letter's language, the reader's own by default."""
    asked = request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else str(get_language() or settings.LANGUAGE_CODE)


def email_of(request: HttpRequest) -> str:
    """Where samples go."""
    return str(getattr(request.user, "email", ""))


def look(request: HttpRequest, owner: Tenant | Reseller) -> tuple[int, str]:
    """Look into the DNS now; gives the level and the words of a message. Raises `NotFound` without a sender."""
    try:
        row = senders.check(owner=owner, by=request.user, now=timezone.now())
    except NameServerSilent:
        return messages.WARNING, _("The name servers did not answer. Nothing has changed; try again in a moment.")
    if row.dkim and row.spf:
        words = _("Both records are there. Your letters leave from %(address)s.")
        return messages.SUCCESS, words % {"address": row.address}
    return messages.WARNING, _("Not everything is there yet. DNS changes can take some hours.")


def preview(request: HttpRequest, name: str, *, language: str) -> HttpResponse:
    """A letter as a page for a frame: with the words that were sent, or with those that stand. Raises `NotFound`."""
    words, problem = None, ""
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
        sample = letters.sample(name, to=email_of(request), language=language, host=request.get_host(), words=words)
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
