"""Credentials of outside services: what there is, whether it works, and what was changed when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ops.kernel import fields as cipher
from ops.kernel import ratelimit
from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.registry import Credential, Definition, Tested, credentials
from ops.kernel.configuration.services import changing, reading
from ops.kernel.configuration.services.reading import UnknownSetting
from ops.kernel.configuration.values import Secret, Source, Values
from ops.kernel.errors import Invalid, RateLimited
from ops.kernel.redaction import MASK

TESTS_A_MINUTE = 12


class CredentialRefused(Invalid):
    """The service itself says that these credentials are wrong."""

    code = "credential_refused"
    message = gettext_lazy("The service refuses this: %(words)s")


@dataclass(frozen=True, slots=True)
class Line:
    """One credential as a list shows it. `source` is whose values are used; nothing when there are none."""

    name: str
    credential: Credential
    source: Source | None
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between two versions; secrets only say that they do."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version with what it changed."""

    row: SettingVersion
    changes: tuple[Change, ...]


def find(name: str, *, for_tenant: bool) -> Credential:
    """The credential of a setting. Raises `UnknownSetting`."""
    found = next((one for one in credentials if one.setting == name), None)
    if found is None or (for_tenant and not found.for_tenants):
        raise UnknownSetting
    return found


def listed(*, for_tenant: bool, scope: str = "") -> list[Line]:
    """All of them, with whose values are used."""
    return [line(one, in_force(one.setting, scope=scope)) for one in credentials if one.for_tenants or not for_tenant]


def line(credential: Credential, values: Values) -> Line:
    """One of them."""
    return Line(credential.setting, credential, source_of(credential, values), values.version)


def in_force(name: str, *, scope: str = "") -> Values:
    """What is used: by the current schema or, in public with a `scope`, by that group."""
    return reading.effective_for(name, scope) if scope else reading.get(name)


def source_of(credential: Credential, values: Values) -> Source | None:
    """Whose values are used: that of the fields that are needed; nothing when none of them is set."""
    for name in credential.needs:
        value = values[name]
        if value not in (None, "", [], {}) and bool(value):
            return values.sources.get(name, Source.DEFAULT)
    return None


def try_out(name: str, given: Mapping[str, Any] | None = None, *, for_tenant: bool, scope: str = "") -> Tested:
    """One cheap call to the service, with what is in force or with what somebody typed and has not saved yet.

    Outside of any transaction: it takes as long as the service does. Raises `RateLimited`, `Invalid` for what cannot
    be saved anyway.
    """
    credential = find(name, for_tenant=for_tenant)
    values = changing.preview(name, given, scope=scope) if given else in_force(name, scope=scope)
    if source_of(credential, values) is None:
        return Tested(False, _("Nothing is entered yet."))
    if credential.test is None:
        return Tested(True, _("This service has no call to try."))
    rate = ratelimit.hit(f"credential-test:{name}:{scope}", limit=TESTS_A_MINUTE, window_s=60)
    if not rate.allowed:
        raise RateLimited(retry_after=rate.reset_s)
    return credential.test(values)


def save(
    name: str,
    given: Mapping[str, Any],
    *,
    by: Any,
    now: datetime,
    for_tenant: bool,
    scope: str = "",
    seen_version: int | None = None,
    insist: bool = False,
) -> SettingVersion:
    """Keep new values after the service was asked about them. What it refuses is kept only when somebody insists.

    A service that cannot be reached stops nobody. Raises `CredentialRefused`, `Invalid`, `ChangedMeanwhile`.
    """
    credential = find(name, for_tenant=for_tenant)
    values = changing.preview(name, given, scope=scope)
    if not insist and source_of(credential, values) is Source.OWN and credential.test is not None:
        tested = credential.test(values)
        if tested.is_refused:
            raise CredentialRefused(field=_secret_of(credential), words=str(tested.words))
    return changing.set(name, given, by=by, now=now, scope=scope, seen_version=seen_version)


def _secret_of(credential: Credential) -> str:
    definition = reading.find(credential.setting)
    return next((field.name for field in definition.fields if field.secret), definition.fields[0].name)


def versions(name: str, *, scope: str = "", limit: int = 50) -> list[Version]:
    """The newest versions with what each one changed, masked."""
    definition = reading.find(name)
    rows = list(changing.history(name, scope=scope)[: limit + 1])
    found = []
    for row, before in zip(rows, [*rows[1:], None][: len(rows)], strict=True):
        found.append(Version(row, tuple(_changes(definition, before, row))))
    return found[:limit]


def _changes(definition: Definition, before: SettingVersion | None, after: SettingVersion) -> list[Change]:
    found = []
    for field in definition.fields:
        if field.secret:
            old, new = _clear(before, field.name), _clear(after, field.name)
            if old != new:
                same_mask = _("another secret") if old and new else MASK if new else ""
                found.append(Change(str(field.label), MASK if old else "", same_mask))
            continue
        old_value, new_value = (before.values.get(field.name) if before else None), after.values.get(field.name)
        if old_value != new_value:
            found.append(Change(str(field.label), _words(old_value), _words(new_value)))
    return found


def _clear(row: SettingVersion | None, name: str) -> Secret | None:
    """A secret for comparing: two tokens of one text differ."""
    token = row.secrets.get(name) if row else None
    if not token:
        return None
    try:
        return Secret(cipher.decrypt(token))
    except cipher.Unreadable:
        return Secret(token)


def _words(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)
