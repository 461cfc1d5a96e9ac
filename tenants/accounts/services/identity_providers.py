"""Setting up identity providers: what is kept of them, when they may be switched on, and whether they still answer.

Whatever is fetched from an address somebody typed is fetched before the transaction, by the client that refuses private
networks and connects to the very address it checked (`ops.kernel.http`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext

from ops.kernel.audit import services as audit
from ops.kernel.errors import DomainError, FieldError, Invalid, NotFound
from tenants.accounts.enums import BuiltInRole, IdentityProviderKind
from tenants.accounts.errors import KindClosed, NoDomain, NotOffered, NotTested, ProviderUnusable, UnknownRole
from tenants.accounts.models import EmailDomain, IdentityProvider, Role, User
from tenants.accounts.providers import oidc, saml
from tenants.accounts.providers.base import SettingsRefused
from tenants.accounts.services import connections, sessions, users

# Texts that are taken as they come.
PLAIN = (
    "name", "button_label", "client_id", "email_attribute", "name_attribute", "groups_attribute",
    "enabled", "enforced", "creates_people", "asks_second_factor", "idp_initiated",
)  # fmt: skip
ADDRESSES = ("issuer", "metadata_url", "sso_url", "slo_url")
CERTIFICATES = ("certificate", "next_certificate")
# Another of these is another provider: what was tried before says nothing any more.
CONNECTION = ("issuer", "client_id", "entity_id", "sso_url")
MOST_GROUPS = 100


def get(*, provider_id: Any) -> IdentityProvider:
    """One provider. Raises `NotFound`."""
    found = IdentityProvider.objects.filter(pk=provider_id).first()
    if found is None:
        raise NotFound
    return found


def kinds() -> list[IdentityProviderKind]:
    """The kinds that can be set up on this installation."""
    return [kind for kind in IdentityProviderKind if kind != IdentityProviderKind.GOOGLE or connections.offers_google()]


def create(*, kind: str, name: str, by: Any, now: datetime, **values: Any) -> IdentityProvider:
    """Add a provider; it is off until everything is there. Raises what `change` raises, and `KindClosed`."""
    if kind not in kinds():
        raise KindClosed(field="kind")
    provider = IdentityProvider(kind=kind, name=name)
    if kind == IdentityProviderKind.SAML:
        provider.own_certificate, provider.own_key = saml.own_keys(name or "SSO", now)
    return _write(provider, {"name": name, **values}, by=by, now=now)


def change(*, provider_id: Any, by: Any, now: datetime, **values: Any) -> IdentityProvider:
    """Change what is named in `values`; an empty secret keeps the one there is.

    A change of the connection takes back the test, and with it "the only way in". Raises `Invalid` with the field,
    `PrivateAddress`, `ProviderUnusable`, `NoDomain`, `NotTested`, `UnknownRole`, `MoreThanYours`.
    """
    return _write(get(provider_id=provider_id), values, by=by, now=now)


@transaction.atomic
def remove(*, provider_id: Any, by: Any, now: datetime) -> None:
    """Forget a provider and whom it knew; the people stay and log in by password again."""
    provider = get(provider_id=provider_id)
    audit.record("accounts.sso_removed", by=by, on=provider, now=now)
    provider.delete()


def check(*, provider_id: Any, base: str, now: datetime) -> list[str]:
    """Ask the provider for what it publishes and say what was found, line by line.

    Raises `PrivateAddress` and `ProviderUnusable`, and notes what is wrong.
    """
    provider = get(provider_id=provider_id)
    try:
        found = _found(provider, base)
    except DomainError as error:
        problem = connections.problem(error)
        IdentityProvider.objects.filter(pk=provider.pk).update(checked_at=now, problem=str(problem), updated_at=now)
        raise problem from error
    IdentityProvider.objects.filter(pk=provider.pk).update(checked_at=now, problem="", updated_at=now)
    return found


def refresh(*, provider: IdentityProvider, now: datetime) -> None:
    """Read the metadata again, so that new certificates are known before the old ones end; never changes who it is."""
    if provider.kind != IdentityProviderKind.SAML or not provider.metadata_url:
        return
    try:
        described = _describe(provider.metadata_url, "", entity_id=provider.entity_id)
    except DomainError as error:
        problem = str(connections.problem(error))
        IdentityProvider.objects.filter(pk=provider.pk).update(checked_at=now, problem=problem, updated_at=now)
        return
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
        before = (row.certificate, row.next_certificate)
        if described.entity_id == row.entity_id and (*described.certificates, "")[:2] != before:
            row.certificate, row.next_certificate = (*described.certificates, "")[:2]
            audit.record("accounts.sso_certificates_changed", by="metadata", on=row, now=now)
        row.checked_at, row.problem = now, ""
        row.save(update_fields=["certificate", "next_certificate", "checked_at", "problem", "updated_at"])


def certificates(provider: IdentityProvider) -> list[dict[str, Any]]:
    """The certificates we believe, with fingerprint and end."""
    return [
        {"fingerprint": saml.fingerprint(one), "expires_at": saml.expiry(one)}
        for one in (provider.certificate, provider.next_certificate)
        if one
    ]


def metadata(provider: IdentityProvider, base: str) -> bytes:
    """Our side of a SAML connection as XML. Raises `NotFound` for other kinds."""
    if provider.kind != IdentityProviderKind.SAML:
        raise NotFound
    return saml.own_metadata(connections.party(provider, base))


def missing(provider: IdentityProvider) -> list[str]:
    """Names of the fields without which nobody can be sent there."""
    needed = {
        IdentityProviderKind.OIDC: ("issuer", "client_id"),
        IdentityProviderKind.SAML: ("entity_id", "sso_url", "certificate"),
        IdentityProviderKind.GOOGLE: (),
    }[IdentityProviderKind(provider.kind)]
    return [name for name in needed if not getattr(provider, name)]


def _labels(names: Collection[str]) -> str:
    """Fields as the page calls them, as what is missing."""
    labels = {field.name: field.verbose_name for field in IdentityProvider._meta.fields}
    known = ", ".join(str(labels[name]) for name in names)
    return gettext("missing: %(names)s.") % {"names": known}


def _found(provider: IdentityProvider, base: str) -> list[str]:
    if absent := missing(provider):
        raise ProviderUnusable(words=_labels(absent))
    if provider.kind != IdentityProviderKind.SAML:
        client = connections.client(provider)
        count = oidc.count_keys(client)
        if not count:
            raise SettingsRefused(words=gettext("it publishes no keys."))
        found = oidc.discover(client)
        return [found.issuer, found.authorization_endpoint, found.token_endpoint, f"{found.jwks_uri} ({count})"]
    _ = connections.party(provider, base).settings
    if provider.metadata_url:
        described = _describe(provider.metadata_url, "", entity_id=provider.entity_id)
        return [described.entity_id, described.sso_url, *(saml.fingerprint(one) for one in described.certificates)]
    return [provider.entity_id, provider.sso_url, *(one["fingerprint"] for one in certificates(provider))]


def _write(provider: IdentityProvider, values: Mapping[str, Any], *, by: Any, now: datetime) -> IdentityProvider:
    values = dict(values)
    for name in ADDRESSES:
        if name in values:
            values[name] = _usable(values[name], name)
    described = _described(provider, values)
    with transaction.atomic():
        is_new = provider._state.adding
        if not is_new:
            provider = IdentityProvider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
        before = {name: getattr(provider, name) for name in CONNECTION}
        shown_before = {} if is_new else _shown(provider)
        _assign(provider, values, described, by)
        if not provider.name.strip():
            raise Invalid(errors=[FieldError("name", "required", str(Invalid.message))])
        if not is_new and any(getattr(provider, name) != before[name] for name in CONNECTION):
            provider.tested_at, provider.enforced = None, False
        provider.save()
        if "domains" in values:
            provider.domains.set(_domains(values["domains"]))
        _require_whole(provider, "enforced" in values and bool(values["enforced"]))
        changed = sorted(name for name, value in _shown(provider).items() if shown_before.get(name) != value)
        if values.get("client_secret"):
            changed.append("client_secret")
        if "enforced" in changed and provider.enforced:
            _end_programs(provider, now)
        if is_new or changed:
            action = "accounts.sso_added" if is_new else "accounts.sso_changed"
            audit.record(action, by=by, on=provider, detail={"kind": provider.kind, "changed": changed}, now=now)
    return provider


def _assign(provider: IdentityProvider, values: Mapping[str, Any], described: saml.Description | None, by: Any) -> None:
    for name in (*PLAIN, *ADDRESSES, "entity_id", "metadata_xml"):
        if name in values:
            value = values[name]
            setattr(provider, name, value.strip() if isinstance(value, str) else value)
    if values.get("client_secret"):
        provider.client_secret = values["client_secret"].strip()
    for name in CERTIFICATES:
        if name in values:
            setattr(provider, name, _certificate(values[name], name))
    if described is not None:
        provider.entity_id, provider.sso_url, provider.slo_url = (
            described.entity_id, described.sso_url, described.slo_url
        )  # fmt: skip
        provider.certificate, provider.next_certificate = (*described.certificates, "")[:2]
    roles = []
    if "default_role" in values:
        provider.default_role = _role(values["default_role"], "default_role") if values["default_role"] else None
        roles.append(provider.default_role)
    if "group_roles" in values:
        provider.group_roles = _group_roles(values["group_roles"])
        roles += [_role(row["role"], "group_roles") for row in provider.group_roles]
    users.require_held(by, *roles, field="group_roles")


def _described(provider: IdentityProvider, values: Mapping[str, Any]) -> saml.Description | None:
    """What new metadata says; nothing when there is none, or none that is new."""
    if provider.kind != IdentityProviderKind.SAML:
        return None
    url, xml = values.get("metadata_url", ""), (values.get("metadata_xml") or "").strip()
    if xml and xml != provider.metadata_xml:
        field = "metadata_xml"
    elif url and (url != provider.metadata_url or not provider.certificate):
        field, xml = "metadata_url", ""
    else:
        return None
    try:
        return _describe(url, xml)
    except DomainError as error:
        raise connections.problem(error, field=field) from error


def _describe(url: str, xml: str, *, entity_id: str = "") -> saml.Description:
    text = xml or saml.fetch_metadata(url, private_addresses=settings.SSO_PRIVATE_ADDRESSES)
    described = saml.describe(text, entity_id=entity_id)
    for address in (described.sso_url, described.slo_url):
        try:
            _usable(address, "metadata_url")
        except DomainError as error:
            raise SettingsRefused(words=f"{address[:200]}") from error
    return described


def _usable(url: str, field: str) -> str:
    """An address browsers may be sent to and we may ask; where it leads is looked at again at every call."""
    url = (url or "").strip()
    if not url:
        return ""
    schemes = ["https", "http"] if settings.SSO_PRIVATE_ADDRESSES else ["https"]
    parts = urlsplit(url)
    try:
        URLValidator(schemes=schemes)(url)
    except ValidationError as error:
        raise Invalid(errors=[FieldError(field, "invalid", " ".join(error.messages))]) from error
    if parts.username or parts.password or parts.fragment or (field == "issuer" and parts.query):
        raise ProviderUnusable(field=field, words=url[:200])
    return url


def _certificate(text: str, field: str) -> str:
    if not (text or "").strip():
        return ""
    try:
        return saml.pem(text)
    except SettingsRefused as error:
        raise connections.problem(error, field=field) from error


def _domains(chosen: Sequence[Any]) -> list[EmailDomain]:
    """The chosen domains, by their names. One that is not proved cannot be chosen."""
    found = list(EmailDomain.objects.filter(name__in=[str(one) for one in chosen], verified_at__isnull=False))
    if len(found) != len({str(one) for one in chosen}):
        raise NoDomain(field="domains")
    return found


def _role(slug: str, field: str) -> Role:
    role = Role.objects.filter(slug=slug).first()
    # No provider makes owners: whoever rules the groups over there would rule everything here.
    if role is None or slug == BuiltInRole.OWNER:
        raise UnknownRole(field=field)
    return role


def _group_roles(rows: Any) -> list[dict[str, str]]:
    """Rows of group and role in their order, the first of each group."""
    if not isinstance(rows, list) or len(rows) > MOST_GROUPS:
        raise Invalid(field="group_roles")
    found: dict[str, str] = {}
    for row in rows:
        group = str(row.get("group", "")).strip()[:200] if isinstance(row, dict) else ""
        if not group:
            raise Invalid(field="group_roles")
        found.setdefault(group, str(row.get("role", "")))
    return [{"group": group, "role": role} for group, role in found.items()]


def _require_whole(provider: IdentityProvider, asked_to_enforce: bool) -> None:
    """What is on must work for somebody, and what is the only way in must have been tried."""
    if asked_to_enforce and not provider.enabled:
        raise NotOffered(field="enforced")
    if provider.enforced and not provider.enabled:
        provider.enforced = False
        provider.save(update_fields=["enforced", "updated_at"])
    if not provider.enabled:
        return
    if absent := missing(provider):
        raise ProviderUnusable(field=absent[0], words=_labels(absent))
    if not provider.domains.filter(verified_at__isnull=False).exists():
        raise NoDomain(field="domains")
    if provider.enforced and provider.tested_at is None:
        raise NotTested(field="enforced")
    if asked_to_enforce and not provider.enforced:
        raise NotTested(field="enforced")


def _end_programs(provider: IdentityProvider, now: datetime) -> None:
    """API logins that passwords began are over; browsers stay until they log out, and cannot come back by password."""
    names = [f"@{name}" for name in provider.domains.values_list("name", flat=True)]
    for user in User.objects.active().order_by("pk"):
        if user.email.endswith(tuple(names)):
            sessions.end_all(user=user, now=now)


def _shown(provider: IdentityProvider) -> dict[str, Any]:
    """What the ledger compares; secrets stay out."""
    names = (*PLAIN, *ADDRESSES, *CERTIFICATES, "entity_id", "group_roles", "default_role_id")
    return {name: getattr(provider, name) for name in names} | {
        "domains": sorted(provider.domains.values_list("name", flat=True))
    }
