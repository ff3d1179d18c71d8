"""Sphinx extension: what the theme and its extensions leave to mend, so that everybody can read.

Each line here and in book/_static/readable.js answers a fault that tests/test_site.py finds.
"""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes

MENDS = [
    # the visible text is the better name: it says whether the code is folded away
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    # this role is deprecated, and no child of a list
    (re.compile(r' role="doc-biblioentry"'), ' role="listitem"'),
]

TERM_LINK = re.compile(r'<a class="reference internal" href="[^"#]*#(term-[^"]+)"')

# the toc's own leads to the preface, too, but has no language, title or icon: browsers ask for one
FIRST_PAGE = """\
<!DOCTYPE html>
<html lang="en">
  <meta charset="utf-8">
  <title>{title}</title>
  <link rel="icon" href="_static/{icon}">
  <meta http-equiv="refresh" content="0; url={page}">
  <a href="{page}">{title}</a>
</html>
"""


HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
EMPTY = re.compile(r'<th class="head">(<p></p>)</th>')


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", _set_options)
    app.connect("config-inited", _draw_sharply)
    app.connect("html-page-context", _mend)
    # before the toc writes its own
    app.connect("build-finished", _write_first_page, priority=400)
    app.add_js_file("readable.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _set_options(app: Any, config: Any) -> None:
    # a bar on top of the page, with nothing but a second search field
    config.html_theme_options["navbar_persistent"] = []
    # each formula would be a stop on a keyboard's way to the next link or widget
    menu = {"menuOptions": {"settings": {"inTabOrder": False}}}
    config.mathjax3_config = {"options": menu}


def _draw_sharply(app: Any, config: Any) -> None:
    """Have the chapters' kernels draw figures as SVG: sharp on any screen, and when enlarged."""
    folder = Path(app.outdir).with_name("ipython")
    (folder / "profile_default").mkdir(parents=True, exist_ok=True)
    settings = folder / "profile_default" / "ipython_kernel_config.py"
    settings.write_text('get_config().InlineBackend.figure_formats = {"svg"}\n')
    os.environ["IPYTHONDIR"] = str(folder)


def _mend(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    for found, better in MENDS:
        context["body"] = found.sub(better, context.get("body", ""))
    context["body"] = HEAD.sub(lambda head: mend_head(head[0]), context["body"])
    if doctree is not None:
        terms = {name: escape(text) for name, text in _read_terms(app).items()}
        context["body"] = TERM_LINK.sub(
            lambda link: f'{link[0]} data-card="{terms[link[1]]}"' if link[1] in terms else link[0],
            context["body"],
        )


def mend_head(head: str) -> str:
    """Return a table's row of titles, in which what has no title is none.

    >>> mend_head('<thead><th class="head"><p></p></th><th class="head"><p>n</p></th></thead>')
    '<thead><td><p></p></td><th class="head"><p>n</p></th></thead>'
    """
    # a row without any title is not shown
    return EMPTY.sub(r"<td>\1</td>", head) if "<p>" in EMPTY.sub("", head) else head


def _read_terms(app: Any) -> dict[str, str]:
    """Return what the glossary says of each term, by the anchor of the term."""
    objects = app.env.get_domain("std").objects
    found = {}
    for page in {page for (kind, _), (page, _) in objects.items() if kind == "term"}:
        for item in app.env.get_doctree(page).findall(nodes.definition_list_item):
            for term in item.findall(nodes.term):
                for anchor in term["ids"]:
                    found[anchor] = plain_definition(item)
    return found


def plain_definition(item: nodes.definition_list_item) -> str:
    """Return what an entry says of its term, with formulas as MathJax reads them."""
    definition = item.next_node(nodes.definition).deepcopy()
    for formula in [*definition.findall(nodes.math), *definition.findall(nodes.math_block)]:
        formula.replace_self(nodes.Text(f"\\({formula.astext()}\\)"))
    return " ".join(definition.astext().split())


def _write_first_page(app: Any, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        page = app.builder.get_target_uri(app.config.root_doc)
        icon = Path(app.config.html_favicon).name
        text = FIRST_PAGE.format(title=app.config.html_title, icon=icon, page=page)
        (Path(app.outdir) / "index.html").write_text(text)
