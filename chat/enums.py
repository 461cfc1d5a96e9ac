"""Words of the support counter."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """Where an inbox's people write from."""

    WEB = "web", _("Website")
    WHATSAPP = "whatsapp", _("WhatsApp")
    TELEGRAM = "telegram", _("Telegram")
    EMAIL = "email", _("E-mail")
    API = "api", _("Own channel")


class ChannelState(models.TextChoices):
    """Whether an inbox reaches its provider, as it was last seen."""

    NEW = "new", _("Not connected")
    CONNECTED = "connected", _("Connected")
    FAILED = "failed", _("Connection lost")


class Status(models.TextChoices):
    """Where a conversation stands. `open` without an assignee is the queue."""

    OPEN = "open", pgettext_lazy("conversation", "Open")
    PENDING = "pending", pgettext_lazy("conversation", "Pending")
    SNOOZED = "snoozed", pgettext_lazy("conversation", "Snoozed")
    RESOLVED = "resolved", pgettext_lazy("conversation", "Resolved")


class Priority(models.TextChoices):
    """How urgent a conversation is."""

    NONE = "none", _("No priority")
    LOW = "low", pgettext_lazy("priority", "Low")
    MEDIUM = "medium", pgettext_lazy("priority", "Medium")
    HIGH = "high", pgettext_lazy("priority", "High")
    URGENT = "urgent", _("Urgent")


class Direction(models.TextChoices):
    """Who a message comes from, seen from the counter."""

    IN = "in", _("From the visitor")
    OUT = "out", _("From an agent")
    ACTIVITY = "activity", _("What happened")
    BOT = "bot", _("From the bot")


class Kind(models.TextChoices):
    """What a message carries."""

    TEXT = "text", _("Text")
    ATTACHMENT = "attachment", _("Attachment")
    FORM = "form", _("Form")
    CSAT = "csat", _("Rating")
    ARTICLE = "article", _("Article")
    PIX = "pix", _("Pix charge")
    TEMPLATE = "template", _("Template message")
    CALL = "call", _("Call")


class Delivery(models.TextChoices):
    """How far a message got; it only moves up, in this order. `failed` ends it, until somebody tries again."""

    PENDING = "pending", _("Waiting")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", pgettext_lazy("a message the other side has seen", "Read")
    FAILED = "failed", _("Failed")


class EventType(models.TextChoices):
    """What an entry of a conversation's history says."""

    MESSAGE_CREATED = "message.created", _("Message")
    MESSAGE_UPDATED = "message.updated", _("Message changed")
    MESSAGE_DELETED = "message.deleted", _("Message deleted")
    MESSAGE_DELIVERY = "message.delivery", _("Delivery")
    CONVERSATION_CREATED = "conversation.created", _("Started")
    CONVERSATION_STATUS = "conversation.status", _("State changed")
    CONVERSATION_ASSIGNED = "conversation.assigned", _("Assigned")
    CONVERSATION_PRIORITY = "conversation.priority", _("Priority changed")
    CONVERSATION_CALL = "conversation.call", _("Call ended")
    CONVERSATION_HANDOFF = "conversation.handoff", _("A bot called a person")
    CONVERSATION_QUEUE = "conversation.queue", _("Place in the queue")
    CONVERSATION_SLA = "conversation.sla", _("Promised time")
    CONVERSATION_LABELS = "conversation.labels", _("Labels changed")
    CONVERSATION_ATTRS = "conversation.attrs", _("Details changed")
    CONVERSATION_MERGED = "conversation.merged", _("Continued in another conversation")
    CONTACT_MERGED = "contact.merged", _("Contacts merged")


class Availability(models.TextChoices):
    """What an agent says about being there."""

    ONLINE = "online", _("Online")
    BUSY = "busy", _("Busy")
    OFFLINE = "offline", _("Offline")


class AssignmentMode(models.TextChoices):
    """Who gives conversations to agents."""

    MANUAL = "manual", _("Agents take them from the queue")
    LEAST_BUSY = "least_busy", _("To whoever has the fewest")
    ROUND_ROBIN = "round_robin", _("To everybody in turn")


class ReopenTo(models.TextChoices):
    """Where a conversation goes that opens again."""

    SAME_IF_ONLINE = "same_if_online", _("To the same person when they are online, else into the queue")
    QUEUE = "queue", _("Into the queue")


class HolidayCalendar(models.TextChoices):
    """Public holidays an inbox keeps."""

    NONE = "", _("None")
    BRAZIL = "BR", _("Brazil")


class SlaKind(models.TextChoices):
    """What is promised."""

    FIRST_RESPONSE = "first_response", _("First reply")
    NEXT_RESPONSE = "next_response", _("Next reply")
    RESOLUTION = "resolution", _("Resolution")


class Trigger(models.TextChoices):
    """What sets a rule off."""

    CONVERSATION_STARTED = "conversation_started", _("A conversation starts")
    MESSAGE_RECEIVED = "message_received", _("A visitor writes")
    MESSAGE_SENT = "message_sent", _("An agent replies")
    CONVERSATION_RESOLVED = "conversation_resolved", _("A conversation is resolved")
    CONVERSATION_REOPENED = "conversation_reopened", _("A conversation opens again")
    CONVERSATION_ASSIGNED = "conversation_assigned", _("A conversation gets another assignee")
    SLA_WARNED = "sla_warned", _("A promised time is nearly over")
    SLA_BREACHED = "sla_breached", _("A promised time is over")
    CSAT_ANSWERED = "csat_answered", _("A visitor answers the survey")


class Match(models.TextChoices):
    """How many of the conditions must hold."""

    ALL = "all", _("All of them")
    ANY = "any", _("Any of them")


class RunState(models.TextChoices):
    """How a run of a rule went."""

    DONE = "done", pgettext_lazy("a run of a rule", "Done")
    PARTLY = "partly", pgettext_lazy("a run of a rule", "Partly done")
    FAILED = "failed", pgettext_lazy("a run of a rule", "Failed")


class CsatScale(models.TextChoices):
    """How a visitor may answer."""

    FACES = "faces", _("Five faces")
    STARS = "stars", _("Five stars")
    NUMBERS = "numbers", _("Zero to ten")
    THUMBS = "thumbs", _("Thumb up or down")


class LabelColor(models.TextChoices):
    """Colours a label can have; the stylesheet knows what they look like in light and dark."""

    GRAY = "gray", _("Gray")
    BLUE = "blue", _("Blue")
    GREEN = "green", _("Green")
    AMBER = "amber", _("Amber")
    RED = "red", _("Red")
    PURPLE = "purple", _("Purple")
    PINK = "pink", _("Pink")
    TEAL = "teal", _("Teal")


class Scope(models.TextChoices):
    """Whose a canned reply or a view is."""

    EVERYBODY = "everybody", pgettext_lazy("for whom", "Everybody")
    TEAM = "team", _("A team")
    PERSON = "person", _("Only me")


class NotificationKind(models.TextChoices):
    """Why a person of the team is told."""

    MENTION = "mention", _("Somebody mentions me")
    ASSIGNED = "assigned", _("A conversation is assigned to me")
    TEAM = "team", _("A conversation is assigned to my team")
    MESSAGE = "message", _("A visitor writes in a conversation of mine")
    QUEUE = "queue", _("A new conversation waits in the queue")
    SLA = "sla", _("A promised time of a conversation of mine is nearly over")


class BotKind(models.TextChoices):
    """How a bot finds its words."""

    RETRIEVAL = "retrieval", _("From the help centre")
    LLM = "llm", _("Language model")
    WEBHOOK = "webhook", _("Another program")


class ArticleState(models.TextChoices):
    """Whether everybody may read an article."""

    DRAFT = "draft", pgettext_lazy("article", "Draft")
    PUBLISHED = "published", pgettext_lazy("article", "Published")


class CategoryIcon(models.TextChoices):
    """What stands beside a shelf of articles."""

    BOOK = "book-open", _("Book")
    BAG = "shopping-bag", _("Bag")
    CART = "shopping-cart", _("Cart")
    DELIVERY = "truck", _("Delivery")
    PARCEL = "package", _("Parcel")
    CARD = "credit-card", _("Card")
    RECEIPT = "receipt", _("Receipt")
    RETURN = "undo-2", _("Return")
    BAKERY = "croissant", _("Bakery")
    LEARNING = "graduation-cap", _("Learning")
    START = "rocket", _("Start")
    TECHNICAL = "wrench", _("Technical")
    ACCOUNT = "user-round", _("Account")
    DATES = "calendar", _("Dates")
    HEART = "heart", _("Heart")
    QUESTION = "circle-help", _("Question")


class QuestionSource(models.TextChoices):
    """Where a question was asked that found no answer."""

    BOT = "bot", _("In a conversation")
    SEARCH = "search", _("In the help centre's search")
    FEEDBACK = "feedback", _("Under an article")


class QuestionState(models.TextChoices):
    """What became of a question without an answer."""

    OPEN = "open", pgettext_lazy("question", "Open")
    DRAFTED = "drafted", pgettext_lazy("question", "Article begun")
    DISMISSED = "dismissed", pgettext_lazy("question", "Dismissed")


class BotHours(models.TextChoices):
    """When a bot answers."""

    ALWAYS = "always", pgettext_lazy("when a bot answers", "Always")
    CLOSED = "closed", _("Outside the business hours only")
    OPEN = "open", _("During the business hours only")


class BotState(models.TextChoices):
    """How a bot's part in a conversation stands."""

    ACTIVE = "active", pgettext_lazy("bot", "Answering")
    HANDED_OFF = "handed_off", pgettext_lazy("bot", "A person was called")
    DONE = "done", pgettext_lazy("bot", "Solved by the bot")


class HandoffReason(models.TextChoices):
    """Why a bot called a person."""

    ASKED = "asked", _("The visitor asked for a person")
    MISSES = "misses", _("No answer was found")
    KEYWORD = "keyword", _("A word that calls a person")
    UNHELPFUL = "unhelpful", _("The answer did not help")
    FLOW = "flow", _("A button of the flow")
    CONTENT = "content", _("Something other than words was sent")
    FAILED = "failed", _("The bot did not work")
    PROGRAM = "program", _("The program decided so")


class BotOutcome(models.TextChoices):
    """What a bot did about a message."""

    GREETED = "greeted", _("Greeted")
    ANSWERED = "answered", _("Answered with an article")
    FLOWED = "flowed", _("Answered by the flow")
    MISSED = "missed", _("Found no answer")
    CONFIRMED = "confirmed", _("The visitor said whether it helped")
    HANDED_OFF = "handed_off", _("Called a person")
    FORWARDED = "forwarded", _("Given to the program")
    SKIPPED = "skipped", _("Answered together with the next message")


class AttachmentKind(models.TextChoices):
    """What a file is, by its bytes."""

    IMAGE = "image", _("Image")
    DOCUMENT = "document", _("Document")
    AUDIO = "audio", _("Audio")
    VIDEO = "video", _("Video")


class AttachmentState(models.TextChoices):
    """How far a file is; only a ready one can be opened."""

    UPLOADING = "uploading", pgettext_lazy("file", "Uploading")
    SCANNING = "scanning", pgettext_lazy("file", "Being checked")
    READY = "ready", pgettext_lazy("file", "Ready")
    REJECTED = "rejected", pgettext_lazy("file", "Rejected")


class StatKind(models.TextChoices):
    """Whose figures they are."""

    ALL = "all", _("Everything")
    INBOX = "inbox", pgettext_lazy("report", "Inbox")
    AGENT = "agent", _("Agent")
    TEAM = "team", pgettext_lazy("report", "Team")
    LABEL = "label", pgettext_lazy("report", "Label")
    CHANNEL = "channel", _("Channel")


class CallSide(models.TextChoices):
    """The two ends of a call."""

    AGENT = "agent", _("Agent")
    VISITOR = "visitor", _("Visitor")


class CallState(models.TextChoices):
    """Where a call stands."""

    RINGING = "ringing", pgettext_lazy("call", "Ringing")
    ACTIVE = "active", pgettext_lazy("call", "Talking")
    ENDED = "ended", pgettext_lazy("call", "Ended")


class CallReason(models.TextChoices):
    """How a call ended."""

    COMPLETED = "completed", pgettext_lazy("call", "Somebody hung up")
    MISSED = "missed", pgettext_lazy("call", "Nobody answered")
    DECLINED = "declined", pgettext_lazy("call", "Declined")
    BUSY = "busy", pgettext_lazy("call", "Busy")
    CANCELLED = "cancelled", pgettext_lazy("call", "Taken back before an answer")
    LOST = "lost", pgettext_lazy("call", "The connection was lost")


class PixState(models.TextChoices):
    """What became of an amount that was asked for."""

    OPEN = "open", pgettext_lazy("Pix charge", "Open")
    PAID = "paid", pgettext_lazy("Pix charge", "Paid")
    EXPIRED = "expired", pgettext_lazy("Pix charge", "Expired")
    CANCELLED = "cancelled", pgettext_lazy("Pix charge", "Cancelled")


class CampaignKind(models.TextChoices):
    """When a campaign speaks."""

    ONGOING = "ongoing", _("On the website, whenever a visitor fits")
    ONCE = "once", _("Once, to a list of contacts")


class CampaignState(models.TextChoices):
    """Where a campaign stands. Only `running` shows or sends anything."""

    DRAFT = "draft", pgettext_lazy("campaign", "Draft")
    SCHEDULED = "scheduled", pgettext_lazy("campaign", "Scheduled")
    RUNNING = "running", pgettext_lazy("campaign", "Running")
    PAUSED = "paused", pgettext_lazy("campaign", "Paused")
    DONE = "done", pgettext_lazy("campaign", "Finished")
    STOPPED = "stopped", pgettext_lazy("campaign", "Stopped")


class CampaignVisitors(models.TextChoices):
    """Whom a campaign on the website is for."""

    ALL = "all", _("Everybody")
    NEW = "new", _("Only on their first visit")
    RETURNING = "returning", _("Only people who come back")


class CampaignBasis(models.TextChoices):
    """Why the law allows writing to somebody first (LGPD, Lei 13.709/2018, art. 7)."""

    CONSENT = "consent", _("They agreed to it (only contacts with a recorded consent)")
    INTEREST = "interest", _("Legitimate interest (people you already serve)")


class RecipientState(models.TextChoices):
    """How far a campaign got with one person."""

    PENDING = "pending", pgettext_lazy("campaign recipient", "Waiting")
    SHOWN = "shown", pgettext_lazy("campaign recipient", "Shown")
    QUEUED = "queued", pgettext_lazy("campaign recipient", "On its way")
    SENT = "sent", pgettext_lazy("campaign recipient", "Sent")
    DELIVERED = "delivered", pgettext_lazy("campaign recipient", "Delivered")
    READ = "read", pgettext_lazy("campaign recipient", "Read")
    FAILED = "failed", pgettext_lazy("campaign recipient", "Failed")
    SKIPPED = "skipped", pgettext_lazy("campaign recipient", "Left out")


class LeftOut(models.TextChoices):
    """Why somebody of the audience gets nothing."""

    ADDRESS = "address", _("Not reachable through this channel")
    SAME = "same", _("The same address as somebody else")
    OPTED_OUT = "opted_out", _("Wants no campaigns")
    CONSENT = "consent", _("Has not agreed")
    BLOCKED = "blocked", _("Blocked")


class OptOutWay(models.TextChoices):
    """How somebody said that they want no campaigns."""

    LINK = "link", _("By the link in a mail")
    WORD = "word", _("By answering so")
    TEAM = "team", _("Told by the team")


class ChurnBand(models.TextChoices):
    """How likely a contact is not to come back, roughly."""

    LOW = "low", pgettext_lazy("risk", "Low")
    MEDIUM = "medium", pgettext_lazy("risk", "Medium")
    HIGH = "high", pgettext_lazy("risk", "High")


class TransferState(models.TextChoices):
    """Where an import or export stands."""

    UPLOADED = "uploaded", pgettext_lazy("transfer", "Uploaded")
    CHECKING = "checking", pgettext_lazy("transfer", "Being checked")
    CHECKED = "checked", pgettext_lazy("transfer", "Checked")
    WAITING = "waiting", pgettext_lazy("transfer", "Waiting")
    RUNNING = "running", pgettext_lazy("transfer", "Running")
    DONE = "done", pgettext_lazy("transfer", "Done")
    FAILED = "failed", pgettext_lazy("transfer", "Failed")
    STOPPED = "stopped", pgettext_lazy("transfer", "Stopped")


class LineOutcome(models.TextChoices):
    """What happens to a line of a spreadsheet of contacts."""

    NEW = "new", pgettext_lazy("line", "New")
    UPDATED = "updated", pgettext_lazy("line", "Changed")
    SKIPPED = "skipped", pgettext_lazy("line", "Left as it is")
    REFUSED = "refused", pgettext_lazy("line", "Refused")


class ExportKind(models.TextChoices):
    """What can be taken away as a file."""

    CONTACTS = "contacts", _("Contacts")
    CONVERSATIONS = "conversations", _("Conversations and messages")
