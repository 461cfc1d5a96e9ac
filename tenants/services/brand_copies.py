"""A tenant's brand and its letters in own words, which stand in public, for its copy."""

from django.core.files import File
from django.core.files.storage import default_storage
from django_tenants.utils import schema_context

from tenants.enums import PUBLIC_SCHEMA
from tenants.models import Branding, LetterText, Tenant

PICTURES = ("logo", "favicon")


def copy(*, source: Tenant, target: Tenant) -> None:
    """The same colours, pictures and words. What the target has already stays."""
    with schema_context(PUBLIC_SCHEMA):
        brand = Branding.objects.filter(tenant=source).first()
        if brand is not None and not Branding.objects.filter(tenant=target).exists():
            values = {
                field.attname: getattr(brand, field.attname)
                for field in Branding._meta.concrete_fields
                if field.name not in {"id", "tenant", "created_at", "updated_at", *PICTURES}
            }
            # The style sheet speaks of the brand's places, not of whose brand it is.
            row = Branding(tenant=target, **values)
            for name in PICTURES:
                setattr(row, name, _moved(str(getattr(brand, name) or ""), source, target))
            row.save()
        if not LetterText.objects.of(target).exists():
            LetterText.objects.bulk_create(
                LetterText(tenant=target, letter=one.letter, language=one.language, subject=one.subject, body=one.body)
                for one in LetterText.objects.of(source).order_by("pk")
            )


def copy_files(*, source: Tenant, target: Tenant) -> None:
    """The pictures of the brand, into the target's folder."""
    with schema_context(PUBLIC_SCHEMA):
        brand = Branding.objects.filter(tenant=source).first()
    for name in (str(getattr(brand, picture)) for picture in PICTURES if brand and getattr(brand, picture)):
        moved = _moved(name, source, target)
        with schema_context(target.schema_name):
            if default_storage.exists(moved):
                continue
        with schema_context(source.schema_name):
            held = default_storage.open(name)
        with held, schema_context(target.schema_name):
            default_storage.save(moved, File(held))


def _moved(name: str, source: Tenant, target: Tenant) -> str:
    """Pictures lie below their owner's id."""
    return name.replace(f"brand/{source.pk}/", f"brand/{target.pk}/", 1)
