"""What people type about visits of support and announcements."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from tenants.enums import Audience, SupportMode, Tone
from tenants.models import Announcement
from tenants.models.support import MINUTES
from tenants.models.support import ROLES as SUPPORT_ROLES


class SupportAccessForm(forms.Form):
    """Whether support may enter a company's pages."""

    mode = forms.ChoiceField(label=_("May support enter your pages?"), choices=SupportMode, widget=forms.RadioSelect)
    allowed_until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("At most ninety days. After that day support asks each time again."),
    )


class SupportRequestForm(forms.Form):
    """Why, as what and for how long support wants to enter a customer."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The customer reads it, together with your name."),
    )
    role = forms.ChoiceField(
        label=_("Act as"),
        choices=[(role.value, role.label) for role in SUPPORT_ROLES],
        initial="viewer",
        widget=forms.RadioSelect,
        help_text=_("Take the smallest one that does. Passwords, keys, payments, exports and deletions stay closed."),
    )
    minutes = forms.TypedChoiceField(
        label=_("For how long"),
        coerce=int,
        choices=[(number, ngettext_lazy("%d minute", "%d minutes", number) % number) for number in MINUTES],
        initial=30,
        widget=forms.RadioSelect,
    )


class AnnouncementForm(forms.Form):
    """An announcement: for whom, from when until when, and its words in both languages."""

    audience = forms.ChoiceField(label=_("For whom"), widget=forms.RadioSelect)
    plans = forms.MultipleChoiceField(label=_("Plans"), required=False, widget=forms.CheckboxSelectMultiple)
    tone = forms.ChoiceField(label=_("Tone"), choices=Tone, initial=Tone.INFO, widget=forms.RadioSelect)
    title_pt = forms.CharField(label=_("Title in Portuguese"), max_length=120, required=False)
    text_pt = forms.CharField(
        label=_("Text in Portuguese"), max_length=600, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    title_en = forms.CharField(label=_("Title in English"), max_length=120, required=False)
    text_en = forms.CharField(
        label=_("Text in English"),
        max_length=600,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who reads a language you leave empty gets the other one."),
    )
    starts_at = forms.DateTimeField(
        label=_("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    ends_at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Left empty, it stays until you end it."),
    )

    def __init__(
        self, *args: Any, for_platform: bool, chosen: int, plans: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        offered = [
            choice
            for choice in Audience.choices
            if (choice[0] != Audience.RESELLERS or for_platform) and (choice[0] != Audience.SELECTED or chosen)
        ]
        self.fields["audience"].choices = offered  # type: ignore[attr-defined]
        self.fields["plans"].choices = plans  # type: ignore[attr-defined]

    def answers(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data[name] for name in self.fields}

    def preview(self) -> list[dict[str, Any]]:
        """The banner in each language, from what stands in the form now."""
        said = {name: str(self.data.get(name, ""))[:600] for name in ("title_pt", "text_pt", "title_en", "text_en")}
        tone = self.data.get("tone", "")
        row = Announcement(**said)
        return [
            {"language": name, "title": title, "text": text, "tone": tone if tone in Tone.values else Tone.INFO}
            for name, (title, text) in (("pt-BR", row.words("pt-br")), ("en", row.words("en")))
            if title
        ]
