"""Guards of the house: what the architecture promises, checked on every run."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import factory
import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from config import env
from config.celery import app

ROOT = Path(settings.BASE_DIR)
APPS = ["config", "tenants", "billing", "chat", "media_studio", "offers", "ops"]
BIN = Path(sys.executable).parent


def run(*command: str) -> None:
    """Run a tool of the virtual environment and show its words when it refuses."""
    result = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"


def templates() -> list[Path]:
    """Every template of the project."""
    return sorted((ROOT / "templates").rglob("*.html"))


def python_files() -> list[Path]:
    """Every module of ours, without migrations and tests."""
    return sorted(
        path
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts and "tests" not in path.parts
    )


def our_models() -> list[type[models.Model]]:
    """Every model of ours."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.split(".")[0] in APPS and ".tests." not in model.__module__
    ]


def test_imports_run_down_the_floors():
    run("lint-imports", "--no-cache")


def test_the_code_is_linted():
    run("ruff", "check", ".")


def test_the_code_is_formatted():
    run("ruff", "format", "--check", ".")


def test_the_types_hold():
    run("mypy", "--cache-dir", str(Path(settings.VAR_DIR) / "mypy"), *APPS)


def test_every_library_is_used_and_named():
    run("deptry", ".")


# Steps that leave the order of the rows to the database, which has none: it answers as they lie on the disk today.
AS_THEY_LIE = {"all", "filter", "exclude", "values", "values_list", "select_related", "annotate", "only", "defer"}


class Lists:
    """The lists of rows without an order in one test file: `list(Model.objects.filter(…))`, a name for it, a helper."""

    def __init__(self, tree: ast.AST) -> None:
        self.queries: set[str] = set()
        self.names: set[str] = set()
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.is_query(value):
                    self.queries.add(name)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.has(value):
                    self.names.add(name)
                case ast.FunctionDef(name=name, body=[*_, ast.Return(value=value)]) if value and self.has(value):
                    self.names.add(name)

    def is_query(self, node: ast.AST) -> bool:
        """Rows of a manager, narrowed at most."""
        steps = set()
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in AS_THEY_LIE:
            steps.add(node.func.attr)
            node = node.func.value
        if isinstance(node, ast.Name):
            return node.id in self.queries
        return bool(steps) and isinstance(node, ast.Attribute) and (node.attr == "objects" or "all" in steps)

    def has(self, node: ast.AST) -> bool:
        """Whether this is such a list."""
        match node:
            case ast.Name(id=name) | ast.Call(func=ast.Name(id=name), args=[]):
                return name in self.names
            case ast.List(elts=[ast.Starred(value=rows)]) | ast.ListComp(generators=[ast.comprehension(iter=rows)]):
                return self.is_query(rows)
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[rows]):
                return self.is_query(rows)
        return False


def test_no_test_relies_on_the_order_of_rows_on_the_disk():
    """Compared with a list of several, rows are asked for in an order; one row, a count or a set needs none."""
    found = []
    for path in sorted(path for name in APPS for path in (ROOT / name).rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lists = Lists(tree)
        for node in ast.walk(tree):
            match node:
                case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                    for rows, wanted in ((left, right), (right, left)):
                        if isinstance(wanted, ast.List) and len(wanted.elts) > 1 and lists.has(rows):
                            found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(rows)[:80]}")
    assert found == []


def test_templates_are_formatted():
    paths = [str(path) for path in templates()]
    run("djade", "--check", "--target-version", "5.2", *paths)


def test_no_migration_is_missing():
    run("python", "manage.py", "makemigrations", "--check", "--dry-run")  # in a process without the tests' own models


def schema_apps(name: str) -> set[str]:
    """Labels of the apps listed in SHARED_APPS or TENANT_APPS."""
    listed = getattr(settings, name)
    return {
        config.label
        for config in apps.get_app_configs()
        if config.name in listed or type(config).__module__ + "." + type(config).__name__ in listed
    }


def test_no_tenant_table_points_into_public():
    public_only = schema_apps("SHARED_APPS") - schema_apps("TENANT_APPS")
    tenant = schema_apps("TENANT_APPS")
    offenders = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in tenant
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.OneToOneField)
        and field.related_model._meta.app_label in public_only
    ]
    assert offenders == []


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)|<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|hx-on|javascript:",
    re.IGNORECASE,
)
DATA_SCRIPT = re.compile(r"<script[^>]*type=[\"']application/(?:ld\+)?json[\"'][^>]*>", re.IGNORECASE)


def test_templates_hold_no_inline_script_or_style():
    offenders = []
    for path in templates():
        if "email" in path.parts[-1] or "emails" in path.parts:
            continue  # mail readers know no stylesheets
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if INLINE.search(DATA_SCRIPT.sub("", line)):
                offenders.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert offenders == []


def calls_of(name: str) -> dict[str, list[str]]:
    """First literal argument of every call of `name`, with the places it stands in."""
    found: dict[str, list[str]] = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            first = node.args[0]
            if called == name and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.setdefault(first.value, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_every_enqueued_task_exists():
    app.loader.import_default_modules()
    unknown = {name: places for name, places in calls_of("enqueue").items() if name not in app.tasks}
    assert unknown == {}


def test_every_subscribed_event_is_published_by_somebody():
    published = {
        node.value.value
        for path in python_files()
        if path.name == "events.py" or "events" in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and any(
            getattr(target, "id", "") == "name"
            for target in ([node.target] if isinstance(node, ast.AnnAssign) else node.targets)
        )
    }
    unknown = {name: places for name, places in calls_of("receiver").items() if "." in name and name not in published}
    assert unknown == {}


def test_every_model_has_a_factory():
    made: set[type[models.Model]] = set()
    for path in ROOT.glob("**/tests/factories.py"):
        if ".venv" in path.parts:
            continue
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        made |= {
            value._meta.model
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, factory.Factory) and value._meta.model
        }
    missing = sorted(model._meta.label for model in our_models() if model not in made)
    assert missing == []


@pytest.mark.parametrize("language", ["pt_BR", "en"])
def test_the_compiled_catalogue_belongs_to_the_source(language):
    folder = ROOT / "locale" / language / "LC_MESSAGES"
    for domain in ("django",):
        source, compiled = polib.pofile(str(folder / f"{domain}.po")), polib.mofile(str(folder / f"{domain}.mo"))
        said = {
            (entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural
            for entry in source
            if entry.translated() and not entry.obsolete
        }
        assert {
            (entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in compiled if entry.msgid
        } == said


def test_the_portuguese_catalogue_is_complete():
    source = polib.pofile(str(ROOT / "locale/pt_BR/LC_MESSAGES/django.po"))
    untranslated = [entry.msgid for entry in source if not entry.obsolete and not entry.translated()]
    assert untranslated == []


def test_no_catalogue_entry_loses_a_placeholder():
    pattern = re.compile(r"%\(\w+\)[sd]|%[sd]")
    broken = [
        entry.msgid
        for entry in polib.pofile(str(ROOT / "locale/pt_BR/LC_MESSAGES/django.po"))
        if not entry.obsolete
        and entry.msgstr
        and sorted(set(pattern.findall(entry.msgid))) != sorted(set(pattern.findall(entry.msgstr)))
    ]
    assert broken == []


def test_tenants_are_entered_only_by_the_safe_door():
    """`with tenant:` keeps one stack for all threads, and a decorator shares one instance between calls."""
    offenders = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.With | ast.AsyncWith):
                for item in node.items:
                    if (
                        isinstance(item.context_expr, ast.Name | ast.Attribute)
                        and "tenant" in ast.unparse(item.context_expr).lower()
                    ):
                        offenders.append(
                            f"{path.relative_to(ROOT)}:{node.lineno}: with {ast.unparse(item.context_expr)}"
                        )
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if "tenant_context" in ast.unparse(decorator) or "schema_context" in ast.unparse(decorator):
                        offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}: @{ast.unparse(decorator)}")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "activate"
                and "tenant" in ast.unparse(node.func.value)
            ):
                offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    assert offenders == []


def test_every_variable_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in env.known if f"`{name}`" not in readme] == []
