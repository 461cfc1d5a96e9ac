"""What the rest of the house may want to know about plans. Ids and words only; readers look up the rest."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FeaturesChanged:
    """Somebody decided about a feature of a tenant; what holds is asked of `entitlements`."""

    name: ClassVar[str] = "billing.features_changed"
    tenant_id: str
    feature: str

    @property
    def aggregate(self) -> str:
        """Events of one tenant are delivered in order."""
        return f"features:{self.tenant_id}"
