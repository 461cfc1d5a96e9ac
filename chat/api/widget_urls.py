"""`/api/widget/v1/…`."""

from django.urls import path

from chat.api import calls, transcripts, widget, widget_campaigns, widget_help, widget_uploads
from chat.api.streaming import waiting

app_name = "widget-api"

urlpatterns = [
    path("articles/", widget_help.WidgetArticlesView.as_view(), name="articles"),
    path("articles/<uuid:article_id>/", widget_help.WidgetArticleView.as_view(), name="article"),
    path("config/", widget.ConfigView.as_view(), name="config"),
    path("campaigns/", widget_campaigns.OffersView.as_view(), name="campaigns"),
    path("campaigns/<uuid:campaign_id>/", widget_campaigns.OfferView.as_view(), name="campaign"),
    path("session/", widget.SessionView.as_view(), name="session"),
    path("contact/", widget.ContactView.as_view(), name="contact"),
    path("conversations/", widget.ConversationsView.as_view(), name="conversations"),
    path(
        "conversations/<uuid:conversation_id>/events/",
        waiting(widget.EventsView.as_view(), group="pub.{conversation_id}"),
        name="events",
    ),
    path("conversations/<uuid:conversation_id>/messages/", widget.MessagesView.as_view(), name="messages"),
    path("conversations/<uuid:conversation_id>/read/", widget.ReadView.as_view(), name="read"),
    path("conversations/<uuid:conversation_id>/call/", calls.VisitorCallView.as_view(), name="call"),
    path("calls/", calls.VisitorCallsView.as_view(), name="calls"),
    path("uploads/", widget_uploads.VisitorUploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:attachment_id>/", widget_uploads.VisitorUploadView.as_view(), name="upload"),
    path(
        "conversations/<uuid:conversation_id>/transcript/",
        transcripts.VisitorTranscriptView.as_view(),
        name="transcript",
    ),
    path("conversations/<uuid:conversation_id>/end/", widget.EndView.as_view(), name="end"),
    path("conversations/<uuid:conversation_id>/csat/", widget.CsatView.as_view(), name="csat"),
    path("left/", widget.LeaveView.as_view(), name="left"),
    path("page/", widget.PageView.as_view(), name="page"),
]
