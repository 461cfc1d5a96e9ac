"""What can be wrong with a webhook."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Invalid, NotFound


class EndpointNotFound(NotFound):
    """No such endpoint in this tenant."""

    code = "webhook_not_found"
    message = _("This webhook does not exist.")


class DeliveryNotFound(NotFound):
    """No such delivery of this endpoint."""

    code = "webhook_delivery_not_found"
    message = _("This delivery does not exist.")


class UnusableAddress(Invalid):
    """The address cannot be called from here."""

    code = "unusable_address"
    message = _("Give an address that begins with https:// and is reachable from the internet.")


class UnknownEvent(Invalid):
    """The endpoint asks for an event that does not exist."""

    code = "unknown_event"
    message = _("There is no event “%(event)s”.")


class NoEvents(Invalid):
    """The endpoint asks for nothing."""

    code = "no_events"
    message = _("Choose at least one event.")


class TooManyEndpoints(Invalid):
    """More addresses than anybody needs, each of which is called for every event."""

    code = "too_many_webhooks"
    message = _("There are already %(limit)s webhooks. Remove one that is no longer needed.")
