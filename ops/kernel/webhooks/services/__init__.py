"""`endpoints` are set up by people; `deliveries` go out by themselves."""

from ops.kernel.webhooks.services import deliveries, endpoints

__all__ = ["deliveries", "endpoints"]
