"""Markdown of articles as safe HTML, its table of contents, and its plain words.

HTML inside the Markdown is text, and what is made is cleaned all the same: two locks on one door.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import nh3
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "div": {"class", "tabindex"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}
SCHEMES = {"http", "https", "mailto", "tel"}
# Pictures come from this host: pages load nothing from elsewhere.
OWN_ADDRESS = re.compile(r"/(?!/)[^\s\\]*\Z")
IN_CONTENTS = (2, 3)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An article's words in three forms. `text` has a line `# …` for each heading, blocks apart by an empty line."""

    html: str
    toc: list[dict[str, str | int]] = field(default_factory=list)
    text: str = ""


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])
    # A wide table scrolls in its own frame, which the keyboard can reach.
    parser.add_render_rule("table_open", lambda *_: '<div class="table-wrap" tabindex="0"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


PARSER = _parser()


def render(source: str) -> Rendered:
    """HTML, contents and plain text of a Markdown source."""
    tokens = PARSER.parse(source.replace("\x00", ""))
    toc = _name_headings(tokens)
    html = nh3.clean(
        PARSER.renderer.render(tokens, PARSER.options, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
    )
    return Rendered(html=html, toc=toc, text=_text(tokens))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if OWN_ADDRESS.match(value) else None
    if tag == "div":
        return value if (name, value) in {("class", "table-wrap"), ("tabindex", "0")} else None
    return value


def _name_headings(tokens: Sequence[Token]) -> list[dict[str, str | int]]:
    """Give every heading an id and its level below the page's own; the contents list the upper two."""
    taken: dict[str, int] = {}
    toc: list[dict[str, str | int]] = []
    for position, token in enumerate(tokens):
        if token.type not in {"heading_open", "heading_close"}:
            continue
        level = max(2, int(token.tag[1]))
        token.tag = f"h{level}"
        if token.type == "heading_close":
            continue
        words = _words(tokens[position + 1])
        name = slugify(words)[:60].strip("-") or "section"
        taken[name] = taken.get(name, 0) + 1
        key = name if taken[name] == 1 else f"{name}-{taken[name]}"
        token.attrSet("id", key)
        if level in IN_CONTENTS:
            toc.append({"id": key, "title": words, "level": level})
    return toc


def _words(inline: Token) -> str:
    """What a reader sees of a line: no marks, a picture as its description."""
    parts = []
    for child in inline.children or []:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif child.type == "image":
            parts.append(child.content)
    return " ".join("".join(parts).split())


def _text(tokens: Sequence[Token]) -> str:
    blocks: list[str] = []
    row: list[str] | None = None
    marks: list[str] = []
    for position, token in enumerate(tokens):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            blocks.append(" — ".join(cell for cell in row if cell))
            row = None
        elif token.type == "ordered_list_open":
            marks.append(str(token.attrGet("start") or 1))
        elif token.type == "bullet_list_open":
            marks.append("•")
        elif token.type in {"ordered_list_close", "bullet_list_close"} and marks:
            marks.pop()
        elif token.type in {"fence", "code_block"}:
            blocks.append(token.content.strip())
        elif token.type == "inline":
            words = _words(token)
            if row is not None:
                row.append(words)
            elif position and tokens[position - 1].type == "heading_open":
                blocks.append(f"# {words}")
            elif words:
                blocks.append(f"{_mark(marks, tokens, position)}{words}")
    return "\n\n".join(block for block in blocks if block)


def _mark(marks: list[str], tokens: Sequence[Token], position: int) -> str:
    """The sign before a line that begins an item of a list: `•`, or its number."""
    if not marks or position < 2 or tokens[position - 2].type != "list_item_open":
        return ""
    if marks[-1] == "•":
        return "• "
    number = marks[-1]
    marks[-1] = str(int(number) + 1)
    return f"{number}. "
