"""A counter with years behind it: as many conversations and messages as wanted, straight into the tables.

For `benchmarks/million.py` and for the tests of query plans. What the services write one by one is written here in a few
statements, with numbers, marks, previews and history in step with each other. A few threads are very long, most are
short; almost all are resolved, as in life, where years of answered questions lie behind a morning's work.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from chat.models import AgentProfile, Contact, Conversation, Inbox, Label, SlaPolicy, Team, TeamMember
from chat.services import stats
from chat.tests.factories import InboxFactory, LabelFactory, SlaPolicyFactory, TeamFactory
from tenants.accounts.models import Role, User

AGENTS, TEAMS, LABELS, INBOXES = 12, 4, 15, 3
# Open, pending and snoozed ones among the newest; a team of twelve has about so much on its hands.
AT_WORK = 600
VERY_LONG = 5
HISTORY = timedelta(days=90)

# A name for an instant that sorts as one: what `ops.kernel.ids.uuid7` makes.
UUID7 = """(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || 'a' || substr(md5(random()::text), 1, 15))::uuid"""
NAMES = [
    "Marta",
    "João",
    "Rita",
    "Caio",
    "Lúcia",
    "Pedro",
    "Ana",
    "Bruno",
    "Clara",
    "Davi",
    "Elisa",
    "Fábio",
    "Gina",
    "Hugo",
    "Íris",
    "Jorge",
    "Kátia",
    "Léo",
    "Nina",
    "Otávio",
]
SURNAMES = [
    "Silva",
    "Souza",
    "Costa",
    "Santos",
    "Oliveira",
    "Pereira",
    "Lima",
    "Gomes",
    "Ribeiro",
    "Alves",
    "Rocha",
    "Dias",
    "Nunes",
    "Melo",
    "Araújo",
]
PHRASES = [
    "Bom dia, tudo bem?", "Quanto custa a entrega?", "Vocês abrem no domingo?", "Meu pedido ainda não chegou.",
    "Pode me mandar o código de rastreio?", "Já fiz o pagamento por Pix.", "Quero trocar o tamanho.", "Obrigada!",
    "A nota fiscal veio com o endereço errado.", "Vou verificar com a loja.", "Só um instante, por favor.",
    "O prazo é de três dias úteis.", "Consegue reenviar o boleto?", "O produto chegou com defeito.",
    "Posso retirar na padaria amanhã cedo?", "Temos pão integral, ciabatta e broa.", "Qual é o horário de vocês?",
    "O cupom não funcionou no carrinho.", "Encaminhei para o financeiro.", "Perfeito, era isso.",
    "Preciso cancelar a assinatura.", "A encomenda é para sábado às dez.", "O bolo é de chocolate ou de cenoura?",
    "Não consigo entrar na minha conta.", "Enviei a foto do comprovante.", "Ficou ótimo, muito obrigado pela ajuda!",
]  # fmt: skip

TALKS = f"""
CREATE TEMP TABLE v_talk AS
SELECT s.i, s.n, {UUID7.format(at="s.at")} AS id, s.at, least(s.at + s.n * s.pace, %(now)s) AS ended,
    (%(inboxes)s::uuid[])[1 + (s.i %% %(inbox_count)s)] AS inbox, c.id AS contact, c.link,
    CASE WHEN s.i <= %(total)s - %(at_work)s THEN 'resolved'
         ELSE (ARRAY['open','open','open','open','open','open','pending','snoozed'])[1 + (s.i %% 8)] END AS status,
    CASE WHEN s.i > %(total)s - %(at_work)s AND s.i %% 4 = 0 THEN NULL
         ELSE (%(agents)s::uuid[])[1 + floor(random() * %(agent_count)s)::int] END AS agent,
    CASE WHEN random() < 0.7 THEN (%(teams)s::uuid[])[1 + floor(random() * %(team_count)s)::int] END AS team,
    (ARRAY['none','none','none','none','none','none','low','medium','high','urgent'])[1 + floor(random() * 10)::int] AS priority
FROM (
    SELECT i, n, %(first)s + (%(now)s - %(first)s) * ((i - random()) / %(total)s) AS at,
        interval '1 minute' * (1 + 6 * random()) AS pace
    FROM unnest(%(sizes)s::int[]) WITH ORDINALITY AS given (n, i)
) s
JOIN v_person c ON c.i = 1 + floor(power(s.i::float8 / (%(total)s + 1), 0.9) * %(people)s)::int
ORDER BY s.i;
CREATE UNIQUE INDEX ON v_talk (i);
ANALYZE v_talk;
"""
PEOPLE = f"""
CREATE TEMP TABLE v_person AS
SELECT i, {UUID7.format(at="at")} AS id, {UUID7.format(at="at")} AS link, at,
    (%(inboxes)s::uuid[])[1 + (i %% %(inbox_count)s)] AS inbox
FROM (SELECT i, %(first)s + (%(now)s - %(first)s) * (i::float8 / (%(people)s + 1)) AS at
      FROM generate_series(1, %(people)s) i) s;
CREATE UNIQUE INDEX ON v_person (i);
ANALYZE v_person;
INSERT INTO chat_contact (id, created_at, updated_at, name, email, phone_e164, attrs, blocked, last_page, last_seen_at)
SELECT id, at, at,
    CASE WHEN random() < 0.8 THEN (%(names)s::text[])[1 + floor(random() * 20)::int] || ' ' || (%(surnames)s::text[])[1 + floor(random() * 15)::int]
         ELSE '' END,
    CASE WHEN random() < 0.6 THEN 'pessoa' || i || '@correio.example' ELSE '' END,
    CASE WHEN random() < 0.4 THEN '+55119' || lpad(i::text, 8, '0') ELSE '' END, '{{}}', false, '{{}}', at
FROM v_person ORDER BY i;
INSERT INTO chat_contactinbox (id, created_at, updated_at, source_id, contact_id, inbox_id)
SELECT link, at, at, link::text, id, inbox FROM v_person ORDER BY i;
"""
# `seq` 1 is the beginning itself. A resolved thread ends with the line that says so.
LINES = f"""
CREATE TEMP TABLE v_line AS
SELECT r.*, {UUID7.format(at="r.at")} AS id, 1 + sum((r.direction <> 'note')::int) OVER (PARTITION BY r.i ORDER BY r.k) AS pub
FROM (
    SELECT t.i, k, k + 1 AS seq, t.at + (t.ended - t.at) * (k::float8 / t.n) AS at,
        CASE WHEN k = 1 THEN 'in' WHEN k = t.n AND t.status = 'resolved' AND t.n > 2 THEN 'activity'
             WHEN luck < 0.50 THEN 'in' WHEN luck < 0.93 THEN 'out' WHEN luck < 0.97 THEN 'note' ELSE 'bot' END AS direction,
        (%(phrases)s::text[])[1 + floor(random() * %(phrase_count)s)::int] || ' '
            || (%(phrases)s::text[])[1 + floor(random() * %(phrase_count)s)::int]
            || CASE WHEN random() < 0.2 THEN ' Pedido ' || (100000 + floor(random() * 900000)::int) ELSE '' END AS body
    FROM v_talk t CROSS JOIN LATERAL (SELECT k, random() AS luck FROM generate_series(1, t.n) k OFFSET 0) one
) r;
CREATE INDEX ON v_line (i, k);
ANALYZE v_line;
"""
CONVERSATIONS = """
INSERT INTO chat_conversation (
    id, created_at, updated_at, number, client_id, status, priority, last_seq, last_pub_seq, agent_seen_seq, contact_seen_seq,
    contact_delivered_seq, agent_unread, contact_unread, last_activity_at, last_message_at, last_contact_message_at,
    preview, preview_direction, over_quota, attrs, page_url, referrer, user_agent, ip_masked, contact_id, contact_inbox_id,
    inbox_id, assignee_id, team_id, waiting_since, first_reply_at, resolved_at, snoozed_until, sla_policy_id
)
SELECT t.id, t.at, t.ended, t.i + %(number)s, gen_random_uuid(), t.status, t.priority, t.n + 1, s.pub,
    CASE WHEN s.unread THEN t.n ELSE t.n + 1 END, s.pub, s.pub, s.unread::int, 0, t.ended, t.ended, t.ended,
    left(s.body, 120), s.direction, false, '{}', '', '', '', '', t.contact, t.link, t.inbox, t.agent, t.team,
    CASE WHEN t.status = 'open' AND s.direction = 'in' THEN t.ended END, s.replied,
    CASE WHEN t.status = 'resolved' THEN t.ended END,
    CASE WHEN t.status = 'snoozed' THEN %(now)s + interval '1 day' END,
    CASE WHEN t.i %% 3 = 0 THEN %(policy)s::uuid END
FROM v_talk t JOIN LATERAL (
    SELECT l.pub, l.body, l.direction, t.status = 'open' AND l.direction = 'in' AS unread,
        (SELECT min(o.at) FROM v_line o WHERE o.i = t.i AND o.k <= 40 AND o.direction = 'out') AS replied
    FROM v_line l WHERE l.i = t.i AND l.k = t.n
) s ON true
ORDER BY t.i;
SELECT setval('chat_conversation_number', (SELECT max(number) FROM chat_conversation));
INSERT INTO chat_conversation_labels (conversation_id, label_id)
SELECT t.id, one.label FROM v_talk t CROSS JOIN LATERAL (
    SELECT DISTINCT (%(labels)s::uuid[])[1 + floor(power(random(), 2) * %(label_count)s)::int] AS label
    FROM generate_series(1, (t.i %% 3)::int) g
) one;
INSERT INTO chat_csatresponse (id, created_at, updated_at, scale, rating, comment, asked_at, answered_at, contact_id, conversation_id, agent_id)
SELECT gen_random_uuid(), t.ended, t.ended, 'faces', 1 + floor(power(random(), 0.4) * 5)::int, '', t.ended,
    t.ended + interval '10 minutes', t.contact, t.id, t.agent
FROM v_talk t WHERE t.status = 'resolved' AND t.i %% 5 = 0;
INSERT INTO chat_slaevent (id, kind, target_s, started_at, warn_at, due_at, warned_at, breached_at, ended_at, cancelled, conversation_id, policy_id)
SELECT gen_random_uuid(), 'resolution', 86400, t.at, t.at + interval '19 hours', t.at + interval '1 day', NULL,
    CASE WHEN t.ended > t.at + interval '1 day' THEN t.at + interval '1 day' END,
    CASE WHEN t.status = 'resolved' THEN t.ended END, false, t.id, %(policy)s::uuid
FROM v_talk t WHERE t.i %% 3 = 0;
"""
MESSAGES = """
INSERT INTO chat_message (
    id, seq, pub_seq, client_id, direction, kind, body, private, delivery, meta, created_at, conversation_id,
    author_agent_id, author_contact_id, inbox_id
)
SELECT l.id, l.seq, CASE WHEN l.direction <> 'note' THEN l.pub END, gen_random_uuid(),
    CASE l.direction WHEN 'note' THEN 'out' ELSE l.direction END, 'text',
    CASE l.direction WHEN 'activity' THEN '' ELSE l.body END, l.direction = 'note', 'sent',
    CASE l.direction WHEN 'activity' THEN '{"action": "status", "from": "open", "to": "resolved"}'::jsonb ELSE '{}' END,
    l.at, t.id, CASE WHEN l.direction IN ('out', 'note', 'activity') THEN coalesce(t.agent, (%(agents)s::uuid[])[1]) END,
    CASE WHEN l.direction = 'in' THEN t.contact END, t.inbox
FROM v_line l JOIN v_talk t USING (i) ORDER BY l.at, l.i, l.k;
"""
# Spread over the transactions that went before this one.
EVENTS = """
INSERT INTO chat_chatevent (xid, conversation_id, seq, pub_seq, type, message_id, payload, created_at)
SELECT (3 + ((%(xid)s - 4) * (row_number() OVER (ORDER BY at, i, seq) / count(*) OVER ()::numeric))::bigint)::text::xid8,
    talk, seq, pub, type, message, '{}', at
FROM (
    SELECT t.i, t.at, t.id AS talk, 1::bigint AS seq, 1::bigint AS pub, 'conversation.created' AS type, NULL::uuid AS message
    FROM v_talk t WHERE t.at > %(kept)s
    UNION ALL
    SELECT l.i, l.at, t.id, l.seq, CASE WHEN l.direction <> 'note' THEN l.pub END,
        CASE l.direction WHEN 'activity' THEN 'conversation.status' ELSE 'message.created' END, l.id
    FROM v_line l JOIN v_talk t USING (i) WHERE l.at > %(kept)s
) e ORDER BY at, i, seq;
"""
TABLES = [
    "contact",
    "contactinbox",
    "conversation",
    "conversation_labels",
    "message",
    "chatevent",
    "csatresponse",
    "slaevent",
    "hourlystat",
]


@dataclass(frozen=True, slots=True)
class Volume:
    """What was made."""

    agents: list[User]
    teams: list[Team]
    labels: list[Label]
    inboxes: list[Inbox]
    longest: int  # the number of a very long conversation


def sizes(conversations: int, messages: int, *, seed: int = 1) -> list[int]:
    """Messages of each conversation: most short, a handful with a fiftieth of everything each."""
    chance = random.Random(seed)
    shares = [chance.expovariate(1) + 0.05 for _ in range(conversations)]
    left = messages - conversations
    # Those that go on today: their history is still kept event by event.
    long = {chance.randrange(conversations * 4 // 5, conversations): left // 50 for _ in range(VERY_LONG)}
    spread = (left - sum(long.values())) / sum(shares)
    found = [1 + long.get(place, 0) + int(share * spread) for place, share in enumerate(shares)]
    for place in range(messages - sum(found)):
        found[place % conversations] += 1
    return found


def fill(
    *,
    conversations: int,
    messages: int,
    now: datetime,
    days: int = 365,
    at_work: int = AT_WORK,
    counted: bool = True,
    agents: int = AGENTS,
) -> Volume:
    """Fill the tenant at hand, which should be empty; hourly figures only when `counted`."""
    role = Role.objects.get(slug="agent")
    people = [
        User.objects.create(email=f"volume{place}@balcao.example", name=f"{NAMES[place]} {SURNAMES[place]}", role=role)
        for place in range(agents)
    ]
    for user in people:
        AgentProfile.objects.get_or_create(user=user)
    teams = [TeamFactory(name=f"Equipe {place}") for place in range(TEAMS)]
    TeamMember.objects.bulk_create(TeamMember(team=teams[n % TEAMS], user=user) for n, user in enumerate(people))
    labels = [LabelFactory(name=f"assunto {place}") for place in range(LABELS)]
    inboxes = [InboxFactory(name=f"Loja {place}") for place in range(INBOXES)]
    policy: SlaPolicy = SlaPolicyFactory(resolution_min=1440)
    made = sizes(conversations, messages)
    values: dict[str, Any] = {
        "sizes": made,
        "total": conversations,
        "at_work": min(at_work, conversations // 2),
        "people": max(1, conversations * 4 // 5),
        "first": now - timedelta(days=days),
        "now": now,
        "kept": now - HISTORY,
        "names": NAMES,
        "surnames": SURNAMES,
        "phrases": PHRASES,
        "phrase_count": len(PHRASES),
        "policy": policy.pk,
    }
    for name, rows in (("agent", people), ("team", teams), ("label", labels), ("inbox", inboxes)):
        plural = "inboxes" if name == "inbox" else f"{name}s"
        values |= {plural: [row.pk for row in rows], f"{name}_count": len(rows)}
    with transaction.atomic(), connection.cursor() as sql:
        # Triggers keep counts of single changes; here they are set at the end.
        sql.execute("SET LOCAL session_replication_role = replica")
        sql.execute(
            "SELECT setseed(0.5), coalesce(max(number), 0), pg_current_xact_id()::text::bigint FROM chat_conversation"
        )
        _, values["number"], values["xid"] = sql.fetchone()
        for step in (PEOPLE, TALKS, LINES, CONVERSATIONS, MESSAGES, EVENTS):
            for statement in filter(str.strip, step.split(";\n")):
                sql.execute(statement, values)
        sql.execute("DROP TABLE v_line, v_talk, v_person")
        sql.execute(
            "UPDATE chat_agentprofile p SET open_count = (SELECT count(*) FROM chat_conversation c"
            " WHERE c.assignee_id = p.user_id AND c.status = 'open')"
        )
        sql.execute("SET LOCAL session_replication_role = DEFAULT")
    if counted:
        stats.rebuild(start=now - timedelta(days=days), now=now)
    with connection.cursor() as sql:
        sql.execute("".join(f"ANALYZE chat_{table};" for table in TABLES))
    longest = values["number"] + 1 + made.index(max(made))
    return Volume(people, teams, labels, inboxes, longest)


LISTS = (
    "", "tab=queue", "tab=all", "tab=all&status=pending", "tab=all&status=snoozed", "tab=all&status=resolved",
    "tab=all&status=any", "status=resolved", "tab=all&status=any&sort=oldest", "tab=all&status=any&sort=newest",
    "tab=all&status=any&sort=waiting", "tab=all&status=any&sort=priority", "tab=all&unread=1",
    "tab=all&status=resolved&priority=urgent", "tab=all&status=any&limit=400",
)  # fmt: skip
SEARCHES = {
    "a number nobody has": "987654",
    "a common word": "pedido",
    "two words": "boleto rastreio",
    "a beginning": "ent",
    "a name": "Marta Rocha",
    "an e-mail": "pessoa123",
    "part of a phone": "900000123",
    "a conversation": "%2317",
}
API_LISTS = (
    "", "sort=oldest", "sort=newest", "sort=waiting", "sort=priority", "status=open&assignee=me",
    "status=resolved&sort=priority", "team=mine", "assignee=none&status=open&sort=waiting", "unread=true",
    "mentioned=true", "spam=false", "q=rastreio", "q=pedido",
)  # fmt: skip
REPORTS = ("", "agents/", "teams/", "inboxes/", "labels/", "channels/", "traffic/")


def addresses(made: Volume) -> tuple[dict[str, str], dict[str, str]]:
    """What people look at all day: addresses for an agent, and those of the reports."""
    number = made.longest
    talk = Conversation.objects.get(number=number)
    middle = talk.last_seq // 2
    usual = Contact.objects.exclude(email="").order_by("-pk")[10]
    pages = {f"list {words or 'tab=mine'}": f"/chat/?{words}" for words in LISTS}
    pages |= {
        "list label": f"/chat/?tab=all&status=any&label={made.labels[-1].pk}",
        "list common label": f"/chat/?tab=all&status=any&label={made.labels[0].pk}",
        "list team": f"/chat/?tab=all&status=resolved&team={made.teams[0].pk}",
        "list inbox": f"/chat/?tab=all&status=resolved&inbox={made.inboxes[0].pk}",
        "list assignee": f"/chat/?tab=all&status=any&assignee={made.agents[1].pk}",
    }
    pages |= {f"search {name}": f"/chat/?q={text}" for name, text in SEARCHES.items()}
    pages |= {
        "thread": f"/chat/c/{number}?tab=all",
        "thread older": f"/chat/c/{number}/older?before={middle}",
        "thread beginning": f"/chat/c/{number}/older?before=45",
        "contacts": "/chat/contacts/",
        "contacts by name": "/chat/contacts/?q=Marta",
        "contact page": f"/chat/contacts/{usual.pk}/",
        "contact of the long thread": f"/chat/contacts/{talk.contact_id}/",
        "home": "/",
        "search everywhere": "/search/?q=rastreio",
        "csat answers": "/chat/csat/",
    }
    api = "/api/v1/chat/conversations/"
    pages |= {f"api {words or 'list'}": f"{api}?{words}" for words in API_LISTS}
    pages |= {
        "api label": f"{api}?label={made.labels[0].name}",
        "api counts": f"{api}counts/",
        "api messages": f"{api}{number}/messages/",
        "api messages before": f"{api}{number}/messages/?before_seq={middle}",
        "api events of one": f"{api}{number}/events/?after_seq={talk.last_seq - 50}",
        "api contacts": "/api/v1/chat/contacts/",
    }
    days = f"from={timezone.now() - timedelta(days=364):%Y-%m-%d}"
    return pages, {f"report {name or 'overview'}": f"/chat/reports/{name}?{days}" for name in REPORTS}
