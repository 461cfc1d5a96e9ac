"""The WhatsApp Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api).

Messages go to `/<phone number id>/messages`, files first to `/<phone number id>/media`. Webhooks are signed with the
app's secret (`X-Hub-Signature-256`) and bring messages and statuses, more than once and in any order.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from chat.providers.channel import (
    Incoming,
    IncomingFile,
    LoggedOut,
    NotNow,
    OutcomeUnknown,
    Outgoing,
    Parsed,
    Receipt,
    Refused,
)
from ops.kernel import http
from ops.kernel.errors import PermanentFailure, TemporaryFailure

TIMEOUT_S = 20
VERSION = "v24.0"
DOWNLOAD_LIMIT = 100 * 1024 * 1024
# Codes that say "slower": application, account, throughput, and this one recipient.
SLOWER = {4, 80007, 130429, 131056}
# The access token is over or was taken back.
LOGGED_OUT = 190
PICTURES = {"image/jpeg", "image/png"}
FILMS = {"video/mp4", "video/3gpp"}
MEDIA = ("image", "video", "audio", "document", "sticker")


class WhatsApp:
    """One number of a business."""

    text_limit = 4096
    caption_limit = 1024

    def __init__(self, *, base_url: str, token: str, phone_number_id: str, account_id: str = "") -> None:
        self.base_url = f"{base_url.rstrip('/')}/{VERSION}"
        self.token, self.phone_number_id, self.account_id = token, phone_number_id, account_id

    def check(self) -> dict[str, str]:
        """The number and its verified name. Raises `TemporaryFailure`, `PermanentFailure`."""
        with self._client() as client:
            found = _answer(
                client, "GET", f"/{self.phone_number_id}", params={"fields": "display_phone_number,verified_name"}
            )
        return {"name": found.get("verified_name", ""), "phone": found.get("display_phone_number", "")}

    def templates(self) -> list[dict[str, Any]]:
        """The account's approved templates: name, language, category, body and how many values the body wants."""
        found: list[dict[str, Any]] = []
        params: dict[str, str] = {"fields": "name,language,status,category,components", "limit": "100"}
        with self._client() as client:
            for _page in range(10):
                page = _answer(client, "GET", f"/{self.account_id}/message_templates", params=params)
                found += [_template(row) for row in page.get("data", []) if row.get("status") == "APPROVED"]
                after = page.get("paging", {}).get("cursors", {}).get("after", "")
                if not page.get("paging", {}).get("next") or not after:
                    break
                params = {**params, "after": after}
        return found

    def send(self, outgoing: Outgoing) -> str:
        """A text, a template, or a file that is uploaded first."""
        message: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": outgoing.to}
        if outgoing.reference:
            message["biz_opaque_callback_data"] = outgoing.reference
        if outgoing.reply_to:
            message["context"] = {"message_id": outgoing.reply_to}
        with self._client() as client:
            if outgoing.template is not None:
                message |= {"type": "template", "template": _filled(outgoing.template)}
            elif outgoing.file is not None:
                message |= self._file(client, outgoing)
            else:
                message |= {"type": "text", "text": {"body": outgoing.text, "preview_url": True}}
            sent = _answer(client, "POST", f"/{self.phone_number_id}/messages", sending=True, json=message)
        try:
            return str(sent["messages"][0]["id"])
        except (KeyError, IndexError, TypeError) as error:
            raise OutcomeUnknown(words=json.dumps(sent)[:200]) from error

    def download(self, ref: str) -> IncomingFile:
        """The address of a file by its id, which is good for five minutes, then its bytes."""
        with self._client() as client:
            found = _answer(client, "GET", f"/{ref}")
            answer = client.get(found["url"])
        return IncomingFile(mime=found.get("mime_type", ""), body=answer.content)

    def _file(self, client: http.Client, outgoing: Outgoing) -> dict[str, Any]:
        file = outgoing.file
        assert file is not None
        kind = _kind(file.kind, file.mime)
        # A voice message must name its codec; plain `audio/ogg` is refused.
        mime = "audio/ogg; codecs=opus" if file.voice else file.mime
        stored = _answer(
            client,
            "POST",
            f"/{self.phone_number_id}/media",
            uploading=True,
            data={"messaging_product": "whatsapp", "type": mime},
            files={"file": (file.name, file.read(), mime)},
        )
        said: dict[str, Any] = {"id": stored["id"]}
        if outgoing.text and kind != "audio":
            said["caption"] = outgoing.text
        if file.voice:
            said["voice"] = True
        if kind == "document":
            said["filename"] = file.name
        return {"type": kind, kind: said}

    def _client(self) -> http.Client:
        return http.client(
            self.base_url,
            timeout=TIMEOUT_S,
            attempts=1,
            headers={"Authorization": f"Bearer {self.token}"},
            max_bytes=DOWNLOAD_LIMIT,
        )


def signature_fits(*, secret: str, body: bytes, header: str) -> bool:
    """Whether `X-Hub-Signature-256` was made with the app's secret."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(expected.encode(), header.encode())


def fingerprint(body: bytes) -> str:
    """The same for a notification that is sent again: it has no id of its own."""
    return hashlib.sha256(body).hexdigest()


def parse(body: bytes, *, phone_number_id: str) -> Parsed:
    """A webhook as messages and receipts of our number. Raises `ValueError` for what is none."""
    notification = json.loads(body)
    if not isinstance(notification, dict) or not isinstance(notification.get("entry", []), list):
        raise ValueError("a notification is an object with entries")
    messages: list[Incoming] = []
    receipts: list[Receipt] = []
    for value in _values(notification):
        number = value.get("metadata", {}).get("phone_number_id")
        if number and phone_number_id and str(number) != phone_number_id:
            continue  # one app may serve several numbers, each an inbox of its own
        names = {one.get("wa_id"): one.get("profile", {}).get("name", "") for one in value.get("contacts", [])}
        for row in value.get("messages", []):
            found = _message(row, names)
            if found is not None:
                messages.append(found)
        receipts += [told for row in value.get("statuses", []) if (told := _receipt(row)) is not None]
    return Parsed(messages=messages, receipts=receipts)


def _values(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in told.get("entry", []):
        for change in entry.get("changes", []):
            if change.get("field") == "messages" and isinstance(change.get("value"), dict):
                yield change["value"]


def _message(row: dict[str, Any], names: dict[str, str]) -> Incoming | None:
    sender, kind = str(row["from"]), row.get("type", "")
    text, files = "", []
    if kind in MEDIA:
        media = row[kind]
        text = media.get("caption", "")
        mime = media.get("mime_type", "").partition(";")[0]
        voice = kind == "audio" and bool(media.get("voice"))
        name = media.get("filename") or f"{'voice' if voice else kind}.{mime.partition('/')[2] or 'bin'}"
        files = [IncomingFile(ref=str(media["id"]), name=name, mime=mime, voice=voice)]
    else:
        text = _words(kind, row)
    if not text and not files:
        return None
    name = names.get(sender) or (next(iter(names.values())) if len(names) == 1 else "")
    moment = datetime.fromtimestamp(int(row["timestamp"]), UTC).isoformat() if row.get("timestamp") else ""
    return Incoming(
        external_id=str(row["id"]),
        sender=sender,
        name=name,
        phone=f"+{sender}",
        text=text,
        files=files,
        reply_to=str((row.get("context") or {}).get("id") or ""),
        meta={"sent_at": moment} if moment else {},
    )


def _words(kind: str, row: dict[str, Any]) -> str:
    """What a message that is no file says in words; nothing for reactions and kinds we do not know."""
    if kind == "text":
        return str(row["text"]["body"])
    if kind == "button":
        return str(row["button"].get("text", ""))
    if kind == "interactive":
        chosen = row["interactive"]
        return str((chosen.get("button_reply") or chosen.get("list_reply") or {}).get("title", ""))
    if kind == "location":
        place = row["location"]
        link = f"https://www.openstreetmap.org/?mlat={place['latitude']}&mlon={place['longitude']}"
        return " ".join(part for part in (place.get("name"), place.get("address"), link) if part)
    if kind == "contacts":
        return "\n".join(
            " ".join(
                [one.get("name", {}).get("formatted_name", ""), *(p.get("phone", "") for p in one.get("phones", []))]
            )
            for one in row["contacts"]
        ).strip()
    return ""


def _receipt(row: dict[str, Any]) -> Receipt | None:
    # A voice message that was listened to is `played`.
    status = "read" if row.get("status") == "played" else row.get("status")
    if status not in {"sent", "delivered", "read", "failed"} or not row.get("id"):
        return None
    problem = (row.get("errors") or [{}])[0]
    words = (problem.get("error_data") or {}).get("details") or problem.get("message") or problem.get("title") or ""
    return Receipt(
        external_id=str(row["id"]),
        delivery=str(status),
        error=str(words)[:300],
        reference=str(row.get("biz_opaque_callback_data") or ""),
    )


def _kind(kind: str, mime: str) -> str:
    if (kind == "image" and mime not in PICTURES) or (kind == "video" and mime not in FILMS):
        return "document"
    return kind


def _template(row: dict[str, Any]) -> dict[str, Any]:
    parts = {part.get("type"): part for part in row.get("components", [])}
    body = str(parts.get("BODY", {}).get("text", ""))
    return {
        "name": row["name"],
        "language": row["language"],
        "category": row.get("category", ""),
        "body": body,
        "values": _values_of(body),
        # A picture, film or document above the words would have to come along at each sending.
        "media": parts.get("HEADER", {}).get("format", "TEXT") not in {"TEXT", ""},
    }


def _values_of(body: str) -> int:
    count = 0
    while f"{{{{{count + 1}}}}}" in body:
        count += 1
    return count


def _filled(template: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"name": template["name"], "language": {"code": template["language"]}}
    if template.get("values"):
        parameters = [{"type": "text", "text": str(value)} for value in template["values"]]
        said["components"] = [{"type": "body", "parameters": parameters}]
    return said


def _answer(
    client: http.Client, method: str, path: str, *, sending: bool = False, uploading: bool = False, **options: Any
) -> dict[str, Any]:
    """One call. An upload that got lost was shown to nobody, so it may be done again; a message may not."""
    try:
        answer = client.request(method, path, **options)
    except http.ServiceUnavailable as failure:
        if not (sending or uploading):
            raise
        if uploading or failure.never_sent or failure.status_code == 429:
            raise NotNow(words=_said(failure.words)[1], retry_after=failure.retry_after) from failure
        raise OutcomeUnknown(words=_said(failure.words)[1]) from failure
    except http.ServiceRefused as failure:
        code, words = _said(failure.words)
        if code in SLOWER and (sending or uploading):
            raise NotNow(words=words, retry_after=failure_pause(code)) from failure
        raise (LoggedOut if code == LOGGED_OUT else Refused)(words=words) from failure
    try:
        found = answer.json()
    except ValueError as error:
        raise (OutcomeUnknown if sending else TemporaryFailure)(words=answer.text[:200]) from error
    if not isinstance(found, dict):
        raise PermanentFailure(words=answer.text[:200])
    return found


def failure_pause(code: int) -> int:
    """Seconds to wait after a code that says "slower"."""
    return 6 if code == 131056 else 30


def _said(words: str) -> tuple[int, str]:
    """The code and the words of Meta's error object, or the answer as it is."""
    try:
        error = json.loads(words)["error"]
        details = (error.get("error_data") or {}).get("details")
        return int(error.get("code", 0)), str(details or error.get("message") or words)[:300]
    except (ValueError, KeyError, TypeError):
        return 0, words[:300]
