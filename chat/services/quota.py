"""Plan limits of the counter. They are gentle: a visitor's message is never dropped.

A month's conversations are counted at the visitor's first message, on the calendar of the invoices. At 80, 90 and 100 %
of the plan the customer and their reseller are told; conversations beyond it still arrive and are marked; above 110 %
the widget takes messages by a form (`services.left`) until the month ends or the plan grows.
"""

from datetime import datetime
from uuid import UUID

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing import entitlements
from chat.models import Conversation
from chat.services import journal
from ops.kernel import live
from ops.kernel.alerts import services as alerts
from ops.kernel.alerts.enums import Severity
from ops.kernel.alerts.models import Alert
from ops.kernel.metering import services as metering
from ops.kernel.tasks import enqueue

CONVERSATIONS = "chat.conversations_month"
METER = "chat.conversations"
STEPS = (80, 90, 100, 110)
LAST_STEP = STEPS[-1]
KINDS = ("chat.limit_near", "chat.limit_reached", "chat.limit_passed")


def count_conversation(*, conversation_id: UUID, now: datetime) -> None:
    """Count a conversation at the visitor's first message; beyond the plan it is marked, at each step people are told."""
    if not metering.record(METER, event_id=f"conversation:{conversation_id}", now=now):
        return
    limit = entitlements.limit_of(CONVERSATIONS)
    if limit is None:
        return
    # The counter stays locked until we commit: nobody else can see, or miss, the same step.
    used = int(metering.total(METER, period=now))
    if used > limit:
        Conversation.objects.filter(pk=conversation_id).update(over_quota=True)
    crossed = [step for step in STEPS if (used - 1) * 100 < limit * step <= used * 100]
    if crossed:
        _tell(max(crossed), limit=limit, used=used, now=now)


def has_room(*, now: datetime) -> bool:
    """Whether a website may begin another conversation; far beyond the plan its widget takes messages by a form."""
    limit = entitlements.limit_of(CONVERSATIONS)
    if limit is None:
        return True
    return (int(metering.total(METER, period=now)) + 1) * 100 <= limit * LAST_STEP


def _tell(step: int, *, limit: int, used: int, now: datetime) -> None:
    """A card in the product, a letter to whoever runs the company and to their reseller, a hint in open consoles."""
    kind = KINDS[0] if step < 100 else KINDS[1] if step == 100 else KINDS[2]
    settle(now=now, but=kind)
    numbers = {"limit": number_format(limit, force_grouping=True), "used": number_format(used, force_grouping=True)}
    alerts.raise_alert(
        kind,
        severity=Severity.INFO if step < 90 else Severity.WARNING if step <= 100 else Severity.ERROR,
        key=_key(kind, now),
        title=title(step),
        body=advice(step) % numbers,
        now=now,
    )
    frame = {"type": "usage.warning", "key": CONVERSATIONS, "step": step, "limit": limit, "used": used}
    live.push(live.group("agents"), journal.forward(frame))
    for audience in ("tenant", "reseller"):
        enqueue("chat.send_limit_letters", audience=audience, step=step, limit=limit, used=used)


def settle(*, now: datetime, but: str = "") -> None:
    """Resolve what was said about other steps, and about months that are over."""
    stale = Alert.objects.active().filter(key__startswith=f"{CONVERSATIONS}:")
    keep = {_key(but, now)} if but else {_key(kind, now) for kind in KINDS}
    for key in stale.exclude(key__in=keep).order_by("pk").values_list("key", flat=True):
        alerts.resolve(key=key, now=now)


def _key(kind: str, now: datetime) -> str:
    return f"{CONVERSATIONS}:{metering.month_of(now):%Y-%m}:{kind}"


def title(step: int) -> str:
    """What happened at a step, in a few words."""
    if step < 100:
        return _("%(percent)s%% of this month's conversations are used") % {"percent": step}
    if step == 100:
        return _("This month's conversations are used up")
    return _("The chat takes messages by a form until next month")


def advice(step: int) -> str:
    """What it means, with `%(used)s` and `%(limit)s`."""
    if step < 100:
        return _("You have had %(used)s of %(limit)s conversations. A larger plan brings more.")
    if step == 100:
        return _("New conversations still arrive. Your plan includes %(limit)s a month; a larger plan brings more.")
    return _(
        "You have had %(used)s conversations, and your plan includes %(limit)s. Conversations that are open go on; new"
        " visitors leave a message with their e-mail, which you find under left messages. A larger plan opens the chat"
        " again at once."
    )
