"""A Chatwoot account moves in: labels, canned replies, contacts, conversations with their messages and files, articles.

`place` says what is read next; it moves after what was read is stored. Everything gets an id that comes from the other
side's, so what is read twice is stored once: after a lost worker, in a second import that fetches what came since, or
when two workers run at once. Nothing is greeted, notified, automated, metered or counted as the plan's conversation.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.enums import TransferState
from chat.errors import CounterRefused, CounterUnreachable, ImportNotFound, NotNow
from chat.models import AccountImport
from chat.providers.chatwoot import Chatwoot
from chat.services import catalogue
from chat.services.account_rows import Mover
from ops.kernel import http
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid, PermanentFailure, TemporaryFailure
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

# Between two requests: an account of a shared server has neighbours.
PAUSE_S = 0.05
# Pages a task reads before it lets others work.
SLICE = 40
# When the other side asks for patience without saying how long.
WAIT_S = 60
TRIES = 30
STUCK_AFTER = timedelta(minutes=3)
STAGES = ("labels", "canned", "inboxes", "contacts", "tagged", "conversations", "articles")
STAGE_LABELS = {
    "labels": _("Labels"),
    "canned": _("Canned replies"),
    "inboxes": _("Inboxes"),
    "contacts": _("Contacts"),
    "tagged": _("Labels of contacts"),
    "conversations": _("Conversations"),
    "articles": _("Help centre"),
}
GOING = (TransferState.WAITING, TransferState.RUNNING)


def begin(*, base_url: str, account: str, token: str, with_files: bool = True, by: Any, now: datetime) -> AccountImport:
    """Try the token, and start. Raises `Invalid`, `CounterRefused`, `CounterUnreachable`, `NotNow` while one runs."""
    address = _address(base_url)
    if not account.isdigit() or len(account) > 18:
        raise Invalid(_("The account id is the number in the address: /app/accounts/1/."), field="account")
    if not token.strip():
        raise Invalid(_("This field is required."), field="token")
    service = _service(address, account, token.strip())
    try:
        name = service.account()
    except TemporaryFailure as failure:
        raise CounterUnreachable(field="base_url", words=str(failure.words)[:200]) from failure
    except http.ServiceRefused as failure:
        if failure.status_code in {401, 403, 404}:
            raise CounterRefused(field="token", words=str(failure.words)[:200]) from failure
        raise CounterUnreachable(field="base_url", words=str(failure.words)[:200]) from failure
    except PermanentFailure as failure:
        raise CounterUnreachable(field="base_url", words=str(failure.words)[:200]) from failure
    finally:
        service.close()
    try:
        with transaction.atomic():
            row = AccountImport.objects.create(
                base_url=address,
                account=account,
                token=token.strip(),
                name=name[:120],
                with_files=with_files,
                place={"stage": STAGES[0]},
                by=by,
            )
            audit.record("chat.account_import_started", by=by, on=row, detail={"from": address}, now=now)
            enqueue("chat.run_account_import", import_id=str(row.pk))
    except IntegrityError as error:
        raise NotNow(_("This account is being imported already."), field="account") from error
    return row


def find(import_id: UUID) -> AccountImport:
    """One import. Raises `ImportNotFound`."""
    row = AccountImport.objects.select_related("by").filter(pk=import_id).first()
    if row is None:
        raise ImportNotFound()
    return row


@transaction.atomic
def stop(*, import_id: UUID, by: Any, now: datetime) -> AccountImport:
    """Give it up; what is here stays. The token is forgotten. Raises `NotNow` when it is over."""
    row = AccountImport.objects.select_for_update(of=("self",)).filter(pk=import_id).first()
    if row is None:
        raise ImportNotFound()
    if row.state not in GOING:
        raise NotNow()
    row.state, row.token, row.finished_at = TransferState.STOPPED, "", now
    row.save()
    audit.record("chat.account_import_stopped", by=by, on=row, detail=row.counts, now=now)
    return row


def _address(text: str) -> str:
    """Scheme, host and port of what people paste from their browser."""
    typed = text.strip()
    parts = urlsplit(typed if "://" in typed else f"https://{typed}")
    schemes = {"https", "http"} if settings.WEBHOOK_PRIVATE_ADDRESSES else {"https"}
    try:
        bad = parts.scheme not in schemes or not parts.hostname or parts.username or len(typed) > 290 or parts.port == 0
    except ValueError:
        bad = True
    if bad:
        raise Invalid(_("Write the address of your Chatwoot, such as https://app.chatwoot.com."), field="base_url")
    return f"{parts.scheme}://{parts.netloc}"


def _service(base_url: str, account: str, token: str) -> Chatwoot:
    return Chatwoot(
        base_url=base_url,
        account=account,
        token=token,
        public_only=not settings.WEBHOOK_PRIVATE_ADDRESSES,
        pause=lambda: time.sleep(PAUSE_S),
    )


# --- The task's side ---------------------------------------------------------------------------------------------


def run(*, import_id: UUID, now: datetime, slice: int = SLICE) -> bool:
    """Read on from where it stopped, some pages at a time; whether it is over. Safe to run twice and side by side."""
    row = AccountImport.objects.select_related("by").filter(pk=import_id, state__in=GOING).first()
    if row is None:
        return True
    if row.due_at is not None and row.due_at > now:
        return False
    AccountImport.objects.filter(pk=row.pk, state=TransferState.WAITING).update(
        state=TransferState.RUNNING, started_at=now, updated_at=now
    )
    service = _service(row.base_url, row.account, row.token)
    try:
        mover = Mover(row, service)
        for _page in range(slice):
            before = dict(row.place)
            after = mover.step(before)
            if not _moved(row, before, after, mover):
                return True  # somebody stopped it, or another worker is ahead
            if after["stage"] == "":
                _end(row, TransferState.DONE)
                return True
    except TemporaryFailure as failure:
        _wait(row, failure)
        return False
    except (PermanentFailure, KeyError, TypeError, ValueError, AttributeError) as failure:
        words = str(getattr(failure, "words", "") or failure)[:300]
        log.warning("An account import failed", exc_info=failure, extra={"import": str(row.pk)})
        _end(row, TransferState.FAILED, problem=words)
        return True
    finally:
        service.close()
    enqueue("chat.run_account_import", import_id=str(row.pk))
    return False


def _moved(row: AccountImport, before: dict[str, Any], after: dict[str, Any], mover: Mover) -> bool:
    with transaction.atomic():
        mine = AccountImport.objects.select_for_update(of=("self",)).filter(
            pk=row.pk, state=TransferState.RUNNING, place=before
        )
        found = mine.first()
        if found is None:
            return False
        found.place = row.place = {name: value for name, value in after.items() if name != "tries"}
        for name, number in mover.taken().items():
            found.counts[name] = found.counts.get(name, 0) + number
        found.report = [*found.report, *mover.left_behind()][:500]
        found.done = STAGES.index(after["stage"]) if after["stage"] else len(STAGES)
        found.total, found.due_at, found.problem = len(STAGES), None, ""
        found.save()
        row.counts, row.report = found.counts, found.report
    return True


def _wait(row: AccountImport, failure: TemporaryFailure) -> None:
    """Go on later, when the other side said; give up after many times at one place."""
    tries = int(row.place.get("tries", 0)) + 1
    words = str(failure.words)[:300]
    if tries > TRIES:
        _end(row, TransferState.FAILED, problem=words)
        return
    wait = max(failure.retry_after or 0, min(WAIT_S * tries, 900) if not failure.retry_after else 1)
    AccountImport.objects.filter(pk=row.pk, state=TransferState.RUNNING, place=row.place).update(
        place={**row.place, "tries": tries},
        problem=words,
        due_at=timezone.now() + timedelta(seconds=wait),
        updated_at=timezone.now(),
    )


def _end(row: AccountImport, state: TransferState, *, problem: str = "") -> None:
    """The token is needed no more, so it is kept no longer."""
    now = timezone.now()
    with transaction.atomic():
        ended = AccountImport.objects.filter(pk=row.pk, state__in=GOING).update(
            state=state, finished_at=now, token="", problem=problem, updated_at=now
        )
        if ended and state == TransferState.DONE:
            audit.record("chat.account_imported", by=row.by, on=row, detail=row.counts, now=now)
    for name in ("labels", "canned", "inboxes"):
        catalogue.changed(name)


def sweep(*, now: datetime) -> None:
    """Wake what waited long enough, and what a lost worker left."""
    for row in AccountImport.objects.filter(state__in=GOING).order_by("pk"):
        due = row.due_at is not None and row.due_at <= now
        stuck = row.due_at is None and row.updated_at < now - STUCK_AFTER
        if due or stuck:
            enqueue("chat.run_account_import", import_id=str(row.pk))
