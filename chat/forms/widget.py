"""What people type about the website's chat and what it asks."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chat.models import (
    Inbox,
)
from chat.models.inbox import default_appearance, default_features
from chat.services import pre_chat
from ops.kernel.errors import DomainError


class WidgetForm(forms.ModelForm):
    """How the chat of a website greets, looks and asks, and which websites may show it. The service judges."""

    allowed_origins = forms.CharField(
        label=_("Websites"),
        required=False,
        max_length=4000,
        help_text=_("One address a line, such as https://shop.example. Empty allows every website."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )
    position = forms.ChoiceField(
        label=_("Corner"),
        choices=[("right", _("Bottom right")), ("left", _("Bottom left"))],
        widget=forms.RadioSelect,
    )
    theme = forms.ChoiceField(
        label=_("Light or dark"),
        choices=[("auto", _("As the visitor's device")), ("light", _("Light")), ("dark", _("Dark"))],
        widget=forms.RadioSelect,
    )
    label = forms.CharField(
        label=_("Words beside the bubble"), required=False, max_length=24, help_text=_("Empty shows only the bubble.")
    )
    team = forms.BooleanField(label=_("Show who is on the team"), required=False)
    sound = forms.BooleanField(
        label=_("Play a sound for new messages"),
        required=False,
        help_text=_("Every visitor can switch it off."),
    )
    feature_attachments = forms.BooleanField(
        label=_("Files and pictures"), required=False, help_text=_("By choosing, pasting, dragging or with the camera.")
    )
    feature_voice = forms.BooleanField(label=_("Voice messages"), required=False)
    feature_video = forms.BooleanField(
        label=_("Voice and video calls"),
        required=False,
        help_text=_("Visitors can ring the person they talk to, where the plan includes calls."),
    )
    feature_emoji = forms.BooleanField(label=_("Emoji"), required=False)
    feature_transcript = forms.BooleanField(label=_("Transcript by e-mail"), required=False)
    feature_multi_thread = forms.BooleanField(
        label=_("Several conversations at once"),
        required=False,
        help_text=_("Otherwise a visitor goes on with the one that is open."),
    )
    feature_preview = forms.BooleanField(
        label=_("Show the team what a visitor is typing"),
        required=False,
        help_text=_(
            "Agents see the words before they are sent and can prepare an answer. Visitors are told so below the field, "
            "and nothing of it is kept."
        ),
    )
    consent_text = forms.CharField(
        label=_("Consent"),
        required=False,
        max_length=600,
        help_text=_(
            "What visitors agree to before they write, with an address to read more. Each change is a new version, "
            "and every contact keeps the one they agreed to. Empty asks for no consent."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = Inbox
        fields = ["name", "greeting", "reply_time", "offline_text", "locale"]

    LOOKS = ("position", "theme", "label", "team", "sound")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            inbox = self.instance
            looks = {**default_appearance(), **inbox.appearance}
            switches = {**default_features(), **inbox.features}
            self.initial["allowed_origins"] = "\n".join(inbox.allowed_origins)
            self.initial["consent_text"] = inbox.consent[-1]["text"] if inbox.consent else ""
            self.initial.update({name: looks[name] for name in self.LOOKS})
            self.initial.update({name: switches[name.removeprefix("feature_")] for name in self.switches()})
        self.fields["name"].help_text = _("Only your team sees this name.")
        self.fields["greeting"].help_text = _("The first thing a visitor reads.")
        self.fields["reply_time"].help_text = _("Say when somebody answers, so that nobody waits in vain.")
        self.fields["offline_text"].help_text = _("Shown while no agent is online.")
        self.fields["locale"] = forms.ChoiceField(
            label=_("Language"),
            required=False,
            choices=[("", _("The language of the page it is on")), *settings.LANGUAGES],
        )

    @classmethod
    def switches(cls) -> list[str]:
        """The fields that switch a feature."""
        return [name for name in cls.base_fields if name.startswith("feature_")]

    def clean_allowed_origins(self) -> list[str]:
        """Lines as a list; the service judges each address."""
        return [line.strip() for line in self.cleaned_data["allowed_origins"].splitlines() if line.strip()]

    def changes(self) -> dict[str, Any]:
        """What the service is asked to change."""
        given = dict(self.cleaned_data)
        looks = {name: given.pop(name) for name in self.LOOKS}
        features = {name.removeprefix("feature_"): given.pop(name) for name in self.switches()}
        return {**given, "appearance": looks, "features": features}


class QuestionForm(forms.Form):
    """One question before the chat. An empty one is no question."""

    name = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    label = forms.CharField(label=_("Question"), required=False, max_length=80)
    type = forms.ChoiceField(
        label=_("Answer"),
        required=False,
        choices=[
            ("text", _("A line of text")),
            ("long", _("Several lines")),
            ("name", _("Their name")),
            ("email", _("Their e-mail")),
            ("phone", _("Their phone")),
            ("choice", _("One of these answers")),
        ],
    )
    options = forms.CharField(
        label=_("Answers to choose from"),
        required=False,
        max_length=2000,
        help_text=_("One a line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    required = forms.BooleanField(label=_("Has to be answered"), required=False)

    def question(self) -> dict[str, Any] | None:
        """The question as the service takes it."""
        given = self.cleaned_data
        if not given.get("label", "").strip():
            return None
        kind = given.get("type") or "text"
        # Name, e-mail and phone are the contact's own; every other answer is kept beside them.
        known = kind in {"name", "email", "phone"}
        name = kind if known else ("" if given.get("name") in {"name", "email", "phone"} else given.get("name", ""))
        return {
            "name": name,
            "label": given["label"],
            "type": "text" if kind == "name" else kind,
            "required": given.get("required", False),
            "options": given.get("options", "").splitlines(),
        }


class BaseQuestionFormSet(forms.BaseFormSet):
    """The questions of an inbox, in their order."""

    def questions(self) -> list[dict[str, Any]]:
        """Those that have words."""
        return [question for form in self.forms if (question := form.question())]

    def add_problem(self, error: DomainError) -> None:
        """Show the service's refusal at the question it names."""
        asked = [form for form in self.forms if form.question()]
        for one in error.errors:
            place, _dot, field = one.field.removeprefix("pre_chat_fields").lstrip(".").partition(".")
            if place.isdigit() and int(place) < len(asked):
                form = asked[int(place)]
                form.add_error(field if field in form.fields else "label", one.detail)

    @staticmethod
    def initial_of(inbox: Inbox) -> list[dict[str, Any]]:
        """An inbox's questions as the forms show them."""
        return [
            {
                **question,
                "type": "name" if question["name"] == "name" else question["type"],
                "options": "\n".join(question.get("options", [])),
            }
            for question in inbox.pre_chat_fields
        ]


QuestionFormSet: type[BaseQuestionFormSet] = forms.formset_factory(  # type: ignore[assignment]
    QuestionForm, formset=BaseQuestionFormSet, extra=2, max_num=pre_chat.MOST_QUESTIONS, absolute_max=20
)
