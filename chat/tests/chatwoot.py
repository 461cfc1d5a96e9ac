"""A pretended Chatwoot on loopback: the published answers of its application API, its pages, its token."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
T0 = 1_700_000_000


def contact(number, **fields):
    """A contact as `/contacts` and the sender of a conversation show it."""
    return {
        "id": number,
        "name": f"Person {number}",
        "email": f"person{number}@example.com",
        "phone_number": None,
        "identifier": None,
        "thumbnail": "",
        "blocked": False,
        "additional_attributes": {},
        "custom_attributes": {},
        "created_at": T0 + number,
        "last_activity_at": T0 + 100 + number,
    } | fields


def message(number, kind=0, content="Oi", **fields):
    """A line of a conversation."""
    return {
        "id": number,
        "content": content,
        "message_type": kind,
        "content_type": "text",
        "content_attributes": {},
        "private": False,
        "created_at": T0 + 1000 + number,
        "sender": {"id": 7, "type": "user", "name": "Bia"} if kind == 1 else {"id": 1, "type": "contact"},
        "source_id": None,
    } | fields


def conversation(number, sender, inbox=3, **fields):
    """A conversation as the list shows it."""
    return {
        "id": number,
        "inbox_id": inbox,
        "status": "resolved",
        "priority": None,
        "labels": [],
        "custom_attributes": {},
        "additional_attributes": {},
        "snoozed_until": None,
        "created_at": T0 + 500 + number,
        "last_activity_at": T0 + 5000 + number,
        "meta": {"sender": sender, "channel": "Channel::WebWidget"},
        "messages": [],
    } | fields


class PretendedChatwoot:
    """One account, number 5, open to the token `secret`."""

    def __init__(self):
        self.contacts, self.conversations, self.messages, self.tagged, self.articles = [], [], {}, {}, []
        self.labels, self.canned, self.portals = [], [], []
        self.agents = [{"id": 7, "name": "Bia", "email": "BIA@acme.example", "role": "agent"}]
        self.inboxes = [{"id": 3, "name": "Site", "channel_type": "Channel::WebWidget"}]
        self.files = {"photo.png": PNG}
        self.troubles, self.asked = [], []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        """Stop."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def picture(self, number, name="photo.png"):
        """An attachment; its address redirects, as Active Storage does."""
        return {"id": number, "file_type": "image", "data_url": f"{self.url}/rails/blobs/redirect/{name}"}

    def answer(self, path, query, token):
        """Status, body and headers for a request."""
        self.asked.append((path, query))
        if path.startswith("/rails/blobs/redirect/"):
            return 302, b"", {"Location": path.replace("redirect", "disk")}
        if path.startswith("/rails/blobs/disk/"):
            assert token is None, "the token must not travel with files"
            found = self.files.get(path.rpartition("/")[2])
            return (200, found, {}) if found is not None else (404, b"", {})
        if self.troubles:
            status, headers = self.troubles.pop(0)
            if status:
                return status, {"error": "Rate limit exceeded"}, headers
        if token != "secret":
            return 401, {"errors": ["You need to sign in or sign up before continuing."]}, {}
        parts = path.removeprefix("/api/v1/accounts/5").strip("/").split("/")
        page = int(query.get("page", ["1"])[0])

        def cut(rows, size):
            return rows[(page - 1) * size : page * size]

        match parts:
            case [""]:
                body = {"id": 5, "name": "Padaria"}
            case ["agents"]:
                body = self.agents
            case ["labels"]:
                body = {"payload": self.labels}
            case ["canned_responses"]:
                body = self.canned
            case ["inboxes"]:
                body = {"payload": self.inboxes}
            case ["contacts"]:
                label = query.get("labels[]", [""])[0]
                rows = [one for one in self.contacts if one["id"] in self.tagged.get(label, [])] if label else None
                rows = self.contacts if rows is None else rows
                body = {"meta": {"count": len(rows), "current_page": page}, "payload": cut(rows, 15)}
            case ["conversations"]:
                assert query["status"] == ["all"]
                body = {"data": {"meta": {}, "payload": cut(self.conversations, 25)}}
            case ["conversations", number, "messages"]:
                after = int(query["after"][0])
                rows = [one for one in self.messages.get(int(number), []) if one["id"] > after]
                body = {"meta": {}, "payload": rows[:100]}
            case ["portals"]:
                body = {"payload": self.portals}
            case ["portals", _slug, "articles"]:
                body = {"payload": cut([one for one in self.articles if one["locale"] == query["locale"][0]], 25)}
            case _:
                return 404, {"error": "Resource could not be found"}, {}
        return 200, body, {}

    def _handler(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                parts = urlsplit(self.path)
                status, body, headers = service.answer(
                    parts.path, parse_qs(parts.query), self.headers.get("api_access_token")
                )
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *arguments):
                pass

        return Handler
