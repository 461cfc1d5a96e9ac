"""Each component says at its top which parameters it takes, and takes no others."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.template.base import FilterExpression, Node, Variable
from django.template.defaulttags import ForNode
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode
from django.utils.translation import override

from config.dev.forms import EveryField, RefusedForm

FOLDER = Path(settings.BASE_DIR) / "templates" / "components"
# Parameters stand indented in the comment at the top: "    label     the words".
PARAMETER = re.compile(r"^ {4}(\w+) {2,}\S", re.MULTILINE)
COMPONENTS = sorted(path.stem for path in FOLDER.glob("*.html"))


def documented(name: str) -> set[str]:
    """Parameters named in the comment at the top."""
    text = (FOLDER / f"{name}.html").read_text(encoding="utf-8")
    comment = re.search(r"{% comment %}(.*?){% endcomment %}", text, re.DOTALL)
    assert comment, f"{name}.html does not say what it is"
    return set(PARAMETER.findall(comment.group(1)))


def names_in(node: Node, local: frozenset[str] = frozenset()) -> set[str]:
    """Names of the context a node looks up, without those it makes itself."""
    found: set[str] = set()
    if isinstance(node, ForNode):
        found |= of_value(node.sequence) - local
        local = local | set(node.loopvars) | {"forloop"}
        for child in [*node.nodelist_loop, *node.nodelist_empty]:
            found |= names_in(child, local)
        return found
    made = set(getattr(node, "extra_context", None) or {}) if type(node).__name__ == "WithNode" else set()
    if isinstance(node, BlockTranslateNode):
        made = set(node.extra_context) | ({node.countervar} if node.countervar else set())
        found |= (
            {token.contents for token in [*node.singular, *node.plural] if token.token_type.name == "VAR"}
            - local
            - made
        )
    for key, value in vars(node).items():
        if key in {"nodelist", "nodelist_loop", "nodelist_empty", "origin", "token", "parent_loop"}:
            continue
        found |= of_value(value) - local
    for child in node.get_nodes_by_type(Node) if not made else []:
        if child is not node and child in getattr(node, "nodelist", []):
            found |= names_in(child, local)
    if made:
        for child in getattr(node, "nodelist", []):
            found |= names_in(child, local | made)
    for attribute in ("conditions_nodelists",):
        for condition, nodelist in getattr(node, attribute, []):
            found |= of_condition(condition) - local
            for child in nodelist:
                found |= names_in(child, local)
    return found


def of_condition(condition: object) -> set[str]:
    """Names in an `{% if %}`, whose tokens form a tree."""
    if condition is None:
        return set()
    found = of_value(getattr(condition, "value", None))
    for side in ("first", "second"):
        found |= of_condition(getattr(condition, side, None))
    return found


def of_value(value: object) -> set[str]:
    """Names in an expression, or in a list or map of expressions."""
    if isinstance(value, FilterExpression):
        found = of_value(value.var)
        for _, arguments in value.filters:
            for is_variable, argument in arguments:
                found |= of_value(argument) if is_variable else set()
        return found
    if isinstance(value, Variable):
        return {value.lookups[0]} if value.lookups else set()
    if isinstance(value, list | tuple):
        return set().union(*(of_value(one) for one in value)) if value else set()
    if isinstance(value, dict):
        return set().union(*(of_value(one) for one in value.values())) if value else set()
    return set()


# Set inside the templates themselves by `{% translate … as … %}` and the like.
MADE_INSIDE = {"close", "cancel", "again", "plans", "words", "copy_words", "previous_words", "next_words"}


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_uses_only_the_parameters_it_documents(name):
    template = get_template(f"components/{name}.html").template

    used = set().union(*(names_in(node) for node in template.nodelist)) - MADE_INSIDE - {"True", "False", "None", "_"}

    assert used - documented(name) == set()


@pytest.mark.parametrize("name", [name for name in COMPONENTS if not name.startswith("_")])
def test_a_component_uses_every_parameter_it_documents(name):
    text = (FOLDER / f"{name}.html").read_text(encoding="utf-8")
    body = text.partition("{% endcomment %}")[2]

    unused = {parameter for parameter in documented(name) if not re.search(rf"\b{parameter}\b", body)}

    assert unused == set()


FORM = EveryField(auto_id="x_%s")
FIELDS = list(EveryField().fields)


@pytest.mark.parametrize("language", ["pt-br", "en"])
@pytest.mark.parametrize("field", FIELDS)
def test_every_kind_of_field_has_a_label_and_its_help(field, language):
    with override(language):
        bound = EveryField(auto_id="x_%s")[field]
        html = get_template("components/field.html").render({"field": bound})
        label = str(bound.label)

    assert label in html
    assert f'id="x_{field}' in html
    if bound.help_text:
        assert f'id="x_{field}_helptext"' in html
        assert f'aria-describedby="x_{field}_helptext"' in html


def test_a_refused_field_says_why_in_words_tied_to_the_field():
    form = RefusedForm({"email": "ana@", "address": "a b"}, auto_id="x_%s")

    html = get_template("components/field.html").render({"field": form["email"]})

    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="x_email_helptext x_email_error"' in html
    assert '<ul class="errorlist" id="x_email_error"><li>' in html
    assert 'value="ana@"' in html


def test_the_error_summary_leads_to_each_field():
    form = RefusedForm({"email": "ana@", "address": "a b"}, auto_id="x_%s")

    html = get_template("components/error_summary.html").render({"form": form})

    assert html.count("<li>") == 4  # the form's own, and three fields
    assert 'href="#x_email"' in html
    assert 'href="#x_terms"' in html


def test_a_whole_form_is_drawn_with_the_same_fields():
    html = RefusedForm(auto_id="x_%s").render()

    assert html.count('class="field') >= 3
    assert 'class="field-label" for="x_email"' in html


def test_a_name_cannot_bring_markup_with_it():
    engine = engines["django"]
    hostile = '"><script>alert(1)</script>'
    for name in ("person", "avatar", "badge", "button", "stat", "banner", "empty", "mark"):
        values = dict.fromkeys(
            documented(name) - {"values", "icon", "icon_end", "art", "variant", "size", "level"}, hostile
        )
        html = engine.get_template(f"components/{name}.html").render(values)
        assert "<script" not in html, name
