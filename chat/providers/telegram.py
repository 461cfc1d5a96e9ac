"""The Telegram Bot API (https://core.telegram.org/bots/api).

Every method is a POST to `/bot<token>/<method>` answered with `{"ok": true, "result": …}`, or with `ok: false`,
`error_code`, `description` and, for 429, `parameters.retry_after`. Message ids are unique within one chat only, so
ours are `<chat>:<message>`.
"""

import json
from datetime import UTC, datetime
from typing import Any

from chat.providers.channel import Incoming, IncomingFile, LoggedOut, NotNow, OutcomeUnknown, Outgoing, Parsed, Refused
from ops.kernel import http
from ops.kernel.errors import TemporaryFailure

TIMEOUT_S = 20
UPDATES = ["message", "edited_message"]
# A bot may download up to 20 MB (getFile) and send up to 50 MB.
DOWNLOAD_LIMIT = 20 * 1024 * 1024


class Telegram:
    """One bot."""

    text_limit = 4096
    caption_limit = 1024

    def __init__(self, *, base_url: str, token: str) -> None:
        self.base_url, self.token = base_url.rstrip("/"), token

    def check(self) -> dict[str, str]:
        """The bot's name. Raises `TemporaryFailure`, `PermanentFailure`."""
        me = self._call("getMe", {})
        return {"name": me.get("first_name", ""), "username": me.get("username", "")}

    def set_webhook(self, *, url: str, secret: str) -> None:
        """Have updates sent to us, with a secret in `X-Telegram-Bot-Api-Secret-Token`."""
        self._call("setWebhook", {"url": url, "secret_token": secret, "allowed_updates": UPDATES})

    def remove_webhook(self) -> None:
        """Have nothing sent any more."""
        self._call("deleteWebhook", {})

    def send(self, outgoing: Outgoing) -> str:
        """`sendMessage`, or `sendPhoto`, `sendVoice`, `sendVideo`, `sendAudio`, `sendDocument` with a caption."""
        fields: dict[str, Any] = {"chat_id": outgoing.to}
        if outgoing.reply_to:
            message_id = outgoing.reply_to.rpartition(":")[2]
            fields["reply_parameters"] = {"message_id": int(message_id), "allow_sending_without_reply": True}
        if outgoing.file is None:
            sent = self._call("sendMessage", {**fields, "text": outgoing.text}, sending=True)
        else:
            file = outgoing.file
            part = _part(file.kind, file.mime, voice=file.voice)
            if outgoing.text:
                fields["caption"] = outgoing.text
            if "reply_parameters" in fields:
                fields["reply_parameters"] = json.dumps(fields["reply_parameters"])
            sent = self._call(
                f"send{part.capitalize()}",
                None,
                sending=True,
                data=fields,
                files={part: (file.name, file.read(), file.mime)},
            )
        return f"{sent['chat']['id']}:{sent['message_id']}"

    def download(self, ref: str) -> IncomingFile:
        """`getFile`, then its bytes."""
        found = self._call("getFile", {"file_id": ref})
        with http.client(self.base_url, timeout=TIMEOUT_S, max_bytes=DOWNLOAD_LIMIT) as client:
            answer = client.get(f"/file/bot{self.token}/{found['file_path']}")
        return IncomingFile(name=found["file_path"].rpartition("/")[2], body=answer.content)

    def _call(self, method: str, payload: dict[str, Any] | None, *, sending: bool = False, **options: Any) -> Any:
        if payload is not None:
            options["json"] = payload
        with http.client(self.base_url, timeout=TIMEOUT_S, attempts=1) as client:
            try:
                answer = client.post(f"/bot{self.token}/{method}", **options)
            except http.ServiceUnavailable as failure:
                if not sending:
                    raise
                if failure.never_sent or failure.status_code == 429:
                    raise NotNow(words=failure.words, retry_after=_retry_after(failure)) from failure
                raise OutcomeUnknown(words=failure.words) from failure
            except http.ServiceRefused as failure:
                raise (LoggedOut if failure.status_code == 401 else Refused)(words=_description(failure)) from failure
        try:
            return answer.json()["result"]
        except (ValueError, KeyError) as error:
            raise (OutcomeUnknown if sending else TemporaryFailure)(words=answer.text[:200]) from error


def parse(body: bytes) -> Parsed:
    """An Update as messages; what we do not know gives none. Raises `ValueError` for what is no update at all."""
    update = json.loads(body)
    if not isinstance(update, dict):
        raise ValueError("an update is an object")
    for name in UPDATES:
        message = update.get(name)
        # Groups and channels are not conversations with one person.
        if isinstance(message, dict) and message.get("chat", {}).get("type") == "private":
            found = _message(message, edited=name == "edited_message")
            return Parsed(messages=[found] if found else [])
    return Parsed()


def _message(message: dict[str, Any], *, edited: bool) -> Incoming | None:
    chat, sender = message["chat"], message.get("from") or message["chat"]
    if sender.get("is_bot"):
        return None
    files = _files(message)
    text = message.get("text") or message.get("caption") or _words(message)
    if not text and not files:
        return None
    reply = message.get("reply_to_message") or {}
    contact = message.get("contact") or {}
    own_number = contact.get("phone_number", "") if contact.get("user_id") == sender.get("id") else ""
    name = " ".join(part for part in (sender.get("first_name"), sender.get("last_name")) if part)
    username = sender.get("username", "")
    return Incoming(
        external_id=f"{chat['id']}:{message['message_id']}",
        sender=str(chat["id"]),
        name=name or username,
        phone=f"+{own_number.lstrip('+')}" if own_number else "",
        text=text,
        files=files,
        reply_to=f"{chat['id']}:{reply['message_id']}" if reply.get("message_id") else "",
        edited=edited,
        meta={"sent_at": datetime.fromtimestamp(message["date"], UTC).isoformat()} if "date" in message else {},
        attrs={"telegram": f"@{username}"} if username else {},
    )


def _files(message: dict[str, Any]) -> list[IncomingFile]:
    if message.get("photo"):
        # Sizes of one picture, the largest last.
        return [IncomingFile(ref=message["photo"][-1]["file_id"], name="photo.jpg", mime="image/jpeg")]
    for kind, name in (
        ("voice", "voice.ogg"),
        ("audio", "audio.mp3"),
        ("video", "video.mp4"),
        ("video_note", "video.mp4"),
        ("animation", "animation.mp4"),
        ("document", "file"),
        ("sticker", "sticker.webp"),
    ):
        found = message.get(kind)
        if found:
            return [
                IncomingFile(
                    ref=found["file_id"],
                    name=found.get("file_name") or name,
                    mime=found.get("mime_type", ""),
                    voice=kind == "voice",
                )
            ]
    return []


def _words(message: dict[str, Any]) -> str:
    """What a message without words says in words: a place, a person."""
    if place := message.get("location"):
        return f"https://www.openstreetmap.org/?mlat={place['latitude']}&mlon={place['longitude']}"
    if contact := message.get("contact"):
        names = (contact.get("first_name"), contact.get("last_name"), contact.get("phone_number"))
        return " ".join(part for part in names if part)
    return ""


def _part(kind: str, mime: str, *, voice: bool) -> str:
    if voice:
        return "voice"
    if kind == "image":
        return "photo" if mime in {"image/jpeg", "image/png"} else "document"
    return {"audio": "audio", "video": "video"}.get(kind, "document")


def _retry_after(failure: http.ServiceUnavailable) -> int | None:
    try:
        return int(json.loads(failure.words)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return failure.retry_after


def _description(failure: http.ServiceRefused) -> str:
    answer = failure.answer if isinstance(failure.answer, dict) else {}
    return str(answer.get("description") or failure.words)[:300]
