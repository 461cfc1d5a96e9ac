"""What features offer to pages they do not know: each app registers in its `apps.py`, others render.

Registries are filled once at start and then only read. A key is registered once; the second time is
a programming error and stops the start.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.functional import Promise

Text = str | Promise
T = TypeVar("T")


class Registry(Generic[T]):
    """Named items in a stable order: by their `order` when they have one, then as registered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: dict[str, T] = {}

    def register(self, key: str, item: T) -> T:
        """Add an item. Raises `ImproperlyConfigured` when the key is taken."""
        if key in self._items:
            raise ImproperlyConfigured(f"{self.name}: {key!r} is registered twice.")
        self._items[key] = item
        return item

    def unregister(self, key: str) -> None:
        """Take an item out again; only tests need to."""
        del self._items[key]

    def get(self, key: str) -> T | None:
        """The item of that key, or nothing."""
        return self._items.get(key)

    def items(self) -> list[tuple[str, T]]:
        """Pairs of key and item, in order."""
        return sorted(self._items.items(), key=lambda pair: getattr(pair[1], "order", 0))

    def keys(self) -> list[str]:
        """Keys, in order."""
        return [key for key, _ in self.items()]

    def __getitem__(self, key: str) -> T:
        return self._items[key]

    def __iter__(self) -> Iterator[T]:
        return iter([item for _, item in self.items()])

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"<Registry {self.name}: {', '.join(self.keys())}>"


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the tenant's rail. `badge(request)` gives a small number, or nothing.

    `parent` is the key of the entry it belongs to: it is shown below it while somebody is in that area.
    """

    label: Text
    icon: str
    url_name: str
    permission: str | None = None
    order: int = 100
    badge: Callable[[HttpRequest], int | None] | None = None
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A card on the home page. `context(request)` fills `template`; `width` is in twelfths of the row.

    A `kept` panel is drawn again only when its context is another one or a minute has passed: its context is plain
    values (what pickles, no rows of the database), and its template uses nothing else, above all no token of a form.
    """

    template: str
    context: Callable[[HttpRequest], Mapping[str, Any]]
    permission: str | None = None
    order: int = 100
    width: int = 6
    kept: bool = False


@dataclass(frozen=True, slots=True)
class HealthResult:
    """The answer of one check: good or not, and one sentence an operator understands (never a secret)."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One component of `/health/ready`. A check that is not `critical` is shown but does not turn the answer to 503."""

    check: Callable[[], HealthResult]
    critical: bool = True
    timeout_s: float = 1.0
    cache_s: float = 0.0
    order: int = 100


@dataclass(frozen=True, slots=True)
class PermissionArea:
    """What permissions are about: a section of the page of roles, under the heading of a `group` of areas."""

    label: Text
    group: Text
    order: int = 100


@dataclass(frozen=True, slots=True)
class PermissionDef:
    """A permission `app.codename` and the built-in roles that hold it from the start.

    `area` is a key of `permission_areas`, `hint` says in a sentence what it lets somebody do. Who holds a `seated` one
    takes one of the plan's agents. `for_tokens=False` keeps it for people: no token ever has it, whatever its role.

    `support` says that a visit of support may hold it by its role; secrets, money, exports, deletions and people's
    logins never say so, and what says nothing is closed to it.
    """

    codename: str
    label: Text
    roles: frozenset[str] | set[str] = frozenset()
    area: str = ""
    hint: Text = ""
    seated: bool = False
    for_tokens: bool = True
    support: bool = False

    @property
    def reads(self) -> bool:
        """Whether it only lets somebody look."""
        return self.codename.partition(".")[2].startswith("view_")


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that is counted when asked for (agents, bytes), in the schema of the caller."""

    label: Text
    count: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Meter:
    """Something that is used up and added to (messages, tokens), recorded by `ops.kernel.metering`."""

    label: Text
    unit: Text = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Where a person's data lives, so that it can be handed over or erased on request.

    `export(subject)` gives what is held about an e-mail address; `erase(subject)` removes or anonymises it
    and says how many rows it touched.
    """

    label: Text
    export: Callable[[str], Iterable[Mapping[str, Any]]]
    erase: Callable[[str], int]
    order: int = 100


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """A page under `/settings/`."""

    label: Text
    icon: str
    url_name: str
    permission: str | None = None
    order: int = 100
    hint: Text = ""


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """A heading of the index of the settings; the pages from its `order` on stand under it, until the next one."""

    label: Text
    order: int


@dataclass(frozen=True, slots=True)
class PaletteSource:
    """A source of the `Ctrl+K` palette: `search(request, text)` gives `{label, hint, url, icon}`."""

    label: Text
    search: Callable[[HttpRequest, str], Iterable[Mapping[str, Any]]]
    permission: str | None = None
    order: int = 100


@dataclass(frozen=True, slots=True)
class Feature:
    """A switch that a plan may turn on, with its words for people."""

    label: Text
    default: bool = False
    hint: Text = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """People an alert can be sent to, by what they are and not by name: `emails()` in the caller's schema."""

    label: Text
    emails: Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Handover:
    """What a new tenant is given to begin with, such as the snippet of its chat: `text()` in the tenant's schema."""

    label: Text
    hint: Text
    text: Callable[[], str]
    order: int = 100


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What somebody who leaves has in hand. All of it runs in the schema of the person.

    `count(user)` says how much it is, `choices(user)` where it can go (value and words; the first is taken when nobody
    chooses), `hand_over(user, choice, by, now)` lets it go there and ends what else must not outlive their access.
    """

    label: Text
    count: Callable[[Any], int]
    choices: Callable[[Any], list[tuple[str, str]]]
    hand_over: Callable[[Any, str, Any, datetime], None]
    order: int = 100


nav: Registry[NavItem] = Registry("nav")
panels: Registry[Panel] = Registry("panels")
health: Registry[HealthCheck] = Registry("health")
permissions: Registry[PermissionDef] = Registry("permissions")
permission_areas: Registry[PermissionArea] = Registry("permission_areas")
gauges: Registry[Gauge] = Registry("gauges")
meters: Registry[Meter] = Registry("meters")
personal_data: Registry[PersonalData] = Registry("personal_data")
settings_pages: Registry[SettingsPage] = Registry("settings_pages")
settings_sections: Registry[SettingsSection] = Registry("settings_sections")
palette: Registry[PaletteSource] = Registry("palette")
features: Registry[Feature] = Registry("features")
audiences: Registry[Audience] = Registry("audiences")
# Where encrypted tokens stand that are no column of ours: `walk(fresh)` puts `fresh(token)` in the place of each.
sealed: Registry[Callable[[Callable[[str], str]], None]] = Registry("sealed")
handovers: Registry[Handover] = Registry("handovers")
open_work: Registry[OpenWork] = Registry("open_work")
