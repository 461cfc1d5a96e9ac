"""When a conversation entered the queue, how long it waited, and that nobody outside the queue has a place in it.
And the open count of agents put right: EXECUTE leaves FOUND alone, so an agent with a profile was counted twice.

Kept by the database, so that no way of assigning can forget it. The clock is the conversation's own
`last_activity_at`, which everybody who moves it sets.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION chat_keep_queue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_waits boolean := NEW.status = 'open' AND NEW.assignee_id IS NULL;
    v_waited boolean := false;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_waited := OLD.status = 'open' AND OLD.assignee_id IS NULL;
    END IF;
    IF v_waits AND NOT v_waited THEN
        NEW.queued_at := NEW.last_activity_at;
        NEW.queue_waited_s := NULL;
    ELSIF NOT v_waits THEN
        IF v_waited AND NEW.assignee_id IS NOT NULL AND OLD.queued_at IS NOT NULL THEN
            NEW.queue_waited_s := greatest(0, extract(epoch FROM NEW.last_activity_at - OLD.queued_at))::int;
        END IF;
        NEW.queued_at := NULL;
        NEW.queue_position := NULL;
        NEW.queue_wait_s := NULL;
    END IF;
    RETURN NEW;
END
$$
"""

TRIGGER = """
CREATE TRIGGER chat_keep_queue BEFORE INSERT OR UPDATE OF status, assignee_id ON chat_conversation
    FOR EACH ROW EXECUTE FUNCTION chat_keep_queue()
"""

# Conversations that were in the queue before the trigger.
FILL = """
UPDATE chat_conversation SET queued_at = coalesce(waiting_since, created_at)
WHERE status = 'open' AND assignee_id IS NULL
"""

OPEN_COUNT = """
CREATE OR REPLACE FUNCTION chat_keep_open_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_before uuid;
    v_after uuid;
    v_given boolean := false;
    v_user uuid;
    v_rows bigint;
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.status = 'open' THEN
        v_before := OLD.assignee_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF NEW.status = 'open' THEN
            v_after := NEW.assignee_id;
        END IF;
        v_given := NEW.assignee_id IS NOT NULL
            AND (TG_OP = 'INSERT' OR OLD.assignee_id IS DISTINCT FROM NEW.assignee_id);
    END IF;

    FOR v_user IN
        SELECT DISTINCT u FROM unnest(ARRAY[
            CASE WHEN v_before IS DISTINCT FROM v_after THEN v_before END,
            CASE WHEN v_before IS DISTINCT FROM v_after THEN v_after END,
            CASE WHEN v_given THEN NEW.assignee_id END
        ]) AS u WHERE u IS NOT NULL ORDER BY u
    LOOP
        EXECUTE format(
            'UPDATE %I.chat_agentprofile SET open_count = greatest(open_count + $2, 0),'
            ' last_assigned_at = CASE WHEN $3 THEN clock_timestamp() ELSE last_assigned_at END WHERE user_id = $1',
            TG_TABLE_SCHEMA
        ) USING v_user,
            CASE WHEN v_before IS NOT DISTINCT FROM v_after THEN 0
                 WHEN v_user = v_after THEN 1 WHEN v_user = v_before THEN -1 ELSE 0 END,
            v_given AND v_user = NEW.assignee_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows = 0 AND (v_user = v_after OR (v_given AND v_user = NEW.assignee_id)) THEN
            EXECUTE format(
                'INSERT INTO %I.chat_agentprofile (id, user_id, open_count, last_assigned_at)'
                ' VALUES (gen_random_uuid(), $1, $2, CASE WHEN $3 THEN clock_timestamp() END)'
                ' ON CONFLICT (user_id) DO UPDATE SET open_count = chat_agentprofile.open_count + excluded.open_count,'
                ' last_assigned_at = coalesce(excluded.last_assigned_at, chat_agentprofile.last_assigned_at)',
                TG_TABLE_SCHEMA
            ) USING v_user, CASE WHEN v_user = v_after AND v_before IS DISTINCT FROM v_after THEN 1 ELSE 0 END, v_given;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

RECOUNT = """
UPDATE chat_agentprofile p SET open_count = (
    SELECT count(*) FROM chat_conversation c WHERE c.assignee_id = p.user_id AND c.status = 'open'
)
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0012_calls")]

    operations = [
        migrations.RunSQL(
            [FUNCTION, TRIGGER, FILL],
            ["DROP TRIGGER chat_keep_queue ON chat_conversation", "DROP FUNCTION chat_keep_queue()"],
        ),
        migrations.RunSQL([OPEN_COUNT, RECOUNT], migrations.RunSQL.noop),
    ]
