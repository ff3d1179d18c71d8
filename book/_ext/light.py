"""Sphinx extension: pages load the icons that they show, and figures when they come into view.

The theme brings two thousand icons twice, as a script that draws them and as fonts. The script
goes, and the fonts keep what the pages, scripts and styles of the book name.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from fontTools import subset

SCRIPT = re.compile(r'\s*<script[^>]*src="[^"]*scripts/fontawesome\.js[^"]*"[^>]*></script>')
# .fa-github:before{content:"\f09b"}, some with several names
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"([^"]+)"\}')
NAME = re.compile(r"\bfa-([\w-]+)")
SYMBOL = re.compile("\\\\[ef][0-9a-f]{3}|[\ue000-\uf8ff]")
SOURCES = re.compile(r'url\(([^)]+)\.woff2\) format\("woff2"\),url\(\1\.ttf\) format\("truetype"\)')
IMAGE = re.compile(r"<img (?!loading)")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", _load_late)
    app.connect("build-finished", _cut_icons, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _load_late(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    context["body"] = IMAGE.sub('<img loading="lazy" ', context.get("body", ""))


def needed_symbols(styles: str, others: str) -> set[int]:
    r"""Return the symbols of icons that pages and scripts name, or that styles show by themselves.

    >>> styles = r'.fa-a:before,.fa-b:before{content:"\f001"}.fa-c:before{content:"\f002"}'
    >>> sorted(map(hex, needed_symbols(styles + r'p:after{content:"\f107"}', "<i class='fa-b'>")))
    ['0xf001', '0xf107']
    """
    named = set(NAME.findall(others))
    kept = [content for names, content in RULE.findall(styles) if named & {*NAME.findall(names)}]
    found = SYMBOL.findall(RULE.sub("", styles) + "".join(kept))
    return {int(text[1:], 16) if text[0] == "\\" else ord(text) for text in found}


def _cut_icons(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    fonts = sorted((out / "_static" / "vendor" / "fontawesome" / "webfonts").glob("*.ttf"))
    drawing = out / "_static" / "scripts" / "fontawesome.js"
    drawing.unlink(missing_ok=True)
    pages, styles = sorted(out.rglob("*.html")), sorted(out.rglob("*.css"))
    others = [*pages, *sorted((out / "_static").rglob("*.js"))]
    kept = needed_symbols(_read(styles), _read(others))
    for font in fonts:
        cut_font(font, kept)
    for files, pattern, better in (
        (pages, SCRIPT, ""),
        (styles, SOURCES, r'url(\1.woff) format("woff")'),
    ):
        for file in files:
            text = file.read_text(encoding="utf-8")
            if (changed := pattern.sub(better, text)) != text:
                file.write_text(changed, encoding="utf-8")


def cut_font(font: Path, symbols: set[int]) -> None:
    """Put a .woff with some symbols only in the place of a .ttf and its .woff2."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(flavor="woff", notdef_outline=True, desubroutinize=True)
    loaded = subset.load_font(str(font), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=symbols)
    cutter.subset(loaded)
    subset.save_font(loaded, str(font.with_suffix(".woff")), options)
    font.unlink()
    font.with_suffix(".woff2").unlink(missing_ok=True)


def _read(files: list[Path]) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in files)
