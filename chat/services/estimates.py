"""A churn estimate in people's words, and as a table."""

from collections.abc import Iterable
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import ChurnScore
from chat.queries.churn import USUAL_GAP_DAYS
from chat.services import churn, spreadsheet


def words(score: ChurnScore) -> list[dict[str, Any]]:
    """Why the estimate is what it is, the strongest reason first: a sentence each, and whether it raises the risk."""
    told = []
    for name, effect in churn.strongest(score.reasons):
        said = _sentence(name, score)
        if said:
            told.append({"words": said, "raises": effect > 0})
    return told


def _sentence(name: str, score: ChurnScore) -> str:
    days = round(score.recency_days)
    if name == "recency":
        if not days:
            return _("Wrote today")
        return ngettext("Last wrote %(count)s day ago", "Last wrote %(count)s days ago", days) % {"count": days}
    if name == "frequency":
        return ngettext(
            "%(count)s conversation in half a year", "%(count)s conversations in half a year", score.frequency
        ) % {"count": score.frequency}
    if name == "overdue":
        if not _has_rhythm(score):
            if not days:
                return _("No rhythm is known yet")
            return ngettext(
                "Quiet for %(count)s day, and no rhythm is known yet",
                "Quiet for %(count)s days, and no rhythm is known yet",
                days,
            ) % {"count": days}
        return _("Usually writes every %(days)s days, now quiet for %(quiet)s") % {
            "days": max(round(score.gap_days or 0), 1),
            "quiet": days,
        }
    if name == "rhythm" and _has_rhythm(score):
        return _("Writes every %(days)s days or so") % {"days": max(round(score.gap_days or 0), 1)}
    if name == "trend":
        return _("Writes less than before") if score.trend < 0 else _("Writes as often as before, or more")
    if name == "discontent" and score.csat is not None:
        return _("Last satisfaction %(percent)s%%") % {"percent": round(100 * score.csat)}
    if name == "unanswered":
        return _("The last conversation got no reply") if score.unanswered else _("The last conversation was answered")
    if name == "late" and score.late_hours is not None:
        return _("First replies take %(hours)s hours") % {"hours": formats.number_format(score.late_hours, 1)}
    if name == "breaches":
        return ngettext("%(count)s broken promise", "%(count)s broken promises", score.breaches) % {
            "count": score.breaches
        }
    if name == "tenure":
        tenure = round(score.tenure_days)
        if not tenure:
            return _("Known since today")
        return ngettext("Known for %(count)s day", "Known for %(count)s days", tenure) % {"count": tenure}
    return ""


def _has_rhythm(score: ChurnScore) -> bool:
    """Whether there was more than one conversation: with one the gap is the usual one and nobody's own."""
    return score.gap_days is not None and abs(score.gap_days - USUAL_GAP_DAYS) > 0.01


def feature_names() -> dict[str, str]:
    """What the inputs of the sum are called."""
    return {
        "recency": _("Days since the last message"),
        "frequency": _("Conversations in half a year"),
        "overdue": _("Quiet for longer than usual"),
        "rhythm": _("Days between conversations"),
        "trend": _("Writing more than before"),
        "discontent": _("A bad last answer to the survey"),
        "unanswered": _("No reply the last time"),
        "late": _("Hours to the first reply"),
        "breaches": _("Broken promises"),
        "tenure": _("Days known"),
    }


def as_csv(rows: Iterable[ChurnScore]) -> str:
    """The table of estimates with everything they were made from."""
    headings = [
        _("Contact"), _("E-mail"), _("Phone"), _("Probability (%)"), _("Risk"), _("Days since the last message"),
        _("Conversations in half a year"), _("Usual days between conversations"), _("Trend"), _("Last satisfaction (%)"),
        _("Last time without a reply (%)"), _("Hours to the first reply"), _("Broken promises"), _("Days known"),
    ]  # fmt: skip
    return spreadsheet.table(headings, (_cells(row) for row in rows))


def _cells(row: ChurnScore) -> list[Any]:
    return [
        str(row.contact), row.contact.email, row.contact.phone_e164, round(100 * row.probability, 1),
        str(row.get_band_display()), round(row.recency_days, 1), row.frequency,
        None if row.gap_days is None else round(row.gap_days, 1), round(row.trend, 2),
        None if row.csat is None else round(100 * row.csat), round(100 * row.unanswered),
        None if row.late_hours is None else round(row.late_hours, 1), row.breaches, round(row.tenure_days),
    ]  # fmt: skip
