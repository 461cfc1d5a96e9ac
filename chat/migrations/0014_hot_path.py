"""What sockets do all day as one statement each: send, and mark as read or delivered."""

from django.db import migrations

# A plain message and the event about it. Of a visitor only where nothing else has to happen: a first message is
# counted and a closed conversation opens again, which is more than a message; then `created` is null and nothing
# was written.
SEND = """
CREATE FUNCTION chat_send(
    p_conversation uuid, p_contact_inbox uuid, p_message uuid, p_client uuid, p_direction text, p_body text,
    p_private boolean, p_agent uuid, p_contact uuid, p_reply_to uuid, p_now timestamptz,
    p_schema text, p_event uuid, p_name text, p_aggregate text, p_payload jsonb, p_request text, p_user text,
    p_receivers text[]
) RETURNS TABLE (
    created boolean, message_id uuid, conversation_id uuid, client_id uuid, seq bigint, pub_seq bigint, direction text,
    kind text, body text, private boolean, author_agent_id uuid, author_contact_id uuid, author_bot_id uuid,
    reply_to_id uuid, delivery text, changed boolean, created_at timestamptz,
    status text, first_from_contact boolean, resolved_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    c record;
    m record;
BEGIN
    IF p_contact_inbox IS NOT NULL THEN
        SELECT t.status, t.last_contact_message_at INTO c FROM chat_conversation t
         WHERE t.id = p_conversation AND t.contact_inbox_id = p_contact_inbox FOR UPDATE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        IF c.status IN ('resolved', 'snoozed') OR c.last_contact_message_at IS NULL THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT p.* INTO m FROM chat_post(
        p_conversation, p_message, p_client, p_direction, 'text', p_body, '', p_private, p_agent, p_contact, NULL,
        p_reply_to, '', '{}', p_now
    ) p;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF m.created THEN
        PERFORM public.outbox_publish(
            p_schema, p_event, p_name, p_aggregate, p_payload, p_request, p_user, p_receivers, false
        );
    END IF;
    RETURN QUERY SELECT m.created, m.message_id, m.conversation_id, m.client_id, m.seq, m.pub_seq, m.direction, m.kind,
                        m.body, m.private, m.author_agent_id, m.author_contact_id, m.author_bot_id, m.reply_to_id,
                        m.delivery, m.changed, m.created_at, m.status, m.first_from_contact, m.resolved_at;
END
$$
"""

# Everything up to a place was read or delivered: by the team (`p_contact_inbox` is null, the place is a seq), or by the
# visitor, who counts in pub_seq. Marks only move up. One row when the conversation is there, its numbers null when
# nobody has to be told.
MARK = """
CREATE FUNCTION chat_mark(p_conversation uuid, p_contact_inbox uuid, p_mark text, p_place bigint, p_now timestamptz)
RETURNS TABLE (seq bigint, pub_seq bigint, mark_seq bigint, mark_pub bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    c record;
    v_upto bigint;
    v_reached bigint;
    v_news boolean;
    v_public bigint;
BEGIN
    SELECT t.last_seq, t.last_pub_seq, t.agent_seen_seq, t.contact_seen_seq, t.contact_delivered_seq, t.agent_unread,
           t.contact_unread
      INTO c FROM chat_conversation t
     WHERE t.id = p_conversation AND (p_contact_inbox IS NULL OR t.contact_inbox_id = p_contact_inbox) FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p_contact_inbox IS NULL THEN
        v_upto := least(p_place, c.last_seq);
        v_reached := c.agent_seen_seq;
    ELSE
        SELECT e.seq INTO v_upto FROM chat_chatevent e
         WHERE e.conversation_id = p_conversation AND e.pub_seq = least(p_place, c.last_pub_seq);
        v_reached := CASE WHEN p_mark = 'read' THEN c.contact_seen_seq
                          ELSE greatest(c.contact_seen_seq, c.contact_delivered_seq) END;
    END IF;
    IF v_upto IS NULL OR v_upto <= v_reached THEN
        RETURN NEXT;
        RETURN;
    END IF;

    IF p_contact_inbox IS NULL THEN
        v_news := EXISTS (SELECT 1 FROM chat_message m WHERE m.conversation_id = p_conversation AND m.direction = 'in'
                          AND m.seq > v_reached AND m.seq <= v_upto);
        UPDATE chat_conversation t SET
            agent_seen_seq = v_upto,
            agent_unread = CASE WHEN t.agent_unread = 0 THEN 0 ELSE
                (SELECT count(*) FROM chat_message m WHERE m.conversation_id = p_conversation AND m.direction = 'in'
                    AND m.seq > v_upto) END
        WHERE t.id = p_conversation;
    ELSE
        v_news := EXISTS (SELECT 1 FROM chat_message m WHERE m.conversation_id = p_conversation
                          AND m.direction IN ('out', 'bot') AND m.pub_seq IS NOT NULL
                          AND m.seq > v_reached AND m.seq <= v_upto);
        UPDATE chat_conversation t SET
            contact_delivered_seq = greatest(v_upto, t.contact_delivered_seq),
            contact_seen_seq = CASE WHEN p_mark = 'read' THEN v_upto ELSE t.contact_seen_seq END,
            contact_unread = CASE WHEN p_mark <> 'read' OR t.contact_unread = 0 THEN t.contact_unread * (p_mark <> 'read')::int ELSE
                (SELECT count(*) FROM chat_message m WHERE m.conversation_id = p_conversation
                    AND m.direction IN ('out', 'bot') AND m.pub_seq IS NOT NULL AND m.seq > v_upto) END
        WHERE t.id = p_conversation;
    END IF;
    IF NOT v_news THEN
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT m.pub_seq INTO v_public FROM chat_message m
     WHERE m.conversation_id = p_conversation AND m.pub_seq IS NOT NULL AND m.seq <= v_upto ORDER BY m.seq DESC LIMIT 1;
    RETURN QUERY SELECT r.seq, r.pub_seq, v_upto, coalesce(v_public, 0) FROM chat_record(
        p_conversation, 'message.delivery', true,
        jsonb_build_object('mark', p_mark, 'by', CASE WHEN p_contact_inbox IS NULL THEN 'agent' ELSE 'contact' END,
                           'seq', v_upto, 'public', jsonb_build_object('seq', coalesce(v_public, 0))),
        NULL, '{}', NULL, NULL, p_now
    ) r;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0013_queue_trigger"), ("outbox", "0003_publish_function")]

    operations = [
        migrations.RunSQL(
            [SEND, MARK],
            [
                "DROP FUNCTION chat_send(uuid, uuid, uuid, uuid, text, text, boolean, uuid, uuid, uuid, timestamptz,"
                " text, uuid, text, text, jsonb, text, text, text[])",
                "DROP FUNCTION chat_mark(uuid, uuid, text, bigint, timestamptz)",
            ],
        )
    ]
