"""Believable content for the gallery."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

PERSON = {"name": "Ana Souza", "email": "ana@padaria.example"}
NAMES = {
    "platform": "Balcão",
    "padaria": "Padaria Aurora",
    "livraria": "Livraria Mirante",
    "lantern": "Lantern Courses",
}


def brand(name: str) -> dict[str, str]:
    """What a page shows of a brand; its colour comes from the gallery's stylesheet."""
    return {"display_name": NAMES[name]}


def shell(page: str) -> dict[str, Any]:
    """The frame around a sample page."""
    areas = [
        {"label": _("Home"), "icon": "house", "url": "?home", "current": page == "detail"},
        {"label": _("Chat"), "icon": "messages-square", "url": "?chat", "current": page == "list", "badge": 12},
        {"label": _("Studio"), "icon": "clapperboard", "url": "?studio", "current": False},
        {"label": _("Offers"), "icon": "tags", "url": "?offers", "current": False},
        {"label": _("Billing"), "icon": "receipt-text", "url": "?billing", "current": False},
    ]
    return {
        "areas": areas,
        "home_url": "?home",
        "settings_url": "?settings",
        "in_settings": page == "form",
        "language_url": "/language/",
        "profile_url": "?profile",
        "logout_url": "?logout",
        "notifications": {"url": "?notifications", "unread": 3},
        "pages": [
            {"label": area["label"], "icon": area["icon"], "url": area["url"], "kind": _("Page")} for area in areas
        ],
    }


def everything(now: datetime) -> dict[str, Any]:
    """All sample data by the name the templates use."""
    return {
        "people": [
            {"name": "Ana Souza", "hint": "ana@padaria.example", "role": _("Owner"), "presence": "green"},
            {"name": "Bia Lima", "hint": "bia@padaria.example", "role": _("Agent"), "presence": "green"},
            {"name": "João da Silva", "hint": "joao@padaria.example", "role": _("Agent"), "presence": "amber"},
            {"name": "Caio", "hint": "caio@padaria.example", "role": _("Viewer"), "presence": ""},
            {
                "name": "Maria Aparecida Rodrigues de Albuquerque Cavalcanti",
                "hint": "maria.aparecida.rodrigues@padariaaurora.example",
                "role": _("Editor"),
                "presence": "red",
            },
            {"name": "Zé", "hint": "ze@padaria.example", "role": _("Agent"), "presence": ""},
        ],
        "rows": [
            {
                "number": 1042,
                "name": "Ana Beatriz",
                "subject": _("Cake for Saturday"),
                "tone": "accent",
                "state": pgettext("conversation", "Open"),
                "count": 3,
                "at": now - timedelta(minutes=4),
            },
            {
                "number": 1041,
                "name": "Pedro Nunes",
                "subject": _("Order arrived without the bread"),
                "tone": "amber",
                "state": _("Waiting"),
                "count": 12,
                "at": now - timedelta(hours=2),
            },
            {
                "number": 1039,
                "name": "Supercalifragilisticexpialidocious Comércio de Alimentos Ltda.",
                "subject": _("Invoice of October, with a very long subject that does not fit in the column at all"),
                "tone": "red",
                "state": _("Urgent"),
                "count": 128,
                "at": now - timedelta(days=1),
            },
            {
                "number": 1035,
                "name": "Lia",
                "subject": _("Thank you"),
                "tone": "green",
                "state": pgettext("conversation", "Resolved"),
                "count": 1,
                "at": now - timedelta(days=12),
            },
        ],
        "stats": [
            {
                "label": _("Open conversations"),
                "value": "24",
                "trend": "+4",
                "good": False,
                "up": True,
                "hint": _("than yesterday"),
                "values": [12, 14, 13, 18, 16, 20, 24],
            },
            {
                "label": _("First answer"),
                "value": "1m 42s",
                "trend": "−18%",
                "good": True,
                "up": False,
                "hint": _("than last week"),
                "values": [9, 8, 8, 7, 6, 7, 5],
            },
            {
                "label": _("Sales this month"),
                "value": "R$ 12.480,00",
                "trend": "+12%",
                "good": True,
                "up": True,
                "hint": _("than October"),
                "values": [3, 5, 4, 6, 8, 7, 11],
            },
            {
                "label": _("Satisfaction"),
                "value": "96",
                "unit": "%",
                "hint": _("82 answers"),
                "values": [94, 95, 95, 93, 96, 96, 96],
            },
        ],
        "entries": [
            {"icon": "user-plus", "text": _("Bia Lima accepted the invitation"), "at": now - timedelta(minutes=12)},
            {
                "icon": "palette",
                "text": _("Ana Souza changed the main colour"),
                "detail": "#b45309 → #92400e",
                "at": now - timedelta(hours=3),
            },
            {
                "icon": "circle-check",
                "text": _("Pedro Nunes resolved conversation 1035"),
                "at": now - timedelta(days=2),
            },
        ],
        "steps": [
            {"label": _("Company"), "state": "done"},
            {"label": _("Address"), "state": "current"},
            {"label": _("First person"), "state": "waiting"},
        ],
        "steps_failed": [
            {"label": _("Tables"), "state": "done"},
            {"label": _("Demo content"), "state": "failed"},
            {"label": _("Address"), "state": "waiting"},
        ],
        "pairs": [
            {"label": _("E-mail"), "value": "ana.beatriz@exemplo.com.br"},
            {"label": _("Phone"), "value": "+55 51 99999-0000"},
            {"label": _("City"), "value": "Porto Alegre"},
            {"label": _("Note"), "value": ""},
        ],
        "chips": [
            {"label": pgettext("conversations", "Mine"), "url": "?mine", "current": True, "count": 8},
            {"label": _("Queue"), "url": "?queue", "current": False, "count": 3},
            {"label": pgettext("conversations", "All"), "url": "?all", "current": False, "count": 128},
        ],
        "tab_links": [
            {"label": _("Overview"), "url": "#", "current": True, "count": None},
            {"label": _("Conversations"), "url": "#", "current": False, "count": 12},
            {"label": _("Files"), "url": "#", "current": False, "count": 0},
        ],
        "menu_items": [
            {"label": _("Assign to me"), "icon": "user-check", "url": "#"},
            {"label": _("Copy the address"), "icon": "link"},
            {"label": _("Snooze until tomorrow"), "icon": "clock", "disabled": True},
            {
                "label": _("Delete conversation"),
                "icon": "trash-2",
                "danger": True,
                "dialog": "sample-confirm",
                "line": True,
            },
        ],
        "crumbs": [
            {"label": _("Chat"), "url": "#"},
            {"label": _("Contacts"), "url": "#"},
            {"label": "Maria Aparecida Rodrigues de Albuquerque Cavalcanti"},
        ],
        "snippet": '<script async src="https://padaria.balcao.example/widget.js"\n        data-inbox="3f0c9b1e"></script>',
        "days": [(now - timedelta(days=n)).strftime("%d/%m") for n in range(13, -1, -1)],
        "volumes": [14, 18, 22, 9, 7, 25, 28, 31, 27, 24, 12, 8, 33, 36],
        "two_series": [
            {"label": _("Received"), "values": [14, 18, 22, 9, 7, 25, 28, 31, 27, 24, 12, 8, 33, 36]},
            {
                "label": pgettext("conversations", "Resolved"),
                "values": [10, 16, 20, 12, 8, 18, 26, 30, 29, 22, 14, 9, 25, 34],
            },
        ],
        "slices": [
            {"label": _("Website"), "value": 312},
            {"label": "WhatsApp", "value": 188},
            {"label": "Telegram", "value": 64},
            {"label": _("E-mail"), "value": 41},
        ],
    }
