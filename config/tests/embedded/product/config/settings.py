"""The tiny product's settings: a database and nothing in it."""

import os
from urllib.parse import parse_qs, urlsplit

if os.environ.get("BROKEN"):
    raise RuntimeError("the settings are wrong")
DEMO = False
USE_TZ = True
SECRET_KEY = "not a secret"
INSTALLED_APPS: list[str] = []
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "app",
        "USER": "app",
        "HOST": parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0],
    }
}
