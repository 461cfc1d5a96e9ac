"""Search everywhere: asks every source that the apps registered for the palette."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from ops.kernel.registry import palette

SHORTEST, LONGEST = 2, 100
FROM_EACH = 6


@login_required
@require_safe
def search(request: HttpRequest) -> JsonResponse:
    """At most six results of each source this person may use, in the order of the sources."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
    results = []
    if len(text) >= SHORTEST:
        for source in palette:
            if source.permission and not request.user.has_perm(source.permission):
                continue
            for found in list(source.search(request, text))[:FROM_EACH]:
                results.append(
                    {
                        "label": str(found["label"]),
                        "hint": str(found.get("hint", "") or source.label),
                        "url": str(found["url"]),
                    }
                )
    return JsonResponse({"results": results})
