"""Sphinx extension: the site's JavaScript comes from the site itself, so that it works offline.

MathJax is an npm package. The build fetches it from the npm registry once, checks that it is the
one pinned here, keeps it in the user's cache, and unpacks what pages need into `_static/npm`.
Widgets need no more than book/_static/widgets.js.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import time
import urllib.request
from base64 import b64encode
from contextlib import suppress
from fnmatch import fnmatchcase
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_cache_path
from sphinx.errors import ExtensionError

ATTEMPTS = 4


class Package(NamedTuple):
    """An npm package: name, version, hash of its archive, patterns of the paths that are needed."""

    name: str
    version: str
    integrity: str
    needed: tuple[str, ...]


MATHJAX = Package(
    "mathjax",
    "3.2.2",
    "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
    (
        "LICENSE",
        "es5/tex-mml-chtml.js",
        "es5/output/chtml/fonts/*",
        # what rarer TeX commands, and the choices in the menu of a formula, load on demand
        "es5/input/tex/extensions/*",
        "es5/output/svg*",
        "es5/a11y/*",
        "es5/sre/mathmaps/base.json",
        "es5/sre/mathmaps/en.json",
        "es5/sre/mathmaps/nemeth.json",
    ),
)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", _use_local_scripts)
    app.connect("builder-inited", _unpack_packages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _use_local_scripts(app: Any, config: Any) -> None:
    config.mathjax_path = "npm/mathjax/es5/tex-mml-chtml.js"
    # only pages with widgets load this
    config.nb_ipywidgets_js = {"widgets.js": {}}


def _unpack_packages(app: Any) -> None:
    if app.builder.format != "html":
        return
    unpack(MATHJAX, Path(app.outdir) / "_static" / "npm" / MATHJAX.name)


def unpack(package: Package, target: Path) -> None:
    """Write the needed files of a package into a folder."""
    with tarfile.open(fileobj=io.BytesIO(fetch(package))) as archive:
        for member in archive:
            # all of an npm archive is in one folder, most often called package
            path = member.name.partition("/")[2]
            if member.isfile() and any(fnmatchcase(path, name) for name in package.needed):
                member.name = path
                archive.extract(member, target, filter="data")


def fetch(package: Package) -> bytes:
    """Return the archive of a package, from the cache or else from the npm registry.

    Raises
    ------
    sphinx.errors.ExtensionError
        The registry did not answer, or its archive is not the one pinned here.
    """
    folder = user_cache_path("flux-book")
    stored = folder / f"{package.name.replace('/', '-')}-{package.version}.tgz"
    if stored.is_file() and integrity(content := stored.read_bytes()) == package.integrity:
        return content
    content = _download(package)
    # where nothing can be kept, the next build fetches again
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # a build that stops half-way, or another beside it, leaves no half of a file
        part = stored.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(stored)
    return content


def integrity(content: bytes) -> str:
    """Return the hash of an archive as npm writes it.

    >>> integrity(b"")[:20]
    'sha512-z4PhNX7vuL3xV'
    """
    return "sha512-" + b64encode(hashlib.sha512(content).digest()).decode()


def archive_url(package: Package, registry: str) -> str:
    """Return where a registry has the archive of a package.

    >>> archive_url(MATHJAX, "https://example.org/npm/")
    'https://example.org/npm/mathjax/-/mathjax-3.2.2.tgz'
    """
    short = package.name.rpartition("/")[2]
    return f"{registry.rstrip('/')}/{package.name}/-/{short}-{package.version}.tgz"


def registry() -> str:
    """Return the npm registry that this machine uses."""
    # npm reads its variables in any case
    variables = {name.lower(): value for name, value in os.environ.items()}
    named = variables.get("npm_config_registry")
    if named is None and (npm := shutil.which("npm")):
        command = [npm, "config", "get", "registry"]
        named = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return named if named and named != "undefined" else "https://registry.npmjs.org"


def _download(package: Package) -> bytes:
    address = archive_url(package, registry())
    fault: object = None
    for attempt in range(ATTEMPTS):
        time.sleep(2**attempt - 1)
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                content = answer.read()
        except (OSError, HTTPException) as error:
            fault = error
            continue
        if (found := integrity(content)) == package.integrity:
            return content
        fault = f"its hash is {found}, not {package.integrity}"
    raise ExtensionError(
        f"cannot fetch {package.name} {package.version} from {address}: {fault}. The first build "
        "needs the npm registry (npm_config_registry may name another); later ones have it cached."
    )
