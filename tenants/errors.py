"""What can go wrong with tenants, their addresses and their brands."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, DomainError, Invalid, NotFound, TemporaryFailure


class SlugTaken(Conflict):
    """Another tenant, or a reseller, answers under that name."""

    code = "slug_taken"
    message = _("The address “%(slug)s” is taken. Choose another one.")


class SlugReserved(Invalid):
    """The platform keeps this name for itself."""

    code = "slug_reserved"
    message = _("The address “%(slug)s” is reserved. Choose another one.")


class SlugMalformed(Invalid):
    """Not a label of a host name."""

    code = "slug_malformed"
    message = _(
        "Use 2 to 40 small letters, digits and single hyphens for the address, starting with a letter or digit."
    )


class HostMalformed(Invalid):
    """Not a host name anybody could visit."""

    code = "host_malformed"
    message = _("“%(host)s” is not a host name. Example: chat.example.com")


class HostTaken(Conflict):
    """The host answers for somebody."""

    code = "host_taken"
    message = _("“%(host)s” is already in use.")


class HostReserved(Invalid):
    """Hosts below the platform's own domain are given out with a tenant's address."""

    code = "host_reserved"
    message = _("“%(host)s” belongs to the platform. Enter a host of your own domain.")


class HostIsSuffix(Invalid):
    """A name under which strangers register theirs."""

    code = "host_is_a_suffix"
    message = _("Nobody owns all of “%(host)s”. Enter a domain of your own, such as shop.%(host)s.")


class HostNotPublic(Invalid):
    """A name the public DNS never knows."""

    code = "host_not_public"
    message = _("“%(host)s” is not a name of the public internet, so nobody could visit it.")


class HostClaimed(Conflict):
    """This account has asked for the host before."""

    code = "host_claimed"
    message = _("“%(host)s” is already in your list.")


class TooManyHosts(Conflict):
    """More hosts than anybody needs."""

    code = "too_many_hosts"
    message = _("You have %(limit)s domains. Remove one you do not use before adding another.")


class HostNotReady(Conflict):
    """A host must be proven and lead here before links are made with it."""

    code = "host_not_ready"
    message = _("“%(host)s” does not lead here yet. Make it the main address when its check is green.")


class UnknownHost(NotFound):
    """No such host of this owner."""

    code = "unknown_host"
    message = _("This address is not in your list.")


class LastHost(Conflict):
    """A tenant without a host cannot be reached."""

    code = "last_host"
    message = _("This is the only address. Add another one before removing it.")


class UnknownLanguage(Invalid):
    """The interface does not speak it."""

    code = "unknown_language"
    message = _("Choose one of the languages of the list.")


class UnknownTimeZone(Invalid):
    """Not in the time zone database."""

    code = "unknown_time_zone"
    message = _("Choose a time zone of the list, for example America/Sao_Paulo.")


class UnknownCurrency(Invalid):
    """Not one we can count in."""

    code = "unknown_currency"
    message = _("Choose one of the currencies of the list.")


class NotAllowedNow(Conflict):
    """A tenant in this state cannot go to that one."""

    code = "transition_not_allowed"
    message = _("A customer that is “%(from_state)s” cannot become “%(to_state)s”.")


class WrongState(Conflict):
    """Something that only a working customer can do."""

    code = "wrong_state"
    message = _("This cannot be done while the customer is “%(state)s”.")


class TooManyAddresses(Conflict):
    """Earlier addresses are kept from everybody else, so there are few of them."""

    code = "too_many_addresses"
    message = _("%(limit)s earlier addresses still lead here. Choose again when one of them has ended.")


class NothingToCopy(Conflict):
    """The source has no tables any more, or none yet."""

    code = "nothing_to_copy"
    message = _("The customer to be copied has no data: it is being prepared, closed or deleted.")


class TablesDiffer(TemporaryFailure):
    """Source and copy were not brought in step with the same release."""

    code = "tables_differ"
    message = _("The customer to be copied is being updated. Try again in a few minutes.")


class OwnerOfCopy(Invalid):
    """Whose copy it is decides who may read it."""

    code = "owner_of_copy"
    message = _(
        "A copy with people or conversations keeps the owners of the original. Name another owner only for a copy of"
        " the settings."
    )


class OwnerMissing(Invalid):
    """Without people somebody must be the first one."""

    code = "owner_missing"
    message = _("Name the owner's e-mail: a copy without people needs a first person.")


class NameMismatch(Invalid):
    """What was typed is not the company's name."""

    code = "name_mismatch"
    message = _("This is not the company's name. Type it exactly as it stands above.")


class NotTheSameReseller(Conflict):
    """A domain goes from one customer to another of the same house only."""

    code = "not_the_same_reseller"
    message = _("A domain can be moved only between customers of the same reseller.")


class HostNotMovable(Invalid):
    """Addresses below the platform belong to the customer's name."""

    code = "host_not_movable"
    message = _("“%(host)s” belongs to the customer's name. Only own domains can be moved.")


class UnknownExport(NotFound):
    """No such file, or its time is over."""

    code = "unknown_export"
    message = _("There is no such export, or it was deleted.")


class NothingPlanned(Conflict):
    """There is no deletion to take back."""

    code = "nothing_planned"
    message = _("No deletion of this account is planned.")


class NotYoursToTakeBack(Conflict):
    """Somebody else closed the account, with a reason."""

    code = "not_yours_to_take_back"
    message = _("This account was closed by the company that sold it. Write to them to have it opened again.")


class TenantNotReady(TemporaryFailure):
    """Provisioning has not finished."""

    code = "tenant_not_ready"
    message = _("This space is being prepared. It is ready in a moment.")


class TenantSuspended(DomainError):
    """Suspended: what is there can be read, nothing can be changed."""

    code = "tenant_suspended"
    status = 402
    message = _("This account is suspended. Your data are kept; nothing can be changed until it is active again.")


class TenantClosed(DomainError):
    """Archived, deleted, or the reseller has left."""

    code = "tenant_closed"
    status = 410
    message = _("This account is closed.")


class UnknownTenant(NotFound):
    """No such tenant."""

    code = "unknown_tenant"
    message = _("There is no such customer.")


class TemplateMissing(TemporaryFailure):
    """The prepared script is made by `manage.py migrate`."""

    code = "template_missing"
    message = _("New customers cannot be prepared yet: run “manage.py migrate” first.")


class SchemaNotOurs(Conflict):
    """A schema of that name exists and was not made for this tenant."""

    code = "schema_not_ours"
    message = _("The schema “%(schema)s” exists already and belongs to something else.")


class ColourMalformed(Invalid):
    """Not a hexadecimal colour."""

    code = "colour_malformed"
    message = _("Write the colour as # and six hexadecimal digits, for example #0b6b5d.")


class ImageRefused(Invalid):
    """Not a picture we can show; the message says why."""

    code = "image_refused"
    message = _("This file is not a PNG, JPEG, WebP or ICO picture.")


class SenderRefused(Invalid):
    """Not an address of somebody's own domain."""

    code = "sender_refused"
    message = _("Write an address of your own domain, for example hello@yourcompany.com.")


class CssRefused(Invalid):
    """Something in the custom CSS may not be there; the message names the line."""

    code = "css_refused"
    message = _("Line %(line)s: %(reason)s")


class LastMember(Conflict):
    """Somebody must be able to manage the reseller's team."""

    code = "last_member"
    message = _("At least one owner must remain. Make another person an owner first.")


class SupportRefused(DomainError):
    """The customer decided that support never enters."""

    code = "support_refused"
    status = 403
    message = _(
        "This customer does not let support enter. Ask its owner to change that under Settings, Support access."
    )


class NotYourCustomer(DomainError):
    """The person's team may not enter this customer, or the person may not enter any."""

    code = "not_your_customer"
    status = 403
    message = _("You may not enter this customer.")


class SupportNotNow(Conflict):
    """Being prepared, suspended or closed: nobody of support enters."""

    code = "support_not_now"
    message = _("Support enters active customers only.")


class VisitOpen(Conflict):
    """One request at a time."""

    code = "visit_open"
    message = _("You already have an open request for this customer.")


class VisitOver(NotFound):
    """Ended, refused, used, too old, or of somebody else: one answer for all."""

    code = "visit_over"
    message = _("This visit is over. Ask for a new one.")


class ReasonMissing(Invalid):
    """The customer reads it."""

    code = "reason_missing"
    message = _("Say why in at least five letters; the customer reads it.")


class BadConsentEnd(Invalid):
    """A permission without an end is none."""

    code = "bad_consent_end"
    message = _("Choose a day between today and ninety days from now.")


class ClosedToSupport(DomainError):
    """A door that support's visits do not open."""

    code = "closed_to_support"
    status = 403
    message = _(
        "A visit of support does not open this: passwords, keys, people's logins, payments, exports and deletions"
        " stay with the company."
    )


class NotYourAnnouncement(NotFound):
    """Of another reseller, or of the platform."""

    code = "unknown_announcement"


class UnknownAnnouncement(NotFound):
    """Not one that this company reads."""

    code = "unknown_announcement"


class TitleMissing(Invalid):
    """A banner says something."""

    code = "title_missing"
    message = _("Write a title in one of the two languages at least.")


class EndsBeforeItStarts(Invalid):
    """Nobody would ever see it."""

    code = "ends_before_it_starts"
    message = _("The end must be after the beginning.")


class NobodyChosen(Invalid):
    """It would reach nobody."""

    code = "nobody_chosen"
    message = _("Choose at least one.")
