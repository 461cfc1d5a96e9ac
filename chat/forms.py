"""What people type on the pages of the counter."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.enums import AssignmentMode, Channel, CsatScale, NotificationKind, Priority, ReopenTo, Scope, Status
from chat.models import (
    AgentProfile,
    Article,
    Bot,
    CannedResponse,
    Category,
    Contact,
    ContactImport,
    Inbox,
    Label,
    SavedView,
    Team,
)
from chat.models.inbox import default_appearance, default_features
from chat.queries import opening
from chat.services import contact_rows, pre_chat
from chat.services.notes import BODY_LIMIT
from ops.kernel.errors import DomainError
from tenants.accounts.models import User

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


def add_problem(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal in the form: at the field it names, else above all of them."""
    if not error.errors:
        form.add_error(None, str(error))
    for one in error.errors:
        field = {"phone": "phone_e164"}.get(one.field, one.field.split(".")[0])
        form.add_error(field if field in form.fields else None, one.detail)


class ContactForm(forms.ModelForm):
    """What is known about somebody outside. The service judges e-mail and phone."""

    class Meta:
        model = Contact
        fields = ["name", "company", "email", "phone_e164", "blocked"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Numbers are typed the way people write them; the service brings them into one form.
        self.fields["phone_e164"] = forms.CharField(
            label=_("Phone"),
            max_length=30,
            required=False,
            help_text=_("With country code, or a Brazilian number such as (11) 99999-0000."),
            widget=forms.TextInput(attrs={"type": "tel"}),
        )
        self.initial["phone_e164"] = self.instance.phone
        self.fields["blocked"].help_text = _("A blocked person cannot write to you through the chat any more.")
        for name in ("name", "company", "email", "phone_e164"):
            self.fields[name].widget.attrs["autocomplete"] = "off"


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


class PixForm(forms.Form):
    """To whom Pix goes."""

    key = forms.CharField(
        label=_("Pix key"),
        max_length=77,
        required=False,
        help_text=_("E-mail, phone with +55, CPF, CNPJ or random key. Empty switches Pix off."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label=_("Name of the receiver"),
        max_length=25,
        required=False,
        help_text=_("As the payer's bank shows it, up to 25 letters."),
    )
    city = forms.CharField(label=_("City of the receiver"), max_length=15, required=False)


class ContactNoteForm(forms.Form):
    """Something to write down about a contact."""

    body = forms.CharField(
        label=_("A new note"),
        max_length=BODY_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only your team reads it."),
    )


class PeopleField(forms.ModelMultipleChoiceField):
    """People who answer conversations, by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=User.objects.seated().order_by("name", "pk"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            **kwargs,
        )

    def label_from_instance(self, obj: Any) -> str:
        """The name alone."""
        return str(obj.get_full_name())


class JudgedForm(forms.ModelForm):
    """A form whose service says in its own words what is taken, and what belongs together."""

    def _get_validation_exclusions(self) -> set[str]:
        # The fields themselves are checked by the form; constraints that name an excluded one are left alone.
        return {*super()._get_validation_exclusions(), *self.fields}  # type: ignore[misc]


class TeamForm(JudgedForm):
    """A team and its people."""

    members = PeopleField(label=_("People"), help_text=_("Conversations of the team are handed out among them."))

    class Meta:
        model = Team
        fields = ["name", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = User.objects.seated().order_by("name", "pk")  # type: ignore[attr-defined]
        if not self.instance._state.adding:
            self.initial["members"] = list(self.instance.members.values_list("pk", flat=True))

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        return self.cleaned_data | {"members": [user.pk for user in self.cleaned_data["members"]]}


class LabelForm(JudgedForm):
    """A word with its colour."""

    class Meta:
        model = Label
        fields = ["name", "color", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("A short word, such as “VIP” or “refund”.")
        self.fields["description"].help_text = _("When your team should use it.")

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        return dict(self.cleaned_data)


class SharedForm(JudgedForm):
    """Something that is everybody's, a team's or one's own; `may_share` is who may write for others."""

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if may_share:
            self.fields["team"].queryset = Team.objects.order_by("name")  # type: ignore[attr-defined]
            self.fields["team"].help_text = _("Only for “A team”.")
        else:
            del self.fields["scope"], self.fields["team"]

    def clean(self) -> dict[str, Any]:
        """A team belongs to one of the choices only."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("scope") == Scope.TEAM and not found.get("team"):
            self.add_error("team", _("Choose the team."))
        return found

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        said = dict(self.cleaned_data)
        if "scope" in said:
            said["team"] = said["team"].pk if said["scope"] == Scope.TEAM else None
        else:
            said["scope"] = Scope.PERSON
        return said


class CannedForm(SharedForm):
    """A ready answer."""

    class Meta:
        model = CannedResponse
        fields = ["shortcut", "body", "scope", "team"]
        widgets = {"body": forms.Textarea(attrs={"rows": 6})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shortcut"].help_text = _("One word. Agents type / and its beginning, accents aside.")
        self.fields["body"].help_text = _("%(first_name)s, %(agent)s and %(number)s are filled in when it is used.") % {
            "first_name": "{{ contact.first_name }}",
            "agent": "{{ agent.first_name }}",
            "number": "{{ conversation.number }}",
        }


class SavedViewForm(SharedForm):
    """A list with its filters; what is empty narrows nothing."""

    status = forms.MultipleChoiceField(
        label=_("State"), choices=Status.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    priority = forms.MultipleChoiceField(
        label=_("Priority"), choices=Priority.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    assignee = forms.ChoiceField(
        label=_("Assignee"),
        choices=[("", _("Anybody")), ("me", _("Whoever looks at it")), ("none", _("Nobody"))],
        required=False,
    )
    for_team = forms.ChoiceField(label=_("Team of the conversation"), required=False)
    inbox = forms.ModelChoiceField(label=_("Inbox"), queryset=Inbox.objects.none(), required=False)
    labels = forms.ModelMultipleChoiceField(
        label=_("Labels"),
        queryset=Label.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("All of them must be there."),
    )
    unread = forms.BooleanField(label=_("Only with something unread"), required=False)
    sort = forms.ChoiceField(
        label=_("Order"),
        choices=[
            ("", _("Last activity first")),
            ("oldest", _("Longest without activity first")),
            ("newest", _("Begun last first")),
            ("waiting", _("Waiting longest first")),
            ("priority", _("Most urgent first")),
        ],
        required=False,
    )

    field_order = (
        "name",
        "status",
        "priority",
        "assignee",
        "for_team",
        "inbox",
        "labels",
        "unread",
        "sort",
        "scope",
        "team",
    )

    class Meta:
        model = SavedView
        fields = ["name", "sort", "scope", "team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(str(team.pk), team.name) for team in Team.objects.order_by("name")]
        self.fields["for_team"].choices = [  # type: ignore[attr-defined]
            ("", _("Any")),
            ("mine", _("A team of whoever looks at it")),
            ("none", _("None")),
            *teams,
        ]
        self.fields["inbox"].queryset = Inbox.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        self.fields["labels"].queryset = Label.objects.order_by("name")  # type: ignore[attr-defined]
        kept = self.instance.filters if not self.instance._state.adding else {}
        names = {"for_team": "team", "labels": "label"}
        for name in ("status", "priority", "assignee", "for_team", "inbox", "labels", "unread"):
            if (value := kept.get(names.get(name, name))) is not None:
                self.initial[name] = value
        # What the page cannot show stays as it is.
        self.kept = {name: value for name, value in kept.items() if name in {"q", "contact", "mentioned", "spam"}}
        if kept.get("assignee") not in {None, "me", "none"}:
            self.kept["assignee"] = kept["assignee"]
            del self.fields["assignee"]

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        said = super().values()
        own = {name: said.pop(name) for name in ("status", "priority", "for_team", "inbox", "labels", "unread")}
        filters: dict[str, Any] = {
            "status": own["status"],
            "priority": own["priority"],
            "assignee": said.pop("assignee", None),
            "team": own["for_team"],
            "inbox": str(own["inbox"].pk) if own["inbox"] else None,
            "label": [str(label.pk) for label in own["labels"]],
            "unread": own["unread"] or None,
        }
        return said | {"filters": self.kept | {name: value for name, value in filters.items() if value}}


class InboxForm(forms.ModelForm):
    """A way in, and who gets what comes through it."""

    members = PeopleField(
        label=_("People"), help_text=_("Its conversations are handed out among them. With nobody chosen, among all.")
    )

    class Meta:
        model = Inbox
        fields = ["name", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Only your team sees this name.")
        self.fields["members"].queryset = User.objects.seated().order_by("name", "pk")  # type: ignore[attr-defined]
        if self.instance._state.adding:
            del self.fields["active"]
        else:
            self.fields["active"].label = _("Takes messages")
            self.fields["active"].help_text = _("Switched off, its chat disappears from the website. Nothing is lost.")
            self.initial["members"] = list(self.instance.inbox_members.values_list("user", flat=True))


class AgentForm(forms.ModelForm):
    """How somebody works, for those who set up teams."""

    class Meta:
        model = AgentProfile
        fields = ["display_name", "availability", "auto_offline", "capacity"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["capacity"].min_value = 0  # type: ignore[attr-defined]
        self.fields["capacity"].widget.attrs |= {"min": 0, "max": 500, "inputmode": "numeric"}


class MyWorkForm(forms.ModelForm):
    """How one works oneself, and of what one is told in which way."""

    class Meta:
        model = AgentProfile
        fields = ["availability", "auto_offline", "display_name", "signature"]
        widgets = {"signature": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, ways: dict[str, list[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["signature"].help_text = _("Ends the mails you write to visitors, instead of your name.")
        for kind, label in NotificationKind.choices:
            self.fields[f"notify_{kind}"] = forms.MultipleChoiceField(
                label=label,
                choices=[("in_app", _("On the page")), ("push", _("On my devices"))],
                required=False,
                widget=forms.CheckboxSelectMultiple,
                initial=ways.get(kind, []),
            )

    @property
    def notifications(self) -> list[forms.BoundField]:
        """The fields of what one is told."""
        return [self[f"notify_{kind}"] for kind in NotificationKind.values]

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        said = dict(self.cleaned_data)
        return said | {"notify": {kind: said.pop(f"notify_{kind}") for kind in NotificationKind.values}}


# --- Hours, routing, service levels, surveys --------------------------------------------------------------


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


class SlaForm(forms.Form):
    """Promised times."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    first_response_min = forms.IntegerField(label=_("First reply within"), required=False, min_value=1)
    next_response_min = forms.IntegerField(label=_("Next reply within"), required=False, min_value=1)
    resolution_min = forms.IntegerField(label=_("Resolved within"), required=False, min_value=1)
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


class FilesForm(forms.Form):
    """How large a file of each kind may be."""

    image_mb = forms.IntegerField(label=_("Images, in MB"), min_value=1, max_value=50)
    document_mb = forms.IntegerField(label=_("Documents, in MB"), min_value=1, max_value=100)
    audio_mb = forms.IntegerField(label=_("Voice and audio, in MB"), min_value=1, max_value=50)
    video_mb = forms.IntegerField(
        label=_("Video, in MB"), min_value=1, max_value=200, help_text=_("WhatsApp itself takes up to 16 MB.")
    )


class AddressesField(forms.CharField):
    """Addresses, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        area = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(**{"required": False, "max_length": 2000, "widget": area, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Lines as a list; the setting judges each address."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class CallsForm(forms.Form):
    """How long a call rings, and the servers by which two browsers find each other."""

    ring_s = forms.IntegerField(label=_("Seconds a call rings"), min_value=15, max_value=50)
    stun_urls = AddressesField(label=_("STUN servers"), help_text=_("One a line, such as stun:stun.example:3478."))
    turn_urls = AddressesField(
        label=_("TURN servers"),
        help_text=_("For networks that let no direct line through. One a line, such as turn:turn.example:3478."),
    )
    turn_secret = forms.CharField(
        label=_("Shared secret of the TURN server"),
        required=False,
        max_length=200,
        help_text=_("coturn calls it static-auth-secret. It is kept encrypted and never shown again."),
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )


class ArticleForm(forms.ModelForm):
    """What a writer types; the service judges the address and the category's language."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Article
        fields = ["title", "summary", "body", "category", "keywords", "slug", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"] = forms.ModelChoiceField(
            label=_("Category"),
            required=False,
            queryset=Category.objects.filter(locale=self.instance.locale).order_by("position", "name", "pk"),
            empty_label=_("In no category"),
        )
        self.fields["slug"].required = False
        self.fields["summary"].help_text = _("One or two sentences. Search engines and the chat show them.")
        self.fields["keywords"].help_text = _("Words people use for this that do not stand in the text.")
        self.fields["slug"].help_text = _("The end of its address. Links to the old one stop working when it changes.")
        self.fields["position"].help_text = _("Smaller numbers stand first on the shelf.")
        self.fields["body"].widget.attrs |= {"rows": 22, "class": "input article-source"}
        self.fields["summary"].widget = forms.Textarea(attrs={"rows": 2, "maxlength": 300})

    def _post_clean(self) -> None:
        """The service judges; the model's own checks would write into the instance first."""


class CategoryForm(forms.ModelForm):
    """A shelf of articles."""

    ICONS = (
        ("book-open", _("Book")),
        ("shopping-bag", _("Bag")),
        ("shopping-cart", _("Cart")),
        ("truck", _("Delivery")),
        ("package", _("Parcel")),
        ("credit-card", _("Card")),
        ("receipt", _("Receipt")),
        ("undo-2", _("Return")),
        ("croissant", _("Bakery")),
        ("graduation-cap", _("Learning")),
        ("rocket", _("Start")),
        ("wrench", _("Technical")),
        ("user-round", _("Account")),
        ("calendar", _("Dates")),
        ("heart", _("Heart")),
        ("circle-help", _("Question")),
    )

    class Meta:
        model = Category
        fields = ["name", "locale", "description", "icon", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["icon"] = forms.ChoiceField(label=_("Icon"), choices=self.ICONS)
        if not self.instance._state.adding:
            del self.fields["locale"]
        self.fields["position"].required = False

    def _post_clean(self) -> None:
        """The service judges."""


class HelpCentreForm(forms.Form):
    """The help centre's own words in each language."""

    enabled = forms.BooleanField(label=_("The help centre is open to everybody"), required=False)
    show_chat = forms.BooleanField(label=_("The website chat is on its pages"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for locale, language in settings.LANGUAGES:
            key = locale.replace("-", "_")
            for name, label, limit in (
                ("title", _("Heading"), 120),
                ("intro", _("Introduction"), 400),
                ("footer", _("Foot of every page"), 1000),
            ):
                self.fields[f"{name}_{key}"] = forms.CharField(
                    label=format_lazy("{label} · {language}", label=label, language=language),
                    max_length=limit,
                    required=False,
                    widget=forms.TextInput if name == "title" else forms.Textarea(attrs={"rows": 2}),
                    help_text=_("Markdown, such as [a link](https://…).") if name == "footer" else "",
                )


class BotForm(forms.ModelForm):
    """How a bot answers and when it calls a person."""

    keywords = forms.CharField(
        label=_("Words that call a person at once"),
        required=False,
        max_length=2000,
        help_text=_("One a line, such as Procon or refund."),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
    )

    class Meta:
        model = Bot
        fields = [
            "name",
            "kind",
            "active",
            "locale",
            "hours",
            "greeting",
            "miss_text",
            "handoff_text",
            "away_text",
            "threshold",
            "max_misses",
            "resolve_when_helped",
            "instructions",
            "webhook_url",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.keywords:
            self.initial["keywords"] = "\n".join(self.instance.keywords)
        self.fields["inboxes"] = forms.ModelMultipleChoiceField(
            label=_("It answers at"),
            required=False,
            queryset=Inbox.objects.active().order_by("name", "pk"),
            widget=forms.CheckboxSelectMultiple,
            initial=list(self.instance.inboxes.values_list("pk", flat=True)) if not self.instance._state.adding else [],
        )
        self.fields["locale"] = forms.ChoiceField(
            label=_("Language"),
            required=False,
            choices=[("", _("The inbox's, else the company's")), *settings.LANGUAGES],
        )
        for name in ("greeting", "miss_text", "handoff_text", "away_text"):
            self.fields[name].widget = forms.Textarea(attrs={"rows": 2})
            self.fields[name].help_text = _("Empty says the usual words.")
        self.fields["threshold"].help_text = _(
            "From 5 to 95: how much of a question an article must answer. Lower answers more and errs more."
        )
        self.fields["instructions"].help_text = _("How it should sound. What it says comes from your articles only.")
        self.fields["webhook_url"].required = False
        self.fields["webhook_url"].help_text = _("Each message of a visitor is sent there, signed.")

    def clean_keywords(self) -> list[str]:
        """Lines as a list."""
        return [line.strip() for line in self.cleaned_data["keywords"].splitlines() if line.strip()]

    def _post_clean(self) -> None:
        """The service judges."""


class LanguageModelForm(forms.Form):
    """Where the language model answers, and what it may cost."""

    base_url = forms.CharField(
        label=_("Address of the endpoint"),
        required=False,
        max_length=300,
        help_text=_("Empty for OpenAI. Any service that speaks its chat completions, such as https://llm.example/v1."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=2000,
        help_text=_("Kept encrypted and never shown again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    model = forms.CharField(label=_("Model"), max_length=80)
    price_in = forms.CharField(label=_("Price of a million tokens read, in US dollars"), max_length=12)
    price_out = forms.CharField(label=_("Price of a million tokens written, in US dollars"), max_length=12)
    budget = forms.IntegerField(
        label=_("Budget of a month, in US dollars"),
        min_value=0,
        max_value=100_000,
        help_text=_("When it is used up, the bot goes on answering from the articles without the model."),
    )
    timeout_s = forms.IntegerField(label=_("Seconds to wait for an answer"), min_value=3, max_value=60)


SECURITY = [("ssl", _("TLS from the start")), ("starttls", "STARTTLS"), ("none", _("Not encrypted"))]


class SecretField(forms.CharField):
    """Goes in and is never shown again; empty keeps the one that is there."""

    def __init__(self, *, label: Any, kept: bool, hint: Any = "", required: bool = True) -> None:
        note = _("It is kept encrypted and not shown again. Leave this empty to keep it.")
        super().__init__(
            label=label,
            help_text=note if kept else hint,
            required=required and not kept,
            max_length=600,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        )


class ChannelAddForm(forms.Form):
    """A new way in, by its channel. The service judges whether the plan has room."""

    channel = forms.ChoiceField(choices=[(one.value, one.label) for one in Channel if one != Channel.WEB])
    name = forms.CharField(label=_("Name"), max_length=80)


class ChannelForm(forms.Form):
    """What an inbox needs to reach its provider. The service judges, the test connection decides."""

    SECRETS = ("token", "access_token", "app_secret", "smtp_password", "imap_password")

    def __init__(self, data: Any, *, channel: str, settings: dict[str, Any], keys: dict[str, Any]) -> None:
        super().__init__(data, initial=settings)
        self.channel = channel
        getattr(self, f"_{channel}")(keys)

    def _api(self, keys: dict[str, Any]) -> None:
        """Nothing to enter."""

    def _telegram(self, keys: dict[str, Any]) -> None:
        self.fields["token"] = SecretField(
            label=_("Token of the bot"), kept=bool(keys.get("token")), hint=_("As BotFather gave it: 123456:ABC-DEF…")
        )

    def _whatsapp(self, keys: dict[str, Any]) -> None:
        self.fields["phone_number_id"] = forms.CharField(
            label=_("Phone number ID"), max_length=40, help_text=_("Not the number itself: Meta shows it beside it.")
        )
        self.fields["account_id"] = forms.CharField(
            label=_("WhatsApp Business account ID"),
            max_length=40,
            required=False,
            help_text=_("Needed for templates, which are the only way to write after 24 hours."),
        )
        self.fields["access_token"] = SecretField(
            label=_("Access token"),
            kept=bool(keys.get("access_token")),
            hint=_("Of a system user; the temporary one of the first steps ends after a day."),
        )
        self.fields["app_secret"] = SecretField(
            label=_("App secret"), kept=bool(keys.get("app_secret")), hint=_("Meta signs what it sends us with it.")
        )

    def _email(self, keys: dict[str, Any]) -> None:
        fields = self.fields
        fields["address"] = forms.EmailField(
            label=_("Address"), help_text=_("Customers write to it, and answers come from it.")
        )
        fields["sender_name"] = forms.CharField(
            label=_("Name of the sender"), max_length=80, required=False, help_text=_("Empty shows your brand's name.")
        )
        fields["out"] = forms.ChoiceField(
            label=_("Answers leave"),
            choices=[("house", _("Through this installation")), ("own", _("Through your own mail server (SMTP)"))],
            widget=forms.RadioSelect,
            initial="house",
        )
        fields["smtp_host"] = forms.CharField(label=_("SMTP server"), max_length=200, required=False)
        fields["smtp_port"] = forms.IntegerField(label=_("SMTP port"), min_value=1, max_value=65535, required=False)
        fields["smtp_security"] = forms.ChoiceField(label=_("SMTP encryption"), choices=SECURITY, required=False)
        fields["smtp_user"] = forms.CharField(label=_("SMTP user"), max_length=200, required=False)
        fields["smtp_password"] = SecretField(
            label=_("SMTP password"), kept=bool(keys.get("smtp_password")), required=False
        )
        fields["imap"] = forms.BooleanField(
            label=_("Read a mailbox (IMAP)"),
            required=False,
            help_text=_("Every minute, from now on. Mails stay in the mailbox as they are, unread."),
        )
        fields["imap_host"] = forms.CharField(label=_("IMAP server"), max_length=200, required=False)
        fields["imap_port"] = forms.IntegerField(label=_("IMAP port"), min_value=1, max_value=65535, required=False)
        fields["imap_security"] = forms.ChoiceField(label=_("IMAP encryption"), choices=SECURITY, required=False)
        fields["imap_user"] = forms.CharField(label=_("IMAP user"), max_length=200, required=False)
        fields["imap_password"] = SecretField(
            label=_("IMAP password"), kept=bool(keys.get("imap_password")), required=False
        )
        fields["imap_folder"] = forms.CharField(label=_("Folder"), max_length=120, required=False)
        for name, usual in (
            ("smtp_port", 587),
            ("smtp_security", "starttls"),
            ("imap_port", 993),
            ("imap_folder", "INBOX"),
        ):
            self.initial.setdefault(name, usual)
        self.initial.setdefault("out", "house")
        for name in ("smtp_host", "smtp_user", "imap_host", "imap_user"):
            fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def given(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Settings, and secrets, as the service takes them."""
        told = dict(self.cleaned_data)
        secrets = {name: told.pop(name) for name in self.SECRETS if name in told}
        for name in ("smtp_port", "imap_port"):
            if name in told:
                told[name] = str(told[name] or "")
        return told, secrets


class SpreadsheetForm(forms.Form):
    """A file of contacts. The service finds out what it is."""

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        help_text=_("Commas or semicolons, with or without accents: we find out. The first line names the columns."),
    )


class ContactColumnsForm(forms.Form):
    """What each column of a spreadsheet becomes."""

    update_known = forms.BooleanField(
        label=_("Change contacts that are known already"),
        required=False,
        help_text=_("What the file leaves empty is never emptied. Without it, known contacts stay as they are."),
    )

    def __init__(self, *args: Any, transfer: ContactImport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"update_known": transfer.update_known}
        self.width = len(transfer.headings)
        for number, heading in enumerate(transfer.headings):
            targets = dict(contact_rows.TARGETS)
            own = contact_rows.ATTRIBUTE + (heading or str(number + 1))[: contact_rows.ATTRIBUTE_NAME_LIMIT]
            targets[own] = format_lazy(_("Attribute “{name}”"), name=heading or str(number + 1))
            now = transfer.mapping[number] if number < len(transfer.mapping) else ""
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=heading, choices=list(targets.items()), required=False, initial=now
            )

    def chosen(self) -> dict[str, Any]:
        """What the service wants to know."""
        return {
            "mapping": [self.cleaned_data[f"column_{number}"] for number in range(self.width)],
            "update_known": self.cleaned_data["update_known"],
        }


class AccountImportForm(forms.Form):
    """Where a Chatwoot account is, and what opens it."""

    base_url = forms.CharField(
        label=_("Address of your Chatwoot"), max_length=290, help_text=_("Such as https://app.chatwoot.com.")
    )
    account = forms.CharField(
        label=_("Account id"), max_length=18, help_text=_("The number in the address: /app/accounts/1/.")
    )
    token = forms.CharField(
        label=_("Access token"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("An administrator's, from the end of their profile page. We forget it when the import is over."),
    )
    with_files = forms.BooleanField(
        label=_("Bring files along"), required=False, initial=True, help_text=_("They count for your plan's storage.")
    )
