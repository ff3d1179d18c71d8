"""The repository's address in the book: from the environment or the git remote, never invented."""

import subprocess
from pathlib import Path

import pytest
from address import find_address, find_branch, web_address


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
