"""What people type to connect a channel."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.enums import Channel

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
