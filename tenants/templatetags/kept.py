"""Parts of a page that are drawn once for all who see the same."""

from collections.abc import Callable, Hashable
from typing import Any

from django import template
from django.db import connection
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

# Drawings of one place of one template; when there are more, all are forgotten.
KEPT = 256


class Drawings:
    """Texts drawn in Python once for each schema, language, time zone and the values they show.

    The values must be all that the drawing depends on; for words such as "two minutes ago" the minute is one of them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.drawn: dict[tuple[Hashable, ...], str] = {}

    def each(self, shown: list[Hashable], draw: Callable[[Any], str]) -> str:
        """The drawings of all values in their order, joined; `draw` is asked for those that are not kept."""
        place = (getattr(connection, "schema_name", ""), get_language(), timezone.get_current_timezone_name())
        parts = []
        for values in shown:
            key = (*place, values)
            text = self.drawn.get(key)
            if text is None:
                if len(self.drawn) >= self.most:
                    self.drawn.clear()  # rather than counting who was used last
                text = self.drawn[key] = draw(values)
            parts.append(text)
        return "".join(parts)


class KeptNode(template.Node):
    """Draws its inside once for each schema, language and combination of the named values."""

    def __init__(self, nodelist: NodeList, values: list[FilterExpression]) -> None:
        self.nodelist = nodelist
        self.values = values
        self.drawn: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        """The kept drawing, or a new one."""
        values = [one.resolve(context) for one in self.values]
        # A lazy value would be compared, and kept alive, as the promise it is.
        key = (
            getattr(connection, "schema_name", ""),
            get_language(),
            context.use_l10n,
            *[value if value is None or isinstance(value, (bool, int, tuple)) else str(value) for value in values],
        )
        found = self.drawn.get(key)
        if found is None:
            if len(self.drawn) >= KEPT:
                self.drawn.clear()
            found = self.drawn[key] = self.nodelist.render(context)
        return found


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept first second %}…{% endkept %}`: what stands inside depends on these values and the language alone.

    For the frame of every page, whose words, icons and addresses cost more than what is inside it. Kept in the
    process with the compiled template, so while templates are edited (DEBUG) nothing is kept. Values are texts,
    numbers or tuples of such; nothing of the request may be inside that is not named: no token, no time, no form.
    """
    values = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(nodelist, values)
