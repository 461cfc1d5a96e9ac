"""A mark moves only over messages of the other side: what no event tells must not change what a client is shown."""

from importlib import import_module

from django.db import migrations

MARK = """
CREATE OR REPLACE FUNCTION chat_mark(p_conversation uuid, p_contact_inbox uuid, p_mark text, p_place bigint, p_now timestamptz)
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
        IF NOT v_news THEN
            RETURN NEXT;
            RETURN;
        END IF;
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
        IF NOT v_news THEN
            RETURN NEXT;
            RETURN;
        END IF;
        UPDATE chat_conversation t SET
            contact_delivered_seq = greatest(v_upto, t.contact_delivered_seq),
            contact_seen_seq = CASE WHEN p_mark = 'read' THEN v_upto ELSE t.contact_seen_seq END,
            contact_unread = CASE WHEN p_mark <> 'read' OR t.contact_unread = 0 THEN t.contact_unread * (p_mark <> 'read')::int ELSE
                (SELECT count(*) FROM chat_message m WHERE m.conversation_id = p_conversation
                    AND m.direction IN ('out', 'bot') AND m.pub_seq IS NOT NULL AND m.seq > v_upto) END
        WHERE t.id = p_conversation;
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

BEFORE = import_module("chat.migrations.0014_hot_path").MARK.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("chat", "0018_privacy")]

    operations = [migrations.RunSQL([MARK], [BEFORE])]
