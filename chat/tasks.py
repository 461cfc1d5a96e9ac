"""Work of the counter that nobody waits for."""

from datetime import timedelta
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from chat.services import (
    account_imports,
    article_pictures,
    attachments,
    automation,
    broadcasts,
    calls,
    channels,
    churn,
    contact_imports,
    conversations,
    exports,
    incoming,
    invitations,
    journal,
    leaving,
    notices,
    notifications,
    outgoing,
    pix,
    privacy,
    processing,
    push,
    quota,
    routing,
    sla,
    stats,
    transcripts,
)
from chat.services.bots import handing, programs, turns
from ops.kernel.errors import TemporaryFailure
from ops.kernel.tasks import every_tenant


@shared_task(name="chat.wake_snoozed")
def wake_snoozed() -> None:
    """Open the conversations whose snooze has ended, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        conversations.wake_due(now=timezone.now())


@shared_task(name="chat.hand_over")
def hand_over(*, user_id: str, choice: str, by_id: str | None) -> None:
    """Give away the open conversations of somebody who left; a second run finds none."""
    leaving.run(user_id=UUID(user_id), choice=choice, by_id=UUID(by_id) if by_id else None, now=timezone.now())


@shared_task(
    name="chat.process_attachment",
    autoretry_for=(TemporaryFailure, OSError),
    retry_backoff=10,
    retry_backoff_max=300,
    max_retries=6,
)
def process_attachment(*, attachment_id: str) -> None:
    """Check a complete upload and make it ready; a second run finds it done. The sweep asks again for lost ones."""
    processing.run(attachment_id=UUID(attachment_id), now=timezone.now())


@shared_task(name="chat.sweep_attachments")
def sweep_attachments() -> None:
    """Remove uploads nobody sent and check again what a lost worker left, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        attachments.sweep(now=timezone.now())
        article_pictures.sweep(now=timezone.now())


@shared_task(name="chat.count_hours")
def count_hours() -> None:
    """Bring the figures of the reports up to now, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        stats.catch_up(now=timezone.now())


@shared_task(name="chat.end_unanswered_call")
def end_unanswered_call(*, call_id: str) -> None:
    """End a call that nobody answered; one that was answered goes on."""
    calls.ring_out(call_id=UUID(call_id), now=timezone.now())


@shared_task(name="chat.sweep_calls")
def sweep_calls() -> None:
    """End calls whose pages are gone, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        calls.sweep(now=timezone.now())


@shared_task(name="chat.tend_counter")
def tend_counter() -> None:
    """Every half minute, in every tenant: hand out what an event missed or an opening hour brought, tell places, watch clocks."""
    for _tenant in every_tenant():
        now = timezone.now()
        routing.drain(now=now)
        routing.tell_places(now=now)
        sla.sweep(now=now)


@shared_task(name="chat.drain_queue")
def drain_queue(*, inbox_id: str | None = None) -> None:
    """Hand out what waits in one inbox, or in all of them; safe to run twice."""
    now = timezone.now()
    routing.drain(now=now, inbox_ids=None if inbox_id is None else [UUID(inbox_id)])
    routing.tell_places(now=now, inbox_id=None if inbox_id is None else UUID(inbox_id))


@shared_task(name="chat.tell_queue")
def tell_queue(*, inbox_id: str) -> None:
    """Tell visitors of one inbox where they stand; who knows it already is not told again."""
    routing.tell_places(now=timezone.now(), inbox_id=UUID(inbox_id))


@shared_task(name="chat.tidy_counter")
def tidy_counter() -> None:
    """Once a day, in every tenant: drop the log of rules after a month, and what was said about months that are over."""
    for _tenant in every_tenant():
        now = timezone.now()
        automation.prune(now=now)
        quota.settle(now=now)


@shared_task(name="chat.send_limit_letters")
def send_limit_letters(*, audience: str, step: int, limit: int, used: int) -> None:
    """Have whoever runs the company, or its reseller, written to: how much of the month's conversations is used."""
    notices.order_limit_letters(audience=audience, step=step, limit=limit, used=used)


@shared_task(
    name="chat.send_limit_letter",
    autoretry_for=(TemporaryFailure, OSError, SMTPException),
    retry_backoff=30,
    max_retries=5,
)
def send_limit_letter(*, audience: str, to: str, step: int, limit: int, used: int) -> None:
    """One of these letters; a second run finds it sent and stops."""
    notices.send_limit_letter(audience=audience, to=to, step=step, limit=limit, used=used)


@shared_task(name="chat.expire_pix")
def expire_pix() -> None:
    """Close Pix charges that nobody paid in time, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        pix.expire_due(now=timezone.now())


@shared_task(
    name="chat.push_notification",
    autoretry_for=(TemporaryFailure,),
    retry_backoff=15,
    retry_backoff_max=600,
    max_retries=5,
)
def push_notification(*, notification_id: str) -> None:
    """Push a notification to its person's browsers; one that was looked at meanwhile is left alone."""
    push.deliver(notification_id=UUID(notification_id), now=timezone.now())


@shared_task(name="chat.forget_notifications")
def forget_notifications() -> None:
    """Remove notifications that were looked at long ago, in every tenant; safe to run twice."""
    before = timezone.now() - timedelta(days=notifications.KEPT_DAYS)
    for _tenant in every_tenant():
        notifications.forget_old(before=before)


@shared_task(name="chat.send_transcript", autoretry_for=(OSError, SMTPException), retry_backoff=30, max_retries=5)
def send_transcript(*, conversation_id: str, to: str, language: str = "") -> None:
    """Send a transcript; a second run after a broken mail server may send it twice."""
    transcripts.deliver(conversation_id=UUID(conversation_id), to=to, language=language)


@shared_task(name="chat.forget_events")
def forget_events() -> None:
    """Forget events nobody catches up from any more, in every tenant."""
    for _tenant in every_tenant():
        journal.forget_old(now=timezone.now())


@shared_task(name="chat.bot_turn")
def bot_turn(*, message_id: str) -> None:
    """What a bot does about a visitor's message; a second run finds it done."""
    turns.take(message_id=UUID(message_id), now=timezone.now())


@shared_task(name="chat.forward_to_program", bind=True, max_retries=4)
def forward_to_program(self: Any, *, answer_id: str) -> None:
    """Give a message to the program behind a bot; when it stays away, a person is called."""
    try:
        programs.forward(answer_id=UUID(answer_id), now=timezone.now())
    except TemporaryFailure as failure:
        if self.request.retries >= self.max_retries:
            programs.give_up(answer_id=UUID(answer_id), words=str(failure.words), now=timezone.now())
            return
        raise self.retry(exc=failure, countdown=2 ** (self.request.retries + 1)) from failure


@shared_task(name="chat.sweep_bots")
def sweep_bots() -> None:
    """Give conversations that a bot left hanging to people, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        handing.sweep(now=timezone.now())


@shared_task(name="chat.retain")
def retain() -> None:
    """Delete what the inboxes promised not to keep, in every tenant; safe to run twice."""
    for _tenant in every_tenant():
        privacy.retain(now=timezone.now())


@shared_task(name="chat.send_out")
def send_out(*, conversation_id: str) -> None:
    """Send what waits in a conversation through its channel; a second run finds it sent and stops."""
    outgoing.send_waiting(conversation_id=UUID(conversation_id), now=timezone.now())


@shared_task(name="chat.sweep_outgoing")
def sweep_outgoing() -> None:
    """In every tenant: what is due again, and calls that a lost worker left; safe to run twice."""
    for _tenant in every_tenant():
        outgoing.sweep(now=timezone.now())


@shared_task(name="chat.fetch_files", bind=True, max_retries=6)
def fetch_files(self: Any, *, message_id: str, files: list[dict[str, Any]]) -> None:
    """Fetch the files of a message from its provider; a second run finds them there. In the end the team is told."""
    try:
        incoming.fetch_files(message_id=UUID(message_id), files=files, now=timezone.now())
    except (TemporaryFailure, OSError) as failure:
        if self.request.retries >= self.max_retries:
            incoming.give_up_files(message_id=UUID(message_id), files=files, now=timezone.now())
            return
        raise self.retry(exc=failure, countdown=5 * 2**self.request.retries) from failure


@shared_task(name="chat.poll_mailboxes")
def poll_mailboxes() -> None:
    """Have the mailboxes of every tenant read; safe to run twice."""
    for _tenant in every_tenant():
        channels.poll_mailboxes()


@shared_task(name="chat.poll_mailbox", autoretry_for=(TemporaryFailure,), retry_backoff=10, max_retries=2)
def poll_mailbox(*, account_id: str) -> None:
    """Read one mailbox; a second run at once stores every mail once."""
    channels.poll_mailbox(account_id=UUID(account_id), now=timezone.now())


@shared_task(name="chat.run_campaigns")
def run_campaigns() -> None:
    """In every tenant: begin, send at its pace, and end campaigns; safe to run twice and side by side."""
    for _tenant in every_tenant():
        now = timezone.now()
        broadcasts.run_due(now=now)
        invitations.end_due(now=now)


@shared_task(name="chat.estimate_churn")
def estimate_churn() -> None:
    """Once a night, in every tenant: learn from its own history where there is enough, and estimate every contact anew."""
    for _tenant in every_tenant():
        churn.nightly(now=timezone.now())


@shared_task(name="chat.check_contact_import", autoretry_for=(OSError,), retry_backoff=10, max_retries=3)
def check_contact_import(*, import_id: str) -> None:
    """Say of every line of a spreadsheet what it would do; a second run begins anew, the first one stops."""
    contact_imports.run_check(import_id=UUID(import_id), now=timezone.now())


@shared_task(name="chat.run_contact_import", autoretry_for=(OSError,), retry_backoff=10, max_retries=3)
def run_contact_import(*, import_id: str) -> None:
    """Take contacts in; a second run goes on behind the last batch that stood."""
    contact_imports.run(import_id=UUID(import_id), now=timezone.now())


@shared_task(name="chat.run_export", autoretry_for=(OSError,), retry_backoff=10, max_retries=3)
def run_export(*, export_id: str) -> None:
    """Write an export; of two runs the first that is ready counts."""
    exports.run(export_id=UUID(export_id), now=timezone.now())


@shared_task(name="chat.sweep_transfers")
def sweep_transfers() -> None:
    """In every tenant: go on where a lost worker stopped, delete files whose time is over; safe to run twice."""
    for _tenant in every_tenant():
        now = timezone.now()
        contact_imports.sweep(now=now)
        account_imports.sweep(now=now)
        exports.sweep(now=now)


@shared_task(name="chat.run_account_import")
def run_account_import(*, import_id: str) -> None:
    """Read some pages of another counter; what goes wrong for now is tried again by the sweep."""
    account_imports.run(import_id=UUID(import_id), now=timezone.now())
