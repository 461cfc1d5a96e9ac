"""Visitors who come at once: each gets their own answer, whatever the others are."""

from uuid import uuid4

from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.errors import ContactBlocked, CursorUnknown, VisitorTokenRefused
from chat.models import Contact
from chat.queries import stream
from chat.services import arrivals, presence, widget
from chat.tests.factories import ConversationFactory, InboxFactory, MessageFactory
from ops.kernel.errors import PermissionRefused
from tenants.enums import TenantStatus
from tenants.models import Tenant


def come(inbox):
    return widget.open_session(inbox=inbox, visitor_id=uuid4(), now=timezone.now())


def let_in(tenant, *tokens):
    asked = [arrivals.Arrival(token, f"tab {number}") for number, token in enumerate(tokens)]
    return arrivals.let_in(asked, tenant=tenant, now=timezone.now())


def test_each_is_let_in_by_their_own_token(acme, beta):
    inbox = InboxFactory()
    (ana, hers), (rui, his) = come(inbox), come(inbox)
    Contact.objects.filter(pk=rui.contact_id).update(blocked=True)
    with tenant_context(beta):
        _, foreign = come(InboxFactory())

    found = let_in(acme, hers, his, foreign, "x", hers)

    assert [type(one) for one in found] == [
        arrivals.Welcome, ContactBlocked, VisitorTokenRefused, VisitorTokenRefused, arrivals.Welcome
    ]  # fmt: skip
    assert found[0].visitor == found[4].visitor == ana
    assert presence.all_visitors() == {str(ana.contact_id)}


def test_a_suspended_company_lets_nobody_in(acme):
    _, token = come(InboxFactory())
    Tenant.objects.filter(pk=acme.pk).update(status=TenantStatus.SUSPENDED)

    (found,) = let_in(acme, token)

    assert isinstance(found, PermissionRefused)
    assert presence.all_visitors() == set()


def test_many_cost_as_many_questions_as_few(acme, django_assert_num_queries, django_assert_max_num_queries):
    inbox = InboxFactory()
    tokens = [come(inbox)[1] for _ in range(12)]
    with django_assert_max_num_queries(12) as few:
        let_in(acme, *tokens[:2])

    with django_assert_num_queries(len(few)):
        let_in(acme, *tokens)


def test_a_person_is_here_until_their_last_tab_is_gone(acme):
    ana, rui = uuid4(), uuid4()
    assert presence._keep("visitors", [(str(ana), "1"), (str(ana), "2"), (str(rui), "3")]) == [str(ana), str(rui)]

    assert presence._drop("visitors", [(str(ana), "1"), (str(rui), "3")]) == [str(rui)]
    assert presence.all_visitors() == {str(ana)}
    presence.visitors_left([(ana, "2")])
    assert presence.all_visitors() == set()


def test_those_with_the_same_cursor_share_what_they_missed(acme, django_assert_num_queries):
    place = str(stream.now())
    MessageFactory(body="Oi")
    with django_assert_num_queries(0):
        assert stream.pages_after([]) == []

    first, unknown, second = stream.pages_after([place, "x", place])

    assert first is second
    assert "Oi" in "".join(first.frames)
    assert isinstance(unknown, CursorUnknown)


def test_a_long_absence_is_read_page_by_page_though_nothing_of_it_is_final_yet(acme, monkeypatch):
    """A transaction that is open elsewhere, here the test's own, holds back the place to remember, not what is told."""
    monkeypatch.setattr(stream, "PAGE", 2)
    conversation, place, told = ConversationFactory(), str(stream.now()), []
    for number in range(5):
        MessageFactory(conversation=conversation, body=f"Message {number}")

    more = True
    while more:
        (page,) = stream.pages_after([place])
        told, place, more = told + page.frames, page.place, page.more

    assert [body for body in map("Message {}".format, range(5)) if any(body in frame for frame in told)] == [
        f"Message {number}" for number in range(5)
    ]
