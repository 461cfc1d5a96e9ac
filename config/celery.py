"""The Celery app. The tenant travels in a header set by the signals of `ops.kernel.tasks`."""

import os
from typing import Any

from celery import Celery
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("balcao")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def collect_schedules(sender: Celery, **_: Any) -> None:
    """Each app says in its `AppConfig.schedule` which task runs how often: `{"billing.read_gauges": 600}`, in seconds."""
    for config in apps.get_app_configs() if apps.ready else ():
        for task, every in getattr(config, "schedule", {}).items():
            sender.conf.beat_schedule[task] = {"task": task, "schedule": every}
