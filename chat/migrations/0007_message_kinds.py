"""Messages of every kind, of bots and of other channels; the functions of the hot path grow with them."""

from importlib import import_module

import django.db.models.deletion
import ops.kernel.ids
from django.conf import settings
from django.db import migrations, models

POST = """
CREATE FUNCTION chat_post(
    p_conversation uuid, p_message uuid, p_client uuid, p_direction text, p_kind text, p_body text, p_body_html text,
    p_private boolean, p_agent uuid, p_contact uuid, p_bot uuid, p_reply_to uuid, p_source text, p_meta jsonb,
    p_now timestamptz
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
    v_seq bigint;
    v_pub bigint;
BEGIN
    SELECT t.last_seq, t.last_pub_seq, t.status, t.resolved_at, t.last_contact_message_at IS NULL AS unheard,
           t.inbox_id, i.channel
      INTO c FROM chat_conversation t JOIN chat_inbox i ON i.id = t.inbox_id
     WHERE t.id = p_conversation FOR UPDATE OF t;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    SELECT t.* INTO m FROM chat_message t WHERE t.conversation_id = p_conversation AND t.client_id = p_client;
    IF m.id IS NULL AND p_source <> '' THEN
        SELECT t.* INTO m FROM chat_message t WHERE t.inbox_id = c.inbox_id AND t.source_id = p_source;
    END IF;

    IF m.id IS NULL THEN
        v_seq := c.last_seq + 1;
        v_pub := CASE WHEN p_private THEN NULL ELSE c.last_pub_seq + 1 END;
        INSERT INTO chat_message (id, conversation_id, seq, pub_seq, client_id, direction, kind, body, body_html,
                                  private, author_agent_id, author_contact_id, author_bot_id, reply_to_id, delivery,
                                  error, inbox_id, source_id, meta, created_at)
        VALUES (p_message, p_conversation, v_seq, v_pub, p_client, p_direction, p_kind, p_body, p_body_html,
                p_private, p_agent, p_contact, p_bot,
                (SELECT r.id FROM chat_message r WHERE r.id = p_reply_to AND r.conversation_id = p_conversation
                    AND (r.pub_seq IS NOT NULL OR p_private)),
                -- What still has to leave by another channel waits; the website's own visitors ask us for it.
                CASE WHEN p_direction IN ('out', 'bot') AND NOT p_private AND c.channel NOT IN ('web', 'api')
                     THEN 'pending' ELSE 'sent' END,
                '', c.inbox_id, p_source, p_meta, p_now)
        -- Another conversation of this inbox may be storing the same provider's message: whoever was first, has it.
        ON CONFLICT DO NOTHING
        RETURNING * INTO m;
        IF m.id IS NULL THEN
            SELECT t.* INTO STRICT m FROM chat_message t WHERE t.inbox_id = c.inbox_id AND t.source_id = p_source;
            v_seq := NULL;
        END IF;
    END IF;

    IF v_seq IS NULL THEN
        RETURN QUERY SELECT false, m.id, m.conversation_id, m.client_id, m.seq, m.pub_seq, m.direction::text,
                            m.kind::text, m.body, m.private, m.author_agent_id, m.author_contact_id, m.author_bot_id,
                            m.reply_to_id, m.delivery::text, m.edited_at IS NOT NULL OR m.deleted_at IS NOT NULL,
                            m.created_at, c.status::text, false, c.resolved_at;
        RETURN;
    END IF;

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

    RETURN QUERY SELECT true, m.id, p_conversation, m.client_id, v_seq, v_pub, m.direction::text, m.kind::text, m.body,
                        m.private, m.author_agent_id, m.author_contact_id, m.author_bot_id, m.reply_to_id,
                        m.delivery::text, false, m.created_at, c.status::text, p_direction = 'in' AND c.unheard,
                        c.resolved_at;
END
$$
"""

# An entry of the history that is not a new message; `p_message` is the earlier one it tells about, and with
# `p_activity` it also leaves a line in the thread.
RECORD = """
CREATE FUNCTION chat_record(
    p_conversation uuid, p_type text, p_public boolean, p_payload jsonb, p_activity uuid, p_meta jsonb, p_agent uuid,
    p_message uuid, p_now timestamptz
) RETURNS TABLE (seq bigint, pub_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_seq bigint;
    v_pub bigint;
    v_inbox uuid;
BEGIN
    UPDATE chat_conversation t SET
        last_seq = t.last_seq + 1,
        last_pub_seq = t.last_pub_seq + p_public::int,
        updated_at = p_now
    WHERE t.id = p_conversation
    RETURNING t.last_seq, CASE WHEN p_public THEN t.last_pub_seq END, t.inbox_id INTO v_seq, v_pub, v_inbox;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p_activity IS NOT NULL THEN
        INSERT INTO chat_message (id, conversation_id, seq, pub_seq, client_id, direction, kind, body, private,
                                  author_agent_id, delivery, inbox_id, meta, created_at)
        VALUES (p_activity, p_conversation, v_seq, v_pub, p_activity, 'activity', 'text', '', false,
                p_agent, 'sent', v_inbox, p_meta, p_now);
    END IF;

    INSERT INTO chat_chatevent (conversation_id, seq, pub_seq, type, message_id, payload, created_at)
    VALUES (p_conversation, v_seq, v_pub, p_type, coalesce(p_activity, p_message), p_payload, p_now);

    RETURN QUERY SELECT v_seq, v_pub;
END
$$
"""

# What the functions looked like before, for the way back.
POST_BEFORE = import_module("chat.migrations.0002_counter_functions").POST
RECORD_BEFORE = import_module("chat.migrations.0002_counter_functions").RECORD
DROP_POST = "DROP FUNCTION chat_post(uuid, uuid, uuid, text, text, boolean, uuid, uuid, uuid, jsonb, timestamptz)"
DROP_RECORD = "DROP FUNCTION chat_record(uuid, text, boolean, jsonb, uuid, jsonb, uuid, timestamptz)"


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0006_desk_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Bot',
            fields=[
                ('id', models.UUIDField(default=ops.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated at')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('kind', models.CharField(choices=[('retrieval', 'From the help centre'), ('llm', 'Language model'), ('webhook', 'Another program')], default='retrieval', max_length=12, verbose_name='kind')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'bot',
                'verbose_name_plural': 'bots',
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='message',
            name='body_html',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='formatted text'),
        ),
        migrations.AddField(
            model_name='message',
            name='error',
            field=models.CharField(blank=True, db_default='', default='', max_length=300, verbose_name='what went wrong'),
        ),
        migrations.AddField(
            model_name='message',
            name='inbox',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='chat.inbox', verbose_name='inbox'),
        ),
        migrations.AddField(
            model_name='message',
            name='source_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=255, verbose_name='id at the provider'),
        ),
        migrations.AlterField(
            model_name='chatevent',
            name='type',
            field=models.CharField(max_length=32, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='message',
            name='delivery',
            field=models.CharField(choices=[('pending', 'Waiting'), ('unconfirmed', 'Unconfirmed'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('read', 'Read'), ('failed', 'Failed')], default='sent', max_length=12, verbose_name='delivery'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('text', 'Text'), ('attachment', 'Attachment'), ('form', 'Form'), ('csat', 'Rating'), ('article', 'Article'), ('pix', 'Pix charge'), ('template', 'Template message'), ('call', 'Call')], default='text', max_length=12, verbose_name='kind'),
        ),
        migrations.AddField(
            model_name='message',
            name='author_bot',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to='chat.bot', verbose_name='bot'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('source_id', ''), _negated=True), fields=('inbox', 'source_id'), name='chat_message_source_once'),
        ),
        migrations.RunSQL(
            [
                "UPDATE chat_message SET inbox_id = c.inbox_id FROM chat_conversation c WHERE c.id = chat_message.conversation_id",
                # The next migration may alter the table in this same transaction.
                "SET CONSTRAINTS ALL IMMEDIATE",
                "SET CONSTRAINTS ALL DEFERRED",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            [DROP_POST, DROP_RECORD, POST, RECORD],
            [
                "DROP FUNCTION chat_post(uuid, uuid, uuid, text, text, text, text, boolean, uuid, uuid, uuid, uuid, text, jsonb, timestamptz)",
                "DROP FUNCTION chat_record(uuid, text, boolean, jsonb, uuid, jsonb, uuid, uuid, timestamptz)",
                POST_BEFORE,
                RECORD_BEFORE,
            ],
        ),
    ]
