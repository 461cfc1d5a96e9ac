"""A typed client, generated from the document we publish, talks to a running server."""

import json
import subprocess
import sys
from importlib import import_module
from types import ModuleType
from uuid import UUID

import pytest
from django_tenants.utils import tenant_context
from drf_spectacular.generators import SchemaGenerator

from chat.models import Contact
from chat.tests.factories import ConversationFactory, MessageFactory
from chat.tests.process import web_process
from ops.kernel.ids import uuid7

NAME = "balcao_client"
PASSWORD = "pão-quente-às-seis"


@pytest.fixture(scope="module")
def client_package(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The package that `openapi-python-client` makes of our document."""
    folder = tmp_path_factory.mktemp("client")
    document = SchemaGenerator(urlconf="config.urls_tenant").get_schema(request=None, public=True)
    (folder / "schema.json").write_text(json.dumps(document, default=str), encoding="utf-8")
    command = ["generate", "--path", "schema.json", "--output-path", NAME, "--meta", "none"]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield import_module(NAME)
    sys.path.remove(str(folder))


def part(name: str) -> ModuleType:
    """A module of the client."""
    return import_module(f"{NAME}.{name}")


@pytest.mark.transactional
def test_the_generated_client_does_an_integrators_day(client_package, acme, ana, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ana.set_password(PASSWORD)
    ana.save()
    conversation = ConversationFactory()
    MessageFactory(conversation=conversation, body="Tem pão?")
    models = part("models")

    with web_process() as web:
        base = f"http://127.0.0.1:{web.port}"
        host = {"Host": acme.domains.get(is_primary=True).domain}
        stranger = client_package.Client(base_url=base, headers=host)
        tokens = part("api.auth.auth_login").sync(
            client=stranger, body=models.LoginRequest(email=ana.email, password=PASSWORD)
        )
        client = client_package.AuthenticatedClient(base_url=base, headers=host, token=tokens.access)

        listed = part("api.chat.chat_conversations_list").sync(client=client)
        assert [row.number for row in listed.results] == [conversation.number]
        assert listed.results[0].id == UUID(str(conversation.pk))

        body = models.MessageCreateRequest(client_id=uuid7(), body="Tem, sim")
        send = part("api.chat.chat_conversations_messages_create").sync_detailed
        first = send(conversation.number, client=client, body=body)
        again = send(conversation.number, client=client, body=body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.parsed.id == again.parsed.id

        made = part("api.chat.chat_contacts_create").sync(
            client=client, body=models.ContactWriteRequest(name="Rui", email="rui@mail.example")
        )
        refused = part("api.chat.chat_contacts_create").sync(
            client=client, body=models.ContactWriteRequest(name="Eva", email="no address")
        )
        assert isinstance(refused, models.Problem)
        assert (refused.status, refused.errors[0].field) == (422, "email")

    with tenant_context(acme):
        assert Contact.objects.get(email="rui@mail.example").pk == made.id
