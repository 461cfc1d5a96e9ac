"""WhatsApp takes free words for a day only: a reply there leaves the hot path, and the whole service judges it."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("chat.migrations.0014_hot_path").SEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
BEGIN = "BEGIN\n    IF p_contact_inbox IS NOT NULL THEN\n"
MINDFUL = """BEGIN
    IF p_contact_inbox IS NULL AND NOT p_private AND EXISTS (
        SELECT 1 FROM chat_conversation t JOIN chat_inbox i ON i.id = t.inbox_id
         WHERE t.id = p_conversation AND i.channel = 'whatsapp'
    ) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_contact_inbox IS NOT NULL THEN
"""
assert BEGIN in BEFORE
AFTER = BEFORE.replace(BEGIN, MINDFUL, 1)


class Migration(migrations.Migration):
    dependencies = [("chat", "0020_promise_notice")]

    operations = [migrations.RunSQL([AFTER], [BEFORE])]
