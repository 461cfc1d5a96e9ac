"""Settings that people change while the product runs, each declared once with its fields.

declare(Definition("offers.shopee", _("Shopee"), fields=(
    Field("app_id", _("App id")),
    Field("secret", _("Secret"), secret=True, setting="SHOPEE_SECRET"),
)))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ops.kernel.registry import Registry, Text

TYPES = (str, int, bool, list, dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a setting.

    `setting` names a Django setting that is the platform's default (an environment variable of the usual name).
    `validate(value)` raises `django.core.exceptions.ValidationError`.
    """

    name: str
    label: Text
    type: type = str
    default: Any = None
    required: bool = False
    secret: bool = False
    choices: tuple[Any, ...] = ()
    min_value: int | None = None
    max_value: int | None = None
    max_length: int = 2000
    hint: Text = ""
    setting: str = ""
    validate: Callable[[Any], None] | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ImproperlyConfigured(f"{self.name}: {self.type!r} is no type of a setting.")
        if self.secret and (self.type is not str or self.default is not None):
            raise ImproperlyConfigured(f"{self.name}: a secret is a text without default.")


@dataclass(frozen=True, slots=True)
class Definition:
    """A setting: a few fields that change together and have one history.

    `inherit` lets a tenant that has no value of its own use its reseller's and the platform's. Fields that belong
    `together` (a key and the address it is sent to) are all taken from the nearest place that set one of them.
    """

    name: str
    label: Text
    fields: tuple[Field, ...]
    inherit: bool = True
    together: tuple[str, ...] = ()
    check: Callable[[dict[str, Any]], None] | None = None
    order: int = 100
    by_name: dict[str, Field] = field(init=False, repr=False, compare=False, hash=False, default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.fields:
            if one.name in self.by_name:
                raise ImproperlyConfigured(f"{self.name}: the field {one.name!r} is declared twice.")
            self.by_name[one.name] = one
        if unknown := {name for name in self.together if name not in self.by_name}:
            raise ImproperlyConfigured(f"{self.name}: no fields are called {', '.join(sorted(unknown))}.")


definitions: Registry[Definition] = Registry("settings")


def declare(definition: Definition) -> Definition:
    """Make a setting known; once."""
    return definitions.register(definition.name, definition)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a provider said to the cheapest call it has. `is_refused`: the credentials themselves are wrong."""

    ok: bool
    words: Text = ""
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A setting that opens the door of an outside service, for the page of credentials.

    `test(values)` makes one cheap call with these values and never raises for the service. `needs` are the fields
    without which there is nothing to call with: one of them is enough. `for_tenants=False` keeps it to the platform.
    """

    setting: str
    label: Text
    icon: str
    hint: Text = ""
    docs: str = ""
    needs: tuple[str, ...] = ()
    test: Callable[[Mapping[str, Any]], Tested] | None = None
    for_tenants: bool = True
    order: int = 100


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials that live elsewhere, one line each: an inbox with its token. `tone` is a badge's."""

    label: Text
    kind: Text
    state: Text
    tone: str
    url: str
    icon: str = "plug"


credentials: Registry[Credential] = Registry("credentials")
accounts: Registry[Callable[[], list[Account]]] = Registry("accounts of credentials")

_between: list[Callable[[str], str]] = []


def between(scope_of: Callable[[str], str]) -> None:
    """Take the rule that names who stands between the platform and a schema: `scope_of(schema)`, empty for nobody.

    The kernel knows no resellers; whoever does says which group of settings a schema inherits.
    """
    _between[:] = [scope_of]


def scope_between(schema: str) -> str:
    """The group a schema inherits from, or an empty word."""
    return _between[0](schema) if _between else ""
