"""What was done in the consoles, as far as it is about one reseller or one customer: the platform's log, read by whose it is.

The log names things by kind and id, because it outlives them. Which ids are whose is asked of the tables; apps above
register their kinds, so that a customer's page also tells of its plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Model, Q
from django.db.models.functions import Cast

from ops.kernel.audit.actions import label_of, registered
from ops.kernel.audit.models import AuditEntry, AuditEntryQuerySet
from ops.kernel.registry import Registry
from tenants.enums import ResellerRole
from tenants.models import Announcement, ImpersonationGrant, Reseller, ResellerMember, Tenant

GROUPS: Mapping[str, tuple[str, ...]] = {
    "customers": ("tenants.tenant", "tenants.impersonationgrant", "billing.subscription"),
    "team": ("tenants.resellermember", "accounts.user"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of row leads to its reseller, and to its customer where it is about one."""

    model: type[Model]
    reseller: str
    tenant: str = ""

    @property
    def name(self) -> str:
        """As the log writes it."""
        return self.model._meta.label_lower


kinds: Registry[Kind] = Registry("kinds of things in the log")
# What the detail of an action says, where keys and numbers need words.
wordings: Registry[Callable[[Mapping[str, Any]], str]] = Registry("wordings of the log")
for _kind in (
    Kind(Tenant, "reseller", "pk"),
    Kind(Reseller, "pk"),
    Kind(ResellerMember, "reseller"),
    Kind(Announcement, "reseller"),
    Kind(ImpersonationGrant, "tenant__reseller", "tenant"),
):
    kinds.register(_kind.name, _kind)


def of_reseller(reseller: Reseller) -> AuditEntryQuerySet:
    """What its team did, and what anybody did to its customers and its own things."""
    team = ResellerMember.objects.filter(reseller=reseller).values_list(Cast("user_id", CharField()), flat=True)
    mine = Q(actor_id__in=team) | Q(object_type="accounts.user", object_id__in=team)
    for _name, kind in kinds.items():
        mine |= _about(kind, kind.reseller, reseller)
    return AuditEntry.objects.filter(mine)


def of_tenant(tenant: Tenant) -> AuditEntryQuerySet:
    """What was done to one customer in the consoles; what its own people do stands in its own log."""
    mine = Q()
    for _name, kind in kinds.items():
        if kind.tenant:
            mine |= _about(kind, kind.tenant, tenant)
    return AuditEntry.objects.filter(mine)


def _about(kind: Kind, path: str, whose: Model) -> Q:
    rows = kind.model._default_manager.filter(**{path: whose.pk})
    return Q(object_type=kind.name, object_id__in=rows.values_list(Cast("pk", CharField()), flat=True))


def in_group(entries: AuditEntryQuerySet, group: str) -> AuditEntryQuerySet:
    """Of customers, of the team, or of the company's own things; anything else leaves all."""
    if group in GROUPS:
        return entries.filter(object_type__in=GROUPS[group])
    if group == "company":
        return entries.exclude(object_type__in=[name for names in GROUPS.values() for name in names])
    return entries


def search(entries: AuditEntryQuerySet, text: str) -> AuditEntryQuerySet:
    """By person, thing, address or what was done, in the words the reader sees."""
    text = text.strip()
    if not text:
        return entries
    said = [action for action, _label in registered.items() if text.lower() in label_of(action).lower()]
    return entries.filter(
        Q(actor_label__icontains=text)
        | Q(object_label__icontains=text)
        | Q(detail__icontains=text)
        | Q(action__in=said)
    )


def words_of(entry: AuditEntry) -> str:
    """What the detail of an entry says beyond its action, for a line under it."""
    detail: Mapping[str, Any] = entry.detail or {}
    own = wordings.get(entry.action)
    if own is not None:
        return own(detail)
    parts = [str(detail[name]) for name in ("host", "email", "address", "plan") if detail.get(name)]
    before, after = detail.get("from"), detail.get("to")
    if before and after:
        parts.append(f"{_word(before)} → {_word(after)}")
    if detail.get("reason"):
        parts.append(str(detail["reason"]))
    return " · ".join(parts)


def _word(value: Any) -> str:
    """A role by its name; anything else as it was written."""
    return str(ResellerRole(value).label) if value in ResellerRole.values else str(value)
