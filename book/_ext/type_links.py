"""Sphinx extension: links from the types of parameters and results to their own entries.

numpydoc leaves types, "(n, n) array" or "Flux", as plain text. Where a word of it is the name of
something that the same page documents, it becomes a reference; all other words stay as they are.

References are numbered anew in each docstring, for which numpydoc puts a hash before the number. On
pages of MyST it takes the hash away from the list alone; here it goes from the text, too.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes

HASHED = re.compile(r"\[R[0-9a-f]{12}-(\d+)\]")
NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", _link_types)
    app.connect("doctree-read", _number_references)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def find_names(text: str, module: str, known: set[str]) -> list[tuple[str, str | None]]:
    """Cut a text into pieces (text, full name of what it names, or None).

    A name is looked up in the module where it is used, then in the package above it.

    >>> find_names("Flux or float", "flux", {"flux.Flux"})
    [('Flux', 'flux.Flux'), (' or float', None)]
    """
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for found in NAME.finditer(text):
        candidates = [f"{module}.{found[0]}", f"{module.split('.')[0]}.{found[0]}", found[0]]
        target = next((name for name in candidates if name in known), None)
        if target is None:
            continue
        pieces += [(text[end : found.start()], None), (found[0], target)]
        end = found.end()
    return [piece for piece in [*pieces, (text[end:], None)] if piece[0]]


def _link_types(app: Any, doctree: nodes.document) -> None:
    known = set(app.env.get_domain("py").objects)
    for description in doctree.findall(addnodes.desc):
        signature = description.next_node(addnodes.desc_signature)
        module = signature.get("module") or "" if signature is not None else ""
        fields = [text for field in description.findall(nodes.field) for text in _types(field)]
        for text in fields:
            pieces = find_names(text.astext(), module, known)
            text.parent.replace(text, [_reference(piece, target, app) for piece, target in pieces])


def _number_references(app: Any, doctree: nodes.document) -> None:
    for reference in doctree.findall(addnodes.pending_xref):
        if found := HASHED.fullmatch(reference.astext()):
            reference.children = []
            reference += nodes.inline("", f"[{found[1]}]")


def _types(field: nodes.field) -> list[nodes.Text]:
    """Return the texts of a field's terms and classifiers that are no markup already."""
    return [
        text
        for text in field.findall(nodes.Text)
        if isinstance(text.parent, (nodes.term, nodes.classifier))
    ]


def _reference(piece: str, target: str | None, app: Any) -> nodes.Node:
    if target is None:
        return nodes.Text(piece)
    reference = addnodes.pending_xref(
        refdomain="py", reftype="obj", reftarget=target, refdoc=app.env.docname, refexplicit=True
    )
    reference += nodes.Text(piece)
    return reference
