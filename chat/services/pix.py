"""Asking for money in a conversation: a card with a Pix code that any bank's app reads.

Without a payment provider the code is made here (a static BR Code with the amount and an id of its own), and an agent
who sees the money in the bank marks it as paid.
"""

import secrets
import string
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import segno
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from billing.providers import brcode
from chat.enums import Kind, PixState
from chat.errors import PixChargeNotFound, PixChargeSettled, PixNotSetUp, PixRefused
from chat.models import Conversation, PixCharge
from chat.services import message_changes, messages
from ops.kernel.audit import services as audit
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.money import Money

NAME = "chat.pix"
VALID_FOR = timedelta(hours=24)
LONGEST = timedelta(days=30)
LETTERS = string.ascii_uppercase + string.digits

DEFINITION = Definition(
    NAME,
    _("Pix in conversations"),
    fields=(
        Field("key", _("Pix key"), default="", max_length=77),
        Field("name", _("Name of the receiver"), default="", max_length=25),
        Field("city", _("City of the receiver"), default="", max_length=15),
    ),
    inherit=False,
    order=45,
)


def is_set_up() -> bool:
    """Whether the tenant has said to whom Pix goes."""
    receiver = configuration.get(NAME)
    return bool(receiver["key"] and receiver["name"] and receiver["city"])


def set_up(*, key: str, name: str, city: str, by: Any) -> None:
    """Say to whom Pix goes; an empty key switches it off. Raises `PixRefused` naming the field."""
    if key.strip():
        try:
            key = brcode.normalised_key(key)
        except brcode.InvalidKey as error:
            raise PixRefused(
                _("Give an e-mail, a phone with +55, a CPF, a CNPJ or a random key."), field="key"
            ) from error
        for field, value, limit in (("name", name, brcode.NAME_LIMIT), ("city", city, brcode.CITY_LIMIT)):
            if not brcode.plain(value)[:limit].strip():
                raise PixRefused(_("Banks need this in letters without accents."), field=field)
    configuration.set(NAME, {"key": key.strip(), "name": name.strip(), "city": city.strip()}, by=by)


def sample() -> str:
    """A code for one real to the tenant, to try the settings with; empty while there are none."""
    receiver = configuration.get(NAME)
    return brcode.static(**receiver, amount=Decimal("1.00")) if is_set_up() else ""


def charge(
    *,
    conversation_id: UUID,
    by: Any,
    amount: Money,
    client_id: UUID,
    text: str = "",
    valid_for: timedelta = VALID_FOR,
    now: datetime | None = None,
) -> PixCharge:
    """Send a card that asks for an amount in reais. The same `client_id` again gives the one it made.

    Raises `PixNotSetUp`, `PixRefused`, and what `messages.send` raises.
    """
    now = now or timezone.now()
    known = _of_client(conversation_id, client_id)
    if known is not None:
        return known
    receiver = configuration.get(NAME)
    if not is_set_up():
        raise PixNotSetUp()
    if amount.currency != "BRL" or amount.cents <= 0:
        raise PixRefused(_("Give an amount in reais above zero."), field="amount")
    if not timedelta(minutes=5) <= valid_for <= LONGEST:
        raise PixRefused(_("A charge is valid for five minutes to thirty days."), field="valid_for_s")
    txid = "".join(secrets.choice(LETTERS) for _ in range(brcode.TXID_LIMIT))
    try:
        code = brcode.static(**receiver, amount=Decimal(amount.amount), txid=txid, text=text)
    except brcode.InvalidField as error:
        raise PixRefused(field=str(error.args[0])) from error
    try:
        with transaction.atomic():
            sent = messages.send(
                conversation_id=conversation_id,
                by=by,
                body=text,
                client_id=client_id,
                kind=Kind.PIX,
                meta=_card(txid, amount, code, PixState.OPEN, now + valid_for),
                now=now,
            )
            if not text.strip():
                said = _("Pix: R$ %(amount)s") % {
                    "amount": formats.number_format(amount.amount, 2, force_grouping=True)
                }
                Conversation.objects.filter(pk=sent.conversation_id).update(preview=said)
            return PixCharge.objects.create(
                conversation_id=sent.conversation_id,
                message_id=sent.id,
                txid=txid,
                amount_cents=amount.cents,
                text=text.strip()[:120],
                brcode=code,
                expires_at=now + valid_for,
                created_by=by,
            )
    except IntegrityError:
        # The same request raced itself: the other one was first.
        known = _of_client(conversation_id, client_id)
        if known is None:
            raise
        return known


def _of_client(conversation_id: UUID, client_id: UUID) -> PixCharge | None:
    return PixCharge.objects.filter(message__conversation=conversation_id, message__client_id=client_id).first()


def _card(txid: str, amount: Money, code: str, state: PixState, expires_at: datetime) -> dict[str, Any]:
    """What the card shows; `qr` are the dark modules as one SVG path in a square of `size` units."""
    size, path = picture(code)
    return {
        "txid": txid,
        "amount": amount.as_json(),
        "brcode": code,
        "state": state.value,
        "expires_at": expires_at.isoformat(),
        "qr": {"size": size, "path": path},
    }


def picture(code: str) -> tuple[int, str]:
    """A QR code as the side of its square in modules, with the quiet zone of four, and the path of the dark ones."""
    rows = [bytes(row) for row in segno.make(code, error="m", micro=False).matrix_iter(border=4)]
    path = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            width = 1
            while x + width < len(row) and row[x + width]:
                width += 1
            path.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    return len(rows), "".join(path)


def called(charges: QuerySet[PixCharge], key: str) -> PixCharge:
    """The charge of these with this id, or with the `txid` its card and its code carry. Raises `PixChargeNotFound`."""
    try:
        found = charges.filter(txid=key) if len(key) == brcode.TXID_LIMIT else charges.filter(pk=UUID(key))
    except ValueError as error:
        raise PixChargeNotFound() from error
    charge = found.first()
    if charge is None:
        raise PixChargeNotFound()
    return charge


def mark_paid(*, charge_id: UUID, by: Any, now: datetime | None = None) -> PixCharge:
    """An agent saw the money. Raises `PixChargeNotFound`, `PixChargeSettled`."""
    return _settle(charge_id, PixState.PAID, by=by, now=now or timezone.now())


def cancel(*, charge_id: UUID, by: Any, now: datetime | None = None) -> PixCharge:
    """Take the request back. Raises `PixChargeNotFound`, `PixChargeSettled`."""
    return _settle(charge_id, PixState.CANCELLED, by=by, now=now or timezone.now())


def expire_due(*, now: datetime) -> int:
    """Close what nobody paid in time; says how many."""
    due = PixCharge.objects.filter(state=PixState.OPEN, expires_at__lte=now).order_by("pk").values_list("pk", flat=True)
    keys = list(due[:500])
    for key in keys:
        try:
            _settle(key, PixState.EXPIRED, by=None, now=now)
        except (PixChargeSettled, PixChargeNotFound):
            continue  # somebody was quicker
    return len(keys)


@transaction.atomic
def _settle(charge_id: UUID, state: PixState, *, by: Any, now: datetime) -> PixCharge:
    moved = PixCharge.objects.filter(pk=charge_id, state=PixState.OPEN).update(
        state=state, settled_at=now, updated_at=now
    )
    found = PixCharge.objects.filter(pk=charge_id).first()
    if found is None:
        raise PixChargeNotFound()
    if not moved:
        raise PixChargeSettled()
    message_changes.change_meta(message_id=found.message_id, changes={"state": state.value}, now=now)
    if by is not None:
        audit.record(
            "chat.pix_settled", by=by, on=found, detail={"state": state.value, "cents": found.amount_cents}, now=now
        )
    return found
