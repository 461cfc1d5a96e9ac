"""Tables of the support counter."""

from chat.models.article import Article, ArticleFeedback, ArticlePicture, ArticleVersion, Category
from chat.models.attachment import Attachment
from chat.models.automation import AutomationRule, AutomationRun, Macro
from chat.models.bot import Bot, BotAnswer, BotSession
from chat.models.call import Call
from chat.models.campaign import Campaign, CampaignRecipient
from chat.models.channel import ChannelAccount, OutgoingPart
from chat.models.churn import ChurnModel, ChurnScore
from chat.models.contact import Contact, ContactInbox, ContactMerge, ContactNote
from chat.models.conversation import Conversation
from chat.models.csat import CsatResponse
from chat.models.desk import CannedResponse, Draft, SavedView
from chat.models.event import ChatEvent
from chat.models.hours import BusinessHours, Holiday
from chat.models.inbox import Inbox
from chat.models.label import Label
from chat.models.left import LeftMessage
from chat.models.message import Message
from chat.models.notification import Mention, Notification, PushSubscription
from chat.models.pix import PixCharge
from chat.models.question import QuestionGroup, UnansweredQuestion
from chat.models.sla import SlaEvent, SlaPolicy
from chat.models.stat import HourlyStat
from chat.models.team import AgentProfile, InboxMember, Team, TeamMember
from chat.models.transfer import AccountImport, ContactImport, DataExport, ImportLine

__all__ = [
    "AccountImport",
    "AgentProfile",
    "Article",
    "ArticleFeedback",
    "ArticlePicture",
    "ArticleVersion",
    "Attachment",
    "AutomationRule",
    "AutomationRun",
    "Bot",
    "BotAnswer",
    "BotSession",
    "BusinessHours",
    "Call",
    "Campaign",
    "CampaignRecipient",
    "CannedResponse",
    "Category",
    "ChannelAccount",
    "ChatEvent",
    "ChurnModel",
    "ChurnScore",
    "Contact",
    "ContactImport",
    "ContactInbox",
    "ContactMerge",
    "ContactNote",
    "Conversation",
    "CsatResponse",
    "DataExport",
    "Draft",
    "Holiday",
    "HourlyStat",
    "ImportLine",
    "Inbox",
    "InboxMember",
    "Label",
    "LeftMessage",
    "Macro",
    "Mention",
    "Message",
    "Notification",
    "PixCharge",
    "OutgoingPart",
    "PushSubscription",
    "QuestionGroup",
    "SavedView",
    "SlaEvent",
    "SlaPolicy",
    "Team",
    "TeamMember",
    "UnansweredQuestion",
]
