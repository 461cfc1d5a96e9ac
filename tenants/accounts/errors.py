"""What can go wrong with people and their logins."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, DomainError, Invalid, NotFound, PermissionRefused, RateLimited
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


class UnknownTimeZone(Invalid):
    """No such time zone."""

    code = "unknown_time_zone"
    message = _("There is no such time zone.")


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


class AlreadyInvited(Conflict):
    """The address has an invitation that nobody has answered."""

    code = "already_invited"
    message = _("This address is invited already. Send that invitation again, or take it back first.")


class NotPending(Conflict):
    """Accepted or revoked in the meantime."""

    code = "invitation_not_pending"
    message = _("This invitation was answered or taken back already.")


class InvitationUsed(LinkExpired):
    """Somebody came in with it."""

    code = "invitation_used"
    message = _("This invitation was accepted already. Log in with the password you chose.")


class InvitationRevoked(LinkExpired):
    """Taken back by the team."""

    code = "invitation_revoked"
    message = _("This invitation was taken back. Ask the person who invited you.")


class InvitationExpired(LinkExpired):
    """Older than seven days."""

    code = "invitation_expired"
    message = _("This invitation is too old. Ask the person who invited you to send it again.")


class LinkReplaced(LinkExpired):
    """A later letter carries the link that works."""

    code = "link_replaced"
    message = _("A newer letter was sent to you. Use the link in that one.")


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


class SecondFactorRequired(NotLoggedIn):
    """The password is right and the person has a second factor, which was not sent."""

    code = "second_factor_required"
    message = _("Send the code of your authenticator app, or a recovery code, as `otp`.")


class SecondFactorRefused(NotLoggedIn):
    """The password is right and the code is not."""

    code = "second_factor_refused"
    message = _("The code is not right, or was used already.")


class WrongCode(Invalid):
    """The typed code is not the app's, was used before, or is no recovery code that is left."""

    code = "wrong_code"
    message = _("This code is not right, or was used already. Wait for the next one and try again.")


class TooManyTries(RateLimited):
    """Too many wrong passwords or codes for one account. Said alike for addresses that nobody here has."""

    message = _(
        "There were too many wrong tries. Try again in %(minutes)s minutes; if somebody here has this address, "
        "the letter we sent there lets them go on at once."
    )


class PasskeyRefused(Invalid):
    """The key's answer does not fit the question, the host or the person."""

    code = "passkey_refused"
    message = _("The passkey was not accepted. Try again, or use another way.")


class FactorSetAlready(Conflict):
    """One authenticator app a person."""

    code = "factor_set_already"
    message = _("An authenticator app is set up already. Remove it first.")


class SecondFactorFirst(Conflict):
    """Who asks it of others at once has one first."""

    code = "second_factor_first"
    message = _("Your own role is among them and you have no second factor yet. Set yours up first, or give some days.")


class FactorNotFound(NotFound):
    """No such second factor of this person."""

    code = "factor_not_found"
    message = _("There is no such second factor.")


class SecondFactorMissing(DomainError):
    """The role asks for a second factor and the person has none yet."""

    code = "second_factor_missing"
    status = 403
    message = _("Your role needs a second factor. Log in with a browser and set it up first.")


class TokenRefused(NotLoggedIn):
    """Expired, ended, tampered with, or of another tenant."""

    code = "token_refused"
    message = _("This login has ended. Log in again.")


# Why somebody who came from an identity provider was not let in: for the log and the audit, and in words for them.
_UNBELIEVED = _("The answer of %(provider)s did not hold up, so nobody was logged in. Start again from the login page.")
REASONS: dict[str, str | Promise] = {
    "state": _("This login was not begun in this browser, or was begun too long ago. Start again from the login page."),
    "replayed": _("This login was used already. Start again from the login page."),
    "unsigned": _UNBELIEVED,
    "signature": _UNBELIEVED,
    "algorithm": _UNBELIEVED,
    "audience": _UNBELIEVED,
    "recipient": _UNBELIEVED,
    "issuer": _UNBELIEVED,
    "in_response_to": _UNBELIEVED,
    "nonce": _UNBELIEVED,
    "subject": _UNBELIEVED,
    "unreadable": _UNBELIEVED,
    "no_token": _UNBELIEVED,
    "code": _UNBELIEVED,
    "expired": _("The answer of %(provider)s is too old, or its clock is wrong. Start again from the login page."),
    "said_no": _("%(provider)s did not let you in."),
    "silent": _("%(provider)s does not answer right now. Try again in a moment."),
    "settings": _("The connection to %(provider)s is not set up well. Tell an owner of your team."),
    "no_email": _("%(provider)s did not say your e-mail address. Tell an owner of your team."),
    "email_unverified": _("%(provider)s has not confirmed your e-mail address."),
    "domain": _("%(email)s does not belong to a domain that may log in here with %(provider)s."),
    "unknown_person": _("Nobody with the e-mail %(email)s works here. Ask an administrator of your team to add you."),
    "other_person": _("%(email)s was linked to another account of %(provider)s. Ask an owner of your team."),
    "deactivated": _("Your access here was stopped. Ask an administrator of your team."),
    "no_role": _("None of your groups at %(provider)s gives access here. Ask an administrator of your team."),
    "no_seat": _("The plan has no seat left for you. Ask an owner of your team to make room."),
}


class SignInRefused(DomainError):
    """Who came from an identity provider is not let in. `reason` is a word of `REASONS`, `words` are for the log."""

    code = "sign_in_refused"
    status = 403

    def __init__(self, reason: str, *, provider: str = "", email: str = "", words: str = "") -> None:
        super().__init__(REASONS[reason], provider=provider or "SSO", email=email)
        self.reason = reason
        self.words = words


class SignOnRequired(DomainError):
    """People of this e-mail domain come in through their identity provider, not by a password of ours."""

    code = "sso_required"
    status = 403
    message = _("People of %(domain)s log in with %(provider)s.")

    def __init__(self, *, provider: Any, domain: str) -> None:
        super().__init__(provider=str(provider), domain=domain)
        self.provider = provider


class DomainNotProved(Invalid):
    """The record is not there, or not yet."""

    code = "domain_not_proved"
    message = _("The record was not found yet. DNS may need up to an hour; try again then.")


class DomainMalformed(Invalid):
    """Not a domain of e-mail addresses."""

    code = "domain_malformed"
    message = _("Write a domain such as company.com.br.")


class DomainOfEverybody(Invalid):
    """A mail service anybody can have an address at."""

    code = "domain_of_everybody"
    message = _("%(domain)s gives addresses to everybody. Use a domain that is only yours.")


class DomainTaken(Conflict):
    """It is on the list already."""

    code = "domain_taken"
    message = _("This domain is on the list already.")


class DomainInUse(Conflict):
    """Somebody comes in by it."""

    code = "domain_in_use"
    message = _("%(provider)s lets people of this domain in. Take it away there first.")


class ProviderUnusable(Invalid):
    """What a login service publishes, or its address, is no use to us."""

    code = "provider_unusable"
    message = _("This login service cannot be used as it is set up: %(words)s")


class PrivateAddress(Invalid):
    """The address leads into a private network."""

    code = "private_address"
    message = _("This address leads into a private network. Use one that is reachable from the internet.")


class NotTested(Conflict):
    """A way in that nobody tried must not become the only one."""

    code = "not_tested"
    message = _("Do a test login first: it must work before it becomes the only way in.")


class NotOffered(Conflict):
    """What nobody is offered cannot be the only way in."""

    code = "not_offered"
    message = _("Offer it on the login page first: the only way in must be open.")


class NoDomain(Invalid):
    """Without a proved domain nobody may come in by it."""

    code = "no_domain"
    message = _("Choose at least one proved e-mail domain.")


class KindClosed(Invalid):
    """This installation has no keys for that kind."""

    code = "kind_closed"
    message = _("This way to log in is not available here.")


class TokenNotFound(NotFound):
    """Not there, or somebody else's."""

    code = "token_not_found"
    message = _("There is no such token.")


class TooManyTokens(Conflict):
    """Nobody looks after hundreds of keys."""

    code = "too_many_tokens"
    message = _("You have %(limit)s tokens. Revoke one you no longer use.")


class RoleNotFound(NotFound):
    """Not there."""

    code = "role_not_found"
    message = _("There is no such role.")


class RoleFixed(Conflict):
    """Built-in roles are kept by the product."""

    code = "role_fixed"
    message = _("Built-in roles cannot be changed or deleted. Copy it and change the copy.")


class RoleTaken(Conflict):
    """Two roles of one name could not be told apart."""

    code = "role_taken"
    message = _("There is already a role with this name.")


class RoleInUse(Conflict):
    """Who has it needs another one first."""

    code = "role_in_use"
    message = _("This role is in use. Say which role its people get.")


class TooManyRoles(Conflict):
    """A matrix nobody can read protects nobody."""

    code = "too_many_roles"
    message = _("There are %(limit)s roles already. Delete one that nobody has.")
