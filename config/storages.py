"""Where files go: hashed static files, and media under the tenant's own prefix on disk or S3."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.files.storage import Storage
from django.db import connection
from django.utils.functional import LazyObject
from django_tenants.files.storage import TenantFileSystemStorage
from storages.backends.s3 import S3Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files with their hash in the name, also inside ES modules' import statements."""

    support_js_module_import_aggregation = True


class TenantS3Storage(S3Storage):
    """S3 with every key below `tenants/<schema>/`, so that no name can reach another tenant's files."""

    def _normalize_name(self, name: str) -> str:
        self.location = f"tenants/{connection.schema_name}"
        return super()._normalize_name(name)


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
            )
        else:
            self._wrapped = TenantFileSystemStorage(location=parts.path or str(settings.MEDIA_ROOT))
