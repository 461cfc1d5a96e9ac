"""A Chatwoot account, read through its application API (https://developers.chatwoot.com/api-reference).

Contacts come fifteen a page, conversations twenty-five, messages up to a hundred after an id. Instants are seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from ops.kernel import http
from ops.kernel.errors import PermanentFailure

TIMEOUT_S = 30
MOST_REDIRECTS = 4
MESSAGE_TYPES = {0: "in", 1: "out", 2: "activity", 3: "bot"}


class NotAChatwoot(PermanentFailure):
    """What answers has another shape."""

    code = "not_a_chatwoot"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file and what it is called there."""

    name: str
    body: bytes


class Chatwoot:
    """One account. `pause` is called before every request, so that a caller sets the pace."""

    def __init__(
        self, *, base_url: str, account: str, token: str, public_only: bool = True, pause: Callable[[], None]
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.public_only = public_only
        self.pause = pause
        self._api = http.client(
            f"{self.base_url}/api/v1/accounts/{account}",
            timeout=TIMEOUT_S,
            headers={"api_access_token": token, "Accept": "application/json"},
            public_only=public_only,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def account(self) -> str:
        """The account's name. Raises `ServiceRefused` for a wrong token, `NotAChatwoot`."""
        return str(self._get("/", of=dict).get("name") or "")

    def agents(self) -> dict[int, tuple[str, str]]:
        """Id to e-mail and name of everybody who answers there."""
        rows = self._get("/agents", of=list)
        return {int(row["id"]): (str(row.get("email") or "").lower(), str(row.get("name") or "")) for row in rows}

    def labels(self) -> list[dict[str, Any]]:
        """title, description, color."""
        return self._payload(self._get("/labels", of=dict))

    def canned(self) -> list[dict[str, Any]]:
        """short_code, content."""
        return list(self._get("/canned_responses", of=list))

    def inboxes(self) -> list[dict[str, Any]]:
        """id, name, channel_type."""
        return self._payload(self._get("/inboxes", of=dict))

    def contacts(self, *, page: int, label: str = "") -> list[dict[str, Any]]:
        """A page of contacts, oldest first; empty after the last."""
        query: dict[str, Any] = {"page": page, "sort": "created_at", "include_contact_inboxes": "false"}
        if label:
            query["labels[]"] = label
        return self._payload(self._get("/contacts", of=dict, params=query))

    def conversations(self, *, page: int) -> list[dict[str, Any]]:
        """A page of conversations in all states, oldest first; empty after the last."""
        query = {"status": "all", "assignee_type": "all", "sort_by": "created_at_asc", "page": page}
        data = self._get("/conversations", of=dict, params=query).get("data")
        if not isinstance(data, dict):
            raise NotAChatwoot(words="conversations without data")
        return self._payload(data)

    def messages(self, *, conversation: int, after: int) -> list[dict[str, Any]]:
        """Messages behind an id, in their order; empty after the last."""
        answer = self._get(f"/conversations/{conversation}/messages", of=dict, params={"after": after})
        return self._payload(answer)

    def portals(self) -> list[dict[str, Any]]:
        """The help centres; nothing where the account has none, or the token may not see them."""
        try:
            return self._payload(self._get("/portals", of=dict))
        except http.ServiceRefused as refusal:
            if refusal.status_code in {403, 404}:
                return []
            raise

    def articles(self, *, portal: str, locale: str, page: int) -> list[dict[str, Any]]:
        """A page of articles in one language; empty after the last."""
        return self._payload(self._get(f"/portals/{portal}/articles", of=dict, params={"locale": locale, "page": page}))

    def file(self, url: str, *, most_bytes: int) -> Fetched:
        """A file of a message. Its address leads elsewhere more often than not, so our token does not go with it."""
        address = urljoin(f"{self.base_url}/", url)
        for _hop in range(MOST_REDIRECTS):
            self.pause()
            parts = urlsplit(address)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                break
            with http.client(
                f"{parts.scheme}://{parts.netloc}",
                timeout=TIMEOUT_S,
                public_only=self.public_only,
                max_bytes=most_bytes,
            ) as client:
                answer = client.get(address)
            if not answer.is_redirect:
                return Fetched(parts.path.rpartition("/")[2] or "file", answer.content)
            address = urljoin(address, answer.headers.get("Location", ""))
        raise PermanentFailure(words=f"no file at {url[:200]}")

    def _get(self, path: str, *, of: type, params: dict[str, Any] | None = None) -> Any:
        self.pause()
        answer = self._api.get(path, params=params)
        try:
            found = answer.json()
        except ValueError as error:
            raise NotAChatwoot(words="the answer is not JSON") from error
        if not isinstance(found, of):
            raise NotAChatwoot(words=f"{path}: {type(found).__name__}")
        return found

    @staticmethod
    def _payload(answer: dict[str, Any]) -> list[dict[str, Any]]:
        rows = answer.get("payload")
        if not isinstance(rows, list):
            raise NotAChatwoot(words="an answer without payload")
        return [row for row in rows if isinstance(row, dict)]


def moment(value: Any) -> datetime | None:
    """An instant of theirs: seconds, or ISO 8601; nothing for none."""
    if isinstance(value, str) and not value.isdigit():
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(int(value), tz=UTC) if value else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
