"""What people type about articles, the help centre and bots."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.enums import CategoryIcon
from chat.models import (
    Article,
    Bot,
    Category,
    Inbox,
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
        self.fields["slug"].error_messages["invalid"] = _("Only letters without accents, digits and hyphens.")
        for check in self.fields["slug"].validators:
            if isinstance(check, RegexValidator):
                check.message = self.fields["slug"].error_messages["invalid"]
        self.fields["slug"].help_text = _("The end of its address. Links to the old one stop working when it changes.")
        self.fields["position"].help_text = _("Smaller numbers stand first on the shelf.")
        self.fields["body"].widget.attrs |= {"rows": 22, "class": "input article-source"}
        self.fields["summary"].widget = forms.Textarea(attrs={"rows": 2, "maxlength": 300})

    def _post_clean(self) -> None:
        """The service judges; the model's own checks would write into the instance first."""


class CategoryForm(forms.ModelForm):
    """A shelf of articles."""

    class Meta:
        model = Category
        fields = ["name", "locale", "description", "icon", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["icon"] = forms.ChoiceField(label=_("Icon"), choices=CategoryIcon.choices)
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


# Written as the language writes it: 0,15 or 0.15.
PRICE: dict[str, Any] = {"min_value": 0, "max_value": 1000, "max_digits": 8, "decimal_places": 4, "localize": True}


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
    price_in = forms.DecimalField(label=_("Price of a million tokens read, in US dollars"), **PRICE)
    price_out = forms.DecimalField(label=_("Price of a million tokens written, in US dollars"), **PRICE)
    budget = forms.IntegerField(
        label=_("Budget of a month, in US dollars"),
        min_value=0,
        max_value=100_000,
        help_text=_("When it is used up, the bot goes on answering from the articles without the model."),
    )
    timeout_s = forms.IntegerField(label=_("Seconds to wait for an answer"), min_value=3, max_value=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("price_in", "price_out"):
            if self.initial.get(name):
                self.initial[name] = Decimal(str(self.initial[name]))

    def values(self) -> dict[str, Any]:
        """What the configuration keeps: prices as text, so that no cent is lost."""
        said = dict(self.cleaned_data)
        return said | {name: str(said[name]) for name in ("price_in", "price_out")}
