"""Who may not come back: an estimate that says what it is made of, renewed every night.

The estimate is a logistic sum over the features of `queries.churn`: 1 / (1 + e^-(intercept + Σ weight × input)).
Silence and frequency are RFM's (Hughes, *Strategic Database Marketing*, 1994); that silence is to be measured against a
person's own rhythm is what Schmittlein, Morrison and Colombo (1987) and Fader, Hardie and Lee (2005) found; how somebody
was served the last time comes beside it. The house's weights were set by hand, rounded from what fits a made-up history of
that kind, the one of `benchmarks/churn.py`: they are a beginning, not a finding about anybody's customers. A tenant with enough history gets its own, fitted on a past in which the end is known, but only
when they tell contacts apart better than the house's on people they were not fitted on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from chat.models import ChurnModel
from chat.queries import churn as queries
from chat.queries.churn import HORIZON, INPUTS, Row

MEDIUM, HIGH = 0.4, 0.7
HOUSE: dict[str, float] = {
    "intercept": -4.9,
    "recency": 0.2,
    "frequency": -0.4,
    "overdue": 1.9,
    "rhythm": 1.0,
    "trend": -0.1,
    "discontent": 1.2,
    "unanswered": 1.0,
    "late": 0.15,
    "breaches": 0.1,
    "tenure": -0.1,
}
# What learning takes at least, of contacts and of each outcome, and at most.
FEWEST, FEWEST_EACH, MOST = 200, 40, 5000
# Every so many contacts one is kept away from the fit, to measure it on.
HELD_BACK = 3
RIDGE, ROUNDS = 1.0, 12
KEPT_MODELS = 30


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and how well they and what they are compared with tell contacts apart."""

    weights: dict[str, float]
    fitted: bool
    contacts: int
    lost: int
    auc: float | None
    auc_house: float | None
    auc_recency: float | None


def nightly(*, now: datetime) -> int:
    """Learn, estimate everybody, forget old weights; says how many contacts were estimated."""
    fit = learn(now=now)
    with transaction.atomic():
        ChurnModel.objects.create(
            fitted=fit.fitted,
            weights=fit.weights,
            contacts=fit.contacts,
            lost=fit.lost,
            auc=fit.auc,
            auc_house=fit.auc_house,
            auc_recency=fit.auc_recency,
            made_at=now,
        )
        kept = ChurnModel.objects.order_by("-made_at", "-pk").values_list("pk", flat=True)[:KEPT_MODELS]
        ChurnModel.objects.exclude(pk__in=list(kept)).delete()
        weights = {name: value for name, value in fit.weights.items() if name != "intercept"}
        return queries.store(weights=weights, intercept=fit.weights["intercept"], medium=MEDIUM, high=HIGH, now=now)


def learn(*, now: datetime) -> Fit:
    """The weights to use from now on, from what became of those who were known `HORIZON` ago."""
    past = list(queries.rows(as_of=now - HORIZON, horizon=HORIZON, limit=MOST))
    lost = sum(1 for row in past if row.lost)
    if len(past) < FEWEST or min(lost, len(past) - lost) < FEWEST_EACH:
        return Fit(HOUSE, False, len(past), lost, None, None, None)
    # The order is by a hash of the contact: every third is any third.
    tried = past[::HELD_BACK]
    learned = [row for place, row in enumerate(past) if place % HELD_BACK]
    weights = fitted(learned)
    ends = [bool(row.lost) for row in tried]
    own = auc([estimate(row, weights) for row in tried], ends)
    house = auc([estimate(row, HOUSE) for row in tried], ends)
    recency = auc([row.recency_days for row in tried], ends)
    better = own is not None and house is not None and own > house
    return Fit(weights if better else HOUSE, better, len(past), lost, own if better else house, house, recency)


def estimate(row: Row, weights: Mapping[str, float]) -> float:
    """The probability that a contact stays away for `HORIZON`; the same sum that the database makes for everybody."""
    z = weights["intercept"] + sum(weights[name] * value for name, value in inputs(row).items())
    return 1 / (1 + math.exp(-min(max(z, -30), 30)))


def inputs(row: Row) -> dict[str, float]:
    """A contact's features as they go into the sum, as `queries.churn.INPUTS` makes them."""
    return {
        "recency": math.log1p(max(row.recency_days, 0)),
        "frequency": math.log1p(row.frequency),
        "overdue": math.log1p(min(max(row.overdue, 0), 20)),
        "rhythm": math.log1p(row.gap_days),
        "trend": row.trend,
        "discontent": 0.75 - (0.75 if row.csat is None else row.csat),
        "unanswered": row.unanswered,
        "late": math.log1p(min(max(row.late_hours or 0, 0), 168)),
        "breaches": math.log1p(row.breaches),
        "tenure": math.log1p(max(row.tenure_days, 0)),
    }


def auc(scores: Sequence[float], ends: Sequence[bool]) -> float | None:
    """How often somebody who was lost stands above somebody who was not; ties count half. Nothing without both kinds."""
    lost = sum(ends)
    kept = len(ends) - lost
    if not lost or not kept:
        return None
    order = sorted(range(len(scores)), key=lambda place: scores[place])
    ranks, at = 0.0, 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[at]]:
            end += 1
        ranks += sum((at + end) / 2 + 1 for place in order[at : end + 1] if ends[place])
        at = end + 1
    return (ranks - lost * (lost + 1) / 2) / (lost * kept)


def fitted(rows: Sequence[Row]) -> dict[str, float]:
    """Weights by ridge logistic regression (iteratively reweighted least squares) on standardised inputs.

    Returned for inputs as they are, so that they stand in the same sum as the house's.
    """
    names = list(INPUTS)
    table = [[inputs(row)[name] for name in names] for row in rows]
    ends = [1.0 if row.lost else 0.0 for row in rows]
    means = [sum(column) / len(table) for column in zip(*table, strict=True)]
    spreads = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(table)) or 1.0
        for column, mean in zip(zip(*table, strict=True), means, strict=True)
    ]
    scaled = [
        [1.0, *((value - mean) / spread for value, mean, spread in zip(row, means, spreads, strict=True))]
        for row in table
    ]
    size = len(names) + 1
    beta = [0.0] * size
    for _round in range(ROUNDS):
        gradient = [0.0] + [-RIDGE * value for value in beta[1:]]
        hessian = [[RIDGE if row == column and row else 0.0 for column in range(size)] for row in range(size)]
        for row, end in zip(scaled, ends, strict=True):
            z = sum(weight * value for weight, value in zip(beta, row, strict=True))
            chance = 1 / (1 + math.exp(-min(max(z, -30), 30)))
            curve = max(chance * (1 - chance), 1e-6)
            for at, value in enumerate(row):
                gradient[at] += (end - chance) * value
                line = hessian[at]
                weighted = curve * value
                for other in range(at, size):
                    line[other] += weighted * row[other]
        for at in range(size):
            for other in range(at):
                hessian[at][other] = hessian[other][at]
        step = _solved(hessian, gradient)
        beta = [value + change for value, change in zip(beta, step, strict=True)]
        if max(map(abs, step)) < 1e-6:
            break
    weights = {name: round(beta[at + 1] / spreads[at], 6) for at, name in enumerate(names)}
    intercept = beta[0] - sum(beta[at + 1] * means[at] / spreads[at] for at in range(len(names)))
    return {"intercept": round(intercept, 6), **weights}


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots; the matrix is small, symmetric and kept regular by the ridge."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for below in range(at + 1, size):
            factor = rows[below][at] / rows[at][at]
            for column in range(at, size + 1):
                rows[below][column] -= factor * rows[at][column]
    found = [0.0] * size
    for at in range(size - 1, -1, -1):
        known = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - known) / rows[at][at]
    return found


def strongest(reasons: Mapping[str, Any], *, most: int = 3) -> list[tuple[str, float]]:
    """What moves an estimate most against the average contact, with its direction; what hardly matters is left out."""
    order = sorted(reasons.items(), key=lambda one: (-abs(float(one[1])), one[0]))
    return [(name, float(effect)) for name, effect in order if abs(float(effect)) >= 0.1][:most]
