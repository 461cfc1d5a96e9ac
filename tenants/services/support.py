"""Support inside a customer's pages: asked for with a reason, allowed by the customer, limited in time, told in its log.

A visit is one row of `ImpersonationGrant` in public and one login of support in the customer's schema. That login has
no password and is active only while the visit runs, so ending the visit stops pages, API and sockets at once. What it
may do is what its role may do and `PermissionDef.support` allows; `tenants.gate` closes the doors that ask for no
permission.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django_tenants.utils import schema_context, tenant_context

from ops.kernel import live, signing
from ops.kernel.actors import Actor
from ops.kernel.audit import services as audit
from ops.kernel.errors import FieldError, Invalid
from ops.kernel.tasks import enqueue
from tenants import errors
from tenants.accounts.enums import BuiltInRole
from tenants.accounts.models import Role, User
from tenants.accounts.services import sessions
from tenants.enums import PUBLIC_SCHEMA, ConsoleRight, GrantEnd, GrantState, SupportMode, TenantStatus
from tenants.models import ImpersonationGrant, Reseller, SupportAccess, Tenant
from tenants.models.support import MINUTES, OPEN, ROLES
from tenants.queries import hosts, portfolio
from tenants.services import domains, letters, support_bell

ANSWER_WITHIN = timedelta(hours=24)
ENTER_WITHIN = timedelta(hours=1)
LONGEST_CONSENT = timedelta(days=90)
ENTER_SALT, ENTER_AGE_S = "tenants.support.enter", 120
ANSWER_SALT = "tenants.support.answer"
# Nobody can have a mailbox there (RFC 2606), so no letter, invitation or sign-on reaches a login of support.
MAIL_DOMAIN = "support.invalid"


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody of support inside, as pages and sockets of this request know it."""

    grant_id: UUID
    who: str
    reason: str
    role: str
    valid_until: datetime


# --- What the customer allows ---


def access_of(tenant: Tenant) -> SupportAccess:
    """What a customer lets support do; "ask each time" until it says otherwise."""
    return SupportAccess.objects.filter(tenant=tenant).first() or SupportAccess(tenant=tenant)


def set_access(
    *, tenant: Tenant, mode: str, by: Any, now: datetime, allowed_until: datetime | None = None
) -> SupportAccess:
    """Decide whether support may enter. What is no longer allowed ends at once.

    Raises `Invalid` for an unknown mode, or an end that is past or more than ninety days away.
    """
    if mode not in SupportMode.values:
        raise Invalid(field="mode")
    if mode == SupportMode.ALLOWED and (
        allowed_until is None or not now < allowed_until <= now + LONGEST_CONSENT + timedelta(days=1)
    ):
        raise errors.BadConsentEnd(field="allowed_until")
    until = allowed_until if mode == SupportMode.ALLOWED else None
    with transaction.atomic():
        SupportAccess.objects.update_or_create(tenant=tenant, defaults={"mode": mode, "allowed_until": until})
        with tenant_context(tenant):
            audit.record(
                "tenants.support_access_changed",
                by=by,
                on=tenant,
                detail={"mode": str(mode), **({"until": until.isoformat()} if until else {})},
                now=now,
            )
        open_ones = ImpersonationGrant.objects.for_tenant(tenant).open()
        if mode == SupportMode.ASK:
            # Who was let in by a person stays; who came in by the general permission goes.
            open_ones = open_ones.filter(answered_by="").exclude(state=GrantState.REQUESTED)
        if mode != SupportMode.ALLOWED:
            _end_each(open_ones, why=GrantEnd.CONSENT, by=by, now=now)
    return access_of(tenant)


# --- Asking ---


def request(*, tenant: Tenant, person: User, role: str, reason: str, minutes: int, now: datetime) -> ImpersonationGrant:
    """Ask to enter a customer as `role` for `minutes`. Approved at once where the customer allowed it in advance.

    `person` is somebody of the public schema. Raises `SupportRefused` when the customer never wants support,
    `NotYourCustomer`, `Invalid`, `SupportNotNow` for one that is not working, `VisitOpen` for a second request.
    """
    reason = " ".join(reason.replace("\x00", "").split())
    wrong = []
    if not 5 <= len(reason) <= 300:
        wrong.append(FieldError("reason", "reason_missing", str(errors.ReasonMissing.message)))
    if role not in ROLES:
        wrong.append(FieldError("role", "unknown_role", str(Invalid.message)))
    if minutes not in MINUTES:
        wrong.append(FieldError("minutes", "unknown_duration", str(Invalid.message)))
    if wrong:
        raise Invalid(errors=wrong)
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        tenant = Tenant.objects.select_related("reseller").get(pk=tenant.pk)
        scope = _scope_for(person, tenant)
        if scope is None:
            raise errors.NotYourCustomer()
        if tenant.status != TenantStatus.ACTIVE:
            raise errors.SupportNotNow()
        access = access_of(tenant)
        if access.mode == SupportMode.NEVER:
            raise errors.SupportRefused()
        is_allowed = access.allows_now(now)
        close_overdue(now=now, tenant=tenant)
        try:
            with transaction.atomic():
                grant = ImpersonationGrant.objects.create(
                    tenant=tenant,
                    reseller=None if scope.is_platform else scope.reseller,
                    person_id=person.pk,
                    person_name=person.get_full_name()[:120],
                    person_email=person.email,
                    company=_company(scope, tenant),
                    role=role,
                    reason=reason,
                    minutes=minutes,
                    state=GrantState.APPROVED if is_allowed else GrantState.REQUESTED,
                    answered_at=now if is_allowed else None,
                    valid_until=now + (ENTER_WITHIN if is_allowed else ANSWER_WITHIN),
                )
        except IntegrityError as error:
            raise errors.VisitOpen() from error
        _tell_both(grant, "tenants.support_requested", by=person, now=now)
        hosts.forget()
        if not is_allowed:
            with tenant_context(tenant):
                _write_to_owners(grant)
                support_bell.ring(grant, now=now)
    return grant


def answer(*, grant: ImpersonationGrant, approve: bool, by: Any, now: datetime) -> None:
    """The customer's owner says yes or no. Raises `VisitOver` when it was answered, taken back or is too old."""
    state = GrantState.APPROVED if approve else GrantState.REFUSED
    label = getattr(by, "email", "") or str(by)
    with transaction.atomic():
        changed = (
            ImpersonationGrant.objects.waiting()
            .filter(pk=grant.pk, valid_until__gt=now)
            .update(
                state=state,
                answered_at=now,
                answered_by=label[:200],
                valid_until=now + ENTER_WITHIN,
                updated_at=now,
            )
        )
        if not changed:
            raise errors.VisitOver()
        grant.refresh_from_db()
        _tell_both(grant, "tenants.support_approved" if approve else "tenants.support_refused", by=by, now=now)
        _nudge(grant)
        support_bell.silence(grant, by=by, now=now)
        hosts.forget()


# --- Entering ---


def entry_link(*, grant: ImpersonationGrant, person: User, now: datetime) -> str:
    """A link to the customer's own host that lets this person in once, within two minutes.

    An earlier link, and a session entered by it, stop working. Raises `VisitOver`, `NotYourCustomer`.
    """
    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        entry = uuid4()
        changed = ImpersonationGrant.objects.filter(
            pk=grant.pk,
            person_id=person.pk,
            state__in=(GrantState.APPROVED, GrantState.RUNNING),
            valid_until__gt=now,
        ).update(entry_id=entry, is_entry_used=False, updated_at=now)
        if not changed:
            raise errors.VisitOver()
        tenant = grant.tenant
        if _scope_for(person, tenant) is None:
            raise errors.NotYourCustomer()
    with tenant_context(tenant):
        token = signing.dumps([str(grant.pk), str(entry)], salt=ENTER_SALT)
    return domains.url_of(tenant, reverse("tenants:support-enter", args=[token], urlconf=settings.ROOT_URLCONF))


def waiting_at_the_door(*, token: str, tenant: Tenant, now: datetime) -> ImpersonationGrant:
    """The visit a link is about, without using it. Raises `VisitOver` for a link that is used, old or foreign."""
    return _behind(token, tenant, now)


def enter(*, token: str, tenant: Tenant, now: datetime) -> tuple[User, ImpersonationGrant]:
    """Use the link: the login of support becomes active and the clock starts at the first entry. Raises `VisitOver`."""
    grant = _behind(token, tenant, now)
    with transaction.atomic():
        is_first = grant.state == GrantState.APPROVED
        until = now + timedelta(minutes=grant.minutes) if is_first else grant.valid_until
        used = ImpersonationGrant.objects.filter(
            pk=grant.pk,
            entry_id=grant.entry_id,
            is_entry_used=False,
            state=grant.state,
            valid_until__gt=now,
        ).update(
            is_entry_used=True,
            state=GrantState.RUNNING,
            started_at=grant.started_at or now,
            valid_until=until,
            updated_at=now,
        )
        if not used:
            raise errors.VisitOver()
        grant.refresh_from_db()
        role = Role.objects.get(slug=grant.role)
        user, _made = User.objects.get_or_create(
            support_person_id=grant.person_id,
            defaults={"email": f"{grant.person_id.hex}@{MAIL_DOMAIN}", "name": grant.who[:120], "is_active": False},
        )
        user.name, user.role, user.is_active = grant.who[:120], role, True
        user.is_staff = user.is_superuser = False
        user.set_unusable_password()
        user.save()
        sessions.tell_sockets(user.pk)
        _tell_both(grant, "tenants.support_entered", by=user, now=now)
        hosts.forget()
    return user, grant


def visit_of(*, user: Any, entry: str, tenant: Tenant, now: datetime) -> Visit | None:
    """The running visit of a login of support, asked at every request and socket; nothing when it is over.

    `entry` is what the session remembers of its link. The person's own job is looked at as well: who left the
    reseller's team is out, whatever the row says.
    """
    grant = (
        ImpersonationGrant.objects.for_tenant(tenant)
        .running()
        .filter(person_id=user.support_person_id, valid_until__gt=now)
        .first()
    )
    if grant is None or not grant.is_entry_used or str(grant.entry_id) != entry:
        return None
    if not Tenant.objects.active().filter(pk=tenant.pk).exists() or not _may_still(grant, tenant, now):
        return None
    return Visit(grant.pk, grant.who, grant.reason, grant.role, grant.valid_until)


def record_act(*, visit: Visit, tenant: Tenant, user: Any, act: str, detail: dict[str, Any], now: datetime) -> None:
    """What support did inside, in the customer's own log: who, acting as what, and during which visit."""
    about = ImpersonationGrant(pk=visit.grant_id, tenant=tenant, person_name=visit.who)
    audit.record(act, by=user, on=about, detail={**detail, "acts_as": visit.role, "reason": visit.reason}, now=now)


def answer_link(*, grant: ImpersonationGrant, owner: User) -> str:
    """The path of an owner's letter: it shows the request and answers it without a login, while it waits."""
    token = signing.dumps([str(grant.pk), str(owner.pk)], salt=ANSWER_SALT)
    return reverse("tenants:support-answer-link", args=[token], urlconf=settings.ROOT_URLCONF)


def behind_letter(*, token: str, tenant: Tenant) -> tuple[ImpersonationGrant, User]:
    """The request and the owner of a letter's link. Raises `VisitOver`; the owner must still be one."""
    try:
        key, owner_id = signing.loads(token, salt=ANSWER_SALT, max_age=int(ANSWER_WITHIN.total_seconds()))
        grant = ImpersonationGrant.objects.for_tenant(tenant).filter(pk=UUID(key)).select_related("tenant").first()
        owner = User.objects.active().members().with_role(BuiltInRole.OWNER).filter(pk=UUID(owner_id)).first()
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise errors.VisitOver() from error
    if grant is None or owner is None:
        raise errors.VisitOver()
    return grant, owner


def _write_to_owners(grant: ImpersonationGrant) -> None:
    """A letter to each owner after the commit, each a task of its own. In the customer's schema."""
    for key in User.objects.active().members().with_role(BuiltInRole.OWNER).order_by("pk").values_list("pk", flat=True):
        enqueue("tenants.send_support_letter", grant_id=str(grant.pk), owner_id=str(key))


def write_to_owner(*, grant_id: str, owner_id: str) -> bool:
    """The letter to one owner with the request and a link to answer it; nothing when it is answered already.

    Runs in the customer's schema. Says whether it was sent now.
    """
    grant = ImpersonationGrant.objects.waiting().filter(pk=UUID(grant_id)).select_related("tenant").first()
    owner = User.objects.active().members().with_role(BuiltInRole.OWNER).filter(pk=UUID(owner_id)).first()
    if grant is None or grant.tenant.schema_name != connection.schema_name or owner is None:
        return False
    _site, base = letters.place()
    return letters.send_once(
        key=f"support:{grant.pk}:{owner.pk}",
        letter=lambda: letters.write(
            "tenants/support_request",
            to=owner.email,
            context={"grant": grant, "person": owner, "link": base + answer_link(grant=grant, owner=owner)},
            language=owner.language,
        ),
    )


# --- Ending ---


def end(*, grant: ImpersonationGrant, why: GrantEnd, by: Any, now: datetime) -> bool:
    """End a request or a visit now: its login, sessions and sockets stop. Says whether it was open."""
    with transaction.atomic():
        changed = ImpersonationGrant.objects.filter(pk=grant.pk, state__in=OPEN).update(
            state=GrantState.ENDED,
            end=why,
            ended_at=now,
            ended_by=(getattr(by, "actor_label", "") or str(by or ""))[:200],
            is_entry_used=True,
            updated_at=now,
        )
        if not changed:
            return False
        grant.refresh_from_db()
        with tenant_context(grant.tenant):
            user = User.objects.filter(support_person_id=grant.person_id).first()
            if user is not None:
                user.is_active = False
                user.save(update_fields=["is_active", "updated_at"])
                sessions.end_all(user=user, now=now)
        _tell_both(grant, "tenants.support_ended", by=by, now=now, why=str(why))
        _nudge(grant)
        support_bell.silence(grant, by=by, now=now)
        hosts.forget()
    return True


def end_of_tenant(*, tenant: Tenant, by: Any, now: datetime) -> None:
    """A customer is suspended or closed: nobody of support stays inside."""
    _end_each(ImpersonationGrant.objects.for_tenant(tenant).open(), why=GrantEnd.STATE, by=by, now=now)


def end_of_person(*, person_id: UUID, by: Any, now: datetime) -> None:
    """Somebody leaves a team or may no longer enter customers."""
    _end_each(ImpersonationGrant.objects.filter(person_id=person_id).open(), why=GrantEnd.PERSON, by=by, now=now)


def end_of_reseller(*, reseller: Reseller, by: Any, now: datetime) -> None:
    """A reseller's console is closed: its people are inside nobody's pages."""
    _end_each(ImpersonationGrant.objects.filter(reseller=reseller).open(), why=GrantEnd.PERSON, by=by, now=now)


def close_overdue(*, now: datetime, tenant: Tenant | None = None) -> int:
    """Write down that time is over for whom it is over; they were refused since. Says how many."""
    with schema_context(PUBLIC_SCHEMA):
        rows = ImpersonationGrant.objects.overdue(now)
        return sum(
            end(grant=grant, why=_why_overdue(grant), by="", now=grant.valid_until)
            for grant in (rows.for_tenant(tenant) if tenant else rows).select_related("tenant").order_by("pk")
        )


def group_of(person_id: UUID) -> str:
    """Where pages of the console listen that wait for an answer to this person; a group of the public schema."""
    return f"support.{person_id}"


def _nudge(grant: ImpersonationGrant) -> None:
    """After the commit the console of whoever asked looks again."""
    live.push(live.group(group_of(grant.person_id), schema=PUBLIC_SCHEMA), {"type": "support.changed"})


def _why_overdue(grant: ImpersonationGrant) -> GrantEnd:
    return {
        GrantState.REQUESTED: GrantEnd.UNANSWERED,
        GrantState.APPROVED: GrantEnd.UNUSED,
    }.get(GrantState(grant.state), GrantEnd.TIME)


def _end_each(grants: Iterable[ImpersonationGrant], *, why: GrantEnd, by: Any, now: datetime) -> None:
    for grant in list(grants):
        end(grant=grant, why=why, by=by, now=now)


def _behind(token: str, tenant: Tenant, now: datetime) -> ImpersonationGrant:
    """The grant of a link that was made in this schema and not used yet."""
    try:
        key, entry = signing.loads(token, salt=ENTER_SALT, max_age=ENTER_AGE_S)
        grant = (
            ImpersonationGrant.objects.for_tenant(tenant)
            .filter(
                pk=UUID(key),
                entry_id=UUID(entry),
                is_entry_used=False,
                state__in=(GrantState.APPROVED, GrantState.RUNNING),
                valid_until__gt=now,
            )
            .select_related("tenant")
            .first()
        )
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise errors.VisitOver() from error
    if grant is None or tenant.status != TenantStatus.ACTIVE or not _may_still(grant, tenant, now):
        raise errors.VisitOver()
    return grant


def _scope_for(person: User, tenant: Tenant) -> portfolio.Scope | None:
    """The console scope by which a person of public may enter this customer, if any."""
    try:
        scope = portfolio.scope_of(user=person, host=None)
    except portfolio.ScopeRefused:
        return None
    if not scope.may(ConsoleRight.ENTER_CUSTOMERS) or not scope.tenants().filter(pk=tenant.pk).exists():
        return None
    return scope


def _may_still(grant: ImpersonationGrant, tenant: Tenant, now: datetime) -> bool:
    with schema_context(PUBLIC_SCHEMA):
        person = User.objects.active().select_related("role").filter(pk=grant.person_id).first()
        if person is None or person.lacks_second_factor(now):
            return False
        return _scope_for(person, tenant) is not None


def _company(scope: portfolio.Scope, tenant: Tenant) -> str:
    """Whose support it is. A reseller's customers do not read the platform's name."""
    if not scope.is_platform and scope.reseller is not None:
        return scope.reseller.name
    return "" if tenant.reseller_id else settings.PLATFORM_NAME


def _tell_both(grant: ImpersonationGrant, action: str, *, by: Any, now: datetime, **more: Any) -> None:
    """The same line in the customer's log and in the one of the consoles, with both names."""
    told = {
        "visit": str(grant.pk),
        "person": grant.person_email,
        "acts_as": grant.role,
        "minutes": grant.minutes,
        "reason": grant.reason,
        **more,
    }
    actor: Any = by
    if isinstance(by, User) and by.pk == grant.person_id:
        actor = Actor(id=str(by.pk), label=grant.who[:200], kind="support")
    elif not by:
        actor = "support"
    with schema_context(grant.tenant.schema_name):
        audit.record(action, by=actor, on=grant, detail=told, now=now)
    with schema_context(PUBLIC_SCHEMA):
        audit.record(action, by=actor, on=grant.tenant, detail=told, now=now)
