"""Articles of the help centre for whoever answers: finding one, and sending it as a card."""

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat.enums import Kind
from chat.models import Article
from chat.queries import articles
from chat.services import messages
from chat.views import listing
from chat.views.conversation import find
from ops.kernel.ids import uuid7

SHOWN = 8


@require_GET
@never_cache
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def search(request: HttpRequest) -> HttpResponse:
    """Published articles by their words, the newest ones without any."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if text:
        hits = articles.search(text, locale=request.tenant.language, limit=SHOWN, typing=True)
        found = [_shown(request, hit) for hit in hits]
    else:
        rows = Article.objects.published().order_by("-updated_at", "-pk")[:SHOWN]
        found = [_shown(request, row) for row in rows]
    return JsonResponse({"results": found, "language": get_language()})


@require_POST
@login_required
@permission_required("chat.reply_conversation", raise_exception=True)
def send(request: HttpRequest, number: int) -> HttpResponse:
    """Send an article as a card; the form carries the message's id, so that sending twice is sending once."""
    conversation = find(request, number)
    article = get_object_or_404(Article.objects.published(), pk=listing.key(request.POST.get("article", "")))
    shown = _shown(request, article)
    messages.send(
        conversation_id=conversation.pk,
        by=request.user,
        body=article.title,
        client_id=listing.key(request.POST.get("client_id", "")) or uuid7(),
        kind=Kind.ARTICLE,
        meta={"article": shown},
    )
    return HttpResponse(status=204)


def _shown(request: HttpRequest, row: Any) -> dict[str, str]:
    address = reverse("chat:help-article", args=[row.slug])
    return {
        "id": str(getattr(row, "pk", None) or row.id),
        "title": row.title,
        "slug": row.slug,
        "excerpt": row.summary,
        "url": request.build_absolute_uri(address),
    }
