"""Visitors of a website: who they are and how they come back as the same person.

The browser keeps a random secret (`visitor_id`) and the token made from it. Only a hash of the secret is stored, so
nobody who reads the database or the API can come back as that visitor. The token names contact inbox and schema.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from chat.enums import Channel
from chat.errors import ContactBlocked, IdentityRefused, OriginRefused, VisitorTokenRefused, WidgetTokenRefused
from chat.models import Contact, ContactInbox, Conversation, Inbox
from chat.services import contacts
from chat.services.conversations import Visitor
from ops.kernel import signing
from ops.kernel.errors import DomainError
from tenants.services import domains

SALT = "chat.visitor"
TOKEN_AGE_S = 365 * 24 * 3600


def inbox_for(*, website_token: str, origin: str = "") -> Inbox:
    """The active inbox of a website token. `origin` is the page's, as its browser sent it; empty inside our own iframe.

    Raises `WidgetTokenRefused`, `OriginRefused`.
    """
    rows = Inbox.objects.active().filter(channel=Channel.WEB)
    inbox = rows.filter(website_token=website_token).first() if website_token else None
    if inbox is None:
        raise WidgetTokenRefused()
    if origin and not inbox.allows(origin):
        raise OriginRefused()
    return inbox


def serves(origin: str) -> bool:
    """Whether the website at this origin may use the chat of any inbox."""
    return any(inbox.allows(origin) for inbox in Inbox.objects.active().filter(channel=Channel.WEB))


def open_session(
    *, inbox: Inbox, visitor_id: UUID, identifier: str = "", identifier_hash: str = "", now: datetime
) -> tuple[Visitor, str]:
    """The visitor behind a browser's secret, made at the first time, and a fresh token.

    An `identifier` (the visitor's id in the website's own system) counts only with its HMAC-SHA256 under the
    inbox's secret; it brings the person back on every device. Raises `IdentityRefused`, `ContactBlocked`.
    """
    if identifier:
        expected = hmac.new(inbox.hmac_secret.encode(), identifier.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), identifier_hash.lower().encode()):
            raise IdentityRefused(field="identifier_hash")
        link = _link(
            inbox, source_id=f"id:{hashlib.sha256(identifier.encode()).hexdigest()}", identifier=identifier, now=now
        )
    else:
        link = _link(inbox, source_id=hashlib.sha256(visitor_id.bytes).hexdigest(), identifier=None, now=now)
    if link.contact.blocked:
        raise ContactBlocked()
    visitor = _visitor(link)
    return visitor, signing.dumps(str(visitor.contact_inbox_id), salt=SALT)


def visitor_behind(token: str) -> Visitor:
    """Who holds this token. Raises `VisitorTokenRefused`, `ContactBlocked`."""
    found = visitors_behind([token])[0]
    if isinstance(found, DomainError):
        raise found
    return found


def visitors_behind(tokens: Sequence[str]) -> list[Visitor | DomainError]:
    """Who holds each of these tokens, or why nobody does: `VisitorTokenRefused`, `ContactBlocked`."""
    keys = [_named_by(token) for token in tokens]
    rows = ContactInbox.objects.filter(pk__in={key for key in keys if key is not None}, inbox__active=True)
    links = {link.pk: link for link in rows.select_related("contact")}
    return [_let_in(links.get(key) if key else None) for key in keys]


def _named_by(token: str) -> UUID | None:
    try:
        return UUID(str(signing.loads(token, salt=SALT, max_age=TOKEN_AGE_S)))
    except (signing.BadSignature, ValueError):
        return None


def _let_in(link: ContactInbox | None) -> Visitor | DomainError:
    if link is None:
        return VisitorTokenRefused()
    return ContactBlocked() if link.contact.blocked else _visitor(link)


def _visitor(link: ContactInbox) -> Visitor:
    return Visitor(contact_inbox_id=link.pk, contact_id=link.contact_id, inbox_id=link.inbox_id, name=link.contact.name)


def _link(inbox: Inbox, *, source_id: str, identifier: str | None, now: datetime) -> ContactInbox:
    found = _known(inbox, source_id)
    if found is not None:
        Contact.objects.filter(pk=found.contact_id).update(last_seen_at=now)
        return found
    try:
        with transaction.atomic():
            if identifier is None:
                contact = Contact.objects.create(last_seen_at=now)
            else:
                contact, _ = Contact.objects.get_or_create(identifier=identifier[:120], defaults={"last_seen_at": now})
                contact = contacts.current(contact)
            return ContactInbox.objects.create(contact=contact, inbox=inbox, source_id=source_id)
    except IntegrityError:
        # Two tabs opened at once.
        found = _known(inbox, source_id)
        if found is None:
            raise
        return found


def _known(inbox: Inbox, source_id: str) -> ContactInbox | None:
    return ContactInbox.objects.select_related("contact").filter(inbox=inbox, source_id=source_id).first()


def shows_preview(*, conversation_id: UUID, visitor: Visitor) -> bool:
    """Whether the team may see what this visitor types before it is sent: only where the widget says so to them."""
    rows = Conversation.objects.filter(pk=conversation_id, inbox=visitor.inbox_id, contact=visitor.contact_id)
    return rows.filter(inbox__features__preview=True).exists()


def welcome_among(contact_inbox_ids: Iterable[UUID]) -> set[UUID]:
    """Which visitors who came in before may stay: the inbox is open and nobody blocked them."""
    rows = ContactInbox.objects.filter(pk__in=set(contact_inbox_ids), inbox__active=True, contact__blocked=False)
    return set(rows.values_list("pk", flat=True))


def first_snippet() -> str:
    """The line that brings the first inbox to a website, for whoever made this tenant; empty when there is no inbox."""
    inbox = Inbox.objects.active().order_by("created_at", "pk").first()
    if inbox is None:
        return ""
    address = domains.url_of(connection.tenant, "/widget.js")
    return f'<script async src="{address}" data-inbox="{inbox.website_token}"></script>'
