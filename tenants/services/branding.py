"""How a tenant or a reseller looks: colours, pictures, custom CSS, names."""

from datetime import datetime
from functools import partial
from typing import IO, Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid
from ops.kernel.outbox import services as outbox
from tenants import errors, events, palette
from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Branding, Reseller, Tenant
from tenants.queries import brands, hosts
from tenants.services import css, pictures

WORDS = ("display_name", "email_sender_name")
COLOURS = ("primary_color", "secondary_color")
FILES = {"logo": pictures.logo, "favicon": pictures.favicon}
MAX_NAME = 80


def of(owner: Tenant | Reseller) -> Branding:
    """The owner's own brand; an empty one, not saved, when nothing was chosen yet."""
    with schema_context(PUBLIC_SCHEMA):
        return Branding.objects.filter(**_key(owner)).first() or Branding(**_key(owner))


def save(*, owner: Tenant | Reseller, by: Any = None, now: datetime | None = None, **changes: Any) -> Branding:
    """Change what is named and leave the rest.

    Text: `display_name`, `email_sender_name`, `primary_color`, `secondary_color`, `custom_css`; an empty text falls
    back to the reseller's brand, then to the platform's. Files: `logo`, `favicon` as an open file; None takes the
    picture away. Raises `ColourMalformed`, `ImageRefused`, `CssRefused` or `Invalid`, naming the field.
    """
    unknown = changes.keys() - {*WORDS, *COLOURS, *FILES, "custom_css"}
    if unknown:
        raise TypeError(f"A brand has no {', '.join(sorted(unknown))}.")
    now = now or timezone.now()
    values = {name: _word(name, changes[name]) for name in WORDS if name in changes}
    values |= {name: _colour(name, changes[name]) for name in COLOURS if name in changes}
    if "custom_css" in changes:
        text = changes["custom_css"].replace("\r\n", "\n").replace("\x00", "").strip()
        values |= {"custom_css": text, "scoped_css": css.confine(text)}
    drawn = {name: draw(changes[name]) if changes[name] else None for name, draw in FILES.items() if name in changes}

    with schema_context(PUBLIC_SCHEMA), transaction.atomic():
        # The owner's row is the lock: the brand's own may not exist yet.
        type(owner).objects.select_for_update(of=("self",)).get(pk=owner.pk)
        row = of(owner)
        before = {name: getattr(row, name) for name in (*values, *drawn)}
        for name, picture in drawn.items():
            values[name] = _store(owner, picture) if picture else ""
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        changed = sorted(
            name for name, value in values.items() if str(before.get(name) or "") != value and name != "scoped_css"
        )
        if changed:
            audit.record("tenants.brand_changed", by=by, on=owner, detail={"changed": changed}, now=now)
            outbox.publish(events.BrandChanged(owner._meta.model_name or "", str(owner.pk)))
        for name in drawn:
            old = str(before[name] or "")
            if old and old not in {str(row.logo), str(row.favicon)}:
                transaction.on_commit(partial(_remove, owner, old))
        hosts.forget()
    return row


def preview(
    *, owner: Tenant | Reseller, primary_color: str = "", secondary_color: str = "", custom_css: str | None = None
) -> dict[str, Any]:
    """What saving would look like: every shade, the confined CSS, and a sentence for each repair. Changes nothing."""
    seen = brands.brand_for(owner) if isinstance(owner, Tenant) else brands.brand_for(None, owner)
    primary = _colour("primary_color", primary_color) or seen.primary
    secondary = _colour("secondary_color", secondary_color) or seen.secondary
    shades = palette.shades(primary, secondary)
    return {
        "shades": shades,
        "css": css.confine(custom_css) if custom_css is not None else "",
        "contrast": {
            "on_brand": round(palette.contrast(primary, shades["--on-brand"]), 1),
            "text_light": round(palette.contrast(shades["--brand-text-light"], palette.LIGHT_GROUND), 1),
            "text_dark": round(palette.contrast(shades["--brand-text-dark"], palette.DARK_GROUND), 1),
        },
        "repaired": {
            "light": shades["--brand-text-light"] != primary,
            "dark": shades["--brand-text-dark"] != primary,
        },
    }


def _key(owner: Tenant | Reseller) -> dict[str, Tenant | Reseller]:
    return {"tenant" if isinstance(owner, Tenant) else "reseller": owner}


def _word(name: str, text: str) -> str:
    clean = " ".join(text.split())
    if len(clean) > MAX_NAME or any(ord(letter) < 32 for letter in clean):
        raise Invalid(field=name)
    return clean


def _colour(name: str, text: str) -> str:
    if not text.strip():
        return ""
    colour = palette.parse(text)
    if colour is None:
        raise errors.ColourMalformed(field=name)
    return colour


def _store(owner: Tenant | Reseller, picture: pictures.Picture) -> str:
    """Keep a picture below its owner's folder. Resellers share the platform's, so theirs bear their id."""
    name = f"brand/{owner.pk}/{picture.name}"
    with schema_context(_folder(owner)):
        if not default_storage.exists(name):
            name = default_storage.save(name, ContentFile(picture.body))
    return name


def _remove(owner: Tenant | Reseller, name: str) -> None:
    with schema_context(_folder(owner)):
        default_storage.delete(name)


def _folder(owner: Tenant | Reseller) -> str:
    return owner.schema_name if isinstance(owner, Tenant) else PUBLIC_SCHEMA


def as_upload(body: bytes) -> IO[bytes]:
    """Bytes as an upload, for commands and the demo."""
    return ContentFile(body)
