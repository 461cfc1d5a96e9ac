"""Which built-in role may do what at the counter."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.registry import PermissionDef, permissions

TEAM = {"owner", "admin", "agent"}
READERS = TEAM | {"viewer"}
WRITERS = {"owner", "admin", "editor"}

ALL = [
    PermissionDef("chat.view_conversation", _("See conversations"), READERS),
    PermissionDef("chat.reply_conversation", _("Reply to conversations"), TEAM),
    PermissionDef("chat.assign_conversation", _("Assign conversations to people"), TEAM),
    PermissionDef("chat.close_conversation", _("Resolve, snooze and reopen conversations"), TEAM),
    PermissionDef("chat.view_contact", _("See contacts"), READERS),
    PermissionDef("chat.change_contact", _("Add and change contacts"), TEAM),
    PermissionDef("chat.view_inbox", _("See inboxes"), READERS),
    PermissionDef("chat.manage_inbox", _("Set up inboxes"), {"owner", "admin"}),
    PermissionDef("chat.manage_flow", _("Set up service levels and automation"), {"owner", "admin"}),
    PermissionDef("chat.manage_macro", _("Make and change macros of the team"), {"owner", "admin"}),
    PermissionDef("chat.manage_pix", _("Set up Pix in conversations"), {"owner", "admin"}),
    PermissionDef("chat.manage_privacy", _("Hand over and erase personal data"), {"owner", "admin"}),
    PermissionDef("chat.transfer_data", _("Import and export contacts and conversations"), {"owner", "admin"}),
    PermissionDef("chat.view_report", _("See reports"), {"owner", "admin", "viewer"}),
    PermissionDef("chat.view_campaign", _("See campaigns"), READERS),
    PermissionDef("chat.manage_campaign", _("Run campaigns"), {"owner", "admin"}),
    PermissionDef("chat.view_csat", _("See answers of the satisfaction survey"), READERS),
    PermissionDef("chat.manage_team", _("Set up teams and agents"), {"owner", "admin"}),
    PermissionDef("chat.manage_label", _("Set up labels"), {"owner", "admin"}),
    PermissionDef("chat.manage_canned", _("Write canned replies for others"), {"owner", "admin"}),
    PermissionDef("chat.manage_view", _("Set up views for others"), {"owner", "admin"}),
    PermissionDef("chat.manage_bot", _("Set up bots"), {"owner", "admin"}),
    PermissionDef("chat.view_article", _("See articles and drafts"), READERS | WRITERS),
    PermissionDef("chat.manage_article", _("Write and publish articles"), WRITERS),
]


def register() -> None:
    """Offer them to the roles; called once at start."""
    for definition in ALL:
        permissions.register(definition.codename, definition)
