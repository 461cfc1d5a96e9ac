"""The application with two addresses more: pages with nothing on them, to measure the others against.

`EMPTY` is what any page costs before it shows anything: every middleware, the session, the person, the context processors,
a template of one line. `BARE` answers a stranger: no session, no person, no template.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402

from config import urls_tenant  # noqa: E402
from config.urls_tenant import handler400, handler403, handler404, handler500  # noqa: E402, F401

EMPTY, BARE = "/benchmark/empty/", "/benchmark/bare/"

TEMPLATE = engines["django"].from_string(
    '<!doctype html><html lang="{{ LANGUAGE_CODE }}"><title>{{ user }}</title></html>'
)


@login_required
def empty(request: HttpRequest) -> HttpResponse:
    """A page of somebody who is logged in, with nothing on it but their name."""
    return HttpResponse(TEMPLATE.render({}, request))


def bare(request: HttpRequest) -> HttpResponse:
    """A page for anybody."""
    return HttpResponse()


urlpatterns = [*urls_tenant.urlpatterns, path(EMPTY[1:], empty), path(BARE[1:], bare)]

settings.ROOT_URLCONF = __name__
application = get_wsgi_application()
