"""URLs of tenancy. `everywhere` also answers on the platform's and the resellers' hosts."""

from django.urls import path

from tenants.views import (
    announcements,
    brand,
    domains,
    home,
    language,
    mail,
    notifications,
    search,
    settings,
    support,
    webhooks,
)

app_name = "tenants"

everywhere = [
    path("brand.css", brand.brand_css, name="brand-css"),
    path("brand/logo", brand.logo, name="brand-logo"),
    path("brand/favicon.ico", brand.favicon, name="brand-favicon"),
    path("favicon.ico", brand.icon_of_the_site, name="favicon"),
    path("language/", language.switch_language, name="language"),
    path("announcements/<uuid:pk>/dismiss/", announcements.dismiss, name="announcement-dismiss"),
]
urlpatterns = [
    *everywhere,
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("settings/", settings.index, name="settings"),
    path("settings/company/", settings.general, name="settings-general"),
    path("settings/branding/", settings.brand, name="settings-branding"),
    path("settings/branding/preview/", settings.brand_preview, name="settings-branding-preview"),
    path("settings/domains/", domains.domain_list, name="domains"),
    path("settings/domains/given/", domains.domain_given, name="domain-given"),
    path("settings/domains/<uuid:pk>/", domains.domain, name="domain"),
    path("settings/domains/<uuid:pk>/check/", domains.domain_check, name="domain-check"),
    path("settings/domains/<uuid:pk>/primary/", domains.domain_primary, name="domain-primary"),
    path("settings/domains/<uuid:pk>/remove/", domains.domain_remove, name="domain-remove"),
    path("settings/support-access/", support.access, name="support-access"),
    path("settings/support-access/<uuid:pk>/", support.visit, name="support-visit"),
    path("settings/support-access/<uuid:pk>/answer/", support.answer, name="support-answer"),
    path("settings/support-access/<uuid:pk>/end/", support.end, name="support-end"),
    path("support-access/answer/<str:token>/", support.answer_by_letter, name="support-answer-link"),
    path("support/enter/<str:token>/", support.enter, name="support-enter"),
    path("support/leave/", support.leave, name="support-leave"),
    path("settings/mail/", mail.mail, name="mail"),
    path("settings/mail/check/", mail.mail_check, name="mail-check"),
    path("settings/mail/remove/", mail.mail_remove, name="mail-remove"),
    path("settings/mail/letters/<path:name>/preview/", mail.letter_preview, name="letter-preview"),
    path("settings/mail/letters/<path:name>/test/", mail.letter_test, name="letter-test"),
    path("settings/mail/letters/<path:name>/", mail.letter, name="letter"),
    path("settings/webhooks/", webhooks.webhook_list, name="webhooks"),
    path("settings/webhooks/add/", webhooks.webhook_add, name="webhook-add"),
    path("settings/webhooks/<uuid:pk>/", webhooks.webhook, name="webhook"),
    path("settings/webhooks/<uuid:pk>/remove/", webhooks.webhook_remove, name="webhook-remove"),
    path("settings/webhooks/<uuid:pk>/rotate/", webhooks.webhook_rotate, name="webhook-rotate"),
    path("settings/webhooks/<uuid:pk>/test/", webhooks.webhook_test, name="webhook-test"),
    path("settings/webhooks/<uuid:pk>/replay/<uuid:delivery>/", webhooks.webhook_replay, name="webhook-replay"),
]
