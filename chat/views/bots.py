"""Settings of bots: what they say, their flow, the language model behind them, and a place to try them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import BotKind
from chat.forms.base import add_problem
from chat.forms.writing import BotForm, LanguageModelForm
from chat.models import Article, Bot
from chat.queries import articles as finding
from chat.queries import bots as queries
from chat.services.bots import assistant, setup
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import DomainError
from ops.kernel.ids import uuid7
from tenants.services import domains

DAYS = 30


@require_safe
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def bot_list(request: HttpRequest) -> HttpResponse:
    """Every bot with where it stands and how it did."""
    since = timezone.now() - timedelta(days=DAYS)
    rows = [
        {"bot": bot, "inboxes": ", ".join(sorted(inbox.name for inbox in bot.inboxes.all())), "figures": figures}
        for bot in Bot.objects.prefetch_related("inboxes").order_by("created_at", "pk")
        for figures in (queries.figures(bot, since=since),)
    ]
    return render(request, "chat/bots/list.html", {"rows": rows, "days": DAYS, "model_ready": assistant.is_set_up()})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def bot_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Add a bot, or change one."""
    bot = get_object_or_404(Bot, pk=pk) if pk else None
    form = BotForm(request.POST or None, instance=Bot.objects.get(pk=pk) if pk else Bot())
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        inboxes = list(values.pop("inboxes"))
        try:
            if bot is None:
                bot = setup.create(by=request.user, inboxes=inboxes, **values)
            else:
                setup.change(bot=bot, by=request.user, inboxes=inboxes, **values)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The bot is saved."))
            return redirect("chat:settings-bot", pk=bot.pk)
    context: dict[str, Any] = {"form": form, "bot": bot, "days": DAYS}
    if bot is not None:
        tenant: Any = request.tenant  # type: ignore[attr-defined]
        context |= {
            "figures": queries.figures(bot, since=timezone.now() - timedelta(days=DAYS)),
            "hook": domains.url_of(tenant, reverse("chat:bot-hook", args=[bot.pk])),
            "is_program": bot.kind == BotKind.WEBHOOK,
            "needs_model": bot.kind == BotKind.LLM and not assistant.is_set_up(),
        }
    return render(request, "chat/bots/edit.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def bot_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a bot."""
    setup.delete(bot=get_object_or_404(Bot, pk=pk), by=request.user)
    messages.success(request, _("The bot is deleted. Conversations that waited for it are in the queue."))
    return redirect("chat:settings-bots")


@require_POST
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new secret, shown once on the page that answers."""
    bot = get_object_or_404(Bot, pk=pk)
    fresh = setup.renew_secret(bot=bot, by=request.user)
    response = render(request, "chat/bots/secret.html", {"bot": bot, "secret": fresh})
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def try_out(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the search gives a question, how sure it is, and whether the bot would answer."""
    bot = get_object_or_404(Bot, pk=pk)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:300]
    tenant: Any = request.tenant  # type: ignore[attr-defined]
    hits = finding.search(text, locale=bot.locale or tenant.language, limit=5) if text else []
    rows = [
        {
            "hit": hit,
            "percent": round(hit.score * 100),
            "snippet": finding.snippet(hit),
            "sure": hit.score * 100 >= bot.threshold,
        }
        for hit in hits
    ]
    return render(request, "chat/bots/try.html", {"bot": bot, "text": text, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def model_settings(request: HttpRequest) -> HttpResponse:
    """Where the language model answers, what it may cost, and a call to try it."""
    now = timezone.now()
    tried = None
    form = LanguageModelForm(
        request.POST if request.method == "POST" and "test" not in request.POST else None,
        initial=configuration.get(assistant.NAME).masked(),
    )
    if request.method == "POST" and "test" in request.POST:
        tried = assistant.try_out(now=now, key=f"test:{uuid7()}")
    elif request.method == "POST" and form.is_valid():
        try:
            configuration.set(assistant.NAME, form.values(), by=request.user)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The language model is saved."))
            return redirect("chat:settings-model")
    context = {
        "form": form,
        "tried": tried,
        "ready": assistant.is_set_up(),
        "spent": assistant.spent(now=now).amount,
        "default_url": settings.BASE_URLS["openai"],
    }
    return render(request, "chat/bots/model.html", context, status=422 if form.errors else 200)


# --- The flow -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_bot", raise_exception=True)
def flow(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Steps and their buttons; the page works without a script, so "add" sends the form and gives it back longer."""
    bot = get_object_or_404(Bot, pk=pk)
    steps = bot.flow.get("steps", [])
    problems: list[str] = []
    if request.method == "POST":
        steps = _typed(request)
        if "add" in request.POST:
            steps.append({"key": _free_key(steps), "text": "", "buttons": []})
        elif "remove" in request.POST:
            steps = [step for step in steps if step["key"] != request.POST["remove"]]
        else:
            try:
                setup.change(bot=bot, by=request.user, flow={"steps": steps})
            except DomainError as error:
                problems = [f"{_place(one.field, steps)}: {one.detail}" for one in error.errors] or [str(error)]
            else:
                messages.success(request, _("The flow is saved."))
                return redirect("chat:settings-bot-flow", pk=pk)
    rows = Article.objects.published().order_by("title", "pk").values_list("slug", "title", "locale")[:300]
    context = {
        "bot": bot,
        "steps": [
            {**step, "number": number, "rows": [*step["buttons"], *_blank(step)], "place": number - 1}
            for number, step in enumerate(steps, start=1)
        ],
        "targets": [(f"step:{step['key']}", _("Go to step %(name)s") % {"name": step["key"]}) for step in steps],
        "articles": [(f"article:{slug}", title) for slug, title, _locale in rows],
        "problems": problems,
    }
    return render(request, "chat/bots/flow.html", context, status=422 if problems else 200)


def _blank(step: dict[str, Any]) -> list[dict[str, str]]:
    return [{"label": "", "do": "", "value": ""}] * min(2, setup.MOST_BUTTONS - len(step["buttons"]))


def _free_key(steps: list[dict[str, Any]]) -> str:
    taken = {step["key"] for step in steps}
    return next(str(number) for number in range(1, setup.MOST_STEPS + 2) if str(number) not in taken)


def _place(path: str, steps: list[dict[str, Any]]) -> str:
    """Where a problem stands, in words: `flow.0.buttons.1.value`."""
    parts = path.split(".")
    if len(parts) < 2 or not parts[1].isdecimal() or int(parts[1]) >= len(steps):
        return str(_("Flow"))
    step = _("Step %(name)s") % {"name": steps[int(parts[1])]["key"]}
    if len(parts) > 3 and parts[3].isdecimal():
        return _("%(step)s, button %(number)s") % {"step": step, "number": int(parts[3]) + 1}
    return step


def _typed(request: HttpRequest) -> list[dict[str, Any]]:
    """The steps as they stand in the form; rows without a label and a target are left out."""
    found = []
    for place in range(setup.MOST_STEPS):
        if f"steps-{place}-key" not in request.POST:
            break
        buttons = []
        for row in range(setup.MOST_BUTTONS + 2):
            name = f"steps-{place}-buttons-{row}"
            label = request.POST.get(f"{name}-label", "").strip()
            does, _colon, value = request.POST.get(f"{name}-do", "").partition(":")
            if label or does:
                said = request.POST.get(f"{name}-text", "").strip()
                buttons.append({"label": label, "do": does, "value": said if does == "text" else value})
        key = " ".join(request.POST[f"steps-{place}-key"].split())[:40]
        found.append({"key": key, "text": request.POST.get(f"steps-{place}-text", "").strip(), "buttons": buttons})
    return found
