"""A sender address of one's own: asked for, proved by the domain's DNS, watched, and taken out when the proof is gone."""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context

from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.audit import services as audit
from ops.kernel.dns import NameServerSilent
from ops.kernel.errors import Invalid, NotFound
from tenants import errors
from tenants.accounts.services import email_domains
from tenants.enums import PUBLIC_SCHEMA, SenderState, TenantStatus
from tenants.models import MailSender, Reseller, Tenant
from tenants.queries import senders

# A domain's DNS may be broken for an afternoon; letters signed with a key nobody finds would land among the spam.
GRACE = timedelta(hours=24)
KEY_BITS = 2048


def of(owner: Tenant | Reseller) -> MailSender | None:
    """The owner's sender, proved or not."""
    with schema_context(PUBLIC_SCHEMA):
        return MailSender.objects.filter(**_key(owner)).first()


def ask_for(*, owner: Tenant | Reseller, address: str, by: Any, now: datetime) -> MailSender:
    """Begin to send from an address. Nothing leaves from it before the DNS of its domain agrees.

    The key stays while only the part before the @ changes. Raises `SenderRefused`, naming `address`.
    """
    address = _checked(address)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        type(owner).objects.select_for_update(of=("self",)).get(pk=owner.pk)
        row = MailSender.objects.filter(**_key(owner)).first()
        if row is not None and row.address == address:
            return row
        before = row.address if row else ""
        if row is None or row.domain != address.rpartition("@")[2]:
            if row is not None:
                _forget(owner, row, now=now)
            private, public = _new_key()
            row = MailSender(**_key(owner), selector=f"m{secrets.token_hex(6)}", private_key=private, public_key=public)
        row.address = address
        row.save()
        audit.record("tenants.sender_asked", by=by, on=owner, detail={"from": before, "to": address}, now=now)
    return row


def check(*, owner: Tenant | Reseller, by: Any = None, now: datetime) -> MailSender:
    """Look into the DNS and act on it: a proof begins the use, a proof that is gone for a day ends it.

    Raises `NotFound` without a sender and `NameServerSilent` when nobody answers; silence changes nothing.
    """
    row = of(owner)
    if row is None:
        raise NotFound
    dkim, spf, dmarc = senders.has_key(row), senders.lets_us_send(row), senders.policy(row)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        # Changed meanwhile: what was read is about another domain.
        held = MailSender.objects.select_for_update().filter(pk=row.pk, address=row.address).first()
        if held is None:
            raise NotFound
        before = held.state
        held.dkim, held.spf, held.dmarc, held.checked_at = dkim, spf, dmarc, now
        if dkim and spf:
            held.failing_since = None
            if held.state != SenderState.VERIFIED:
                held.state, held.verified_at = SenderState.VERIFIED, now
        elif held.state == SenderState.VERIFIED:
            held.failing_since = held.failing_since or now
            if now - held.failing_since >= GRACE:
                held.state = SenderState.LOST
        held.save()
        if held.state != before:
            verb = "tenants.sender_verified" if held.state == SenderState.VERIFIED else "tenants.sender_lost"
            audit.record(verb, by=by, on=owner, detail={"address": held.address}, now=now)
    if held.state == SenderState.LOST and before != SenderState.LOST:
        _raise_alert(owner, held, now=now)
    elif held.state == SenderState.VERIFIED and before == SenderState.LOST:
        _resolve_alert(owner, held, now=now)
    return held


def remove(*, owner: Tenant | Reseller, by: Any, now: datetime) -> None:
    """Letters leave from the installation's address again. Its key is forgotten."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row = MailSender.objects.select_for_update().filter(**_key(owner)).first()
        if row is None:
            return
        audit.record("tenants.sender_removed", by=by, on=owner, detail={"address": row.address}, now=now)
        _forget(owner, row, now=now)


def check_all(*, now: datetime) -> int:
    """Look after every sender, one at a time; says how many were looked at. A silent name server stops nobody else."""
    with schema_context(PUBLIC_SCHEMA):
        # A closed customer sends nothing, and there may be no schema left to raise an alert in.
        living = Q(tenant=None) | Q(tenant__status__in=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED))
        rows = list(MailSender.objects.filter(living).select_related("tenant", "reseller").order_by("pk"))
    done = 0
    for row in rows:
        try:
            check(owner=row.owner, now=now)
            done += 1
        except (NameServerSilent, NotFound):
            continue
    return done


def _key(owner: Tenant | Reseller) -> dict[str, Any]:
    return {"tenant" if isinstance(owner, Tenant) else "reseller": owner}


def _checked(address: str) -> str:
    address = address.strip().lower()
    try:
        validate_email(address)
        address.encode("ascii")
    except (ValidationError, UnicodeEncodeError) as error:
        raise errors.SenderRefused(field="address") from error
    domain = address.rpartition("@")[2]
    if domain == settings.PLATFORM_DOMAIN or domain.endswith(f".{settings.PLATFORM_DOMAIN}") or "." not in domain:
        raise errors.SenderRefused(field="address")
    if domain in email_domains.EVERYBODYS:
        # Nobody but its provider can put our records there.
        raise errors.SenderRefused(field="address")
    if len(address) > 254:
        raise Invalid(field="address")
    return address


def _new_key() -> tuple[str, str]:
    """A pair for signing: PEM for us, base64 of DER for the DNS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(public).decode()


def _schema(owner: Tenant | Reseller) -> str:
    return owner.schema_name if isinstance(owner, Tenant) else PUBLIC_SCHEMA


def _forget(owner: Tenant | Reseller, row: MailSender, *, now: datetime) -> None:
    """The row goes, and with it what was said about its loss."""
    if row.state == SenderState.LOST:
        _resolve_alert(owner, row, now=now)
    row.delete()


def _resolve_alert(owner: Tenant | Reseller, row: MailSender, *, now: datetime) -> None:
    with schema_context(_schema(owner)):
        alerts.resolve(key=f"sender:{row.pk}", now=now)


def _raise_alert(owner: Tenant | Reseller, row: MailSender, *, now: datetime) -> None:
    # The task that looks after all of them speaks nobody's language.
    language = owner.language if isinstance(owner, Tenant) else settings.LANGUAGE_CODE
    with schema_context(_schema(owner)), transaction.atomic(), translation.override(language):
        alerts.raise_alert(
            "tenants.sender_lost",
            severity=Severity.ERROR,
            key=f"sender:{row.pk}",
            title=_("Letters no longer leave from %(address)s") % {"address": row.address},
            body=_(
                "The records of its domain are gone from the DNS. Until they are back, letters leave from our address."
            ),
            now=now,
        )
