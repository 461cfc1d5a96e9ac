from datetime import timedelta

import pytest
from django_tenants.utils import tenant_context

from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.errors import PermanentFailure, TemporaryFailure, TooLarge
from ops.kernel.outbox.models import InboxEvent, InboxState
from ops.kernel.outbox.services import inbox
from ops.kernel.outbox.tests.factories import InboxEventFactory


def receive(external_id="evt_1", **other):
    values = {"provider": "tests", "kind": "paid", "body": b'{"n": 1}', "headers": {}, **other}
    return inbox.receive(external_id=external_id, **values)


def test_the_same_id_is_stored_and_handled_once(acme, noon, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        first, created = receive(now=noon, headers={"Stripe-Signature": "t=1", "Content-Type": "application/json"})
        second, again = receive(now=noon, body=b"something else")

    assert (created, again, second.pk) == (True, False, first.pk)
    assert bytes(second.body) == b'{"n": 1}'
    assert second.headers == {"Stripe-Signature": "********", "Content-Type": "application/json"}
    assert len(callbacks) == 1


def test_another_tenant_may_get_the_same_id(acme, beta, noon):
    receive(now=noon)
    with tenant_context(beta):
        _event, created = receive(now=noon)

    assert created
    assert InboxEvent.objects.count() == 2


def test_a_webhook_of_another_tenant_is_not_handled_here(acme, beta, noon, handle_webhooks):
    handle_webhooks(lambda event: None)
    with tenant_context(beta):
        foreign = InboxEventFactory()

    inbox.handle(inbox_id=str(foreign.pk), now=noon)

    foreign.refresh_from_db()
    assert foreign.state == InboxState.PENDING
    with pytest.raises(inbox.UnknownWebhook):
        inbox.replay(inbox_id=foreign.pk, by="test", now=noon)


def test_a_handler_sees_the_bytes_and_runs_once(acme, noon, handle_webhooks):
    seen = []
    handle_webhooks(seen.append)
    event = InboxEventFactory(body=b"\xff\x00raw")

    inbox.handle(inbox_id=str(event.pk), now=noon)
    inbox.handle(inbox_id=str(event.pk), now=noon)

    assert [one.body for one in seen] == [b"\xff\x00raw"]
    event.refresh_from_db()
    assert (event.state, event.attempts, event.handled_at) == (InboxState.DONE, 1, noon)


def test_a_kind_nobody_knows_is_kept_and_marked(acme, noon, handle_webhooks):
    event = InboxEventFactory()
    inbox.handle(inbox_id=str(event.pk), now=noon)
    event.refresh_from_db()
    assert event.state == InboxState.IGNORED

    handle_webhooks(lambda inbound: False)
    other = InboxEventFactory()
    inbox.handle(inbox_id=str(other.pk), now=noon)
    other.refresh_from_db()
    assert other.state == InboxState.IGNORED


def test_a_failure_takes_back_what_was_written_and_is_raised_for_the_task_to_try_again(acme, noon, handle_webhooks):
    def breaks(event):
        AuditEntryFactory()
        raise TemporaryFailure(words="bank closed")

    handle_webhooks(breaks)
    event = InboxEventFactory()

    for _ in range(2):
        with pytest.raises(TemporaryFailure):
            inbox.handle(inbox_id=str(event.pk), now=noon)

    event.refresh_from_db()
    assert (event.state, event.attempts) == (InboxState.FAILED, 2)
    assert "bank closed" in event.last_error
    assert not AuditEntry.objects.exists()


def test_a_refusal_for_good_is_not_tried_again_until_somebody_says_so(
    acme, noon, handle_webhooks, django_capture_on_commit_callbacks
):
    answers = [PermanentFailure(), None]

    def once(event):
        answer = answers.pop(0)
        if answer:
            raise answer

    handle_webhooks(once)
    event = InboxEventFactory()

    inbox.handle(inbox_id=str(event.pk), now=noon)
    event.refresh_from_db()
    assert event.state == InboxState.FAILED

    with django_capture_on_commit_callbacks() as callbacks:
        inbox.replay(inbox_id=event.pk, by="test", now=noon)
    assert len(callbacks) == 1
    inbox.handle(inbox_id=str(event.pk), now=noon)
    event.refresh_from_db()
    assert event.state == InboxState.DONE
    assert AuditEntry.objects.get().action == "outbox.webhook_replayed"


def test_a_body_of_more_than_a_megabyte_is_refused(acme, noon):
    with pytest.raises(TooLarge):
        receive(now=noon, body=b"x" * (inbox.MAX_BODY_BYTES + 1))

    assert not InboxEvent.objects.exists()


def test_webhooks_that_were_handled_long_ago_are_removed(acme, noon):
    old = noon - timedelta(days=100)
    InboxEventFactory(state="done", handled_at=old)
    InboxEventFactory(state="failed", received_at=old)
    InboxEventFactory(state="ignored", handled_at=noon)

    assert inbox.prune(before=noon - timedelta(days=91)) == 1

    assert sorted(InboxEvent.objects.values_list("state", flat=True)) == ["failed", "ignored"]
