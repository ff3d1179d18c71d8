"""The API page: every public name once, with sections, references and examples that hold."""

import ast
import doctest
import inspect
import re
import sys
from builtins import __dict__ as builtin_names
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import type_links
from numpydoc.docscrape import ClassDoc, FunctionDoc, NumpyDocString

import flux
from flux import plots, widgets
from flux.relays import attribution, tasks, trained

PAGE = Path(__file__).parents[1] / "book" / "api.md"
MODULES = [flux, plots, attribution, tasks, trained, widgets]


def public_names(module: ModuleType) -> list[str]:
    """Return what a module offers: its `__all__`, else what it defines without underscore."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    own = [name for name, value in vars(module).items() if is_own(module, value)]
    constants = re.findall(r"^([A-Z]+) = .*\n\"\"\"", inspect.getsource(module), re.MULTILINE)
    return [name for name in own if not name.startswith("_")] + constants


def is_own(module: ModuleType, value: Any) -> bool:
    return getattr(value, "__module__", None) == module.__name__


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in public_names(module)
}
DOCUMENTED = {name: value for name, value in PUBLIC.items() if callable(value)}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
RESULTS = {name: value for name, value in PUBLIC.items() if hasattr(value, "_fields")}
documented = pytest.mark.parametrize("name", DOCUMENTED)


def entries(page: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, full name) of each entry of a page."""
    module = ""
    for directive, argument in re.findall(r"^\.\. (\w+):: (\S+)$", page, re.MULTILINE):
        if directive == "currentmodule":
            module = argument
        elif directive.startswith("auto"):
            yield directive.removeprefix("auto"), f"{module}.{argument}"


def kind_of(value: Any) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isfunction(value) else "data"


def test_every_public_name_has_one_entry_of_its_kind() -> None:
    listed = Counter(entries(PAGE.read_text()))
    assert listed == Counter((kind_of(value), name) for name, value in PUBLIC.items())


def test_constants_are_public_and_imports_are_not() -> None:
    assert {"flux.plots.COLOURS", "flux.relays.trained.RATES"} <= set(PUBLIC) - set(DOCUMENTED)
    assert "flux.relays.tasks.NamedTuple" not in PUBLIC


def parsed(name: str) -> NumpyDocString:
    value = PUBLIC[name]
    if inspect.isclass(value):
        return ClassDoc(value, config={"show_class_members": False})
    return FunctionDoc(value)


# numpydoc warns of sections that it does not know, or that come twice
@documented
@pytest.mark.filterwarnings("error")
def test_docstring_has_its_sections(name: str) -> None:
    found = parsed(name)
    assert found["Summary"][0].endswith(".")
    assert found["Examples"], "give an example"
    if name in FUNCTIONS:
        signature = inspect.signature(FUNCTIONS[name])
        assert bool(found["Parameters"]) == bool(found["Raises"]) == bool(signature.parameters)
        assert bool(found["Returns"]) == (signature.return_annotation != "None")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_the_signature(name: str) -> None:
    listed = [one for entry in parsed(name)["Parameters"] for one in entry.name.split(", ")]
    assert listed == list(inspect.signature(FUNCTIONS[name]).parameters)
    assert all(entry.type and entry.desc for entry in parsed(name)["Parameters"])


@pytest.mark.parametrize("name", RESULTS)
def test_attributes_are_the_fields(name: str) -> None:
    listed = [one for entry in parsed(name)["Attributes"] for one in entry.name.split(", ")]
    assert sorted(listed) == sorted(RESULTS[name]._fields)
    assert all(entry.type and entry.desc for entry in parsed(name)["Attributes"])


@documented
def test_errors_named_are_errors(name: str) -> None:
    module = sys.modules[name.rpartition(".")[0]]
    known = {**builtin_names, **vars(flux), **vars(module)}
    for entry in (*parsed(name)["Raises"], *parsed(name)["Warns"]):
        assert issubclass(known[entry.type], BaseException)
        assert entry.desc


@documented
def test_words_in_backticks_exist(name: str) -> None:
    module = sys.modules[name.rpartition(".")[0]]
    known = {*PUBLIC, *public_names(flux), *public_names(module), *parameters(PUBLIC[name])}
    assert [
        word for word in backticked(inspect.getdoc(PUBLIC[name]) or "") if word not in known
    ] == []


def parameters(value: Any) -> list[str]:
    takes_some = inspect.isfunction(value) or "__init__" in vars(value) or hasattr(value, "_fields")
    return list(inspect.signature(value).parameters) if takes_some else []


def backticked(text: str) -> list[str]:
    without_roles = re.sub(r":\w+:`[^`\n]+`", "", text)
    return re.findall(r"(?<!`)`([^`\n]+)`(?![`_])", without_roles)


def test_backticked_words_are_found() -> None:
    assert backticked("`a`, ``b`` and `c.d`; :eq:`x`, see [1]_ and `e") == ["a", "c.d"]


@documented
def test_example_runs_after_the_imports_of_the_page(name: str) -> None:
    module = sys.modules[name.rpartition(".")[0]]
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]) or "")
    assert examples
    assert not any(one.options for one in examples), "no example is skipped"
    imported = {"np", *public_names(flux), *(vars(module) if module is not flux else ())}
    used = free_names("".join(one.source for one in examples))
    assert used - imported - set(builtin_names) == set()


def free_names(source: str) -> set[str]:
    """Return the names that a program uses, and nowhere in it gives a meaning."""
    used, given = set(), set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                given.add(name)
            case ast.ExceptHandler(name=str(name)):
                given.add(name)
            case ast.alias(name=name, asname=other):
                given.add(other or name.split(".")[0])
    return used - given


def test_free_names() -> None:
    source = "import a\nfor b in f(a):\n    c = [d for d in e(b, g=1)]\ndef h(i): return i"
    assert free_names(source) == {"f", "e"}


def test_types_become_links() -> None:
    known = {"flux.Flux", "flux.relays.tasks.Sequences", "flux.entropy"}
    assert type_links.find_names("Flux, optional", "flux", known) == [
        ("Flux", "flux.Flux"),
        (", optional", None),
    ]
    # one's own module comes first, then the package; parts of words are no names
    assert type_links.find_names("Sequences", "flux.relays.tasks", known) == [
        ("Sequences", "flux.relays.tasks.Sequences")
    ]
    assert type_links.find_names("Fluxes or x.Flux", "flux.relays.tasks", known) == [
        ("Fluxes or x.Flux", None)
    ]
