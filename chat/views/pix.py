"""Settings: to whom Pix of conversations goes."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat.forms.base import add_problem
from chat.forms.media import PixForm
from chat.services import pix
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import DomainError


@login_required
@permission_required("chat.manage_pix", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def pix_settings(request: HttpRequest) -> HttpResponse:
    """Key, name and city of the receiver, and a code to try them with."""
    form = PixForm(request.POST if request.method == "POST" else None, initial=dict(configuration.get(pix.NAME)))
    if request.method == "POST" and form.is_valid():
        try:
            pix.set_up(by=request.user, **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, _("Pix is saved. Try the code below with your bank's app before using it."))
            return redirect("chat:settings-pix")
    code = pix.sample() if pix.is_set_up() else ""
    size, path = pix.picture(code) if code else (0, "")
    context = {"form": form, "code": code, "size": size, "path": path}
    return render(request, "chat/settings_pix.html", context, status=422 if form.is_bound else 200)
