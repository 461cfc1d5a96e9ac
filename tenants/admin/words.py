"""What unfold says and brings no translation of. Named here, so that the catalogue holds it."""

from django.utils.translation import gettext_noop

UNFOLD = (
    gettext_noop("%(full_result_count)s total"),
    gettext_noop("Apply Filters"),
    gettext_noop("Choose file to upload"),
    gettext_noop("Expand row"),
    gettext_noop("False"),
    gettext_noop("Go back"),
    gettext_noop("More actions"),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Select value"),
    gettext_noop("True"),
    gettext_noop("Type to search"),
)
