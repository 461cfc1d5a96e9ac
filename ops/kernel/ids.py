"""Identifiers: UUIDv7, ordered by time, so that an index of primary keys grows at its end."""

import hashlib
import os
import threading
import time
import uuid
from datetime import datetime

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562, method 1): milliseconds, a counter, 62 random bits.

    Ids made by one process are strictly increasing, also within one millisecond and when the clock
    steps back, so "order by id" is the order of creation.
    """
    global _last_ms, _counter
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms = now_ms
            # Half of the counter's range stays free, so that bursts do not overflow it.
            _counter = int.from_bytes(os.urandom(2), "big") & 0x7FF
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms += 1
                _counter = 0
        stamp, counter = _last_ms, _counter
    tail = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=(stamp << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail)


def uuid7_of(moment: datetime, name: str) -> uuid.UUID:
    """The UUID version 7 of something made at an instant elsewhere, always the same for the same name.

    It sorts among our own ids where it belongs by its age.
    """
    stamp = max(0, int(moment.timestamp() * 1000)) & 0xFFFF_FFFF_FFFF
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    high, low = digest >> 64 & 0xFFF, digest & 0x3FFF_FFFF_FFFF_FFFF
    return uuid.UUID(int=(stamp << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
