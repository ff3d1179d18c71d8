"""Sphinx extension: the repository's address, taken from where the book is built.

The address is the first of these: the environment's FLUX_REPOSITORY (a URL), GITHUB_REPOSITORY
(owner/name), the URL of the git remote "origin". Where none names a public host, the buttons that
need an address are left out. The preface is told how to begin on Colab where that has a button.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import matplotlib.font_manager  # noqa: F401  (its first import may write to a notebook's stderr)

MARK = "<!-- colab -->"
"""Stands in the preface where COLAB belongs, and is not seen where the notebook itself is read."""
COLAB = """\
Or it opens the chapter on Colab. There, put this into a cell of its own above the others, and run
it first:

```ipython
{cell}```
"""
COLAB_COPY = """\
Or it opens a copy of the chapter on Colab, whose first cell fetches the package: run that first.
"""
COLAB_CELL = """\
# fetches the package and the book's data; on Colab, run this cell first
!git clone --depth 1 {address}
%pip install -q "./{name}[{extras}]"
%cd {name}/book
"""
# of the package's optional parts, those that chapters use
EXTRAS = ("plots", "graphs", "cma", "dask", "trained", "widgets")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", _set_buttons)
    app.connect("source-read", _fill_in)
    # progress bars are for people: on a slow machine they would write to a chapter's stderr
    os.environ["TQDM_DISABLE"] = "1"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def find_address(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the repository's web address, or None where there is none."""
    if "FLUX_REPOSITORY" in environment:
        return web_address(environment["FLUX_REPOSITORY"])
    if "GITHUB_REPOSITORY" in environment:
        host = environment.get("GITHUB_SERVER_URL", "https://github.com")
        return web_address(f"{host}/{environment['GITHUB_REPOSITORY']}")
    return web_address(git(folder, "remote", "get-url", "origin"))


def find_site(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the address of the published book, which ends in a slash, or None where none is known.

    It is FLUX_SITE in the environment, or else where the repository's host publishes its pages.
    """
    if named := environment.get("FLUX_SITE"):
        return f"{named.rstrip('/')}/"
    address = find_address(folder, environment)
    return pages_address(address) if address else None


def pages_address(repository: str) -> str:
    """Return where the host of a repository publishes its pages.

    >>> pages_address("https://github.com/Owner/name")
    'https://owner.github.io/name/'
    >>> pages_address("https://github.com/owner/owner.github.io")
    'https://owner.github.io/'
    """
    *_, host, owner, name = repository.split("/")
    pages = f"{owner.lower()}.{host.removesuffix('.com')}.io"
    return f"https://{pages}/" if name.lower() == pages else f"https://{pages}/{name}/"


def find_branch(folder: Path, environment: Mapping[str, str]) -> str:
    """Return the branch (or tag, or commit) that the book is built from."""
    named = environment.get("FLUX_BRANCH") or environment.get("GITHUB_REF_NAME")
    # a detached HEAD has no branch, but a commit
    checked_out = git(folder, "branch", "--show-current") or git(folder, "rev-parse", "HEAD")
    return named or checked_out or "main"


def web_address(remote: str) -> str | None:
    """Return the page of a git remote on a public host, without credentials, else None.

    >>> web_address("git@github.com:owner/name.git")
    'https://github.com/owner/name'
    >>> web_address("https://user:secret@gitlab.com/owner/name")
    'https://gitlab.com/owner/name'
    >>> web_address("/srv/git/name.git") is None
    True
    """
    found = re.fullmatch(
        r"(?:(?:https?|ssh|git)://)?(?:[^@/]+@)?(github\.com|gitlab\.com)(?::\d+)?[:/]"
        r"([\w.-]+)/([\w.-]+?)(?:\.git)?/?",
        remote.strip(),
    )
    return f"https://{found[1]}/{found[2]}/{found[3]}" if found else None


def colab_text(address: str | None, environment: Mapping[str, str]) -> str:
    """Return what the preface says about Colab, in MyST; nothing without a repository on GitHub.

    >>> "%cd name/book" in colab_text("https://github.com/owner/name", {})
    True
    >>> colab_text("https://gitlab.com/owner/name", {})
    ''
    """
    cell = colab_cell(address)
    if cell and "FLUX_NOTEBOOKS" in environment:
        return COLAB_COPY
    return COLAB.format(cell=cell) if cell else ""


def colab_cell(address: str | None) -> str:
    """Return the code by which a notebook fetches the package; nothing but for GitHub.

    >>> colab_cell("https://github.com/owner/name").splitlines()[-1]
    '%cd name/book'
    """
    if address is None or not _is_on_github(address):
        return ""
    name = address.rpartition("/")[2]
    return COLAB_CELL.format(address=address, name=name, extras=",".join(EXTRAS))


def _is_on_github(address: str) -> bool:
    return address.startswith("https://github.com/")


def _set_buttons(app: Any, config: Any) -> None:
    folder = Path(app.srcdir)
    options = config.html_theme_options
    address = find_address(folder, os.environ)
    if address is None:
        for name in ("launch_buttons", "repository_url", "repository_branch"):
            options.pop(name, None)
        return
    if not _is_on_github(address):
        options.get("launch_buttons", {}).pop("colab_url", None)
    options["repository_url"] = address
    options["repository_branch"] = quote(find_branch(folder, os.environ), safe="")
    options["path_to_docs"] = ""
    options["use_repository_button"] = options["use_issues_button"] = True


def _fill_in(app: Any, name: str, source: list[str]) -> None:
    if MARK in source[0]:
        text = colab_text(find_address(Path(app.srcdir), os.environ), os.environ)
        # the source of a notebook is JSON
        source[0] = source[0].replace(MARK, json.dumps(text)[1:-1])


def git(folder: Path, *arguments: str) -> str:
    """Return what git says, nothing where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
