"""Pages that exist in development only: what the house can look like, and what mail it sent."""

from django.urls import path

from config.dev import views

app_name = "dev"
urlpatterns = [
    path("gallery/", views.gallery, name="gallery"),
    path("gallery/<slug:page>/", views.gallery_page, name="gallery-page"),
    path("errors/<slug:name>/", views.failure, name="failure"),
    path("mail/", views.mailbox, name="mail"),
    path("mail/<str:name>/", views.mail_message, name="mail-message"),
]
