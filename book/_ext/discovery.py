"""Sphinx extension: what search engines, and those with whom a page is shared, are told of it.

Each page has a description, its first paragraph, and a picture, its first figure. Where the address
of the published book is known, pages name their own, and there is a list of them for crawlers. A
page for wrong addresses, and the version at the foot of each page, need no address.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from base64 import b64decode
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from address import find_site, git
from docutils import nodes

HOME = "Preface"
"""Title of the first page in the browser, which adds the book's."""
LONGEST = 300
OWN_PICTURE = "_static/flux.png"
TAG = re.compile(r'<meta (?:name="description"|name="twitter|property="og:)[^>]*>')

SITEMAP = """\
<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{entries}
</urlset>
"""
# shown at any address, however deep: it stands alone, and its links begin at the book's root
NOT_FOUND = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Not found &#8212; {title}</title>
<link rel="icon" href="{root}_static/{icon}">
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; }}
  main {{ max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }}
</style>
<main>
<h1>There is no such page</h1>
<p>It may have been renamed. <a href="{root}{first}">{title}</a> lists all chapters, and
<a href="{root}search.html">the search</a> finds words in them.</p>
</main>
</html>
"""


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", _set_options)
    app.connect("html-page-context", _describe)
    # after the first page is written
    app.connect("build-finished", _write_files, priority=450)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def first_paragraph(doctree: nodes.document | None) -> str:
    """Return the first paragraph of a page as plain text, cut at a sentence if it is long."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        if isinstance(paragraph.parent, nodes.section):
            return shorten(" ".join(paragraph.astext().split()))
    return ""


def shorten(text: str, longest: int = LONGEST) -> str:
    """Return as many whole sentences as fit, or else as many words.

    >>> shorten("One. Two three.", 12)
    'One.'
    >>> shorten("One two three.", 9)
    'One two …'
    """
    if len(text) <= longest:
        return text
    begin = text[: longest + 1]
    if (end := begin.rfind(". ")) > 0:
        return begin[: end + 1]
    return f"{begin[: longest - 1].rpartition(' ')[0]} …"


class Picture(NamedTuple):
    """A figure as the content of a PNG file, and in words."""

    content: bytes
    alt: str


def make_tags(
    title: str, book: str, about: str, address: str | None, picture: tuple[str, str]
) -> str:
    """Return the tags of a page; of its picture the address and a description are given."""
    tags = [("property", "og:title", title), ("property", "og:site_name", book)]
    tags.append(("property", "og:type", "article"))
    if about:
        tags += [("name", "description", about), ("property", "og:description", about)]
    if address:
        source, alt = picture
        tags += [("property", "og:url", address)]
        tags += [("property", "og:image", source)]
        tags += [("property", "og:image:alt", alt)] if alt else []
        tags += [("name", "twitter:card", "summary_large_image")]
    return "".join(
        f'<meta {kind}="{name}" content="{escape(text)}">\n' for kind, name, text in tags
    )


def find_picture(source: Path) -> Picture | None:
    """Return the first figure stored in a notebook, as a PNG: no preview draws an SVG."""
    if source.suffix != ".ipynb":
        return None
    for cell in json.loads(source.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            if png := output.get("data", {}).get("image/png"):
                alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
                return Picture(b64decode(png), alt)
    return None


def _set_options(app: Any, config: Any) -> None:
    folder = Path(app.srcdir)
    if site := find_site(folder, os.environ):
        # Sphinx itself writes each page's canonical address
        config.html_baseurl = site
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    day = git(folder, "show", "--no-patch", "--format=%cs", "HEAD") or date.today().isoformat()
    footer = f'<p class="version">Version {project["version"]}, {day}</p>'
    config.html_theme_options["extra_footer"] = footer


def _describe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    book, base = app.config.html_title, app.config.html_baseurl
    title = re.sub(r"<[^>]+>", "", context.get("title") or book)
    if doctree is not None:
        address = urljoin(base, app.builder.get_target_uri(page)) if base else None
        picture = urljoin(base, OWN_PICTURE), ""
        if found := find_picture(Path(app.env.doc2path(page))):
            file = Path(app.outdir) / "_images" / f"{Path(page).name}.png"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(found.content)
            picture = urljoin(base, f"_images/{file.name}"), found.alt
        tags = make_tags(title, book, first_paragraph(doctree), address, picture)
        context["metatags"] = context.get("metatags", "") + tags
    if title == book:
        context["title"] = HOME


def _write_files(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    first = app.builder.get_target_uri(app.config.root_doc)
    # who is sent the book's own address is shown what its first page shows
    tags = TAG.findall((out / first).read_text())
    index = out / "index.html"
    index.write_text(index.read_text().replace("</html>", "\n".join(["", *tags, "</html>"])))
    page = {"title": app.config.html_title, "icon": Path(app.config.html_favicon).name}
    root = urlsplit(base).path if base else ""
    (out / "404.html").write_text(NOT_FOUND.format(**page, root=root, first=first))
    robots = "User-agent: *\nAllow: /\n"
    if base:
        pages = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
        entries = "\n".join(f"<url><loc>{escape(urljoin(base, one))}</loc></url>" for one in pages)
        (out / "sitemap.xml").write_text(SITEMAP.format(entries=entries))
        robots += f"Sitemap: {urljoin(base, 'sitemap.xml')}\n"
    (out / "robots.txt").write_text(robots)
