"""What people type about hours, routing, promises and surveys."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.enums import AssignmentMode, CsatScale, ReopenTo
from chat.models import (
    Inbox,
)
from chat.queries import opening

BRAZILIAN_ZONES = {
    f"America/{name}"
    for name in (
        "Araguaina",
        "Bahia",
        "Belem",
        "Boa_Vista",
        "Campo_Grande",
        "Cuiaba",
        "Fortaleza",
        "Maceio",
        "Manaus",
        "Noronha",
        "Porto_Velho",
        "Recife",
        "Rio_Branco",
        "Santarem",
        "Sao_Paulo",
    )
}


class HoursForm(forms.Form):
    """When an inbox is staffed, beside its week."""

    active = forms.BooleanField(
        label=_("Keep business hours"), required=False, help_text=_("Without them the inbox is always open.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)
    calendar = forms.BooleanField(label=_("Closed on Brazilian public holidays"), required=False)
    state = forms.ChoiceField(
        label=pgettext_lazy("of Brazil", "State"),
        required=False,
        help_text=_("Its own holidays count as well as the national ones."),
    )
    optional_days = forms.BooleanField(
        label=_("Closed on optional days too"),
        required=False,
        help_text=_("Carnival, Corpus Christi and other days many take off."),
    )
    away_reply = forms.CharField(
        label=_("Reply while closed"),
        required=False,
        max_length=500,
        help_text=_("Sent once to who writes outside the hours. Empty sends nothing."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc", "System")))
        near = [name for name in zones if name in BRAZILIAN_ZONES]
        self.fields["timezone"].choices = [  # type: ignore[attr-defined]
            ("", _("The company's own")),
            (_("Brazil"), [(name, name.replace("_", " ")) for name in near]),
            (_("Elsewhere"), [(name, name.replace("_", " ")) for name in zones if name not in BRAZILIAN_ZONES]),
        ]
        self.fields["state"].choices = [("", _("None")), *[(code, code) for code in opening.states()]]  # type: ignore[attr-defined]


class HolidayForm(forms.Form):
    """A day with other hours."""

    on = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    name = forms.CharField(label=_("Name"), max_length=80)
    opens_at = forms.TimeField(
        label=_("Opens at"),
        required=False,
        help_text=_("Empty times close the whole day."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    closes_at = forms.TimeField(
        label=_("Closes at"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    yearly = forms.BooleanField(label=_("Every year"), required=False)


class RoutingForm(forms.Form):
    """How an inbox hands out its conversations."""

    mode = forms.ChoiceField(
        label=_("Who gets a new conversation"), choices=AssignmentMode.choices, widget=forms.RadioSelect
    )
    capacity = forms.IntegerField(
        label=_("Open conversations an agent may have"),
        min_value=1,
        max_value=500,
        help_text=_("Who has a number of their own keeps it. When everybody is full, the rest waits in the queue."),
    )
    reopen_to = forms.ChoiceField(
        label=_("A visitor writes again to a closed conversation"), choices=ReopenTo.choices, widget=forms.RadioSelect
    )


# As long as the service takes.
YEAR_MIN = 60 * 24 * 365


class SlaForm(forms.Form):
    """Promised times."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    first_response_min = forms.IntegerField(
        label=_("First reply within"), required=False, min_value=1, max_value=YEAR_MIN
    )
    next_response_min = forms.IntegerField(
        label=_("Next reply within"), required=False, min_value=1, max_value=YEAR_MIN
    )
    resolution_min = forms.IntegerField(label=_("Resolved within"), required=False, min_value=1, max_value=YEAR_MIN)
    warn_percent = forms.IntegerField(
        label=_("Warn after"),
        min_value=1,
        max_value=100,
        initial=80,
        help_text=_("How much of the time may pass before the team is warned."),
    )
    business_hours = forms.BooleanField(
        label=_("Only business hours count"),
        required=False,
        initial=True,
        help_text=_("The clock stands still while the inbox is closed."),
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)
    inboxes = forms.MultipleChoiceField(
        label=_("Promised in these inboxes"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Inbox.objects.active().order_by("name", "pk")
        self.fields["inboxes"].choices = [(str(row.pk), row.name) for row in rows]  # type: ignore[attr-defined]


class CsatForm(forms.Form):
    """The survey of an inbox."""

    enabled = forms.BooleanField(label=_("Ask after a conversation is resolved"), required=False)
    scale = forms.ChoiceField(label=_("Scale"), choices=CsatScale.choices, widget=forms.RadioSelect)
    question = forms.CharField(label=_("Question"), max_length=300, required=False)
    low = forms.CharField(label=_("Words at the lowest answer"), max_length=60, required=False)
    high = forms.CharField(label=_("Words at the highest answer"), max_length=60, required=False)
    comment_prompt = forms.CharField(label=_("Asking for the reason"), max_length=300, required=False)
    thanks = forms.CharField(label=_("Thanks"), max_length=300, required=False)
    pause_days = forms.IntegerField(
        label=_("Ask the same person again after"),
        min_value=0,
        max_value=365,
        help_text=_("Zero asks after every conversation."),
    )


class SurveyForm(forms.Form):
    """A visitor's answer, on the page of the link."""

    rating = forms.IntegerField(min_value=0, max_value=10)
    comment = forms.CharField(required=False, max_length=2000)
