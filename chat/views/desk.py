"""Settings of the desk: teams, labels, canned replies, saved views. Four shelves of small things, one way to keep them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.enums import Scope
from chat.forms.base import add_problem
from chat.forms.desk import CannedForm, LabelForm, SavedViewForm, TeamForm
from chat.models import CannedResponse, Label, SavedView, Team
from chat.services import canned, labels, teams, views
from ops.kernel.errors import DomainError

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of small things: its words, its rows, and the services that keep them."""

    name: str
    see: str
    manage: str
    title: Text
    hint: Text
    add: Text
    columns: tuple[Text, ...]
    empty: Text
    empty_hint: Text
    added: Text
    saved: Text
    removed: Text
    question: Text
    consequence: Text
    form: type
    rows: Callable[[Any], Any]
    cells: Callable[[Any], dict[str, Any]]
    create: Callable[..., Any]
    change: Callable[..., Any]
    delete: Callable[..., Any]
    keyword: str
    art: str = "calm"
    shared: bool = False

    def may_manage(self, request: HttpRequest) -> bool:
        """Whether this person may keep what is everybody's."""
        return bool(request.user.has_perm(self.manage))

    def bind(self, request: HttpRequest, instance: Any) -> Any:
        """The form, filled with what came."""
        extra = {"may_share": self.may_manage(request)} if self.shared else {}
        return self.form(request.POST if request.method == "POST" else None, instance=instance, **extra)


def _own_or_shared(model: Any) -> Callable[[Any], Any]:
    """What a person may use, and for those who keep them for others every team's."""

    def rows(user: Any) -> Any:
        manage = "chat.manage_canned" if model is CannedResponse else "chat.manage_view"
        if not user.has_perm(manage):
            return model.objects.for_person(user).select_related("team")
        everybodys = model.objects.exclude(scope=Scope.PERSON) | model.objects.filter(owner=user)
        return everybodys.select_related("team")

    return rows


def _team_cells(row: Team) -> dict[str, Any]:
    people = sorted(user.get_short_name() for user in row.members.all() if user.is_active)
    return {"title": row.name, "hint": row.description, "cells": [", ".join(people) or _("Nobody yet")]}


def _label_cells(row: Any) -> dict[str, Any]:
    return {
        "title": row.name,
        "label": row.color,
        "cells": [
            row.description,
            ngettext("%(count)s conversation", "%(count)s conversations", row.used) % {"count": row.used},
        ],
    }


def _whose(row: Any) -> str:
    if row.scope == Scope.TEAM:
        return str(row.team)
    return str(Scope(row.scope).label)


def _canned_cells(row: CannedResponse) -> dict[str, Any]:
    return {"title": f"/{row.shortcut}", "cells": [Truncator(" ".join(row.body.split())).chars(90), _whose(row)]}


def _view_cells(row: SavedView) -> dict[str, Any]:
    return {"title": row.name, "cells": [_whose(row)]}


SHELVES = {
    shelf.name: shelf
    for shelf in (
        Shelf(
            name="teams",
            see="chat.manage_team",
            manage="chat.manage_team",
            title=gettext_lazy("Teams"),
            hint=gettext_lazy("Groups of agents that conversations can be given to."),
            add=gettext_lazy("Add team"),
            columns=(gettext_lazy("Team"), gettext_lazy("People")),
            empty=gettext_lazy("No teams yet"),
            empty_hint=gettext_lazy(
                "Make one for sales and one for support, and give conversations to a team instead of a person."
            ),
            added=gettext_lazy("The team is added."),
            saved=gettext_lazy("The team is saved."),
            removed=gettext_lazy("The team is removed."),
            question=gettext_lazy("Remove this team?"),
            consequence=gettext_lazy("Its conversations keep their assignees and belong to no team."),
            form=TeamForm,
            rows=lambda user: Team.objects.with_members().order_by("name"),
            cells=_team_cells,
            create=teams.create,
            change=teams.change,
            delete=teams.delete,
            keyword="team",
            art="people",
        ),
        Shelf(
            name="labels",
            see="chat.manage_label",
            manage="chat.manage_label",
            title=gettext_lazy("Labels"),
            hint=gettext_lazy("Words with a colour that sort conversations."),
            add=gettext_lazy("Add label"),
            columns=(gettext_lazy("Label"), gettext_lazy("Use it for"), gettext_lazy("Used")),
            empty=gettext_lazy("No labels yet"),
            empty_hint=gettext_lazy("Label what a conversation is about, and find and count them later."),
            added=gettext_lazy("The label is added."),
            saved=gettext_lazy("The label is saved."),
            removed=gettext_lazy("The label is removed."),
            question=gettext_lazy("Remove this label?"),
            consequence=gettext_lazy("It disappears from every conversation that has it."),
            form=LabelForm,
            rows=lambda user: _counted(Label.objects.order_by("name")),
            cells=_label_cells,
            create=labels.create,
            change=labels.change,
            delete=labels.delete,
            keyword="label",
        ),
        Shelf(
            name="canned",
            see="chat.reply_conversation",
            manage="chat.manage_canned",
            title=gettext_lazy("Canned replies"),
            hint=gettext_lazy("Ready answers, a few keys away while writing."),
            add=gettext_lazy("Add canned reply"),
            columns=(gettext_lazy("Shortcut"), gettext_lazy("Text"), gettext_lazy("For whom")),
            empty=gettext_lazy("No canned replies yet"),
            empty_hint=gettext_lazy("Write down what you answer every day, and call it with / and its beginning."),
            added=gettext_lazy("The canned reply is added."),
            saved=gettext_lazy("The canned reply is saved."),
            removed=gettext_lazy("The canned reply is removed."),
            question=gettext_lazy("Remove this canned reply?"),
            consequence=gettext_lazy("Messages that were sent with it stay."),
            form=CannedForm,
            rows=lambda user: _own_or_shared(CannedResponse)(user).order_by("shortcut", "pk"),
            cells=_canned_cells,
            create=canned.create,
            change=canned.change,
            delete=canned.delete,
            keyword="canned",
            shared=True,
        ),
        Shelf(
            name="views",
            see="chat.view_conversation",
            manage="chat.manage_view",
            title=gettext_lazy("Saved views"),
            hint=gettext_lazy("Lists of conversations with their filters, one click away."),
            add=gettext_lazy("Add view"),
            columns=(pgettext_lazy("a list with its filters", "View"), gettext_lazy("For whom")),
            empty=gettext_lazy("No saved views yet"),
            empty_hint=gettext_lazy("Keep a list you look at every day, such as urgent ones that nobody has."),
            added=gettext_lazy("The view is added."),
            saved=gettext_lazy("The view is saved."),
            removed=gettext_lazy("The view is removed."),
            question=gettext_lazy("Remove this view?"),
            consequence=gettext_lazy("No conversation is touched."),
            form=SavedViewForm,
            rows=lambda user: _own_or_shared(SavedView)(user).order_by("position", "name", "pk"),
            cells=_view_cells,
            create=views.create,
            change=views.change,
            delete=views.delete,
            keyword="view",
            shared=True,
        ),
    )
}


def _counted(rows: Any) -> Any:
    return rows.annotate(used=Count("conversations"))


def _shelf(request: HttpRequest, name: str) -> Shelf:
    shelf = SHELVES[name]
    if not request.user.has_perm(shelf.see):
        raise PermissionDenied
    return shelf


@require_safe
@login_required
def shelf_list(request: HttpRequest, shelf: str) -> HttpResponse:
    """Everything on a shelf."""
    found = _shelf(request, shelf)
    rows = []
    for row in found.rows(request.user):
        said = found.cells(row)
        address = _address(found, row) if _may_change(request, found, row) else ""
        rows.append({"url": address, **said, "cells": list(zip(found.columns[1:], said["cells"], strict=True))})
    return render(
        request,
        "chat/shelf.html",
        {
            "shelf": found,
            "rows": rows,
            "add_url": reverse(f"chat:settings-{found.name}-add") if _may_add(request, found) else "",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shelf_add(request: HttpRequest, shelf: str) -> HttpResponse:
    """Put something on it."""
    found = _shelf(request, shelf)
    if not _may_add(request, found):
        raise PermissionDenied
    form = found.bind(request, None)
    if request.method == "POST" and form.is_valid():
        try:
            found.create(by=request.user, now=timezone.now(), **form.values())
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, str(found.added))
            return redirect(f"chat:settings-{found.name}")
    return _form_page(request, found, form, row=None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shelf_change(request: HttpRequest, shelf: str, pk: UUID) -> HttpResponse:
    """Change it."""
    found, row = _of(request, shelf, pk)
    form = found.bind(request, row)
    if request.method == "POST" and form.is_valid():
        try:
            found.change(
                by=request.user,
                now=timezone.now(),
                **{found.keyword: found.rows(request.user).get(pk=pk)},
                **form.values(),
            )
        except DomainError as error:
            add_problem(form, error)
        else:
            messages.success(request, str(found.saved))
            return redirect(f"chat:settings-{found.name}")
    return _form_page(request, found, form, row=row)


@require_POST
@login_required
def shelf_remove(request: HttpRequest, shelf: str, pk: UUID) -> HttpResponse:
    """Take it away."""
    found, row = _of(request, shelf, pk)
    found.delete(by=request.user, now=timezone.now(), **{found.keyword: row})
    messages.success(request, str(found.removed))
    return redirect(f"chat:settings-{found.name}")


def _of(request: HttpRequest, shelf: str, pk: UUID) -> tuple[Shelf, Any]:
    found = _shelf(request, shelf)
    row = get_object_or_404(found.rows(request.user), pk=pk)
    if not _may_change(request, found, row):
        raise PermissionDenied
    return found, row


def _may_add(request: HttpRequest, shelf: Shelf) -> bool:
    return shelf.shared or shelf.may_manage(request)


def _may_change(request: HttpRequest, shelf: Shelf, row: Any) -> bool:
    own = shelf.shared and row.scope == Scope.PERSON and row.owner_id == request.user.pk
    return own or shelf.may_manage(request)


def _address(shelf: Shelf, row: Any) -> str:
    return reverse(f"chat:settings-{shelf.name}-change", args=[row.pk])


def _form_page(request: HttpRequest, shelf: Shelf, form: Any, *, row: Any) -> HttpResponse:
    context = {
        "shelf": shelf,
        "form": form,
        "row": row,
        "list_url": reverse(f"chat:settings-{shelf.name}"),
        "remove_url": reverse(f"chat:settings-{shelf.name}-remove", args=[row.pk]) if row is not None else "",
        # What the instance says now would already be what was typed.
        "title": shelf.cells(shelf.rows(request.user).get(pk=row.pk))["title"] if row is not None else shelf.add,
    }
    return render(request, "chat/shelf_form.html", context, status=422 if form.is_bound else 200)
