"""A copy equals its original table by table, shares no secret with it, and can be continued wherever it stopped."""

import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context

from chat.enums import Channel
from chat.errors import CursorUnknown
from chat.models import Attachment, Conversation, Inbox, Message
from chat.queries import stream
from chat.tests.factories import (
    AttachmentFactory,
    CannedResponseFactory,
    ChannelAccountFactory,
    ConversationFactory,
    InboxFactory,
    MessageFactory,
)
from ops.kernel.audit.models import AuditEntry
from ops.kernel.testing import PATIENCE_S
from tenants import errors
from tenants.accounts.models import User
from tenants.accounts.tests.factories import UserFactory
from tenants.enums import CopyMode, JobKind, JobState, JobStep, TenantStatus
from tenants.models import Tenant, TenantJob
from tenants.services import cloning, provisioning
from tenants.services.account_parts import COPIED, Part, copy_rules
from tenants.services.row_copies import COLUMNS, KEYS
from tenants.tests.factories import BrandingFactory, TenantFactory

OWNER = provisioning.Owner("nova@filial.example", "Nova")


@pytest.fixture
def shop(acme):
    """Acme with people, a conversation with a file, an inbox to the outside, and settings of all kinds."""
    with tenant_context(acme):
        ana = UserFactory(email="ana@acme.example")
        web = InboxFactory(name="Site")
        number = InboxFactory(name="Telefone", channel=Channel.WHATSAPP)
        account = ChannelAccountFactory(inbox=number)
        account.keys = {"token": "never in two places"}
        account.save()
        conversation = ConversationFactory(inbox=web)
        message = MessageFactory(conversation=conversation)
        name = default_storage.save("uploads/foto.txt", ContentFile(b"a picture"))
        AttachmentFactory(message=message, file=name)
        CannedResponseFactory(shortcut="oi", scope="everybody")
        CannedResponseFactory(shortcut="meu", scope="person", owner=ana)
    BrandingFactory(tenant=acme, display_name="Acme Loja")
    return acme


def shape(schema):
    """Columns by table, and the references between tables, as PostgreSQL knows them."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [schema])
        columns = {}
        for table, column, _required, _generated in cursor.fetchall():
            columns.setdefault(table, []).append(column)
        cursor.execute(KEYS, [schema])
        return columns, cursor.fetchall()


def fingerprint(schema, table, columns):
    """How many rows, and one word for all that is in them."""
    names = ", ".join(f'"{one}"' for one in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM (SELECT {names} FROM {schema}.{table}) x"
        )
        return cursor.fetchone()


def test_every_table_of_a_tenant_has_a_rule(acme):
    columns, _keys = shape(acme.schema_name)

    assert sorted(set(columns) - set(copy_rules.keys())) == []
    assert sorted(set(copy_rules.keys()) - set(columns)) == []


def test_no_rule_speaks_of_a_column_that_is_not_there(acme):
    columns, _keys = shape(acme.schema_name)

    for table, rule in copy_rules.items():
        assert {*rule.sets, *rule.hidden} <= set(columns[table]), table


def test_a_full_copy_equals_its_original_table_by_table(shop):
    with tenant_context(shop):
        place = str(stream.now())
    made = cloning.clone(source=shop, name="Filial", by="the test", wait=True)

    assert (made.slug, made.status) == ("filial", TenantStatus.ACTIVE)
    columns, _keys = shape(shop.schema_name)
    compared = 0
    for table, names in columns.items():
        rule = copy_rules[table]
        if rule.part in COPIED[CopyMode.FULL] and not rule.where:
            kept = [name for name in names if name not in rule.sets]
            ours = fingerprint(shop.schema_name, table, kept)
            assert fingerprint(made.schema_name, table, kept) == ours, table
            compared += bool(ours[0])
        elif rule.part is Part.NEVER and not table.startswith("audit_"):
            assert fingerprint(made.schema_name, table, names)[0] == 0, table
    assert compared > 8
    with tenant_context(made):
        file = Attachment.objects.get().file
        with default_storage.open(file.name) as held:
            assert held.read() == b"a picture"
        assert User.objects.filter(email="ana@acme.example").exists()
        assert AuditEntry.objects.order_by("at", "id").first().action == "tenants.tenant_cloned"
        # It is another history: a console that comes back with the original's place is told to begin anew.
        with pytest.raises(CursorUnknown):
            stream.parse(place)
        # New rows find their number after the copied ones.
        MessageFactory(conversation=Conversation.objects.get())
    with tenant_context(shop):
        assert str(stream.parse(place)) == place
        assert Message.objects.count() == 1
        assert AuditEntry.objects.filter(action="tenants.tenant_copied").exists()
    with schema_context("public"):
        assert {row.display_name for row in (shop.branding, made.branding)} == {"Acme Loja"}


def test_two_tenants_never_answer_one_number_and_share_no_secret(shop):
    made = cloning.clone(source=shop, name="Filial", wait=True)

    told = {}
    for tenant in (shop, made):
        with tenant_context(tenant):
            number, web = Inbox.objects.get(name="Telefone"), Inbox.objects.get(name="Site")
            told[tenant] = (number.active, web.active, number.account.keys)
            told[tenant, "secret"] = {web.hmac_secret, number.hmac_secret, web.website_token, number.website_token}
    assert told[shop] == (True, True, {"token": "never in two places"})
    assert told[made] == (False, True, {})
    assert len(told[made, "secret"]) == 4
    assert not told[shop, "secret"] & told[made, "secret"]


def test_a_copy_of_the_settings_has_nobody_in_it_but_its_owner(shop):
    made = cloning.clone(source=shop, name="Modelo", mode=CopyMode.SETTINGS, owner=OWNER, wait=True)

    columns, _keys = shape(made.schema_name)
    for table, rule in copy_rules.items():
        if rule.part in (Part.DATA, Part.PEOPLE) and table != "accounts_user":
            assert fingerprint(made.schema_name, table, columns[table])[0] == 0, table
    with tenant_context(made):
        assert list(User.objects.values_list("email", "role__slug")) == [("nova@filial.example", "owner")]
        assert set(Inbox.objects.values_list("name", flat=True)) >= {"Site", "Telefone"}
        assert Attachment.objects.count() == 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT shortcut FROM chat_cannedresponse")
            assert cursor.fetchall() == [("oi",)]


def test_a_copy_without_the_team_keeps_the_conversations(shop):
    made = cloning.clone(source=shop, name="Sem equipe", mode=CopyMode.WITHOUT_PEOPLE, owner=OWNER, wait=True)

    with tenant_context(made):
        assert list(User.objects.values_list("email", flat=True)) == ["nova@filial.example"]
        assert (Conversation.objects.count(), Message.objects.count()) == (1, 1)
        assert Conversation.objects.get().assignee_id is None


@pytest.mark.parametrize("step", [JobStep.COPY, JobStep.FILES])
def test_a_copy_that_stopped_goes_on(shop, monkeypatch, step):
    made = cloning.clone(source=shop, name="Filial")
    real = provisioning._DO[step]

    def breaks(job):
        real(job)
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(provisioning._DO, step, breaks)
    job = TenantJob.objects.get(tenant=made)
    with pytest.raises(RuntimeError):
        provisioning.run(job_id=job.pk, now=timezone.now())
    job.refresh_from_db()
    assert (job.kind, job.state, job.step) == (JobKind.CLONE, JobState.FAILED, step)

    monkeypatch.setitem(provisioning._DO, step, real)
    provisioning.retry(job=job, wait=True)
    made.refresh_from_db()
    assert made.status == TenantStatus.ACTIVE
    with tenant_context(made):
        assert Message.objects.count() == 1
        assert AuditEntry.objects.filter(action="tenants.tenant_cloned").count() == 1


def test_whoever_orders_a_copy_with_people_does_not_get_to_read_it(acme):
    with pytest.raises(errors.OwnerOfCopy):
        cloning.clone(source=acme, name="Minha", mode=CopyMode.FULL, owner=OWNER)
    with pytest.raises(errors.OwnerMissing):
        cloning.clone(source=acme, name="De ninguém", mode=CopyMode.SETTINGS)


@pytest.mark.parametrize("status", [TenantStatus.PROVISIONING, TenantStatus.ARCHIVED, TenantStatus.DELETED])
def test_only_what_works_is_copied(db, status):
    with pytest.raises(errors.NothingToCopy):
        cloning.clone(source=TenantFactory(status=status), name="Filial")


def test_tables_of_another_release_are_not_copied(shop):
    Tenant.objects.filter(pk=shop.pk).update(release_hash="older")

    with pytest.raises(errors.TablesDiffer):
        cloning.clone(source=shop, name="Filial", wait=True)


@pytest.mark.transactional
def test_of_two_copies_to_one_address_at_once_one_is_made(acme):
    said = []
    begin = threading.Barrier(2)

    def order():
        try:
            begin.wait(timeout=PATIENCE_S)
            said.append(cloning.clone(source=acme, name="Filial", slug="filial").slug)
        except errors.SlugTaken:
            said.append("taken")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=order) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["filial", "taken"]
    assert Tenant.objects.filter(slug="filial").count() == 1
    # And prepared as in production: over a connection of its own, in one snapshot.
    made = Tenant.objects.get(slug="filial")
    provisioning.finish(tenant=made, now=timezone.now())
    assert made.status == TenantStatus.ACTIVE
