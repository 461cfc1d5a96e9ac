"""The tiny product's only page; asked for /pid it names the process that answers."""

import os


async def application(scope, receive, send):
    body = str(os.getpid()).encode() if scope["path"] == "/pid" else b"open"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
