"""Inboxes of channels: what they need to know, whether that works, and webhooks on their way in."""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.enums import Channel, ChannelState, Delivery, Kind
from chat.errors import (
    ChannelNotConnected,
    ChannelRefused,
    ChannelSignatureRefused,
    ChannelUnknown,
    ChannelUnreachable,
    TemplateUnknown,
)
from chat.models import ChannelAccount, Inbox, OutgoingPart
from chat.providers import mailbox, mime, telegram, whatsapp
from chat.services import inboxes, incoming, mailing, messages, outgoing
from ops.kernel import signing
from ops.kernel.audit import services as audit
from ops.kernel.configuration.registry import Account
from ops.kernel.errors import Invalid, PermanentFailure, TemporaryFailure
from ops.kernel.outbox.services import inbox as webhooks
from ops.kernel.tasks import enqueue
from tenants.services import domains

MAIL_SALT = "chat.mail-hook"
# A mail provider keeps the address for as long as it is used; the inbox itself can be switched off.
MAIL_TOKEN_ENDS = datetime(2100, 1, 1, tzinfo=UTC)
TEMPLATES_KEPT_S = 300
SECURITY = ("ssl", "starttls", "none")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a channel asks for: plain settings, and secrets that are never shown again."""

    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


NEEDS: dict[str, Needs] = {
    Channel.TELEGRAM: Needs(secrets=("token",), required=("token",)),
    Channel.WHATSAPP: Needs(
        settings=("phone_number_id", "account_id"),
        secrets=("access_token", "app_secret"),
        required=("phone_number_id", "access_token", "app_secret"),
    ),
    Channel.EMAIL: Needs(
        settings=(
            *("address", "sender_name", "out", "smtp_host", "smtp_port", "smtp_security", "smtp_user"),
            *("imap", "imap_host", "imap_port", "imap_security", "imap_user", "imap_folder"),
        ),
        secrets=("smtp_password", "imap_password"),
        required=("address",),
    ),
    Channel.API: Needs(),
}


def accounts() -> list[Account]:
    """The accounts of all inboxes, for the page of credentials; they are entered and tried on their own pages."""
    rows = ChannelAccount.objects.exclude(inbox__channel__in=(Channel.WEB, Channel.API)).select_related("inbox")
    tones = {ChannelState.CONNECTED: "green", ChannelState.FAILED: "red"}
    return [
        Account(
            label=row.inbox.name,
            kind=row.inbox.get_channel_display(),
            state=row.get_state_display(),
            tone=tones.get(ChannelState(row.state), "amber"),
            url=reverse("chat:channel", args=[row.inbox_id]),
            icon={"telegram": "send", "whatsapp": "message-circle", "email": "mail"}.get(row.inbox.channel, "plug"),
        )
        for row in rows.order_by("inbox__name", "pk")
    ]


def account_of(inbox: Inbox) -> ChannelAccount:
    """The account of an inbox, empty when it never had one."""
    found: ChannelAccount | None = ChannelAccount.objects.filter(inbox=inbox).first()
    return found or ChannelAccount(inbox=inbox)


@transaction.atomic
def create(*, channel: str, name: str, by: Any = None, now: datetime) -> Inbox:
    """Add an inbox of a channel, not connected yet. Raises `LimitReached`, `Invalid`."""
    if channel not in NEEDS:
        raise Invalid(field="channel")
    inbox = inboxes.create(name=name, by=by, now=now, channel=channel)
    account = ChannelAccount(inbox=inbox, state=ChannelState.CONNECTED if channel == Channel.API else ChannelState.NEW)
    if channel == Channel.WHATSAPP:
        # The word that Meta repeats when the webhook is entered there.
        account.keys = {"verify_token": secrets.token_urlsafe(24)}
    account.save()
    return inbox


@transaction.atomic
def configure(
    *, inbox: Inbox, by: Any, settings: dict[str, Any], secrets_given: dict[str, str], now: datetime
) -> ChannelAccount:
    """Keep what was entered; an empty secret leaves the one that is there. Raises `Invalid`.

    What was connected stays so until it is tried again with something else.
    """
    needs = NEEDS[inbox.channel]
    unknown = (set(settings) - set(needs.settings)) | (set(secrets_given) - set(needs.secrets))
    if unknown:
        raise TypeError(f"These are no settings of a channel: {', '.join(sorted(unknown))}.")
    account = ChannelAccount.objects.select_for_update().filter(inbox=inbox).first() or ChannelAccount(inbox=inbox)
    before = (account.settings, account.keys)
    account.settings = {**account.settings, **_checked(inbox.channel, settings)}
    account.keys = {**account.keys, **{name: value for name, value in secrets_given.items() if value}}
    for name in needs.required:
        if not (account.settings.get(name) or account.keys.get(name)):
            raise Invalid(_("This field is required."), field=name)
    if (account.settings, account.keys) != before:
        account.state, account.problem = ChannelState.NEW, ""
    account.save()
    audit.record(
        "chat.channel_changed",
        by=by,
        on=inbox,
        detail={"fields": sorted({*settings, *(name for name, value in secrets_given.items() if value)})},
        now=now,
    )
    return account


def _checked(channel: str, given: dict[str, Any]) -> dict[str, Any]:
    if channel != Channel.EMAIL:
        return {name: str(value).strip() for name, value in given.items()}
    found = dict(given)
    try:
        validate_email(str(given.get("address", "")).strip())
    except ValidationError as error:
        raise Invalid(_("This is not an e-mail address."), field="address") from error
    found["address"] = str(given["address"]).strip().lower()
    for side, wanted in (("smtp", given.get("out") == "own"), ("imap", bool(given.get("imap")))):
        if not wanted:
            continue
        if not str(given.get(f"{side}_host") or "").strip():
            raise Invalid(_("Write the name of the mail server."), field=f"{side}_host")
        if not str(given.get(f"{side}_port") or "").isdigit() or not 0 < int(given[f"{side}_port"]) < 65536:
            raise Invalid(_("Write a port, such as 993."), field=f"{side}_port")
        if given.get(f"{side}_security") not in SECURITY:
            raise Invalid(field=f"{side}_security")
    return found


def connect(*, inbox: Inbox, by: Any, now: datetime) -> ChannelAccount:
    """Try the account at its provider, and have what people write there sent to us.

    The outcome stands on the account. Raises `ChannelRefused`, `ChannelUnreachable`, `ChannelNotConnected`.
    """
    account = ChannelAccount.objects.select_related("inbox").filter(inbox=inbox).first()
    if account is None:
        raise ChannelNotConnected()
    try:
        facts = _try(account)
    except ChannelNotConnected:
        raise
    except (TemporaryFailure, PermanentFailure) as failure:
        words = (getattr(failure, "words", "") or str(failure))[:300]
        _stands(account, ChannelState.FAILED, problem=words, now=now)
        refused = isinstance(failure, PermanentFailure)
        raise (ChannelRefused if refused else ChannelUnreachable)(words=words) from failure
    account.settings = {**account.settings, "facts": facts}
    account.save(update_fields=["settings", "updated_at"])
    _stands(account, ChannelState.CONNECTED, problem="", now=now)
    audit.record("chat.channel_connected", by=by, on=inbox, detail=facts, now=now)
    return account


def _try(account: ChannelAccount) -> dict[str, str]:
    inbox = account.inbox
    if inbox.channel == Channel.EMAIL:
        if not account.settings.get("address"):
            raise ChannelNotConnected()
        if (server := mailing.smtp_of(account)) is not None:
            mailbox.check_smtp(server)
        if (server := mailing.imap_of(account)) is not None:
            mailbox.check_imap(server, folder=account.settings.get("imap_folder") or "INBOX")
        return {"name": account.settings["address"]}
    if inbox.channel == Channel.API:
        return {}
    provider = outgoing.messenger(inbox)
    facts = provider.check()
    if isinstance(provider, telegram.Telegram):
        # Another secret each time: whoever saw the old one cannot speak for Telegram any more.
        secret = secrets.token_urlsafe(32)
        provider.set_webhook(url=webhook_address(inbox), secret=secret)
        account.keys = {**account.keys, "webhook_secret": secret}
        account.save(update_fields=["secrets", "updated_at"])
    return facts


def disconnect(*, inbox: Inbox, by: Any, now: datetime) -> None:
    """Forget the secrets; conversations stay. What the provider is told about it is told as far as it listens."""
    account = ChannelAccount.objects.select_related("inbox").filter(inbox=inbox).first()
    if account is None:
        return
    if inbox.channel == Channel.TELEGRAM and account.keys.get("token"):
        # Without the secret nothing that still comes is taken.
        with suppress(TemporaryFailure, PermanentFailure):
            telegram.Telegram(base_url=settings.BASE_URLS["telegram"], token=account.keys["token"]).remove_webhook()
    account.keys = {name: value for name, value in account.keys.items() if name == "verify_token"}
    account.cursor = {}
    account.settings = {name: value for name, value in account.settings.items() if name != "facts"}
    account.save(update_fields=["secrets", "cursor", "settings", "updated_at"])
    _stands(account, ChannelState.NEW, problem="", now=now)
    audit.record("chat.channel_disconnected", by=by, on=inbox, now=now)


def _stands(account: ChannelAccount, state: ChannelState, *, problem: str, now: datetime) -> None:
    account.state, account.problem, account.checked_at = state, problem, now
    account.save(update_fields=["state", "problem", "checked_at", "updated_at"])


def webhook_address(inbox: Inbox) -> str:
    """Where the provider sends what people write, on the tenant's main host."""
    if inbox.channel == Channel.EMAIL:
        return domains.url_of(
            connection.tenant, f"{reverse('chat:hook-email', args=[inbox.pk])}?token={mail_token(inbox)}"
        )
    return domains.url_of(connection.tenant, reverse(f"chat:webhook-{inbox.channel}", args=[inbox.website_token]))


def mail_token(inbox: Inbox) -> str:
    """What lets a mail provider's webhook in: names this inbox of this schema, and is the same each time it is shown."""
    return signing.dumps_until(str(inbox.pk), salt=MAIL_SALT, until=MAIL_TOKEN_ENDS)


# --- What comes in --------------------------------------------------------------------------------------


def inbox_behind(*, channel: str, token: str) -> Inbox:
    """The active inbox of a channel behind the token of a webhook's address. Raises `ChannelUnknown`."""
    rows = Inbox.objects.active().select_related("account").filter(channel=channel, account__isnull=False)
    found = rows.filter(website_token=token).first() if token else None
    if found is None:
        raise ChannelUnknown()
    return found


def mail_inbox(*, inbox_id: UUID, token: str, now: datetime) -> Inbox:
    """The mail inbox a webhook may speak to. Raises `ChannelUnknown`: a wrong token is told nothing."""
    try:
        named = signing.loads_until(token, salt=MAIL_SALT, now=now)
    except signing.BadSignature as error:
        raise ChannelUnknown() from error
    found = Inbox.objects.active().filter(pk=inbox_id, channel=Channel.EMAIL).first()
    if found is None or str(named) != str(found.pk):
        raise ChannelUnknown()
    return found


def receive_telegram(*, inbox: Inbox, body: bytes, secret: str, now: datetime) -> bool:
    """Store an update; `False` when it came before. Raises `ChannelSignatureRefused`, `Invalid`."""
    expected = inbox.account.keys.get("webhook_secret", "")
    if not expected or not secrets.compare_digest(expected.encode(), secret.encode()):
        raise ChannelSignatureRefused()
    try:
        update_id = int(json.loads(body)["update_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(field="update_id") from error
    return _store(inbox, f"{inbox.pk}:{update_id}", body, now=now)


def receive_whatsapp(*, inbox: Inbox, body: bytes, signature: str, now: datetime) -> bool:
    """Store a notification; `False` when the same one came before. Raises `ChannelSignatureRefused`, `Invalid`."""
    if not whatsapp.signature_fits(secret=inbox.account.keys.get("app_secret", ""), body=body, header=signature):
        raise ChannelSignatureRefused()
    try:
        json.loads(body)
    except ValueError as error:
        raise Invalid(field="body") from error
    return _store(inbox, f"{inbox.pk}:{whatsapp.fingerprint(body)}", body, now=now)


def _store(inbox: Inbox, external_id: str, body: bytes, *, now: datetime) -> bool:
    _event, created = webhooks.receive(
        provider=inbox.channel, external_id=external_id, kind=str(inbox.pk), body=body, headers={}, now=now
    )
    return created


def handle(*, channel: str, inbox_id: str, body: bytes, now: datetime) -> bool:
    """Handle a stored webhook of an inbox; `False` when there is nothing in it for us.

    In the transaction of its mark: all of it counts, once. Raises `PermanentFailure` for what cannot be read.
    """
    inbox = Inbox.objects.select_related("account").filter(pk=inbox_id, channel=channel).first()
    if inbox is None:
        return False
    if channel == Channel.EMAIL:
        return _handle_mail(inbox, body, now=now)
    try:
        if channel == Channel.TELEGRAM:
            parsed = telegram.parse(body)
        else:
            parsed = whatsapp.parse(body, phone_number_id=str(inbox.account.settings.get("phone_number_id", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentFailure(words=f"{type(error).__name__}: {error}") from error
    for message in parsed.messages:
        incoming.take_in(inbox=inbox, message=message, now=now)
    for receipt in parsed.receipts:
        incoming.take_receipt(inbox=inbox, receipt=receipt, now=now)
    return bool(parsed.messages or parsed.receipts)


def _handle_mail(inbox: Inbox, raw: bytes, *, now: datetime) -> bool:
    mail = mime.parse(raw)
    report = mime.bounce(mail)
    if report is not None:
        part = OutgoingPart.objects.filter(inbox=inbox, external_id=report.message_id).first()
        if part is not None:
            outgoing.advance(
                part_id=part.pk, delivery=Delivery.FAILED, error=report.words or _("The mail came back."), now=now
            )
        return part is not None
    if not mailing.welcome(inbox=inbox, mail=mail):
        return False
    return incoming.take_in(inbox=inbox, message=mime.message(raw), now=now) is not None


def poll_mailboxes() -> None:
    """Have every connected mailbox of the current tenant read."""
    rows = ChannelAccount.objects.filter(
        inbox__active=True, inbox__channel=Channel.EMAIL, state=ChannelState.CONNECTED, settings__imap=True
    )
    for key in rows.order_by("pk").values_list("pk", flat=True):
        enqueue("chat.poll_mailbox", account_id=str(key))


def poll_mailbox(*, account_id: UUID, now: datetime) -> None:
    """Read one mailbox; a refused login shows on the settings page and ends the reading."""
    try:
        mailing.poll(account_id=account_id, now=now)
    except PermanentFailure as failure:
        account = ChannelAccount.objects.filter(pk=account_id).first()
        if account is not None:
            _stands(account, ChannelState.FAILED, problem=failure.words[:300], now=now)


# --- Templates of WhatsApp -------------------------------------------------------------------------------


def templates(*, inbox: Inbox) -> list[dict[str, Any]]:
    """The approved templates of an inbox, fetched at most every five minutes. Raises `ChannelRefused`, ..."""
    key = f"{connection.schema_name}:chat.templates:{inbox.pk}"
    known: list[dict[str, Any]] | None = cache.get(key)
    if known is not None:
        return known
    provider = outgoing.messenger(inbox) if inbox.channel == Channel.WHATSAPP else None
    if not isinstance(provider, whatsapp.WhatsApp):
        raise ChannelNotConnected()
    try:
        found = [row for row in provider.templates() if not row["media"]]
    except PermanentFailure as failure:
        raise ChannelRefused(words=failure.words) from failure
    except TemporaryFailure as failure:
        raise ChannelUnreachable(words=failure.words) from failure
    cache.set(key, found, TEMPLATES_KEPT_S)
    return found


def send_template(
    *,
    conversation_id: UUID,
    inbox: Inbox,
    by: Any,
    client_id: UUID,
    name: str,
    language: str,
    values: list[str],
    now: datetime,
) -> messages.Sent:
    """Send an approved template with its values; the message says what the person will read. Raises `TemplateUnknown`, ..."""
    for row in templates(inbox=inbox):
        if (row["name"], row["language"]) == (name, language):
            break
    else:
        raise TemplateUnknown(field="name")
    if len(values) != row["values"] or not all(value.strip() for value in values):
        raise TemplateUnknown(field="values")
    body = row["body"]
    for position, value in enumerate(values, start=1):
        body = body.replace(f"{{{{{position}}}}}", value)
    return messages.send(
        conversation_id=conversation_id,
        by=by,
        body=body,
        client_id=client_id,
        kind=Kind.TEMPLATE,
        meta={"template": {"name": name, "language": language, "values": values}},
        now=now,
    )
