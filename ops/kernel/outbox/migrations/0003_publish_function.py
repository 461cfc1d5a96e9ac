"""Publishing as a function, so that SQL that writes a change can publish it in the same statement."""

from django.db import migrations

# `p_wake` tells the dispatcher at the commit. NOTIFY lets one transaction commit at a time, so who publishes often
# wakes it afterwards, once for many.
PUBLISH = """
CREATE FUNCTION public.outbox_publish(
    p_schema text, p_id uuid, p_name text, p_aggregate text, p_payload jsonb, p_request text, p_user text,
    p_receivers text[], p_wake boolean
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_position bigint;
    v_at timestamptz := clock_timestamp();
BEGIN
    INSERT INTO public.outbox_outboxevent (id, schema, name, aggregate, payload, request_id, user_id, at)
    VALUES (p_id, p_schema, p_name, p_aggregate, p_payload, p_request, p_user, v_at)
    RETURNING position INTO v_position;
    IF cardinality(p_receivers) = 0 THEN
        RETURN;
    END IF;
    INSERT INTO public.outbox_outboxdelivery (event_id, receiver, schema, aggregate, state, attempts, due_at, last_error)
    SELECT v_position, receiver, p_schema, p_aggregate, 'pending', 0, v_at, '' FROM unnest(p_receivers) AS receiver;
    IF p_wake THEN
        PERFORM pg_notify('outbox', '');
    END IF;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0002_vacuum")]

    operations = [
        migrations.RunSQL(
            PUBLISH,
            "DROP FUNCTION public.outbox_publish(text, uuid, text, text, jsonb, text, text, text[], boolean)",
        )
    ]
