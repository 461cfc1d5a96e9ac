"""Settings: files and calls of conversations."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing.queries import usage
from chat.forms.base import add_problem
from chat.forms.media import CallsForm, FilesForm
from chat.services import attachments, calls, ice
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import DomainError


@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def media_settings(request: HttpRequest) -> HttpResponse:
    """How large files may be, how much room is left, and how calls find their way."""
    sent = request.POST if request.method == "POST" else None
    about = request.POST.get("about", "")
    files = FilesForm(sent if about == "files" else None, initial=dict(configuration.get(attachments.SETTING)))
    lines = CallsForm(sent if about == "calls" else None, initial=ice.shown())
    form: Any = lines if about == "calls" else files
    if request.method == "POST" and form.is_valid():
        try:
            configuration.set(ice.SETTING if form is lines else attachments.SETTING, form.cleaned_data, by=request.user)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Calls are saved.") if form is lines else _("The sizes are saved."))
            return redirect("chat:settings-media")
    context = {
        "files": files,
        "lines": lines,
        "room": next((bar for bar in usage.of_current_tenant(now=timezone.now()) if bar.key == "storage.bytes"), None),
        "takes": attachments.allowed(),
        "calls_offered": calls.offered(),
        "may_see_plan": request.user.has_perm("billing.view_subscription"),
    }
    return render(request, "chat/settings_media.html", context, status=422 if form.is_bound else 200)
