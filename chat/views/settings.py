"""Settings of the website chat."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat.forms import WidgetForm, add_problem
from chat.models import Inbox
from chat.services import inboxes
from chat.views.widget import snippet
from ops.kernel.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def widget_settings(request: HttpRequest) -> HttpResponse:
    """Words and websites of an inbox, the line to copy, and how it will look."""
    choices = list(Inbox.objects.active().order_by("created_at", "pk"))
    if not choices:
        raise Http404
    wanted = request.GET.get("inbox", "")
    inbox = next((row for row in choices if str(row.pk) == wanted), choices[0])
    form = WidgetForm(request.POST or None, instance=Inbox.objects.get(pk=inbox.pk))
    if request.method == "POST" and form.is_valid():
        try:
            inboxes.change(inbox=inbox, by=request.user, **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("The website chat is saved."))
            return redirect(_address(inbox, choices))
    return render(
        request,
        "chat/settings_widget.html",
        {
            "inbox": inbox,
            "form": form,
            "snippet": snippet(request, inbox),
            "chips": [
                {"label": row.name, "url": _address(row, choices), "current": row.pk == inbox.pk} for row in choices
            ]
            if len(choices) > 1
            else [],
        },
    )


def _address(inbox: Inbox, choices: list[Inbox]) -> str:
    base = reverse("chat:settings-widget")
    return base if inbox.pk == choices[0].pk else f"{base}?inbox={inbox.pk}"
