"""The baseline of `echo`: what the documentation of Channels shows, over the same layer."""

from config.asgi import application as _ours  # noqa: F401 # isort: skip — sets Django up for the others

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.urls import path


class Echo(AsyncWebsocketConsumer):
    """Sends what it receives to a group."""

    async def connect(self):
        await self.channel_layer.group_add("bench.echo", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("bench.echo", self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("bench.echo", {"type": "echo.message", "text": text_data})

    async def echo_message(self, event):
        await self.send(text_data=event["text"])


application = URLRouter([path("echo/", Echo.as_asgi())])
