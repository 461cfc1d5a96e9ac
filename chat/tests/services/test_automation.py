from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.enums import Trigger
from chat.models import AutomationRule, AutomationRun, Conversation, Label, Message, Team
from chat.services import automation, conversations, hours, macros, rulebook
from chat.tests.factories import (
    AutomationRuleFactory,
    ContactFactory,
    ConversationFactory,
    InboxFactory,
    MacroFactory,
    MessageFactory,
)
from conftest import person
from ops.kernel.errors import Invalid
from ops.kernel.outbox.services.dispatching import Dispatcher

URGENT = [{"do": "set_priority", "priority": "urgent"}]


def rule(**fields):
    return AutomationRuleFactory(**{"trigger": "message_received", "actions": URGENT, **fields})


def fire(conversation, *, trigger=Trigger.MESSAGE_RECEIVED, message=None, now, source="fact", **more):
    return automation.run(
        trigger,
        conversation_id=conversation.pk,
        message_id=message.pk if message else None,
        source=source,
        now=now,
        **more,
    )


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "message", "op": "contains", "value": "ORCAMENTO"}, True),  # case and accents aside
        ({"field": "message", "op": "starts_with", "value": "orçamento"}, False),
        ({"field": "message", "op": "not_contains", "value": "orçamento"}, False),
        ({"field": "contact_email", "op": "is_empty"}, True),
        ({"field": "contact_name", "op": "is", "value": "rita"}, True),
        ({"field": "status", "op": "is", "value": "open"}, True),
        ({"field": "priority", "op": "is_not", "value": "none"}, False),
        ({"field": "assignee", "op": "is_set"}, False),
        ({"field": "waiting_min", "op": "at_least", "value": 0}, True),
        ({"field": "over_quota", "op": "is", "value": "no"}, True),
        ({"field": "hours", "op": "is", "value": "yes"}, True),
        ({"field": "rating", "op": "at_most", "value": 2}, False),
    ],
)
def test_conditions(acme, noon, condition, holds):
    message = MessageFactory(body="Quero um orçamento", conversation__contact_inbox__contact__name="Rita")
    rule(conditions=[condition])

    runs = fire(message.conversation, message=message, now=noon)

    assert bool(runs) is holds


@pytest.mark.parametrize(("match", "holds"), [("all", False), ("any", True)])
def test_all_or_any(acme, noon, match, holds):
    rule(
        match=match,
        conditions=[
            {"field": "status", "op": "is", "value": "open"},
            {"field": "status", "op": "is", "value": "resolved"},
        ],
    )

    assert bool(fire(ConversationFactory(), now=noon)) is holds


def test_every_action_is_done_in_order_and_logged(acme, bia, noon):
    conversation = ConversationFactory(contact_inbox__contact__name="Rita Lima")
    rule(
        actions=[
            {"do": "assign_agent", "agent": str(bia.pk)},
            {"do": "send_message", "body": "Hello {{contact_first}}, this is {{agent}} of {{ company }}."},
            {"do": "add_note", "body": "Came by rule"},
            {"do": "snooze", "minutes": 30},
        ]
    )

    (run,) = fire(conversation, now=noon)

    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.status) == (bia, "snoozed")
    said = Message.objects.filter(direction="bot").order_by("seq")
    assert [(row.body, row.private) for row in said] == [
        ("Hello Rita, this is Bia Braga of Acme.", False),
        ("Came by rule", True),
    ]
    assert (run.state, [result["ok"] for result in run.results]) == ("done", [True] * 4)
    assert AutomationRule.objects.get().run_count == 1


def test_teams_and_labels(acme, noon):
    sales, lead = Team.objects.create(name="Sales"), Label.objects.create(name="Lead")
    conversation = ConversationFactory()
    rule(actions=[{"do": "assign_team", "team": str(sales.pk)}, {"do": "add_label", "label": str(lead.pk)}])
    rule(
        trigger="message_sent",
        conditions=[
            {"field": "team", "op": "is", "value": str(sales.pk)},
            {"field": "labels", "op": "contains", "value": str(lead.pk)},
        ],
        actions=[{"do": "remove_label", "label": str(lead.pk)}],
    )

    fire(conversation, now=noon)
    conversation.refresh_from_db()
    assert (conversation.team, list(conversation.labels.all())) == (sales, [lead])
    assert fire(conversation, trigger=Trigger.MESSAGE_SENT, now=noon)
    assert not conversation.labels.exists()


def test_what_cannot_be_done_stops_nothing(acme, bia, noon):
    rule(actions=[{"do": "assign_agent", "agent": str(uuid4())}, {"do": "reopen"}, *URGENT])
    conversation = ConversationFactory()

    (run,) = fire(conversation, now=noon)

    assert run.state == "partly"
    assert [result["ok"] for result in run.results] == [False, True, True]  # it is open already: no change
    assert run.results[0]["detail"]


def test_one_fact_sets_a_rule_off_once(acme, noon):
    rule(actions=[{"do": "send_message", "body": "Hi"}])
    conversation = ConversationFactory()

    assert len(fire(conversation, now=noon)) == 1
    assert fire(conversation, now=noon) == []

    assert Message.objects.filter(direction="bot").count() == 1


def test_rules_cannot_chase_each_other(acme, ana):
    """Two rules that undo each other, on the way events really go."""
    rule(trigger="conversation_resolved", actions=[{"do": "reopen"}], name="Up")
    rule(trigger="conversation_reopened", actions=[{"do": "resolve"}], name="Down")
    conversation = ConversationFactory()

    conversations.set_status(conversation_id=conversation.pk, status="resolved", by=ana)
    Dispatcher().drain()

    assert sorted(AutomationRun.objects.values_list("rule__name", flat=True)) == ["Down", "Up"]
    assert Conversation.objects.get().status == "resolved"


def test_a_rule_that_answers_does_not_answer_itself(acme, noon):
    rule(trigger="message_received", actions=[{"do": "send_message", "body": "We are on it."}])
    rule(trigger="message_sent", actions=[{"do": "send_message", "body": "Anything else?"}])

    MessageFactory(body="Hello")
    Dispatcher().drain()

    assert [row.body for row in Message.objects.filter(direction="bot")] == ["We are on it."]


def test_history_sets_nothing_off(acme, ana, noon):
    """What is heard of days later, after an outage or an import, greets nobody."""
    rule(trigger="conversation_started", actions=[{"do": "send_message", "body": "Welcome"}])
    conversation = ConversationFactory()
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(days=2))

    Dispatcher().drain()

    assert not Message.objects.filter(conversation=conversation).exists()


def test_closed_hours_in_a_rule(acme, ana, noon):
    inbox = InboxFactory()
    hours.change(inbox=inbox, by=ana, now=noon, active=True, week=[[]] * 7)
    rule(conditions=[{"field": "hours", "op": "is", "value": "no"}])

    assert fire(ConversationFactory(contact_inbox__inbox=inbox), now=noon)
    assert not fire(ConversationFactory(), now=noon, source="another")


def test_trying_changes_nothing(acme, noon):
    conversation = ConversationFactory()
    tried_rule = rule(conditions=[{"field": "status", "op": "is", "value": "open"}], active=False)

    (tried,) = automation.try_on(
        rule=tried_rule, conversations=[Conversation.objects.with_people().get(pk=conversation.pk)], now=noon
    )

    assert tried["matches"]
    assert tried["conditions"][0]["found"] == "open"
    assert len(tried["actions"]) == 1
    assert Conversation.objects.get().priority == "none"
    assert not AutomationRun.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"trigger": "full_moon"}, "trigger"),
        ({"actions": []}, "actions"),
        ({"actions": [{"do": "dance"}]}, "actions.0.do"),
        ({"actions": [{"do": "assign_me"}]}, "actions.0.do"),  # nobody runs a rule
        ({"actions": [{"do": "set_priority", "priority": "huge"}]}, "actions.0.priority"),
        ({"actions": [{"do": "snooze", "minutes": "soon"}]}, "actions.0.minutes"),
        ({"actions": [{"do": "resolve", "why": "?"}]}, "actions.0"),
        ({"actions": "resolve"}, "actions"),
        ({"conditions": [{"field": "moon", "op": "is", "value": "full"}]}, "conditions.0.field"),
        ({"conditions": [{"field": "status", "op": "at_least", "value": "open"}]}, "conditions.0.op"),
        ({"conditions": [{"field": "status", "op": "is", "value": "lost"}]}, "conditions.0.value"),
        ({"conditions": ["status"]}, "conditions.0"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(acme, ana, noon, fields, field):
    given = {"name": "Rule", "trigger": "message_received", "conditions": [], "actions": URGENT, **fields}

    with pytest.raises(Invalid) as refusal:
        automation.create(by=ana, now=noon, **given)

    assert [error.field for error in refusal.value.errors] == [field]
    assert not AutomationRule.objects.exists()


# --- Macros ---------------------------------------------------------------------------------------------


def test_a_macro_acts_in_the_name_of_who_runs_it(acme, bia, noon):
    conversation = ConversationFactory()
    macro = MacroFactory(steps=[{"do": "assign_me"}, {"do": "send_message", "body": "Done."}, {"do": "resolve"}])

    results = macros.run(macro_id=macro.pk, conversation_id=conversation.pk, by=bia, now=noon)

    conversation.refresh_from_db()
    assert [result["ok"] for result in results] == [True] * 3
    assert (conversation.assignee, conversation.status) == (bia, "resolved")
    assert Message.objects.get(direction="out").author_agent == bia
    macro.refresh_from_db()
    assert macro.used_count == 1


def test_a_macro_may_be_run_again(acme, bia, noon):
    conversation = ConversationFactory()
    macro = MacroFactory(steps=[{"do": "add_note", "body": "Seen"}])

    for _ in range(2):
        macros.run(macro_id=macro.pk, conversation_id=conversation.pk, by=bia, now=noon)

    assert Message.objects.filter(private=True).count() == 2


def test_whose_a_macro_is(acme, ana, bia, noon):
    dora = person(acme, "agent", email="dora@acme.example", name="Dora")
    own = macros.create(by=bia, now=noon, name="Mine", steps=URGENT)

    with pytest.raises(macros.NotYourMacro):
        macros.create(by=bia, now=noon, name="Ours", steps=URGENT, shared=True)
    with pytest.raises(macros.MacroNotFound):
        macros.run(macro_id=own.pk, conversation_id=ConversationFactory().pk, by=dora, now=noon)
    with pytest.raises(macros.MacroNotFound):
        macros.delete(macro=own, by=ana, now=noon)
    with pytest.raises(macros.NotYourMacro):
        macros.change(macro=own, by=bia, now=noon, shared=True)

    assert macros.create(by=ana, now=noon, name="Ours", steps=URGENT, shared=True).shared


@pytest.mark.parametrize(
    ("name", "said"), [("Maria Souza", "Thanks, Maria! Bye."), ("", "Thanks! Bye.")], ids=["known", "unknown"]
)
def test_nobody_is_called_by_a_name_that_is_not_known(acme, name, said):
    conversation = ConversationFactory(contact_inbox__contact=ContactFactory(name=name))

    assert rulebook.fill("Thanks, {{contact_first}}! Bye.", conversation) == said
