"""What the rest of the house may want to know about tenants. Ids and words only; readers look up the rest."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class TenantCreated:
    """A tenant's row and address exist; its schema is being made."""

    name: ClassVar[str] = "tenants.tenant_created"
    tenant_id: str
    schema_name: str

    @property
    def aggregate(self) -> str:
        """Events of one tenant are delivered in order."""
        return f"tenant:{self.tenant_id}"


@dataclass(frozen=True, slots=True)
class TenantStatusChanged:
    """A tenant moved from one state of its life to another."""

    name: ClassVar[str] = "tenants.tenant_status_changed"
    tenant_id: str
    schema_name: str
    before: str
    after: str
    reason: str = ""

    @property
    def aggregate(self) -> str:
        """Events of one tenant are delivered in order."""
        return f"tenant:{self.tenant_id}"


@dataclass(frozen=True, slots=True)
class ProvisioningFailed:
    """A step of preparing a tenant failed; the job says which and why."""

    name: ClassVar[str] = "tenants.provisioning_failed"
    tenant_id: str
    job_id: str
    step: str

    @property
    def aggregate(self) -> str:
        """Events of one tenant are delivered in order."""
        return f"tenant:{self.tenant_id}"


@dataclass(frozen=True, slots=True)
class BrandChanged:
    """A tenant's or a reseller's looks changed."""

    name: ClassVar[str] = "tenants.brand_changed"
    owner: str
    owner_id: str

    @property
    def aggregate(self) -> str:
        """Events of one brand are delivered in order."""
        return f"brand:{self.owner_id}"
