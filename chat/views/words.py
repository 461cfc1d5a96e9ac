"""Words the browser's modules show: translated here, so that every sentence lives in the one catalogue."""

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.utils import formats
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from chat.enums import HandoffReason

Words = dict[str, Any]


def _unread() -> dict[str, str]:
    """The forms of a count; `plural` of static/js/chat/format.js chooses by the number."""
    return {
        "one": ngettext("%(count)s unread", "%(count)s unread", 1),
        "other": ngettext("%(count)s unread", "%(count)s unread", 2),
    }


def _waiting() -> dict[str, str]:
    """The rail's own words, filled by the console."""
    place = {"counter": "%(count)s"}
    return {
        "one": ngettext("%(counter)s waiting", "%(counter)s waiting", 1) % place,
        "other": ngettext("%(counter)s waiting", "%(counter)s waiting", 2) % place,
    }


def widget() -> Words:
    """What the visitor's side says, in the active language."""
    return {
        "title": _("Chat"),
        "close": _("Close the chat"),
        "back": _("All conversations"),
        "more": _("More"),
        "placeholder": _("Write a message"),
        "watched": _("The team sees what you write before you send it."),
        "send": _("Send"),
        "log": _("Messages"),
        "greeting": _("Hello! How can we help?"),
        "newThread": _("New conversation"),
        "write": _("Send us a message"),
        "newer": _("New messages"),
        "online": _("Online now"),
        "away": _("We answer as soon as we are back"),
        "recent": _("Your conversations"),
        "find": _("Search for help"),
        "helpNothing": _("Nothing found for “%(text)s”. Write to us instead."),
        "helpEmpty": _("There are no articles yet."),
        "helpFailed": _("The articles could not be loaded. Try again in a moment."),
        "openHelp": _("Open in a new tab"),
        "typing": _("%(name)s is typing"),
        "bot": _("%(name)s · assistant"),
        "me": _("You"),
        "you": _("You: %(text)s"),
        "joined": _("%(name)s takes care of you now"),
        "resolved": _("The conversation was closed. Write again to reopen it."),
        "endedByYou": _("You ended the conversation. Write again to reopen it."),
        "queue": _("You are number %(position)s in the queue."),
        "queueWait": _("You are number %(position)s in the queue. About %(minutes)s min."),
        "reopened": _("The conversation is open again"),
        "ended": pgettext("conversation", "Closed"),
        "unread": _unread(),
        "queued": _("Waiting to be sent"),
        "sending": _("Sending"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "read": pgettext("a message the other side has seen", "Read"),
        "failed": _("Not sent"),
        "retry": _("Try again"),
        "discard": _("Delete"),
        "cancel": _("Cancel"),
        "edited": pgettext("message", "edited"),
        "deletedMessage": _("This message was deleted."),
        "answer": _("Reply to this message"),
        "answering": _("Reply to %(name)s"),
        "choices": _("Suggested answers"),
        "attach": _("Attach a file"),
        "camera": _("Take a picture"),
        "emoji": _("Emoji"),
        "dropHere": _("Drop the file here to attach it"),
        "removeFile": _("Remove %(name)s"),
        "openFile": _("Open %(name)s"),
        "fileTooBig": _("%(name)s is too large. A file may have up to %(size)s."),
        "tooManyFiles": _("Up to %(count)s files go with one message."),
        "fileRefused": _("This file was refused."),
        "fileChecked": _("The file is being checked."),
        "uploading": _("Sending the file"),
        "voice": _("Record a voice message"),
        "voiceName": pgettext("name of a recorded file", "voice"),
        "voiceCancel": _("Discard the recording"),
        "voiceSend": _("Send the recording"),
        "recording": _("Recording"),
        "noMicrophone": _("The microphone is not available. Check your browser's permission."),
        "voiceCall": _("Voice call"),
        "videoCall": _("Video call"),
        "missedCall": _("Missed voice call"),
        "missedVideo": _("Missed video call"),
        "startCall": _("Call"),
        "startVideo": _("Call with video"),
        "callLines": call_lines(),
        "askTitle": _("Before we start"),
        "askDone": _("Start the conversation"),
        "leaveTitle": _("Leave us a message"),
        "leaveHint": _("We answer by e-mail."),
        "left": _("Thank you. Your message is with us, and the answer comes by e-mail."),
        "yourEmail": _("Your e-mail"),
        "optional": _("(optional)"),
        "choose": _("Choose"),
        "missing": _("Fill this in to go on."),
        "notAnAddress": _("This does not look right. Check it."),
        "consentMissing": _("Please agree, so that we may answer you here."),
        "csatQuestion": _("How did we do?"),
        "csatScore": _("%(score)s of %(scale)s"),
        "csatComment": _("Anything you want to add?"),
        "csatSend": _("Send the rating"),
        "csatThanks": _("Thank you for your rating."),
        "copyPix": _("Copy the Pix code"),
        "copied": _("Copied"),
        "pixCode": _("Pix code as a picture"),
        "pixPaid": _("Paid. Thank you."),
        "pixExpired": _("This charge has expired."),
        "pixCancelled": _("This charge was cancelled."),
        "sound": _("Sound"),
        "popout": _("Open in a window of its own"),
        "transcript": _("Send me the transcript"),
        "transcriptAsk": _("Where shall we send the transcript?"),
        "transcriptSend": _("Send the transcript"),
        "transcriptSent": _("The transcript is on its way to %(email)s."),
        "end": _("End the conversation"),
        "endAsk": _("Do you want to end this conversation?"),
        "didNotWork": _("That did not work. Try again."),
        "partFailed": _("This part could not be loaded. Check your connection and try again."),
        "connecting": _("Connecting again. What you write is kept."),
        "offline": _("You are offline. What you write is kept and sent later."),
        "closed": _("This chat is closed at the moment."),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "now": _("now"),
    }


def reopens(at: datetime | None, *, now: datetime, zone: tzinfo) -> str:
    """When somebody is back, as one says it; empty when nobody knows."""
    if at is None:
        return ""
    there = at.astimezone(zone)
    days = (there.date() - now.astimezone(zone).date()).days
    said = {"time": formats.time_format(there.time(), "H:i"), "day": formats.date_format(there, "l")}
    if days == 0:
        return _("We are back today at %(time)s.") % said
    if days == 1:
        return _("We are back tomorrow at %(time)s.") % said
    if days < 7:
        return _("We are back on %(day)s at %(time)s.") % said
    return _("We are back on %(day)s at %(time)s.") % {**said, "day": formats.date_format(there, "SHORT_DATE_FORMAT")}


def call() -> dict[str, Any]:
    """What a call says on either end."""
    return {
        "call": _("Call"),
        "controls": _("Controls of the call"),
        "rings": _("Voice call"),
        "ringsVideo": _("Video call"),
        "calling": _("Ringing…"),
        "connecting": _("Connecting…"),
        "reconnecting": _("The connection is weak. Trying again…"),
        "answer": pgettext("a call", "Answer"),
        "answerVideo": _("Answer with video"),
        "decline": pgettext("a call", "Decline"),
        "hangUp": _("Hang up"),
        "close": _("Close"),
        "mute": _("Mute the microphone"),
        "unmute": _("Switch the microphone on"),
        "camera": _("Switch the camera on"),
        "cameraOff": _("Switch the camera off"),
        "share": _("Share the screen"),
        "shareOff": _("Stop sharing the screen"),
        "devices": _("Microphone and camera"),
        "microphone": _("Microphone"),
        "cameraDevice": _("Camera"),
        "speaker": _("Loudspeaker"),
        "large": _("Make larger"),
        "small": _("Make smaller"),
        "yourPicture": _("Your own picture"),
        "theyAreMuted": pgettext("microphone", "Muted"),
        "noMicrophone": _("The browser may not use the microphone, so you are not heard. Allow it in the address bar."),
        "noCamera": _("The browser may not use the camera, so you are heard but not seen."),
        "reasons": {
            "completed": _("The call has ended."),
            "missed": _("%(name)s does not answer."),
            "declined": _("%(name)s cannot talk right now."),
            "busy": _("%(name)s is in another call."),
            "cancelled": _("The call has ended."),
            "lost": _("The connection was lost."),
            "failed": _("The call could not begin."),
        },
    }


def call_lines() -> dict[str, str]:
    """What a thread says about a finished call."""
    return {
        "voice": _("Voice call · %(time)s"),
        "video": _("Video call · %(time)s"),
        "missedVoice": _("Missed voice call"),
        "missedVideo": _("Missed video call"),
        "noAnswer": _("%(by)s called. Nobody answered."),
        "declined": _("%(by)s called. The visitor could not talk."),
        "refused": _("The team could not take the call"),
    }


def call_line(meta: dict[str, Any], *, by: str, said: dict[str, str]) -> str:
    """The sentence of a finished call; `callText` of static/js/chat/sentences.js says the same."""
    kind = "video" if meta.get("video") else "voice"
    reason = meta.get("reason")
    if reason in {"completed", "lost"}:
        minutes, seconds = divmod(int(meta.get("duration_s") or 0), 60)
        return str(said[kind]) % {"time": f"{minutes}:{seconds:02d}"}
    if meta.get("started_by") == "visitor":
        missed = reason in {"missed", "cancelled"}
        return str(said[f"missed{kind.title()}"] if missed else said["refused"])
    return str(said["noAnswer" if reason in {"missed", "cancelled"} else "declined"]) % {"by": by}


def loader() -> Words:
    """What the bubble on the shop's page says, in the active language."""
    return {
        "title": _("Chat"),
        "open": _("Open the chat"),
        "close": _("Close the chat"),
        "unread": _unread(),
        "dismiss": _("Dismiss"),
        "failed": _("The chat does not answer. Your connection may be slow."),
        "retry": _("Try again"),
    }


def console() -> dict[str, Any]:
    """What the agents' console says besides its templates, in the active language. Shared: not to be changed."""
    return _console(get_language())


@lru_cache(maxsize=16)
def _console(_language: str | None) -> dict[str, Any]:
    return {
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "now": _("now"),
        "unread": _unread(),
        "visitor": _("Visitor"),
        "waiting": _waiting(),
        "answered": _("Our answer:"),
        "visitorNumber": _("Visitor %(number)s"),
        "window": {
            "left": _("WhatsApp takes free words for another %(time)s."),
            "over": _("The 24 hours are over: until the person writes again, WhatsApp takes only templates."),
            "hours": _("%(hours)s h %(minutes)s min"),
            "minutes": _("%(minutes)s min"),
            "value": _("Value %(number)s"),
            "loading": _("Loading the templates"),
            "none": _("This number has no approved template. They are made in WhatsApp Manager."),
        },
        "typing": _("%(name)s is typing"),
        "typingMany": _("%(names)s are typing"),
        "collision": _("%(name)s is writing too. Wait a moment, so that nobody answers twice."),
        "alsoHere": _("Also looking at this: %(names)s"),
        "you": _("You"),
        "automatic": _("Automatic"),
        "automation": _("Automation"),
        "news": _("New messages"),
        "lineLabel": _("%(name)s, %(time)s"),
        "noteLabel": _("Private note of %(name)s, %(time)s"),
        "noteBy": _("Private note · %(name)s"),
        "edited": pgettext("message", "Edited"),
        "gone": _("This message was deleted."),
        "earlier": _("Earlier message"),
        "file": _("File"),
        "retry": _("Try again"),
        "discard": _("Delete"),
        "editing": _("Changing your message"),
        "copied": _("Copied."),
        "choose": _("Choose the conversation with %(name)s"),
        "slaLeft": _("%(time)s left to answer in time"),
        "slaBroken": _("%(time)s late"),
        "title": _("Conversations"),
        "openIt": _("Open"),
        "why": {
            "mention": _("%(name)s mentions you:"),
            "assigned": _("%(name)s gave you a conversation with %(contact)s."),
            "team": _("%(name)s gave your team a conversation with %(contact)s."),
            "queue": _("%(contact)s waits in the queue."),
        },
        "viewKept": _("View kept."),
        "chosen": {
            "one": ngettext("%(count)s chosen", "%(count)s chosen", 1),
            "other": ngettext("%(count)s chosen", "%(count)s chosen", 2),
        },
        "bulkDone": {
            "one": ngettext("%(count)s conversation changed.", "%(count)s conversations changed.", 1),
            "other": ngettext("%(count)s conversation changed.", "%(count)s conversations changed.", 2),
        },
        "bulkRefused": {
            "one": ngettext("%(count)s could not be changed.", "%(count)s could not be changed.", 1),
            "other": ngettext("%(count)s could not be changed.", "%(count)s could not be changed.", 2),
        },
        "uploading": _("Sending %(name)s"),
        "removeFile": _("Remove %(name)s"),
        "uploadFailed": _("The file could not be sent. Try again."),
        "tooManyFiles": _("At most %(count)s files fit in one message."),
        "noMicrophone": _("The browser may not use the microphone. Allow it in the address bar."),
        "sendingVoice": _("Sending the voice message"),
        "voiceMessage": _("Voice message"),
        "emojiRecent": _("Used last"),
        "emojiGroup": _("Emoji"),
        "noArticle": _("No article with these words."),
        "insertLink": _("Insert link"),
        "sendCard": _("Send as card"),
        "nobody": _("Nobody with these words"),
        "merged": _("The two are one person now."),
        "macroDone": _("Macro done."),
        "newMessage": _("New message"),
        "pushOn": _("This browser gets notifications even while the console is closed."),
        "notifications": {
            "granted": _("Browser notifications are on."),
            "denied": _("The browser blocks notifications. Allow them in the address bar."),
            "default": _("Browser notifications are off."),
            "unsupported": _("This browser shows no notifications."),
        },
        "availability": {
            "online": pgettext("agent", "Online"),
            "busy": pgettext("agent", "Busy"),
            "offline": pgettext("agent", "Offline"),
        },
        "states": {
            "queued": _("Waiting to be sent"),
            "sending": _("Sending"),
            "sent": _("Sent"),
            "delivered": _("Delivered"),
            "read": pgettext("a message the other side has seen", "Read"),
            "failed": _("Not sent"),
            "pending": _("Waiting for the channel"),
            "unconfirmed": _("Sent, but not confirmed by the channel"),
        },
        "listFailed": _("The list could not be loaded. What you see may be old."),
        "actionFailed": _("That did not work. Check the connection and try again."),
        "arrived": _("New message from %(name)s"),
        "arrivedText": _("%(name)s writes: %(text)s"),
        "resolved": _("Conversation resolved."),
        "undo": _("Undo"),
        "activity": {
            "assigned": _("%(name)s took the conversation"),
            "given": _("%(by)s gave the conversation to %(name)s"),
            "unassigned": _("%(by)s put the conversation back into the queue"),
            "resolved": _("%(by)s resolved the conversation"),
            "open": _("%(by)s reopened the conversation"),
            "reopened": _("The conversation is open again"),
            "ended": _("The visitor ended the conversation"),
            "snoozed": _("%(by)s snoozed the conversation"),
            "pending": _("%(by)s put the conversation on hold"),
            "priority": _("%(by)s set the priority to %(priority)s"),
            "unassignedItself": _("The conversation went back into the queue"),
            "resolvedItself": _("The conversation was resolved automatically"),
            "openItself": _("The conversation is open again"),
            "snoozedItself": _("The conversation was snoozed automatically"),
            "pendingItself": _("The bot takes care of the conversation"),
            "priorityItself": _("The priority is now %(priority)s"),
            "team": _("%(by)s gave the conversation to the team %(name)s"),
            "noTeam": _("%(by)s took the conversation from its team"),
            "handoff": _("%(bot)s called a person: %(reason)s"),
            "labelsAdded": _("%(by)s added the labels %(added)s"),
            "labelsRemoved": _("%(by)s removed the labels %(removed)s"),
            "labelsBoth": _("%(by)s added the labels %(added)s and removed %(removed)s"),
        },
        "handoffReasons": {reason.value: str(reason.label) for reason in HandoffReason},
        "call": call(),
        "callLines": call_lines(),
        "priorities": {
            "none": _("No priority"),
            "low": pgettext("priority", "Low"),
            "medium": pgettext("priority", "Medium"),
            "high": pgettext("priority", "High"),
            "urgent": _("Urgent"),
        },
    }


def activity(meta: dict[str, Any], *, by: str, words: dict[str, Any]) -> str:
    """The sentence of an activity line; the console's module says the same from the same words."""
    said = words["activity"]
    action = meta.get("action")
    to = meta.get("to")
    if action == "assigned":
        if not to:
            return str(said["unassigned" if by else "unassignedItself"]) % {"by": by}
        if to["name"] == by or not by:
            return str(said["assigned"]) % {"name": to["name"]}
        return str(said["given"]) % {"by": by, "name": to["name"]}
    if action == "status":
        if meta.get("by_contact"):
            return str(said["ended"])
        return str(said.get(to if by else f"{to}Itself", "")) % {"by": by}
    if action == "priority":
        return str(said["priority" if by else "priorityItself"]) % {
            "by": by,
            "priority": words["priorities"].get(to, ""),
        }
    if action == "handoff":
        bot, reason = meta.get("bot") or {}, words["handoffReasons"].get(meta.get("reason"), "")
        return str(said["handoff"]) % {"bot": bot.get("name", ""), "reason": reason}
    if action == "call":
        return call_line(meta, by=by, said=words["callLines"])
    by = by or str(words["automation"])
    if action == "team":
        return str(said["team" if to else "noTeam"]) % {"by": by, "name": (to or {}).get("name", "")}
    if action == "labels":
        added, removed = (", ".join(_names(meta.get(key))) for key in ("added", "removed"))
        key = "labelsBoth" if added and removed else "labelsAdded" if added else "labelsRemoved"
        return str(said[key]) % {"by": by, "added": added, "removed": removed}
    if isinstance(said.get(action), str):
        return str(said[action]) % {"by": by, "name": to.get("name", "") if isinstance(to, dict) else ""}
    return ""


def _names(rows: Any) -> list[str]:
    """Names of labels as events carry them: rows or plain words."""
    return [str(row.get("name", "")) if isinstance(row, dict) else str(row) for row in rows or []]
