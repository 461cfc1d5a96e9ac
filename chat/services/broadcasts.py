"""Campaigns to a list of contacts: everybody once, at a pace, and the truth about what became of each.

The list is written down when sending begins, by one statement; its constraints hold a contact and an address once. A
worker takes the next person under a row lock that others skip, and conversation, message and mark are one transaction:
a crash leaves the person waiting, never written to twice. What leaves then is `services.outgoing`'s, as every message.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from chat.enums import CampaignBasis, CampaignKind, CampaignState, Channel, Kind, LeftOut, RecipientState
from chat.models import Campaign, CampaignRecipient, Contact, Conversation
from chat.queries import campaigns as queries
from chat.services import campaigns, conversations, messages, optouts
from ops.kernel import locks
from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError

log = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
# Figures follow the messages so long; later receipts are nobody's news.
FOLLOWED = timedelta(days=30)
SETTLE = """
UPDATE chat_campaignrecipient r
   SET state = CASE WHEN m.delivery IN ('pending', 'unconfirmed') THEN 'queued' ELSE m.delivery END,
       error = m.error,
       replied_at = coalesce(r.replied_at, (
           SELECT min(a.created_at) FROM chat_message a
            WHERE a.conversation_id = m.conversation_id AND a.direction = 'in' AND a.seq > m.seq))
  FROM chat_message m
 WHERE m.id = r.message_id AND r.sent_at > %(since)s AND r.state NOT IN ('pending', 'skipped', 'shown')
   AND (r.campaign_id = %(campaign)s OR %(campaign)s IS NULL)
   AND (r.replied_at IS NULL OR r.state NOT IN ('read', 'failed'))
"""


def run_due(*, now: datetime) -> int:
    """Begin what is due, send as much as the pace allows, and finish; says how many people were written to."""
    sent = 0
    for campaign in queries.due(now=now):
        if campaign.kind == CampaignKind.ONCE:
            sent += advance(campaign_id=campaign.pk, now=now)
    settle(now=now)
    return sent


def advance(*, campaign_id: UUID, now: datetime) -> int:
    """Take one campaign further. A second worker finds its place taken and leaves."""
    with locks.place(f"chat.broadcast:{campaign_id}") as taken:
        if not taken or not _begin(campaign_id, now=now):
            return 0
        campaign = Campaign.objects.get(pk=campaign_id)
        room = campaign.per_minute - queries.sent_lately(campaign_id, since=now - MINUTE)
        sent = 0
        while sent < room and send_next(campaign_id=campaign_id, now=now):
            sent += 1
        _finish(campaign_id, now=now)
        return sent


@transaction.atomic
def _begin(campaign_id: UUID, *, now: datetime) -> bool:
    """Whether it sends; its list is written down at the first time."""
    campaign = (
        Campaign.objects.select_related("inbox", "sender", "bot")
        .select_for_update(of=("self",))
        .filter(pk=campaign_id, kind=CampaignKind.ONCE)
        .first()
    )
    if campaign is None:
        return False
    if campaign.state == CampaignState.SCHEDULED and campaign.starts_at is not None and campaign.starts_at <= now:
        campaign.state = CampaignState.RUNNING
        campaign.save(update_fields=["state", "updated_at"])
    if campaign.state != CampaignState.RUNNING:
        return False
    if campaign.listed_at is None:
        count = queries.fill_list(campaign, now=now)
        campaign.listed_at = now
        campaign.save(update_fields=["listed_at", "updated_at"])
        audit.record("chat.campaign_listed", on=campaign, detail={"people": count}, now=now)
    return campaign.ends_at is None or now < campaign.ends_at


@transaction.atomic
def send_next(*, campaign_id: UUID, now: datetime) -> bool:
    """Write to the next person who waits; `False` when nobody does, or the campaign does not send any more.

    Safe side by side: each worker takes another person. Who opted out since the list was made is left out.
    """
    row = queries.first_waiting(campaign_id)
    campaign = (
        Campaign.objects.select_related("inbox", "sender", "bot")
        .filter(pk=campaign_id, state=CampaignState.RUNNING)
        .first()
    )
    if row is None or campaign is None:
        return False
    contact = Contact.objects.filter(pk=row.contact_id).first() if row.contact_id is not None else None
    why = _refused(contact, campaign)
    if contact is None or why is not None:
        _mark(row, state=RecipientState.SKIPPED, left_out=why or LeftOut.ADDRESS, address="")
        return True
    try:
        with transaction.atomic():
            conversation, message = _write(campaign, contact, now=now)
    except DomainError as error:
        # One person's address must not hold up everybody behind them.
        _mark(row, state=RecipientState.FAILED, error=str(error)[:300], sent_at=now)
        return True
    _mark(row, state=RecipientState.QUEUED, sent_at=now, conversation_id=conversation, message_id=message)
    return True


def _refused(contact: Contact | None, campaign: Campaign) -> LeftOut | None:
    if contact is None or contact.merged_into_id is not None:
        return LeftOut.ADDRESS
    if contact.blocked:
        return LeftOut.BLOCKED
    if contact.opted_out_at is not None:
        return LeftOut.OPTED_OUT
    if campaign.basis == CampaignBasis.CONSENT and contact.consent_at is None:
        return LeftOut.CONSENT
    return None


def _write(campaign: Campaign, contact: Contact, *, now: datetime) -> tuple[UUID, UUID]:
    """The message in a conversation that stays resolved until the person answers; messengers have one thread a person."""
    visitor = conversations.reached(contact=contact, inbox=campaign.inbox)
    conversation_id: UUID | None = None
    if campaign.inbox.channel != Channel.EMAIL:
        mine = Conversation.objects.of_visitor(visitor.contact_inbox_id).filter(merged_into=None)
        conversation_id = mine.order_by("-last_activity_at", "-pk").values_list("pk", flat=True).first()
    key = uuid5(campaign.pk, str(contact.pk))
    if conversation_id is None:
        conversation_id = conversations.start(visitor=visitor, client_id=key, quiet=True, now=now).pk
    body, kind, meta = _words(campaign, contact)
    sent = messages.send_from_bot(
        conversation_id=conversation_id,
        bot=campaign.bot,
        in_name_of=campaign.sender,
        body=body,
        kind=kind,
        meta={"campaign": str(campaign.pk), **meta},
        client_id=key,
        now=now,
    )
    return conversation_id, sent.id


def _words(campaign: Campaign, contact: Contact) -> tuple[str, Kind, dict[str, Any]]:
    def fill(text: str) -> str:
        return campaigns.filled(text, contact=contact, campaign=campaign)

    if campaign.inbox.channel == Channel.WHATSAPP:
        template = campaign.template
        # WhatsApp refuses an empty value: what is not known is said by a dash.
        values = [fill(value).strip() or "–" for value in template["values"]]
        body = template["body"]
        for position, value in enumerate(values, start=1):
            body = body.replace(f"{{{{{position}}}}}", value)
        told = {"name": template["name"], "language": template["language"], "values": values}
        return body, Kind.TEMPLATE, {"template": told}
    if campaign.inbox.channel == Channel.EMAIL:
        subject = " ".join(fill(campaign.subject).split())
        return fill(campaign.body), Kind.TEXT, {"subject": subject, "opt_out": optouts.link(contact.pk)}
    with translation.override(campaign.inbox.locale or connection.tenant.language):
        foot = _("Answer STOP and you get no more campaigns.")
    return f"{fill(campaign.body)}\n\n{foot}", Kind.TEXT, {}


def _mark(row: CampaignRecipient, **changes: Any) -> None:
    CampaignRecipient.objects.filter(pk=row.pk).update(**changes)


@transaction.atomic
def _finish(campaign_id: UUID, *, now: datetime) -> None:
    """A list with nobody left to write to is finished, and so is one whose last instant is over."""
    campaign = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign_id)
    waiting = campaign.recipients.filter(state=RecipientState.PENDING).exists()
    if campaign.state == CampaignState.RUNNING and not waiting:
        Campaign.objects.filter(pk=campaign_id).update(state=CampaignState.DONE, done_at=now, updated_at=now)
        audit.record("chat.campaign_done", on=campaign, now=now)


def settle(*, campaign_id: UUID | None = None, now: datetime) -> int:
    """Bring delivery and answers of what was sent lately up to now, in one statement."""
    with connection.cursor() as sql:
        sql.execute(SETTLE, {"since": now - FOLLOWED, "campaign": campaign_id})
        return int(sql.rowcount)
