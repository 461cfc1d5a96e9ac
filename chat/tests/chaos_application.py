"""Our application, which dies between a commit and its push whenever the fuse is lit."""

import os
import signal
from importlib import import_module
from pathlib import Path
from typing import Any

application = import_module("config.asgi").application  # fills the registry of apps first

from chat.consumers import base, pulse  # noqa: E402
from chat.services import hot, messages  # noqa: E402

FUSE = Path(os.environ["CHAOS_FUSE"])

# Nobody waits twenty seconds for a lost push here, and nobody is told to write slower.
pulse.HEARTBEAT_S = 0.5
base.FRAMES_PATIENCE = base.FRAMES_END = 10**9
messages.VISITOR_LIMIT = 10**9

_tell = hot.tell


async def tell(*args: Any, **kwargs: Any) -> None:
    """Push, or die first."""
    if FUSE.exists():  # noqa: ASYNC240 — it is about to die
        FUSE.unlink()  # noqa: ASYNC240
        os.kill(os.getpid(), signal.SIGKILL)
    await _tell(*args, **kwargs)


hot.tell = tell

__all__ = ["application"]
