"""Mails as messages: who wrote, what is new in it, what came along, and whether a machine wrote it."""

import base64
import binascii
import email
import email.policy
import email.utils
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from html import escape
from html.parser import HTMLParser
from typing import Any

from chat.providers.channel import Incoming, IncomingFile

# RFC 3834 and what older machines say.
AUTOMATIC_PRECEDENCE = {"bulk", "junk", "list", "auto_reply"}
MACHINES = {"mailer-daemon", "postmaster"}
MACHINE_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "List-Id", "X-Loop")

# Where the words of the earlier mail begin, in the languages of our customers.
QUOTE = re.compile(
    r"^(?:"
    r"[ \t]*(?:On|Em|El|Le|Am|Il)\b[^\n]{0,300}(?:\n[^\n]{0,200})?(?:wrote|escreveu|escribió|a écrit|schrieb|ha scritto)[ \t]*:[ \t]*$"
    r"|[ \t]*-{2,}[ \t]*(?:Original Message|Mensagem original|Mensaje original)[ \t]*-{2,}[ \t]*$"
    r"|_{20,}[ \t]*$"
    r"|\*?(?:From|De):\*? [^\n]+\n\*?(?:Sent|Date|Enviad[ao](?: em)?|Data|Para|To|Fecha):"
    r")",
    re.MULTILINE,
)
SIGNATURE = re.compile(r"^-- $", re.MULTILINE)
QUOTED_CLASSES = {
    "gmail_quote",
    "gmail_quote_container",
    "gmail_attr",
    "yahoo_quoted",
    "moz-cite-prefix",
    "protonmail_quote",
}
# Outlook puts everything after this in no container of its own.
REST_IS_QUOTED = {"appendonsend", "divrplyfwdmsg"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "pre", "table", "ul", "ol"}
SILENT = {"script", "style", "head", "title", "template"}


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail of ours that did not arrive."""

    message_id: str
    words: str


def parse(raw: bytes) -> EmailMessage:
    """The mail behind the bytes; broken ones as far as they can be read."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def from_json(told: Mapping[str, Any]) -> bytes:
    """The JSON of an inbound provider (Postmark's names) as a mail. Raises `ValueError`."""
    if not isinstance(told.get("From"), str):
        raise ValueError("From")
    mail = EmailMessage()
    for header in told.get("Headers") or []:
        name, value = str(header.get("Name", "")), _line(str(header.get("Value", "")))
        if (
            re.fullmatch(r"[A-Za-z0-9-]{1,60}", name)
            and name.lower() not in {"content-type", "mime-version", "from", "to"}
            and name not in mail
        ):
            mail[name] = value
    for name in ("From", "To", "Cc", "Subject", "Date"):
        if isinstance(told.get(name), str) and told[name] and name not in mail:
            mail[name] = _line(told[name])
    if "Message-ID" not in mail and told.get("MessageID"):
        mail["Message-ID"] = f"<{_line(str(told['MessageID']))}@inbound>"
    mail.set_content(str(told.get("TextBody") or ""))
    if told.get("HtmlBody"):
        mail.add_alternative(str(told["HtmlBody"]), subtype="html")
    for file in told.get("Attachments") or []:
        main, _, sub = str(file.get("ContentType") or "application/octet-stream").partition(";")[0].partition("/")
        try:
            body = base64.b64decode(str(file.get("Content", "")), validate=True)
        except binascii.Error as error:
            raise ValueError("Attachments") from error
        mail.add_attachment(
            body, maintype=main, subtype=sub or "octet-stream", filename=_line(str(file.get("Name", "")))
        )
    return mail.as_bytes()


def identity(raw: bytes) -> str:
    """What makes this mail the same mail again: its Message-ID, else its bytes."""
    found = _header(parse(raw), "Message-ID")
    return found or f"<{hashlib.sha256(raw).hexdigest()}@unnamed>"


def automatic(mail: EmailMessage) -> bool:
    """Whether a machine wrote it: an away reply, a list, a bounce, or one of our own."""
    said = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if said and said != "no":
        return True
    if _header(mail, "Precedence").strip().lower() in AUTOMATIC_PRECEDENCE:
        return True
    if any(_header(mail, name) for name in MACHINE_HEADERS) or _header(mail, "Return-Path").strip() == "<>":
        return True
    local = sender_of(mail)[1].partition("@")[0]
    return local in MACHINES or mail.get_content_type() == "multipart/report"


def bounce(mail: EmailMessage) -> Bounce | None:
    """The mail of ours that this report says was not delivered (RFC 3464)."""
    if mail.get_content_type() != "multipart/report":
        return None
    words, failed, original = "", False, ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            blocks: Any = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                failed = failed or str(block.get("Action", "")).strip().lower() == "failed"
                words = str(block.get("Diagnostic-Code") or words)
        elif kind in {"message/rfc822", "text/rfc822-headers"}:
            inner: Any = part.get_payload()
            if isinstance(inner, list) and inner:
                original = str(inner[0].get("Message-ID", ""))
            else:
                found = re.search(r"^Message-ID:\s*(<[^>]+>)", str(inner), re.IGNORECASE | re.MULTILINE)
                original = found[1] if found else ""
    return Bounce(original.strip(), _line(words)[:300]) if failed and original else None


def sender_of(mail: EmailMessage) -> tuple[str, str]:
    """Name and address of who wrote: `Reply-To` where there is one."""
    for name in ("Reply-To", "From"):
        shown, address = email.utils.parseaddr(_header(mail, name))
        if "@" in address:
            return shown.strip()[:120], address.strip().lower()
    return "", ""


def message(raw: bytes) -> Incoming:
    """A mail as a message: the new words without what they answer, safe or not (the service makes it safe)."""
    mail = parse(raw)
    name, address = sender_of(mail)
    subject = _line(_header(mail, "Subject"))
    text, html = _bodies(mail)
    files = [_file(part) for part in _attachments(mail)]
    fresh_html = unquoted_html(html)
    fresh = unquoted(text) if text.strip() else plain(fresh_html)
    thread = [*_ids(_header(mail, "In-Reply-To")), *reversed(_ids(_header(mail, "References")))]
    return Incoming(
        external_id=identity(raw),
        sender=address,
        name=name,
        email=address,
        text=fresh.strip() or ("" if files else subject),
        html=fresh_html.strip() if html else "",
        files=files,
        meta={"subject": subject[:250]} if subject else {},
        thread=list(dict.fromkeys(thread)),
    )


def unquoted(text: str) -> str:
    """A text without the mail it answers and without the signature; a mail of nothing else stays whole."""
    text = text.replace("\r\n", "\n")
    fresh = text
    found = QUOTE.search(text)
    if found:
        fresh = text[: found.start()]
    lines = fresh.rstrip().split("\n")
    while lines and (lines[-1].startswith(">") or not lines[-1].strip()):
        lines.pop()
    fresh = "\n".join(lines)
    signature = SIGNATURE.search(fresh)
    if signature:
        fresh = fresh[: signature.start()]
    return fresh.strip() or text.strip()


class _Trimmer(HTMLParser):
    """Copies HTML without quoted parts, and gathers its words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.words: list[str] = []
        self.depth = 0  # inside a quoted element
        self.silent = 0
        self.over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if given.get("id", "").lower() in REST_IS_QUOTED:
            self.over = True
        if self.over:
            return
        quoted = QUOTED_CLASSES & set(given.get("class", "").split()) or (
            tag == "blockquote" and given.get("type") == "cite"
        )
        if self.depth or quoted:
            self.depth += tag not in VOID
            return
        if tag in SILENT:
            self.silent += 1
        if self.silent:
            return
        if tag in BLOCKS:
            self.words.append("\n")
        said = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
        self.out.append(f"<{tag}{said}>")

    def handle_endtag(self, tag: str) -> None:
        if self.over or tag in VOID:
            return
        if self.depth:
            self.depth -= 1
            return
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        if not self.silent:
            self.out.append(f"</{tag}>")
            if tag in {"p", "table", "ul", "ol", "blockquote"}:
                self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not (self.over or self.depth or self.silent):
            self.out.append(escape(data, quote=False))
            self.words.append(re.sub(r"\s+", " ", data))


def _trimmed(html: str) -> _Trimmer:
    trimmer = _Trimmer()
    trimmer.feed(html)
    trimmer.close()
    return trimmer


def unquoted_html(html: str) -> str:
    """HTML without the mail it answers; a mail of nothing else stays whole."""
    if not html:
        return ""
    trimmer = _trimmed(html)
    return "".join(trimmer.out) if "".join(trimmer.words).strip() else html


def plain(html: str) -> str:
    """The words of HTML, a line a block."""
    lines = [line.strip() for line in "".join(_trimmed(html).words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _bodies(mail: EmailMessage) -> tuple[str, str]:
    return _content(mail.get_body(preferencelist=("plain",))), _content(mail.get_body(preferencelist=("html",)))


def _content(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError, AttributeError):
        # A character set nobody knows.
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""


def _attachments(mail: EmailMessage) -> Iterable[MIMEPart]:
    bodies = {id(part) for kind in ("plain", "html") if (part := mail.get_body(preferencelist=(kind,))) is not None}
    for part in mail.walk():
        if part.is_multipart() or id(part) in bodies:
            continue
        if (
            part.get_content_disposition() == "attachment"
            or part.get_filename()
            or part.get_content_maintype() == "image"
        ):
            yield part


def _file(part: MIMEPart) -> IncomingFile:
    payload = part.get_payload(decode=True)
    kind = part.get_content_type()
    name = part.get_filename() or f"file.{kind.partition('/')[2]}"
    return IncomingFile(name=_line(name), mime=kind, body=payload if isinstance(payload, bytes) else b"")


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name, "") or "")
    except (ValueError, AttributeError, IndexError, TypeError):
        # The library trips over headers that break the rules.
        return ""


def _ids(value: str) -> list[str]:
    return re.findall(r"<[^<>\s]{3,250}>", value)


def _line(value: str) -> str:
    return " ".join(value.split())
