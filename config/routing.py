"""Every socket of the house. The tenant of the host is found first; an unknown host gets no further."""

from channels.routing import URLRouter

from chat.routing import websocket_urlpatterns as chat
from tenants.routing import websocket_urlpatterns as console
from tenants.sockets import TenantSocketMiddleware

websocket = TenantSocketMiddleware(URLRouter([*chat, *console]))
