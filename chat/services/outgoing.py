"""What leaves through channels: in order, each part once, and the truth about what became of it.

A message is cut into parts (a long text, several files), each one call to the provider. A part is marked
`unconfirmed` before its call. Refused before anything was sent: it waits and is tried again. Refused: it failed. No
answer: nobody knows whether it arrived, so only a person sends it again (`message_changes.retry`).
"""

import logging
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from chat.enums import AttachmentKind, AttachmentState, Channel, ChannelState, Delivery, Direction, Kind
from chat.errors import ChannelNotConnected, WindowClosed
from chat.models import Attachment, ChannelAccount, Conversation, Inbox, Message, OutgoingPart
from chat.providers.channel import (
    File,
    LoggedOut,
    NotNow,
    OutcomeUnknown,
    Outgoing,
    Provider,
    split,
)
from chat.providers.telegram import Telegram
from chat.providers.whatsapp import WhatsApp
from chat.queries import windows
from chat.services import mailing, message_changes
from ops.kernel import locks
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.errors import DomainError, PermanentFailure, TemporaryFailure
from ops.kernel.tasks import enqueue

log = logging.getLogger(__name__)

# Channels whose messages leave the house by a call of ours.
BY_US = (Channel.TELEGRAM, Channel.WHATSAPP, Channel.EMAIL)
ATTEMPTS = 8
PAUSES_S = (2, 10, 30, 120, 300, 900, 1800)
LONGEST_PAUSE_S = 3600
# A worker that dies during a call leaves its part; nobody waits for an answer longer than this.
CALL_TAKES = timedelta(minutes=3)
# How far parts got, lowest first: a message got as far as its slowest part.
ORDER = [Delivery.PENDING, Delivery.UNCONFIRMED, Delivery.SENT, Delivery.DELIVERED, Delivery.READ]


def messenger(inbox: Inbox) -> Provider:
    """The provider of a messenger's inbox. Raises `ChannelNotConnected`."""
    account: ChannelAccount | None = getattr(inbox, "account", None)
    keys = account.keys if account is not None else {}
    if account is not None and inbox.channel == Channel.TELEGRAM and keys.get("token"):
        return Telegram(base_url=settings.BASE_URLS["telegram"], token=keys["token"])
    if account is not None and inbox.channel == Channel.WHATSAPP and keys.get("access_token"):
        return WhatsApp(
            base_url=settings.BASE_URLS["whatsapp"],
            token=keys["access_token"],
            phone_number_id=account.settings.get("phone_number_id", ""),
            account_id=account.settings.get("account_id", ""),
        )
    raise ChannelNotConnected()


def order(*, conversation_id: UUID) -> None:
    """Have what waits in a conversation sent, when its channel is one of ours."""
    if Conversation.objects.filter(pk=conversation_id, inbox__channel__in=BY_US).exists():
        enqueue("chat.send_out", conversation_id=str(conversation_id))


@transaction.atomic
def order_again(*, message_id: UUID, now: datetime) -> None:
    """Have the parts of a message that failed, or got lost, sent once more; those that arrived are not repeated."""
    message = Message.objects.filter(pk=message_id, delivery=Delivery.PENDING).first()
    if message is None:
        return
    again = OutgoingPart.objects.filter(message=message, delivery__in=(Delivery.FAILED, Delivery.UNCONFIRMED))
    again.update(delivery=Delivery.PENDING, attempts=0, due_at=now, error="", updated_at=now)
    order(conversation_id=message.conversation_id)


def send_waiting(*, conversation_id: UUID, now: datetime) -> None:
    """Send what waits in one conversation, oldest first. A second worker finds the place taken and comes back."""
    with locks.place(f"chat.outgoing:{conversation_id}") as taken:
        if not taken:
            enqueue("chat.send_out", conversation_id=str(conversation_id), _options={"countdown": 3})
            return
        done: set[UUID] = set()
        while (message := _next(conversation_id, done)) is not None:
            done.add(message.pk)
            if not _send(message, now=now):
                return


def _next(conversation_id: UUID, done: set[UUID]) -> Message | None:
    rows = Message.objects.filter(
        conversation=conversation_id,
        delivery=Delivery.PENDING,
        direction__in=(Direction.OUT, Direction.BOT),
        pub_seq__isnull=False,
        deleted_at=None,
        conversation__inbox__channel__in=BY_US,
    ).exclude(pk__in=done)
    return (
        rows.select_related("conversation__contact_inbox", "conversation__contact", "conversation__inbox__account")
        .order_by("seq")
        .first()
    )


def _send(message: Message, *, now: datetime) -> bool:
    """Send one message as far as it goes; `False` when what comes after it has to wait."""
    try:
        _refuse_closed_window(message, now=now)
        parts = _parts(message, now=now)
        if parts is None:
            return False  # a file is still being checked; its receiver comes back
        for part in parts:
            if part.delivery != Delivery.PENDING:
                continue
            if part.due_at > now:
                return False
            if not _send_part(message, part, now=now):
                return False
    except DomainError as error:
        _fail(message, str(error), now=now)
    _settle(message.pk, over=True, now=now)
    return True


def _send_part(message: Message, part: OutgoingPart, *, now: datetime) -> bool:
    """One call. `False` when it has to be made later."""
    taken = OutgoingPart.objects.filter(pk=part.pk, delivery=Delivery.PENDING)
    if not taken.update(delivery=Delivery.UNCONFIRMED, attempts=F("attempts") + 1, updated_at=now):
        return True
    attempts = part.attempts + 1
    try:
        external_id = _call(message, part)
    except NotNow as failure:
        if attempts >= ATTEMPTS:
            advance(part_id=part.pk, delivery=Delivery.FAILED, error=_words(failure), now=now)
            return True
        pause = min(failure.retry_after or PAUSES_S[min(attempts, len(PAUSES_S)) - 1], LONGEST_PAUSE_S)
        OutgoingPart.objects.filter(pk=part.pk, delivery=Delivery.UNCONFIRMED).update(
            delivery=Delivery.PENDING, due_at=now + timedelta(seconds=pause), error=_words(failure), updated_at=now
        )
        if pause <= 60:
            enqueue(
                "chat.send_out",
                conversation_id=str(message.conversation_id),
                _options={"countdown": pause + 1},
            )
        return False
    except OutcomeUnknown as failure:
        log.warning("Nobody knows whether a message arrived: %s", failure.words, extra={"part": str(part.pk)})
        OutgoingPart.objects.filter(pk=part.pk).update(error=_words(failure))
        return True
    except (PermanentFailure, TemporaryFailure, DomainError) as failure:
        if isinstance(failure, LoggedOut):
            _logged_out(message.conversation.inbox, _words(failure), now=now)
        advance(part_id=part.pk, delivery=Delivery.FAILED, error=_words(failure), now=now)
        return True
    advance(part_id=part.pk, delivery=Delivery.SENT, external_id=external_id, now=now)
    Message.objects.filter(pk=message.pk, source_id="").update(source_id=external_id[:255])
    return True


def _call(message: Message, part: OutgoingPart) -> str:
    inbox = message.conversation.inbox
    if inbox.channel == Channel.EMAIL:
        return mailing.send(message)
    provider = messenger(inbox)
    texts = _texts(message, provider, _files(message))
    file = part.attachment
    if file is not None:
        # Without a text of its own before it the first file carries the words.
        words = mailing.words(message) if part.position == 0 else ""
    else:
        words = texts[part.position] if part.position < len(texts) else ""
    return provider.send(
        Outgoing(
            to=message.conversation.contact_inbox.source_id,
            text=words,
            file=_file(file) if file is not None else None,
            template=message.meta.get("template") if message.kind == Kind.TEMPLATE else None,
            reply_to=_external_id(message.reply_to) if part.position == 0 else "",
            reference=str(part.pk),
        )
    )


def _parts(message: Message, *, now: datetime) -> list[OutgoingPart] | None:
    """The parts of a message, made at the first time; nothing while a file of it is being checked."""
    files = _files(message)
    if any(file.state in (AttachmentState.UPLOADING, AttachmentState.SCANNING) for file in files):
        return None
    known = list(message.parts.select_related("attachment").order_by("position"))
    if known:
        return known
    ready = [file for file in files if file.state == AttachmentState.READY]
    if message.conversation.inbox.channel == Channel.EMAIL or message.kind == Kind.TEMPLATE:
        planned: list[Attachment | None] = [None]
    else:
        planned = [None] * len(_texts(message, messenger(message.conversation.inbox), files))
        planned += ready
    if not planned:
        raise PermanentFailure(words=_("Nothing of this message can be sent through this channel."))
    made = [
        OutgoingPart(message=message, inbox=message.conversation.inbox, position=position, attachment=file, due_at=now)
        for position, file in enumerate(planned)
    ]
    OutgoingPart.objects.bulk_create(made, ignore_conflicts=True)
    return list(message.parts.select_related("attachment").order_by("position"))


def _texts(message: Message, provider: Provider, files: list[Attachment]) -> list[str]:
    """The words in pieces; none when the first file carries them as its caption."""
    text = mailing.words(message)
    ready = [file for file in files if file.state == AttachmentState.READY]
    if ready and len(text) <= provider.caption_limit and ready[0].kind != AttachmentKind.AUDIO:
        return []
    return split(text, provider.text_limit)


def _files(message: Message) -> list[Attachment]:
    return list(message.attachments.order_by("position", "pk"))


def _file(row: Attachment) -> File:
    """A recorded voice leaves as Ogg Opus, which messengers show as a voice message."""
    voice = bool(row.voice and row.opus)
    stored = row.opus if voice else row.file
    name = f"{row.name.rpartition('.')[0] or row.name}.ogg" if voice else row.name

    def open_it() -> AbstractContextManager[Any]:
        opened: AbstractContextManager[Any] = stored.open("rb")
        return opened

    return File(kind=row.kind, name=name, mime="audio/ogg" if voice else row.mime, voice=voice, open=open_it)


def _external_id(message: Message | None) -> str:
    if message is None:
        return ""
    first = message.parts.exclude(external_id="").order_by("position").values_list("external_id", flat=True).first()
    return first or message.source_id


def _refuse_closed_window(message: Message, *, now: datetime) -> None:
    """Rules and bots do not look at the clock; a person is refused before anything is stored."""
    conversation = message.conversation
    open_now = windows.is_open(
        channel=conversation.inbox.channel,
        last_contact_message_at=conversation.last_contact_message_at,
        now=now,
    )
    if message.kind != Kind.TEMPLATE and not open_now:
        raise WindowClosed()


@transaction.atomic
def advance(*, part_id: UUID, delivery: Delivery, external_id: str = "", error: str = "", now: datetime) -> None:
    """Move a part up, never down, and its message with the slowest of its parts."""
    found = OutgoingPart.objects.filter(pk=part_id).values_list("message__conversation_id", "message_id").first()
    if found is None:
        return
    # Whoever writes a conversation's history locks the conversation first.
    Conversation.objects.select_for_update(of=("self",)).filter(pk=found[0]).first()
    part = OutgoingPart.objects.select_for_update(of=("self",)).get(pk=part_id)
    changes: dict[str, Any] = {}
    if external_id and not part.external_id:
        changes["external_id"] = external_id[:255]
    if delivery in message_changes.FARTHER[Delivery(part.delivery)]:
        changes |= {"delivery": delivery, "error": error[:300]}
    if changes:
        OutgoingPart.objects.filter(pk=part.pk).update(updated_at=now, **changes)
        _settle(found[1], now=now)


def _settle(message_id: UUID, *, over: bool = False, now: datetime) -> None:
    """Say of a message what its parts say: failed when one failed, else as far as the slowest got.

    Until its calls are `over`, an unconfirmed part is one that is being sent.
    """
    parts = list(OutgoingPart.objects.filter(message=message_id).values_list("delivery", "error"))
    if not parts:
        return
    for delivery, error in parts:
        if delivery == Delivery.FAILED:
            if not any(other == Delivery.PENDING for other, _error in parts):
                message_changes.set_delivery(message_id=message_id, delivery=Delivery.FAILED, error=error, now=now)
            return
    slowest = min(parts, key=lambda row: ORDER.index(Delivery(row[0])))
    if slowest[0] != Delivery.PENDING and (over or slowest[0] != Delivery.UNCONFIRMED):
        message_changes.set_delivery(message_id=message_id, delivery=slowest[0], error=slowest[1], now=now)


def _fail(message: Message, words: str, *, now: datetime) -> None:
    """Nothing of the rest of it will leave by itself."""
    OutgoingPart.objects.filter(message=message, delivery=Delivery.PENDING).update(
        delivery=Delivery.FAILED, error=words[:300], updated_at=now
    )
    message_changes.set_delivery(message_id=message.pk, delivery=Delivery.FAILED, error=words, now=now)


def sweep(*, now: datetime) -> None:
    """Ask again for what is due, and say of calls that never ended that nobody knows."""
    lost = OutgoingPart.objects.filter(
        delivery=Delivery.UNCONFIRMED, updated_at__lt=now - CALL_TAKES, message__delivery=Delivery.PENDING
    )
    for message_id in set(lost.values_list("message_id", flat=True)[:200]):
        _settle(message_id, over=True, now=now)
    due = OutgoingPart.objects.waiting().filter(due_at__lte=now)
    for conversation_id in set(due.values_list("message__conversation_id", flat=True)[:200]):
        enqueue("chat.send_out", conversation_id=str(conversation_id))


def _logged_out(inbox: Inbox, words: str, *, now: datetime) -> None:
    """The provider takes our key no more: nothing leaves until a person enters another one."""
    ChannelAccount.objects.filter(inbox=inbox).update(
        state=ChannelState.FAILED, problem=words[:300], checked_at=now, updated_at=now
    )
    alerts.raise_alert(
        "chat.channel_logged_out",
        severity=Severity.ERROR,
        key=f"chat.channel:{inbox.pk}",
        title=_("%(inbox)s is not connected any more") % {"inbox": inbox.name},
        body=_("The provider refuses our key, so no message leaves through this inbox. It said: %(words)s")
        % {"words": words[:300]},
        now=now,
    )


def _words(failure: DomainError) -> str:
    return (getattr(failure, "words", "") or str(failure))[:300]
