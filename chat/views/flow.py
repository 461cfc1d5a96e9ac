"""Settings of the flow: hours and holidays, routing, service levels, surveys; and what visitors left."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.db.models import Avg, Count, F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import CsatScale
from chat.forms.base import add_problem
from chat.forms.flow import CsatForm, HolidayForm, HoursForm, RoutingForm, SlaForm, SurveyForm
from chat.models import AgentProfile, BusinessHours, CsatResponse, Holiday, Inbox, LeftMessage, SlaEvent, SlaPolicy
from chat.queries import opening
from chat.services import csat, hours, left, presence, routing, sla
from ops.kernel.errors import DomainError
from tenants.accounts.models import User

PAGE = 25
LATELY_DAYS = 30
NO_TIMES = [["", ""]]
GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


def _inbox(request: HttpRequest, name: str) -> tuple[Inbox, list[dict[str, Any]]]:
    """The inbox of the address, else the first, and chips to the others."""
    choices = list(Inbox.objects.active().order_by("created_at", "pk"))
    if not choices:
        raise Http404
    wanted = request.GET.get("inbox", "")
    inbox = next((row for row in choices if str(row.pk) == wanted), choices[0])
    return inbox, _chips(choices, inbox, name)


def _chips(choices: Iterable[Inbox], inbox: Inbox, name: str) -> list[dict[str, Any]]:
    chips = [{"label": row.name, "url": _address(name, row), "current": row.pk == inbox.pk} for row in choices]
    return chips if len(chips) > 1 else []


def _address(name: str, inbox: Inbox) -> str:
    return f"{reverse(name)}?{urlencode({'inbox': str(inbox.pk)})}"


# --- Hours ---------------------------------------------------------------------------------------------


@GET_OR_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def hours_settings(request: HttpRequest) -> HttpResponse:
    """The week of an inbox, its holidays, and what it says while closed."""
    inbox, chips = _inbox(request, "chat:settings-hours")
    kept = hours.of(inbox)
    form = HoursForm(request.POST if request.method == "POST" else None, initial=_hours_given(inbox, kept))
    week = _week_of(request) if request.method == "POST" else kept.week
    problems: dict[int, str] = {}
    if request.method == "POST":
        problems = {day: str(_("Say from when to when.")) for day, spans in enumerate(week) if spans == NO_TIMES}
    if request.method == "POST" and form.is_valid() and not problems:
        wanted = {**form.cleaned_data, "calendar": "BR" if form.cleaned_data["calendar"] else ""}
        try:
            hours.change(inbox=inbox, by=request.user, now=timezone.now(), week=week, **wanted)
        except DomainError as error:
            problems = {
                int(one.field.split(".")[1]): one.detail for one in error.errors if one.field.startswith("week.")
            }
            if not problems:
                add_problem(form, error)
        else:
            messages.success(request, _("The business hours are saved."))
            return redirect(_address("chat:settings-hours", inbox))
    return _hours_page(request, inbox, form=form, days=_days(week, problems), chips=chips)


def _hours_page(
    request: HttpRequest,
    inbox: Inbox,
    *,
    form: HoursForm,
    days: list[dict[str, Any]],
    chips: list[dict[str, Any]],
    holiday_form: HolidayForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    calendar = opening.of(inbox)
    is_open = calendar.is_open(now)
    refused = form.is_bound or holiday_form is not None
    context = {
        "inbox": inbox,
        "chips": chips,
        "form": form,
        "days": days,
        "wrong_days": [day for day in days if day["error"]],
        "zone": calendar.zone,
        "is_open": is_open,
        "changes_at": calendar.closes(now) if is_open else calendar.next_opening(now),
        "holidays": Holiday.objects.filter(inbox=inbox).order_by("on", "pk"),
        "holiday_form": holiday_form or HolidayForm(),
        "coming": _coming(calendar),
    }
    return render(request, "chat/flow/hours.html", context, status=422 if refused else 200)


def _hours_given(inbox: Inbox, kept: BusinessHours) -> dict[str, Any]:
    return {
        "active": kept.active,
        "timezone": inbox.timezone,
        "calendar": kept.calendar == "BR",
        "state": kept.state,
        "optional_days": kept.optional_days,
        "away_reply": kept.away_reply,
    }


def _week_of(request: HttpRequest) -> list[list[list[str]]]:
    """What the rows of the week say; midnight at the end of a period is the end of the day.

    A day that is open without a time is `NO_TIMES`: keeping it as closed would not be what was asked for.
    """
    week = []
    for day in range(7):
        spans = []
        for part in ("a", "b"):
            begin, end = (request.POST.get(f"{side}-{day}{part}", "").strip()[:5] for side in ("from", "to"))
            if begin or end:
                spans.append([begin, "24:00" if end == "00:00" else end])
        week.append((spans or NO_TIMES) if request.POST.get(f"open-{day}") else [])
    return week


def _days(week: list[list[list[str]]], problems: dict[int, str]) -> list[dict[str, Any]]:
    names = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]
    days = []
    for number, name in enumerate(names):
        spans = [*week[number], ["", ""], ["", ""]][:2]
        parts = [
            {"key": f"{number}{part}", "from": begin, "to": "00:00" if end == "24:00" else end}
            for part, (begin, end) in zip("ab", spans, strict=True)
        ]
        days.append(
            {"number": number, "name": name, "open": bool(week[number]), "parts": parts, "error": problems.get(number)}
        )
    return days


def _coming(calendar: opening.Calendar) -> list[dict[str, Any]]:
    """The next public holidays the inbox keeps."""
    today = timezone.localdate()
    found = {
        **opening.public_holidays(calendar.country, calendar.state, calendar.optional, today.year),
        **opening.public_holidays(calendar.country, calendar.state, calendar.optional, today.year + 1),
    }
    return [{"on": day, "name": name} for day, name in sorted(found.items()) if day >= today][:8]


@require_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def holiday_add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep other hours on a day."""
    inbox = get_object_or_404(Inbox, pk=pk)
    form = HolidayForm(request.POST)
    if form.is_valid():
        try:
            hours.add_holiday(inbox=inbox, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s is in the calendar.") % {"name": form.cleaned_data["name"]})
            return redirect(_address("chat:settings-hours", inbox) + "#days")
    kept = hours.of(inbox)
    choices = Inbox.objects.active().order_by("created_at", "pk")
    return _hours_page(
        request,
        inbox,
        form=HoursForm(initial=_hours_given(inbox, kept)),
        days=_days(kept.week, {}),
        chips=_chips(choices, inbox, "chat:settings-hours"),
        holiday_form=form,
    )


@require_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def holiday_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go back to the usual hours on that day."""
    holiday = get_object_or_404(Holiday.objects.select_related("inbox"), pk=pk)
    hours.remove_holiday(holiday_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s is no longer in the calendar.") % {"name": holiday.name})
    return redirect(_address("chat:settings-hours", holiday.inbox) + "#days")


# --- Routing -------------------------------------------------------------------------------------------


@GET_OR_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def routing_settings(request: HttpRequest) -> HttpResponse:
    """Who gets a new conversation, and who has how many now."""
    inbox, chips = _inbox(request, "chat:settings-routing")
    how = routing.settings_of(inbox)
    form = RoutingForm(request.POST if request.method == "POST" else None, initial=how)
    if request.method == "POST" and form.is_valid():
        try:
            routing.configure(inbox=inbox, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The routing is saved."))
            return redirect(_address("chat:settings-routing", inbox))
    states = presence.states()
    members = set(inbox.inbox_members.values_list("user_id", flat=True))
    people = User.objects.seated().select_related("agent_profile").order_by("name", "pk")
    agents = [_load(user, how["capacity"], states) for user in people if not members or user.pk in members]
    context = {"inbox": inbox, "chips": chips, "form": form, "agents": agents, "everybody": not members}
    return render(request, "chat/flow/routing.html", context, status=422 if form.is_bound else 200)


def _load(user: User, capacity: int, states: dict[str, str]) -> dict[str, Any]:
    profile: AgentProfile | None = getattr(user, "agent_profile", None)
    most = profile.capacity if profile is not None and profile.capacity is not None else capacity
    count = profile.open_count if profile is not None else 0
    return {
        "name": user.name or user.email,
        "state": states.get(str(user.pk), "offline"),
        "count": count,
        "most": most,
        "full": count >= most,
    }


# --- Service levels ------------------------------------------------------------------------------------


@require_safe
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def sla_list(request: HttpRequest) -> HttpResponse:
    """Every service level, where it is promised, and how it went lately."""
    since = timezone.now() - timedelta(days=LATELY_DAYS)
    ended = Q(events__ended_at__isnull=False) | Q(events__breached_at__isnull=False)
    lately = Q(events__started_at__gte=since, events__cancelled=False) & ended
    rows = (
        SlaPolicy.objects.prefetch_related("inboxes")
        .annotate(
            promised=Count("events", filter=lately),
            broken=Count("events", filter=lately & Q(events__breached_at__isnull=False)),
        )
        .order_by("name", "pk")
    )
    shown = [
        {
            "row": row,
            "kept": round(100 * (row.promised - row.broken) / row.promised) if row.promised else None,
            "times": _times(row),
        }
        for row in rows
    ]
    open_now = SlaEvent.objects.filter(ended_at=None).aggregate(
        running=Count("pk"), broken=Count("pk", filter=Q(breached_at__isnull=False))
    )
    return render(request, "chat/flow/sla_list.html", {"rows": shown, "open_now": open_now})


def _times(policy: SlaPolicy) -> list[dict[str, str]]:
    named = (
        (_("First reply"), policy.first_response_min),
        (_("Next reply"), policy.next_response_min),
        (_("Resolution"), policy.resolution_min),
    )
    return [{"label": label, "time": in_time(minutes)} for label, minutes in named if minutes]


def in_time(minutes: int) -> str:
    """Minutes as people say them."""
    hours_, rest = divmod(minutes, 60)
    if not hours_:
        return _("%(minutes)s min") % {"minutes": rest}
    if not rest:
        return _("%(hours)s h") % {"hours": formats.number_format(hours_)}
    return _("%(hours)s h %(minutes)s min") % {"hours": formats.number_format(hours_), "minutes": rest}


@GET_OR_POST
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def sla_form(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Add or change a service level."""
    policy = get_object_or_404(SlaPolicy, pk=pk) if pk is not None else None
    initial: dict[str, Any] = {}
    if policy is not None:
        initial = {name: getattr(policy, name) for name in sla.FIELDS}
        initial["inboxes"] = [str(key) for key in policy.inboxes.values_list("pk", flat=True)]
    form = SlaForm(request.POST if request.method == "POST" else None, initial=initial or None)
    if request.method == "POST" and form.is_valid():
        try:
            if policy is None:
                sla.create_policy(by=request.user, now=timezone.now(), **form.cleaned_data)
            else:
                fresh = SlaPolicy.objects.get(pk=policy.pk)
                sla.change_policy(policy=fresh, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("%(name)s is saved.") % {"name": form.cleaned_data["name"]})
            return redirect("chat:settings-sla")
    return render(
        request, "chat/flow/sla_form.html", {"policy": policy, "form": form}, status=422 if form.is_bound else 200
    )


@require_POST
@login_required
@permission_required("chat.manage_flow", raise_exception=True)
def sla_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a service level."""
    policy = get_object_or_404(SlaPolicy, pk=pk)
    sla.delete_policy(policy=policy, by=request.user, now=timezone.now())
    messages.success(request, _("%(name)s is removed.") % {"name": policy.name})
    return redirect("chat:settings-sla")


# --- Surveys -------------------------------------------------------------------------------------------


@GET_OR_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def csat_settings(request: HttpRequest) -> HttpResponse:
    """The survey of an inbox: whether, what and how it asks."""
    inbox, chips = _inbox(request, "chat:settings-csat")
    usual = csat.settings_of(Inbox(csat={}))
    own = {**csat.settings_of(inbox), **{name: inbox.csat.get(name, "") for name in (*csat.TEXTS, "low", "high")}}
    form = CsatForm(request.POST if request.method == "POST" else None, initial=own)
    for name in (*csat.TEXTS, "low", "high"):
        form.fields[name].widget.attrs["placeholder"] = usual[name]
    if request.method == "POST" and form.is_valid():
        try:
            csat.configure(inbox=inbox, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The survey is saved."))
            return redirect(_address("chat:settings-csat", inbox))
    context = {"inbox": inbox, "chips": chips, "form": form, "preview": _survey(csat.settings_of(inbox), None)}
    return render(request, "chat/flow/csat.html", context, status=422 if form.is_bound else 200)


@require_safe
@login_required
@permission_required("chat.view_csat", raise_exception=True)
def csat_answers(request: HttpRequest) -> HttpResponse:
    """What visitors answered, newest first, and how content they were lately."""
    rows = (
        CsatResponse.objects.filter(answered_at__isnull=False)
        .select_related("conversation", "contact", "agent")
        .order_by("-answered_at", "-pk")
    )
    only = request.GET.get("show", "")
    if only == "comments":
        rows = rows.exclude(comment="")
    if only == "unhappy":
        rows = rows.filter(_unhappy())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    base = reverse("chat:csat-answers")
    chips = [
        {"label": label, "url": base + (f"?show={key}" if key else ""), "current": only == key}
        for key, label in (("", _("All")), ("comments", _("With a comment")), ("unhappy", _("Unhappy")))
    ]
    context = {"page": page, "chips": chips, "sums": _sums(), "rows": [_answer(row) for row in page], "show": only}
    return render(request, "chat/flow/csat_answers.html", context)


def _content() -> Q:
    found = Q(pk=None)
    for scale, lowest in csat.CONTENT_FROM.items():
        found |= Q(scale=scale, rating__gte=lowest)
    return found


def _unhappy() -> Q:
    return (
        Q(scale__in=("faces", "stars"), rating__lte=2) | Q(scale="numbers", rating__lte=6) | Q(scale="thumbs", rating=0)
    )


def _sums() -> dict[str, Any]:
    """The last thirty days in three numbers."""
    asked = CsatResponse.objects.filter(asked_at__gte=timezone.now() - timedelta(days=LATELY_DAYS))
    sums = asked.aggregate(
        asked=Count("pk"),
        answered=Count("pk", filter=Q(rating__isnull=False)),
        content=Count("pk", filter=_content()),
        stars=Avg(F("rating"), filter=Q(scale__in=("faces", "stars"))),
    )
    answered = sums["answered"]
    return {
        **sums,
        "rate": round(100 * answered / sums["asked"]) if sums["asked"] else None,
        "share": round(100 * sums["content"] / answered) if answered else None,
    }


def _answer(row: CsatResponse) -> dict[str, Any]:
    low, high = csat.RANGE[CsatScale(row.scale)]
    content = row.rating is not None and row.rating >= csat.CONTENT_FROM[CsatScale(row.scale)]
    words = _("Thumb up") if row.rating else _("Thumb down")
    if row.scale != CsatScale.THUMBS:
        words = _("%(rating)s of %(most)s") % {"rating": row.rating, "most": high}
    middle = row.scale in ("faces", "stars") and row.rating == 3
    return {"row": row, "words": words, "tone": "green" if content else "amber" if middle else "red"}


def _survey(how: dict[str, Any], rating: int | None) -> dict[str, Any]:
    """A survey ready to be drawn."""
    low, high = csat.RANGE[CsatScale(how["scale"])]
    icons = {
        CsatScale.FACES: ["angry", "frown", "meh", "smile", "laugh"],
        CsatScale.STARS: ["star"] * 5,
        CsatScale.THUMBS: ["thumbs-down", "thumbs-up"],
    }.get(CsatScale(how["scale"]))
    answers = [
        {"value": value, "icon": icons[value - low] if icons else "", "chosen": value == rating}
        for value in range(low, high + 1)
    ]
    answers[0]["label"], answers[-1]["label"] = how["low"], how["high"]
    return {**how, "answers": answers}


@GET_OR_POST
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a survey's link: answer, and say why. No login: the link is signed and names one question."""
    try:
        asked = csat.behind(token)
    except csat.SurveyNotFound:
        return render(request, "chat/flow/survey_closed.html", status=404)
    how = {**csat.settings_of(asked.conversation.inbox), "scale": asked.scale}
    wrong = False
    if request.method == "POST":
        form = SurveyForm(request.POST)
        try:
            if form.is_valid():
                csat.answer(
                    asked=asked,
                    rating=form.cleaned_data["rating"],
                    comment=form.cleaned_data["comment"],
                    now=timezone.now(),
                )
                return redirect(f"{request.path}?thanks=1")
            wrong = True
        except DomainError:
            wrong = True
    context = {
        "survey": _survey(how, asked.rating),
        "asked": asked,
        "thanks": "thanks" in request.GET and asked.rating is not None,
        "wrong": wrong,
    }
    response = render(request, "chat/flow/survey.html", context)
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    return response


# --- Left messages -------------------------------------------------------------------------------------


@require_safe
@login_required
@permission_required("chat.view_conversation", raise_exception=True)
def left_messages(request: HttpRequest) -> HttpResponse:
    """What visitors left while the plan had no room."""
    handled = request.GET.get("show") == "handled"
    waiting = LeftMessage.objects.waiting()
    rows = LeftMessage.objects.exclude(pk__in=waiting) if handled else waiting
    rows = rows.select_related("contact_inbox__inbox", "conversation").order_by("-left_at", "-pk")
    base = reverse("chat:left-messages")
    tabs = [
        {"label": _("Waiting"), "url": base, "current": not handled, "count": waiting.count()},
        {"label": _("Taken care of"), "url": f"{base}?show=handled", "current": handled},
    ]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "tabs": tabs, "handled": handled, "show": "handled" if handled else ""}
    return render(request, "chat/flow/left.html", context)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def left_message(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take one up, or put it away."""
    try:
        if request.POST.get("do") == "dismiss":
            left.dismiss(left_id=pk, by=request.user, now=timezone.now())
            messages.success(request, _("The message is put away."))
            return redirect("chat:left-messages")
        conversation = left.take_up(left_id=pk, by=request.user, now=timezone.now())
    except left.LeftMessageNotFound as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("chat:left-messages")
    return redirect("chat:conversation", number=conversation.number)
