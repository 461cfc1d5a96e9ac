"""Where the providers of channels tell us what people write. Stored first, answered at once, handled afterwards."""

import json
import secrets
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from chat.enums import Channel
from chat.errors import ChannelSignatureRefused
from chat.providers import mailbox, mime
from chat.services import channels, mailing
from ops.kernel.errors import Invalid, TooLarge


@csrf_exempt
@require_POST
def telegram(request: HttpRequest, token: str) -> HttpResponse:
    """An update of a bot, with the secret we gave Telegram for it."""
    inbox = channels.inbox_behind(channel=Channel.TELEGRAM, token=token)
    secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
    channels.receive_telegram(inbox=inbox, body=request.body, secret=secret, now=timezone.now())
    return HttpResponse(status=200)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def whatsapp(request: HttpRequest, token: str) -> HttpResponse:
    """Meta's check of the address (GET repeats a challenge), and its signed notifications."""
    inbox = channels.inbox_behind(channel=Channel.WHATSAPP, token=token)
    if request.method == "GET":
        return _challenge(request, inbox.account.keys.get("verify_token", ""))
    signature = request.headers.get("X-Hub-Signature-256", "")
    channels.receive_whatsapp(inbox=inbox, body=request.body, signature=signature, now=timezone.now())
    return HttpResponse(status=200)


def _challenge(request: HttpRequest, expected: str) -> HttpResponse:
    given = request.GET.get("hub.verify_token", "")
    fits = bool(expected) and secrets.compare_digest(expected.encode(), given.encode())
    if request.GET.get("hub.mode") != "subscribe" or not fits:
        raise ChannelSignatureRefused()
    return HttpResponse(request.GET.get("hub.challenge", "")[:200], content_type="text/plain")


@csrf_exempt
@require_POST
def email(request: HttpRequest, inbox_id: UUID) -> HttpResponse:
    """A mail, as a mail provider forwards it: raw, as JSON, or in a form with the raw mail in one field."""
    now = timezone.now()
    inbox = channels.mail_inbox(inbox_id=inbox_id, token=request.GET.get("token", ""), now=now)
    mailing.receive(inbox=inbox, raw=_raw(request), now=now)
    return HttpResponse(status=200)


def _raw(request: HttpRequest) -> bytes:
    kind = (request.content_type or "").lower()
    if kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        for name in ("body-mime", "email"):
            if request.POST.get(name):
                return str(request.POST[name]).encode("utf-8", errors="surrogateescape")
            if name in request.FILES:
                return _limited(request.FILES[name].read(mailbox.LARGEST + 1))  # type: ignore[union-attr]
        raise Invalid(field="email")
    body = _limited(request.read(mailbox.LARGEST + 1))
    if kind == "application/json":
        try:
            told = json.loads(body)
            return mime.from_json(told if isinstance(told, dict) else {})
        except ValueError as error:
            raise Invalid(field="body") from error
    if not body.strip():
        raise Invalid(field="body")
    return body


def _limited(body: bytes) -> bytes:
    if len(body) > mailbox.LARGEST:
        raise TooLarge()
    return body
