"""Custom CSS of a brand: read, judged, and confined to the places a brand may dress.

Nothing of the text is served as it came: it is parsed, every rule is judged by lists of what may be there, and what
passes is written out again below a prefix. So a stray bracket, an escape or a comment cannot carry anything out.
"""

from collections.abc import Iterator
from typing import Any

import tinycss2
from django.utils.translation import gettext as _

from tenants.errors import CssRefused

MAX_CHARACTERS = 20_000
MAX_RULES = 400
MAX_DEPTH = 8

# Where a brand may dress: login and its neighbours, public pages, the frame of the console, the widget.
SCOPE = ":where(body.auth, body.public, .rail, .topbar, [data-branded])"

PROPERTIES = frozenset(
    """
    accent-color background background-color background-image background-position background-repeat background-size
    border border-block border-block-color border-block-end border-block-start border-block-style border-block-width
    border-bottom border-bottom-color border-bottom-left-radius border-bottom-right-radius border-bottom-style
    border-bottom-width border-color border-end-end-radius border-end-start-radius border-inline border-inline-color
    border-inline-end border-inline-start border-inline-style border-inline-width border-left border-left-color
    border-left-style border-left-width border-radius border-right border-right-color border-right-style
    border-right-width border-start-end-radius border-start-start-radius border-style border-top border-top-color
    border-top-left-radius border-top-right-radius border-top-style border-top-width border-width box-shadow color
    column-gap fill font-family font-feature-settings font-kerning font-size font-stretch font-style
    font-variant-numeric font-weight gap letter-spacing line-height margin margin-block margin-block-end
    margin-block-start margin-bottom margin-inline margin-inline-end margin-inline-start margin-left margin-right
    margin-top max-width outline-color padding padding-block padding-block-end padding-block-start padding-bottom
    padding-inline padding-inline-end padding-inline-start padding-left padding-right padding-top row-gap stroke
    text-align text-decoration text-decoration-color text-decoration-line text-decoration-style
    text-decoration-thickness text-shadow text-transform text-underline-offset text-wrap word-spacing
    """.split()  # noqa: SIM905
)
FUNCTIONS = frozenset(
    """
    calc clamp color color-mix conic-gradient hsl hsla hwb lab lch light-dark linear-gradient max min oklab oklch
    radial-gradient repeating-conic-gradient repeating-linear-gradient repeating-radial-gradient rgb rgba var
    """.split()  # noqa: SIM905
)
PSEUDO_FUNCTIONS = frozenset(
    {"has", "is", "not", "nth-child", "nth-last-child", "nth-last-of-type", "nth-of-type", "where"}
)
UNREADABLE = frozenset({"error", "{} block", "[] block", "at-keyword", "unicode-range"})
ROOTS = frozenset({"html", "body"})
SELECTOR_SIGNS = frozenset(".>+~*:|")
CONDITIONS = frozenset({"media", "supports"})


def confine(text: str) -> str:
    """The CSS to serve for what a person wrote. Raises `CssRefused` naming the line and the reason."""
    if len(text) > MAX_CHARACTERS:
        raise CssRefused(
            field="custom_css", line=1, reason=_("At most %(count)s characters.") % {"count": MAX_CHARACTERS}
        )
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    count = [0]
    return "\n".join(_rule(rule, depth=0, count=count) for rule in rules)


def _refuse(node: Any, reason: str) -> CssRefused:
    return CssRefused(field="custom_css", line=getattr(node, "source_line", 1) or 1, reason=reason)


def _rule(rule: Any, *, depth: int, count: list[int]) -> str:
    count[0] += 1
    if count[0] > MAX_RULES:
        raise _refuse(rule, _("At most %(count)s rules.") % {"count": MAX_RULES})
    if rule.type == "qualified-rule":
        return f"    {', '.join(_selectors(rule))} {{ {_declarations(rule.content)} }}"
    if rule.type == "at-rule":
        return _condition(rule, depth=depth, count=count)
    raise _refuse(rule, _("This cannot be read as CSS: %(what)s.") % {"what": getattr(rule, "message", rule.type)})


def _condition(rule: Any, *, depth: int, count: list[int]) -> str:
    name = rule.lower_at_keyword
    if name not in CONDITIONS or rule.content is None:
        raise _refuse(rule, _("@%(name)s is not allowed here.") % {"name": rule.at_keyword})
    if depth:
        raise _refuse(rule, _("Conditions cannot stand inside each other."))
    for token, _depth in _walk(rule.prelude):
        if token.type in ("error", "url", "{} block", "at-keyword") or (
            token.type == "function" and token.lower_name not in {"calc"}
        ):
            raise _refuse(token, _("This condition cannot be read."))
    inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
    body = "\n".join(_rule(one, depth=depth + 1, count=count) for one in inner)
    return f"    @{name} {tinycss2.serialize(rule.prelude).strip()} {{\n{body}\n    }}"


# --- Selectors --------------------------------------------------------------------------------------


def _selectors(rule: Any) -> Iterator[str]:
    for part in _split(rule.prelude):
        tokens = _trimmed(part)
        if not tokens:
            raise _refuse(rule, _("A selector is missing."))
        _judge_selector(tokens)
        yield _below_scope(tokens)


def _split(tokens: list[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _trimmed(tokens: list[Any]) -> list[Any]:
    kept = [token for token in tokens if token.type != "comment"]
    while kept and kept[0].type == "whitespace":
        kept.pop(0)
    while kept and kept[-1].type == "whitespace":
        kept.pop()
    return kept


def _judge_selector(tokens: list[Any]) -> None:
    for token, _depth in _walk(tokens):
        good = (
            token.type in ("ident", "hash", "whitespace", "string", "number", "dimension", "[] block")
            or (
                token.type == "literal"
                and (
                    token.value in SELECTOR_SIGNS
                    or token.value in {"=", "~=", "|=", "^=", "$=", "*=", ",", "-", "^", "$"}
                )
            )
            or (token.type == "function" and token.lower_name in PSEUDO_FUNCTIONS)
        )
        if not good:
            raise _refuse(token, _("This selector is not allowed."))


def _below_scope(tokens: list[Any]) -> str:
    """The selector below the scope; `body`, `html` and `:root` in front mean the scope itself."""
    first = tokens[0]
    if (
        first.type == "literal"
        and first.value == ":"
        and len(tokens) > 1
        and getattr(tokens[1], "lower_value", "") in {"root", "scope"}
    ):
        rest = tokens[2:]
    elif first.type == "ident" and first.lower_value in ROOTS:
        rest = tokens[1:]
    elif first.type == "literal" and first.value in {">", "+", "~"}:
        raise _refuse(first, _("A selector cannot start with “%(sign)s”.") % {"sign": first.value})
    else:
        return f"{SCOPE} {tinycss2.serialize(tokens)}"
    return f"{SCOPE}{tinycss2.serialize(rest)}"


# --- Declarations -----------------------------------------------------------------------------------


def _declarations(content: list[Any]) -> str:
    found = []
    for node in tinycss2.parse_declaration_list(content, skip_comments=True, skip_whitespace=True):
        if node.type != "declaration":
            raise _refuse(node, _("A declaration looks like “color: #0b6b5d;”."))
        if node.important:
            raise _refuse(node, _("!important is not needed and not allowed."))
        name = node.lower_name
        if name.startswith("--"):
            name = node.name
        elif name not in PROPERTIES:
            raise _refuse(node, _("The property “%(name)s” is not allowed.") % {"name": node.name})
        _judge_value(node)
        found.append(
            f"{tinycss2.serialize([tinycss2.ast.IdentToken(0, 0, name)])}: {tinycss2.serialize(node.value).strip()};"
        )
    return " ".join(found)


def _judge_value(declaration: Any) -> None:
    for token, _depth in _walk(declaration.value):
        if token.type == "function" and token.lower_name == "url":
            address = next((inner.value for inner in token.arguments if inner.type == "string"), "")
            if len([inner for inner in token.arguments if inner.type != "whitespace"]) != 1 or not _is_own(address):
                raise _refuse(token, _("Pictures must lie on your own address, for example url(/brand/logo)."))
        elif token.type == "function" and token.lower_name not in FUNCTIONS:
            raise _refuse(token, _("%(name)s() is not allowed.") % {"name": token.name})
        elif token.type == "url" and not _is_own(token.value):
            raise _refuse(token, _("Pictures must lie on your own address, for example url(/brand/logo)."))
        elif token.type in UNREADABLE or (token.type == "literal" and token.value in {"<!--", "-->", ";", "!"}):
            raise _refuse(token, _("The value of “%(name)s” cannot be read.") % {"name": declaration.name})


def _is_own(address: str) -> bool:
    """A file of the brand on the same host: nothing else may be fetched, not even from ourselves."""
    return address in {"/brand/logo", "/brand/favicon.ico"}


def _walk(tokens: list[Any]) -> Iterator[tuple[Any, int]]:
    """Every token, with how deep it stands; refuses what is nested beyond reading."""
    pending = [(token, 1) for token in reversed(tokens)]
    while pending:
        token, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _refuse(token, _("This is nested too deeply."))
        yield token, depth
        inside = getattr(token, "arguments", None) or (token.content if token.type.endswith(" block") else None) or []
        pending += [(inner, depth + 1) for inner in reversed(inside)]
