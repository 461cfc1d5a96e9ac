"""Contacts from a spreadsheet, step by step, and everything as a file to take away."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import ExportKind, LineOutcome, TransferState
from chat.forms.base import add_problem
from chat.forms.contacts import AccountImportForm, ContactColumnsForm, SpreadsheetForm
from chat.models import AccountImport, ContactImport, DataExport
from chat.queries.transfers import REASONS
from chat.services import account_imports, contact_imports, exports
from ops.kernel.errors import DomainError

MANAGE = "chat.transfer_data"
LISTED, LINES = 20, 50
TONES = {
    LineOutcome.NEW: "green",
    LineOutcome.UPDATED: "blue",
    LineOutcome.SKIPPED: "",
    LineOutcome.REFUSED: "red",
}
STEPS = (
    (TransferState.UPLOADED, gettext_lazy("Columns")),
    (TransferState.CHECKED, gettext_lazy("Check")),
    (TransferState.RUNNING, gettext_lazy("Import")),
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_list(request: HttpRequest) -> HttpResponse:
    """Choose a file; what was imported before."""
    form = SpreadsheetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = contact_imports.upload(name=file.name, raw=file.read(), by=request.user, now=timezone.now())
        except DomainError as error:
            add_problem(form, error)
        else:
            return redirect("chat:contact-import", row.pk)
    context = {
        "form": form,
        "rows": ContactImport.objects.select_related("by").newest_first()[:LISTED],
        "limit": contact_imports.MOST_BYTES // (1024 * 1024),
    }
    return render(request, "chat/import/list.html", context, status=422 if form.is_bound else 200)


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One import at its step: columns, check, progress, result."""
    row = contact_imports.find(pk)
    again = row.state == TransferState.CHECKED and "columns" in request.GET
    if row.state == TransferState.UPLOADED or again:
        return _columns(request, row, ContactColumnsForm(transfer=row))
    return _standing(request, row)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try the file with the columns that were chosen."""
    row = contact_imports.find(pk)
    form = ContactColumnsForm(request.POST, transfer=row)
    if not form.is_valid():
        return _columns(request, row, form)
    if row.state not in {TransferState.UPLOADED, TransferState.CHECKED}:
        return redirect("chat:contact-import", pk)
    try:
        contact_imports.check(import_id=pk, by=request.user, now=timezone.now(), **form.chosen())
    except DomainError as error:
        add_problem(form, error)
        return _columns(request, row, form)
    return redirect("chat:contact-import", pk)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_start(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the contacts in."""
    contact_imports.start(import_id=pk, by=request.user, now=timezone.now())
    return redirect("chat:contact-import", pk)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give it up."""
    contact_imports.stop(import_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("The import is stopped. Contacts that were in already stay."))
    return redirect("chat:contact-imports")


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def import_refused(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The refused lines as a file."""
    row = contact_imports.find(pk)
    name = f"{row.name.rpartition('.')[0] or row.name}-refused.csv"
    return HttpResponse(
        contact_imports.refused_file(row),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Cache-Control": "no-store",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE, raise_exception=True)
def export_list(request: HttpRequest) -> HttpResponse:
    """Have a file made, and take it away."""
    if request.method == "POST":
        kind, _dot, format = request.POST.get("what", "").partition(".")
        exports.ask(kind=kind, format=format, by=request.user, now=timezone.now())
        messages.success(request, _("The file is being made. It appears in the list below."))
        return redirect("chat:exports")
    rows = list(DataExport.objects.select_related("by").newest_first()[:LISTED])
    context = {
        "rows": [{"export": row, "name": exports.file_name(row)} for row in rows],
        "busy": any(not row.is_over for row in rows),
        "choices": [
            {"value": f"{ExportKind.CONTACTS}.csv", "label": _("Contacts, as a spreadsheet (CSV)")},
            {"value": f"{ExportKind.CONTACTS}.jsonl", "label": _("Contacts, for programs (JSON lines)")},
            {"value": f"{ExportKind.CONVERSATIONS}.csv", "label": _("Conversations and messages (CSV in a ZIP)")},
            {
                "value": f"{ExportKind.CONVERSATIONS}.jsonl",
                "label": _("Conversations and messages, for programs (JSON lines in a ZIP)"),
            },
        ],
        "hours": int(exports.KEPT_FOR.total_seconds() // 3600),
    }
    return render(request, "chat/import/exports.html", context)


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def export_download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file; noted in the audit log."""
    row = exports.find(pk)
    return FileResponse(
        exports.opened(row, by=request.user, now=timezone.now()),
        as_attachment=True,
        filename=exports.file_name(row),
        content_type=exports.mime(row),
        headers={"Cache-Control": "no-store"},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE, raise_exception=True)
def account_list(request: HttpRequest) -> HttpResponse:
    """Say where the Chatwoot account is; what was moved before."""
    form = AccountImportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = account_imports.begin(by=request.user, now=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            add_problem(form, error)
        else:
            return redirect("chat:account-import", row.pk)
    rows = AccountImport.objects.select_related("by").newest_first()[:LISTED]
    return render(
        request, "chat/import/accounts.html", {"form": form, "rows": rows}, status=422 if form.is_bound else 200
    )


@require_safe
@login_required
@permission_required(MANAGE, raise_exception=True)
def account_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far it is, what came, what stayed behind."""
    row = account_imports.find(pk)
    at = row.place.get("stage", "")
    stages = account_imports.STAGES
    current = stages.index(at) if at in stages else len(stages)
    stopped = row.is_over and row.state != TransferState.DONE
    context = {
        "transfer": row,
        "busy": not row.is_over,
        "steps": [
            {
                "label": str(account_imports.STAGE_LABELS[name]),
                "state": "done"
                if number < current or row.state == TransferState.DONE
                else ("failed" if stopped else "current")
                if number == current
                else "waiting",
            }
            for number, name in enumerate(stages)
        ],
        "numbers": [
            {"label": label, "value": row.counts.get(name, 0)}
            for name, label in (
                ("contacts", _("Contacts")),
                ("conversations", _("Conversations")),
                ("messages", _("Messages")),
                ("files", _("Files")),
                ("labels", _("Labels")),
                ("canned", _("Canned replies")),
                ("articles", _("Articles")),
                ("inboxes", _("Inboxes")),
            )
        ],
    }
    return render(request, "chat/import/account.html", context)


@require_POST
@login_required
@permission_required(MANAGE, raise_exception=True)
def account_stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give it up."""
    account_imports.stop(import_id=pk, by=request.user, now=timezone.now())
    messages.success(request, _("The import is stopped. What is here already stays; started again, it goes on."))
    return redirect("chat:account-import", pk)


def _columns(request: HttpRequest, row: ContactImport, form: ContactColumnsForm) -> HttpResponse:
    lines = contact_imports.sample(row)
    columns = [
        {
            "heading": heading,
            "field": form[f"column_{number}"],
            "values": [line[number] for line in lines if line[number]][:3],
        }
        for number, heading in enumerate(row.headings)
    ]
    context = {"transfer": row, "form": form, "columns": columns, "steps": _steps(row, 0)}
    return render(request, "chat/import/columns.html", context, status=422 if form.is_bound else 200)


def _standing(request: HttpRequest, row: ContactImport) -> HttpResponse:
    outcome = request.GET.get("outcome", "")
    if outcome not in LineOutcome.values:
        outcome = ""
    lines = row.lines.filter(outcome=outcome) if outcome else row.lines.all()
    page = Paginator(lines.order_by("number"), LINES).get_page(request.GET.get("page"))
    for line in page:
        line.words = REASONS.get(line.reason, "")  # type: ignore[attr-defined]
        line.tone = TONES[LineOutcome(line.outcome)]  # type: ignore[attr-defined]
    states = TransferState
    busy = row.state in {states.CHECKING, states.WAITING, states.RUNNING}
    at = {states.CHECKING: 1, states.CHECKED: 1, states.WAITING: 2, states.RUNNING: 2}.get(states(row.state), 3)
    context = {
        "transfer": row,
        "busy": busy,
        "checked": row.state == states.CHECKED,
        "over": row.is_over,
        "numbers": [
            {
                "outcome": one.value,
                "label": one.label,
                "value": row.counts.get(one.value, 0),
                "current": outcome == one.value,
            }
            for one in LineOutcome
        ],
        "fit": row.counts.get(LineOutcome.NEW, 0) + row.counts.get(LineOutcome.UPDATED, 0),
        "refused": row.counts.get(LineOutcome.REFUSED, 0),
        "outcome": outcome,
        "page": page,
        "previous_url": _page_url(outcome, page.previous_page_number()) if page.has_previous() else "",
        "next_url": _page_url(outcome, page.next_page_number()) if page.has_next() else "",
        "steps": _steps(row, at),
    }
    return render(request, "chat/import/standing.html", context)


def _steps(row: ContactImport, at: int) -> list[dict[str, Any]]:
    failed = row.state in {TransferState.FAILED, TransferState.STOPPED}
    return [
        {
            "label": str(label),
            "state": "failed"
            if failed and number == 2
            else "done"
            if number < at
            else "current"
            if number == at
            else "waiting",
        }
        for number, (_state, label) in enumerate(STEPS)
    ]


def _page_url(outcome: str, number: int) -> str:
    kept = {"outcome": outcome} if outcome else {}
    return "?" + urlencode(kept | {"page": number})
