"""The tenant's home: what the apps registered as panels, in one page."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from ops.kernel.registry import panels


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel that this person may see, ready to be drawn."""

    key: str
    template: str
    context: dict[str, Any]
    width: int
    kept: bool


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Numbers first, then what waits for this person and what just happened."""
    shown = [
        Shown(key.replace(".", "-"), panel.template, dict(panel.context(request)), panel.width, panel.kept)
        for key, panel in panels.items()
        if not panel.permission or request.user.has_perm(panel.permission)
    ]
    return render(request, "home/index.html", {"panels": shown, "part_of_day": _part_of_day()})


def _part_of_day() -> str:
    hour = timezone.localtime().hour
    return "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
