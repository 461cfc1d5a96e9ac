"""Telling open consoles that one of their lists of choices is old: labels, teams, canned replies, views, agents, inboxes."""

from chat.services import journal
from ops.kernel import live


def changed(of: str) -> None:
    """Let consoles read that list anew, after the commit."""
    live.push(live.group("agents"), journal.forward({"type": "catalogue", "of": of}))
