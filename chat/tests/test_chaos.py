"""Everything at once, in small; `benchmarks/chat_chaos.py` is the full size."""

import asyncio
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.models import Message
from chat.services import conversations, messages, widget
from chat.tests import chaos
from chat.tests.factories import InboxFactory
from chat.tests.process import web_process
from conftest import PASSWORD
from ops.kernel.testing import PATIENCE_S
from tenants.accounts.services import sessions

VISITORS, AGENTS, MESSAGES, KILLS = 6, 2, 160, 2


@pytest.mark.transactional
def test_nothing_is_lost_doubled_disordered_or_shown_to_the_wrong_side(acme, bia, tmp_path, monkeypatch):
    fuse = tmp_path / "fuse"
    monkeypatch.setenv("CHAOS_FUSE", str(fuse))
    inbox = InboxFactory()
    talks = []
    for _ in range(VISITORS):
        visitor, token = widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())
        conversation = conversations.start(visitor=visitor, client_id=uuid4())
        messages.send_from_visitor(conversation_id=conversation.pk, visitor=visitor, body="Hi", client_id=uuid4())
        talks.append((str(conversation.pk), token))
    tokens = [
        sessions.open_with_password(email=bia.email, password=PASSWORD, now=timezone.now()).access
        for _ in range(AGENTS)
    ]

    with web_process(application=chaos.APPLICATION, log=tmp_path / "web.log") as web:
        outcome = asyncio.run(
            asyncio.wait_for(
                chaos.storm(
                    web=web,
                    fuse=fuse,
                    slug="acme",
                    talks=talks,
                    agent_tokens=tokens,
                    messages=MESSAGES,
                    kills=KILLS,
                    already=2,
                    seed=1,
                ),
                timeout=10 * PATIENCE_S,
            )
        )

    assert outcome.kills == KILLS
    assert Message.objects.count() == MESSAGES + VISITORS
    chaos.judge(outcome)
    assert {"dropped", "doubled", "delayed"} <= outcome.network.keys()
