"""Campaigns as pages: the list with its figures, the editor with a preview, what became of one, and the way out of them."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import CampaignKind, CampaignState, Channel, LeftOut, OptOutWay, RecipientState
from chat.errors import OptOutUnknown
from chat.forms.base import add_problem
from chat.forms.campaigns import FORMS, BroadcastForm, CampaignForm
from chat.models import Campaign, Contact
from chat.queries import campaigns as queries
from chat.services import broadcasts, campaigns, optouts
from ops.kernel.errors import DomainError

PAGE = 25
DAYS = 14
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])
TONES = {
    CampaignState.RUNNING: "green",
    CampaignState.SCHEDULED: "blue",
    CampaignState.PAUSED: "amber",
    CampaignState.STOPPED: "red",
}
RECIPIENT_TONES = {
    RecipientState.READ: "green",
    RecipientState.DELIVERED: "green",
    RecipientState.SENT: "blue",
    RecipientState.SHOWN: "blue",
    RecipientState.FAILED: "red",
    RecipientState.QUEUED: "amber",
}
STEPS = {"start": campaigns.start, "pause": campaigns.pause, "stop": campaigns.stop}
OVER = (CampaignState.DONE, CampaignState.STOPPED)


@require_safe
@login_required
@permission_required("chat.view_campaign", raise_exception=True)
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Every campaign with its state and what became of it."""
    kind = request.GET.get("kind", "")
    rows = queries.listed()
    if kind in CampaignKind.values:
        rows = rows.filter(kind=kind)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    figures = queries.figures([row.pk for row in page.object_list])
    base = reverse("chat:campaigns")
    labels = {"": _("All"), CampaignKind.ONGOING: _("On the website"), CampaignKind.ONCE: _("To a list")}
    context = {
        "page": page,
        "rows": [_row(row, figures[row.pk]) for row in page.object_list],
        "chips": [
            {"label": label, "url": f"{base}?{urlencode({'kind': key})}" if key else base, "current": key == kind}
            for key, label in labels.items()
        ],
        "previous_url": _page_url(kind, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _page_url(kind, page.next_page_number()) if page.has_next() else "",
    }
    return render(request, "chat/campaigns/list.html", context)


def _page_url(kind: str, number: int) -> str:
    return "?" + urlencode(({"kind": kind} if kind else {}) | {"page": number})


def _row(row: Campaign, figures: queries.Figures) -> dict[str, Any]:
    once = row.kind == CampaignKind.ONCE
    reached = figures.sent if once else figures.shown
    return {
        "row": row,
        "once": once,
        "tone": TONES.get(CampaignState(row.state), ""),
        "reached": reached,
        # A mail's server takes it and says no more; nobody is watched by hidden pictures.
        "taken": None if row.inbox.channel == Channel.EMAIL else figures.delivered if once else figures.opened,
        "replied": figures.replied,
        "rate": figures.share(figures.replied, reached),
        "failed": figures.failed,
        "waiting": figures.waiting,
        "progress": figures.share(figures.people - figures.waiting, figures.people) if once else None,
    }


@GET_OR_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_add(request: HttpRequest, kind: str) -> HttpResponse:
    """Write a campaign; it is a draft until somebody starts it."""
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = campaigns.create(kind=kind, by=request.user, now=timezone.now(), **form.fields_of())
        except DomainError as error:
            _add_problem(form, error)
        else:
            return _saved(request, made, form)
    return _edit(request, form, None)


@GET_OR_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a campaign that is not over."""
    row = get_object_or_404(queries.listed(), pk=pk)
    if row.state in OVER or row.listed_at is not None:
        messages.info(request, _("This campaign can no longer be changed. Make a copy of it."))
        return redirect("chat:campaign", pk=pk)
    form = FORMS[row.kind](request.POST if request.method == "POST" else None, campaign=row)
    if request.method == "POST" and form.is_valid():
        try:
            row = campaigns.change(campaign=row, by=request.user, now=timezone.now(), **form.fields_of())
        except DomainError as error:
            _add_problem(form, error)
        else:
            return _saved(request, row, form)
    return _edit(request, form, row)


def _saved(request: HttpRequest, row: Campaign, form: CampaignForm) -> HttpResponse:
    if request.POST.get("then") == "start" and row.state in (CampaignState.DRAFT, CampaignState.PAUSED):
        once = row.kind == CampaignKind.ONCE
        try:
            if once:
                # What is sent cannot be taken back: the page says to how many, and asks.
                campaigns.require_complete(campaign=row, now=timezone.now())
            else:
                campaigns.start(campaign=row, by=request.user, now=timezone.now())
        except DomainError as error:
            # The draft is kept; what it lacks stands at its field.
            _add_problem(form, error)
            return _edit(request, form, row)
        if once:
            messages.success(request, _("The draft is saved. Look it over, then schedule it."))
        else:
            messages.success(request, _("%(name)s is started.") % {"name": row.name})
    else:
        messages.success(request, _("%(name)s is saved.") % {"name": row.name})
    return redirect("chat:campaign", pk=row.pk)


def _add_problem(form: CampaignForm, error: DomainError) -> None:
    add_problem(form, error)
    for one in error.errors:
        if one.field in ("sender", "bot"):
            form.add_error("speaker", one.detail)


def _edit(request: HttpRequest, form: CampaignForm, row: Campaign | None) -> HttpResponse:
    return render(
        request,
        "chat/campaigns/edit.html",
        {
            "form": form,
            "row": row,
            "once": form.kind == CampaignKind.ONCE,
            "channels": {key: inbox.channel for key, inbox in form.inboxes.items()},
            "startable": row is None or row.state in (CampaignState.DRAFT, CampaignState.PAUSED),
            "post_url": reverse("chat:campaign-edit", args=[row.pk])
            if row is not None
            else reverse("chat:campaign-add", args=[form.kind]),
        },
        status=422 if form.is_bound else 200,
    )


@require_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_reach(request: HttpRequest) -> HttpResponse:
    """How many people the list of the form would reach, and who is left out; nothing is kept."""
    form = BroadcastForm(request.POST)
    form.is_valid()
    found = None
    people: list[Contact] = []
    if not {"inbox", "basis", "attrs", "labels", "active_days", "quiet_days"} & set(form.errors):
        inbox = form.inboxes[form.cleaned_data["inbox"]]
        row = Campaign(kind=CampaignKind.ONCE, inbox=inbox, audience=form.audience(), basis=form.cleaned_data["basis"])
        found = queries.reach(row, now=timezone.now())
        people = queries.sample(row, now=timezone.now())
    return render(request, "chat/campaigns/_reach.html", {"reach": found, "people": people, "why": _why(found)})


def _why(found: queries.Reach | None) -> list[dict[str, Any]]:
    return [] if found is None else [{"label": LeftOut(key).label, "count": n} for key, n in found.left_out.items()]


@require_safe
@login_required
@permission_required("chat.view_campaign", raise_exception=True)
def campaign_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What became of a campaign: figures, days, and its people."""
    row = get_object_or_404(queries.listed(), pk=pk)
    now = timezone.now()
    once = row.kind == CampaignKind.ONCE
    if once:
        broadcasts.settle(campaign_id=row.pk, now=now)
    figures = queries.figures([row.pk])[row.pk]
    steps = queries.steps(row.pk, days=DAYS, zone=queries.zone(), now=now)
    choices = _choices(once=once)
    state = request.GET.get("state", "")
    state = state if state in choices else next(iter(choices))
    people = queries.recipients(row.pk)
    if once:
        people = (people.filter(state=state) if state else people).order_by("-pk")
    else:
        # Most who saw it are nobody's names: those who did something come first.
        people = people.filter(**({f"{state}__isnull": False} if state else {})).order_by(
            F(state or "last_shown_at").desc(nulls_last=True), "-pk"
        )
    page = Paginator(people, PAGE).get_page(request.GET.get("page"))
    reach = None
    if once and row.listed_at is None and row.state not in OVER:
        reach = queries.reach(row, now=now)
    base = reverse("chat:campaign", args=[row.pk])
    kept = {"state": state}
    context = {
        "row": row,
        "once": once,
        "tone": TONES.get(CampaignState(row.state), ""),
        "figures": figures,
        "stats": _stats(figures, once=once, receipts=row.inbox.channel != Channel.EMAIL),
        "labels": [formats.date_format(step.on, _("M j")) for step in steps],
        "lines": [
            {"label": _("Sent") if once else _("Shown"), "values": [step.reached for step in steps]},
            *([] if once else [{"label": _("Opened"), "values": [step.opened for step in steps]}]),
            {"label": _("Replied"), "values": [step.replied for step in steps]},
        ],
        "anything": any(step.reached or step.opened or step.replied for step in steps),
        # A draft has no figures: six empty boxes would only hide what it says.
        "begun": row.state != CampaignState.DRAFT or figures.sent or figures.shown,
        "left_out": [{"label": why.label, "count": count} for why, count in queries.left_out(row.pk)],
        "page": page,
        "people": [
            {"row": one, "tone": RECIPIENT_TONES.get(RecipientState(one.state), "")} for one in page.object_list
        ],
        "chips": [
            {"label": label, "url": f"{base}?{urlencode({'state': key})}#people", "current": key == state}
            for key, label in choices.items()
        ],
        "previous_url": f"?{urlencode(kept | {'page': page.previous_page_number()})}#people"
        if page.has_previous()
        else "",
        "next_url": f"?{urlencode(kept | {'page': page.next_page_number()})}#people" if page.has_next() else "",
        "speaker": campaigns.speaker(row)["name"],
        "subject": campaigns.filled(row.subject, contact=None, campaign=row),
        "text": row.template.get("body", "")
        if row.inbox.channel == Channel.WHATSAPP
        else campaigns.filled(row.body, contact=None, campaign=row),
        "reach": reach,
        "why": _why(reach),
        "may": {
            "edit": row.state not in OVER and row.listed_at is None,
            "start": row.state in (CampaignState.DRAFT, CampaignState.PAUSED),
            "pause": row.state in (CampaignState.RUNNING, CampaignState.SCHEDULED),
            "stop": row.state in (CampaignState.RUNNING, CampaignState.SCHEDULED, CampaignState.PAUSED),
            "delete": row.state not in (CampaignState.RUNNING, CampaignState.SCHEDULED),
        },
    }
    return render(request, "chat/campaigns/page.html", context)


def _choices(*, once: bool) -> dict[str, str]:
    """Which people can be looked at: by how far it got, or by what they did."""
    if not once:
        return {"replied_at": _("Replied"), "opened_at": _("Opened"), "": _("Everybody")}
    shown = ("queued", "sent", "delivered", "read", "failed", "skipped", "pending")
    return {"": _("All")} | {key: str(RecipientState(key).label) for key in shown}


def _stats(figures: queries.Figures, *, once: bool, receipts: bool) -> list[dict[str, Any]]:
    def part(count: int, whole: int, of: str) -> str:
        share = figures.share(count, whole)
        return "" if share is None else of % {"percent": share}

    of_sent, of_shown = _("%(percent)s%% of those sent"), _("%(percent)s%% of those shown")
    if once:
        left = ngettext("%(count)s waiting", "%(count)s waiting", figures.waiting) % {"count": figures.waiting}
        return [
            {"label": _("Sent"), "value": figures.sent, "hint": left if figures.waiting else ""},
            {
                "label": _("Delivered"),
                "value": figures.delivered if receipts else "–",
                "hint": part(figures.delivered, figures.sent, of_sent) if receipts else _("Mail does not say so"),
            },
            {"label": _("Replied"), "value": figures.replied, "hint": part(figures.replied, figures.sent, of_sent)},
            {"label": _("Failed"), "value": figures.failed, "hint": part(figures.failed, figures.sent, of_sent)},
        ]
    views = ngettext("%(count)s time", "%(count)s times", figures.views) % {"count": figures.views}
    return [
        {"label": _("Visitors who saw it"), "value": figures.shown, "hint": views if figures.views else ""},
        {"label": _("Opened"), "value": figures.opened, "hint": part(figures.opened, figures.shown, of_shown)},
        {"label": _("Replied"), "value": figures.replied, "hint": part(figures.replied, figures.shown, of_shown)},
        {
            "label": _("Visitors who put it away"),
            "value": figures.dismissed,
            "hint": part(figures.dismissed, figures.shown, of_shown),
        },
    ]


@require_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Start, pause or stop."""
    if step not in STEPS:
        raise Http404
    row = get_object_or_404(queries.listed(), pk=pk)
    try:
        row = STEPS[step](campaign=row, by=request.user, now=timezone.now())
    except DomainError as error:
        messages.error(request, error.errors[0].detail if error.errors else str(error))
    else:
        messages.success(
            request, _("%(name)s: %(state)s") % {"name": row.name, "state": CampaignState(row.state).label}
        )
    return redirect("chat:campaign", pk=pk)


@require_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_copy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same again as a draft."""
    row = get_object_or_404(queries.listed(), pk=pk)
    name = _("%(name)s (copy)") % {"name": row.name[:100]}
    made = campaigns.copy(campaign=row, name=name, by=request.user, now=timezone.now())
    messages.success(request, _("The copy is a draft."))
    return redirect("chat:campaign-edit", pk=made.pk)


@require_POST
@login_required
@permission_required("chat.manage_campaign", raise_exception=True)
def campaign_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a campaign with its figures."""
    row = get_object_or_404(queries.listed(), pk=pk)
    try:
        campaigns.delete(campaign=row, by=request.user, now=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("chat:campaign", pk=pk)
    messages.success(request, _("%(name)s is removed.") % {"name": row.name})
    return redirect("chat:campaigns")


@require_POST
@login_required
@permission_required("chat.change_contact", raise_exception=True)
def contact_campaigns(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write down that a person wants no campaigns, or wants them again."""
    contact = get_object_or_404(Contact, pk=pk)
    now = timezone.now()
    if request.POST.get("wants") == "no":
        optouts.refuse(contact=contact, way=OptOutWay.TEAM, by=request.user, now=now)
        messages.success(request, _("%(name)s gets no campaigns any more.") % {"name": contact})
    else:
        optouts.allow(contact=contact, by=request.user, now=now)
        messages.success(request, _("%(name)s may get campaigns again.") % {"name": contact})
    return redirect("chat:contact", pk=pk)


@csrf_exempt  # mail programs press the button of RFC 8058 by a bare POST; the link itself is signed
@GET_OR_POST
def opt_out(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link in a mail: one button, no login. Opening it changes nothing, because scanners open links."""
    try:
        contact = optouts.behind(token)
    except OptOutUnknown as error:
        return render(request, "chat/campaigns/opt_out.html", {"problem": str(error)}, status=404)
    if request.method == "POST":
        optouts.refuse(contact=contact, way=OptOutWay.LINK, now=timezone.now())
        contact.refresh_from_db()
    response = render(request, "chat/campaigns/opt_out.html", {"contact": contact, "done": contact.opted_out_at})
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    return response
