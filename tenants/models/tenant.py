"""The tenant: one small business, one schema."""

from typing import Any, Self

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import TenantMixin

from ops.kernel.ids import uuid7
from tenants.enums import PUBLIC_SCHEMA, TEMPLATE_SCHEMA, TenantStatus
from tenants.models.reseller import Reseller

slug_format = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z",
    _("Use small letters, digits and hyphens, starting and ending with a letter or digit."),
)


class TenantQuerySet(models.QuerySet["Tenant"]):
    """Doors to the list of tenants; the platform's own row and the template are never customers."""

    def customers(self) -> Self:
        """Every tenant but the platform itself and the template; also those whose data are gone."""
        return self.exclude(schema_name__in=(PUBLIC_SCHEMA, TEMPLATE_SCHEMA))

    def living(self) -> Self:
        """Customers whose data exist."""
        return self.customers().exclude(status=TenantStatus.DELETED)

    def active(self) -> Self:
        """Customers that may work today."""
        return self.customers().filter(status=TenantStatus.ACTIVE)

    def of(self, reseller: Reseller) -> Self:
        """Customers of one reseller."""
        return self.customers().filter(reseller=reseller)


class Tenant(TenantMixin):
    """A customer. `schema_name` never changes and is never used again; the address and the name may change."""

    auto_create_schema = False  # tenants.services.provisioning replays a prepared script instead
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(_("address"), max_length=40, validators=[slug_format])
    reseller = models.ForeignKey(
        Reseller, models.PROTECT, null=True, blank=True, related_name="tenants", verbose_name=_("reseller")
    )
    status = models.CharField(_("state"), max_length=12, choices=TenantStatus, default=TenantStatus.PROVISIONING)
    language = models.CharField(_("language"), max_length=8, default="pt-br")
    time_zone = models.CharField(_("time zone"), max_length=40, default="America/Sao_Paulo")
    currency = models.CharField(_("currency"), max_length=3, default="BRL")
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    suspend_reason = models.CharField(_("reason"), max_length=200, blank=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    delete_after = models.DateTimeField(_("delete after"), null=True, blank=True)
    # What the code's tables and roles looked like when this schema was last brought in step with them.
    release_hash = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [
            ("change_settings", _("Change the company's settings")),
            ("manage_lifecycle", _("Change the company's address and close the account")),
        ]
        constraints = [
            # A customer that left gives its address back; its schema name stays used, so that no old token,
            # cache key or file of it can ever belong to its successor.
            models.UniqueConstraint(
                fields=["slug"],
                condition=~models.Q(status=TenantStatus.DELETED),
                name="tenant_slug_once_among_the_living",
                violation_error_message=_("This address is taken. Choose another one."),
            )
        ]
        indexes = [models.Index(fields=["reseller", "status"], name="tenant_of_reseller")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_public(self) -> bool:
        """The platform's own row."""
        return self.schema_name == PUBLIC_SCHEMA

    @property
    def is_writable(self) -> bool:
        """Whether people of this tenant may change anything today."""
        return self.status == TenantStatus.ACTIVE

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:
        """Remember the schema, so that `save` can refuse to change it."""
        row = super().from_db(db, field_names, values)
        row._loaded_schema = row.__dict__.get("schema_name")
        return row

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; the schema of an existing tenant is fixed."""
        loaded = getattr(self, "_loaded_schema", None)
        if loaded and loaded != self.schema_name:
            raise ValueError(f"The schema of a tenant never changes: {loaded!r} to {self.schema_name!r}.")
        super().save(*args, **kwargs)
        self._loaded_schema = self.schema_name
