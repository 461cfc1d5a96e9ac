"""Letters in the brand of the site they speak for: subject, text and page from three templates of one name.

Where the site's company wrote a letter in its own words (`wording`), those stand in the same frame. A letter leaves from
the company's own address, signed, once the DNS of its domain allows that (`senders`), else from the installation's.
"""

import logging
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from email.utils import formataddr, parseaddr
from typing import Any

import dkim
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape

from ops.kernel.tasks import enqueue
from tenants import palette
from tenants.models import Domain, Reseller, Tenant
from tenants.queries import brands, hosts, senders
from tenants.services import wording

log = logging.getLogger(__name__)

# How long a letter that is sent is remembered; the last try of a task comes long before.
SENT_KEPT = timedelta(days=2)
# A file that goes with a letter: name, bytes, type.
File = tuple[str, bytes, str]
# What a receiver must find unchanged (RFC 6376, 5.4.1), and the name of the sign that no person wrote it.
SIGNED = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"auto-submitted",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)


class Letter(EmailMultiAlternatives):
    """A mail that is signed for its sender's domain (DKIM, RFC 6376) when it leaves from there."""

    signer: senders.Chosen | None = None

    def message(self, **kwargs: Any) -> Any:
        """The mail as it is sent."""
        message = super().message(**kwargs)
        signer = self.signer
        if signer is None or parseaddr(str(self.from_email))[1].rpartition("@")[2] != signer.domain:
            return message
        present = {name.lower().encode() for name in message.keys()}  # noqa: SIM118 (a mail, not a dict)
        header = dkim.sign(
            message.as_bytes(linesep="\r\n"),  # type: ignore[call-arg] # Django's messages take it
            signer.selector.encode(),
            signer.domain.encode(),
            signer.private_key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name for name in SIGNED if name in present],
        ).decode()
        name, _, value = header.partition(":")
        # Past Django's guard against broken lines: this one is folded on purpose, by the library.
        message._headers.insert(  # type: ignore[attr-defined]
            0, (name, " ".join(value.split()))
        )
        return message


def write(
    template: str,
    *,
    to: str,
    context: dict[str, Any],
    language: str = "",
    host: str = "",
    reply_to: Sequence[str] = (),
    files: Sequence[File] = (),
) -> Letter:
    """The letter `emails/<template>` for an address, ready to be sent, with `brand`, `base_url` and `ink` in its context.

    `host` is where the person was (the tenant's main address by default), `language` the site's by default.
    """
    site, base = place(host)
    brand = brands.brand_for(site.tenant, site.reseller)
    filled = {
        "brand": brand,
        "ink": palette.ink_on(brand.primary),
        "base_url": base,
        "to": to,
        "logo_absolute_url": base + brand.logo_url if brand.logo_url else "",
        **context,
    }
    language = language or site.tenant.language or settings.LANGUAGE_CODE
    signer = senders.chosen(site.tenant, site.reseller)
    with translation.override(language):
        subject, text, page = _words(template, filled, site, language)
        names = (brand.display_name, site.tenant.name)
        subject, text, page = (one_dot(part, *names) for part in (subject, text, page))
        message = Letter(
            subject=subject,
            body=text.strip() + "\n",
            from_email=sender(brand.email_sender_name, signer.address if signer else ""),
            to=[to],
            reply_to=list(reply_to),
            # Mail programs and lists must not answer a machine.
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.signer = signer
        message.attach_alternative(page, "text/html")
    for name, content, kind in files:
        message.attach(name, content, kind)
    return message


def send_once(*, key: str, letter: Callable[[], Letter]) -> bool:
    """Write a letter and hand it to the mail server, unless the one called `key` was; says whether it was done now.

    For tasks, one a reader: a task runs again when its worker dies, and whoever has the letter does not get it twice.
    Raises what the mail server raises; then nothing is remembered. Without the cache a letter twice is better than none.
    """
    mark = f"letter:{key}"
    try:
        if cache.get(mark):
            return False
    except redis.RedisError as error:
        log.warning("Whether a letter was sent already is not known: %s", error)
    letter().send()
    try:
        cache.set(mark, True, int(SENT_KEPT.total_seconds()))
    except redis.RedisError as error:
        log.warning("That a letter was sent is not remembered: %s", error)
    return True


def sample(name: str, *, to: str, language: str, host: str = "", words: wording.Words | None = None) -> Letter:
    """A letter with invented values, in the words given or in those that stand. Raises `NotFound`."""
    site, base = place(host)
    brand = brands.brand_for(site.tenant, site.reseller)
    signer = senders.chosen(site.tenant, site.reseller)
    words = words or wording.standing(name, tenant=site.tenant, reseller=site.reseller, language=language)
    with translation.override(language):
        written = wording.write(
            words,
            wording.samples(name, company=brand.display_name, base=base),
            action=wording.action(name),
            colour=brand.primary,
            ink=palette.ink_on(brand.primary),
        )
        message = Letter(
            subject=one_dot(written.subject, brand.display_name),
            body=one_dot(written.text, brand.display_name) + "\n",
            from_email=sender(brand.email_sender_name, signer.address if signer else ""),
            to=[to],
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.signer = signer
        page = one_dot(framed(name, written, site=site, base=base), brand.display_name)
        message.attach_alternative(page, "text/html")
    return message


def send_sample(name: str, *, to: str, language: str, host: str = "") -> None:
    """Send the letter as it stands to somebody who wants to see it, after the commit. Raises `NotFound`."""
    wording.action(name)
    enqueue("tenants.send_sample", name=name, to=to, language=language, host=host)


def one_dot(text: str, *names: str) -> str:
    """Sentences that end with a company called “… Ltda.” have one dot: it is the name's and the sentence's."""
    for name in names:
        if not name.endswith("."):
            continue
        for shown in {name, escape(name)}:
            text = re.sub(rf"({re.escape(shown)})\.(?!\.)", r"\1", text)
    return text


def sender(name: str, address: str = "") -> str:
    """An address, the installation's by default, under the name of the brand."""
    return formataddr((" ".join(name.split()), address or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))


def framed(name: str, written: wording.Written, *, site: hosts.Site, base: str) -> str:
    """A letter's page around words that somebody wrote."""
    brand = brands.brand_for(site.tenant, site.reseller)
    return render_to_string(
        "emails/own.html",
        {
            "brand": brand,
            "logo_absolute_url": base + brand.logo_url if brand.logo_url else "",
            "subject": written.subject,
            "words": written.html,
            "reason": wording.reason(name, company=brand.display_name),
        },
    )


def _words(template: str, filled: dict[str, Any], site: hosts.Site, language: str) -> tuple[str, str, str]:
    """Subject, text and page: in the company's own words where there are some, else the product's."""
    own = wording.chosen(template, tenant=site.tenant, reseller=site.reseller, language=language)
    if own is None:
        # The product's words know the places of the book too, so that there is one way to say a device or a day.
        filled = {**wording.known_values(template, filled), **filled}
        subject = " ".join(render_to_string(f"emails/{template}.subject", filled).split())
        return (
            subject,
            render_to_string(f"emails/{template}.txt", filled),
            render_to_string(f"emails/{template}.html", filled),
        )
    written = wording.write(
        own,
        wording.values(template, filled),
        action=wording.action(template),
        colour=filled["brand"].primary,
        ink=filled["ink"],
    )
    return written.subject, written.text, framed(template, written, site=site, base=filled["base_url"])


def place(host: str = "") -> tuple[hosts.Site, str]:
    """The site a letter speaks for and the address its links begin with, always one of the current schema.

    That is where the person was, unless pages there lead to the main address.
    """
    known = hosts.normalise(host) if host else None
    site = hosts.site_of(known) if known else None
    if site is not None and site.tenant.schema_name == connection.schema_name:
        if site.leads_to:
            return site, f"{settings.SITE_SCHEME}://{site.leads_to}{settings.SITE_PORT_SUFFIX}"
        return site, f"{settings.SITE_SCHEME}://{host}"
    tenant = Tenant.objects.get(schema_name=connection.schema_name)
    reseller: Reseller | None = None
    domain = Domain.objects.filter(tenant=tenant, reseller=None).order_by("-is_primary", "pk").first()
    name = domain.domain if domain else settings.PLATFORM_DOMAIN
    return hosts.Site(tenant, reseller), f"{settings.SITE_SCHEME}://{name}{settings.SITE_PORT_SUFFIX}"
