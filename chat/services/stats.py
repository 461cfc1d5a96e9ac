"""Counting what happened, hour by hour, so that reports never look at messages.

An hour is counted from the rows that carry its events: messages and activity lines by `created_at`, conversations by
`created_at` and `first_reply_at`, survey answers and promises by the instant they were settled. Counting an hour again
gives the same figures, whatever ran before; an hour that has passed does not change, except that labels count as they
were when it was counted.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min

from chat.enums import StatKind
from chat.models import Conversation, CsatResponse, HourlyStat, SlaEvent
from chat.models.stat import FIRST_REPLY_BINS_S

HOUR = timedelta(hours=1)
# A transaction that writes for long holds back every agent's catch-up (the cursor waits for older transactions).
CHUNK = timedelta(days=1)

# A rating as a part of a hundred, and from where on it counts as content.
GOOD_FROM = 75

COUNT = """
WITH facts (at, conversation_id, agent_id, metric, value) AS (
    SELECT m.created_at, m.conversation_id, m.author_agent_id,
           CASE WHEN m.direction = 'in' THEN 'messages_in' WHEN m.direction = 'bot' THEN 'messages_bot'
                WHEN m.private THEN 'notes' ELSE 'messages_out' END, 1::numeric
      FROM chat_message m
     WHERE m.created_at >= %(start)s AND m.created_at < %(end)s AND m.direction <> 'activity'
    UNION ALL
    SELECT m.created_at, m.conversation_id, m.author_agent_id, 'replied', extract(epoch FROM m.created_at - asked.since)
      FROM chat_message m
      CROSS JOIN LATERAL (
        SELECT min(i.created_at) AS since FROM chat_message i
         WHERE i.conversation_id = m.conversation_id AND i.direction = 'in' AND i.seq < m.seq
           AND i.seq > coalesce((SELECT max(o.seq) FROM chat_message o WHERE o.conversation_id = m.conversation_id
                                   AND o.seq < m.seq AND o.direction = 'out' AND NOT o.private), 0)
      ) asked
     WHERE m.created_at >= %(start)s AND m.created_at < %(end)s AND m.direction = 'out' AND NOT m.private
       AND asked.since IS NOT NULL
    UNION ALL
    SELECT m.created_at, m.conversation_id, coalesce(m.author_agent_id, c.assignee_id),
           CASE m.meta ->> 'to' WHEN 'resolved' THEN 'resolved' ELSE 'reopened' END,
           greatest(extract(epoch FROM m.created_at - c.created_at), 0)
      FROM chat_message m JOIN chat_conversation c ON c.id = m.conversation_id
     WHERE m.created_at >= %(start)s AND m.created_at < %(end)s AND m.direction = 'activity'
       AND m.meta ->> 'action' = 'status' AND (m.meta ->> 'to' = 'resolved' OR m.meta ->> 'from' = 'resolved')
    UNION ALL
    SELECT c.created_at, c.id, c.assignee_id, 'started', 1
      FROM chat_conversation c
     WHERE c.created_at >= %(start)s AND c.created_at < %(end)s
       -- What a campaign began counts once the person answers.
       AND NOT (c.last_contact_message_at IS NULL AND c.status = 'resolved' AND EXISTS (
           SELECT FROM chat_campaignrecipient r WHERE r.conversation_id = c.id))
    UNION ALL
    SELECT c.first_reply_at, c.id,
           (SELECT o.author_agent_id FROM chat_message o WHERE o.conversation_id = c.id AND o.direction = 'out'
               AND NOT o.private AND o.created_at = c.first_reply_at ORDER BY o.seq LIMIT 1),
           'first_replied', greatest(extract(epoch FROM c.first_reply_at - c.created_at), 0)
      FROM chat_conversation c WHERE c.first_reply_at >= %(start)s AND c.first_reply_at < %(end)s
    UNION ALL
    SELECT r.answered_at, r.conversation_id, r.agent_id, 'rated',
           CASE r.scale WHEN 'numbers' THEN r.rating * 10.0 WHEN 'thumbs' THEN least(r.rating, 1) * 100.0
                ELSE greatest(r.rating - 1, 0) * 25.0 END
      FROM chat_csatresponse r
     WHERE r.answered_at >= %(start)s AND r.answered_at < %(end)s AND r.rating IS NOT NULL
    UNION ALL
    SELECT coalesce(s.breached_at, s.ended_at), s.conversation_id, c.assignee_id,
           CASE WHEN s.breached_at IS NULL THEN 'kept' ELSE 'broken' END, 1
      FROM chat_slaevent s JOIN chat_conversation c ON c.id = s.conversation_id
     WHERE coalesce(s.breached_at, s.ended_at) >= %(start)s AND coalesce(s.breached_at, s.ended_at) < %(end)s
       AND NOT s.cancelled
), placed AS (
    SELECT date_trunc('hour', f.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS hour, f.metric, f.value, k.kind, k.key
      FROM facts f
      JOIN chat_conversation c ON c.id = f.conversation_id
      JOIN chat_inbox i ON i.id = c.inbox_id
      CROSS JOIN LATERAL (
        VALUES ('all', ''), ('inbox', c.inbox_id::text), ('agent', f.agent_id::text), ('team', c.team_id::text),
               ('channel', i.channel)
        UNION ALL
        SELECT 'label', l.label_id::text FROM chat_conversation_labels l WHERE l.conversation_id = c.id
      ) AS k (kind, key)
     WHERE k.key IS NOT NULL
)
INSERT INTO chat_hourlystat (
    hour, kind, key, started, resolved, resolution_s, reopened, messages_in, messages_out, messages_bot, notes,
    first_replies, first_reply_s, first_reply_bins, replies, reply_s, csat_answers, csat_good, csat_points,
    sla_kept, sla_broken, counted_at
)
SELECT hour, kind, key,
       count(*) FILTER (WHERE metric = 'started'),
       count(*) FILTER (WHERE metric = 'resolved'),
       coalesce(sum(value) FILTER (WHERE metric = 'resolved'), 0)::bigint,
       count(*) FILTER (WHERE metric = 'reopened'),
       count(*) FILTER (WHERE metric = 'messages_in'),
       count(*) FILTER (WHERE metric = 'messages_out'),
       count(*) FILTER (WHERE metric = 'messages_bot'),
       count(*) FILTER (WHERE metric = 'notes'),
       count(*) FILTER (WHERE metric = 'first_replied'),
       coalesce(sum(value) FILTER (WHERE metric = 'first_replied'), 0)::bigint,
       (SELECT array_agg(coalesce(b.n, 0) ORDER BY g.bin) FROM generate_series(0, %(bins)s) AS g (bin)
          LEFT JOIN (SELECT v.bin, count(*)::int AS n
                       FROM unnest(array_agg(width_bucket(value, %(ends)s::numeric[])) FILTER (WHERE metric = 'first_replied'))
                            AS v (bin) GROUP BY v.bin) b USING (bin)),
       count(*) FILTER (WHERE metric = 'replied'),
       coalesce(sum(value) FILTER (WHERE metric = 'replied'), 0)::bigint,
       count(*) FILTER (WHERE metric = 'rated'),
       count(*) FILTER (WHERE metric = 'rated' AND value >= %(good)s),
       coalesce(sum(value) FILTER (WHERE metric = 'rated'), 0)::int,
       count(*) FILTER (WHERE metric = 'kept'),
       count(*) FILTER (WHERE metric = 'broken'),
       %(now)s
  FROM placed GROUP BY hour, kind, key
"""


def catch_up(*, now: datetime) -> int:
    """Count the hours since the last counted one, that one included; says how many rows there are of them.

    Cheap when nothing happened. Safe to run twice and side by side.
    """
    newest = HourlyStat.objects.filter(kind=StatKind.ALL).aggregate(hour=Max("hour"), counted_at=Max("counted_at"))
    if newest["hour"] is None:
        first = Conversation.objects.aggregate(first=Min("created_at"))["first"]
        return 0 if first is None else rebuild(start=first, now=now)
    if not _anything_since(newest["counted_at"]):
        return 0
    return rebuild(start=newest["hour"], now=now)


def _anything_since(moment: datetime) -> bool:
    return (
        Conversation.objects.filter(last_activity_at__gte=moment).exists()
        or CsatResponse.objects.filter(answered_at__gte=moment).exists()
        or SlaEvent.objects.filter(ended_at__gte=moment).exists()
        or SlaEvent.objects.filter(breached_at__gte=moment).exists()
    )


def rebuild(*, start: datetime, now: datetime) -> int:
    """Count every hour from `start` to `now` again; says how many rows that made."""
    begin = start.replace(minute=0, second=0, microsecond=0)
    rows = 0
    while begin <= now:
        end = min(begin + CHUNK, now + HOUR)
        rows += _count(begin, end, now=now)
        begin = end
    return rows


@transaction.atomic
def _count(begin: datetime, end: datetime, *, now: datetime) -> int:
    with connection.cursor() as sql:
        # One counts at a time; the other finds the same figures and writes them again.
        sql.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.chat_hourlystat'))")
        sql.execute("DELETE FROM chat_hourlystat WHERE hour >= %s AND hour < %s", [begin, end])
        sql.execute(
            COUNT,
            {
                "start": begin,
                "end": end,
                "ends": list(FIRST_REPLY_BINS_S),
                "bins": len(FIRST_REPLY_BINS_S),
                "good": GOOD_FROM,
                "now": now,
            },
        )
        return int(sql.rowcount)
