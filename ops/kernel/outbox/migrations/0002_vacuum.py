"""A queue changes every row twice and asks only for the few that wait: it is vacuumed and measured early, or the
index of what waits fills with what is over."""

from django.db import migrations

SETTINGS = """
ALTER TABLE public.outbox_outboxdelivery SET (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500
)
"""
RESET = """
ALTER TABLE public.outbox_outboxdelivery RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold
)
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [migrations.RunSQL(SETTINGS, RESET)]
