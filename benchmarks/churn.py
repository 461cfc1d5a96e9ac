"""How well the churn estimate tells contacts apart, on a made-up history in a database of its own.

Every contact writes at a rhythm of their own (gamma-distributed rates, as in Fader, Hardie and Lee's BG/NBD) and may be
lost after each conversation; being answered late, not at all or badly makes that likelier by a factor that `--service`
scales. What became of each in the ninety days after the cut is known here, and the features look only back from it.

Prints AUC (a pair of one who was lost and one who was not, put in the right order) of the house's weights and of weights
learned from the ninety days before, each as a ratio to days of silence alone; and the seconds the nightly statement takes.

    python benchmarks/churn.py [--contacts 4000] [--service 1.0] [--seed 7]
"""

import argparse
import random
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import throwaway  # noqa: F401 — first: it makes the database and sets Django up
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import schema_context

from chat.enums import CsatScale
from chat.models import Contact, ContactInbox, Conversation, CsatResponse, Inbox, Message, SlaEvent
from chat.queries import churn as queries
from chat.services import churn
from tenants.services import provisioning

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
PAST_DAYS = 360


def make(count: int, *, service: float, seed: int) -> tuple[int, int]:
    """Write the history; says how many conversations and messages."""
    chance = random.Random(seed)
    inbox = Inbox.objects.order_by("pk").first() or Inbox.objects.create(name="Website")
    contacts, links, talks, messages, rated, broken = [], [], [], [], [], []

    def key() -> UUID:
        return UUID(int=chance.getrandbits(128), version=4)

    for number in range(count):
        contact = Contact(id=key(), name=f"Contact {number}")
        link = ContactInbox(id=key(), contact=contact, inbox=inbox, source_id=f"bench-{number}")
        contacts.append(contact)
        links.append(link)
        gap = 1 / chance.gammavariate(1.3, 1 / 32)
        at = NOW - timedelta(days=chance.uniform(0, PAST_DAYS))
        patience = chance.betavariate(1.2, 6)
        while at < NOW + queries.HORIZON:
            wait = chance.lognormvariate(0.2, 1.3)
            ignored = chance.random() < 0.08
            talk = Conversation(
                id=key(), number=len(talks) + 1, inbox=inbox, contact=contact, contact_inbox=link, client_id=key(),
                status="resolved", last_activity_at=at, last_message_at=at, last_contact_message_at=at,
                first_reply_at=None if ignored else at + timedelta(hours=wait), last_seq=1, last_pub_seq=1,
            )  # fmt: skip
            talks.append((talk, at))
            messages.append(
                Message(
                    id=key(), conversation=talk, seq=1, pub_seq=1, client_id=key(), direction="in", body="?",
                    author_contact=contact, created_at=at,
                )
            )  # fmt: skip
            lost = patience + service * (0.25 * ignored + 0.06 * min(wait / 8, 2))
            if wait > 12 or ignored:
                broken.append(
                    SlaEvent(
                        id=key(), conversation=talk, kind="first_response", target_s=43_200, started_at=at,
                        breached_at=at + timedelta(hours=12), ended_at=at + timedelta(hours=12),
                    )
                )  # fmt: skip
            if chance.random() < 0.35:
                rating = max(1, min(5, round(chance.gauss(4.4 - 0.12 * min(wait, 12) - 1.8 * ignored, 0.8))))
                lost += service * 0.07 * (4 - rating)
                rated.append(
                    CsatResponse(
                        id=key(), conversation=talk, contact=contact, scale=CsatScale.STARS, rating=rating,
                        asked_at=at, answered_at=at + timedelta(hours=min(wait, 24) + 1),
                    )
                )  # fmt: skip
            if chance.random() < lost:
                break
            at += timedelta(days=max(chance.expovariate(1 / gap), 0.05))
    for model, rows in (
        (Contact, contacts), (ContactInbox, links), (Conversation, [talk for talk, _at in talks]), (Message, messages),
        (CsatResponse, rated), (SlaEvent, broken),
    ):  # fmt: skip
        model._default_manager.bulk_create(rows, batch_size=2000)
    with connection.cursor() as sql:
        sql.execute("UPDATE chat_conversation SET created_at = last_activity_at")
        sql.execute("ANALYZE")
    return len(talks), len(messages)


def main() -> None:
    """Make, learn, measure, print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--contacts", type=int, default=4000)
    asked.add_argument("--service", type=float, default=1.0)
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    call_command("migrate", verbosity=0)
    owner = provisioning.Owner("ana@bench.example", "Ana", "balcao-demo", "")
    tenant = provisioning.create(name="Bench", slug="bench", owner=owner, wait=True)
    with schema_context(tenant.schema_name):
        talks, said = make(given.contacts, service=given.service, seed=given.seed)
        # Learned from what was known at the cut, tried on what nobody knew then.
        fit = churn.learn(now=NOW)
        rows = list(queries.rows(as_of=NOW, horizon=queries.HORIZON))
        ends = [bool(row.lost) for row in rows]
        own = churn.fitted(list(queries.rows(as_of=NOW - queries.HORIZON, horizon=queries.HORIZON)))
        measured = {
            "days of silence alone": churn.auc([row.recency_days for row in rows], ends),
            "the house's weights": churn.auc([churn.estimate(row, churn.HOUSE) for row in rows], ends),
            "learned weights": churn.auc([churn.estimate(row, own) for row in rows], ends),
        }
        weights = {name: value for name, value in churn.HOUSE.items() if name != "intercept"}
        began = time.perf_counter()
        queries.store(
            weights=weights, intercept=churn.HOUSE["intercept"], medium=churn.MEDIUM, high=churn.HIGH, now=NOW
        )
        took = time.perf_counter() - began
    print(f"{given.contacts} contacts, {talks} conversations, {said} messages of contacts; {len(rows)} estimated,")
    print(
        f"{sum(ends)} of them ({100 * sum(ends) // max(len(ends), 1)} %) wrote nothing for {queries.HORIZON.days} days\n"
    )
    base = measured["days of silence alone"] or 1
    for name, value in measured.items():
        print(f"{name:24} AUC {value or 0:.3f}   {(value or 0) / base:.2f} x")
    print(
        f"\nthe night would use: {'learned' if fit.fitted else 'the house’s'} weights; its one statement: {took:.2f} s"
    )


if __name__ == "__main__":
    main()
