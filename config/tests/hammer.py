"""Two tenants knocked at through every kind of door at once, by threads and event loops that change between them.

`lay_out` gives each tenant rows with a word of its own; `run` knocks and collects every answer that holds the other
one's word. Used by the suite for a few seconds and by `benchmarks/tenants_apart.py` at full size.
"""

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.test import Client
from django_tenants.utils import schema_context, tenant_context

from chat.models import Contact
from chat.tests.factories import ArticleFactory, ContactFactory, MessageFactory
from ops.kernel.testing import PATIENCE_S, communicator
from tenants.accounts.models import Role, User
from tenants.models import Tenant

# Words no page of ours says.
WORDS = {"acme": "Quittenbrot", "beta": "Mirabellenmus"}
FRAMES_A_SOCKET = 40


@dataclass(frozen=True, slots=True)
class House:
    """A tenant with rows that hold its word, and a session of its owner."""

    tenant: Tenant
    word: str
    cookie: str
    conversation: str
    number: int
    file: str

    @property
    def host(self) -> str:
        """Where it answers."""
        return f"{self.tenant.slug}.{settings.PLATFORM_DOMAIN}"

    def browser(self) -> Client:
        """The owner's browser, for one thread."""
        client = Client(headers={"host": self.host})
        client.cookies[settings.SESSION_COOKIE_NAME] = self.cookie
        return client


@dataclass(slots=True)
class Found:
    """How often each door was knocked at, and every answer with a word of the other tenant."""

    knocks: Counter[str] = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def heard(self, door: str, house: House, said: str) -> None:
        """Judge one answer: it holds the own word and not the other's."""
        other = next(word for word in WORDS.values() if word != house.word)
        with self.lock:
            self.knocks[door] += 1
            if other in said:
                self.foreign.append(f"{door} of {house.tenant.slug}: {said[max(0, said.index(other) - 60) :][:160]}")
            if house.word not in said:
                self.failed.append(f"{door} of {house.tenant.slug}: {said[:160]}")


@shared_task(name="tests.hammer")
def names() -> list[str]:
    """What a task finds in its tenant."""
    return list(Contact.objects.order_by("pk").values_list("name", flat=True))


def lay_out(tenant: Tenant) -> House:
    """Rows of every kind with the tenant's word in them."""
    word = WORDS[tenant.slug]
    with tenant_context(tenant):
        contact = ContactFactory(name=f"Visitor {word}", email=f"visitor@{tenant.slug}.example")
        message = MessageFactory(body=f"My order: {word}", conversation__contact_inbox__contact=contact)
        ArticleFactory(title=f"About {word}", body=f"Words about {word}.")
        owner = User.objects.filter(email=f"hammer@{tenant.slug}.example").first() or User.objects.create_user(
            f"hammer@{tenant.slug}.example", name=f"Owner {word}", role=Role.objects.get(slug="owner")
        )
        client = Client(headers={"host": f"{tenant.slug}.{settings.PLATFORM_DOMAIN}"})
        client.force_login(owner)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        conversation = message.conversation
        file = default_storage.save("hammer/list.txt", ContentFile(word.encode()))
        return House(tenant, word, cookie, str(conversation.pk), conversation.number, file)


def run(houses: Iterable[House], *, times: int) -> Found:
    """Knock `times` times in all: two threads at the synchronous doors, two event loops at the sockets."""
    cast, found = list(houses), Found()
    sockets = times // 10  # a frame of a socket is one statement; pages and the API are most of what happens
    share = (times - 2 * sockets) // 2
    workers: list[tuple[Callable[..., None], int]] = [
        (_thread, share),
        (_thread, share),
        (_loop, sockets),
        (_loop, sockets),
    ]
    threads = [
        threading.Thread(target=_guarded, args=(work, cast, found, count, number), name=f"hammer-{number}")
        for number, (work, count) in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _guarded(work: Callable[..., None], cast: list[House], found: Found, count: int, number: int) -> None:
    try:
        work(cast, found, count, number)
    except BaseException as error:  # a worker that dies quietly would look like a clean run
        found.failed.append(f"worker {number}: {error!r}")
        raise
    finally:
        connections.close_all()


# --- Threads ------------------------------------------------------------------------------------------


def _page(house: House, browser: Client) -> str:
    return browser.get(f"/chat/c/{house.number}").content.decode()


def _list(house: House, browser: Client) -> str:
    return browser.get("/chat/contacts/").content.decode()


def _api(house: House, browser: Client) -> str:
    return browser.get("/api/v1/chat/contacts/").content.decode()


def _search(house: House, browser: Client) -> str:
    # Either tenant's word is looked for in both: only the own one is there.
    found = [browser.get("/search/", {"q": word}).content.decode() for word in ("Visitor", *WORDS.values())]
    return found[0] + "".join(
        part.replace(f'"{word}"', "") for word, part in zip(WORDS.values(), found[1:], strict=True)
    )


def _task(house: House, browser: Client) -> str:
    # The thread stands in another tenant than the one the message names, as a worker does between two tasks.
    with schema_context("public"):
        return " ".join(names.apply(headers={"tenant": house.tenant.schema_name}, throw=True).get())


def _cache(house: House, browser: Client) -> str:
    with tenant_context(house.tenant):
        cache.set("hammer", house.word, 60)
        return str(cache.get("hammer"))


def _storage(house: House, browser: Client) -> str:
    with tenant_context(house.tenant), default_storage.open(house.file) as file:
        return file.read().decode()


def _rows(house: House, browser: Client) -> str:
    with tenant_context(house.tenant), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(body, ' ') FROM chat_message")
        return str(cursor.fetchone()[0])


DOORS: dict[str, Callable[[House, Client], str]] = {
    "page": _page,
    "list": _list,
    "api": _api,
    "search": _search,
    "task": _task,
    "cache": _cache,
    "storage": _storage,
    "rows": _rows,
}


def _thread(cast: list[House], found: Found, count: int, number: int) -> None:
    browsers = {house.tenant.slug: house.browser() for house in cast}
    doors = itertools.cycle(DOORS.items())
    for step in range(count // 2):
        name, knock = next(doors)
        # Every door is left for the same door of the other tenant: what one leaves behind, the other meets.
        for house in (cast[(step + number) % 2], cast[(step + number + 1) % 2]):
            found.heard(name, house, knock(house, browsers[house.tenant.slug]))


# --- Event loops --------------------------------------------------------------------------------------


def _loop(cast: list[House], found: Found, count: int, number: int) -> None:
    asyncio.run(_sockets(cast, found, count))


async def _sockets(cast: list[House], found: Found, count: int) -> None:
    while count > 0:
        round_ = min(count, FRAMES_A_SOCKET)
        lines = [(house, await _open(house)) for house in cast]
        for step in range(round_):
            house, socket = lines[step % 2]
            key = str(uuid4())
            await socket.send_json_to(
                {
                    "type": "msg.send",
                    "client_id": key,
                    "conversation": house.conversation,
                    "body": f"{house.word} {key}",
                }
            )
            await _listen(house, socket, found, until=key)
        for _house, socket in lines:
            await socket.disconnect()
        count -= round_


async def _open(house: House) -> Any:
    cookie = f"{settings.SESSION_COOKIE_NAME}={house.cookie}"
    socket = communicator("/ws/agent/", host=house.host, headers={"cookie": cookie}, subprotocols=["chat.v1"])
    opened, code = await socket.connect(timeout=PATIENCE_S)
    if not opened:
        raise AssertionError(f"no socket of {house.tenant.slug}: {code}")
    await socket.send_json_to({"type": "hello"})
    while (await socket.receive_json_from(timeout=PATIENCE_S))["type"] != "welcome":
        pass
    return socket


async def _listen(house: House, socket: Any, found: Found, *, until: str) -> None:
    """Read until the receipt of what was sent; whatever comes on the way is judged too."""
    while True:
        text = await socket.receive_from(timeout=PATIENCE_S)
        other = next(word for word in WORDS.values() if word != house.word)
        if '"msg.ack"' in text and until in text:
            found.heard("socket", house, f"{house.word} {text}")
            return
        if other in text:
            found.foreign.append(f"socket of {house.tenant.slug}: {text[:160]}")
        if '"msg.nack"' in text and until in text:
            raise AssertionError(text)
