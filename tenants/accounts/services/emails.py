"""Letters to people about their login, in the brand they know and in their language.

Nothing secret travels through the task queue: a letter's link is made when the letter is written.
"""

from email.utils import formataddr, parseaddr
from uuid import UUID

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from ops.kernel import signing
from ops.kernel.tasks import enqueue
from tenants import palette
from tenants.accounts.models import User
from tenants.accounts.services import links
from tenants.models import Domain, Reseller, Tenant
from tenants.queries import brands, hosts

CONFIRMATION_SALT = "accounts.confirm-email"


def send(letter: str, *, user: User, host: str = "", to: str = "") -> None:
    """Write and send a letter after the commit.

    `host` is where the person was (the tenant's main address by default), `to` another address than the person's own.
    """
    enqueue("accounts.send_letter", letter=letter, user_id=str(user.pk), host=host, to=to)


def deliver(*, letter: str, user_id: str, host: str, to: str) -> bool:
    """Write `emails/accounts/<letter>` and hand it to the mail server; `False` when there is nobody to write to any more.

    Raises what the mail server raises; sending again is the task's business.
    """
    user = User.objects.active().filter(pk=UUID(user_id)).first()
    if user is None:
        return False
    site, base = _place(host)
    link = _link(letter, user, to)
    if link is None:
        return False
    brand = brands.brand_for(site.tenant, site.reseller)
    context = {
        "brand": brand,
        "person": user,
        "ink": palette.ink_on(brand.primary),
        "link": base + link,
        "reset_url": base + reverse("accounts:password-reset"),
        "to": to or user.email,
        "logo_absolute_url": base + brand.logo_url if brand.logo_url else "",
    }
    with translation.override(user.language or site.tenant.language or settings.LANGUAGE_CODE):
        subject = " ".join(render_to_string(f"emails/accounts/{letter}.subject", context).split())
        message = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string(f"emails/accounts/{letter}.txt", context).strip() + "\n",
            from_email=sender(brand.email_sender_name),
            to=[to or user.email],
            # Mail programs and lists must not answer a machine.
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(render_to_string(f"emails/accounts/{letter}.html", context), "text/html")
    message.send()
    return True


def sender(name: str) -> str:
    """The installation's address under the name of the brand."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((" ".join(name.split()), address))


def _link(letter: str, user: User, to: str) -> str | None:
    """Where the letter leads; nothing when what it is about is over."""
    if letter == "welcome":
        return reverse("accounts:welcome", args=[links.welcome(user)]) if user.is_invited else None
    if letter == "password_reset":
        return reverse("accounts:password-reset-confirm", args=[links.reset(user)])
    if letter == "confirm_email":
        waiting = EmailConfirmation.objects.filter(email_address__user=user, email_address__email=to).first()
        if waiting is None:
            return None
        return reverse("accounts:confirm-email", args=[signing.dumps(waiting.key, salt=CONFIRMATION_SALT)])
    return reverse("accounts:login")


def _place(host: str) -> tuple[hosts.Site, str]:
    """The site a letter speaks for and the address its links begin with, always one of the current schema."""
    known = hosts.normalise(host) if host else None
    site = hosts.site_of(known) if known else None
    if site is not None and site.tenant.schema_name == connection.schema_name:
        return site, f"{settings.SITE_SCHEME}://{host}"
    tenant = Tenant.objects.get(schema_name=connection.schema_name)
    reseller: Reseller | None = None
    domain = Domain.objects.filter(tenant=tenant, reseller=None).order_by("-is_primary", "pk").first()
    name = domain.domain if domain else settings.PLATFORM_DOMAIN
    return hosts.Site(tenant, reseller), f"{settings.SITE_SCHEME}://{name}{settings.SITE_PORT_SUFFIX}"
