"""`/api/v1/chat/…`."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from chat.api.agents import AgentsView, AgentView, MeView
from chat.api.automation import AutomationViewSet, MacroViewSet
from chat.api.bots import BotViewSet
from chat.api.bulk import BulkView
from chat.api.calls import CallsView, CallView
from chat.api.campaigns import CampaignViewSet, ChurnViewSet
from chat.api.channels import IncomingView, ReceiptsView, TemplatesView, TemplateView
from chat.api.contacts import ContactViewSet
from chat.api.conversations import ConversationViewSet, StreamView
from chat.api.desk import CannedViewSet, DraftsView, DraftView, LabelViewSet, SavedViewViewSet, TeamViewSet
from chat.api.flow import (
    CsatSettingsViewSet,
    CsatViewSet,
    HoursViewSet,
    LeftMessageViewSet,
    RoutingViewSet,
    SlaViewSet,
)
from chat.api.help import ArticleViewSet, CategoryViewSet, PictureView, QuestionViewSet
from chat.api.inboxes import InboxViewSet
from chat.api.messages import MessageView, RetryView
from chat.api.notifications import NotificationViewSet, PushSubscriptionView, PushView
from chat.api.pix import PixViewSet
from chat.api.privacy import EraseView, ExportView
from chat.api.reports import ReportView
from chat.api.searching import SearchView
from chat.api.streaming import waiting
from chat.api.transcripts import TranscriptView
from chat.api.transfers import (
    AccountImportViewSet,
    ContactImportUploadView,
    ContactImportViewSet,
    DataExportViewSet,
    ExportFileView,
)
from chat.api.uploads import FileView, UploadsView, UploadView
from chat.api.visitors import VisitorsView
from tenants.api.webhooks import WebhookViewSet

router = SimpleRouter()
router.register("inboxes", InboxViewSet, basename="chat-inbox")
router.register("conversations", ConversationViewSet, basename="chat-conversation")
router.register("articles", ArticleViewSet, basename="chat-article")
router.register("article-categories", CategoryViewSet, basename="chat-article-category")
router.register("article-questions", QuestionViewSet, basename="chat-article-question")
router.register("bots", BotViewSet, basename="chat-bot")
router.register("contacts/imports", ContactImportViewSet, basename="chat-contact-import")
router.register("imports/chatwoot", AccountImportViewSet, basename="chat-account-import")
router.register("exports", DataExportViewSet, basename="chat-export")
router.register("contacts", ContactViewSet, basename="chat-contact")
router.register("pix", PixViewSet, basename="chat-pix")
router.register("webhooks", WebhookViewSet, basename="chat-webhook")
router.register("teams", TeamViewSet, basename="chat-team")
router.register("labels", LabelViewSet, basename="chat-label")
router.register("canned", CannedViewSet, basename="chat-canned")
router.register("views", SavedViewViewSet, basename="chat-view")
router.register("notifications", NotificationViewSet, basename="chat-notification")
router.register("hours", HoursViewSet, basename="chat-hours")
router.register("routing", RoutingViewSet, basename="chat-routing")
router.register("sla", SlaViewSet, basename="chat-sla")
router.register("csat/settings", CsatSettingsViewSet, basename="chat-csat-settings")
router.register("csat", CsatViewSet, basename="chat-csat")
router.register("macros", MacroViewSet, basename="chat-macro")
router.register("automation", AutomationViewSet, basename="chat-automation")
router.register("campaigns", CampaignViewSet, basename="chat-campaign")
router.register("churn", ChurnViewSet, basename="chat-churn")
router.register("left-messages", LeftMessageViewSet, basename="chat-left-message")

urlpatterns = [
    path("events/", waiting(StreamView.as_view()), name="chat-events"),
    path("messages/<uuid:message_id>/", MessageView.as_view(), name="chat-message"),
    path("messages/<uuid:message_id>/retry/", RetryView.as_view(), name="chat-message-retry"),
    path("conversations/<int:number>/transcript/", TranscriptView.as_view(), name="chat-transcript"),
    path("articles/pictures/", PictureView.as_view(), name="chat-article-pictures"),
    path("contacts/imports/upload/", ContactImportUploadView.as_view(), name="chat-contact-import-upload"),
    path("exports/file/<str:token>", ExportFileView.as_view(), name="chat-export-file"),
    path("contacts/<uuid:contact_id>/lgpd/export/", ExportView.as_view(), name="chat-contact-export"),
    path("contacts/<uuid:contact_id>/lgpd/erase/", EraseView.as_view(), name="chat-contact-erase"),
    path("reports/<slug:name>/", ReportView.as_view(), name="chat-report"),
    path("search/", SearchView.as_view(), name="chat-search"),
    path("visitors/", VisitorsView.as_view(), name="chat-visitors"),
    path("agents/", AgentsView.as_view(), name="chat-agents"),
    path("conversations/<int:number>/call/", CallView.as_view(), name="chat-call"),
    path("calls/", CallsView.as_view(), name="chat-calls"),
    path("uploads/", UploadsView.as_view(), name="chat-uploads"),
    path("uploads/<uuid:attachment_id>/", UploadView.as_view(), name="chat-upload"),
    path("files/<str:token>", FileView.as_view(), name="chat-file"),
    path("agents/me/", MeView.as_view(), name="chat-agents-me"),
    path("agents/<uuid:user_id>/", AgentView.as_view(), name="chat-agent"),
    path("drafts/", DraftsView.as_view(), name="chat-drafts"),
    path("drafts/<int:number>/", DraftView.as_view(), name="chat-draft"),
    path("push/", PushView.as_view(), name="chat-push"),
    path("push/<uuid:subscription_id>/", PushSubscriptionView.as_view(), name="chat-push-subscription"),
    path("bulk/", BulkView.as_view(), name="chat-bulk"),
    path("inboxes/<uuid:inbox_id>/templates/", TemplatesView.as_view(), name="chat-inbox-templates"),
    path("inboxes/<uuid:inbox_id>/incoming/", IncomingView.as_view(), name="chat-inbox-incoming"),
    path("inboxes/<uuid:inbox_id>/receipts/", ReceiptsView.as_view(), name="chat-inbox-receipts"),
    path("conversations/<int:number>/template/", TemplateView.as_view(), name="chat-conversation-template"),
    *router.urls,
]
