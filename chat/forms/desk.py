"""What people type about the desk: teams, labels, ready answers, views, inboxes, agents."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.enums import NotificationKind, Priority, Scope, Status
from chat.forms.base import JudgedForm, PeopleField
from chat.models import (
    AgentProfile,
    CannedResponse,
    Inbox,
    Label,
    SavedView,
    Team,
)
from chat.services import inboxes
from tenants.accounts.models import User


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
            self.fields["team"].empty_label = _("Choose a team")  # type: ignore[attr-defined]
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
    inbox = forms.ModelChoiceField(
        label=_("Inbox"), queryset=Inbox.objects.none(), required=False, empty_label=pgettext_lazy("inbox", "Any")
    )
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
    reopen_days = forms.IntegerField(
        label=_("Days a resolved conversation opens again"),
        min_value=0,
        max_value=365,
        initial=7,
        help_text=_("When somebody writes later, a new conversation begins. With 0 it always does."),
    )
    retention_days = forms.IntegerField(
        label=_("Days conversations are kept"),
        min_value=1,
        max_value=inboxes.LONGEST_KEPT_DAYS,
        required=False,
        help_text=_(
            "Resolved conversations in which nothing happened for so long are deleted every night, with their files. "
            "This cannot be undone. Empty keeps them."
        ),
    )

    class Meta:
        model = Inbox
        fields = ["name", "active", "reopen_days", "retention_days"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Only your team sees this name.")
        self.fields["members"].queryset = User.objects.seated().order_by("name", "pk")  # type: ignore[attr-defined]
        if self.instance._state.adding:
            for name in ("active", "reopen_days", "retention_days"):
                del self.fields[name]
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
