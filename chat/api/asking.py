"""What a request asks the help centre: a question and the language it is asked in."""

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from chat.queries import shelves
from ops.kernel import errors

MOST_FOUND = 20
TEXT_LIMIT = 300
LOCALES = [code for code, _name in settings.LANGUAGES]
Q = OpenApiParameter("q", OpenApiTypes.STR, description="A question, or the beginning of a word.")
LOCALE = OpenApiParameter("locale", OpenApiTypes.STR, description="`pt-br` or `en`.")


def question(request: Request) -> str:
    """The words of `q`."""
    return request.query_params.get("q", "").replace("\x00", "").strip()[:TEXT_LIMIT]


def asked(request: Request) -> tuple[str, str]:
    """Question and language of a request. Raises `Invalid` for a language that is none of ours."""
    locale = request.query_params.get("locale", "")
    if locale and locale not in LOCALES:
        raise errors.Invalid(field="locale")
    tenant: Any = request._request.tenant  # type: ignore[attr-defined]
    return question(request), shelves.language_for(*([locale] if locale else []), tenant.language)
