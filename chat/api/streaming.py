"""Waiting for events over an ordinary request, for networks that let no socket through.

The answer comes as soon as something happens in the tenant, or after `WAIT_S` without anything. While it waits a
request holds no connection to the database. Only the ASGI server waits; a WSGI worker would be one less for
everybody else, so there the answer comes at once.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse

from ops.kernel import live

WAIT_S = 25
# What comes together is told together.
GATHER_S = 0.02


def waiting(view: Callable[..., HttpResponse], *, group: str = "agents") -> Callable[..., Any]:
    """A view of events that, asked with `wait`, answers when there is one. It keeps its address, rules and schema.

    `group` is where its events are pushed, with the address's arguments by name: `pub.{conversation_id}`. Listening
    tells nothing but that it is time to ask the view again, which judges who asks.
    """

    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_s = _seconds(request)
        if not wait_s:
            return await sync_to_async(view)(request, *args, **kwargs)
        layer = get_channel_layer()
        heard = asyncio.Event()
        channel = layer.attach(lambda message: heard.set() if '"type":"event"' in message.get("text", "") else None)
        place = live.group(group.format(**kwargs), schema=await sync_to_async(_schema)())
        try:
            # Listen first and look then, so that nothing falls between.
            await layer.group_add(place, channel)
            response = await sync_to_async(view)(request, *args, **kwargs)
            if response.status_code != 200 or response.data["events"]:  # type: ignore[attr-defined]
                return response
            await sync_to_async(close_old_connections)()
            try:
                await asyncio.wait_for(heard.wait(), timeout=wait_s)
            except TimeoutError:
                return response
            await asyncio.sleep(GATHER_S)
            return await sync_to_async(view)(request, *args, **kwargs)
        finally:
            await layer.group_discard(place, channel)
            layer.detach(channel)

    # The names by which the schema and the guards of the house know a view of the API.
    functools.update_wrapper(answer, view)
    return answer


def _seconds(request: HttpRequest) -> int:
    text = request.GET.get("wait", "")
    if not isinstance(request, ASGIRequest) or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:4]), WAIT_S)


def _schema() -> str:
    return connection.schema_name
