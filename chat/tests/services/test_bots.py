"""A bot's part in a conversation: what it answers, when it calls a person, and that it never speaks out of turn."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.utils import translation

from chat import receivers
from chat.enums import BotOutcome
from chat.models import BotAnswer, BotSession, ChatEvent, Conversation, Message, QuestionGroup, UnansweredQuestion
from chat.queries import bots
from chat.services import assignment, conversations, hours, messages
from chat.services.bots import assistant, handing, programs, setup, turns, words
from chat.tests.factories import ArticleFactory, BotFactory, ContactInboxFactory, InboxFactory
from ops.kernel.configuration import services as configuration
from ops.kernel.errors import Invalid, NotFound
from ops.kernel.metering import services as metering
from ops.kernel.outbox.models import OutboxEvent
from ops.kernel.outbox.receivers import Envelope


@pytest.fixture
def help_centre(acme):
    return [
        ArticleFactory(
            title="Prazo e taxa de entrega",
            summary="Até 50 minutos.",
            keywords="frete demora",
            body="## Prazo\n\nEntregamos em até **50 minutos**.\n\n## Taxa\n\nA taxa de entrega é R$ 9,00.",
        ),
        ArticleFactory(title="Formas de pagamento", keywords="pagar pix cartão", body="Pix, cartão e dinheiro."),
        ArticleFactory(title="Horário de funcionamento", keywords="abre fecha aberto", body="Das 6h às 20h."),
        ArticleFactory(title="Encomendar um bolo", keywords="aniversário festa", body="Com dois dias de antecedência."),
    ]


@pytest.fixture
def bot(help_centre):
    return BotFactory(name="Aurora", locale="pt-br")


@pytest.fixture
def inbox(bot):
    return InboxFactory(bot=bot)


class Talk:
    """A visitor's side of a conversation, with every message answered by a turn of the bot at once."""

    def __init__(self, inbox, now):
        link = ContactInboxFactory(inbox=inbox, contact__name="Rita")
        self.visitor = conversations.Visitor(link.pk, link.contact_id, inbox.pk, "Rita")
        self.key = conversations.start(visitor=self.visitor, client_id=uuid4(), now=now).pk
        self.now = now

    def write(self, body, *, answer=True, **fields):
        self.now += timedelta(seconds=20)
        sent = messages.send_from_visitor(
            conversation_id=self.key, visitor=self.visitor, body=body, client_id=uuid4(), now=self.now, **fields
        )
        return turns.take(message_id=sent.id, now=self.now) if answer else sent.id

    @property
    def conversation(self):
        return Conversation.objects.get(pk=self.key)

    @property
    def said(self):
        rows = Message.objects.filter(conversation=self.key, direction="bot", private=False).order_by("seq")
        return list(rows)

    @property
    def offered(self):
        return [one["id"] for one in self.said[-1].meta.get("quick_replies", [])]

    def pick(self, key):
        label = next(one["label"] for one in self.said[-1].meta["quick_replies"] if one["id"] == key)
        return self.write(label)


@pytest.fixture
def talk(inbox, noon):
    return Talk(inbox, noon)


# --- Answers --------------------------------------------------------------------------------------------


def test_a_question_is_answered_from_the_article_that_holds_it(talk, help_centre):
    assert talk.conversation.status == "pending"

    assert talk.write("Quanto custa o frete?") == BotOutcome.ANSWERED

    [said] = talk.said
    assert said.body == "A taxa de entrega é R$ 9,00." or "50 minutos" in said.body
    assert said.kind == "article"
    assert said.meta["article"]["title"] == "Prazo e taxa de entrega"
    assert said.meta["article"]["url"].endswith("/help/a/prazo-e-taxa-de-entrega")
    assert talk.offered == ["helped", "person"]
    assert BotAnswer.objects.get().article == help_centre[0]
    assert talk.conversation.status == "pending"


def test_a_turn_that_runs_twice_acts_once(talk):
    key = talk.write("Qual a taxa de entrega?", answer=False)

    assert turns.take(message_id=key, now=talk.now) == BotOutcome.ANSWERED
    assert turns.take(message_id=key, now=talk.now) is None

    assert len(talk.said) == 1
    assert BotAnswer.objects.count() == 1


def test_two_messages_in_a_row_are_answered_together(talk):
    first = talk.write("quero saber da entrega", answer=False)
    second = talk.write("a taxa", answer=False)

    assert turns.take(message_id=first, now=talk.now) == BotOutcome.SKIPPED
    assert turns.take(message_id=second, now=talk.now) == BotOutcome.ANSWERED
    assert len(talk.said) == 1


def test_the_answer_helped_so_the_conversation_is_done(talk):
    talk.write("Qual a taxa de entrega?")

    assert talk.pick("helped") == BotOutcome.CONFIRMED

    assert talk.conversation.status == "resolved"
    assert BotSession.objects.get().state == "done"
    assert BotAnswer.objects.get(outcome="answered").helpful is True

    talk.write("E o horário de funcionamento?")
    assert talk.said[-1].meta["article"]["title"] == "Horário de funcionamento"
    assert talk.conversation.status == "pending"


def test_a_greeting_is_answered_with_the_flow_and_its_buttons(talk, bot, help_centre):
    setup.change(
        bot=bot,
        flow={
            "steps": [
                {
                    "key": "inicio",
                    "text": "Oi! O que você precisa?",
                    "buttons": [
                        {"label": "Entrega", "do": "article", "value": help_centre[0].slug},
                        {"label": "Pagar", "do": "step", "value": "pagar"},
                        {"label": "Falar com gente", "do": "person"},
                    ],
                },
                {"key": "pagar", "text": "Como?", "buttons": [{"label": "Pix", "do": "text", "value": "Chave: x"}]},
            ]
        },
    )

    assert talk.write("Olá, boa tarde!") == BotOutcome.GREETED
    assert talk.offered == ["flow:inicio:0", "flow:inicio:1", "flow:inicio:2"]
    assert talk.write("pagar") == BotOutcome.FLOWED
    assert talk.write("PIX") == BotOutcome.FLOWED
    assert talk.said[-1].body == "Chave: x"
    assert talk.write("Qual o horário de funcionamento?") == BotOutcome.ANSWERED


def test_a_flow_that_leads_nowhere_is_refused(bot):
    step = {"key": "a", "text": "Oi", "buttons": [{"label": "Ir", "do": "step", "value": "b"}]}

    with pytest.raises(Invalid) as refused:
        setup.change(bot=bot, flow={"steps": [step]})

    assert [one.field for one in refused.value.errors] == ["flow.0.buttons.0.value"]
    with pytest.raises(Invalid):
        setup.change(bot=bot, flow={"steps": "x"})
    with pytest.raises(Invalid):
        setup.change(bot=bot, threshold=0)


# --- Calling a person -----------------------------------------------------------------------------------


def test_who_asks_for_a_person_gets_one_and_the_team_a_summary(talk):
    talk.write("Qual a taxa de entrega?")

    assert talk.write("quero falar com um atendente") == BotOutcome.HANDED_OFF

    assert talk.conversation.status == "open"
    session = BotSession.objects.get()
    assert (session.state, session.reason) == ("handed_off", "asked")
    note = Message.objects.get(private=True)
    assert note.author_bot == session.bot
    assert "Qual a taxa de entrega? → Prazo e taxa de entrega" in note.body
    event = ChatEvent.objects.get(type="conversation.handoff")
    assert event.payload["reason"] == "asked"
    assert event.pub_seq is None
    assert OutboxEvent.objects.filter(name="chat.conversation_handed_off").count() == 1
    assert talk.write("Qual a taxa de entrega?") is None


@pytest.mark.parametrize(
    ("text", "locale", "wanted"),
    [
        ("quero falar com uma pessoa", "pt-br", True),
        ("Me passa pra um atendente por favor", "pt-br", True),
        ("atendente", "pt-br", True),
        ("tem atendimento humano?", "pt-br", True),
        ("can I talk to a human?", "en", True),
        ("I need to speak with someone", "en", True),
        ("agent", "en", True),
        ("a cesta serve quantas pessoas", "pt-br", False),
        ("bolo para 20 pessoas, qual o preço?", "pt-br", False),
        ("do you have a course for sales agents and brokers", "en", False),
    ],
)
def test_what_asking_for_a_person_sounds_like(text, locale, wanted):
    assert words.asks_for_a_person(text, locale) is wanted


def test_after_two_misses_a_person_is_called_and_the_questions_are_kept(talk):
    assert talk.write("vocês alugam bicicletas?") == BotOutcome.MISSED
    assert "person" in talk.offered

    assert talk.write("consertam guarda-chuva?") == BotOutcome.HANDED_OFF

    assert BotSession.objects.get().reason == "misses"
    assert set(UnansweredQuestion.objects.values_list("text", "source")) == {
        ("vocês alugam bicicletas?", "bot"),
        ("consertam guarda-chuva?", "bot"),
    }
    assert QuestionGroup.objects.count() == 2


def test_an_answer_that_did_not_help_counts_as_a_miss(talk):
    talk.write("Qual a taxa de entrega?")

    assert talk.write("não") == BotOutcome.CONFIRMED

    assert BotAnswer.objects.get(outcome="answered").helpful is False
    assert BotSession.objects.get().misses == 1
    assert UnansweredQuestion.objects.get().text == "Qual a taxa de entrega?"


def test_a_keyword_or_a_file_calls_a_person(talk, bot, inbox, noon):
    setup.change(bot=bot, keywords=["Procon", "intoxicação"])

    talk.write("vou ao procon por causa da taxa de entrega")
    assert BotSession.objects.get().reason == "keyword"

    other = Talk(inbox, noon)
    other.write("foto.jpg", kind="attachment")
    assert BotSession.objects.get(conversation=other.key).reason == "content"


def test_the_words_say_when_the_team_is_back(talk, inbox, ana, noon):
    closed_today = [[] for _ in range(7)]
    closed_today[0] = [["09:00", "18:00"]]  # Mondays
    hours.change(inbox=inbox, by=ana, now=noon, active=True, week=closed_today, timezone="America/Sao_Paulo")

    talk.write("atendente")

    assert "23/11/2026 09:00" in talk.said[-1].body
    assert talk.conversation.status == "open"


def test_a_bot_for_closed_hours_leaves_the_open_ones_to_people(inbox, bot, ana, noon):
    setup.change(bot=bot, hours="closed")
    assert Talk(inbox, noon).conversation.status == "open"

    week = [[] for _ in range(7)]
    week[0] = [["09:00", "10:00"]]
    hours.change(inbox=inbox, by=ana, now=noon, active=True, week=week)
    assert Talk(inbox, noon).conversation.status == "pending"


# --- Out of turn ----------------------------------------------------------------------------------------


def test_a_bot_never_answers_itself_an_agent_or_after_an_agent(talk, bia):
    talk.write("Qual a taxa de entrega?")
    own = talk.said[-1].pk
    sent = messages.send(conversation_id=talk.key, by=bia, body="Eu cuido disso.", client_id=uuid4(), now=talk.now)

    assert turns.take(message_id=own, now=talk.now) is None
    assert turns.take(message_id=sent.id, now=talk.now) is None
    assert talk.write("Qual a taxa de entrega?") is None

    handing.step_aside(conversation_id=talk.key, now=talk.now)
    assert talk.conversation.status == "open"
    assert BotSession.objects.get().state == "handed_off"


def test_a_bot_that_decided_while_a_person_stepped_in_says_nothing(talk, bia, monkeypatch):
    key = talk.write("Qual a taxa de entrega?", answer=False)
    decide = turns._decide

    def slowly(standing, *, now):
        decision = decide(standing, now=now)
        assignment.claim(conversation_id=talk.key, by=bia, now=now)
        return decision

    monkeypatch.setattr(turns, "_decide", slowly)

    assert turns.take(message_id=key, now=talk.now) is None
    assert talk.said == []


def test_without_a_bot_conversations_are_open_and_nobody_answers(acme, noon):
    talk = Talk(InboxFactory(), noon)

    assert talk.conversation.status == "open"
    assert talk.write("Qual a taxa de entrega?") is None


def test_a_bot_that_stops_leaves_nobody_waiting(talk, bot, inbox, noon):
    talk.write("Oi")
    silent = Talk(inbox, noon)
    silent.write("Qual a taxa?", answer=False)

    assert handing.sweep(now=silent.now + timedelta(minutes=1)) == 0
    assert handing.sweep(now=silent.now + timedelta(minutes=4)) == 1
    assert silent.conversation.status == "open"

    setup.delete(bot=bot, now=talk.now)
    assert talk.conversation.status == "open"
    assert talk.said[0].body


def test_what_a_visitor_read_and_left_is_done_after_a_day(talk):
    talk.write("Qual a taxa de entrega?")

    assert handing.sweep(now=talk.now + timedelta(hours=25)) == 1
    assert talk.conversation.status == "resolved"


def test_figures_say_how_a_bot_does(talk, bot, inbox, noon):
    talk.write("Qual a taxa de entrega?")
    talk.pick("helped")
    Talk(inbox, noon).write("atendente")
    Talk(inbox, noon).write("vocês alugam bicicletas?")

    found = bots.figures(bot, since=noon - timedelta(days=1))

    assert (found.conversations, found.solved, found.handed_off) == (3, 1, 1)
    assert (found.answered, found.missed, found.helped) == (1, 1, 1)
    assert (found.solved_share, found.answered_share) == (50, 50)


# --- A language model -----------------------------------------------------------------------------------


def completion(answer, *, tokens=(900, 60), finish="stop"):
    content = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


@pytest.fixture
def model(bot, ana, fake_http):
    setup.change(bot=bot, kind="llm", instructions="Chame o cliente de você.")
    configuration.set(
        assistant.NAME, {"base_url": f"{fake_http.url}/v1", "key": "sk-test", "timeout_s": 60, "budget": 1}, by=ana
    )
    return fake_http.on("POST", "/v1/chat/completions")


def test_a_model_answers_from_passages_and_cites_its_article(talk, model, fake_http):
    model.reply(200, completion({"answer": "A entrega custa R$ 9,00.", "passage": 1, "person": False}))

    assert talk.write("Quanto custa a entrega?") == BotOutcome.ANSWERED

    [said] = talk.said
    assert (said.body, said.meta["article"]["title"]) == ("A entrega custa R$ 9,00.", "Prazo e taxa de entrega")
    [request] = fake_http.requests
    assert request.headers["Authorization"] == "Bearer sk-test"
    assert request.json["model"] == "gpt-4o-mini"
    assert request.json["response_format"] == {"type": "json_object"}
    roles = [one["role"] for one in request.json["messages"]]
    assert (roles[0], roles[-1]) == ("system", "user")
    system = request.json["messages"][0]["content"]
    assert "[1] Prazo e taxa de entrega" in system
    assert "Chame o cliente de você." in system
    assert "Horário de funcionamento" not in system
    answer = BotAnswer.objects.get()
    assert (answer.tokens_in, answer.tokens_out, answer.model) == (900, 60, "gpt-4o-mini-2024-07-18")
    # 900 tokens at 0.15 and 60 at 0.60 dollars a million
    assert assistant.spent(now=talk.now).micros == 135 + 36
    assert metering.total("llm.tokens_in", period=talk.now) == 900


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"answer": "Custa pouco.", "passage": 0, "person": False}, BotOutcome.ANSWERED),  # the plain search is sure
        ({"answer": "Custa pouco.", "passage": 9, "person": False}, BotOutcome.ANSWERED),
        ("I would love to help!", BotOutcome.ANSWERED),
        ({"answer": "", "passage": 0, "person": False}, BotOutcome.MISSED),
        ({"answer": "", "passage": 0, "person": True}, BotOutcome.HANDED_OFF),
    ],
)
def test_what_cites_nothing_is_no_answer(talk, model, answer, outcome):
    model.reply(200, completion(answer))

    assert talk.write("Qual a taxa de entrega?") == outcome

    assert not any("Custa pouco" in said.body or "love" in said.body for said in talk.said)


@pytest.mark.parametrize("trouble", ["drop", "500", "garbage"])
def test_a_model_that_fails_is_replaced_by_the_search(talk, model, trouble):
    if trouble == "drop":
        model.drop()
    else:
        model.reply(*((500, {"error": {"message": "overloaded"}}) if trouble == "500" else (200, {"hello": 1})))

    assert talk.write("Qual a taxa de entrega?") == BotOutcome.ANSWERED
    assert BotAnswer.objects.get().trouble
    assert talk.said[0].meta["article"]["title"] == "Prazo e taxa de entrega"


def test_a_spent_budget_stops_the_calls(talk, model, fake_http, ana):
    configuration.set(assistant.NAME, {"budget": 0}, by=ana)

    assert talk.write("Qual a taxa de entrega?") == BotOutcome.ANSWERED
    assert fake_http.requests == []
    assert BotAnswer.objects.get().trouble == "budget used up"


def test_nothing_is_asked_of_the_model_when_nothing_was_found(talk, model, fake_http):
    assert talk.write("vocês alugam bicicletas?") == BotOutcome.MISSED
    assert fake_http.requests == []


def test_trying_the_model_out_shows_its_words_or_the_trouble(model, fake_http, noon):
    model.reply(200, completion("ready", tokens=(12, 1))).reply(401, {"error": {"message": "Incorrect API key"}})

    assert assistant.try_out(now=noon, key="try:1").answer == "ready"
    assert "Incorrect API key" in assistant.try_out(now=noon, key="try:2").trouble


# --- A program ------------------------------------------------------------------------------------------


@pytest.fixture
def program(bot, fake_http, settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    return setup.change(bot=bot, kind="webhook", webhook_url=f"{fake_http.url}/hook")


def test_a_program_is_told_signed_and_answers_signed(talk, program, fake_http, bot):
    fake_http.on("POST", "/hook").reply(200, {})
    assert talk.write("Qual a taxa de entrega?") == BotOutcome.FORWARDED

    programs.forward(answer_id=BotAnswer.objects.get().pk, now=talk.now)

    [request] = fake_http.requests
    told = request.json
    assert told["data"]["message"]["body"] == "Qual a taxa de entrega?"
    headers = {name.lower(): value for name, value in request.headers.items()}
    expected = programs.signature(bot.webhook_secret, headers["webhook-id"], request.body.decode(), talk.now)
    assert headers["webhook-signature"] == expected["webhook-signature"]

    asked = {"conversation": str(talk.key), "body": "Nove reais.", "quick_replies": ["Obrigada"]}
    assert programs.act(bot=program, key="1", asked=asked, now=talk.now)["done"] is True
    assert programs.act(bot=program, key="1", asked=asked, now=talk.now)["done"] is True
    assert [said.body for said in talk.said] == ["Nove reais."]
    programs.act(bot=program, key="2", asked={"conversation": str(talk.key), "action": "handoff"}, now=talk.now)
    assert talk.conversation.status == "open"
    assert programs.act(bot=program, key="3", asked=asked, now=talk.now) == {"done": False, "reason": "not_the_bots"}


def test_a_program_that_is_away_or_refuses_calls_a_person(talk, program, fake_http):
    fake_http.on("POST", "/hook").reply(410, {})
    talk.write("Qual a taxa de entrega?")

    programs.forward(answer_id=BotAnswer.objects.get().pk, now=talk.now)

    assert BotSession.objects.get().reason == "failed"
    assert talk.conversation.status == "open"


def test_a_program_speaks_only_in_its_own_conversations(talk, program, noon):
    talk.write("Oi", answer=False)
    other = BotFactory(kind="webhook")

    for asked in ({"conversation": str(talk.key)}, {"conversation": "x"}, {}):
        with pytest.raises(NotFound):
            programs.act(bot=other, key="1", asked={**asked, "body": "Oi"}, now=noon)


def test_signatures_are_checked(program, noon):
    body = b'{"body": "Oi"}'
    good = programs.signature(program.webhook_secret, "1", body.decode(), noon)
    stamp, given = good["webhook-timestamp"], good["webhook-signature"]

    def behind(**changed):
        asked = {"bot_id": program.pk, "key": "1", "timestamp": stamp, "given": given, "body": body, "now": noon}
        return programs.bot_behind(**{**asked, **changed})

    assert behind() == program
    for wrong in ({"body": b"{}"}, {"key": "2"}, {"given": ""}, {"timestamp": "x"}, {"now": noon + timedelta(hours=1)}):
        with pytest.raises(programs.SignatureRefused):
            behind(**wrong)
    with pytest.raises(NotFound):
        behind(bot_id=uuid4())


def test_words_stand_in_for_buttons_where_a_channel_has_none(bot, noon):
    inbox = InboxFactory(bot=bot, channel="email")
    talk = Talk(inbox, noon)

    talk.write("Qual a taxa de entrega?")

    with translation.override("pt-br"):
        assert words.label_person() in talk.said[0].body
    assert "/help/a/prazo-e-taxa-de-entrega" in talk.said[0].body


def test_the_outbox_gives_the_bot_its_turn_and_takes_it_when_somebody_replies(
    talk, acme, bia, django_capture_on_commit_callbacks
):
    key = talk.write("Qual a taxa de entrega?", answer=False)
    said = {"message_id": str(key), "conversation_id": str(talk.key), "direction": "in", "private": False}
    before, current_app.conf.task_always_eager = current_app.conf.task_always_eager, True
    try:
        with django_capture_on_commit_callbacks(execute=True):
            receivers.let_the_bot_answer(envelope(acme, said, at=talk.now))
    finally:
        current_app.conf.task_always_eager = before
    assert [one.kind for one in talk.said] == ["article"]

    receivers.let_the_bot_answer(envelope(acme, {**said, "direction": "out", "private": True}, at=talk.now))
    assert talk.conversation.status == "pending"
    receivers.let_the_bot_answer(envelope(acme, {**said, "direction": "out"}, at=talk.now))
    assert talk.conversation.status == "open"


def envelope(tenant, payload, *, at):
    return Envelope(uuid4(), "chat.message_sent", tenant.schema_name, f"conversation:{uuid4()}", payload, at)
