"""The tiny product's Celery app, without tasks."""

import os

from celery import Celery

app = Celery(
    "tiny", broker="redis+socket://" + os.environ["REDIS_URL"].removeprefix("unix://").split("?")[0] + "?virtual_host=0"
)
