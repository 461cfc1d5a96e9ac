"""Words of tenancy."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# The platform's own row: its hosts are the landing page and the consoles.
PUBLIC_SCHEMA = "public"
# The tenant every new one is copied from. A real row, so that every migration reaches it, and a name nobody
# can ask for: tenants' schemas start with `t_`. Plain letters only, it is replaced as text in the prepared script.
TEMPLATE_SCHEMA = "zz_tenant_template_zz"
# Schemas formed in advance for tenants to come. No tenant is called so either.
READY_PREFIX = "zz_ready_"
TEMPLATE_SLUG = "zz-template"
PUBLIC_SLUG = "public"


class TenantStatus(models.TextChoices):
    """A tenant's life: provisioning → active ⇄ suspended → archived → deleted."""

    PROVISIONING = "provisioning", _("Being prepared")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    ARCHIVED = "archived", _("Archived")
    DELETED = "deleted", _("Deleted")


class JobKind(models.TextChoices):
    """What is done to a tenant in steps."""

    PROVISION = "provision", _("Preparation")
    MIGRATE = "migrate", _("Update of the tables")
    PURGE = "purge", _("Deletion")
    CLONE = "clone", _("Copy of another customer")
    EXPORT = "export", _("Export of everything")


# Work that ends with a new tenant.
BIRTHS = (JobKind.PROVISION, JobKind.CLONE)


class JobState(models.TextChoices):
    """State of one job."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Taken back")


class JobStep(models.TextChoices):
    """The steps of long work; a job stands on the step it is doing or failed at."""

    ADDRESS = "address", _("Reserving the address")
    SCHEMA = "schema", _("Making the tables")
    OWNER = "owner", _("Adding the owner")
    DEFAULTS = "defaults", _("Laying out the first settings")
    COPY = "copy", _("Copying the rows")
    SETTLE = "settle", _("Making new secrets")
    FILES = "files", _("Copying the files")
    READY = "ready", _("Ready")
    EXPORT = "export", _("Making the last export")
    TELL = "tell", _("Writing to the owners")
    GRACE = "grace", _("Waiting for the end of the grace time")
    PURGE = "purge", _("Deleting")


class CopyMode(models.TextChoices):
    """How much of a tenant its copy gets."""

    FULL = "full", _("Everything: people, contacts, conversations and settings")
    WITHOUT_PEOPLE = "without_people", _("Contacts, conversations and settings, without the team")
    SETTINGS = "settings", _("Settings only")


class ResellerRole(models.TextChoices):
    """What a person may do in a reseller's console; `models.reseller.CONSOLE_RIGHTS` says what each may."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    SUPPORT = "support", pgettext_lazy("team", "Support")
    FINANCE = "finance", _("Finance")


# The platform's own people, where rules are kept by role: they have none.
PLATFORM_TEAM = "platform"


class ConsoleRight(models.TextChoices):
    """One thing somebody may do in a console."""

    VIEW_CUSTOMERS = "customers.view", _("See customers and what they use")
    CREATE_CUSTOMERS = "customers.create", _("Create customers")
    STOP_CUSTOMERS = "customers.stop", _("Suspend customers and let them on")
    CLOSE_CUSTOMERS = "customers.close", _("Close customers' accounts, and take that back")
    CHANGE_PLANS = "customers.plan", _("Change customers' plans")
    CHANGE_ADDRESSES = "customers.addresses", _("Change customers' addresses")
    EXPORT_CUSTOMERS = "customers.export", _("Export lists of customers")
    ENTER_CUSTOMERS = "customers.enter", _("Ask to enter a customer's pages as support")
    ANNOUNCE = "announcements.publish", _("Write announcements to customers")
    VIEW_PRICES = "prices.view", _("See prices")
    CHANGE_PRICES = "prices.change", _("Change prices")
    VIEW_MARGIN = "margin.view", _("See margins")
    CHANGE_BRAND = "brand.change", _("Change the brand")
    CHANGE_DOMAIN = "domain.change", _("Change the console's own addresses")
    CHANGE_CREDENTIALS = "credentials.change", _("Change keys of outside services that customers use")
    VIEW_LOG = "log.view", _("See what was done in the console and to customers")
    VIEW_TEAM = "team.view", _("See the team")
    CHANGE_TEAM = "team.change", _("Invite people, change their roles and take them out")
    CHANGE_LOGIN_RULES = "team.login_rules", _("Decide who in the team needs a second factor")


class SupportMode(models.TextChoices):
    """What a customer lets support do."""

    NEVER = "never", _("Never")
    ASK = "ask", _("Ask each time")
    ALLOWED = "allowed", _("Allowed until a date")


class GrantState(models.TextChoices):
    """A request to enter: requested → approved → running → ended; or refused."""

    REQUESTED = "requested", _("Waiting for an answer")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    RUNNING = "running", _("Inside now")
    ENDED = "ended", _("Over")


class GrantEnd(models.TextChoices):
    """Why a request or a visit is over."""

    LEFT = "left", _("Left")
    TIME = "time", _("The time was over")
    CUSTOMER = "customer", _("Ended by the customer")
    CONSENT = "consent", _("The customer no longer allows support")
    STATE = "state", _("The customer was suspended or closed")
    PERSON = "person", _("The person no longer works there")
    UNANSWERED = "unanswered", _("Nobody answered in time")
    UNUSED = "unused", _("Not used in time")
    WITHDRAWN = "withdrawn", _("Taken back")


class Audience(models.TextChoices):
    """Who reads an announcement."""

    CUSTOMERS = "customers", _("All customers")
    PLANS = "plans", _("Customers on certain plans")
    SELECTED = "selected", _("Certain customers")
    RESELLERS = "resellers", _("Resellers' teams, in their consoles")


class Tone(models.TextChoices):
    """How an announcement looks."""

    INFO = "info", _("News")
    SUCCESS = "success", _("Good news")
    WARNING = "warning", _("Warning")


class ClaimState(models.TextChoices):
    """A claimed host: waiting for its proof → verified ⇄ failing → lost, and from there back by a new proof."""

    WAITING = "waiting", _("Waiting for the DNS")
    VERIFIED = "verified", _("Verified")
    FAILING = "failing", _("Check fails")
    LOST = "lost", _("Lost")


class SenderState(models.TextChoices):
    """Whether letters leave from somebody's own address."""

    WAITING = "waiting", _("Waiting for the DNS")
    VERIFIED = "verified", _("In use")
    LOST = "lost", _("Lost")


class TlsProblem(models.TextChoices):
    """What is wrong with the certificate of somebody's own host."""

    SILENT = "silent", _("Nobody answers on port 443")
    UNTRUSTED = "untrusted", _("Browsers do not trust it")
    OTHER_NAME = "other_name", _("It is made out for another name")
    EXPIRED = "expired", _("It has run out")
