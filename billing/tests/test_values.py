"""How features and limits are put together: the rule of billing/values.py, case by case."""

import pytest

from billing.values import Said, Source, Word, most_allowed, settle_feature, settle_limit

ON, OFF = Word(True), Word(False)


@pytest.mark.parametrize(
    ("default", "plan", "said", "value", "source"),
    [
        (False, None, Said(), False, Source.DEFAULT),
        (True, None, Said(), True, Source.DEFAULT),
        (True, False, Said(), False, Source.PLAN),
        (False, True, Said(), True, Source.PLAN),
        # The platform: for everybody, for one tenant; off for everybody beats all.
        (False, False, Said(everybody=ON), True, Source.PLATFORM),
        (False, True, Said(everybody=OFF), False, Source.PLATFORM),
        (False, False, Said(everybody=OFF, granted=ON), False, Source.PLATFORM),
        (False, False, Said(granted=ON), True, Source.PLATFORM),
        (False, True, Said(granted=OFF), False, Source.PLATFORM),
        # A reseller: off always, on as far as it may.
        (False, True, Said(reseller=OFF), False, Source.RESELLER),
        (False, False, Said(reseller=ON), False, Source.PLAN),
        (False, False, Said(reseller=ON, allowance=ON), True, Source.RESELLER),
        (False, False, Said(reseller=ON, allowance=OFF), False, Source.PLAN),
        (False, False, Said(allowance=ON), False, Source.PLAN),
        # A tenant: off only, and only what it has.
        (False, True, Said(tenant=OFF), False, Source.TENANT),
        (False, False, Said(tenant=OFF), False, Source.PLAN),
        (False, False, Said(tenant=ON), False, Source.PLAN),
        (False, False, Said(reseller=ON, allowance=ON, tenant=OFF), False, Source.TENANT),
    ],
)
def test_a_feature_is_settled_from_all_words(default, plan, said, value, source):
    found = settle_feature(default=default, plan=plan, said=said)

    assert (found.value, found.source) == (value, source)
    assert found.last.source == source


@pytest.mark.parametrize(
    ("plan", "agreed", "said", "value", "source"),
    [
        (10, None, Said(), 10, Source.PLAN),
        (None, None, Said(), None, Source.PLAN),
        (10, Word(15), Said(), 15, Source.AGREEMENT),
        (10, Word(15), Said(granted=Word(3)), 3, Source.PLATFORM),
        (10, None, Said(granted=Word(None)), None, Source.PLATFORM),
        # A reseller lowers as it likes and raises as far as it may.
        (10, None, Said(reseller=Word(4)), 4, Source.RESELLER),
        (10, None, Said(reseller=Word(0)), 0, Source.RESELLER),
        (10, None, Said(reseller=Word(12)), 10, Source.PLAN),
        (10, None, Said(reseller=Word(None)), 10, Source.PLAN),
        (10, None, Said(reseller=Word(12), allowance=Word(20)), 12, Source.RESELLER),
        (10, None, Said(reseller=Word(30), allowance=Word(20)), 20, Source.RESELLER),
        (10, None, Said(reseller=Word(None), allowance=Word(None)), None, Source.RESELLER),
        (None, None, Said(reseller=Word(5), allowance=Word(2)), 5, Source.RESELLER),
        (10, None, Said(reseller=Word(8), allowance=Word(2)), 8, Source.RESELLER),
        (10, None, Said(allowance=Word(20)), 10, Source.PLAN),
        # What the platform set for everybody is never passed.
        (10, None, Said(everybody=Word(7)), 7, Source.PLATFORM),
        (None, None, Said(everybody=Word(7)), 7, Source.PLATFORM),
        (5, None, Said(everybody=Word(7)), 5, Source.PLAN),
        (10, None, Said(granted=Word(50), everybody=Word(7)), 7, Source.PLATFORM),
    ],
)
def test_a_limit_is_settled_from_all_words(plan, agreed, said, value, source):
    found = settle_limit(plan=plan, in_plan=True, agreed=agreed, said=said)

    assert (found.value, found.source) == (value, source)


def test_what_was_heard_and_does_not_count_is_told():
    found = settle_limit(plan=10, in_plan=True, said=Said(reseller=Word(12, "promised")))

    assert [(step.source, step.value, step.counts, step.reason) for step in found.steps[1:]] == [
        (Source.PLAN, 10, True, ""),
        (Source.RESELLER, 12, False, "promised"),
    ]


def test_nobody_said_anything_is_no_limit():
    found = settle_limit(plan=None, in_plan=False)

    assert (found.value, found.source, len(found.steps)) == (None, Source.DEFAULT, 1)


@pytest.mark.parametrize(
    ("base", "allowance", "most"), [(10, None, 10), (10, Word(20), 20), (10, Word(5), 10), (None, Word(5), None)]
)
def test_how_high_a_reseller_may_go(base, allowance, most):
    assert most_allowed(base=base, allowance=allowance) == most
