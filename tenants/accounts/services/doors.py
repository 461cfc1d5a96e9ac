"""Which doors are open to whom: people of a domain with an enforced identity provider come in by it and by nothing else.

The one exception is an owner's way back in, for the day the provider is down or set up wrongly: a link to the owner's
own mailbox that works once, is told to every owner, and stands in the audit.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.audit import services as audit
from ops.kernel.tasks import enqueue
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.errors import SignOnRequired
from tenants.accounts.models import IdentityProvider, User
from tenants.accounts.services import email_domains, emails, links


def only_way_in(email: str) -> IdentityProvider | None:
    """The identity provider people of this address must use; nothing for everybody else."""
    domain = email_domains.of(email)
    if not domain:
        return None
    return IdentityProvider.objects.enforced_for(domain).order_by("created_at", "pk").first()


def require_own(*, email: str) -> None:
    """Our own doors (password, passkey, API password, new password) are open to this address. Raises `SignOnRequired`.

    It looks at the domain alone, so that the answer is the same for addresses that nobody here has.
    """
    provider = only_way_in(email)
    if provider is not None:
        raise SignOnRequired(provider=provider, domain=email_domains.of(email))


def offered() -> list[IdentityProvider]:
    """The identity providers the login page has a button for."""
    return list(IdentityProvider.objects.open().order_by("created_at", "pk"))


def ask_recovery(*, email: str, host: str) -> None:
    """An owner asks for the way back in. Who that is, is looked up later: the answer is the same for every address."""
    enqueue("accounts.answer_recovery_request", email=email, host=host)


def answer_recovery(*, email: str, host: str, now: datetime) -> bool:
    """Send the link when an active owner behind an enforced provider has that address; says whether it did."""
    user = User.objects.active().with_role(BuiltInRole.OWNER).filter(email=email.strip().lower()).first()
    if user is None or only_way_in(user.email) is None:
        return False
    audit.record("accounts.recovery_asked", by=user, on=user, now=now)
    emails.send("sso_recovery", user=user, host=host)
    return True


def recovering(*, token: str) -> User:
    """The owner a recovery link is for. Raises `LinkExpired`."""
    return links.recovering(token)


@transaction.atomic
def recover(*, token: str, now: datetime) -> User:
    """Use the link: the owner is in, and every owner is told. Raises `LinkExpired` the second time."""
    user = links.recovering(token)
    user = User.objects.select_for_update(of=("self",)).select_related("role").get(pk=user.pk)
    links.recovering(token)  # again under the lock: two clicks at once are one use

    user.last_login = now
    user.save(update_fields=["last_login", "updated_at"])

    audit.record("accounts.recovery_login", by=user, on=user, now=now)
    alerts.raise_alert(
        "accounts.recovery_login",
        severity=Severity.WARNING,
        key=f"accounts.recovery_login:{user.pk}:{now:%Y%m%dT%H%M%S}",
        title=str(_("An owner logged in past single sign-on")),
        body=_("%(email)s used the recovery link instead of the identity provider.") % {"email": user.email},
        now=now,
    )
    for owner in User.objects.active().with_role(BuiltInRole.OWNER).order_by("pk"):
        emails.send("sso_recovery_used", user=owner)
    return user
