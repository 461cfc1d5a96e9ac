"""Views that belong to the wiring: the landing page, a form that was open too long, and the page that shows everything the house has."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing.queries import catalogue

AREAS = (
    {
        "name": _("Support counter"),
        "icon": "messages-square",
        "is_open": True,
        "text": _("Live chat between the visitors of your website and your team."),
        "points": (
            _("One script tag on your website"),
            _("Every message once and in order, also after the connection was lost"),
            _("Assign, resolve, and see who is writing"),
        ),
    },
    {
        "name": _("Your brand"),
        "icon": "palette",
        "is_open": True,
        "text": _("Your logo, your colours and your address on every page your customers and your team see."),
        "points": (
            _("Colours repaired so that everything stays readable"),
            _("Changes show at once"),
            _("People and roles of your own"),
        ),
    },
    {"name": _("Media studio"), "icon": "clapperboard", "text": _("Documents become narrated videos.")},
    {"name": _("Offers desk"), "icon": "tags", "text": _("Good offers found, explained and published.")},
    {"name": _("Billing"), "icon": "receipt-text", "text": _("Invoices, Pix and cards for what was used.")},
    {"name": _("Operations"), "icon": "activity", "text": _("Backups, alerts and the state of everything.")},
)
PROMISES = (
    {
        "icon": "lock-keyhole",
        "title": _("Your data apart"),
        "text": _("Each company lives in a schema of its own in the database: no page, file or search reaches across."),
    },
    {
        "icon": "accessibility",
        "title": _("For everyone"),
        "text": _("Keyboard, screen reader, large text, dark room, small phone: it is made to work there too."),
    },
    {
        "icon": "languages",
        "title": _("Portuguese and English"),
        "text": _("Each person chooses; prices, dates and times follow."),
    },
)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What the product is, what works today, and the plans; in the brand of the host."""
    is_reseller = getattr(request, "reseller", None) is not None
    page = {
        "plans": catalogue.offered(reseller=request.reseller, now=timezone.now()),
        "areas": AREAS,
        "promises": PROMISES,
        "signup_url": reverse("signup:form"),
        "is_reseller": is_reseller,
    }
    return render(request, "landing/index.html", page)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long: say so and offer the way back, in brand."""
    return render(request, "errors/csrf.html", {"reason": reason}, status=403)
