"""Settings of people at the counter: who answers and how much, one's own work, and the inboxes with their people."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import entitlements
from chat.enums import Availability, Channel, NotificationKind
from chat.forms.base import add_problem
from chat.forms.desk import AgentForm, InboxForm, MyWorkForm
from chat.models import Inbox, PushSubscription
from chat.queries import desk
from chat.services import agents, inboxes, presence, push
from ops.kernel.errors import DomainError
from tenants.accounts.models import User

TONES = {Availability.ONLINE.value: "green", Availability.BUSY.value: "amber", Availability.OFFLINE.value: ""}


@require_safe
@login_required
@permission_required("chat.manage_team", raise_exception=True)
def agent_list(request: HttpRequest) -> HttpResponse:
    """Who answers conversations, whether they are there, and how much they have."""
    rows = [
        row | {"tone": TONES[row["state"]], "state_label": Availability(row["state"]).label}
        for row in desk.agents(states=presence.states())
    ]
    return render(request, "chat/agents.html", {"rows": rows, "decision": entitlements.check("chat.agents", amount=0)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_team", raise_exception=True)
def agent_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How one of them works."""
    user = get_object_or_404(User.objects.seated(), pk=pk)
    form = AgentForm(request.POST if request.method == "POST" else None, instance=agents.profile_of(user))
    if request.method == "POST" and form.is_valid():
        try:
            agents.change(user=user, by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("How %(name)s works is saved.") % {"name": user})
            return redirect("chat:agents")
    context = {"person": user, "form": form}
    return render(request, "chat/agent.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def my_work(request: HttpRequest) -> HttpResponse:
    """One's own availability, name and signature, and of what one is told in which way."""
    profile = agents.profile_of(request.user)
    ways = {kind: list(profile.notify.get(kind, agents.default_ways(kind))) for kind in NotificationKind.values}
    form = MyWorkForm(request.POST if request.method == "POST" else None, instance=profile, ways=ways)
    if request.method == "POST" and form.is_valid():
        try:
            agents.change(user=request.user, by=request.user, now=timezone.now(), **form.values())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("chat:my-work")
    browsers = PushSubscription.objects.filter(user=request.user.pk).order_by("-created_at", "-pk")
    context = {"form": form, "browsers": browsers}
    return render(request, "chat/my_work.html", context, status=422 if form.is_bound else 200)


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def browser_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tell one of one's own browsers no more."""
    push.unsubscribe(user=request.user, key=pk)
    messages.success(request, _("This browser is told no more."))
    return redirect("chat:my-work")


@require_safe
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def inbox_list(request: HttpRequest) -> HttpResponse:
    """Every way in, and who gets what comes through it."""
    rows = Inbox.objects.order_by("created_at", "pk").select_related("account").prefetch_related("inbox_members__user")
    context = {
        "rows": [
            {
                "inbox": row,
                "provided": row.channel not in {Channel.WEB, Channel.API},
                "people": sorted(one.user.get_short_name() for one in row.inbox_members.all() if one.user.is_active),
            }
            for row in rows
        ],
        "decision": entitlements.check("chat.inboxes"),
    }
    return render(request, "chat/inboxes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def inbox_add(request: HttpRequest) -> HttpResponse:
    """Add a website's chat."""
    form = InboxForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            inbox = inboxes.create(name=form.cleaned_data["name"], by=request.user, now=now)
            inboxes.set_members(inbox=inbox, members=_keys(form), by=request.user, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The inbox is added. Write its greeting and copy its line into your website."))
            return redirect("chat:inboxes")
    return _inbox_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def inbox_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Its name, whether it takes messages, its people, and how long its conversations live."""
    inbox = get_object_or_404(Inbox, pk=pk)
    form = InboxForm(request.POST if request.method == "POST" else None, instance=Inbox.objects.get(pk=pk))
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        changes = {name: form.cleaned_data[name] for name in ("name", "active", "reopen_days", "retention_days")}
        try:
            inboxes.change(inbox=inbox, by=request.user, now=now, **changes)
            inboxes.set_members(inbox=inbox, members=_keys(form), by=request.user, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The inbox is saved."))
            return redirect("chat:inboxes")
    return _inbox_page(request, form, get_object_or_404(Inbox, pk=pk))


@require_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def inbox_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take away one that nobody has written through."""
    inboxes.delete(inbox=get_object_or_404(Inbox, pk=pk), by=request.user, now=timezone.now())
    messages.success(request, _("The inbox is removed."))
    return redirect("chat:inboxes")


def _keys(form: InboxForm) -> list[UUID]:
    return [user.pk for user in form.cleaned_data["members"]]


def _inbox_page(request: HttpRequest, form: InboxForm, inbox: Inbox | None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "inbox": inbox}
    return render(request, "chat/inbox.html", context, status=422 if form.is_bound else 200)
