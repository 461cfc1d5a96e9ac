"""ASGI: sockets in production, everything in development."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()  # fills the app registry, so the routes are imported after it

from config.routing import websocket

application = ProtocolTypeRouter({"http": http, "websocket": websocket})

# What was loaded stays, half a million objects. Nobody need look through them again whenever many sockets come.
gc.collect()
gc.freeze()
