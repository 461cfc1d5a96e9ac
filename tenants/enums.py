"""Words of tenancy."""

from django.db import models
from django.utils.translation import gettext_lazy as _

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


class JobState(models.TextChoices):
    """State of one job."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class JobStep(models.TextChoices):
    """The steps of preparing a tenant, in order; a job stands on the step it is doing or failed at."""

    ADDRESS = "address", _("Reserving the address")
    SCHEMA = "schema", _("Making the tables")
    OWNER = "owner", _("Adding the owner")
    DEFAULTS = "defaults", _("Laying out the first settings")
    READY = "ready", _("Ready")


class ResellerRole(models.TextChoices):
    """What a person may do in a reseller's console."""

    OWNER = "owner", _("Owner")
    STAFF = "staff", _("Staff")
