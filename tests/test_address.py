"""The repository's address in the book: from the environment or the git remote, never invented."""

import json
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from address import (
    EXTRAS,
    MARK,
    _fill_in,
    _set_buttons,
    colab_cell,
    colab_text,
    find_address,
    find_branch,
    find_site,
    pages_address,
    web_address,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "trunk")
    git("remote", "add", "origin", "https://user:secret@github.com/owner/name.git")
    return tmp_path


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/owner/name",
        "https://github.com/owner/name.git/",
        "https://user:secret@github.com/owner/name.git",
        "git@github.com:owner/name.git",
        "ssh://git@github.com:22/owner/name.git\n",
    ],
)
def test_remotes_on_a_public_host(remote: str) -> None:
    assert web_address(remote) == "https://github.com/owner/name"


@pytest.mark.parametrize(
    "remote",
    ["", "/srv/name.git", "../name", "file:///srv/name", "https://example.org/owner/name", "owner"],
)
def test_other_remotes_have_no_address(remote: str) -> None:
    assert web_address(remote) is None


def test_environment_goes_before_the_remote(checkout: Path) -> None:
    actions = {"GITHUB_REPOSITORY": "o/actions"}
    named = {**actions, "FLUX_REPOSITORY": "https://gitlab.com/o/named"}
    assert find_address(checkout, {}) == "https://github.com/owner/name"
    assert find_address(checkout, actions) == "https://github.com/o/actions"
    assert find_address(checkout, named) == "https://gitlab.com/o/named"


def test_branch(checkout: Path) -> None:
    assert find_branch(checkout, {}) == "trunk"
    assert find_branch(checkout, {"GITHUB_REF_NAME": "topic"}) == "topic"
    assert find_branch(checkout, {"GITHUB_REF_NAME": "topic", "FLUX_BRANCH": "main"}) == "main"


def test_nothing_is_known_outside_a_repository(tmp_path: Path) -> None:
    assert find_address(tmp_path, {}) is None
    assert find_branch(tmp_path, {}) == "main"


def test_site(checkout: Path, tmp_path: Path) -> None:
    assert find_site(checkout, {}) == "https://owner.github.io/name/"
    assert find_site(checkout, {"FLUX_SITE": "https://flux.test/a"}) == "https://flux.test/a/"
    assert find_site(tmp_path / "none", {}) is None
    assert pages_address("https://gitlab.com/o/name") == "https://o.gitlab.io/name/"


def buttons_for(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the configuration of a book that is built from an address."""
    monkeypatch.setenv("FLUX_REPOSITORY", address)
    launch = {"binderhub_url": "https://binder.test", "colab_url": "https://colab.test"}
    config = SimpleNamespace(html_theme_options={"launch_buttons": launch})
    _set_buttons(SimpleNamespace(srcdir=folder), config)
    return config


def test_buttons_of_each_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = buttons_for("https://github.com/owner/name", tmp_path, monkeypatch)
    assert set(config.html_theme_options["launch_buttons"]) == {"binderhub_url", "colab_url"}
    # Colab opens notebooks from GitHub alone, and the theme warns of others
    config = buttons_for("https://gitlab.com/owner/name", tmp_path, monkeypatch)
    assert set(config.html_theme_options["launch_buttons"]) == {"binderhub_url"}
    config = buttons_for("", tmp_path, monkeypatch)
    assert "launch_buttons" not in config.html_theme_options


def test_colab_installs_optional_parts_that_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"gpu", "bench"}
    address = "https://github.com/owner/name"
    assert f"./name[{','.join(EXTRAS)}]" in colab_cell(address)
    assert colab_cell(address) in colab_text(address, {})
    # a plain copy has the cell already
    assert "git clone" not in colab_text(address, {"FLUX_NOTEBOOKS": "notebooks"})
    assert colab_cell("https://gitlab.com/owner/name") == ""


def test_preface_tells_of_colab_where_there_is_a_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preface = (ROOT / "book" / "preface.ipynb").read_text()
    assert MARK in preface
    for address, told in (("https://github.com/owner/name", True), ("", False)):
        monkeypatch.setenv("FLUX_REPOSITORY", address)
        source = [preface]
        _fill_in(SimpleNamespace(srcdir=tmp_path), "book/preface", source)
        assert MARK not in source[0]
        texts = "".join("".join(cell["source"]) for cell in json.loads(source[0])["cells"])
        assert ("!git clone --depth 1 https://github.com/owner/name\n" in texts) == told
