"""Campaigns: which a page gets, whom a list holds, and what became of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, CharField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Lower, Replace
from django.utils import timezone

from chat.enums import CampaignBasis, CampaignKind, Channel, LeftOut, RecipientState
from chat.models import Campaign, CampaignRecipient, Contact, ContactInbox, Conversation

SHOWN_CONTACTS = 5

FIGURES = """
SELECT r.campaign_id,
       count(*) FILTER (WHERE r.state <> 'skipped'), count(*) FILTER (WHERE r.state = 'pending'),
       coalesce(sum(r.shown), 0)::bigint, count(*) FILTER (WHERE r.shown > 0),
       count(r.opened_at), count(r.dismissed_at), count(r.replied_at), count(r.sent_at),
       count(*) FILTER (WHERE r.state IN ('delivered', 'read')), count(*) FILTER (WHERE r.state = 'read'),
       count(*) FILTER (WHERE r.state = 'failed'), count(*) FILTER (WHERE r.state = 'skipped')
  FROM chat_campaignrecipient r WHERE r.campaign_id = ANY(%s) GROUP BY r.campaign_id
"""
DAYS = """
SELECT (m.at AT TIME ZONE %(zone)s)::date, count(*) FILTER (WHERE m.what = 'reached'),
       count(*) FILTER (WHERE m.what = 'opened'), count(*) FILTER (WHERE m.what = 'replied')
  FROM chat_campaignrecipient r
 CROSS JOIN LATERAL (VALUES (coalesce(r.sent_at, r.last_shown_at), 'reached'), (r.opened_at, 'opened'),
                            (r.replied_at, 'replied')) AS m (at, what)
 WHERE r.campaign_id = %(campaign)s AND m.at >= %(start)s
 GROUP BY 1 ORDER BY 1
"""
# An address is written to once: among several people with the same one the longest known gets it.
RANKED = """
WITH people AS ({people}), ranked AS (
    SELECT id, address,
           CASE WHEN left_out = '' AND row_number() OVER (PARTITION BY address, left_out = '' ORDER BY created_at, id) > 1
                THEN 'same' ELSE left_out END AS left_out
      FROM people
)
"""
COUNT = RANKED + "SELECT left_out, count(*) FROM ranked GROUP BY left_out"  # noqa: S608 — nothing from outside
FILL = (
    RANKED
    + """
INSERT INTO chat_campaignrecipient
       (id, campaign_id, contact_id, visitor_key, address, state, left_out, error, shown, created_at)
SELECT gen_random_uuid(), %s, id, '', CASE WHEN left_out = '' THEN address ELSE '' END,
       CASE WHEN left_out = '' THEN 'pending' ELSE 'skipped' END, left_out, '', 0, %s
  FROM ranked
    ON CONFLICT DO NOTHING
"""
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a campaign, in people; `views` counts every time it was shown."""

    people: int = 0
    waiting: int = 0
    views: int = 0
    shown: int = 0
    opened: int = 0
    dismissed: int = 0
    replied: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    skipped: int = 0

    def share(self, part: int, whole: int) -> int | None:
        """Whole percent, or nothing of nothing."""
        return round(100 * part / whole) if whole else None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people a list reaches, and why others are left out."""

    reached: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One day of a campaign."""

    on: date
    reached: int
    opened: int
    replied: int


def listed() -> QuerySet[Campaign]:
    """Every campaign with what a row shows, newest first."""
    return Campaign.objects.select_related("inbox", "sender", "bot").order_by("-created_at", "-pk")


def figures(campaign_ids: Iterable[UUID]) -> dict[UUID, Figures]:
    """The figures of campaigns, in one statement; one without people has zeros."""
    wanted = list(campaign_ids)
    if not wanted:
        return {}
    with connection.cursor() as sql:
        sql.execute(FIGURES, [wanted])
        found = {key: Figures(*map(int, counts)) for key, *counts in sql.fetchall()}
    return {key: found.get(key, Figures()) for key in wanted}


def left_out(campaign_id: UUID) -> list[tuple[LeftOut, int]]:
    """Why people of the list got nothing, most of them first."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT left_out, count(*) FROM chat_campaignrecipient WHERE campaign_id = %s AND left_out <> ''"
            " GROUP BY 1 ORDER BY 2 DESC, 1",
            [campaign_id],
        )
        return [(LeftOut(why), int(count)) for why, count in sql.fetchall()]


def steps(campaign_id: UUID, *, days: int, zone: ZoneInfo, now: datetime) -> list[Step]:
    """The last days of a campaign, with the empty ones in between."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    begin = datetime.combine(first, datetime.min.time(), zone)
    with connection.cursor() as sql:
        sql.execute(DAYS, {"zone": str(zone), "campaign": campaign_id, "start": begin})
        found = {on: tuple(map(int, counts)) for on, *counts in sql.fetchall()}
    dates = [first + timedelta(days=number) for number in range(days)]
    return [Step(on, *found.get(on, (0, 0, 0))) for on in dates]


def recipients(campaign_id: UUID) -> QuerySet[CampaignRecipient]:
    """The people of a campaign, with what a row shows."""
    rows = CampaignRecipient.objects.filter(campaign=campaign_id)
    return rows.select_related("contact", "conversation")


# --- On the website ------------------------------------------------------------------------------------


def fits(patterns: Sequence[str], url: str) -> bool:
    """Whether a page is one of the patterns: `/path*` of any host, or `shop.example/path*`; `!` in front takes away.

    Without patterns (or only with such that take away) every page is one. What comes after `#` does not count, and
    what comes after `?` only where the pattern has one.
    """
    parts = urlsplit(url)
    path = parts.path or "/"
    wanted = [one for one in patterns if not one.startswith("!")]
    unwanted = [one[1:] for one in patterns if one.startswith("!")]
    return (not wanted or any(_is(one, parts.netloc, path, parts.query) for one in wanted)) and not any(
        _is(one, parts.netloc, path, parts.query) for one in unwanted
    )


def _is(pattern: str, host: str, path: str, query: str) -> bool:
    pattern = re.sub(r"^https?://", "", pattern.strip(), flags=re.IGNORECASE)
    shown = path + (f"?{query}" if query and "?" in pattern else "")
    if not pattern.startswith(("/", "*")):
        shown = host.lower() + shown
        name, slash, rest = pattern.partition("/")
        pattern = name.lower() + slash + rest
    # A closing slash says nothing to people.
    shown, pattern = shown.rstrip("/") or "/", pattern.rstrip("/") or "/"
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), shown) is not None


def knows(conditions: Sequence[Mapping[str, str]], attrs: Mapping[str, Any]) -> bool:
    """Whether everything that is asked about a visitor holds."""
    return all(_holds(one, attrs) for one in conditions)


def _holds(condition: Mapping[str, str], attrs: Mapping[str, Any]) -> bool:
    known = str(attrs.get(condition["name"], "")).strip().casefold()
    wanted = condition.get("value", "").strip().casefold()
    return {
        "is": known == wanted,
        "is_not": known != wanted,
        "contains": bool(wanted) and wanted in known,
        "known": bool(known),
        "unknown": not known,
    }[condition["op"]]


def live_at(inbox_id: UUID, *, now: datetime) -> list[Campaign]:
    """What a website shows now, the oldest first: it was there before the others."""
    rows = Campaign.objects.live(at=now).filter(inbox=inbox_id).select_related("sender__agent_profile", "bot", "inbox")
    return list(rows.order_by("created_at", "pk"))


def inboxes_with_campaigns(*, now: datetime) -> set[UUID]:
    """Websites that have something to show: only their pages ask."""
    return set(Campaign.objects.live(at=now).order_by().values_list("inbox_id", flat=True).distinct())


# --- To a list -----------------------------------------------------------------------------------------


def audience(campaign: Campaign, *, now: datetime) -> QuerySet[Contact]:
    """The contacts a campaign's filters describe, reachable or not."""
    wanted = campaign.audience
    rows = Contact.objects.current()
    if wanted.get("labels"):
        talks = Conversation.objects.filter(contact=OuterRef("pk"), labels__in=wanted["labels"])
        rows = rows.filter(Exists(talks))
    if wanted.get("without_labels"):
        talks = Conversation.objects.filter(contact=OuterRef("pk"), labels__in=wanted["without_labels"])
        rows = rows.exclude(Exists(talks))
    if wanted.get("inbox"):
        rows = rows.filter(Exists(Conversation.objects.filter(contact=OuterRef("pk"), inbox=wanted["inbox"])))
    for name, lookup in (("active_days", "gte"), ("quiet_days", "lt")):
        if wanted.get(name):
            last = (
                Conversation.objects.filter(contact=OuterRef("pk"))
                .order_by()
                .values("contact")
                .annotate(last=Max("last_contact_message_at"))
                .values("last")
            )
            rows = rows.annotate(**{f"_{name}": Subquery(last)})
            rows = rows.filter(**{f"_{name}__{lookup}": now - timedelta(days=int(wanted[name]))})
    if wanted.get("company"):
        rows = rows.filter(company__iexact=wanted["company"])
    if wanted.get("risk"):
        rows = rows.filter(churn__band__in=wanted["risk"])
    for one in wanted.get("attrs", []):
        rows = rows.filter(_attr(one))
    return rows


def _attr(condition: Mapping[str, str]) -> Q:
    name, value = condition["name"], condition.get("value", "")
    here = Q(attrs__has_key=name)
    # Names are the tenant's words and no lookups: they never stand in a keyword.
    same = Q(attrs__contains={name: value})
    return {"is": same, "is_not": ~same, "contains": same, "known": here, "unknown": ~here}[condition["op"]]


def people(campaign: Campaign, *, now: datetime) -> QuerySet[Any]:
    """The audience with where each is reached, and why not."""
    inbox = campaign.inbox
    doors = (
        ContactInbox.objects.filter(contact=OuterRef("pk"), inbox=inbox)
        .exclude(source_id__startswith="erased:")
        .order_by("-updated_at", "pk")
        .values("source_id")[:1]
    )
    known = Coalesce(Subquery(doors), Value(""), output_field=CharField())
    address: Any = known
    if inbox.channel == Channel.EMAIL:
        address = Lower("email")
    elif inbox.channel == Channel.WHATSAPP:
        address = Case(
            When(Exists(ContactInbox.objects.filter(contact=OuterRef("pk"), inbox=inbox)), then=known),
            default=Replace(F("phone_e164"), Value("+"), Value("")),
            output_field=CharField(),
        )
    # Who opted out under another entry with the same address opted out.
    others = Contact.objects.exclude(opted_out_at=None)
    same = others.exclude(email="").filter(email__iexact=OuterRef("email"))
    reasons = [
        When(blocked=True, then=Value(LeftOut.BLOCKED.value)),
        When(Q(opted_out_at__isnull=False) | Exists(same), then=Value(LeftOut.OPTED_OUT.value)),
    ]
    if inbox.channel != Channel.EMAIL:
        numbers = others.exclude(phone_match_key="").filter(phone_match_key=OuterRef("phone_match_key"))
        reasons.append(When(Exists(numbers), then=Value(LeftOut.OPTED_OUT.value)))
    if campaign.basis == CampaignBasis.CONSENT:
        reasons.append(When(consent_at=None, then=Value(LeftOut.CONSENT.value)))
    rows = audience(campaign, now=now).annotate(address=address)
    reasons.append(When(address="", then=Value(LeftOut.ADDRESS.value)))
    return rows.annotate(left_out=Case(*reasons, default=Value(""), output_field=CharField()))


def reach(campaign: Campaign, *, now: datetime) -> Reach:
    """How many people would get it."""
    statement, values = _people_sql(campaign, now=now)
    with connection.cursor() as sql:
        sql.execute(COUNT.format(people=statement), values)
        found: dict[str, int] = {why: int(count) for why, count in sql.fetchall()}
    return Reach(found.pop("", 0), found)


def fill_list(campaign: Campaign, *, now: datetime) -> int:
    """Write down who gets it, and who does not and why; says how many rows. Again: nobody stands there twice."""
    statement, values = _people_sql(campaign, now=now)
    with connection.cursor() as sql:
        sql.execute(FILL.format(people=statement), [*values, campaign.pk, now])
        return int(sql.rowcount)


def _people_sql(campaign: Campaign, *, now: datetime) -> tuple[str, list[Any]]:
    rows = people(campaign, now=now).order_by().values("id", "created_at", "address", "left_out")
    statement, values = rows.query.sql_with_params()
    return statement, list(values)


def sent_lately(campaign_id: UUID, *, since: datetime) -> int:
    """How many left since an instant."""
    return CampaignRecipient.objects.filter(campaign=campaign_id, sent_at__gt=since).count()


def first_waiting(campaign_id: UUID) -> CampaignRecipient | None:
    """The next person to write to, held for this transaction; nobody whom another worker holds."""
    return (
        CampaignRecipient.objects.filter(campaign=campaign_id, state=RecipientState.PENDING)
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )


def sample(campaign: Campaign, *, now: datetime) -> list[Contact]:
    """A few of those it reaches, to look at."""
    return list(people(campaign, now=now).filter(left_out="").order_by("name", "pk")[:SHOWN_CONTACTS])


def due(*, now: datetime) -> QuerySet[Campaign]:
    """What begins, goes on sending, or ends."""
    from_now = Q(state="scheduled", starts_at__lte=now) | Q(state="running", kind=CampaignKind.ONCE)
    return Campaign.objects.filter(from_now | Q(state="running", ends_at__lte=now)).order_by("created_at", "pk")


def zone() -> ZoneInfo:
    """The tenant's time zone."""
    return ZoneInfo(str(timezone.get_current_timezone()))
