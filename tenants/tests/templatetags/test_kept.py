"""Parts of a page that are drawn once for all who see the same."""

from django.db import connection
from django.template import engines
from django.utils import translation
from django_tenants.utils import tenant_context


def drawn_by(template, counted, **context):
    return template.render({"count": lambda: counted.append(1) or len(counted), **context})


def test_the_same_values_are_drawn_once():
    template = engines["django"].from_string("{% load kept %}{% kept name %}{{ name }} {{ count }}{% endkept %}")
    counted = []

    assert drawn_by(template, counted, name="Ana") == "Ana 1"
    assert drawn_by(template, counted, name="Ana") == "Ana 1"
    assert drawn_by(template, counted, name="Bia") == "Bia 2"
    assert drawn_by(template, counted, name=(1, "Bia")) == "(1, &#x27;Bia&#x27;) 3"


def test_values_stay_escaped():
    template = engines["django"].from_string("{% load kept %}{% kept name %}{{ name }}{% endkept %}")

    assert [template.render({"name": "<b>"}) for _ in range(2)] == ["&lt;b&gt;", "&lt;b&gt;"]


def test_another_language_and_another_tenant_are_drawn_anew(acme, beta):
    template = engines["django"].from_string("{% load kept %}{% kept %}{{ schema }} {{ language }}{% endkept %}")

    def draw():
        return template.render({"schema": connection.schema_name, "language": translation.get_language()})

    for _ in range(2):
        for tenant in (acme, beta):
            for language in ("pt-br", "en"):
                with tenant_context(tenant), translation.override(language):
                    assert draw() == f"{tenant.schema_name} {language}"


def test_what_is_kept_does_not_grow_without_end():
    template = engines["django"].from_string("{% load kept %}{% kept number %}{{ number }}{% endkept %}")
    node = template.template.nodelist[-1]

    for number in range(1000):
        assert template.render({"number": number}) == str(number)

    assert len(node.drawn) <= 256
