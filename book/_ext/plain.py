"""Sphinx extension: copies of the chapters in Markdown that any notebook shows, into `notebooks/`.

Colab, GitHub and plain Jupyter know no directives. In the copies equations keep their numbers,
figures their captions, exercises and theorems their titles, and references are text or links.
Where the repository's address is known, the first cell fetches the package, so that a copy runs
on Colab as it is; the button leads to the branch that FLUX_NOTEBOOKS names, if it does.
"""

from __future__ import annotations

import os
import re
import textwrap
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from address import colab_cell, find_address, find_site
from pybtex.database import BibliographyData, parse_file

FENCE = re.compile(r"( *)(`{3,}|:{3,})(?:\{([\w:-]+)\})?[ \t]*(.*)")
OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")
TARGET = re.compile(r"\([\w-]+\)=")
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`")
NAMED = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
EQUATION = re.compile(r'id="equation-([\w-]+)">\s*<span class="eqno">(\([^)<]*\))')
CAPTION = re.compile(
    r'<(?:figure|div)\b[^>]*\bid="([\w-]+)"[^>]*>|<span class="caption-number">([^<]*)</span>'
)


class Book(NamedTuple):
    """What references need: numbers by label, titles by page, the bibliography, and the address."""

    numbers: dict[str, str]
    titles: dict[str, str]
    literature: BibliographyData
    site: str | None


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    # the theme makes its buttons at 501
    app.connect("html-page-context", _point_to_copies, priority=900)
    app.connect("build-finished", _write_copies)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def find_numbers(page: str) -> dict[str, str]:
    """Return what a built page calls its equations, figures, theorems and exercises.

    >>> find_numbers('<figure id="fig-a"><span class="caption-number">Fig. 3 </span></figure>')
    {'fig-a': 'Fig. 3'}
    """
    found = {label: unescape(number) for label, number in EQUATION.findall(page)}
    last = ""
    for label, number in CAPTION.findall(page):
        if number and last:
            found.setdefault(last, unescape(number).strip())
        last = label
    return found


def make_plain(notebook: Any, book: Book) -> Any:
    """Return a copy of a notebook whose text any notebook shows."""
    copy = nbformat.from_dict(notebook)
    cells = []
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_text(cell.source, book)
            if cell.source:
                cells.append(cell)
            continue
        cells.append(cell)
        options = cell.metadata.pop("mystnb", {})
        if caption := options.get("figure", {}).get("caption"):
            number = book.numbers.get(options["figure"].get("name", ""), "Figure")
            text = f"**{number}.** {replace_roles(caption, book)}"
            cells.append(
                nbformat.v4.new_markdown_cell(text, id=f"{cell.get('id', 'cell')}-caption")
            )
    copy.cells = cells
    return copy


def plain_text(text: str, book: Book) -> str:
    """Return Markdown without directives, roles and targets.

    >>> plain_text("See {eq}`eq-a`.", Book({"eq-a": "(7)"}, {}, BibliographyData(), None))
    'See (7).'
    """
    lines = text.split("\n")
    done: list[str] = []
    prose: list[str] = []

    def end_prose() -> None:
        done.append(replace_roles("\n".join(prose), book))
        prose.clear()

    at = 0
    while at < len(lines):
        if not (opened := FENCE.fullmatch(lines[at])):
            if not TARGET.fullmatch(lines[at]):
                prose.append(lines[at])
            at += 1
            continue
        end_prose()
        indent, fence, name, argument = opened.groups()
        end = next((k for k in range(at + 1, len(lines)) if is_end(lines[k], fence)), len(lines))
        body = lines[at + 1 : end]
        if name:
            told = plain_directive(name, argument, [line[len(indent) :] for line in body], book)
            done.append(textwrap.indent(told, indent))
        else:
            done += lines[at : end + 1]
        at = end + 1
    end_prose()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(done)).strip("\n")


def is_end(line: str, fence: str) -> bool:
    """Tell whether a line closes a fence: as many of its characters, or more, and nothing else."""
    return line.strip().startswith(fence) and not line.strip().strip(fence[0])


def plain_directive(name: str, argument: str, body: list[str], book: Book) -> str:
    """Return what stands for a directive."""
    options = {}
    while body and (found := OPTION.fullmatch(body[0])):
        options[found[1]] = found[2]
        body = body[1:]
    label = options.get("label", "")
    if name == "math":
        return _equation("\n".join(body).strip(), book.numbers.get(label, ""))
    text = plain_text("\n".join(body), book)
    kind, _, part = name.removeprefix("prf:").partition("-")
    if part == "end":
        return ""
    if kind == "solution":
        title = f"Solution of {book.numbers.get(argument, 'the exercise')}"
    elif kind == "proof":
        return f"*Proof.* {text} ∎"
    elif kind == "admonition":
        title = replace_roles(argument, book)
    else:
        title = book.numbers.get(label, kind.capitalize())
        if argument:
            title += f" ({replace_roles(argument, book)})"
    return f"**{title}.**\n\n{text}"


def _equation(body: str, number: str) -> str:
    if r"\\" in body and r"\begin{" not in body:
        body = f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
    tag = f" \\tag{{{number.strip('()')}}}" if number else ""
    return f"$$\n{body}{tag}\n$$"


def replace_roles(text: str, book: Book) -> str:
    """Return a text whose roles are replaced by what they say on the site."""
    return ROLE.sub(lambda found: _say(found[1], found[2], book), text)


def _say(role: str, content: str, book: Book) -> str:
    named = NAMED.fullmatch(content)
    text, target = (named[1], named[2]) if named else ("", content)
    if role in ("eq", "numref", "prf:ref", "ref"):
        return text.replace("%s", book.numbers.get(target, "").split(" ")[-1]) or (
            book.numbers.get(target, target)
        )
    if role == "doc":
        return _link(text or book.titles.get(target, target), f"book/{target}.html", book)
    if role == "term":
        return f"*{text or target}*"
    if role.startswith("py:"):
        target = target.lstrip("~!")
        return _link(f"`{text or target}`", f"book/api.html#{target}", book)
    if role.startswith("cite:"):
        cited = [_cite(key.strip(), role.endswith(":t"), book) for key in content.split(",")]
        return ", ".join(cited) if role.endswith(":t") else f"[{'; '.join(cited)}]"
    raise ValueError(f"the plain copies know no role {role}")


def _link(text: str, page: str, book: Book) -> str:
    if book.site is None:
        return text if text.startswith("`") else f"*{text}*"
    return f"[{text}]({book.site}{page})"


def _cite(key: str, in_text: bool, book: Book) -> str:
    entry = book.literature.entries[key]
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [" ".join([*person.prelast_names, *person.last_names]) for person in people]
    names = [name.replace("{", "").replace("}", "") for name in names]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    year = entry.fields["year"]
    if doi := entry.fields.get("doi"):
        year = f"[{year}](https://doi.org/{doi})"
    return f"{who} ({year})" if in_text else f"{who}, {year}"


def _read_book(app: Any) -> Book:
    numbers, titles = {}, {}
    for name in app.env.found_docs:
        page = (Path(app.outdir) / app.builder.get_target_uri(name)).read_text(encoding="utf-8")
        numbers |= find_numbers(page)
        titles[name.rpartition("/")[2]] = app.env.titles[name].astext()
    (literature,) = app.config.bibtex_bibfiles
    site = find_site(Path(app.srcdir), os.environ)
    return Book(numbers, titles, parse_file(Path(app.srcdir) / literature), site)


def _write_copies(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    book = _read_book(app)
    first = colab_cell(find_address(Path(app.srcdir), os.environ))
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    for name in sorted(app.env.found_docs):
        if not (source := Path(app.srcdir) / f"{name}.ipynb").is_file():
            continue
        plain = make_plain(nbformat.read(source, as_version=4), book)
        if first:
            cell = nbformat.v4.new_code_cell(first, id="fetch-flux")
            plain.cells.insert(0, cell)
        nbformat.write(plain, folder / source.name)


def _point_to_copies(
    app: Any, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    branch = os.environ.get("FLUX_NOTEBOOKS")
    address = find_address(Path(app.srcdir), os.environ)
    if branch and address:
        owned = address.removeprefix("https://github.com/")
        copy = f"https://colab.research.google.com/github/{owned}/blob/{branch}/{Path(page).name}.ipynb"
        _replace_links(context.get("header_buttons", []), copy)


def _replace_links(buttons: list[dict[str, Any]], address: str) -> None:
    for button in buttons:
        _replace_links(button.get("buttons", []), address)
        if str(button.get("url", "")).startswith("https://colab.research.google.com/"):
            button["url"] = address
