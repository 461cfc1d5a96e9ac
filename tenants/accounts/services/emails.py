"""Letters to people about their login, in the brand they know and in their language.

Nothing secret travels through the task queue: a letter's link is made when the letter is written.
"""

from collections.abc import Callable
from uuid import UUID

from allauth.account.models import EmailConfirmation
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from ops.kernel import signing
from ops.kernel.tasks import enqueue
from tenants.accounts.models import ApiToken, Invitation, Login, User
from tenants.accounts.queries import devices
from tenants.accounts.services import links
from tenants.services import letters

CONFIRMATION_SALT = "accounts.confirm-email"


def send(letter: str, *, user: User, host: str = "", to: str = "", about: str = "") -> None:
    """Write and send a letter after the commit.

    `host` is where the person was (the tenant's main address by default), `to` another address than the person's own,
    `about` the key of the row it speaks of.
    """
    enqueue("accounts.send_letter", letter=letter, user_id=str(user.pk), host=host, to=to, about=about)


def send_invitation(*, invitation_id: UUID, host: str = "") -> None:
    """Write to an invited address after the commit."""
    enqueue("accounts.send_invitation", invitation_id=str(invitation_id), host=host)


def deliver_invitation(*, invitation_id: str, host: str, link_of: Callable[[Invitation], str]) -> bool:
    """Write the invitation and hand it to the mail server; `False` when it is not open any more."""
    row = (
        Invitation.objects.open(timezone.now())
        .select_related("role", "invited_by")
        .filter(pk=UUID(invitation_id))
        .first()
    )
    if row is None:
        return False
    _site, base = letters.place(host)
    letters.write(
        "accounts/invitation",
        to=row.email,
        context={
            "invitation": row,
            "by": row.invited_by.get_full_name() if row.invited_by else "",
            "link": base + reverse("accounts:invitation", args=[link_of(row)]),
        },
        language=row.language,
        host=host,
        reply_to=[row.invited_by.email] if row.invited_by else [],
    ).send()
    return True


def deliver(*, letter: str, user_id: str, host: str, to: str, about: str = "") -> bool:
    """Write `emails/accounts/<letter>` and hand it to the mail server; `False` when there is nobody to write to any more.

    Raises what the mail server raises; sending again is the task's business.
    """
    user = User.objects.active().members().filter(pk=UUID(user_id)).first()
    if user is None:
        return False
    link = _link(letter, user, to, about)
    if link is None:
        return False
    site, base = letters.place(host)
    login = Login.objects.filter(pk=UUID(about)).first() if letter == "new_device" and about else None
    token = (
        ApiToken.objects.select_related("role").filter(pk=UUID(about)).first() if letter.startswith("token_") else None
    )
    language = user.language or site.tenant.language or settings.LANGUAGE_CODE
    with translation.override(language):
        browser = devices.name_of(login.user_agent) if login else ""
    letters.write(
        f"accounts/{letter}",
        to=to or user.email,
        context={
            "person": user,
            "link": base + link,
            "reset_url": base + reverse("accounts:password-reset"),
            "login": login,
            "about": about,
            "api_token": token,
            "browser": browser,
        },
        language=language,
        host=host,
    ).send()
    return True


def _link(letter: str, user: User, to: str, about: str) -> str | None:
    """Where the letter leads; nothing when what it is about is over."""
    if letter == "welcome":
        return reverse("accounts:welcome", args=[links.welcome(user)]) if user.is_invited else None
    if letter == "password_reset":
        return reverse("accounts:password-reset-confirm", args=[links.reset(user)])
    if letter == "sso_recovery":
        return reverse("accounts:sso-recovered", args=[links.recovery(user)])
    if letter == "confirm_email":
        waiting = EmailConfirmation.objects.filter(email_address__user=user, email_address__email=to).first()
        if waiting is None:
            return None
        return reverse("accounts:confirm-email", args=[signing.dumps(waiting.key, salt=CONFIRMATION_SALT)])
    if letter in {"email_changing", "email_changed"}:
        old, new = (to, about) if about else (to, user.email)
        return reverse("accounts:stop-email-change", args=[links.stop_email_change(user, old=old, new=new)])
    if letter == "guesses":
        return reverse("accounts:unlock", args=[links.unlock(user)])
    if letter.startswith("token_"):
        return reverse("accounts:tokens")
    if letter == "second_factor_needed":
        return reverse("accounts:security")
    return reverse("accounts:login")
