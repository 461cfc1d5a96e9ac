"""A brand: what may be uploaded, what is kept of it, and whose brand a page wears."""

import io
import random

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django_tenants.utils import schema_context, tenant_context
from PIL import Image, PngImagePlugin

from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from tenants import errors
from tenants.models import Branding, Tenant
from tenants.queries import brands
from tenants.services import branding, pictures
from tenants.tests.factories import ResellerFactory


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGBA", **options) -> io.BytesIO:
    out = io.BytesIO()
    Image.new(mode, size, "#b4532a").save(out, kind, **options)
    out.seek(0)
    return out


# --- Pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode", "extension"),
    [
        ("PNG", "RGBA", "png"),
        ("PNG", "P", "png"),
        ("WEBP", "RGBA", "png"),
        ("JPEG", "RGB", "jpg"),
        ("ICO", "RGBA", "png"),
    ],
)
def test_pictures_are_drawn_again(kind, mode, extension):
    kept = pictures.logo(picture(kind, mode=mode))

    assert kept.extension == extension
    assert Image.open(io.BytesIO(kept.body)).size == ((48, 36) if kind == "ICO" else (64, 48))  # ICO knows no 64 × 48
    assert len(kept.name.split(".")[0]) == 16


def test_the_same_picture_has_the_same_name():
    assert pictures.logo(picture()).name == pictures.logo(picture()).name
    assert pictures.logo(picture()).name != pictures.logo(picture(size=(65, 48))).name


def test_nothing_but_pixels_is_kept():
    exif = Image.Exif()
    exif[0x010E] = "Rua das Flores 12"
    exif[0x0112] = 6  # turned by the camera
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "secret words")

    photograph = pictures.logo(picture("JPEG", (80, 40), "RGB", exif=exif))
    drawing = pictures.logo(picture(pnginfo=words))

    opened = Image.open(io.BytesIO(photograph.body))
    assert not opened.getexif()
    assert opened.size == (40, 80)
    assert b"Flores" not in photograph.body
    assert b"secret" not in drawing.body


def test_large_logos_are_made_smaller():
    assert Image.open(io.BytesIO(pictures.logo(picture(size=(3000, 1000))).body)).size == (1024, 341)


def test_a_favicon_has_the_sizes_browsers_ask_for():
    icon = Image.open(io.BytesIO(pictures.favicon(picture(size=(300, 100))).body))

    assert icon.format == "ICO"
    assert icon.info["sizes"] == {(16, 16), (32, 32), (48, 48), (64, 64), (128, 128)}


def bomb() -> bytes:
    """A small file that says it is 12,000 pixels on a side."""
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        b"GIF89a" + b"\x00" * 100,
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"BM" + b"\x00" * 100,
        picture(size=(8, 8)).getvalue(),
        picture(size=(5000, 20)).getvalue(),
        picture("GIF", mode="P").getvalue(),
        picture("TIFF", mode="RGB").getvalue(),
        picture("BMP", mode="RGB").getvalue(),
        picture().getvalue()[:-40],
        random.Random(3).randbytes(pictures.MAX_BYTES + 1),
    ],
)
def test_what_is_no_picture_is_refused(body):
    with pytest.raises(errors.ImageRefused) as refused:
        pictures.logo(io.BytesIO(body))
    assert refused.value.field == "logo"

    with pytest.raises(errors.ImageRefused):
        pictures.favicon(io.BytesIO(body))


def test_a_bomb_is_not_unpacked(monkeypatch):
    body = bomb()
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("unpacked"))

    with pytest.raises(errors.ImageRefused):
        pictures.logo(io.BytesIO(body))


# --- Saving -------------------------------------------------------------------------------------------


def test_a_brand_is_saved_in_parts(acme, ana):
    branding.save(owner=acme, by=ana, display_name="  Padaria   Aurora ", primary_color="#B4532A")
    branding.save(owner=acme, by=ana, secondary_color="#345")

    row = branding.of(acme)
    assert (row.display_name, row.primary_color, row.secondary_color) == ("Padaria Aurora", "#b4532a", "#334455")
    with schema_context("public"):
        assert [entry.detail for entry in AuditEntry.objects.about(acme).order_by("at", "id")] == [
            {"changed": ["display_name", "primary_color"]},
            {"changed": ["secondary_color"]},
        ]
    assert connection.schema_name == "t_acme"


def test_saving_the_same_again_says_nothing(acme):
    branding.save(owner=acme, primary_color="#b4532a")
    branding.save(owner=acme, primary_color="#B4532A")

    with schema_context("public"):
        assert AuditEntry.objects.about(acme).count() == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"primary_color": "red"}, errors.ColourMalformed),
        ({"secondary_color": "#12345"}, errors.ColourMalformed),
        ({"primary_color": "#123456;} body{display:none"}, errors.ColourMalformed),
        ({"custom_css": "@import 'x';"}, errors.CssRefused),
        ({"display_name": "x" * 81}, Invalid),
        ({"display_name": "a\x00b"}, Invalid),
        ({"logo": io.BytesIO(b"no")}, errors.ImageRefused),
    ],
)
def test_one_wrong_part_changes_nothing(acme, changes, error):
    with pytest.raises(error):
        branding.save(owner=acme, email_sender_name="Aurora", **changes)

    with schema_context("public"):
        assert not Branding.objects.exists()


def test_pictures_lie_in_the_tenants_own_folder(acme, beta, django_capture_on_commit_callbacks):
    branding.save(owner=acme, logo=picture(), favicon=picture(size=(32, 32)))
    row = branding.of(acme)

    assert default_storage.exists(row.logo.name)
    assert default_storage.exists(row.favicon.name)
    with tenant_context(beta):
        assert not default_storage.exists(row.logo.name)

    with django_capture_on_commit_callbacks(execute=True):
        branding.save(owner=acme, logo=picture(size=(70, 70)))
    assert not default_storage.exists(row.logo.name)
    assert default_storage.exists(branding.of(acme).logo.name)

    with django_capture_on_commit_callbacks(execute=True):
        branding.save(owner=acme, logo=None)
    assert not branding.of(acme).logo
    assert default_storage.exists(row.favicon.name)


def test_two_resellers_with_one_picture_do_not_share_its_file(platform, django_capture_on_commit_callbacks):
    first, second = ResellerFactory(), ResellerFactory()
    for reseller in (first, second):
        branding.save(owner=reseller, logo=picture())

    with django_capture_on_commit_callbacks(execute=True):
        branding.save(owner=first, logo=None)

    assert default_storage.exists(branding.of(second).logo.name)


# --- Whose brand --------------------------------------------------------------------------------------


def test_what_a_tenant_leaves_empty_comes_from_its_reseller_and_then_from_us(acme):
    reseller = ResellerFactory(name="Rede Sul")
    assert (brands.brand_for(acme).primary, brands.brand_for(acme).display_name) == (brands.PLATFORM_PRIMARY, "Acme")

    with schema_context("public"):
        Tenant.objects.filter(pk=acme.pk).update(reseller=reseller)
        acme.refresh_from_db()
    branding.save(
        owner=reseller,
        display_name="Rede Sul Atende",
        primary_color="#1f5fbf",
        secondary_color="#222222",
        logo=picture(),
    )
    branding.save(owner=acme, primary_color="#b4532a")

    look = brands.brand_for(acme)
    assert (look.primary, look.secondary, look.display_name) == ("#b4532a", "#222222", "Acme")
    assert look.logo.schema == "public"
    console = brands.brand_for(None, reseller)
    assert (console.primary, console.display_name) == ("#1f5fbf", "Rede Sul Atende")
    ours = brands.brand_for(None, None)
    assert (ours.primary, ours.display_name) == (brands.PLATFORM_PRIMARY, "Balcão")


def test_the_brand_of_one_tenant_is_not_the_others(acme, beta):
    branding.save(owner=acme, primary_color="#b4532a", display_name="Aurora")

    assert brands.brand_for(beta).primary == brands.PLATFORM_PRIMARY
    assert brands.brand_for(beta).display_name == "Beta"


def test_a_preview_changes_nothing_and_is_what_saving_makes(acme):
    seen = branding.preview(owner=acme, primary_color="#ffd400", secondary_color="", custom_css="a { color: red }")

    assert seen["repaired"]["light"]
    assert seen["contrast"]["text_light"] >= 4.5
    with schema_context("public"):
        assert not Branding.objects.exists()
    branding.save(owner=acme, primary_color="#ffd400", custom_css="a { color: red }")
    css = brands.brand_for(acme).css
    assert all(f"{name}: {value};" in css for name, value in seen["shades"].items())
    assert seen["css"] in css
