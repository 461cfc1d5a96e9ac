"""The five plans of the catalogue. Plans live in the public schema only."""

from django.db import migrations

GB = 1024**3

# slug, name, agents, conversations a month, GB, API requests in 15 minutes, features
PLANS = [
    ("starter", "Starter", 3, 1_000, 5, 100, {"fileUpload"}),
    ("professional", "Professional", 10, 10_000, 25, 100, {"fileUpload", "audioRecording", "analytics"}),
    ("business", "Business", 25, 50_000, 100, 100, {"fileUpload", "audioRecording", "analytics", "videoCall"}),
    ("enterprise", "Enterprise", None, None, 500, 1000, {"fileUpload", "audioRecording", "analytics", "videoCall"}),
    ("white-label", "White-Label", None, None, 500, 1000, {"fileUpload", "audioRecording", "analytics", "videoCall"}),
]
FEATURES = ["audioRecording", "fileUpload", "videoCall", "analytics"]


def add(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for order, (slug, name, agents, conversations, gigabytes, requests, features) in enumerate(PLANS, start=1):
        plan.objects.update_or_create(
            slug=slug,
            defaults={
                "name": name,
                "order": order,
                "limits": {
                    "chat.agents": agents,
                    "chat.conversations_month": conversations,
                    "storage.bytes": gigabytes * GB,
                    "api.requests_15min": requests,
                },
                "flags": {feature: feature in features for feature in FEATURES},
            },
        )


def remove(apps, schema_editor):
    apps.get_model("billing", "Plan").objects.filter(slug__in=[row[0] for row in PLANS], subscriptions=None).delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
