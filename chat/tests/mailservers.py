"""Mail servers on the loopback: an SMTP server that keeps what it was given, and an IMAP server of one folder."""

import re
import socket
import socketserver
import threading
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Kept:
    """Takes mails, unless a refusal is set."""

    def __init__(self):
        self.envelopes = []
        self.refusal = ""

    async def handle_DATA(self, server, session, envelope):
        if self.refusal:
            return self.refusal
        self.envelopes.append(envelope)
        return "250 OK"


def _authenticate(server, session, envelope, mechanism, given):
    fits = isinstance(given, LoginPassword) and (given.login, given.password) == (b"ajuda", b"segredo")
    return AuthResult(success=fits, handled=False)


@contextmanager
def smtp(*, login=False):
    """An SMTP server: `.port`, and `.kept` with its envelopes."""
    kept = Kept()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=0,
        authenticator=_authenticate,
        auth_required=login,
        auth_require_tls=False,
    )

    def call():
        # The controller would call port 0.
        with socket.create_connection(("127.0.0.1", controller.server.sockets[0].getsockname()[1])) as line:
            line.recv(100)

    controller._trigger_server = call
    controller.start()
    try:
        controller.kept = kept
        controller.port = controller.server.sockets[0].getsockname()[1]
        yield controller
    finally:
        controller.stop(no_assert=True)


class Mailbox(socketserver.ThreadingTCPServer):
    """One folder of an IMAP server (RFC 3501, as far as it is read here)."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Imap)
        self.mails = {}
        self.validity, self.next_uid = 7, 1
        self.password = "segredo"
        self.seen = []

    @property
    def port(self):
        return self.server_address[1]

    def add(self, raw):
        self.mails[self.next_uid] = raw
        self.next_uid += 1


class _Imap(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("* OK IMAP4rev1 ready")
        for line in self.rfile:
            tag, _, command = line.decode().strip().partition(" ")
            self.server.seen.append(command)
            name = command.split(" ")[0].upper()
            if name == "LOGOUT":
                self.say("* BYE")
                self.say(f"{tag} OK")
                return
            self.answer(tag, name, command)

    def answer(self, tag, name, command):
        box = self.server
        if name == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
        elif name == "LOGIN":
            if box.password not in command:
                self.say(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")
                return
        elif name in {"SELECT", "EXAMINE"}:
            self.say(f"* {len(box.mails)} EXISTS")
            self.say(f"* OK [UIDVALIDITY {box.validity}] valid")
            self.say(f"* OK [UIDNEXT {box.next_uid}] next")
        elif "SEARCH" in command:
            first = int(re.search(r"UID (\d+):", command)[1])
            found = [uid for uid in box.mails if uid >= first] or [max(box.mails, default=0)]
            self.say("* SEARCH " + " ".join(str(uid) for uid in found if uid))
        elif "FETCH" in command:
            uid = int(re.search(r"FETCH (\d+)", command)[1])
            raw = box.mails[uid]
            if "SIZE" in command:
                self.say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)})")
            else:
                self.wfile.write(f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        self.say(f"{tag} OK done")


@contextmanager
def imap():
    """An IMAP server: `.port`, `.add(raw)`, `.seen` commands."""
    server = Mailbox()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
