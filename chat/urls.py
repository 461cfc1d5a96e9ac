"""Addresses of the support counter on a tenant's host."""

from django.urls import URLPattern, path

from chat.api.help import BotHookView
from chat.views import (
    actions,
    agents,
    articles,
    console,
    contacts,
    desk,
    help,
    pix,
    privacy,
    reports,
    settings,
    visitors,
    widget,
)

app_name = "chat"


def shelf_routes(name: str) -> list[URLPattern]:
    """List, add, change and remove of one kind of small things."""
    kept = {"shelf": name}
    return [
        path(f"settings/chat/{name}/", desk.shelf_list, kept, name=f"settings-{name}"),
        path(f"settings/chat/{name}/add/", desk.shelf_add, kept, name=f"settings-{name}-add"),
        path(f"settings/chat/{name}/<uuid:pk>/", desk.shelf_change, kept, name=f"settings-{name}-change"),
        path(f"settings/chat/{name}/<uuid:pk>/remove/", desk.shelf_remove, kept, name=f"settings-{name}-remove"),
    ]


urlpatterns = [
    path("chat/", console.console, name="console"),
    path("chat/c/<int:number>", console.console, name="conversation"),
    path("chat/c/<int:number>/older", console.older, name="older"),
    path("chat/c/<int:number>/lines", console.lines, name="lines"),
    path("chat/c/<int:number>/reply", actions.reply, name="reply"),
    path("chat/c/<int:number>/status", actions.status, name="status"),
    path("chat/c/<int:number>/assign", actions.assign, name="assign"),
    path("chat/c/<int:number>/priority", actions.priority, name="priority"),
    path("chat/c/<int:number>/team", actions.team, name="team"),
    path("chat/c/<int:number>/labels", actions.labels, name="labels"),
    path("chat/c/<int:number>/unread", actions.unread, name="unread"),
    path("chat/c/<int:number>/contact", actions.contact, name="contact-card"),
    path("chat/articles", articles.search, name="articles"),
    path("chat/c/<int:number>/article", articles.send, name="article"),
    path("chat/push.js", console.push_worker, name="push-worker"),
    path("chat/visitors/", visitors.visitor_list, name="visitors"),
    path("chat/visitors/<uuid:pk>/write", visitors.write, name="visitor-write"),
    path("chat/contacts/", contacts.contact_list, name="contacts"),
    path("chat/contacts/<uuid:pk>/", contacts.contact_page, name="contact"),
    path("chat/contacts/<uuid:pk>/data/", privacy.contact_data, name="contact-data"),
    path("chat/contacts/<uuid:pk>/erase/", privacy.contact_erase, name="contact-erase"),
    path("chat/reports/", reports.overview, name="reports"),
    path("chat/reports/<slug:name>/", reports.report, name="report"),
    path("settings/chat/pix/", pix.pix_settings, name="settings-pix"),
    path("settings/chat/agents/", agents.agent_list, name="agents"),
    path("settings/chat/agents/<uuid:pk>/", agents.agent_page, name="agent"),
    path("settings/chat/me/", agents.my_work, name="my-work"),
    path("settings/chat/me/browsers/<uuid:pk>/remove/", agents.browser_remove, name="browser-remove"),
    path("settings/chat/inboxes/", agents.inbox_list, name="inboxes"),
    path("settings/chat/inboxes/add/", agents.inbox_add, name="inbox-add"),
    path("settings/chat/inboxes/<uuid:pk>/", agents.inbox_page, name="inbox"),
    path("settings/chat/inboxes/<uuid:pk>/remove/", agents.inbox_remove, name="inbox-remove"),
    *(route for shelf in desk.SHELVES for route in shelf_routes(shelf)),
    path("settings/chat/widget/", settings.widget_settings, name="settings-widget"),
    path("widget.js", widget.loader, name="widget-loader"),
    path("widget/app/", widget.app, name="widget-app"),
    path("widget/texts/call/", widget.call_parts, name="widget-call-parts"),
    path("widget/texts/", widget.texts, name="widget-texts"),
    path("widget/demo/", widget.demo, name="widget-demo"),
    path("help/", help.home, name="help"),
    path("help/c/<slug:slug>", help.category, name="help-category"),
    path("help/a/<slug:slug>", help.article, name="help-article"),
    path("help/a/<slug:slug>/feedback", help.feedback, name="help-feedback"),
    path("help/search", help.search, name="help-search"),
    path("help/sitemap.xml", help.sitemap, name="help-sitemap"),
    path("hooks/bot/<uuid:bot_id>/", BotHookView.as_view(), name="bot-hook"),
    path("robots.txt", help.robots, name="robots"),
]
