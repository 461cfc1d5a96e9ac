"""The report of who may not come back: an estimate, why, and from what."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from chat.enums import ChurnBand
from chat.errors import ReportsNotIncluded
from chat.models import ChurnModel, ChurnScore
from chat.queries import churn as queries
from chat.queries import reports
from chat.services import churn, estimates
from chat.views.reports import tabs

PAGE = 25
TONES = {ChurnBand.HIGH: "red", ChurnBand.MEDIUM: "amber", ChurnBand.LOW: "green"}


@require_safe
@login_required
@permission_required("chat.view_report", raise_exception=True)
def churn_report(request: HttpRequest) -> HttpResponse:
    """Contacts by how likely they are not to come back, with the reasons of each and how good the estimate is."""
    band = request.GET.get("band", "")
    band = band if band in ChurnBand.values else ""
    context: dict[str, Any] = {"tabs": tabs("churn")}
    try:
        reports.require(request.user)
    except ReportsNotIncluded as error:
        return render(request, "chat/churn.html", context | {"limit": str(error)})
    bands = queries.by_band()
    whole = sum(one.contacts for one in bands)
    page = Paginator(queries.scores(band), PAGE).get_page(request.GET.get("page"))
    spread = queries.spread()
    base = reverse("chat:churn")
    kept = {"band": band} if band else {}
    context |= {
        "stats": [_stat(one, whole) for one in bands],
        "empty": not whole,
        "spread_labels": [f"{tenth * 10}–{tenth * 10 + 10}%" for tenth in range(10)],
        "spread_values": spread,
        "chips": [
            {"label": _("All"), "url": base, "current": not band, "count": whole},
            *(
                {
                    "label": one.band.label,
                    "url": f"{base}?{urlencode({'band': one.band.value})}",
                    "current": one.band == band,
                    "count": one.contacts,
                }
                for one in bands
            ),
        ],
        "rows": [shown(score) for score in page.object_list],
        "previous_url": f"?{urlencode(kept | {'page': page.previous_page_number()})}" if page.has_previous() else "",
        "next_url": f"?{urlencode(kept | {'page': page.next_page_number()})}" if page.has_next() else "",
        "csv_url": reverse("api:chat-churn-export") + (f"?{urlencode(kept)}" if kept else ""),
        "days": churn.HORIZON.days,
        "model": _model(queries.newest_model()),
    }
    return render(request, "chat/churn.html", context)


def shown(score: ChurnScore) -> dict[str, Any]:
    """An estimate as a page shows it: in whole percent, with its reasons."""
    return {
        "score": score,
        "percent": round(100 * score.probability),
        "tone": TONES[ChurnBand(score.band)],
        "reasons": estimates.words(score),
    }


def _stat(one: queries.BandFigures, whole: int) -> dict[str, Any]:
    label = {
        ChurnBand.HIGH: _("High risk"),
        ChurnBand.MEDIUM: _("Medium risk"),
        ChurnBand.LOW: _("Low risk"),
    }[one.band]
    hint = ""
    if one.recency_days is not None:
        hint = _("%(percent)s%% of the contacts, last wrote %(days)s days ago on average") % {
            "percent": round(100 * one.contacts / whole),
            "days": round(one.recency_days),
        }
    return {"label": label, "value": formats.number_format(one.contacts, 0, force_grouping=True), "hint": hint}


def _model(model: ChurnModel | None) -> dict[str, Any] | None:
    """The weights in use, in words."""
    if model is None:
        return None
    names = estimates.feature_names()
    weights = [
        {"label": names[name], "weight": formats.number_format(weight, 2), "raises": weight > 0}
        for name, weight in sorted(model.weights.items(), key=lambda one: -abs(one[1]))
        if name in names
    ]
    return {
        "row": model,
        "weights": weights,
        "auc": None if model.auc is None else formats.number_format(model.auc, 2),
        "auc_house": None if model.auc_house is None else formats.number_format(model.auc_house, 2),
        "auc_recency": None if model.auc_recency is None else formats.number_format(model.auc_recency, 2),
        "fewest": churn.FEWEST,
    }
