import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from chat.models import ContactNote, Conversation, Inbox, Macro, Message
from chat.services import assignment, conversations, messages
from chat.tests.factories import ConversationFactory, LabelFactory, MessageFactory
from tenants.accounts.models import Role
from tenants.accounts.tests.factories import UserFactory


def numbers(response):
    """Numbers of the rows of a list, in order."""
    return [row.number for row in response.context["rows"]]


def texts(response):
    """What the lines of a thread say, in order."""
    return [line.text for line in response.context["lines"]]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(acme, bia, client_of, rows, django_assert_num_queries):
    for _ in range(rows):
        MessageFactory(conversation=ConversationFactory(assignee=bia))
    client = client_of(acme, user=bia)
    client.get("/chat/")

    with django_assert_num_queries(4):
        response = client.get("/chat/", headers={"x-console": "list"})

    assert len(numbers(response)) == rows


@pytest.mark.parametrize("lines", [1, 3])
def test_a_thread_asks_the_same_number_of_questions(acme, bia, client_of, lines, django_assert_num_queries):
    conversation = ConversationFactory(assignee=bia)
    for _ in range(lines):
        MessageFactory(conversation=conversation)
    client = client_of(acme, user=bia)
    address = f"/chat/c/{conversation.number}"
    for _ in range(2):
        client.get(address)  # what the tenant has set is remembered after it was asked for once

    with django_assert_num_queries(5):
        response = client.get(address, headers={"x-console": "thread"})

    assert len(texts(response)) == lines


def test_tabs_and_states_narrow_the_list_and_stay_in_the_address(acme, bia, ana, client_of):
    mine = ConversationFactory(assignee=bia)
    hers = ConversationFactory(assignee=ana)
    queued = ConversationFactory()
    resolved = ConversationFactory(assignee=bia)
    conversations.set_status(conversation_id=resolved.pk, status="resolved", by=bia)
    client = client_of(acme, user=bia)

    assert numbers(client.get("/chat/")) == [mine.number]
    assert numbers(client.get("/chat/?tab=queue")) == [queued.number]
    assert numbers(client.get("/chat/?tab=all")) == [queued.number, hers.number, mine.number]
    assert numbers(client.get("/chat/?status=resolved")) == [resolved.number]
    assert sorted(numbers(client.get("/chat/?tab=all&status=any"))) == sorted(
        row.number for row in (mine, hers, queued, resolved)
    )
    response = client.get("/chat/?tab=all&status=any")
    drawn = response.content.decode()
    assert all(f'href="/chat/c/{row.number}?tab=all&amp;status=any"' in drawn for row in response.context["rows"])
    assert {tab["key"]: tab["count"] for tab in response.context["tabs"]()} == {"mine": 1, "queue": 1, "all": 3}


@pytest.mark.parametrize(
    "query", ["?tab=x", "?status=\x00", "?limit=99999999999999999999", "?q=%00", "?limit=-1", "?q=%ff"]
)
def test_a_bent_address_shows_the_usual_list(acme, bia, client_of, query):
    ConversationFactory(assignee=bia)

    response = client_of(acme, user=bia).get("/chat/" + query)

    assert response.status_code == 200


def test_a_thread_reads_without_javascript(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    MessageFactory(conversation=conversation, body="Tem <b>pão</b>? Veja https://loja.example/a?b=1&c=2.")

    page = client_of(acme, user=bia).get(f"/chat/c/{conversation.number}").content.decode()

    assert "Tem &lt;b&gt;pão&lt;/b&gt;?" in page
    assert (
        '<a href="https://loja.example/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer nofollow ugc">'
        "https://loja.example/a?b=1&amp;c=2</a>." in page
    )
    assert "javascript:" not in page


def test_a_plain_form_sends_a_reply_once_however_often_it_is_sent(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    client = client_of(acme, user=bia)
    form = {"body": "Tem sim!", "client_id": str(uuid4()), "private": "0"}
    address = f"/chat/c/{conversation.number}/reply?tab=all"

    first, second = client.post(address, form), client.post(address, form)

    assert [first.status_code, second.status_code] == [302, 302]
    assert first["Location"] == f"/chat/c/{conversation.number}?tab=all"
    assert Message.objects.get().body == "Tem sim!"
    assert texts(client.get(first["Location"])) == ["Tem sim!"]


def test_an_empty_reply_is_refused_in_words(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)

    response = client_of(acme, user=bia).post(f"/chat/c/{conversation.number}/reply", {"body": "  "})

    assert response.status_code == 422
    assert not Message.objects.exists()


def test_taking_resolving_snoozing_and_flagging_by_plain_forms(acme, bia, client_of):
    conversation = ConversationFactory()
    client = client_of(acme, user=bia)
    base = f"/chat/c/{conversation.number}/"

    client.post(base + "assign", {"assignee": "me"})
    client.post(base + "priority", {"priority": "urgent"})
    client.post(base + "status", {"status": "snoozed", "until": "tomorrow"})
    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.priority, conversation.status) == (bia, "urgent", "snoozed")
    assert conversation.snoozed_until is not None
    client.post(base + "status", {"status": "open"})
    client.post(base + "status", {"status": "resolved"})
    client.post(base + "assign", {"assignee": ""})

    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.status, conversation.snoozed_until) == (None, "resolved", None)


def test_what_happened_is_said_in_whole_sentences(acme, bia, ana, client_of):
    conversation = ConversationFactory()
    assignment.claim(conversation_id=conversation.pk, by=bia)
    assignment.assign(conversation_id=conversation.pk, to=ana, by=bia)
    conversations.set_priority(conversation_id=conversation.pk, priority="high", by=ana)
    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=ana)

    bia.language = "en"
    bia.save()

    said = texts(client_of(acme, user=bia).get(f"/chat/c/{conversation.number}"))

    assert said == [
        "Bia Braga took the conversation",
        "Bia Braga gave the conversation to Ana Alves",
        "Ana Alves set the priority to High",
        "Ana Alves resolved the conversation",
    ]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("assign", {"assignee": str(uuid4())}),
        ("assign", {"assignee": "nobody"}),
        ("status", {"status": "gone"}),
        ("priority", {"priority": "maximum"}),
        ("contact", {"email": "not an address"}),
    ],
)
def test_values_nobody_offered_change_nothing(acme, bia, client_of, path, form):
    conversation = ConversationFactory()
    client = client_of(acme, user=bia)

    plain = client.post(f"/chat/c/{conversation.number}/{path}", form)
    script = client.post(f"/chat/c/{conversation.number}/{path}", form, headers={"x-console": "action"})

    assert plain.status_code in {302, 404, 422}
    assert script.status_code in {404, 422}
    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.status, conversation.priority) == (None, "open", "none")


def test_older_messages_come_in_pages(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    for number in range(45):
        messages.send(conversation_id=conversation.pk, by=bia, body=f"linha {number}", client_id=uuid4())
    client = client_of(acme, user=bia)

    newest = client.get(f"/chat/c/{conversation.number}")
    assert texts(newest) == [f"linha {number}" for number in range(5, 45)]
    older = re.search(r'href="([^"]+)" data-older', newest.content.decode())[1]

    response = client.get(older)

    assert texts(response) == [f"linha {number}" for number in range(5)]
    assert not response.context["more"]


def test_the_card_corrects_what_is_known_of_the_person(acme, bia, client_of):
    conversation = ConversationFactory()

    client_of(acme, user=bia).post(
        f"/chat/c/{conversation.number}/contact",
        {"name": "Marta", "email": "MARTA@example.com", "phone": "(11) 98888-7777"},
    )

    contact = Conversation.objects.get().contact
    assert (contact.name, contact.email, contact.phone_e164) == ("Marta", "marta@example.com", "+5511988887777")


def test_a_viewer_reads_and_cannot_write(acme, client_of):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Oi")
    client = client_of(acme, role="viewer")
    address = f"/chat/c/{conversation.number}"

    page = client.get(address)
    refused = [
        client.post(f"{address}/reply", {"body": "x"}).status_code,
        client.post(f"{address}/assign", {"assignee": "me"}).status_code,
        client.post(f"{address}/status", {"status": "resolved"}).status_code,
        client.post(f"{address}/contact", {"name": "x"}).status_code,
    ]

    assert page.status_code == 200
    assert "<textarea" not in page.content.decode()
    assert refused == [403, 403, 403, 403]
    assert Message.objects.count() == 1


def test_strangers_and_other_tenants_see_nothing(acme, beta, caio, client_of):
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="segredo de acme")
    address = f"/chat/c/{conversation.number}"

    stranger = client_of(acme).get(address)
    neighbour = client_of(beta, user=caio)

    assert stranger.status_code == 302
    assert stranger["Location"].startswith(reverse("accounts:login"))
    assert neighbour.get(address).status_code == 404
    assert neighbour.post(f"{address}/reply", {"body": "x"}).status_code == 404
    assert numbers(neighbour.get("/chat/?tab=all&status=any&q=segredo")) == []


def test_an_editor_has_no_business_at_the_counter(acme, client_of):
    ConversationFactory()

    assert client_of(acme, role="editor").get("/chat/").status_code == 403


def test_the_team_can_be_given_a_conversation_and_the_others_not(acme, bia, client_of):
    conversation = ConversationFactory()
    editor = UserFactory(role=Role.objects.get(slug="editor"))

    response = client_of(acme, user=bia).post(
        f"/chat/c/{conversation.number}/assign", {"assignee": str(editor.pk)}, headers={"x-console": "action"}
    )

    assert response.status_code == 422
    assert Conversation.objects.get().assignee is None


def test_the_home_page_shows_who_waits(acme, bia, client_of):
    MessageFactory(conversation=ConversationFactory(), body="Alguém aí?")
    ConversationFactory(assignee=bia)

    page = client_of(acme, user=bia).get("/").content.decode()

    assert "Alguém aí?" in page
    assert gettext("Waiting for an answer") in page


def row_of(response, conversation):
    """The drawn row of a conversation."""
    found = re.search(rf'<li class="chat-row" id="row-{conversation.pk}".*?</li>', response.content.decode(), re.S)
    assert found is not None
    return found.group()


def test_a_kept_row_is_drawn_again_when_what_it_shows_changes(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia, preview="Is it ready?")
    client = client_of(acme, user=bia)
    seen = [row_of(client.get("/chat/"), conversation)]
    assert row_of(client.get("/chat/"), conversation) == seen[0]

    def look():
        seen.append(row_of(client.get("/chat/"), conversation))
        return seen[-1]

    Conversation.objects.filter(pk=conversation.pk).update(preview="Now it is")
    assert "Now it is" in look()
    Conversation.objects.filter(pk=conversation.pk).update(agent_unread=3)
    assert 'data-unread="3"' in look()
    Conversation.objects.filter(pk=conversation.pk).update(priority="urgent")
    assert "chat-priority-urgent" in look()
    conversation.contact.name = "Rosa <Prado>"
    conversation.contact.save()
    assert "Rosa &lt;Prado&gt;" in look()
    conversation.labels.add(LabelFactory(name="wholesale"))
    assert "wholesale" in look()
    assert len(set(seen)) == len(seen)
    opened = row_of(client.get(f"/chat/c/{conversation.number}"), conversation)
    assert 'aria-current="true"' in opened
    assert 'aria-current="true"' not in row_of(client.get("/chat/"), conversation)


def test_a_kept_row_names_who_has_it_to_everybody_else(acme, bia, ana, client_of):
    conversation = ConversationFactory(assignee=bia)
    address, label = "/chat/?tab=all", f'aria-label="{bia.get_full_name()}"'

    own = row_of(client_of(acme, user=bia).get(address), conversation)
    hers = row_of(client_of(acme, user=ana).get(address), conversation)

    assert label in hers
    assert label not in own


def test_only_whatsapp_shows_until_when_free_words_are_taken(acme, bia, client_of):
    wrote_at = timezone.now()
    shut, taken, web = (ConversationFactory() for _ in range(3))
    Inbox.objects.filter(pk__in=(shut.inbox_id, taken.inbox_id)).update(channel="whatsapp")
    Conversation.objects.filter(pk__in=(taken.pk, web.pk)).update(last_contact_message_at=wrote_at)
    client = client_of(acme, user=bia)

    pages = {row: client.get(f"/chat/c/{row.number}").content.decode() for row in (shut, taken, web)}

    assert 'data-window=""' in pages[shut]
    until = re.search(r'data-window="([^"]+)"', pages[taken])
    assert until is not None
    assert datetime.fromisoformat(until[1]) == wrote_at + timedelta(hours=24)
    assert "data-templates" in pages[taken]
    assert "data-templates" not in pages[web]


def test_what_is_kept_of_a_thread_is_drawn_again_when_it_changes(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    message = MessageFactory(conversation=conversation, body="The first words")
    client = client_of(acme, user=bia)
    address = f"/chat/c/{conversation.number}"

    def look():
        return client.get(address, headers={"x-console": "thread"}).content.decode()

    assert "The first words" in look()
    Message.objects.filter(pk=message.pk).update(body="Other words")
    assert "Other words" in look()
    assert "The first words" not in look()
    ContactNote.objects.create(contact=conversation.contact, author=bia, body="Likes it warm")
    assert "Likes it warm" in look()
    conversation.contact.company = "Prado & Sons"
    conversation.contact.save()
    assert "Prado &amp; Sons" in look()
    conversation.labels.add(LabelFactory(name="wholesale"))
    assert re.search(r'<span class="label label-\w+">wholesale</span>', look())
    newcomer = UserFactory(role=Role.objects.get(slug="agent"), name="Caio Novo")
    assert f'value="{newcomer.pk}"' in look()


def test_a_macro_of_ones_own_is_drawn_for_nobody_else(acme, bia, ana, client_of):
    conversation = ConversationFactory(assignee=bia)
    Macro.objects.create(name="Only mine", owner=bia, shared=False, steps=[])
    address = f"/chat/c/{conversation.number}"

    own = client_of(acme, user=bia).get(address).content.decode()
    hers = client_of(acme, user=ana).get(address).content.decode()

    assert "Only mine" in own
    assert "Only mine" not in hers


def test_an_open_charge_is_settled_only_by_who_may_reply(acme, bia, client_of):
    conversation = ConversationFactory(assignee=bia)
    MessageFactory(conversation=conversation, kind="pix", meta={"state": "open", "txid": "A1"})
    reader = UserFactory(role=Role.objects.get(slug="viewer"))
    address = f"/chat/c/{conversation.number}"

    own = client_of(acme, user=bia).get(address).content.decode()
    theirs = client_of(acme, user=reader).get(address).content.decode()

    assert 'data-pix-settle="paid"' in own
    assert "data-pix-settle" not in theirs
