"""Notifications to browsers whose console is closed: which ones there are, and telling them.

The key pair is the installation's own. It is made when the first browser asks for it, and stays: with another one every
browser would have to subscribe again.
"""

import logging
from datetime import datetime
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django_tenants.utils import get_public_schema_name, schema_context

from chat.enums import NotificationKind
from chat.models import Notification, PushSubscription
from chat.providers import webpush
from ops.kernel.configuration import services as configuration
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.errors import Invalid, NotFound, PermanentFailure, TemporaryFailure
from tenants.models import Tenant
from tenants.services import domains

log = logging.getLogger(__name__)

SETTING = "chat.webpush"
DEFINITION = Definition(
    SETTING,
    _("Notifications to browsers"),
    (
        Field(
            "private_key",
            _("Private key"),
            secret=True,
            hint=_("Made by itself. With another one every browser must be allowed again."),
        ),
    ),
)
LOCK = 0x62616C63_616F77
MOST_BROWSERS = 20
# A push service keeps it this long for a browser that is away; older news is no news.
KEPT_S = 4 * 3600
# So many refusals in a row, and the browser is taken off the list.
PATIENCE = 8
URGENT = {NotificationKind.MENTION, NotificationKind.MESSAGE}


def keys() -> webpush.Keys:
    """The installation's key pair, made on the first call."""
    with schema_context(get_public_schema_name()):
        private = configuration.get(SETTING)["private_key"].reveal()
        if not private:
            private = _made()
    return webpush.Keys(private=private, contact=f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")


def _made() -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        # Two browsers at once must not get two keys.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        private = configuration.get(SETTING)["private_key"].reveal()
        if private:
            return private
        private = webpush.new_keys()
        configuration.set(SETTING, {"private_key": private}, by="chat")
    return private


def public_key() -> str:
    """What a browser subscribes with."""
    return webpush.public_key(keys().private)


@transaction.atomic
def subscribe(*, user: Any, endpoint: str, p256dh: str, auth: str, user_agent: str = "") -> PushSubscription:
    """Tell this browser from now on; the same one again, perhaps of another person, is renewed. Raises `Invalid`."""
    try:
        webpush.check_browser(webpush.Browser(endpoint=endpoint, p256dh=p256dh, auth=auth))
    except ValueError as error:
        field = str(error) if str(error) in {"endpoint"} else "keys"
        raise Invalid(field=field) from error
    found, _new = PushSubscription.objects.update_or_create(
        endpoint=endpoint,
        defaults={"user": user, "p256dh": p256dh, "auth": auth, "user_agent": user_agent[:300], "failures": 0},
    )
    extra = PushSubscription.objects.filter(user=user).order_by("-created_at", "-pk")[MOST_BROWSERS:]
    PushSubscription.objects.filter(pk__in=[row.pk for row in extra]).delete()
    return found


def unsubscribe(*, user: Any, key: UUID | None = None, endpoint: str = "") -> None:
    """Tell one's own browser no more, by its id or its address. Raises `NotFound`."""
    rows = PushSubscription.objects.filter(user=user)
    rows = rows.filter(pk=key) if key is not None else rows.filter(endpoint=endpoint)
    if not rows.delete()[0]:
        raise NotFound()


def deliver(*, notification_id: UUID, now: datetime) -> int:
    """Push a notification to every browser of its person, unless it was looked at meanwhile; returns to how many.

    Raises `TemporaryFailure` when a push service wants to be asked again; who has it already is told no second time:
    the browser replaces what has the same tag.
    """
    rows = Notification.objects.with_people().select_related("user__role")
    row = rows.filter(pk=notification_id).first()
    if row is None or not row.user.is_active or (row.read_at is not None and row.read_at < row.updated_at):
        return 0
    told, again = 0, None
    ours = keys()
    message = _message(row)
    urgency = "high" if row.kind in URGENT else "normal"
    for browser in PushSubscription.objects.filter(user=row.user):
        target = webpush.Browser(endpoint=browser.endpoint, p256dh=browser.p256dh, auth=browser.auth)
        try:
            webpush.send(
                target,
                message,
                keys=ours,
                ttl_s=KEPT_S,
                urgency=urgency,
                base_url=settings.BASE_URLS["webpush"],
            )
        except webpush.BrowserGone:
            browser.delete()
        except PermanentFailure as error:
            log.warning("A push service refused a notification: %s", error.words)
            _failed(browser)
        except TemporaryFailure as error:
            again = error
        else:
            PushSubscription.objects.filter(pk=browser.pk).update(used_at=now, failures=0)
            told += 1
    if again is not None and not told:
        raise again
    return told


def _failed(browser: PushSubscription) -> None:
    if browser.failures + 1 >= PATIENCE:
        browser.delete()
    else:
        PushSubscription.objects.filter(pk=browser.pk).update(failures=browser.failures + 1)


def _message(row: Notification) -> dict[str, Any]:
    """What the service worker shows, in the person's language."""
    tenant: Tenant = connection.tenant
    with translation.override(row.user.language or tenant.language):
        about = row.conversation
        path = reverse("chat:conversation", args=[about.number]) if about is not None else reverse("chat:console")
        return {
            "title": str(about.contact) if about is not None else tenant.name,
            "kind": row.kind,
            "why": str(NotificationKind(row.kind).label),
            "body": row.text,
            "count": row.count,
            "tag": row.key,
            "url": domains.url_of(tenant, path),
        }
