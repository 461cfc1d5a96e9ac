import pytest
from django.utils import timezone

from chat.enums import Status
from chat.models import Attachment, Contact, Conversation, Inbox, Message, Notification, Team
from chat.services import demo
from tenants.accounts.tests.factories import UserFactory


@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_a_demonstration_shows_every_state_and_is_made_once(acme, ana, bia, language):
    people = {"owner": ana, "agent": bia, "agent2": UserFactory(role__slug="agent")}
    now = timezone.now()

    made = demo.fill(language=language, now=now, people=people)
    again = demo.fill(language=language, now=now, people=people)

    assert made == Conversation.objects.count()
    assert again == 0
    elsewhere = Conversation.objects.exclude(inbox__channel="web")
    assert set(elsewhere.values_list("inbox__channel", flat=True)) == {"whatsapp", "telegram", "email"}
    assert not Message.objects.filter(delivery="pending").exists()
    by_bot = elsewhere.get(status="pending")
    assert by_bot.inbox.bot is not None
    assert [row.direction for row in by_bot.messages.exclude(direction="activity").order_by("seq")] == [
        "in",
        "bot",
        "in",
        "bot",
    ]
    assert Inbox.objects.get(channel="web").bot is None
    assert set(Conversation.objects.values_list("status", flat=True)) == set(Status.values)
    assert Conversation.objects.queue().count() == 3
    assert Conversation.objects.filter(agent_unread__gt=0).count() == 6
    assert Message.objects.filter(private=True).count() >= 4
    assert not Message.objects.filter(created_at__gt=now).exists()
    assert Contact.objects.filter(name="").exists()
    assert {"Vendas", "Admissions"} & set(Team.objects.values_list("name", flat=True))
    assert Conversation.objects.filter(labels__isnull=False, team__isnull=False).exists()
    assert Notification.objects.of(bia).unread().get().kind == "mention"
    carried = Attachment.objects.exclude(message=None)
    assert set(carried.values_list("kind", "state")) == {(kind, "ready") for kind in ("image", "document", "audio")}
    numbers = list(Conversation.objects.order_by("created_at").values_list("number", flat=True))
    assert numbers == sorted(numbers)
