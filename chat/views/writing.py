"""Pages of those who write the help centre: articles, their versions, categories, and questions without an answer."""

import difflib
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import ArticleState, QuestionState
from chat.forms.base import add_problem
from chat.forms.writing import ArticleForm, CategoryForm, HelpCentreForm
from chat.models import Article, ArticleVersion, BotAnswer, Category, QuestionGroup
from chat.models.search import Matches, words
from chat.services import articles, helpcentre, markdown, questions
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import DomainError

PAGE_SIZE = 50
SHOWN = 20
LANGUAGES = dict(settings.LANGUAGES)
SHORT = {"pt-br": "Português", "en": "English"}


@require_safe
@login_required
@permission_required("chat.view_article", raise_exception=True)
def article_list(request: HttpRequest) -> HttpResponse:
    """Articles, those changed last first."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    state, locale = request.GET.get("state", ""), request.GET.get("locale", "")
    rows = Article.objects.select_related("category")
    if state in ArticleState.values:
        rows = rows.filter(state=state)
    if locale in LANGUAGES:
        rows = rows.filter(locale=locale)
    if text:
        wanted = words(text)
        rows = rows.none() if wanted is None else rows.filter(Matches("search_text", wanted))
    page = (
        max(1, int(request.GET["page"]))
        if request.GET.get("page", "").isdecimal() and len(request.GET["page"]) < 6
        else 1
    )
    start = (page - 1) * PAGE_SIZE
    found = list(rows.order_by("-edited_at", "-pk")[start : start + PAGE_SIZE + 1])
    used = set(Article.objects.values_list("locale", flat=True).distinct())
    context = {
        "rows": [{"article": row, "language": SHORT.get(row.locale, row.locale)} for row in found[:PAGE_SIZE]],
        "text": text,
        "tabs": _tabs(request, "articles"),
        "states": [
            _chip(request, _("All"), "state", "", state),
            _chip(request, ArticleState.PUBLISHED.label, "state", "published", state),
            _chip(request, ArticleState.DRAFT.label, "state", "draft", state),
        ],
        "locales": [
            _chip(request, _("All languages"), "locale", "", locale),
            *(_chip(request, SHORT.get(code, name), "locale", code, locale) for code, name in settings.LANGUAGES),
        ]
        if len(used) > 1
        else [],
        "previous_url": _with(request, page=page - 1) if page > 1 else "",
        "next_url": _with(request, page=page + 1) if len(found) > PAGE_SIZE else "",
        "narrowed": bool(text or state or locale),
        "may_write": request.user.has_perm("chat.manage_article"),
    }
    return render(request, "chat/articles/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def article_new(request: HttpRequest) -> HttpResponse:
    """Begin an article in a language."""
    asked = request.GET.get("locale", "")
    tenant: Any = request.tenant  # type: ignore[attr-defined]
    locale = asked if asked in LANGUAGES else tenant.language
    form = ArticleForm(request.POST or None, instance=Article(locale=locale))
    if request.method == "POST" and form.is_valid():
        try:
            article = articles.write(locale=locale, by=request.user, **_sent(form))
            if "publish" in request.POST:
                articles.publish(article=article, by=request.user)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The article is saved."))
            return redirect("chat:writing-article", pk=article.pk)
    return _editor(request, form, article=None, locale=locale)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.view_article", raise_exception=True)
def article_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One article: its words beside how they will look."""
    article = get_object_or_404(Article.objects.select_related("category", "author"), pk=pk)
    form = ArticleForm(request.POST or None, instance=Article.objects.get(pk=pk), initial={"version": article.version})
    if request.method == "POST":
        if not request.user.has_perm("chat.manage_article"):
            raise PermissionDenied
        if form.is_valid():
            try:
                article = articles.change(
                    article=article, by=request.user, version=form.cleaned_data["version"], **_sent(form)
                )
                if "publish" in request.POST:
                    articles.publish(article=article, by=request.user)
                if "withdraw" in request.POST:
                    articles.withdraw(article=article, by=request.user)
            except DomainError as error:
                add_problem(form, error)
            else:
                messages.success(request, _("The article is saved."))
                return redirect("chat:writing-article", pk=pk)
    return _editor(request, form, article=article, locale=article.locale)


def _sent(form: ArticleForm) -> dict[str, Any]:
    values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
    if not values.get("slug"):
        values.pop("slug", None)
    return values


def _editor(request: HttpRequest, form: ArticleForm, *, article: Article | None, locale: str) -> HttpResponse:
    source = form["body"].value() or ""
    context: dict[str, Any] = {
        "form": form,
        "article": article,
        "language": SHORT.get(locale, locale),
        "preview": markdown.render(str(source)).html,
        "may_write": request.user.has_perm("chat.manage_article"),
    }
    if article is not None:
        have = dict(Article.objects.filter(group=article.group).values_list("locale", "pk"))
        context |= {
            "translations": [
                {"language": SHORT.get(code, name), "pk": have.get(code), "code": code}
                for code, name in settings.LANGUAGES
                if code != article.locale
            ],
            "feedback": article.feedback.exclude(words="").order_by("-created_at", "-pk")[:5],
            "by_bot": BotAnswer.objects.filter(article=article).count(),
            "helped_by_bot": BotAnswer.objects.filter(article=article, helpful=True).count(),
        }
    return render(request, "chat/articles/editor.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def preview(request: HttpRequest) -> HttpResponse:
    """How a Markdown text will look; asked for while somebody writes."""
    source = request.POST.get("body", "")[: articles.BODY_LIMIT]
    return render(request, "chat/articles/_preview.html", {"preview": markdown.render(source).html})


@require_POST
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def article_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove an article."""
    articles.delete(article=get_object_or_404(Article, pk=pk), by=request.user)
    messages.success(request, _("The article is deleted."))
    return redirect("chat:writing")


@require_POST
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def article_translate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Begin the article in another language."""
    locale = request.POST.get("locale", "")
    if locale not in LANGUAGES:
        raise Http404
    made = articles.translate(article=get_object_or_404(Article, pk=pk), locale=locale, by=request.user)
    return redirect("chat:writing-article", pk=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.view_article", raise_exception=True)
def versions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an article said, what changed from one version to the next, and the way back."""
    article = get_object_or_404(Article, pk=pk)
    if request.method == "POST":
        if not request.user.has_perm("chat.manage_article"):
            raise PermissionDenied
        number = request.POST.get("number", "")
        if not number.isdecimal() or len(number) > 9:
            raise Http404
        articles.restore(article=article, number=int(number), by=request.user)
        messages.success(request, _("Version %(number)s is back.") % {"number": number})
        return redirect("chat:writing-article", pk=pk)
    rows = list(article.versions.select_related("author").order_by("-number")[:200])
    wanted = request.GET.get("version", "")
    chosen = next((row for row in rows if str(row.number) == wanted), rows[0] if rows else None)
    before = next((row for row in rows if chosen and row.number < chosen.number), None)
    context = {
        "article": article,
        "rows": rows,
        "chosen": chosen,
        "before": before,
        "lines": _difference(before, chosen) if chosen else [],
        "may_write": request.user.has_perm("chat.manage_article"),
    }
    return render(request, "chat/articles/versions.html", context)


def _difference(before: ArticleVersion | None, after: ArticleVersion) -> list[dict[str, str]]:
    """Lines that stayed, came and went; long stretches that stayed are left out."""

    def lines(row: ArticleVersion | None) -> list[str]:
        return [] if row is None else [row.title, row.summary, "", *row.body.splitlines()]

    found: list[dict[str, str]] = []
    # The first two lines name the files; what is taken from the text may begin with the same signs.
    for line in islice(difflib.unified_diff(lines(before), lines(after), n=3, lineterm=""), 2, None):
        if not found and line.startswith(("@@ -0,", "@@ -1,", "@@ -1 ")):
            continue  # nothing was left out before the first line
        kind = {"+": "added", "-": "removed", "@": "gap"}.get(line[:1], "same")
        found.append({"kind": kind, "text": "" if kind == "gap" else line[1:]})
    return found


# --- Questions without an answer ------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.view_article", raise_exception=True)
def question_list(request: HttpRequest) -> HttpResponse:
    """What people asked and nobody wrote about yet, the most asked first."""
    if request.method == "POST":
        return _sort_question(request)
    state = request.GET.get("state", "open")
    state = state if state in QuestionState.values else QuestionState.OPEN
    rows = (
        QuestionGroup.objects.filter(state=state)
        .select_related("article")
        .prefetch_related("questions")
        .order_by("-count", "-last_asked_at", "-pk")[:PAGE_SIZE]
    )
    context = {
        "rows": [
            {
                "group": row,
                "others": [one for one in dict.fromkeys(q.text for q in row.questions.all()) if one != row.title][:4],
                "sources": sorted({str(q.get_source_display()) for q in row.questions.all()}),
                "language": SHORT.get(row.locale, row.locale),
            }
            for row in rows
        ],
        "tabs": _tabs(request, "questions"),
        "states": [_chip(request, QuestionState(value).label, "state", value, state) for value in QuestionState.values],
        "state": state,
        "may_write": request.user.has_perm("chat.manage_article"),
    }
    return render(request, "chat/articles/questions.html", context)


def _sort_question(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("chat.manage_article"):
        raise PermissionDenied
    try:
        key = UUID(request.POST.get("question", ""))
    except ValueError as error:
        raise Http404 from error
    group = get_object_or_404(QuestionGroup, pk=key)
    todo = request.POST.get("todo", "")
    if todo == "draft":
        article = articles.begin_from(group=group, by=request.user, now=timezone.now())
        return redirect("chat:writing-article", pk=article.pk)
    if todo not in {"dismiss", "reopen"}:
        raise Http404
    wanted = QuestionState.DISMISSED if todo == "dismiss" else QuestionState.OPEN
    questions.set_state(group=group, state=wanted, by=request.user)
    messages.success(request, _("The question is sorted."))
    return redirect("chat:writing-questions")


# --- Categories -----------------------------------------------------------------------------------------


@require_safe
@login_required
@permission_required("chat.view_article", raise_exception=True)
def category_list(request: HttpRequest) -> HttpResponse:
    """Shelves in their order, a language at a time."""
    rows = Category.objects.order_by("locale", "position", "name", "pk").prefetch_related("articles")
    context = {
        "rows": [
            {"category": row, "count": len(row.articles.all()), "language": SHORT.get(row.locale, row.locale)}
            for row in rows
        ],
        "tabs": _tabs(request, "categories"),
        "may_write": request.user.has_perm("chat.manage_article"),
    }
    return render(request, "chat/articles/categories.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def category_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Add or change a shelf."""
    row = get_object_or_404(Category, pk=pk) if pk else None
    tenant: Any = request.tenant  # type: ignore[attr-defined]
    form = CategoryForm(request.POST or None, instance=row or Category(locale=tenant.language))
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if value is not None}
        try:
            if row is None:
                articles.add_category(by=request.user, **values)
            else:
                articles.change_category(category=Category.objects.get(pk=row.pk), by=request.user, **values)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The category is saved."))
            return redirect("chat:writing-categories")
    context = {"form": form, "category": row}
    return render(request, "chat/articles/category.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def category_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a shelf; its articles stay."""
    articles.delete_category(category=get_object_or_404(Category, pk=pk), by=request.user)
    messages.success(request, _("The category is deleted."))
    return redirect("chat:writing-categories")


# --- The help centre's own words ------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_article", raise_exception=True)
def help_settings(request: HttpRequest) -> HttpResponse:
    """Heading, introduction and foot in each language, and whether it is open."""
    form = HelpCentreForm(
        request.POST if request.method == "POST" else None, initial=dict(configuration.get(helpcentre.NAME))
    )
    if request.method == "POST" and form.is_valid():
        try:
            configuration.set(helpcentre.NAME, form.cleaned_data, by=request.user)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The help centre is saved."))
            return redirect("chat:settings-help")
    return render(request, "chat/articles/settings.html", {"form": form}, status=422 if form.errors else 200)


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    waiting = QuestionGroup.objects.filter(state=QuestionState.OPEN).count()
    return [
        {"label": _("Articles"), "url": reverse("chat:writing"), "current": current == "articles"},
        {
            "label": _("Unanswered questions"),
            "url": reverse("chat:writing-questions"),
            "current": current == "questions",
            "count": waiting or None,
        },
        {"label": _("Categories"), "url": reverse("chat:writing-categories"), "current": current == "categories"},
    ]


def _chip(request: HttpRequest, label: Any, name: str, value: str, current: str) -> dict[str, Any]:
    return {"label": label, "url": _with(request, **{name: value}), "current": current == value}


def _with(request: HttpRequest, **changes: Any) -> str:
    kept = {name: request.GET[name] for name in ("q", "state", "locale") if request.GET.get(name)}
    left = {name: value for name, value in {**kept, **changes}.items() if value not in ("", None)}
    return "?" + urlencode(left) if left else request.path
