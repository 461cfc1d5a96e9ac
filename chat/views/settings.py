"""Settings of the website chat."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from chat.forms.base import add_problem
from chat.forms.widget import QuestionFormSet, WidgetForm
from chat.models import Inbox
from chat.services import inboxes
from chat.views.widget import snippet
from ops.kernel.errors import DomainError

# What a website writes to speak to the chat, before or after it was loaded.
EARLY_COMMANDS = """<script>
  window.chatWidget = window.chatWidget || [];
  chatWidget.push(["identify", { identifier: "4711", hash: "…", name: "Marta", email: "marta@example.com" }]);
  chatWidget.push(["on", "message:received", (message) => console.log(message)]);
</script>"""
SIGNATURE = """import hashlib, hmac
hash = hmac.new(SECRET.encode(), identifier.encode(), hashlib.sha256).hexdigest()"""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("chat.manage_inbox", raise_exception=True)
def widget_settings(request: HttpRequest) -> HttpResponse:
    """How an inbox's chat speaks, looks and asks; the line to copy; and the chat itself beside it, as it will be."""
    choices = list(Inbox.objects.active().order_by("created_at", "pk"))
    if not choices:
        raise Http404
    wanted = request.GET.get("inbox", "")
    inbox = next((row for row in choices if str(row.pk) == wanted), choices[0])
    form = WidgetForm(request.POST or None, instance=Inbox.objects.get(pk=inbox.pk))
    questions = QuestionFormSet(request.POST or None, initial=QuestionFormSet.initial_of(inbox), prefix="questions")
    if request.method == "POST" and form.is_valid() and questions.is_valid():
        try:
            inboxes.change(inbox=inbox, by=request.user, pre_chat_fields=questions.questions(), **form.changes())
        except DomainError as error:
            if any(one.field.startswith("pre_chat_fields") for one in error.errors):
                questions.add_problem(error)
            else:
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
            "questions": questions,
            "switches": [form[name] for name in form.switches()],
            "consent": inbox.consent_now,
            "versions": len(inbox.consent),
            "early": EARLY_COMMANDS,
            "signature": SIGNATURE,
            "secret": inbox.hmac_secret,
            "snippet": snippet(request, inbox),
            "chips": [
                {"label": row.name, "url": _address(row, choices), "current": row.pk == inbox.pk} for row in choices
            ]
            if len(choices) > 1
            else [],
        },
        status=422 if form.is_bound else 200,
    )


def _address(inbox: Inbox, choices: list[Inbox]) -> str:
    base = reverse("chat:settings-widget")
    return base if inbox.pk == choices[0].pk else f"{base}?inbox={inbox.pk}"
