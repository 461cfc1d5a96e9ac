"""Indexes for counters with years behind them: lists by urgency and by waiting, people by part of a phone or an e-mail."""

from django.db import migrations

# All beginnings of all endings are all parts: "91234:*" finds 91234 wherever it stands in the number. Shorter endings
# than four digits are not asked for.
TAILS = """
CREATE FUNCTION chat_tails(digits text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT coalesce(array_to_tsvector(array_agg(DISTINCT substr(digits, at))), ''::tsvector)
        FROM generate_series(2, length(digits) - 3) AS at)
"""
# As `queries.console.ORDERS` and `queries.inbox.SORTS` say it; another wording would not find its index.
URGENT = """
CREATE INDEX chat_conversation_urgent ON chat_conversation (
    (CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 WHEN 'none' THEN 4 END),
    last_activity_at DESC, id DESC
)
"""
URGENCY = """
CREATE INDEX chat_conversation_urgency ON chat_conversation (
    (CASE WHEN priority = 'none' THEN 0 WHEN priority = 'low' THEN 1 WHEN priority = 'medium' THEN 2
          WHEN priority = 'high' THEN 3 WHEN priority = 'urgent' THEN 4 ELSE 0 END * 1000000000000000000
     - (extract(epoch FROM coalesce(waiting_since, last_activity_at) - '1970-01-01 00:00:00+00'::timestamptz) * 1000000)::bigint),
    id
)
"""
WAITING = """
CREATE INDEX chat_conversation_waiting ON chat_conversation (
    coalesce(waiting_since, '9999-01-01 00:00:00+00'::timestamptz), id
)
"""
EMAIL = "CREATE INDEX chat_contact_email_begins ON chat_contact (upper(email) text_pattern_ops)"
PHONE = "CREATE INDEX chat_contact_phone_parts ON chat_contact USING gin (chat_tails(phone_e164))"


class Migration(migrations.Migration):
    dependencies = [("chat", "0023_transfers")]

    operations = [
        migrations.RunSQL(TAILS, "DROP FUNCTION chat_tails(text)"),
        migrations.RunSQL(
            [URGENT, URGENCY, WAITING, EMAIL, PHONE],
            [
                "DROP INDEX chat_contact_phone_parts",
                "DROP INDEX chat_contact_email_begins",
                "DROP INDEX chat_conversation_waiting",
                "DROP INDEX chat_conversation_urgency",
                "DROP INDEX chat_conversation_urgent",
            ],
        ),
    ]
