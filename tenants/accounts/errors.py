"""What can go wrong with people and their logins."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, DomainError, Invalid, NotFound, PermissionRefused
from ops.kernel.registry import permissions


class EmailTaken(Conflict):
    """Another person of this schema has that address."""

    code = "email_taken"
    message = _("There is already a person with this e-mail.")


class LastOwner(Conflict):
    """Somebody must be able to manage everything."""

    code = "last_owner"
    message = _("At least one active owner must remain. Make another person an owner first.")


class UnknownRole(Invalid):
    """No role of that short name in this schema."""

    code = "unknown_role"
    message = _("There is no such role.")


class UnknownLanguage(Invalid):
    """The interface does not speak it."""

    code = "unknown_language"
    message = _("This language is not available.")


class OwnerOnly(DomainError):
    """Only owners may make, change or deactivate owners."""

    code = "owner_only"
    status = 403
    message = _("Only an owner can do this for an owner.")


class MoreThanYours(PermissionRefused):
    """What somebody would give or take away is more than their own role holds."""

    code = "more_than_yours"
    message = _("Your own role does not allow this, so you cannot give or change it: %(missing)s.")

    def __init__(self, missing: Iterable[str], *, field: str | None = None) -> None:
        words = sorted(str(known.label) if (known := permissions.get(name)) else name for name in missing)
        more = len(words) - 3
        super().__init__(field=field, missing=", ".join(words[:3]) + (f" (+{more})" if more > 0 else ""))


class LinkExpired(NotFound):
    """Used, too old, of another tenant, or never ours: one answer for all."""

    code = "link_expired"
    message = _("This link no longer works. Ask for a new one.")


class WrongPassword(Invalid):
    """The current password does not match."""

    code = "wrong_password"
    message = _("The current password is not right.")


class NotLoggedIn(DomainError):
    """Who asks has not shown who they are."""

    status = 401

    @property
    def headers(self) -> dict[str, str]:
        """A 401 names the way to authenticate (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": "Bearer"}


class LoginRefused(NotLoggedIn):
    """Unknown e-mail, wrong password or deactivated: one answer for all."""

    code = "login_refused"
    message = _("The e-mail or the password is not right.")


class TokenRefused(NotLoggedIn):
    """Expired, ended, tampered with, or of another tenant."""

    code = "token_refused"
    message = _("This login has ended. Log in again.")
