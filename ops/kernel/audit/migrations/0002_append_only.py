"""Entries cannot be changed, and each carries the hash of the one before it in its schema.

The functions stand in `public` once for all schemas, because a tenant is made by replaying a dump of another:
what a trigger calls must not live in, or name, the schema it was dumped from. They act on the table that fired
them. Sealing happens at commit (a deferred trigger), so the lock that orders entries is held for the commit only
and never while a service still waits for other rows.
"""

from django.db import migrations

FUNCTIONS = """
CREATE OR REPLACE FUNCTION public.audit_digest(
    prev text, seq bigint, id uuid, at timestamptz, action text, actor_id text, actor_label text, actor_kind text,
    object_type text, object_id text, object_label text, detail jsonb, request_id text, ip text
) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        prev, seq, id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), action, actor_id, actor_label, actor_kind,
        object_type, object_id, object_label, detail, request_id, ip
    )::text, 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION public.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The one change there is: the seal, written by audit_seal() at commit.
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        IF OLD.hash = '' AND NEW.hash <> ''
            AND to_jsonb(NEW) - '{seq,prev_hash,hash}'::text[] = to_jsonb(OLD) - '{seq,prev_hash,hash}'::text[]
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % on %.% is refused.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION public.audit_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq bigint;
    last_hash text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || TG_TABLE_SCHEMA, 0));
    EXECUTE format('SELECT seq, hash FROM %I.%I WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO last_seq, last_hash;
    last_seq := coalesce(last_seq, 0) + 1;
    last_hash := coalesce(last_hash, '');
    EXECUTE format('UPDATE %I.%I SET seq = $1, prev_hash = $2, hash = $3 WHERE id = $4', TG_TABLE_SCHEMA, TG_TABLE_NAME)
        USING last_seq, last_hash, public.audit_digest(
            last_hash, last_seq, NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.actor_label, NEW.actor_kind,
            NEW.object_type, NEW.object_id, NEW.object_label, NEW.detail, NEW.request_id, NEW.ip
        ), NEW.id;
    RETURN NULL;
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION public.audit_seal();
DROP FUNCTION public.audit_refuse();
DROP FUNCTION public.audit_digest(text, bigint, uuid, timestamptz, text, text, text, text, text, text, text, jsonb, text, text);
"""

TRIGGERS = """
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON audit_auditentry
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON audit_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();
CREATE CONSTRAINT TRIGGER audit_seal AFTER INSERT ON audit_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION public.audit_seal();
"""

DROP_TRIGGERS = """
DROP TRIGGER audit_seal ON audit_auditentry;
DROP TRIGGER audit_refuse_truncate ON audit_auditentry;
DROP TRIGGER audit_refuse ON audit_auditentry;
"""


def in_public(sql):
    def run(apps, schema_editor):
        if schema_editor.connection.schema_name == "public":
            schema_editor.execute(sql, params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(in_public(FUNCTIONS), in_public(DROP_FUNCTIONS)),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
