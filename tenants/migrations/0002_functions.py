"""What every schema finds in public: accent folding, Portuguese plurals, vectors.

The embedded PostgreSQL has neither `unaccent` nor `pg_trgm`, and the `portuguese` stemmer fails on real words
(it makes nothing of "acentuações"), so search runs on the `simple` configuration over these two functions.
Tenants' schemas are replayed from a dump, so nothing of this may live in one of them.
"""

from django.db import migrations

FUNCTIONS = r"""
CREATE FUNCTION public.f_unaccent(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN regexp_replace(normalize(lower(t), NFKD), '[\u0300-\u036f]', '', 'g');

CREATE FUNCTION public.f_pt(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN regexp_replace(
        regexp_replace(public.f_unaccent(t), '(oes|aes|aos)\M', 'ao', 'g'), '(\w{3,})s\M', '\1', 'g');
"""

# The schema of a tenant is written into its files, cache keys, tokens and links: it never changes.
IMMUTABLE_SCHEMA = """
CREATE FUNCTION public.tenants_schema_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the schema of a tenant never changes' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER tenant_schema_is_final BEFORE UPDATE OF schema_name ON public.tenants_tenant
    FOR EACH ROW WHEN (OLD.schema_name IS DISTINCT FROM NEW.schema_name)
    EXECUTE FUNCTION public.tenants_schema_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public", migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTIONS, "DROP FUNCTION public.f_pt(text); DROP FUNCTION public.f_unaccent(text);"),
        migrations.RunSQL(
            IMMUTABLE_SCHEMA,
            "DROP TRIGGER tenant_schema_is_final ON public.tenants_tenant; DROP FUNCTION public.tenants_schema_is_final();",
        ),
    ]
