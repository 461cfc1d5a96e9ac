"""Where somebody is in the console, by the names of its menu."""

from typing import Any

from django import template
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

register = template.Library()


@register.inclusion_tag("console/_where.html", takes_context=True)
def where(context: dict[str, Any]) -> dict[str, Any]:
    """The way from the menu's screen over its row to this page. Unfold would begin with Django's app, which says nothing."""
    from tenants.console import site  # noqa: PLC0415  the console itself renders these templates

    title = str(context.get("crumb") or context.get("title") or "")
    opts = context.get("opts")
    if opts is None:
        return {"parts": [{"title": title}]}
    screen = site._registry.get(opts.model)
    menu = screen.menu if screen is not None else None  # type: ignore[attr-defined]  # every screen of ours has one
    name = capfirst(str((menu and menu.title) or opts.verbose_name_plural))
    parts = [{"title": name, "link": _address(opts, "changelist")}]
    row = context.get("original")
    if isinstance(row, Model):
        parts.append({"title": str(row), "link": _address(row._meta, "change", row.pk)})
    said = {part["title"] for part in parts}
    # Django's own forms are called after what one does to the row, which the row's name says already.
    if title and title not in said and "adminform" not in context:
        parts.append({"title": title})
    return {"parts": parts}


def _address(opts: Any, page: str, *args: Any) -> str:
    try:
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)
    except NoReverseMatch:
        return ""
