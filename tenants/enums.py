"""Words of tenancy."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TenantStatus(models.TextChoices):
    """A tenant's life: provisioning → active ⇄ suspended → archived → deleted."""

    PROVISIONING = "provisioning", _("Being prepared")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    ARCHIVED = "archived", _("Archived")
    DELETED = "deleted", _("Deleted")


class JobState(models.TextChoices):
    """State of one provisioning or deletion job."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class ResellerRole(models.TextChoices):
    """What a person may do in a reseller's console."""

    OWNER = "owner", _("Owner")
    STAFF = "staff", _("Staff")
