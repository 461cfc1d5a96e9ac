"""How many open conversations each agent has, kept by the database; and the index behind searching companies.

The function acts on the schema of the table that fired it, so a copy or a dump of a schema works with its own rows.
Two agents are always touched in the order of their ids, so that two hand-overs in opposite directions do not block
each other. `last_assigned_at` is when the agent was last given something, whoever gave it.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION chat_keep_open_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_before uuid;
    v_after uuid;
    v_given boolean := false;
    v_user uuid;
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
        IF NOT FOUND AND (v_user = v_after OR (v_given AND v_user = NEW.assignee_id)) THEN
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

TRIGGERS = [
    """
    CREATE TRIGGER chat_keep_open_count AFTER INSERT OR DELETE ON chat_conversation
        FOR EACH ROW EXECUTE FUNCTION chat_keep_open_count()
    """,
    """
    CREATE TRIGGER chat_keep_open_count_changed AFTER UPDATE OF status, assignee_id ON chat_conversation
        FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.assignee_id IS DISTINCT FROM NEW.assignee_id)
        EXECUTE FUNCTION chat_keep_open_count()
    """,
]

# Conversations that were there before the trigger.
COUNT = """
INSERT INTO chat_agentprofile (id, user_id, open_count)
SELECT gen_random_uuid(), assignee_id, count(*) FILTER (WHERE status = 'open')
FROM chat_conversation WHERE assignee_id IS NOT NULL GROUP BY assignee_id
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_desk"), ("tenants", "0002_functions")]

    operations = [
        migrations.RunSQL(
            [FUNCTION, *TRIGGERS, COUNT],
            [
                "DROP TRIGGER chat_keep_open_count_changed ON chat_conversation",
                "DROP TRIGGER chat_keep_open_count ON chat_conversation",
                "DROP FUNCTION chat_keep_open_count()",
            ],
        ),
        migrations.RunSQL(
            [
                "CREATE INDEX chat_contact_company_words ON chat_contact"
                " USING gin (to_tsvector('pg_catalog.simple', public.f_pt(company)))",
            ],
            ["DROP INDEX chat_contact_company_words"],
        ),
    ]
