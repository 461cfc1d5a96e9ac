"""Rules: when something happens and the conditions hold, things are done by themselves.

A fact sets a rule off once: its run is kept under the fact's id. What a rule does may set off other rules, but never one
that is already part of the chain, and no chain is longer than `LONGEST_CHAIN`; so rules cannot chase each other.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _

from chat.enums import Match, RunState, Trigger
from chat.events import caused_by
from chat.models import AutomationRule, AutomationRun, Conversation, CsatResponse, Message, SlaEvent
from chat.services import rule_checks, rulebook
from ops.kernel.audit import services as audit
from ops.kernel.errors import Invalid

LONGEST_CHAIN = 5
MOST_RULES = 200
KEPT = timedelta(days=30)
TRIED = 50
FIELDS = {"name", "description", "trigger", "match", "conditions", "actions", "active", "position"}


@transaction.atomic
def create(*, by: Any, now: datetime, **fields: Any) -> AutomationRule:
    """Add a rule; it comes last. Raises `Invalid`."""
    if AutomationRule.objects.count() >= MOST_RULES:
        raise Invalid(_("There can be up to %(limit)s rules.") % {"limit": MOST_RULES})
    last = AutomationRule.objects.aggregate(last=Max("position"))["last"]
    rule = AutomationRule(position=0 if last is None else last + 1)
    _fill(rule, fields)
    rule.save()
    audit.record("chat.rule_created", by=by, on=rule, now=now)
    return rule


@transaction.atomic
def change(*, rule: AutomationRule, by: Any, now: datetime, **fields: Any) -> AutomationRule:
    """Change a rule. Raises `Invalid`."""
    _fill(rule, fields)
    rule.save(update_fields=[*fields, "updated_at"])
    audit.record("chat.rule_changed", by=by, on=rule, detail={"fields": sorted(fields)}, now=now)
    return rule


@transaction.atomic
def move_up(*, rule: AutomationRule, by: Any, now: datetime) -> None:
    """Let a rule run before the one above it; the first stays first."""
    order = list(AutomationRule.objects.order_by("position", "pk").select_for_update())
    at = next((number for number, row in enumerate(order) if row.pk == rule.pk), 0)
    if at == 0:
        return
    order[at - 1], order[at] = order[at], order[at - 1]
    for number, row in enumerate(order):
        if row.position != number:
            AutomationRule.objects.filter(pk=row.pk).update(position=number)
    audit.record("chat.rule_changed", by=by, on=rule, detail={"fields": ["position"]}, now=now)


@transaction.atomic
def delete(*, rule: AutomationRule, by: Any, now: datetime) -> None:
    """Remove a rule and the log of its runs."""
    audit.record("chat.rule_deleted", by=by, on=rule, now=now)
    rule.delete()


def _fill(rule: AutomationRule, fields: dict[str, Any]) -> None:
    unknown = set(fields) - FIELDS
    if unknown:
        raise TypeError(f"These are no fields of a rule: {', '.join(sorted(unknown))}.")
    for name, value in fields.items():
        setattr(rule, name, value.strip() if isinstance(value, str) else value)
    if not rule.name:
        raise Invalid(_("Give it a name."), field="name")
    if rule.trigger not in Trigger.values:
        raise Invalid(_("Choose when it runs."), field="trigger")
    if rule.match not in Match.values:
        raise Invalid(field="match")
    if "conditions" in fields:
        rule.conditions = rule_checks.checked_conditions(fields["conditions"])
    if "actions" in fields or not rule.actions:
        rule.actions = rule_checks.checked_actions(fields.get("actions", []))


# --- Running -------------------------------------------------------------------------------------------


def run(
    trigger: Trigger,
    *,
    conversation_id: UUID,
    source: str,
    now: datetime,
    cause: str = "",
    message_id: UUID | None = None,
    sla_event_id: UUID | None = None,
    csat_id: UUID | None = None,
) -> list[AutomationRun]:
    """Run every rule of this trigger whose conditions hold, in their order; returns the runs that were made.

    Each rule looks at the conversation as the one before left it.
    """
    chain = tuple(cause.split())
    if len(chain) >= LONGEST_CHAIN:
        return []
    rules = AutomationRule.objects.filter(active=True, trigger=trigger).order_by("position", "pk")
    made: list[AutomationRun] = []
    for rule in rules:
        if str(rule.pk) in chain:
            continue
        facts = _facts(conversation_id, now=now, message_id=message_id, sla_event_id=sla_event_id, csat_id=csat_id)
        if facts is None:
            return made
        holds, _verdicts = rulebook.weigh(rule.conditions, match=rule.match, facts=facts)
        if holds:
            done = _run(rule, conversation_id, source=source, chain=chain, now=now)
            made += [done] if done is not None else []
    return made


@transaction.atomic
def _run(
    rule: AutomationRule, conversation_id: UUID, *, source: str, chain: tuple[str, ...], now: datetime
) -> AutomationRun | None:
    kept, created = AutomationRun.objects.get_or_create(
        rule=rule, source=source, defaults={"conversation_id": conversation_id, "state": RunState.DONE, "at": now}
    )
    if not created:
        return None
    doing = rulebook.Doing(conversation_id, now, source=f"rule:{rule.pk}:{source}")
    with caused_by((*chain, str(rule.pk))):
        kept.results = rulebook.perform(rule.actions, doing=doing)
    went = [result["ok"] for result in kept.results]
    kept.state = RunState.DONE if all(went) else RunState.PARTLY if any(went) else RunState.FAILED
    kept.save(update_fields=["results", "state"])
    AutomationRule.objects.filter(pk=rule.pk).update(run_count=F("run_count") + 1, last_run_at=now)
    return kept


def _facts(
    conversation_id: UUID,
    *,
    now: datetime,
    message_id: UUID | None = None,
    sla_event_id: UUID | None = None,
    csat_id: UUID | None = None,
) -> rulebook.Facts | None:
    conversation = (
        Conversation.objects.select_related("contact", "inbox", "assignee").filter(pk=conversation_id).first()
    )
    if conversation is None:
        return None
    return rulebook.Facts(
        conversation=conversation,
        now=now,
        message=Message.objects.filter(pk=message_id).first() if message_id else None,
        sla_event=SlaEvent.objects.filter(pk=sla_event_id).first() if sla_event_id else None,
        csat=CsatResponse.objects.filter(pk=csat_id).first() if csat_id else None,
    )


def prune(*, now: datetime) -> int:
    """Forget runs after a month; returns how many."""
    deleted, _by_model = AutomationRun.objects.filter(at__lt=now - KEPT).delete()
    return deleted


# --- Trying --------------------------------------------------------------------------------------------


def try_on(
    *,
    rule: AutomationRule,
    conversations: Sequence[Conversation],
    now: datetime,
) -> list[dict[str, Any]]:
    """What the rule would do to these conversations, without doing any of it."""
    tried = []
    for conversation in conversations:
        facts = rulebook.Facts(
            conversation=conversation,
            now=now,
            sla_event=SlaEvent.objects.filter(conversation=conversation).order_by("-started_at", "-pk").first(),
            csat=CsatResponse.objects.filter(conversation=conversation).order_by("-asked_at", "-pk").first(),
        )
        matches, verdicts = rulebook.weigh(rule.conditions, match=rule.match, facts=facts)
        tried.append(
            {
                "conversation": conversation.number,
                "matches": matches,
                "conditions": [
                    {**verdict.condition, "holds": verdict.holds, "found": verdict.found} for verdict in verdicts
                ],
                "actions": rulebook.in_words(rule.actions) if matches else [],
            }
        )
    return tried
