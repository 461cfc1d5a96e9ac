"""Mail as a channel: replies in the brand of the tenant and in the thread they belong to, and what comes back."""

import logging
from datetime import datetime
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.utils.translation import gettext as _

from chat.enums import AttachmentState, Direction, Kind
from chat.errors import ChannelNotConnected
from chat.models import AgentProfile, ChannelAccount, Inbox, Message
from chat.providers import mailbox, mime
from chat.providers.channel import OutcomeUnknown
from chat.queries import wire
from ops.kernel import ratelimit
from ops.kernel.outbox.services import inbox as webhooks
from tenants.services import letters

log = logging.getLogger(__name__)

PROVIDER = "email"
# How many earlier mails a reply names.
REFERENCES = 10
# More mails an hour of one sender are two machines that answer each other.
LOOP_LIMIT, LOOP_WINDOW_S = 60, 3600


def words(message: Message) -> str:
    """What a message says where cards cannot be shown: its text, with the address or the code it carries."""
    lines = [message.body]
    if message.kind == Kind.ARTICLE:
        article = message.meta.get("article") or {}
        lines.append(str(article.get("url") or ""))
    elif message.kind == Kind.PIX:
        lines.append(str(message.meta.get("brcode") or ""))
    return "\n".join(line for line in lines if line).strip()


def smtp_of(account: ChannelAccount) -> mailbox.Server | None:
    """The inbox's own server, or the installation's; nothing where the installation writes to files."""
    if account.settings.get("out") == "own":
        return mailbox.Server(
            host=account.settings["smtp_host"],
            port=int(account.settings["smtp_port"]),
            security=account.settings["smtp_security"],
            user=account.settings.get("smtp_user", ""),
            password=account.keys.get("smtp_password", ""),
            public_only=not settings.WEBHOOK_PRIVATE_ADDRESSES,
        )
    if settings.EMAIL_BACKEND != "django.core.mail.backends.smtp.EmailBackend":
        return None
    security = "ssl" if settings.EMAIL_USE_SSL else "starttls" if settings.EMAIL_USE_TLS else "none"
    return mailbox.Server(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        security=security,
        user=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        public_only=False,
    )


def imap_of(account: ChannelAccount) -> mailbox.Server | None:
    """The mailbox that is read; nothing when mails come by webhook only."""
    if not account.settings.get("imap"):
        return None
    return mailbox.Server(
        host=account.settings["imap_host"],
        port=int(account.settings["imap_port"]),
        security=account.settings["imap_security"],
        user=account.settings.get("imap_user", ""),
        password=account.keys.get("imap_password", ""),
        public_only=not settings.WEBHOOK_PRIVATE_ADDRESSES,
    )


def send(message: Message) -> str:
    """Send a reply as one mail; gives its Message-ID. Raises `NotNow`, `OutcomeUnknown`, `Refused`, `ChannelNotConnected`.

    The Message-ID is the same at every attempt, so a mail that went out twice is one mail for its reader.
    """
    inbox = message.conversation.inbox
    account: ChannelAccount | None = getattr(inbox, "account", None)
    if account is None or not account.settings.get("address"):
        raise ChannelNotConnected()
    letter = _letter(message, account)
    to = letter.to[0]
    server = smtp_of(account)
    if server is None:
        try:
            get_connection().send_messages([letter])
        except OSError as error:
            raise OutcomeUnknown(words=str(error)) from error
    else:
        sender = parseaddr(str(letter.from_email))[1]
        mailbox.send(server, sender=sender, to=to, message=letter.message().as_bytes())
    return str(letter.extra_headers["Message-ID"])


def _letter(message: Message, account: ChannelAccount) -> EmailMultiAlternatives:
    conversation = message.conversation
    address = str(account.settings["address"])
    earlier = list(
        Message.objects.filter(conversation=conversation, inbox=conversation.inbox, seq__lt=message.seq)
        .exclude(source_id="")
        .order_by("-seq")
        .values_list("source_id", "direction", "meta")[:REFERENCES]
    )
    subject = str(message.meta.get("subject") or "") or _subject(earlier)
    files = [file for file in message.attachments.order_by("position", "pk") if file.state == AttachmentState.READY]
    loaded = []
    for file in files:
        with file.file.open("rb") as opened:
            loaded.append((file.name, opened.read(), file.mime))
    text = words(message)
    letter = letters.write(
        "chat/reply",
        to=conversation.contact_inbox.source_id,
        context={
            "subject": subject,
            "text": text,
            "html": message.body_html,
            "agent": wire.for_visitor(wire.person(wire.with_alias(message.author_agent))),
            "signature": _signature(message),
            "number": conversation.number,
            "opt_out": message.meta.get("opt_out", ""),
        },
        language=conversation.inbox.locale,
        files=loaded,
    )
    own = account.settings.get("out") == "own"
    name = str(account.settings.get("sender_name") or "") or parseaddr(str(letter.from_email))[0]
    if own:
        letter.from_email = formataddr((name, address))
    else:
        # The installation's server may only speak for the installation's address.
        letter.from_email = formataddr((name, parseaddr(str(letter.from_email))[1]))
        letter.reply_to = [address]
    headers = {
        "Message-ID": f"<{message.pk.hex}.{connection.schema_name}@{address.rpartition('@')[2]}>",
        # Our own words never come back in as somebody's.
        "X-Loop": conversation.inbox_id.hex,
    }
    if earlier:
        headers["In-Reply-To"] = next((row[0] for row in earlier if row[1] == Direction.IN), earlier[0][0])
        headers["References"] = " ".join(row[0] for row in reversed(earlier))
    if message.meta.get("opt_out"):
        # RFC 2369 and 8058: mail programs show a button of their own, and press it by one POST.
        headers["List-Unsubscribe"] = f"<{message.meta['opt_out']}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    elif message.direction == Direction.BOT:
        headers["Auto-Submitted"] = "auto-replied"
    letter.extra_headers = headers
    return letter


def _signature(message: Message) -> str:
    """How the agent ends letters; empty leaves the name."""
    found = AgentProfile.objects.filter(user=message.author_agent_id).values_list("signature", flat=True).first()
    return found or ""


def _subject(earlier: list[tuple[str, str, dict[str, str]]]) -> str:
    """The subject of the thread, once with `Re:`."""
    known = next((str(meta["subject"]) for _id, _direction, meta in earlier if meta.get("subject")), "")
    if not known:
        return _("Your message to us")
    return known if known.lower().startswith(("re:", "res:")) else f"Re: {known}"


# --- What comes in --------------------------------------------------------------------------------------


def receive(*, inbox: Inbox, raw: bytes, now: datetime) -> bool:
    """Store a mail as it came, to be handled in a moment; `False` when it came before. Raises `TooLarge`."""
    _event, created = webhooks.receive(
        provider=PROVIDER,
        external_id=f"{inbox.pk}:{mime.identity(raw)}"[:200],
        kind=str(inbox.pk),
        body=raw,
        headers={},
        now=now,
        most_bytes=mailbox.LARGEST,
    )
    return created


def welcome(*, inbox: Inbox, mail: EmailMessage) -> bool:
    """Whether a person wrote this mail: machines are not heard, and neither are we ourselves."""
    sender = mime.sender_of(mail)[1]
    if not sender or mime.automatic(mail):
        return False
    if Inbox.objects.filter(account__settings__address=sender).exists():
        return False
    rate = ratelimit.hit(f"chat.mail.{inbox.pk}.{sender}", limit=LOOP_LIMIT, window_s=LOOP_WINDOW_S)
    if not rate.allowed:
        log.warning("Too many mails of one sender are not taken in", extra={"inbox": str(inbox.pk)})
    return rate.allowed


def poll(*, account_id: UUID, now: datetime) -> int:
    """Read what is new in a mailbox; says how many mails were stored. Twice at once stores every mail once.

    Raises `TemporaryFailure`, `PermanentFailure`.
    """
    account = ChannelAccount.objects.select_related("inbox").filter(pk=account_id, inbox__active=True).first()
    server = imap_of(account) if account is not None else None
    if account is None or server is None:
        return 0
    stored = 0
    validity, uid = int(account.cursor.get("validity", 0)), int(account.cursor.get("uid", 0))
    found = mailbox.fetch(server, folder=account.settings.get("imap_folder") or "INBOX", validity=validity, uid=uid)
    for _uid, raw in found.mails:
        stored += receive(inbox=account.inbox, raw=raw, now=now)
    # A round that another one overtook only moves the place on.
    ChannelAccount.objects.filter(pk=account.pk).update(
        cursor={"validity": found.validity, "uid": found.uid}, synced_at=now, updated_at=now
    )
    return stored
