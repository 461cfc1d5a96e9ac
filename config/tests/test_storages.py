"""The collected static files are whole: hashed names inside stylesheets and inside our modules."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile

from config.storages import HashedStaticStorage


@pytest.fixture
def collected(tmp_path):
    """Our scripts and two of the stylesheets, collected as for production, with a stranger's script beside them."""
    storage = HashedStaticStorage(location=str(tmp_path), base_url="/static/")
    root = Path(settings.BASE_DIR) / "static"
    paths = [path for folder in ("js", "css", "img") for path in (root / folder).rglob("*") if path.is_file()]
    names = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        storage.save(name, ContentFile(path.read_bytes()))
        names[name] = (storage, name)
    for font in ("Regular", "Medium", "SemiBold", "Bold"):
        name = f"unfold/fonts/inter/Inter-{font}.woff2"
        storage.save(name, ContentFile(b"font"))
        names[name] = (storage, name)
    stranger = "vendor/extension.js"
    storage.save(stranger, ContentFile(b'/** @type {import("../missing").Api} */\n'))
    names[stranger] = (storage, stranger)
    failures = [(name, result) for name, _, result in storage.post_process(names) if isinstance(result, Exception)]
    assert failures == []
    return storage


def content(storage, name):
    return Path(storage.path(storage.stored_name(name))).read_text(encoding="utf-8")


def test_modules_import_each_other_by_their_hashed_names(collected):
    imports = re.findall(r'import[^"\']*["\'](\.[^"\']+)["\']', content(collected, "js/app.js"))

    assert len(imports) > 8
    assert all(re.fullmatch(r"\./lib/\w+\.[0-9a-f]{12}\.js", name) for name in imports)


def test_the_stylesheet_of_every_page_is_one_file_with_its_layers(collected):
    css = content(collected, "css/app.css")
    source = (Path(settings.BASE_DIR) / "static/css/app.css").read_text(encoding="utf-8")

    assert "@import" not in css
    assert css.index("@layer reset, tokens, base, layout, components, brand, utilities;") < css.index("@layer tokens {")
    assert css.count("\n@layer ") == source.count("@import") + 1
    assert css.count("{") == css.count("}")


def test_addresses_in_the_joined_stylesheet_lead_to_the_files(collected):
    css = content(collected, "css/app.css")
    addresses = re.findall(r'url\("([^"]+)"\)', css)

    assert len(addresses) >= 7
    for address in addresses:
        assert (Path(collected.location) / "css" / address).resolve().is_file(), address


def test_other_peoples_scripts_are_left_as_they_are(collected):
    assert content(collected, "vendor/extension.js") == '/** @type {import("../missing").Api} */\n'
