"""Campaigns on a website: which a page gets, who has seen them, and the conversation that begins with an answer.

The server decides which campaigns a page gets and whether a visitor may see one now; the widget decides when. Being
shown is claimed by one statement, so two tabs show it once. A visitor without a session is the hash of a random key
of their browser: no contact is made for people who only look.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import F, Q

from chat.enums import CampaignState, CampaignVisitors, RecipientState, Status
from chat.errors import CampaignUnknown
from chat.models import Campaign, CampaignRecipient, Contact, Conversation, Inbox
from chat.queries import campaigns as queries
from chat.queries import opening
from chat.services import assignment, campaigns, messages
from chat.services.conversations import Visitor

# A page shows one; the others are there when its visitor may not see the first any more.
MOST_OFFERED = 5
CLAIM = """
INSERT INTO chat_campaignrecipient
       (id, campaign_id, contact_id, visitor_key, address, state, left_out, error, shown, last_shown_at, created_at)
VALUES (gen_random_uuid(), %(campaign)s, NULL, %(key)s, '', 'shown', '', '', 1, %(now)s, %(now)s)
    ON CONFLICT (campaign_id, visitor_key) WHERE NOT (visitor_key = '')
    DO UPDATE SET shown = chat_campaignrecipient.shown + 1, last_shown_at = %(now)s
 WHERE chat_campaignrecipient.shown < %(most)s AND chat_campaignrecipient.last_shown_at <= %(before)s
   AND chat_campaignrecipient.opened_at IS NULL AND chat_campaignrecipient.replied_at IS NULL
RETURNING id
"""


def key_of(browser_key: UUID) -> str:
    """What is kept of a browser's random key."""
    return hashlib.sha256(b"campaign:" + browser_key.bytes).hexdigest()


def offered(
    *,
    inbox: Inbox,
    url: str,
    key: UUID,
    returning: bool,
    attributes: dict[str, str],
    visitor: Visitor | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """The campaigns a page gets for this visitor, the first to be shown first. Nobody in a conversation is spoken to."""
    rows = [row for row in queries.live_at(inbox.pk, now=now) if queries.fits(row.page_patterns, url)]
    if not rows:
        return []
    contact = Contact.objects.filter(pk=visitor.contact_id).first() if visitor is not None else None
    if contact is not None and (contact.opted_out_at is not None or _talking(contact)):
        return []
    is_open = None
    known = {**(contact.attrs if contact is not None else {}), **attributes}
    seen = {row.campaign_id: row for row in _rows([row.pk for row in rows], key, visitor)}
    found = []
    for row in rows:
        if row.open_hours_only:
            is_open = opening.of(inbox).is_open(now) if is_open is None else is_open
            if not is_open:
                continue
        wanted = {CampaignVisitors.NEW: not returning, CampaignVisitors.RETURNING: returning}
        if not wanted.get(CampaignVisitors(row.visitors), True) or not queries.knows(row.attrs, known):
            continue
        before = seen.get(row.pk)
        if before is not None and not _again(row, before, now=now):
            continue
        found.append(
            {
                "id": row.pk,
                "text": campaigns.filled(row.body, contact=contact, campaign=row),
                "from": campaigns.speaker(row)["name"],
                "after_s": row.after_s,
            }
        )
    return found[:MOST_OFFERED]


def _talking(contact: Contact) -> bool:
    return Conversation.objects.filter(contact=contact).exclude(status=Status.RESOLVED).exists()


def _again(campaign: Campaign, row: CampaignRecipient, *, now: datetime) -> bool:
    if row.opened_at is not None or row.replied_at is not None or row.shown >= campaign.most_times:
        return False
    return row.last_shown_at is None or row.last_shown_at <= now - timedelta(days=campaign.pause_days)


def _rows(campaign_ids: list[UUID], key: UUID, visitor: Visitor | None) -> list[CampaignRecipient]:
    """What this visitor has seen: by this browser, or as the same contact elsewhere. The one seen most often counts."""
    mine = Q(visitor_key=key_of(key))
    if visitor is not None:
        mine |= Q(contact=visitor.contact_id)
    rows = CampaignRecipient.objects.filter(mine, campaign__in=campaign_ids).exclude(visitor_key="")
    return list(rows.order_by(F("opened_at").asc(nulls_first=True), "shown", "pk"))


@transaction.atomic
def show(*, inbox: Inbox, campaign_id: UUID, key: UUID, visitor: Visitor | None, now: datetime) -> bool:
    """Claim one showing for this visitor; `False` when they have had it. Raises `CampaignUnknown`."""
    campaign = Campaign.objects.live(at=now).filter(pk=campaign_id, inbox=inbox).first()
    if campaign is None:
        raise CampaignUnknown()
    rows = _rows([campaign.pk], key, visitor)
    if any(not _again(campaign, row, now=now) for row in rows):
        return False
    with connection.cursor() as sql:
        sql.execute(
            CLAIM,
            {
                "campaign": campaign.pk,
                "key": key_of(key),
                "now": now,
                "most": campaign.most_times,
                "before": now - timedelta(days=campaign.pause_days),
            },
        )
        row = sql.fetchone()
    if row is not None and visitor is not None:
        CampaignRecipient.objects.filter(pk=row[0], contact=None).update(contact=visitor.contact_id)
    return row is not None


def answer(*, inbox: Inbox, campaign_id: UUID, key: UUID, opened: bool, now: datetime) -> None:
    """Remember that a visitor took an invitation up, or put it away; what was not shown is not counted."""
    rows = CampaignRecipient.objects.filter(
        campaign=campaign_id, campaign__inbox=inbox, visitor_key=key_of(key), shown__gt=0
    )
    name = "opened_at" if opened else "dismissed_at"
    rows.filter(**{name: None}).update(**{name: now})


@transaction.atomic
def begin(*, campaign_id: UUID, key: UUID, visitor: Visitor, conversation: Conversation, now: datetime) -> None:
    """A visitor answers an invitation: it stands first in the conversation, which goes to whoever invited.

    An invitation that this browser was not shown is left out; what the visitor wrote is never refused for it.
    """
    row = (
        CampaignRecipient.objects.filter(
            campaign=campaign_id, campaign__inbox=visitor.inbox_id, visitor_key=key_of(key), conversation=None
        )
        .select_related("campaign__sender", "campaign__bot", "campaign__inbox")
        .select_for_update(of=("self",))
        .first()
    )
    if row is None:
        return
    contact = Contact.objects.get(pk=visitor.contact_id)
    campaign = row.campaign
    sent = messages.send_from_bot(
        conversation_id=conversation.pk,
        bot=campaign.bot,
        in_name_of=campaign.sender,
        body=campaigns.filled(campaign.body, contact=contact, campaign=campaign),
        client_id=uuid5(conversation.pk, str(campaign.pk)),
        meta={"campaign": str(campaign.pk)},
        now=now,
    )
    row.contact, row.conversation, row.message_id = contact, conversation, sent.id
    row.replied_at, row.opened_at, row.state = now, row.opened_at or now, RecipientState.SHOWN
    row.save(update_fields=["contact", "conversation", "message", "replied_at", "opened_at", "state"])
    sender = campaign.sender
    if sender is not None and sender.is_active and sender.has_perm("chat.reply_conversation"):
        assignment.hand_out(conversation_id=conversation.pk, to=sender, now=now)


def end_due(*, now: datetime) -> int:
    """Close what reached its last day."""
    rows = Campaign.objects.filter(state=CampaignState.RUNNING, ends_at__lte=now)
    return rows.update(state=CampaignState.DONE, done_at=now, updated_at=now)
