import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.errors import Invalid
from ops.kernel.idempotency import services as idempotency
from ops.kernel.idempotency.models import IdempotencyRecord
from ops.kernel.idempotency.services import Answer
from ops.kernel.idempotency.tasks import forget_expired
from ops.kernel.idempotency.tests.factories import IdempotencyRecordFactory
from ops.kernel.testing import PATIENCE_S


def do(run, *, key="k-1", scope="ana POST /things", body=b"{}", **other):
    return idempotency.once(key=key, scope=scope, body=body, run=run, **other)


def make(status=201, body=None):
    def run():
        AuditEntryFactory()
        return Answer(status, body or {"id": 1}, {"Location": "/things/1"})

    return run


def test_the_second_time_gets_the_first_answer_and_does_nothing(acme):
    first = do(make())
    second = do(make(status=500))

    assert first == (Answer(201, {"id": 1}, {"Location": "/things/1"}), False)
    assert second == (first[0], True)
    assert AuditEntry.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(acme):
    do(make())

    with pytest.raises(idempotency.KeyReused):
        do(make(), body=b'{"other": 1}')

    assert AuditEntry.objects.count() == 1


def test_another_caller_address_or_tenant_may_use_the_same_key(acme, beta):
    do(make())
    do(make(), scope="bia POST /things")
    do(make(), scope="ana POST /others")
    assert AuditEntry.objects.count() == 3

    with tenant_context(beta):
        assert do(make())[1] is False


def test_a_refusal_is_kept_and_what_it_had_begun_is_taken_back(acme):
    assert do(make(status=422, body={"code": "invalid"}))[0].status == 422
    assert not AuditEntry.objects.exists()

    assert do(make(status=201)) == (Answer(422, {"code": "invalid"}, {"Location": "/things/1"}), True)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_answer_that_says_nothing_about_the_work_is_not_kept(acme, status):
    do(make(status=status))

    assert do(make())[1] is False


def test_a_bug_leaves_no_key_behind(acme):
    def broken():
        AuditEntryFactory()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        do(broken)

    assert not IdempotencyRecord.objects.exists()
    assert not AuditEntry.objects.exists()


def test_after_a_day_the_key_is_new_again(acme, noon):
    do(make(), now=noon)

    assert do(make(), now=noon + timedelta(hours=23, minutes=59))[1] is True
    assert do(make(), now=noon + timedelta(hours=24))[1] is False


def test_old_answers_are_forgotten(acme, noon):
    IdempotencyRecordFactory(created_at=noon - timedelta(hours=25))
    IdempotencyRecordFactory(created_at=noon - timedelta(hours=1))

    assert idempotency.forget_expired(now=noon) == 1


def test_the_hourly_task_goes_through_every_schema(acme, beta, noon):
    for tenant in (acme, beta):
        with tenant_context(tenant):
            IdempotencyRecordFactory(created_at=noon)
            IdempotencyRecordFactory(created_at=timezone.now())

    assert forget_expired() == 2
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\x00"])
def test_an_unusable_key_is_refused(acme, key):
    with pytest.raises(Invalid):
        do(make(), key=key)


@pytest.mark.transactional
def test_ten_at_once_do_it_once_and_all_get_the_same_answer(acme):
    answers = []

    def work():
        try:
            with schema_context(acme.schema_name):
                answers.append(do(make(), wait_ms=PATIENCE_S * 1000))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditEntry.objects.count() == 1
    assert sorted(replayed for _answer, replayed in answers) == [False] + [True] * 9
    assert {answer.status for answer, _replayed in answers} == {201}


@pytest.mark.transactional
def test_a_request_that_waited_too_long_is_told_so(acme):
    inside, go_on = threading.Event(), threading.Event()

    def slow():
        inside.set()
        go_on.wait(PATIENCE_S)
        return Answer(201)

    def work():
        try:
            with schema_context(acme.schema_name):
                do(slow)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert inside.wait(PATIENCE_S)
        with pytest.raises(idempotency.StillRunning):
            do(make(), wait_ms=50)
    finally:
        go_on.set()
        thread.join()
    assert not AuditEntry.objects.exists()
