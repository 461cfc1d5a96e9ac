"""A client as the protocol describes it: a snapshot, kept up to date by events alone. The rules of `chat/README.md`."""

from typing import Any

from chat.models import Conversation, Message
from chat.queries import thread, wire


def snapshot(conversation: Conversation, *, visitor: bool) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What a client that loads everything gets: the conversation, and its messages by id."""
    if visitor:
        shown = wire.visitor_conversation(thread.for_visitor(conversation.contact_inbox_id).get(pk=conversation.pk))
    else:
        shown = wire.conversation(Conversation.objects.with_people().get(pk=conversation.pk))
    rows = Message.objects.filter(conversation=conversation).with_people()
    rows = rows.public() if visitor else rows
    return shown, {str(row.pk): wire.message(row, visitor=visitor) for row in rows}


class Replica:
    """A conversation in a client of one audience."""

    def __init__(self, conversation: Conversation, *, visitor: bool) -> None:
        self.visitor = visitor
        self.shown, self.messages = snapshot(conversation, visitor=visitor)

    def apply(self, frame: dict[str, Any]) -> None:
        """One event, in its order."""
        assert frame["seq"] == self.shown["last_seq"] + 1, "the numbers have a gap"
        self.shown["last_seq"] = frame["seq"]
        event, data = frame["event"], frame["data"]
        if event == "message.created":
            self._created(data)
        elif event in ("message.updated", "message.deleted"):
            self._changed(data)
        elif event == "message.delivery":
            self._delivered(data)
        elif event == "conversation.queue":
            self.shown["queue"] = {"position": data["position"], "wait_s": data["wait_s"]}
        else:
            self._moved(event, data)

    def _created(self, message: dict[str, Any]) -> None:
        self.messages[message["id"]] = message
        shown, seq = self.shown, message["seq"]
        if message["direction"] == "activity":
            return
        self._set(last_activity_at=message["created_at"])
        if message["private"]:
            return
        self._set(
            last_message_at=message["created_at"],
            preview=_preview(message),
            preview_direction=message["direction"],
        )
        theirs = message["direction"] == "in"
        if self.visitor:
            shown["unread"] = 0 if theirs else shown["unread"] + 1
            shown["contact_seen_seq" if theirs else "agent_seen_seq"] = (
                seq if theirs or message["direction"] == "out" else shown["agent_seen_seq"]
            )
        elif theirs:
            self._set(unread=shown["unread"] + 1, contact_seen_seq=seq, contact_delivered_seq=seq)
            self._set(waiting_since=shown["waiting_since"] or message["created_at"])
        elif message["direction"] == "out":
            wrote = any(one["direction"] == "in" for one in self.messages.values())
            self._set(unread=0, agent_seen_seq=seq, waiting_since=None)
            self._set(first_reply_at=shown["first_reply_at"] or (message["created_at"] if wrote else None))

    def _changed(self, message: dict[str, Any]) -> None:
        self.messages[message["id"]] = message
        public = [one for one in self.messages.values() if not one["private"] and one["direction"] != "activity"]
        if max(public, key=lambda one: one["seq"], default=None) is message:
            self.shown["preview"] = _preview(message)

    def _delivered(self, data: dict[str, Any]) -> None:
        if "message_id" in data:
            self.messages[data["message_id"]] |= {"delivery": data["delivery"], "error": data["error"]}
            return
        seq, by_team = data["seq"], data["by"] == "agent"
        if by_team:
            self._set(agent_seen_seq=seq)
        else:
            self._set(contact_delivered_seq=max(seq, self.shown.get("contact_delivered_seq", 0)))
            if data["mark"] == "read":
                self._set(contact_seen_seq=seq)
        if by_team != self.visitor and data["mark"] == "read":
            directions = ("in",) if by_team else ("out", "bot")
            left = [
                one
                for one in self.messages.values()
                if one["direction"] in directions and not one["private"] and one["seq"] > seq
            ]
            self.shown["unread"] = len(left)

    def _moved(self, event: str, data: dict[str, Any]) -> None:
        """Every other event names what changed as the conversation itself names it."""
        self._set(**{name: value for name, value in data.items() if name not in ("by", "message")})
        if event == "contact.merged":
            for one in self.messages.values():
                if one["author"]["id"] == data["was"]:
                    one["author"] |= {"id": data["contact"]["id"], "name": data["contact"]["name"]}
        line = data.get("message")
        if line is not None:
            self.messages[line["id"]] = line
            if event in ("conversation.status", "conversation.assigned"):
                self._set(last_activity_at=line["created_at"])
        if self.shown["status"] == "resolved":
            self._set(waiting_since=None)
        if self.shown["status"] != "open" or self.shown["assignee"] is not None:
            self._set(queue=None)

    def _set(self, **values: Any) -> None:
        self.shown.update({name: value for name, value in values.items() if name in self.shown})


def _preview(message: dict[str, Any]) -> str:
    words = " ".join(message["body"].split()) or ", ".join(file["name"] for file in message["attachments"])
    return words[:120]
