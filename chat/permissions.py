"""Which built-in role may do what at the counter."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.registry import PermissionArea, PermissionDef, permission_areas, permissions

TEAM = {"owner", "admin", "agent"}
READERS = TEAM | {"viewer"}
WRITERS = {"owner", "admin", "editor"}

AREAS = {
    "conversations": _("Conversations"),
    "contacts": _("Contacts"),
    "campaigns": _("Campaigns"),
    "articles": _("Help centre"),
    "reports": _("Reports"),
    "counter": _("Setting up the counter"),
}

ALL = [
    PermissionDef(
        "chat.view_conversation",
        _("See conversations"),
        READERS,
        "conversations",
        _("Read every conversation, its notes and files."),
        support=True,
    ),
    PermissionDef(
        "chat.reply_conversation",
        _("Reply to conversations"),
        TEAM,
        "conversations",
        _("Write to contacts, and notes to the team. Takes one of the plan's agents."),
        seated=True,
        support=True,
    ),
    PermissionDef(
        "chat.assign_conversation",
        _("Assign conversations to people"),
        TEAM,
        "conversations",
        _("Give conversations to a colleague or a team."),
        support=True,
    ),
    PermissionDef(
        "chat.close_conversation",
        _("Resolve, snooze and reopen conversations"),
        TEAM,
        "conversations",
        _("Say that a matter is done, comes back later, or is not done yet."),
        support=True,
    ),
    PermissionDef(
        "chat.view_contact",
        _("See contacts"),
        READERS,
        "contacts",
        _("Names, addresses and the history of everybody who wrote."),
        support=True,
    ),
    PermissionDef(
        "chat.change_contact",
        _("Add and change contacts"),
        TEAM,
        "contacts",
        _("Add contacts, correct them, write notes about them and merge doubles."),
        support=True,
    ),
    PermissionDef(
        "chat.view_inbox",
        _("See inboxes"),
        READERS,
        "counter",
        _("Which inboxes there are and how they are set up."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_inbox",
        _("Set up inboxes"),
        {"owner", "admin"},
        "counter",
        _("Connect channels, change the widget, hours and texts, and remove inboxes."),
    ),
    PermissionDef(
        "chat.manage_flow",
        _("Set up service levels and automation"),
        {"owner", "admin"},
        "counter",
        _("Opening hours, promised times, and rules that act by themselves."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_macro",
        _("Make and change macros of the team"),
        {"owner", "admin"},
        "counter",
        _("Several actions by one click, offered to everybody."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_pix",
        _("Set up Pix in conversations"),
        {"owner", "admin"},
        "counter",
        _("The key that contacts pay to."),
    ),
    PermissionDef(
        "chat.manage_privacy",
        _("Hand over and erase personal data"),
        {"owner", "admin"},
        "contacts",
        _("Answer a contact who wants a copy of their data, or wants it gone for good."),
    ),
    PermissionDef(
        "chat.view_report",
        _("See reports"),
        {"owner", "admin", "viewer"},
        "reports",
        _("Numbers on conversations, times and people."),
        support=True,
    ),
    PermissionDef(
        "chat.view_csat",
        _("See answers of the satisfaction survey"),
        READERS,
        "reports",
        _("How content contacts were, in their own words."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_team",
        _("Set up teams and agents"),
        {"owner", "admin"},
        "counter",
        _("Which agents belong together, and how many conversations each takes."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_label",
        _("Set up labels"),
        {"owner", "admin"},
        "counter",
        _("The words that conversations are sorted by."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_canned",
        _("Write canned replies for others"),
        {"owner", "admin"},
        "counter",
        _("Ready answers that the whole team uses."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_view",
        _("Set up views for others"),
        {"owner", "admin"},
        "counter",
        _("Filtered lists that stand in everybody's menu."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_bot",
        _("Set up bots"),
        {"owner", "admin"},
        "counter",
        _("What answers before a person does, and what it knows."),
    ),
    PermissionDef(
        "chat.view_article",
        _("See articles and drafts"),
        READERS | WRITERS,
        "articles",
        _("Read what is published and what is still being written."),
        support=True,
    ),
    PermissionDef(
        "chat.manage_article",
        _("Write and publish articles"),
        WRITERS,
        "articles",
        _("Write answers for the help centre and publish them."),
        support=True,
    ),
    PermissionDef(
        "chat.view_campaign",
        _("See campaigns"),
        READERS,
        "campaigns",
        _("Who gets which message when, and what came of it."),
    ),
    PermissionDef(
        "chat.manage_campaign",
        _("Run campaigns"),
        {"owner", "admin"},
        "campaigns",
        _("Write to many contacts at once, and stop it."),
    ),
    PermissionDef(
        "chat.transfer_data",
        _("Import and export contacts and conversations"),
        {"owner", "admin"},
        "contacts",
        _("Take everything out as files, and bring in what another system held."),
    ),
]


def register() -> None:
    """Offer them to the roles; called once at start."""
    group = _("Support counter")
    for order, (key, label) in enumerate(AREAS.items(), start=100):
        permission_areas.register(key, PermissionArea(label, group, order))
    for definition in ALL:
        permissions.register(definition.codename, definition)
