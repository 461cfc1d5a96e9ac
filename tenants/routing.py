"""Sockets of the console."""

from django.urls import path

from tenants.consumers import SupportConsumer

websocket_urlpatterns = [path("ws/console/support/", SupportConsumer.as_asgi())]
