"""Make new versions of settings: checked, with author and audit, and with a way back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tenants.utils import get_public_schema_name

from ops.kernel import fields as cipher
from ops.kernel.actors import actor_of
from ops.kernel.audit import services as audit
from ops.kernel.configuration.models import SettingVersion, SettingVersionQuerySet
from ops.kernel.configuration.registry import Definition, Field
from ops.kernel.configuration.services.reading import find, forget, merged, stored
from ops.kernel.configuration.values import Values
from ops.kernel.errors import Conflict, FieldError, Invalid, NotFound
from ops.kernel.redaction import MASK


class ChangedMeanwhile(Conflict):
    """Somebody saved another version after this person looked."""

    code = "changed_meanwhile"
    message = gettext_lazy("%(author)s changed this in the meantime. Reload, look at it, and enter your change again.")


def set(
    name: str,
    value: Mapping[str, Any],
    *,
    by: Any,
    note: str = "",
    now: datetime | None = None,
    scope: str = "",
    seen_version: int | None = None,
) -> SettingVersion:
    """Make a new version with these fields changed; the others stay. Raises `Invalid` naming each wrong field.

    A secret given as the mask (what a form shows) or left out stays; an empty one is removed. `seen_version` is the
    version the person looked at: when another one is in force by now, `ChangedMeanwhile` is raised and nothing changes.
    """
    definition = find(name)
    now = now or timezone.now()
    with transaction.atomic():
        current = _locked(name, scope, seen_version)
        values = dict(current.values) if current else {}
        secrets = dict(current.secrets) if current else {}
        before = {**values, **dict.fromkeys(secrets, MASK)}
        changed_secrets = _apply(definition, value, values=values, secrets=secrets)
        return _save(
            definition,
            current,
            scope=scope,
            values=values,
            secrets=secrets,
            by=by,
            note=note,
            now=now,
            detail=_difference(before, values, secrets, changed_secrets),
        )


def preview(name: str, value: Mapping[str, Any], *, scope: str = "") -> Values:
    """What would be in force after `set` with these fields. Saves nothing. Raises `Invalid`."""
    definition = find(name)
    mine = stored(name, scope)
    values, secrets = dict(mine["values"]), dict(mine["secrets"])
    _apply(definition, value, values=values, secrets=secrets)
    return merged(definition, {"version": mine["version"], "values": values, "secrets": secrets}, scope=scope)


def _apply(
    definition: Definition, given: Mapping[str, Any], *, values: dict[str, Any], secrets: dict[str, str]
) -> list[str]:
    """Write the given fields into `values` and `secrets`; says which secrets are new."""
    problems: list[FieldError] = []
    changed: list[str] = []
    for key, raw in given.items():
        field = definition.by_name.get(key)
        if field is None:
            problems.append(FieldError(str(key)[:100], "unknown_field", _("This field is not known here.")))
            continue
        if field.secret and raw == MASK:
            continue
        try:
            clean = _clean(field, raw)
        except ValidationError as error:
            problems.append(FieldError(key, error.code or "invalid", " ".join(error.messages)))
            continue
        if field.secret:
            changed.append(key)
            secrets.pop(key, None)
            if clean:
                secrets[key] = cipher.encrypt(clean)
        else:
            values[key] = clean
    for field in definition.fields:
        have = secrets.get(field.name) if field.secret else values.get(field.name, field.default)
        if (
            field.required
            and have in (None, "", [], {})
            and not any(problem.field == field.name for problem in problems)
        ):
            problems.append(FieldError(field.name, "required", _("This field is required.")))
    if not problems and definition.check is not None:
        try:
            definition.check(values)
        except ValidationError as error:
            problems.append(FieldError("", error.code or "invalid", " ".join(error.messages)))
    if problems:
        raise Invalid(errors=problems)
    return changed


def _clean(field: Field, raw: Any) -> Any:
    if raw is None:
        return None
    if not isinstance(raw, field.type) or (field.type is int and isinstance(raw, bool)):
        raise ValidationError(_("This value has the wrong type."), code="wrong_type")
    if isinstance(raw, str):
        raw = raw.strip()
        if len(raw) > field.max_length:
            raise ValidationError(_("Use at most %(limit)s characters.") % {"limit": field.max_length}, code="too_long")
        if "\x00" in raw:
            raise ValidationError(_("Text must not contain the NUL character."), code="invalid")
    if field.choices and raw not in field.choices:
        raise ValidationError(_("Choose one of the listed values."), code="not_a_choice")
    if field.type is int and field.min_value is not None and raw < field.min_value:
        raise ValidationError(_("Use at least %(limit)s.") % {"limit": field.min_value}, code="too_small")
    if field.type is int and field.max_value is not None and raw > field.max_value:
        raise ValidationError(_("Use at most %(limit)s.") % {"limit": field.max_value}, code="too_large")
    if field.type in (list, dict) and len(json.dumps(raw)) > 100_000:
        raise ValidationError(_("This value is too large."), code="too_large")
    if field.validate is not None and raw != "":
        field.validate(raw)
    return raw


def _difference(
    before: dict[str, Any], values: dict[str, Any], secrets: dict[str, str], changed_secrets: list[str]
) -> dict[str, Any]:
    changes: dict[str, Any] = {
        key: {"from": before.get(key), "to": value} for key, value in values.items() if before.get(key) != value
    }
    for key in changed_secrets:
        changes[key] = "replaced" if key in secrets else "removed"
    return changes


def _save(
    definition: Definition,
    current: SettingVersion | None,
    *,
    scope: str,
    values: dict[str, Any],
    secrets: dict[str, str],
    by: Any,
    note: str,
    now: datetime,
    detail: dict[str, Any],
) -> SettingVersion:
    newest = SettingVersion.objects.of(definition.name, scope).first()
    if current is not None:
        SettingVersion.objects.filter(pk=current.pk).update(active=False)
    actor = actor_of(by)
    try:
        with transaction.atomic():
            made = SettingVersion.objects.create(
                name=definition.name,
                scope=scope,
                version=(newest.version if newest else 0) + 1,
                values=values,
                secrets=secrets,
                author_id=actor.id,
                author_label=actor.label,
                note=note[:200],
                created_at=now,
            )
    except IntegrityError as error:
        # Two people saved the first version at once: there was no row to lock.
        raise ChangedMeanwhile(author=_("Somebody")) from error
    audit.record(
        "configuration.changed",
        by=by,
        on=made,
        detail={
            "setting": definition.name,
            "version": made.version,
            "changes": detail,
            **({"for": scope} if scope else {}),
        },
        now=now,
    )
    forget(definition.name, scope)
    return made


def history(name: str, *, scope: str = "") -> SettingVersionQuerySet:
    """Versions of a setting, newest first."""
    find(name)
    return SettingVersion.objects.of(name, scope)


@transaction.atomic
def rollback(
    name: str,
    *,
    version: int,
    by: Any,
    now: datetime | None = None,
    scope: str = "",
    seen_version: int | None = None,
) -> SettingVersion:
    """Put an earlier version in force again, as a new version. Raises `NotFound`, `ChangedMeanwhile` and, for values
    that are no longer valid, `Invalid`.
    """
    definition = find(name)
    current = _locked(name, scope, seen_version)
    target = SettingVersion.objects.filter(name=name, scope=scope, version=version).first()
    if target is None:
        raise NotFound()
    values: dict[str, Any] = {}
    known = {key: value for key, value in target.values.items() if key in definition.by_name}
    secrets = {key: token for key, token in target.secrets.items() if key in definition.by_name}
    _apply(definition, known, values=values, secrets=secrets)
    return _save(
        definition,
        current,
        scope=scope,
        values=values,
        secrets=secrets,
        by=by,
        now=now or timezone.now(),
        note=_("Back to version %(version)s") % {"version": version},
        detail={"rolled_back_to": version},
    )


@transaction.atomic
def reset(
    name: str, *, by: Any, now: datetime | None = None, scope: str = "", seen_version: int | None = None
) -> SettingVersion | None:
    """Take back everything that was set here, so that the value from above holds again; a version like any other.

    Nothing happens, and `None` is given, when nothing was set. Raises `ChangedMeanwhile`.
    """
    definition = find(name)
    current = _locked(name, scope, seen_version)
    if current is None or not (current.values or current.secrets):
        return None
    return _save(
        definition,
        current,
        scope=scope,
        values={},
        secrets={},
        by=by,
        now=now or timezone.now(),
        note=_("Taken back"),
        detail={"reset": True},
    )


def _locked(name: str, scope: str, seen_version: int | None) -> SettingVersion | None:
    """The version in force, kept still until the transaction ends. Two first versions meet in the unique constraint."""
    if scope and connection.schema_name != get_public_schema_name():
        raise ValueError("What is set for a group of tenants stands in the public schema.")
    current = SettingVersion.objects.active().filter(name=name, scope=scope).select_for_update().first()
    if seen_version is not None and (current.version if current else 0) != seen_version:
        raise ChangedMeanwhile(author=(current.author_label if current else "") or _("Somebody"))
    return current
