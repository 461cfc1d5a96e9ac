"""People outside: finding them, and what is known about one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import entitlements
from chat.enums import ChurnBand
from chat.forms.base import add_problem
from chat.forms.contacts import ContactForm, ContactNoteForm
from chat.models import ChurnScore, Contact, ContactMerge, ContactNote, Conversation, Label
from chat.queries import console as queries
from chat.services import contacts, notes, presence
from chat.services import labels as labelling
from chat.views import churn
from ops.kernel.errors import DomainError

PAGE_SIZE = 50
CANDIDATES = 6


@require_safe
@login_required
@permission_required("chat.view_contact", raise_exception=True)
def contact_list(request: HttpRequest) -> HttpResponse:
    """Newest first, cut by the last row shown, so that nobody is skipped while people arrive; or the riskiest first."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    estimated = entitlements.flag("analytics")
    risk = request.GET.get("risk", "") if estimated else ""
    risk = risk if risk in ChurnBand.values else ""
    by_risk = estimated and request.GET.get("order") == "risk"
    kept = {name: value for name, value in (("q", text), ("risk", risk), ("order", by_risk and "risk")) if value}
    rows = queries.contacts(text=text, risk=risk)
    chips = _risk_chips(text, risk, by_risk=by_risk) if estimated else []
    if by_risk:
        page = Paginator(rows.exclude(churn=None).order_by("-churn__probability", "-pk"), PAGE_SIZE)
        shown = page.get_page(request.GET.get("page"))
        context = {
            "rows": _rows(list(shown.object_list)),
            "text": text,
            "chips": chips,
            "estimated": estimated,
            "by_risk": True,
            "filtered": bool(risk),
            "previous_url": "?" + urlencode(kept | {"page": shown.previous_page_number()})
            if shown.has_previous()
            else "",
            "next_url": "?" + urlencode(kept | {"page": shown.next_page_number()}) if shown.has_next() else "",
        }
        return render(request, "chat/contacts.html", context)
    before, after = _uuid(request.GET.get("before", "")), _uuid(request.GET.get("after", ""))
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE_SIZE + 1])
        has_newer, has_older = len(found) > PAGE_SIZE, True
        found = found[:PAGE_SIZE][::-1]
    else:
        page = rows.filter(pk__lt=before) if before is not None else rows
        found = list(page.order_by("-pk")[: PAGE_SIZE + 1])
        has_newer, has_older = before is not None, len(found) > PAGE_SIZE
        found = found[:PAGE_SIZE]
    context = {
        "rows": _rows(found),
        "text": text,
        "chips": chips,
        "estimated": estimated,
        "by_risk": False,
        "filtered": bool(risk),
        "previous_url": _page_url(kept, after=found[0].pk) if found and has_newer else "",
        "next_url": _page_url(kept, before=found[-1].pk) if found and has_older else "",
    }
    return render(request, "chat/contacts.html", context)


def _rows(found: list[Contact]) -> list[dict[str, Any]]:
    here = presence.visitors_here([row.pk for row in found])
    rows = []
    for row in found:
        score: ChurnScore | None = getattr(row, "churn", None)
        risk = (
            None
            if score is None
            else {
                "percent": round(100 * score.probability),
                "tone": churn.TONES[ChurnBand(score.band)],
                "label": score.get_band_display(),
            }
        )
        rows.append({"contact": row, "here": str(row.pk) in here, "risk": risk})
    return rows


def _risk_chips(text: str, risk: str, *, by_risk: bool) -> list[dict[str, Any]]:
    """By band, and in which order."""
    kept = {"q": text} if text else {}
    order = {"order": "risk"} if by_risk else {}
    labels = {
        "": _("Everybody"),
        ChurnBand.HIGH.value: _("High risk"),
        ChurnBand.MEDIUM.value: _("Medium risk"),
        ChurnBand.LOW.value: _("Low risk"),
    }
    chips = [
        {"label": label, "url": "?" + urlencode(kept | ({"risk": key} if key else {}) | order), "current": key == risk}
        for key, label in labels.items()
    ]
    other = {} if by_risk else {"order": "risk"}
    mine = {"risk": risk} if risk else {}
    chips.append({"label": _("Riskiest first"), "url": "?" + urlencode(kept | mine | other), "current": by_risk})
    return chips


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.view_contact", raise_exception=True)
def contact_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One person: what is known, and every conversation."""
    contact = get_object_or_404(Contact, pk=pk)
    may_change = request.user.has_perm("chat.change_contact")
    form = ContactForm(request.POST or None, instance=Contact.objects.get(pk=pk))
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        if form.is_valid():
            try:
                contacts.change(contact=contact, by=request.user, **form.cleaned_data)
            except DomainError as error:
                add_problem(form, error)
            else:
                messages.success(request, _("What you know about %(name)s is saved.") % {"name": contact})
                return redirect("chat:contact", pk=pk)
    return _contact_page(request, contact, form=form)


def _contact_page(
    request: HttpRequest, contact: Contact, *, form: ContactForm, note_form: ContactNoteForm | None = None
) -> HttpResponse:
    may_change = request.user.has_perm("chat.change_contact")
    conversations = (
        Conversation.objects.visible_to(request.user)
        .filter(contact=contact)
        .with_people()
        .order_by("-last_activity_at", "-pk")[:PAGE_SIZE]
    )
    context: dict[str, Any] = {
        "contact": contact,
        "notes": contact.notes.select_related("author").order_by("-created_at", "-pk")[:PAGE_SIZE],
        "note_form": note_form or ContactNoteForm(),
        "labels": _marks(contact),
        "alike": _others(contact, request.GET.get("same", "")) if may_change else [],
        "same": request.GET.get("same", "")[:100],
        "merges": contact.merges.filter(undone_at=None).select_related("gone", "by").order_by("-created_at", "-pk"),
        "form": form,
        "may_change": may_change,
        "conversations": conversations,
        "is_here": bool(presence.visitors_here([contact.pk])),
        "risk": _risk(contact),
    }
    refused = form.is_bound or note_form is not None
    return render(request, "chat/contact.html", context, status=422 if refused else 200)


def _risk(contact: Contact) -> dict[str, Any] | None:
    """The estimate, where there is one and the plan includes it."""
    score = ChurnScore.objects.filter(contact=contact).first() if entitlements.flag("analytics") else None
    return None if score is None else churn.shown(score)


def _marks(contact: Contact) -> list[dict[str, Any]]:
    """Every label, and whether the person wears it."""
    worn = set(contact.labels.values_list("pk", flat=True))
    rows = Label.objects.order_by("name", "pk")
    return [{"pk": row.pk, "name": row.name, "color": row.color, "of_person": row.pk in worn} for row in rows]


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def labels(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a label on a person, or take it off; from their page and from beside a thread."""
    get_object_or_404(Contact, pk=pk)
    more, less = request.POST.getlist("add"), request.POST.getlist("remove")
    labelling.change_on_contact(contact_id=pk, by=request.user, add=more, remove=less, now=timezone.now())
    if "X-Console" in request.headers:
        return HttpResponse(status=204)
    return redirect("chat:contact", pk=pk)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def note_add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write something down about a person."""
    contact = get_object_or_404(Contact, pk=pk)
    form = ContactNoteForm(request.POST)
    if form.is_valid():
        try:
            notes.add(contact=contact, body=form.cleaned_data["body"], by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The note is added."))
            return redirect("chat:contact", pk=pk)
    return _contact_page(request, contact, form=ContactForm(instance=contact), note_form=form)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def note_remove(request: HttpRequest, pk: UUID, note: UUID) -> HttpResponse:
    """Take a note away."""
    row = get_object_or_404(ContactNote.objects.select_related("contact"), pk=note, contact=pk)
    notes.delete(note=row, by=request.user, now=timezone.now())
    messages.success(request, _("The note is removed."))
    return redirect("chat:contact", pk=pk)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def merge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make another contact part of this one."""
    keep = get_object_or_404(Contact, pk=pk)
    gone = get_object_or_404(Contact, pk=_uuid(request.POST.get("gone", "")))
    contacts.merge(keep=keep, gone=gone, by=request.user, now=timezone.now())
    messages.success(request, _("The two are one now. You can separate them again on this page."))
    return redirect("chat:contact", pk=pk)


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def separate(request: HttpRequest, pk: UUID, merge: UUID) -> HttpResponse:
    """Take a merge back."""
    done = get_object_or_404(ContactMerge, pk=merge, kept=pk)
    contacts.undo_merge(merge=done, by=request.user, now=timezone.now())
    messages.success(request, _("They are two again."))
    return redirect("chat:contact", pk=pk)


def _others(contact: Contact, text: str) -> list[Contact]:
    """Who else this could be: who matches the words somebody looks for, else who has the same phone, e-mail or name."""
    wanted = text.replace("\x00", "").strip()[:100]
    if not wanted:
        return queries.alike(contact)
    return list(Contact.objects.current().search(wanted).exclude(pk=contact.pk).order_by("-pk")[:CANDIDATES])


def _page_url(kept: dict[str, Any], **place: UUID) -> str:
    return "?" + urlencode(kept | {name: str(key) for name, key in place.items()})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
