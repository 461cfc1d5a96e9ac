"""Settings as a file: out of one schema, into another. Secrets stay where they are."""

import json
from datetime import datetime
from typing import Any

import yaml
from django.db import transaction
from django.utils.translation import gettext as _

from ops.kernel.configuration.models import SettingVersion
from ops.kernel.configuration.registry import definitions
from ops.kernel.configuration.services.changing import set
from ops.kernel.errors import FieldError, Invalid

FORMAT = 1


def export(*, form: str = "json") -> str:
    """Every saved setting of the current schema as JSON or YAML, without secrets: only which ones are set."""
    rows = SettingVersion.objects.active().filter(scope="", name__in=definitions.keys()).order_by("name")
    document = {
        "format": FORMAT,
        "settings": {row.name: {"values": row.values, "secrets_set": sorted(row.secrets)} for row in rows},
    }
    if form == "yaml":
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=True)
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)


@transaction.atomic
def import_(text: str, *, by: Any, form: str = "json", now: datetime | None = None) -> list[str]:
    """Take over the values of an export; secrets stay what they are here. All or nothing; gives the changed names."""
    try:
        document = yaml.safe_load(text) if form == "yaml" else json.loads(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise Invalid(_("The file is not valid %(form)s.") % {"form": form.upper()}) from error
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or not isinstance(document.get("settings"), dict)
    ):
        raise Invalid(_("The file is no export of settings."))
    changed = []
    for name, item in document["settings"].items():
        if not isinstance(item, dict) or not isinstance(item.get("values"), dict) or name not in definitions:
            raise Invalid(errors=[FieldError(str(name)[:100], "unknown_setting", _("This setting is not known here."))])
        if _stored_now(name) != item["values"]:
            set(name, item["values"], by=by, note=_("Imported"), now=now)
            changed.append(name)
    return changed


def _stored_now(name: str) -> dict[str, Any]:
    row = SettingVersion.objects.active().filter(name=name, scope="").first()
    return row.values if row else {}
