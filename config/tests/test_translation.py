"""Guards of the catalogue: what the source says and what is translated are the same sentences.

`makemessages` needs GNU gettext, which CI and many machines lack. So the sentences are collected here without
it: Python by its syntax tree, templates by the same reader that `makemessages` puts before `xgettext`.
"""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.template.base import Lexer, TokenType
from django.utils.translation.template import templatize

from config.tests.test_house import ROOT, python_files

# Context, sentence, plural; two of them empty for most.
Sentence = tuple[str, str, str]

# Which arguments hold the context, the sentence and its plural.
PLACES = {"gettext": (None, 0, None), "ngettext": (None, 0, 1), "pgettext": (0, 1, None), "npgettext": (0, 1, 2)}
CALLS = {
    "_": PLACES["gettext"],
    "gettext_noop": PLACES["gettext"],
    **PLACES,
    **{f"{name}_lazy": places for name, places in PLACES.items()},
}
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(\s*({LITERAL}(?:,\s*{LITERAL})*)", re.DOTALL)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
UPDATE = (
    "Run: bin/manage makemessages -l pt_BR -l en -e html,txt,py,subject --no-location --no-wrap --no-obsolete "
    "-i .venv -i var -i benchmarks -i '*/tests/*', translate, and bin/manage compilemessages -i .venv"
)


def template_files() -> list[Path]:
    """Every template, pages and plain letters."""
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt", ".subject"})


def picked(name: str, arguments: list[str | None]) -> Sentence:
    """The parts of a call in the catalogue's order."""
    context, sentence, plural = (arguments[place] if place is not None else "" for place in CALLS[name])
    assert sentence is not None
    return context or "", sentence, plural or ""


def sentences_in_python(path: Path) -> Iterator[Sentence]:
    """What a module gives to gettext."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in CALLS:
            continue
        arguments = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
        wanted = [place for place in CALLS[name] if place is not None]
        assert all(isinstance(arguments[place], str) for place in wanted), (
            f"{path.relative_to(ROOT)}:{node.lineno}: only literal text can be translated: {ast.unparse(node)}"
        )
        yield picked(name, arguments)


def sentences_in_template(path: Path) -> Iterator[Sentence]:
    """What a template gives to gettext."""
    for name, literals in TEMPLATE_CALL.findall(templatize(path.read_text(encoding="utf-8"), origin=str(path))):
        yield picked(name, list(ast.literal_eval(f"[{literals}]")))


def spoken() -> dict[Sentence, str]:
    """Every sentence of the source, with a place it stands in."""
    found: dict[Sentence, str] = {}
    for path in python_files():
        found |= dict.fromkeys(sentences_in_python(path), str(path.relative_to(ROOT)))
    for path in template_files():
        found |= dict.fromkeys(sentences_in_template(path), str(path.relative_to(ROOT)))
    return found


def catalogue(language: str) -> polib.POFile:
    """The source of one language's catalogue."""
    return polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))


@pytest.mark.parametrize("language", ["pt_BR", "en"])
def test_the_catalogue_holds_what_the_source_says(language):
    said = spoken()
    known = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural) for entry in catalogue(language)}

    assert {sentence: place for sentence, place in said.items() if sentence not in known} == {}, UPDATE


def test_no_plural_loses_a_placeholder():
    broken = [
        entry.msgid
        for entry in catalogue("pt_BR")
        if entry.msgid_plural
        and any(
            set(PLACEHOLDER.findall(form)) != set(PLACEHOLDER.findall(entry.msgid_plural))
            for form in entry.msgstr_plural.values()
        )
        and PLACEHOLDER.findall(entry.msgid)
    ]
    assert broken == []


# --- Words that nobody marked ---------------------------------------------------------------------------

READ_ALOUD = {"alt", "aria-description", "aria-label", "placeholder", "title"}
# What is the same in every language: names of keys and languages, and the sample shops' streets.
SAME_EVERYWHERE = {
    "Ctrl", "Ctrl K", "Enter", "Esc", "Shift", "Shift Enter", "⌘K", "English", "Português",
    "Rua das Laranjeiras, 214", "Ladeira do Mirante, 58",
}  # fmt: skip
# Blocks that hold attributes of a tag instead of text.
ATTRIBUTE_BLOCKS = {"body_attributes", "wide"}
WORD = re.compile(r"[^\W\d_]{2,}")


class Words(HTMLParser):
    """The text of a page and of the attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Unfold draws its icons from the words of a font.
        icon = any(name == "class" and value and "material-symbols" in value for name, value in attrs)
        if self.silent or icon or tag in {"script", "style", "svg"}:
            self.silent += tag not in {"input", "img", "br", "meta", "link", "path", "hr"}
        self.found += [value for name, value in attrs if name in READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - 1)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def unmarked(path: Path) -> list[str]:
    """Words of a template that stand outside of every tag that translates."""
    html, skipped = [], ""
    for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
        command, _, rest = token.contents.partition(" ") if token.token_type == TokenType.BLOCK else ("", "", "")
        if command in {"blocktranslate", "blocktrans", "comment"} or (command == "block" and rest in ATTRIBUTE_BLOCKS):
            skipped = command
        elif skipped and command == f"end{skipped}":
            skipped = ""
        elif not skipped:
            html.append(token.contents if token.token_type == TokenType.TEXT else "·")
    words = Words()
    words.feed("".join(html))
    parts = [part.strip() for text in words.found for part in text.split("·")]
    return [part for part in parts if WORD.search(part) and part not in SAME_EVERYWHERE]


def test_no_template_holds_words_that_cannot_be_translated():
    offenders = {
        str(path.relative_to(ROOT)): words
        for path in template_files()
        if "dev" not in path.relative_to(ROOT / "templates").parts
        # Its tag is a link or not, so its name stands outside of the brackets.
        and path.name != "_where.html"
        and (words := unmarked(path))
    }
    assert offenders == {}
