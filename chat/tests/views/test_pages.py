import pytest

from chat.models import Contact, Inbox
from chat.tests.factories import ContactFactory, ConversationFactory, InboxFactory

# The page's form without a question; looks have to be chosen.
NO_QUESTIONS = {
    "questions-TOTAL_FORMS": 0,
    "questions-INITIAL_FORMS": 0,
    "position": "right",
    "theme": "auto",
}


@pytest.mark.parametrize("rows", [1, 3])
def test_the_contacts_ask_the_same_number_of_questions(acme, bia, client_of, rows, django_assert_num_queries):
    ContactFactory.create_batch(rows)
    client = client_of(acme, user=bia)
    client.get("/chat/contacts/")

    with django_assert_num_queries(4):
        response = client.get("/chat/contacts/")

    assert len(response.context["rows"]) == rows


def test_contacts_are_found_without_accents_and_paged_without_gaps(acme, bia, client_of):
    for number in range(52):
        ContactFactory(name=f"Pessoa {number:02}")
    ContactFactory(name="João Avelar")
    client = client_of(acme, user=bia)

    def names(response):
        return [row["contact"].name for row in response.context["rows"]]

    first = client.get("/chat/contacts/")
    second = client.get("/chat/contacts/" + first.context["next_url"])
    back = client.get("/chat/contacts/" + second.context["previous_url"])

    assert names(client.get("/chat/contacts/?q=joao")) == ["João Avelar"]
    assert names(first)[:2] == ["João Avelar", "Pessoa 51"]
    assert len(names(first)) == 50
    assert names(second) == ["Pessoa 02", "Pessoa 01", "Pessoa 00"]
    assert names(back) == names(first)
    assert second.context["next_url"] == ""


def test_a_contact_is_changed_and_mistakes_are_said_at_their_field(acme, bia, client_of):
    contact = ContactFactory(name="Marta")
    client = client_of(acme, user=bia)
    address = f"/chat/contacts/{contact.pk}/"

    wrong = client.post(address, {"name": "Marta", "email": "marta@example.com", "phone_e164": "12"})
    right = client.post(address, {"name": "Marta Lisboa", "email": "marta@example.com", "phone_e164": "11988887777"})

    assert wrong.status_code == 422
    assert "phone_e164" in wrong.context["form"].errors
    assert right.status_code == 302
    contact = Contact.objects.get()
    assert (contact.name, contact.phone_e164) == ("Marta Lisboa", "+5511988887777")


def test_a_viewer_sees_contacts_and_changes_none(acme, client_of):
    contact = ContactFactory(name="Marta")
    client = client_of(acme, role="viewer")

    assert client.get("/chat/contacts/").status_code == 200
    assert client.get(f"/chat/contacts/{contact.pk}/").status_code == 200
    assert client.post(f"/chat/contacts/{contact.pk}/", {"name": "x"}).status_code == 403
    assert Contact.objects.get().name == "Marta"


def test_a_contact_of_another_tenant_does_not_exist(acme, beta, caio, client_of):
    conversation = ConversationFactory()

    assert client_of(beta, user=caio).get(f"/chat/contacts/{conversation.contact_id}/").status_code == 404


def test_the_website_chat_is_set_up_by_those_who_may(acme, ana, client_of):
    inbox = InboxFactory()
    form = {
        "name": "Loja",
        "greeting": "Oi!",
        "reply_time": "Em minutos",
        "offline_text": "Voltamos às 8h",
        "locale": "en",
        "allowed_origins": "https://Loja.example/\nhttp://localhost:3000",
    }

    saved = client_of(acme, user=ana).post("/settings/chat/widget/", {**NO_QUESTIONS, **form})

    assert saved.status_code == 302
    inbox.refresh_from_db()
    assert (inbox.greeting, inbox.locale) == ("Oi!", "en")
    assert inbox.allowed_origins == ["https://loja.example", "http://localhost:3000"]


def test_a_website_that_is_none_is_refused_at_its_field(acme, ana, client_of):
    inbox = InboxFactory()

    response = client_of(acme, user=ana).post(
        "/settings/chat/widget/", {**NO_QUESTIONS, "name": "Loja", "allowed_origins": "loja.example/contato"}
    )

    assert response.status_code == 422
    assert "allowed_origins" in response.context["form"].errors
    assert Inbox.objects.get(pk=inbox.pk).allowed_origins == []


def test_what_the_chat_asks_and_how_it_looks_is_saved_with_its_words(acme, ana, client_of):
    inbox = InboxFactory()
    questions = {
        **{f"questions-{name}": value for name, value in (("TOTAL_FORMS", 3), ("INITIAL_FORMS", 0))},
        "questions-0-label": "Seu e-mail",
        "questions-0-type": "email",
        "questions-0-required": "on",
        "questions-1-label": "",
        "questions-2-label": "Assunto",
        "questions-2-type": "choice",
        "questions-2-options": "Entrega\r\nOutro",
    }
    form = {
        **NO_QUESTIONS,
        **questions,
        "name": "Loja",
        "position": "left",
        "theme": "dark",
        "label": "Fale com a gente",
        "feature_emoji": "on",
        "consent_text": "Guardamos a conversa.",
    }

    saved = client_of(acme, user=ana).post("/settings/chat/widget/", form)

    assert saved.status_code == 302
    inbox.refresh_from_db()
    assert inbox.pre_chat_fields == [
        {"name": "email", "label": "Seu e-mail", "type": "email", "required": True},
        {"name": "assunto", "label": "Assunto", "type": "choice", "required": False, "options": ["Entrega", "Outro"]},
    ]
    assert inbox.consent_now["text"] == "Guardamos a conversa."
    assert inbox.appearance == {
        "position": "left",
        "theme": "dark",
        "label": "Fale com a gente",
        "team": False,
        "sound": False,
    }
    assert (inbox.features["emoji"], inbox.features["voice"]) == (True, False)
    # The loader tells this inbox's page how to look, and no other page that it exists.
    loader = client_of(acme).get("/widget.js").content.decode()
    assert f'"{inbox.website_token[:8]}":{{"position":"left","theme":"dark","label":"Fale com a gente"}}' in loader
    assert inbox.website_token not in loader


def test_a_choice_without_answers_is_refused_at_its_question(acme, ana, client_of):
    inbox = InboxFactory()
    form = {**NO_QUESTIONS, "name": "Loja", "questions-0-label": "Assunto", "questions-0-type": "choice"}

    response = client_of(acme, user=ana).post("/settings/chat/widget/", {**form, "questions-TOTAL_FORMS": 1})

    assert response.status_code == 422
    assert list(response.context["questions"].forms[0].errors) == ["options"]
    inbox.refresh_from_db()
    assert inbox.pre_chat_fields == []


def test_an_agent_may_not_set_up_the_website_chat(acme, bia, client_of):
    InboxFactory()

    assert client_of(acme, user=bia).get("/settings/chat/widget/").status_code == 403
