"""`/api/v1/chat/…`."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from chat.api.calls import CallsView, CallView
from chat.api.contacts import ContactViewSet
from chat.api.conversations import AgentsView, ConversationViewSet, StreamView
from chat.api.inboxes import InboxViewSet
from chat.api.messages import MessageView, RetryView
from chat.api.pix import PixViewSet
from chat.api.reports import ReportView
from chat.api.uploads import FileView, UploadsView, UploadView
from tenants.api.webhooks import WebhookViewSet

router = SimpleRouter()
router.register("inboxes", InboxViewSet, basename="chat-inbox")
router.register("conversations", ConversationViewSet, basename="chat-conversation")
router.register("contacts", ContactViewSet, basename="chat-contact")
router.register("pix", PixViewSet, basename="chat-pix")
router.register("webhooks", WebhookViewSet, basename="chat-webhook")

urlpatterns = [
    path("events/", StreamView.as_view(), name="chat-events"),
    path("messages/<uuid:message_id>/", MessageView.as_view(), name="chat-message"),
    path("messages/<uuid:message_id>/retry/", RetryView.as_view(), name="chat-message-retry"),
    path("reports/<slug:name>/", ReportView.as_view(), name="chat-report"),
    path("agents/", AgentsView.as_view(), name="chat-agents"),
    path("conversations/<int:number>/call/", CallView.as_view(), name="chat-call"),
    path("calls/", CallsView.as_view(), name="chat-calls"),
    path("uploads/", UploadsView.as_view(), name="chat-uploads"),
    path("uploads/<uuid:attachment_id>/", UploadView.as_view(), name="chat-upload"),
    path("files/<str:token>", FileView.as_view(), name="chat-file"),
    *router.urls,
]
