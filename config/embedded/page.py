"""Whether the pages answer: asked without waiting, so that the one who asks can do other things meanwhile."""

import contextlib
import selectors
import socket

PAUSE_S = 0.1
PATIENCE_S = 20.0


class Page:
    """`http://localhost:PORT/`, asked for again and again until it answers 200."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self.port, self.selector = port, selector
        self.status = ""  # the last answer
        self.delivered = False  # it was 200
        self.asked_at = 0.0
        self.next_at = 0.0
        self.socket: socket.socket | None = None

    def ask(self, now: float) -> bool:
        """Ask when it is time to. False when the last question was never answered."""
        if self.socket is not None and now - self.asked_at > PATIENCE_S:
            self.close()
            return False
        if self.socket is None and now >= self.next_at:
            self.asked_at = now
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=1.0)
                self.selector.register(self.socket, selectors.EVENT_READ)
                self.socket.sendall(
                    f"GET / HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode()
                )
            except OSError:
                self.close()
                self.next_at = now + PAUSE_S
        return True

    def read(self, now: float) -> bool:
        """Take the answer. True when it is news."""
        assert self.socket is not None
        words: list[bytes] = []
        with contextlib.suppress(OSError):
            words = self.socket.recv(4096).split(b" ", 2)
        self.close()
        before, self.status = self.status, words[1].decode() if len(words) > 1 else ""
        self.delivered = self.status == "200"
        self.next_at = now + (2.0 if self.status else PAUSE_S)  # an error page now is one in 0.1 s too
        return bool(self.status) and self.status != before

    def close(self) -> None:
        """Ask no more."""
        if self.socket is not None:
            with contextlib.suppress(KeyError):
                self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None
