"""The hot path as SQL functions, the number sequence and the search indexes.

The functions live in each tenant's schema beside the tables they write, so a schema always has the version that
fits its own columns, and a dump or a copy of the schema carries them. They name no schema inside: the caller's
search path decides.
"""

from django.db import migrations

POST = """
CREATE FUNCTION chat_post(
    p_conversation uuid, p_message uuid, p_client uuid, p_direction text, p_body text, p_private boolean,
    p_agent uuid, p_contact uuid, p_reply_to uuid, p_meta jsonb, p_now timestamptz
) RETURNS TABLE (
    created boolean, message_id uuid, seq bigint, pub_seq bigint, direction text, body text, private boolean,
    author_agent_id uuid, author_contact_id uuid, reply_to_id uuid, created_at timestamptz,
    status text, first_from_contact boolean, resolved_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    c record;
    m record;
    v_seq bigint;
    v_pub bigint;
BEGIN
    SELECT t.last_seq, t.last_pub_seq, t.status, t.resolved_at, t.last_contact_message_at IS NULL AS unheard
      INTO c FROM chat_conversation t WHERE t.id = p_conversation FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    SELECT t.* INTO m FROM chat_message t WHERE t.conversation_id = p_conversation AND t.client_id = p_client;
    IF FOUND THEN
        RETURN QUERY SELECT false, m.id, m.seq, m.pub_seq, m.direction::text, m.body, m.private, m.author_agent_id,
                            m.author_contact_id, m.reply_to_id, m.created_at, c.status::text, false, c.resolved_at;
        RETURN;
    END IF;

    v_seq := c.last_seq + 1;
    v_pub := CASE WHEN p_private THEN NULL ELSE c.last_pub_seq + 1 END;

    INSERT INTO chat_message (id, conversation_id, seq, pub_seq, client_id, direction, kind, body, private,
                              author_agent_id, author_contact_id, reply_to_id, delivery, meta, created_at)
    VALUES (p_message, p_conversation, v_seq, v_pub, p_client, p_direction, 'text', p_body, p_private,
            p_agent, p_contact,
            (SELECT r.id FROM chat_message r WHERE r.id = p_reply_to AND r.conversation_id = p_conversation
                AND (r.pub_seq IS NOT NULL OR p_private)),
            'sent', p_meta, p_now)
    RETURNING * INTO m;

    INSERT INTO chat_chatevent (conversation_id, seq, pub_seq, type, message_id, payload, created_at)
    VALUES (p_conversation, v_seq, v_pub, 'message.created', p_message, '{}', p_now);

    UPDATE chat_conversation t SET
        last_seq = v_seq,
        last_pub_seq = coalesce(v_pub, t.last_pub_seq),
        last_activity_at = p_now,
        updated_at = p_now,
        last_message_at = CASE WHEN p_private THEN t.last_message_at ELSE p_now END,
        preview = CASE WHEN p_private THEN t.preview ELSE left(regexp_replace(p_body, '\\s+', ' ', 'g'), 120) END,
        preview_direction = CASE WHEN p_private THEN t.preview_direction ELSE p_direction END,
        waiting_since = CASE WHEN p_direction = 'in' THEN coalesce(t.waiting_since, p_now)
                             WHEN p_direction = 'out' AND NOT p_private THEN NULL ELSE t.waiting_since END,
        first_reply_at = CASE WHEN p_direction = 'out' AND NOT p_private AND t.last_contact_message_at IS NOT NULL
                              THEN coalesce(t.first_reply_at, p_now) ELSE t.first_reply_at END,
        last_contact_message_at = CASE WHEN p_direction = 'in' THEN p_now ELSE t.last_contact_message_at END,
        -- Who writes has read what came before; the other side has one more to read.
        agent_unread = CASE WHEN p_direction = 'in' THEN t.agent_unread + 1
                            WHEN p_direction = 'out' AND NOT p_private THEN 0 ELSE t.agent_unread END,
        agent_seen_seq = CASE WHEN p_direction = 'out' AND NOT p_private THEN v_seq ELSE t.agent_seen_seq END,
        contact_unread = CASE WHEN p_private THEN t.contact_unread WHEN p_direction = 'in' THEN 0 ELSE t.contact_unread + 1 END,
        contact_seen_seq = CASE WHEN p_direction = 'in' THEN v_seq ELSE t.contact_seen_seq END,
        contact_delivered_seq = CASE WHEN p_direction = 'in' THEN v_seq ELSE t.contact_delivered_seq END
    WHERE t.id = p_conversation;

    RETURN QUERY SELECT true, m.id, v_seq, v_pub, m.direction::text, m.body, m.private, m.author_agent_id,
                        m.author_contact_id, m.reply_to_id, m.created_at, c.status::text,
                        p_direction = 'in' AND c.unheard, c.resolved_at;
END
$$
"""

# An entry of the history that is not a message; with `p_activity` it also leaves a line in the thread.
RECORD = """
CREATE FUNCTION chat_record(
    p_conversation uuid, p_type text, p_public boolean, p_payload jsonb, p_activity uuid, p_meta jsonb, p_agent uuid,
    p_now timestamptz
) RETURNS TABLE (seq bigint, pub_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_seq bigint;
    v_pub bigint;
BEGIN
    UPDATE chat_conversation t SET
        last_seq = t.last_seq + 1,
        last_pub_seq = t.last_pub_seq + p_public::int,
        updated_at = p_now
    WHERE t.id = p_conversation
    RETURNING t.last_seq, CASE WHEN p_public THEN t.last_pub_seq END INTO v_seq, v_pub;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p_activity IS NOT NULL THEN
        INSERT INTO chat_message (id, conversation_id, seq, pub_seq, client_id, direction, kind, body, private,
                                  author_agent_id, delivery, meta, created_at)
        VALUES (p_activity, p_conversation, v_seq, v_pub, p_activity, 'activity', 'text', '', false,
                p_agent, 'sent', p_meta, p_now);
    END IF;

    INSERT INTO chat_chatevent (conversation_id, seq, pub_seq, type, message_id, payload, created_at)
    VALUES (p_conversation, v_seq, v_pub, p_type, p_activity, p_payload, p_now);

    RETURN QUERY SELECT v_seq, v_pub;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial"), ("tenants", "0002_functions")]

    operations = [
        migrations.RunSQL(["CREATE SEQUENCE chat_conversation_number"], ["DROP SEQUENCE chat_conversation_number"]),
        migrations.RunSQL(
            [
                "CREATE INDEX chat_message_words ON chat_message USING gin (to_tsvector('pg_catalog.simple', public.f_pt(body)))",
                "CREATE INDEX chat_contact_words ON chat_contact USING gin (to_tsvector('pg_catalog.simple', public.f_pt(name)))",
            ],
            ["DROP INDEX chat_message_words", "DROP INDEX chat_contact_words"],
        ),
        migrations.RunSQL(
            [POST, RECORD],
            [
                "DROP FUNCTION chat_post(uuid, uuid, uuid, text, text, boolean, uuid, uuid, uuid, jsonb, timestamptz)",
                "DROP FUNCTION chat_record(uuid, text, boolean, jsonb, uuid, jsonb, uuid, timestamptz)",
            ],
        ),
    ]
