"""A Chatwoot account moves in: everything, once, under its own dates, without anybody being greeted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat.errors import CounterRefused, CounterUnreachable, NotNow
from chat.models import (
    AccountImport,
    Article,
    Attachment,
    CannedResponse,
    Contact,
    Conversation,
    Inbox,
    Label,
    Message,
)
from chat.queries import spoken, wire
from chat.services import account_imports, messages, processing
from chat.tests.chatwoot import T0, PretendedChatwoot, contact, conversation, message
from chat.tests.factories import ContactFactory
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid
from ops.kernel.outbox.models import OutboxEvent


@pytest.fixture
def there(acme, settings, monkeypatch):
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    monkeypatch.setattr(account_imports, "PAUSE_S", 0)
    service = PretendedChatwoot()
    yield service
    service.close()


def begun(there, **fields):
    wanted = {"base_url": f"{there.url}/app/accounts/5/dashboard", "account": "5", "token": "secret"} | fields
    return account_imports.begin(by=None, now=timezone.now(), **wanted)


def finished(row):
    for _slice in range(20):
        if account_imports.run(import_id=row.pk, now=timezone.now(), slice=3):
            break
    row.refresh_from_db()
    return row


def furnish(there):
    """A small counter with a bit of everything."""
    there.labels = [{"id": 1, "title": "vip", "description": "Good ones", "color": "#1F93FF"}]
    there.canned = [{"id": 1, "short_code": "oi", "content": "Olá, {{contact.name}}"}]
    there.contacts = [contact(number) for number in range(1, 18)]
    there.contacts[0] |= {"phone_number": "+5511987654321", "identifier": "u-1", "custom_attributes": {"Cidade": "SP"}}
    there.tagged = {"vip": [1, 2]}
    there.conversations = [
        conversation(10, there.contacts[0], status="open", labels=["vip"], priority="high"),
        conversation(11, contact(40, name="Visitor", email=None)),
    ]
    there.conversations[0]["meta"]["assignee"] = {"id": 7, "name": "Bia"}
    there.messages = {
        10: [
            message(100, 0, "Tem bolo?"),
            message(101, 2, "Conversation was assigned"),
            message(102, 1, "Temos"),
            message(103, 1, "Cliente antiga", private=True),
            message(104, 0, None, attachments=[there.picture(1)]),
            message(105, 1, "Até logo", sender={"id": 99, "type": "user", "name": "Quem saiu"}),
        ],
        11: [message(110 + number, number % 2, f"Line {number}") for number in range(120)],
    }
    there.portals = [{"id": 1, "slug": "ajuda", "config": {"allowed_locales": [{"code": "pt_BR"}, {"code": "de"}]}}]
    there.articles = [
        {
            "id": 1,
            "title": "Como encomendar",
            "content": "## Passos\n\nLigue.",
            "description": "Em dois passos",
            "status": "published",
            "locale": "pt_BR",
            "category": {"id": 9, "name": "Pedidos"},
        },
        {"id": 2, "title": "Bestellen", "content": "x", "locale": "de"},
    ]


def test_everything_comes_along_under_its_own_dates(there, bia):
    furnish(there)

    row = finished(begun(there))

    assert (row.state, row.problem, row.token, row.name) == ("done", "", "", "Padaria")
    assert row.counts == {
        **{"labels": 1, "canned": 1, "inboxes": 1, "contacts": 18},
        **{"conversations": 2, "messages": 125, "files": 1, "articles": 1},
    }
    first = Contact.objects.get(identifier="u-1")
    assert (first.name, first.email, first.phone_e164, first.attrs) == (
        *("Person 1", "person1@example.com", "+5511987654321", {"Cidade": "SP"}),
    )
    assert first.created_at == datetime.fromtimestamp(T0 + 1, tz=UTC)
    assert [one.name for one in first.labels.all()] == ["vip"]
    talk = Conversation.objects.get(contact=first)
    assert (talk.status, talk.priority, talk.assignee, talk.agent_unread) == ("open", "high", bia, 0)
    assert (talk.created_at.timestamp(), talk.last_activity_at.timestamp()) == (T0 + 510, T0 + 5010)
    assert [label.name for label in talk.labels.all()] == ["vip"]
    lines = list(talk.messages.order_by("seq"))
    assert [(line.direction, line.body, line.private, line.author_agent_id) for line in lines] == [
        ("in", "Tem bolo?", False, None),
        ("out", "Temos", False, bia.pk),
        ("out", "Cliente antiga", True, bia.pk),
        ("in", "", False, None),
        ("out", "Até logo", False, None),
    ]
    assert [line.delivery for line in lines] == ["sent"] * 5
    assert lines[4].meta == {"imported_author": "Quem saiu"}
    assert spoken.latest(talk.pk, limit=5)[4].name == "Quem saiu"
    assert wire.message(lines[4], visitor=True)["author"] == {"kind": "agent", "id": None, "name": "Quem saiu"}
    assert lines[0].created_at.timestamp() == T0 + 1100
    assert Inbox.objects.get(name="Site (Chatwoot)").active is False
    assert CannedResponse.objects.get(shortcut="oi").body == "Olá, {{contact.name}}"
    article = Article.objects.get()
    assert (article.title, article.locale, article.state, article.category.name) == (
        *("Como encomendar", "pt-br", "draft", "Pedidos"),
    )
    assert [left["name"] for left in row.report] == ["Bestellen"]
    assert AuditEntry.objects.get(action="chat.account_imported").detail == row.counts


def test_the_picture_of_a_message_is_made_like_any_other(there):
    furnish(there)
    finished(begun(there))

    file = Attachment.objects.get()
    processing.run(attachment_id=file.pk, now=timezone.now())

    file.refresh_from_db()
    assert (file.state, file.kind, file.message.source_id[:9]) == ("ready", "image", "chatwoot:")


def test_nobody_is_greeted_notified_or_counted(there):
    furnish(there)
    before = OutboxEvent.objects.count()

    finished(begun(there))

    assert OutboxEvent.objects.count() == before


def test_a_second_import_brings_only_what_came_since_and_leaves_our_work_alone(there, bia):
    furnish(there)
    finished(begun(there))
    talk = Conversation.objects.get(contact__identifier="u-1")
    Contact.objects.filter(identifier="u-1").update(name="Dona Zélia")
    messages.send(conversation_id=talk.pk, by=bia, body="Já aqui", client_id=talk.client_id)
    Conversation.objects.filter(pk=talk.pk).update(status="resolved")
    there.messages[10].append(message(300, 0, "Mais uma coisa"))

    row = finished(begun(there))

    assert row.counts == {"messages": 1}
    talk.refresh_from_db()
    assert (talk.status, Contact.objects.get(identifier="u-1").name) == ("resolved", "Dona Zélia")
    assert talk.messages.filter(body="Mais uma coisa").count() == 1
    assert Message.objects.filter(body="Tem bolo?").count() == 1


def test_people_who_are_known_here_are_completed_not_doubled_and_the_erased_stay_away(there):
    furnish(there)
    known = ContactFactory(name="Zélia", email="person2@example.com", phone_e164="+551133334444")
    there.contacts[1] |= {"phone_number": "+5511955554444", "additional_attributes": {"company_name": "Café"}}
    finished(begun(there))
    erased = Contact.objects.get(email="person3@example.com")
    Contact.objects.filter(pk=erased.pk).update(name="", email="", erased_at=timezone.now())

    row = finished(begun(there))

    known.refresh_from_db()
    assert (known.name, known.phone_e164, known.company) == ("Zélia", "+551133334444", "Café")
    assert Contact.objects.filter(email="person2@example.com").count() == 1
    erased.refresh_from_db()
    assert (erased.email, row.counts) == ("", {})


def test_asked_for_patience_it_waits_and_goes_on_where_it_stopped(there, monkeypatch):
    furnish(there)
    row = begun(there)
    account_imports.run(import_id=row.pk, now=timezone.now(), slice=3)
    row.refresh_from_db()
    place = row.place
    # Three attempts of one call meet the limit.
    monkeypatch.setattr("ops.kernel.http.Client._pause", lambda *_arguments: 0)
    there.troubles = [(429, {"Retry-After": "60"})] * 3

    assert account_imports.run(import_id=row.pk, now=timezone.now()) is False
    row.refresh_from_db()
    assert (row.state, row.place["stage"], row.due_at is not None) == ("running", place["stage"], True)
    asked = len(there.asked)
    account_imports.run(import_id=row.pk, now=timezone.now())
    assert len(there.asked) == asked  # not before its time

    account_imports.run(import_id=row.pk, now=row.due_at + timedelta(seconds=1))
    row = finished(row)
    assert (row.state, row.counts["messages"], row.counts["contacts"]) == ("done", 125, 18)


def test_two_workers_at_once_store_everything_once(there, monkeypatch):
    furnish(there)
    row = begun(there)
    moved = account_imports._moved
    other = []

    def overtaken(*arguments):
        if not other:
            other.append(True)
            finished(AccountImport.objects.get(pk=row.pk))
        return moved(*arguments)

    monkeypatch.setattr(account_imports, "_moved", overtaken)
    finished(row)

    assert (row.state, row.counts["messages"]) == ("done", 125)
    assert (Message.objects.filter(body="Tem bolo?").count(), Label.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"token": "wrong"}, CounterRefused),
        ({"base_url": "http://127.0.0.1:9"}, CounterUnreachable),
        ({"base_url": "ftp://x"}, Invalid),
        ({"account": "padaria"}, Invalid),
    ],
    ids=["token", "nobody there", "scheme", "account"],
)
def test_what_cannot_work_is_said_at_once(there, fields, refusal):
    with pytest.raises(refusal):
        begun(there, **fields)
    assert not AccountImport.objects.exists()


def test_addresses_of_our_own_network_are_refused(there, settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = False

    with pytest.raises(CounterUnreachable):
        begun(there, base_url="https://127.0.0.1:8443")
    assert there.asked == []


def test_one_account_is_imported_once_at_a_time_and_a_stopped_one_stays_stopped(there):
    row = begun(there)
    with pytest.raises(NotNow):
        begun(there)

    account_imports.stop(import_id=row.pk, by=None, now=timezone.now())

    assert account_imports.run(import_id=row.pk, now=timezone.now()) is True
    row.refresh_from_db()
    assert (row.state, row.token, Contact.objects.count()) == ("stopped", "", 0)


def test_an_answer_of_another_shape_ends_it_in_words(there):
    row = begun(there)
    there.labels = "nonsense"

    row = finished(row)

    assert (row.state, row.problem) == ("failed", "an answer without payload")


def test_the_command_reads_to_the_end(there, acme, tmp_path, capsys):
    furnish(there)
    token = tmp_path / "token"
    token.write_text("secret\n")
    options = {"tenant": acme.schema_name, "url": there.url, "account": "5", "token_file": str(token)}

    call_command("chatwoot", **options)

    assert "done: {" in capsys.readouterr().out
    token.write_text("wrong")
    with pytest.raises(CommandError):
        call_command("chatwoot", **options)


def test_the_page_starts_it_and_shows_how_far_it_is(there, acme, ana, bia, client_of):
    furnish(there)
    client = client_of(acme, user=ana)
    sent = {"base_url": there.url, "account": "5", "token": "secret", "with_files": "on"}

    wrong = client.post("/settings/chat/import/", {**sent, "token": "wrong"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["token"])
    assert client_of(acme, user=bia).post("/settings/chat/import/", sent).status_code == 403
    answer = client.post("/settings/chat/import/", sent)

    row = AccountImport.objects.get()
    assert answer["Location"] == f"/settings/chat/import/{row.pk}/"
    assert client.get(answer["Location"]).context["busy"] is True
    finished(row)
    page = client.get(answer["Location"])
    assert page.context["numbers"][1]["value"] == 2
    assert b"Bestellen" in page.content
    api = client.get(f"/api/v1/chat/imports/chatwoot/{row.pk}/").json()
    assert (api["state"], "token" in api) == ("done", False)
