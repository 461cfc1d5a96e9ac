"""What a reseller tells its customers on their pages, and the platform tells everybody.

Pages ask only while there is something to tell (`hosts.Site.has_news`); what is kept about a tenant lives in the process
beside its host and is dropped by the same number when anybody publishes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django_tenants.utils import schema_context

from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from tenants import errors
from tenants.enums import PUBLIC_SCHEMA, Audience, Tone
from tenants.models import Announcement, AnnouncementDismissal, Reseller, Tenant
from tenants.queries import hosts

_plan_rule: Callable[[Tenant], str] | None = None
_plan_choices: Callable[[], Sequence[tuple[str, str]]] = list


def register_plan_rule(rule: Callable[[Tenant], str], choices: Callable[[], Sequence[tuple[str, str]]]) -> None:
    """Take the rule that names a tenant's plan, and the plans there are: they live on a floor above."""
    global _plan_rule, _plan_choices
    _plan_rule, _plan_choices = rule, choices


def plan_choices() -> Sequence[tuple[str, str]]:
    """Short names and names of the plans an audience can be chosen by."""
    return _plan_choices()


@dataclass(frozen=True, slots=True)
class Notice:
    """An announcement as pages show it; kept in the process, so plain values."""

    id: UUID
    tone: str
    words: tuple[tuple[str, str], tuple[str, str]]
    starts_at: datetime
    ends_at: datetime | None

    def is_on(self, now: datetime) -> bool:
        """Whether it is shown at that instant."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def in_language(self, language: str | None) -> dict[str, Any]:
        """What the banner needs."""
        title, text = self.words[1 if (language or "").startswith("en") else 0]
        return {"id": self.id, "tone": self.tone, "title": title, "text": text}


def publish(
    *,
    reseller: Reseller | None,
    now: datetime,
    by: Any,
    audience: str = Audience.CUSTOMERS,
    plans: Sequence[str] = (),
    tenants: Collection[Tenant] = (),
    announcement: Announcement | None = None,
    **words: Any,
) -> Announcement:
    """Publish an announcement of `reseller` (of the platform when there is none), or change one.

    `tenants` were scoped by the caller and are looked at again here. Raises `Invalid` naming the fields.
    """
    row = announcement or Announcement(reseller=reseller)
    if row.reseller_id != (reseller.pk if reseller else None):
        raise errors.NotYourAnnouncement()
    for name in ("tone", "title_pt", "text_pt", "title_en", "text_en", "starts_at", "ends_at"):
        if name in words:
            setattr(row, name, words[name])
    row.audience, row.plans = audience, sorted(plans) if audience == Audience.PLANS else []
    if row.starts_at is None:
        row.starts_at = now
    chosen = list(tenants) if audience == Audience.SELECTED else []
    _judge(row, chosen, reseller)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        row.author = (getattr(by, "email", "") or str(by or ""))[:200]
        row.save()
        row.tenants.set(chosen)
        action = "tenants.announcement_changed" if announcement else "tenants.announcement_published"
        detail = {"audience": str(audience), "plans": row.plans, "customers": len(chosen)}
        audit.record(action, by=by, on=row, detail=detail, now=now)
        hosts.forget()
    return row


def finish(*, announcement: Announcement, by: Any, now: datetime) -> None:
    """Take an announcement off all pages now."""
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        if not Announcement.objects.not_over(now).filter(pk=announcement.pk).exists():
            return
        announcement.ends_at = max(now, announcement.starts_at)
        announcement.save(update_fields=["ends_at", "updated_at"])
        audit.record("tenants.announcement_ended", by=by, on=announcement, now=now)
        hosts.forget()


def for_page(*, tenant: Tenant, person_id: UUID, now: datetime) -> list[Notice]:
    """What one person of a tenant should read now: one question while something is on, none otherwise."""
    plan = _plan_rule(tenant) if _plan_rule else ""
    found = hosts.remembered(f"news:{tenant.schema_name}:{plan}", lambda: _of_tenant(tenant, plan, now))
    return _unread(found, tenant, person_id, now)


def for_console(*, platform: Tenant, person_id: UUID, now: datetime) -> list[Notice]:
    """What the platform tells resellers' teams."""
    return _unread(hosts.remembered("news:consoles", lambda: _of_consoles(now)), platform, person_id, now)


def dismiss(*, announcement_id: UUID, tenant: Tenant, person_id: UUID, now: datetime) -> None:
    """Put it away for one person. Raises `UnknownAnnouncement` for one this tenant does not read."""
    if tenant.is_public:
        known = Announcement.objects.for_consoles()
    else:
        known = Announcement.objects.for_tenant(tenant, plan=_plan_rule(tenant) if _plan_rule else "")
    if not known.filter(pk=announcement_id).exists():
        raise errors.UnknownAnnouncement()
    try:
        with transaction.atomic():
            AnnouncementDismissal.objects.create(
                announcement_id=announcement_id, tenant=tenant, person_id=person_id, at=now
            )
    except IntegrityError:
        return  # twice is once


def _unread(found: Sequence[Notice], tenant: Tenant, person_id: UUID, now: datetime) -> list[Notice]:
    on = [notice for notice in found if notice.is_on(now)]
    if not on:
        return []
    read = set(
        AnnouncementDismissal.objects.filter(
            tenant=tenant, person_id=person_id, announcement__in=[notice.id for notice in on]
        ).values_list("announcement_id", flat=True)
    )
    return [notice for notice in on if notice.id not in read]


def _of_tenant(tenant: Tenant, plan: str, now: datetime) -> tuple[Notice, ...]:
    return _notices(Announcement.objects.for_tenant(tenant, plan=plan), now)


def _of_consoles(now: datetime) -> tuple[Notice, ...]:
    return _notices(Announcement.objects.for_consoles(), now)


def _notices(rows: Any, now: datetime) -> tuple[Notice, ...]:
    return tuple(
        Notice(row.pk, row.tone, (row.words("pt-br"), row.words("en")), row.starts_at, row.ends_at)
        for row in rows.not_over(now).order_by("-starts_at", "-pk")[:5]
    )


def _judge(row: Announcement, chosen: list[Tenant], reseller: Reseller | None) -> None:
    wrong = []
    if not row.title_pt.strip() and not row.title_en.strip():
        wrong.append(FieldError("title_pt", "title_missing", str(errors.TitleMissing.message)))
    for name, most in (("title_pt", 120), ("title_en", 120), ("text_pt", 600), ("text_en", 600)):
        if len(getattr(row, name)) > most or "\x00" in getattr(row, name):
            wrong.append(FieldError(name, "too_long", str(Invalid.message)))
    if row.ends_at is not None and row.ends_at <= row.starts_at:
        wrong.append(FieldError("ends_at", "ends_before_it_starts", str(errors.EndsBeforeItStarts.message)))
    if row.audience not in Audience.values or (row.audience == Audience.RESELLERS and reseller is not None):
        wrong.append(FieldError("audience", "unknown_audience", str(Invalid.message)))
    if row.tone not in Tone.values:
        wrong.append(FieldError("tone", "unknown_tone", str(Invalid.message)))
    if row.audience == Audience.PLANS and not row.plans:
        wrong.append(FieldError("plans", "nobody_chosen", str(errors.NobodyChosen.message)))
    if row.audience == Audience.SELECTED:
        if not chosen:
            wrong.append(FieldError("tenants", "nobody_chosen", str(errors.NobodyChosen.message)))
        if reseller is not None and any(tenant.reseller_id != reseller.pk for tenant in chosen):
            wrong.append(FieldError("tenants", "not_your_customer", str(errors.NotYourCustomer.message)))
    if wrong:
        raise Invalid(errors=wrong)
