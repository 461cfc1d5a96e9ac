"""Announcements in the console, in the reader's language."""

from django.test import Client
from django.urls import reverse_lazy
from django.utils import timezone
from django_tenants.utils import schema_context

from tenants.accounts.tests.factories import UserFactory
from tenants.tests.factories import AnnouncementFactory

LIST = reverse_lazy("admin:tenants_announcement_changelist", urlconf="config.urls_public")


def test_the_list_names_each_in_the_readers_language(db):
    AnnouncementFactory(title_pt="Manutenção no domingo", title_en="Maintenance on Sunday", starts_at=timezone.now())
    AnnouncementFactory(title_pt="Só em português", title_en="", starts_at=timezone.now())
    client = Client(headers={"host": "localhost", "accept-language": "en"})
    with schema_context("public"):
        client.force_login(UserFactory(email="admin@x.example", is_staff=True, is_superuser=True, language="en"))

    page = client.get(LIST).content.decode()

    assert "Maintenance on Sunday" in page
    assert "Manutenção no domingo" not in page
    assert "Só em português" in page  # what a language lacks, the other says
