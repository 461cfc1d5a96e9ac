"""Settings: inboxes of messengers, mailboxes and own channels, and whether they reach their providers."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing import entitlements
from chat.enums import Channel
from chat.forms.base import add_problem
from chat.forms.channels import ChannelAddForm, ChannelForm
from chat.models import Inbox
from chat.services import channels
from ops.kernel.errors import DomainError

CARDS = (
    (Channel.WHATSAPP, "phone", gettext_lazy("A number of the WhatsApp Cloud API: texts, files, voice and templates.")),
    (Channel.TELEGRAM, "send", gettext_lazy("A bot that BotFather made for you. It takes a minute.")),
    (Channel.EMAIL, "mail", gettext_lazy("A mailbox, or mails that a provider forwards; answered in their thread.")),
    (Channel.API, "webhook", gettext_lazy("Your own channel: messages in over the API, messages out by webhook.")),
)
# What an own channel posts, as its page shows it.
EXAMPLE = '{ "id": "m-1", "contact": { "source_id": "u-42", "name": "Marta" }, "body": "…" }'
EMAIL_OUT = ("smtp_host", "smtp_port", "smtp_security", "smtp_user", "smtp_password")
EMAIL_IN = ("imap_host", "imap_port", "imap_security", "imap_user", "imap_password", "imap_folder")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def channel_add(request: HttpRequest) -> HttpResponse:
    """Choose a channel and name its inbox."""
    form = ChannelAddForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            inbox = channels.create(by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            return redirect("chat:channel", inbox.pk)
    context = {
        "form": form,
        "decision": entitlements.check("chat.inboxes"),
        "cards": [{"channel": channel, "icon": icon, "hint": hint} for channel, icon, hint in CARDS],
    }
    return render(request, "chat/channel_add.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def channel_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an inbox needs to reach its provider. Saving tries it at once."""
    inbox = _inbox(pk)
    account = channels.account_of(inbox)
    form = ChannelForm(
        request.POST if request.method == "POST" else None,
        channel=inbox.channel,
        settings=dict(account.settings),
        keys=account.keys,
    )
    if request.method == "POST" and form.is_valid():
        given, secrets = form.given()
        now = timezone.now()
        try:
            channels.configure(inbox=inbox, by=request.user, settings=given, secrets_given=secrets, now=now)
            channels.connect(inbox=inbox, by=request.user, now=now)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The inbox is connected."))
            return redirect("chat:channel", inbox.pk)
    return _page(request, inbox, form)


@require_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def channel_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try what is saved."""
    inbox = _inbox(pk)
    try:
        channels.connect(inbox=inbox, by=request.user, now=timezone.now())
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The connection works."))
    return redirect("chat:channel", inbox.pk)


@require_POST
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def channel_disconnect(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget the secrets."""
    inbox = _inbox(pk)
    channels.disconnect(inbox=inbox, by=request.user, now=timezone.now())
    messages.success(request, _("The inbox is disconnected. Its conversations stay."))
    return redirect("chat:channel", inbox.pk)


def _inbox(pk: UUID) -> Inbox:
    return get_object_or_404(Inbox.objects.exclude(channel=Channel.WEB), pk=pk)


def _page(request: HttpRequest, inbox: Inbox, form: ChannelForm) -> HttpResponse:
    account = channels.account_of(inbox)
    door = reverse("api:chat-inbox-incoming", args=[inbox.pk])
    context: dict[str, Any] = {
        "inbox": inbox,
        "account": account,
        "facts": account.settings.get("facts") or {},
        "form": form,
        "has_secrets": any(account.keys.get(name) for name in ChannelForm.SECRETS),
        "verify_token": account.keys.get("verify_token", ""),
        "webhook": "" if inbox.channel == Channel.API else channels.webhook_address(inbox),
        "incoming": request.build_absolute_uri(door) if inbox.channel == Channel.API else "",
        "example": EXAMPLE,
        "email_out": [form[name] for name in EMAIL_OUT if name in form.fields],
        "email_in": [form[name] for name in EMAIL_IN if name in form.fields],
    }
    return render(request, "chat/channel.html", context, status=422 if form.is_bound else 200)
