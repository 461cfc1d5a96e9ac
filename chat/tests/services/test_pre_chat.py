import pytest

from chat.services import inboxes, pre_chat
from chat.tests.factories import InboxFactory
from ops.kernel.errors import Invalid


def test_questions_get_names_of_their_own_and_keep_only_what_belongs_to_them(acme):
    kept = pre_chat.checked(
        [
            {"name": "email", "label": "Your e-mail", "type": "email", "required": True, "options": ["x"]},
            {"label": "Nº do pedido"},
            {"label": "Subject", "type": "choice", "options": [" Delivery ", "", "Payment", "Delivery"]},
        ]
    )

    assert kept == [
        {"name": "email", "label": "Your e-mail", "type": "email", "required": True},
        {"name": "n_do_pedido", "label": "Nº do pedido", "type": "text", "required": False},
        {
            "name": "subject",
            "label": "Subject",
            "type": "choice",
            "required": False,
            "options": ["Delivery", "Payment"],
        },
    ]


@pytest.mark.parametrize(
    ("questions", "field"),
    [
        ([{"label": " "}], "pre_chat_fields.0.label"),
        ([{"label": "A"}, {"label": "B", "type": "file"}], "pre_chat_fields.1.type"),
        ([{"label": "A", "name": "a"}, {"label": "B", "name": "a"}], "pre_chat_fields.1.name"),
        ([{"label": "A", "type": "choice", "options": ["one"]}], "pre_chat_fields.0.options"),
        ([{"label": str(n)} for n in range(9)], "pre_chat_fields"),
    ],
)
def test_a_wrong_question_is_named(acme, questions, field):
    with pytest.raises(Invalid) as refused:
        pre_chat.checked(questions)

    assert [error.field for error in refused.value.errors] == [field]


def test_another_consent_text_is_another_version(acme, ana):
    inbox = InboxFactory()

    inboxes.change(inbox=inbox, by=ana, consent_text="We keep what you write.")
    inboxes.change(inbox=inbox, by=ana, consent_text=" We keep what you write. ")
    inboxes.change(inbox=inbox, by=ana, consent_text="We keep what you write for a year.")
    asked = inbox.consent_now
    inboxes.change(inbox=inbox, by=ana, consent_text="")

    assert (asked["version"], asked["text"]) == (2, "We keep what you write for a year.")
    assert [one["version"] for one in inbox.consent] == [1, 2, 3]
    assert inbox.consent_now is None


@pytest.mark.parametrize(
    "change",
    [{"appearance": {"position": "top"}}, {"appearance": {"colour": "red"}}, {"appearance": {"label": "x" * 25}},
     {"features": {"mining": True}}, {"consent_text": "x" * 601}],
)  # fmt: skip
def test_looks_and_switches_nobody_knows_are_refused(acme, ana, change):
    inbox = InboxFactory()

    with pytest.raises(Invalid):
        inboxes.change(inbox=inbox, by=ana, **change)
