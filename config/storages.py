"""Where files go: hashed static files, and media under the tenant's own prefix on disk or S3."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db import connection
from django.utils.functional import LazyObject
from django_tenants.files.storage import TenantFileSystemStorage
from storages.backends.s3 import S3Storage
from storages.utils import clean_name
from whitenoise.storage import CompressedManifestStaticFilesStorage

from ops.kernel.squeezing import squeezed

PIECE = 64 * 1024
S3_CONNECT_S, S3_READ_S = 3, 15
IMPORT = re.compile(r'@import "(?P<name>[^"]+)" layer\((?P<layer>\w+)\);')
ADDRESS = re.compile(r'url\("(?P<name>\.[^"]+)"\)')


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files with their hash in the name, also inside the import statements of our own ES modules.

    Not in other people's scripts: what looks like an import there may stand in a comment (htmx's extensions name
    their types so), and a file that is not there stops the whole collection.
    """

    # Django's own patterns for stylesheets, and its patterns for modules under our two folders of scripts.
    patterns = (
        *(entry for entry in CompressedManifestStaticFilesStorage.patterns if entry[0] == "*.css"),
        *(
            (folder, CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1])
            for folder in ("js/*.js", "widget/*.js")
        ),
    )
    # The stylesheet of every page names forty others; a first visit should not wait for forty answers.
    joined = "css/app.css"
    # Other people's pages load the widget, often over a phone: no comment of ours needs to travel there.
    squeezed = ("widget/", "js/chat/", "js/lib/", "css/tokens.css")

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Join the stylesheet with those it imports, squeeze what websites load from us, then hash and compress as ever."""
        if self.joined in paths and not dry_run:
            storage, path = paths[self.joined]
            with storage.open(path) as file:
                text = file.read().decode()
            folder = PurePosixPath(self.joined).parent
            text = IMPORT.sub(lambda found: self._layer(paths, folder, found["name"], found["layer"]), text)
            self.delete(self.joined)
            self.save(self.joined, ContentFile(text.encode()))
            paths = {**paths, self.joined: (self, self.joined)}
        if not dry_run:
            for name in [name for name in paths if name.startswith(self.squeezed) and name.endswith((".js", ".css"))]:
                storage, path = paths[name]
                with storage.open(path) as file:
                    text = squeezed(file.read().decode())
                self.delete(name)
                self.save(name, ContentFile(text.encode()))
                paths = {**paths, name: (self, name)}
        yield from super().post_process(paths, dry_run, **options)

    @staticmethod
    def _layer(paths: dict[str, Any], folder: PurePosixPath, name: str, layer: str) -> str:
        storage, path = paths[str(folder / name)]
        with storage.open(path) as file:
            text = file.read().decode()
        inner = PurePosixPath(name).parent
        # Addresses are relative to the file they stand in.
        text = ADDRESS.sub(lambda found: f'url("{posixpath.normpath(inner / found["name"])}")', text)
        return f"@layer {layer} {{\n{text}}}"


class TenantDiskStorage(TenantFileSystemStorage):
    """A folder with one below it for each schema. (The base class forgets the schema once it is told a folder.)"""

    def __init__(self, root: str) -> None:
        super().__init__()
        self.root = root

    @property
    def base_location(self) -> str:
        """The current tenant's folder, asked for at every use."""
        return str(Path(self.root) / (settings.MULTITENANT_RELATIVE_MEDIA_ROOT % connection.schema_name))

    def read_range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start`, in pieces. The file is opened at once, so that a missing one raises here."""
        file = self.open(name)
        file.seek(start)
        return _pieces(file, length)


def _pieces(file: Any, length: int) -> Iterator[bytes]:
    with file:
        while length > 0 and (piece := file.read(min(PIECE, length))):
            length -= len(piece)
            yield piece


class TenantS3Storage(S3Storage):
    """S3 with every key below `tenants/<schema>/`, so that no name can reach another tenant's files."""

    @property
    def location(self) -> str:
        """The current tenant's prefix, computed at every use: threads share this object."""
        return settings.MULTITENANT_RELATIVE_MEDIA_ROOT % connection.schema_name

    @location.setter
    def location(self, value: str) -> None:
        """The base class sets its own default; there is only one right answer here."""

    def read_range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start`, in pieces, without fetching the rest. Raises `FileNotFoundError`."""
        key = self._normalize_name(clean_name(name))
        try:
            found = self.bucket.Object(key).get(Range=f"bytes={start}-{start + length - 1}")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(name) from error
            raise
        return iter(found["Body"].iter_chunks(PIECE))


class MediaStorage(LazyObject):
    """The storage that `STORAGE_URL` names: `file:///path` or `s3://bucket?endpoint=https://…`."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.__dict__["_options"] = options

    def _setup(self) -> None:
        parts = urlsplit(settings.STORAGE_URL)
        self._wrapped: Storage
        if parts.scheme == "s3":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._wrapped = TenantS3Storage(
                bucket_name=parts.hostname,
                endpoint_url=query.get("endpoint"),
                region_name=query.get("region"),
                access_key=parts.username,
                secret_key=parts.password,
                querystring_auth=True,
                querystring_expire=600,
                file_overwrite=False,
                # botocore would wait a minute, five times: a page with a logo hung as long as the store was away.
                client_config=Config(
                    connect_timeout=S3_CONNECT_S,
                    read_timeout=S3_READ_S,
                    retries={"mode": "standard", "total_max_attempts": 2},
                ),
            )
        else:
            self._wrapped = TenantDiskStorage(parts.path or str(settings.MEDIA_ROOT))
