"""The component gallery and the mailbox. Mounted only while DEBUG is on."""

import email
import email.policy
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from config.dev import samples
from config.dev.forms import EveryField, RefusedForm

BRANDS = ("platform", "padaria", "livraria", "lantern")
FAILURES = ("400", "403", "404", "429", "500", "csrf", "error")
PAGES = ("list", "form", "detail", "login", "states", "mail")


def _chosen(request: HttpRequest) -> dict[str, object]:
    """Brand and theme from the address, so that a screenshot is one address."""
    brand = request.GET.get("brand", "platform")
    theme = request.GET.get("theme") or request.COOKIES.get("theme")
    return {
        "gallery_brand": brand if brand in BRANDS else "platform",
        "brands": BRANDS,
        "theme": theme if theme in {"light", "dark"} else "",
        "density": "compact" if request.GET.get("density") == "compact" else "",
    }


def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    with translation.override(request.GET.get("lang") or translation.get_language()):
        context = _chosen(request) | samples.everything(timezone.now())
        refused = RefusedForm({"email": "ana@", "address": "padaria aurora"}, auto_id="refused_%s")
        refused.is_valid()
        context |= {
            "form": EveryField(auto_id="every_%s"),
            "refused": refused,
            "LANGUAGE_CODE": translation.get_language(),
        }
        return render(request, "dev/gallery.html", context)


def gallery_page(request: HttpRequest, page: str) -> HttpResponse:
    """A whole page of each kind, to copy from."""
    if page not in PAGES:
        raise Http404
    with translation.override(request.GET.get("lang") or translation.get_language()):
        context = _chosen(request) | samples.everything(timezone.now())
        context |= {"form": EveryField(auto_id="every_%s"), "LANGUAGE_CODE": translation.get_language()}
        context |= {
            "shell": samples.shell(page),
            "brand": samples.brand(str(context["gallery_brand"])),
            "user": samples.PERSON,
        }
        response = render(request, f"dev/page_{page}.html", context)
        return _as_mail(response) if page == "mail" else response


def failure(request: HttpRequest, name: str) -> HttpResponse:
    """An error page as people see it outside development."""
    if name not in FAILURES:
        raise Http404
    status = int(name) if name.isdigit() else 400
    return render(request, f"errors/{name}.html", _chosen(request) | {"status": status, "request_id": "7f3a91c2d4"})


def _as_mail(response: HttpResponse) -> HttpResponse:
    """Mail carries its styles inline, as mail must: a policy of its own, and no scripts."""
    response._csp_replace = {"style-src": "'unsafe-inline'", "script-src": "'none'", "frame-ancestors": "'self'"}  # type: ignore[attr-defined]
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _messages(path: Path) -> list[EmailMessage]:
    """The messages of one file: Django's file backend writes all of one connection, a line of dashes after each."""
    raw = path.read_bytes()
    parts = [part for part in raw.split(b"\n" + b"-" * 79 + b"\n") if part.strip()]
    return [email.message_from_bytes(part, policy=email.policy.default) for part in parts]  # type: ignore[arg-type]


def mailbox(request: HttpRequest) -> HttpResponse:
    """What was sent in development, newest first."""
    folder = _folder()
    files = (
        sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime_ns, reverse=True) if folder.is_dir() else []
    )
    mails = [
        {
            "name": f"{path.name}~{number}",
            "subject": message["subject"],
            "to": message["to"],
            "sender": message["from"],
            "at": datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.get_current_timezone()),
        }
        for path in files[:100]
        for number, message in enumerate(_messages(path))
    ]
    return render(request, "dev/mail.html", {"mails": mails, "folder": folder})


def mail_message(request: HttpRequest, name: str) -> HttpResponse:
    """One message; `?part=html` is its page alone, shown in a frame that may run nothing."""
    file_name, _, number = name.rpartition("~")
    path = next((path for path in _folder().glob("*.log") if path.name == file_name), None)
    messages = _messages(path) if path else []
    if not number.isdigit() or int(number) >= len(messages):
        raise Http404
    message = messages[int(number)]
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    if request.GET.get("part") == "html" and html:
        return _as_mail(HttpResponse(html.get_content()))
    return render(
        request,
        "dev/mail_message.html",
        {"mail": message, "name": name, "has_html": html is not None, "text": text.get_content() if text else ""},
    )
