"""The churn estimate: features look only back, and the database and Python make the same sum."""

import random
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import translation

from chat.models import ChurnModel, ChurnScore, Conversation, Message
from chat.queries import churn as queries
from chat.services import churn, estimates, messages
from chat.services.conversations import visitor_of
from chat.tests.factories import (
    ContactFactory,
    ContactInboxFactory,
    ConversationFactory,
    CsatResponseFactory,
    SlaEventFactory,
)


def talk(link, *, at, reply_after_h=None):
    """A conversation that the contact began at an instant, answered after some hours or not."""
    conversation = ConversationFactory(contact_inbox=link)
    messages.send_from_visitor(
        conversation_id=conversation.pk,
        visitor=visitor_of(conversation),
        body="Hello",
        client_id=uuid4(),
        held_back=True,
        now=at,
    )
    replied = at + timedelta(hours=reply_after_h) if reply_after_h is not None else None
    Conversation.objects.filter(pk=conversation.pk).update(first_reply_at=replied, created_at=at)
    return conversation


@pytest.fixture
def regular(acme, noon):
    """Wrote 100, 60 and 20 days ago; the last time nobody answered."""
    link = ContactInboxFactory()
    first = talk(link, at=noon - timedelta(days=100), reply_after_h=2)
    talk(link, at=noon - timedelta(days=60), reply_after_h=4)
    last = talk(link, at=noon - timedelta(days=20))
    CsatResponseFactory(
        conversation=first, contact=link.contact, scale="stars", rating=2, answered_at=noon - timedelta(days=99)
    )
    SlaEventFactory(conversation=last, started_at=noon - timedelta(days=20), breached_at=noon - timedelta(days=19))
    return link.contact


def test_the_features_say_what_happened_until_an_instant(regular, noon):
    (row,) = queries.rows(as_of=noon)

    assert row.contact_id == regular.pk
    assert row.recency_days == pytest.approx(20)
    assert (row.frequency, row.breaches, row.lost) == (3, 1, None)
    assert row.gap_days == pytest.approx((45 + 40 + 40) / 3)
    assert row.overdue == pytest.approx(20 / row.gap_days)
    assert row.trend == pytest.approx(1 / 3)
    assert row.csat == pytest.approx(0.25)
    assert row.unanswered == 1
    assert row.late_hours == pytest.approx(3)
    assert row.tenure_days == pytest.approx(100)


def test_the_past_knows_nothing_of_what_came_after_it(regular, noon):
    (row,) = queries.rows(as_of=noon - timedelta(days=50), horizon=timedelta(days=20))

    assert (row.frequency, row.breaches, row.unanswered) == (2, 0, 0)
    assert row.recency_days == pytest.approx(10)
    assert row.lost is True
    (later,) = queries.rows(as_of=noon - timedelta(days=50), horizon=timedelta(days=40))
    assert later.lost is False


def test_every_contact_is_estimated_by_the_same_sum_in_one_statement(regular, noon, django_assert_num_queries):
    for days in (1, 200):
        talk(ContactInboxFactory(), at=noon - timedelta(days=days))
    talk(ContactInboxFactory(), at=noon - timedelta(days=400))  # gone for long: nothing to estimate
    talk(ContactInboxFactory(contact=ContactFactory(blocked=True)), at=noon - timedelta(days=3))
    weights = {name: value for name, value in churn.HOUSE.items() if name != "intercept"}

    with django_assert_num_queries(2):
        count = queries.store(weights=weights, intercept=churn.HOUSE["intercept"], medium=0.4, high=0.7, now=noon)

    assert count == 3
    by_hand = {row.contact_id: churn.estimate(row, churn.HOUSE) for row in queries.rows(as_of=noon)}
    for score in ChurnScore.objects.all():
        assert score.probability == pytest.approx(by_hand[score.contact_id], abs=1e-6)
    order = list(ChurnScore.objects.order_by("probability").values_list("recency_days", flat=True))
    assert order == sorted(order)
    assert sum(ChurnScore.objects.get(contact=regular).reasons.values()) != 0


def test_a_night_again_replaces_the_estimates_and_forgets_who_is_gone(regular, noon):
    churn.nightly(now=noon)
    before = ChurnScore.objects.get().probability

    churn.nightly(now=noon + timedelta(days=60))
    assert ChurnScore.objects.get().probability > before

    churn.nightly(now=noon + timedelta(days=500))
    assert not ChurnScore.objects.exists()
    assert ChurnModel.objects.count() == 3


def test_too_little_history_keeps_the_houses_weights(regular, noon):
    fit = churn.learn(now=noon)

    assert (fit.fitted, fit.weights, fit.auc) == (False, churn.HOUSE, None)


def test_enough_history_is_learned_from_and_measured_on_others(acme, noon, monkeypatch):
    chance = random.Random(7)
    rows = []
    for _number in range(600):
        # Here, against the house's belief, those who wait long for an answer leave, and recency says little.
        late, recency = chance.uniform(0, 48), chance.uniform(1, 90)
        lost = chance.random() < (0.85 if late > 24 else 0.15)
        rows.append(queries.Row(uuid4(), recency, 2, 30.0, recency / 30, 0.0, None, 0.0, late, 0, 120.0, lost))
    monkeypatch.setattr(queries, "rows", lambda **asked: iter(rows))

    fit = churn.learn(now=noon)

    assert fit.fitted
    assert fit.auc > fit.auc_house
    assert fit.auc > 0.8 > fit.auc_recency
    assert fit.weights["late"] > abs(fit.weights["recency"])


@pytest.mark.parametrize(
    ("scores", "ends", "expected"),
    [
        ([0.1, 0.9], [False, True], 1.0),
        ([0.9, 0.1], [False, True], 0.0),
        ([0.5, 0.5], [False, True], 0.5),
        ([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.75),
        ([0.3], [True], None),
    ],
)
def test_the_measure_counts_pairs(scores, ends, expected):
    assert churn.auc(scores, ends) == expected


def test_spam_is_nobodys_history(regular, noon):
    Conversation.objects.update(spam_at=noon)

    assert list(queries.rows(as_of=noon)) == []
    assert Message.objects.exists()


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, ["Wrote today", "No rhythm is known yet", "Known since today"]),
        (1, ["Last wrote 1 day ago", "Quiet for 1 day, and no rhythm is known yet", "Known for 1 day"]),
        (2, ["Last wrote 2 days ago", "Quiet for 2 days, and no rhythm is known yet", "Known for 2 days"]),
    ],
)
def test_reasons_count_days_as_people_do(days, said):
    score = ChurnScore(recency_days=days, tenure_days=days, reasons={"recency": 3, "overdue": 2, "tenure": 1})

    with translation.override("en"):
        assert [str(one["words"]) for one in estimates.words(score)] == said
