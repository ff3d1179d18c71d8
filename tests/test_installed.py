"""What pip knows of the package: its name, version and metadata, and its optional parts."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import flux

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# what needs a package that is optional, and the part that it belongs to
OPTIONAL = [
    ("import flux.plots", "matplotlib", "plots"),
    ("import flux.widgets", "anywidget", "widgets"),
    ("import flux.relays.trained", "equinox", "trained"),
    ("import flux.relays.trained", "optax", "trained"),
    ("from flux.relays import tasks; tasks.digit_rows()", "sklearn", "trained"),
    ("import flux; flux.state_graph([[1.0]])", "networkx", "graphs"),
    (
        "import flux, numpy; rng = numpy.random.default_rng(1);"
        "flux.evolve_cma(numpy.sum, [[1.0]], rng=rng, steps=1)",
        "cma",
        "cma",
    ),
]


def last_line(code: str, *folders: Path) -> str:
    """Return what a Python that finds these folders first writes last."""
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=folders[0] if folders else ROOT,  # what is there is found before PYTHONPATH
        env={**os.environ, "PYTHONPATH": path},
    )
    return (done.stderr or done.stdout).strip().splitlines()[-1]


def test_version_is_that_of_the_project() -> None:
    try:
        version("information-flux")
    except PackageNotFoundError:
        assert flux.__version__ == "0+unknown"
    else:
        assert flux.__version__ == PROJECT["version"]


def test_version_is_read_from_what_pip_installed(tmp_path: Path) -> None:
    folder = tmp_path / "information_flux-9.8.7.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: information-flux\nVersion: 9.8.7\n")
    assert last_line("import flux; print(flux.__version__)", tmp_path) == "9.8.7"


@pytest.mark.parametrize(("code", "package", "part"), OPTIONAL)
def test_missing_package_is_told_with_its_remedy(code: str, package: str, part: str) -> None:
    told = last_line(f"import sys; sys.modules[{package!r}] = None; {code}")
    remedy = f"pip install 'information-flux[{part}]'"
    assert told == f"ModuleNotFoundError: {package} is not installed: {remedy}"
    needed = {re.split(r"[\[<>=]", one)[0] for one in PROJECT["optional-dependencies"][part]}
    assert {"sklearn": "scikit-learn"}.get(package, package) in needed


def test_metadata() -> None:
    assert PROJECT["name"] == "information-flux"
    assert PROJECT["keywords"]
    assert "Typing :: Typed" in PROJECT["classifiers"]
    # where the repository is, is not known here
    assert all(address.startswith("https://doi.org/") for address in PROJECT["urls"].values())


def test_licences_of_code_and_text() -> None:
    assert PROJECT["license-files"] == ["LICENSE"]
    code, text = ((ROOT / name).read_text() for name in ("LICENSE", "LICENSE-TEXT"))
    assert code.startswith("MIT License")
    assert "Creative Commons" not in code
    assert "Creative Commons Attribution 4.0 International" in text
    assert "Section 8 – Interpretation" in text
    readme = (ROOT / "README.md").read_text()
    assert "(LICENSE)" in readme
    assert "(LICENSE-TEXT)" in readme
