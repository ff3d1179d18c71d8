"""Equations: a function that computes a formula names it, and the formula's chapter leads back."""

import inspect
import re
from pathlib import Path
from types import FunctionType

import nbformat
import pytest

import flux

BOOK = Path(__file__).parents[1] / "book"

# they compute no formula of the book
NO_EQUATION = {"coarse_grain", "gaussian_weights", "pack", "replay", "smearedness", "spike_trains"}


def read_chapter(path: Path) -> str:
    """Return the prose of a chapter or a page."""
    if path.suffix == ".md":
        return path.read_text()
    cells = nbformat.read(path, 4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


CHAPTERS = {
    path.stem: read_chapter(path) for path in BOOK.iterdir() if path.suffix in (".md", ".ipynb")
}
LABELS = [
    (label, chapter)
    for chapter, text in CHAPTERS.items()
    for label in re.findall(r"^:label: (eq-[\w-]+)$", text, re.MULTILINE)
]
FUNCTIONS = {
    name: inspect.getdoc(value) or ""
    for name, value in vars(flux).items()
    if name in flux.__all__ and isinstance(value, FunctionType)
}
CITED = {name: re.findall(r":eq:`([\w-]+)`", text) for name, text in FUNCTIONS.items()}


def test_labels_are_unique() -> None:
    labels = [label for label, _ in LABELS]
    assert len(set(labels)) == len(labels) > 50


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_names_its_equation(name: str) -> None:
    assert bool(CITED[name]) != (name in NO_EQUATION)
    assert set(CITED[name]) <= {label for label, _ in LABELS}
    assert "{eq}" not in FUNCTIONS[name], "docstrings are read by Sphinx: write :eq:"


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - NO_EQUATION))
def test_chapter_of_the_equation_leads_back(name: str) -> None:
    chapters = {chapter for label, chapter in LABELS if label in CITED[name]}
    without = [c for c in chapters if not re.search(rf"`~?flux\.{name}`", CHAPTERS[c])]
    assert without == []
