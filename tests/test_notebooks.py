"""The chapters' stored outputs: what nbval does not check, and a proof of what it does."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import xarray
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
MAX_LINES, MAX_WIDTH = 18, 100
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|mnt|work|Users)/|\b[A-Z]:\\")
NBVAL_MARK = re.compile(r"#\s*(?:NBVAL_|PYTEST_VALIDATE_)|\bnbval-|\braises-exception\b")


def chapters() -> list[Path]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    entries = list(toc.get("chapters", []))
    for part in toc.get("parts", []):
        entries += part["chapters"]
    names = [toc["root"], *(entry["file"] for entry in entries)]
    return [find_page(name) for name in names]


def find_page(name: str) -> Path:
    pages = [ROOT / f"{name}{suffix}" for suffix in (".ipynb", ".md")]
    found = [page for page in pages if page.is_file()]
    assert len(found) == 1, f"{name} in _toc.yml must be one file, but there are {len(found)}"
    return found[0]


NOTEBOOKS = [page for page in chapters() if page.suffix == ".ipynb"]


def faults(notebook: NotebookNode) -> Iterator[str]:
    """Yield what is wrong with a notebook's stored state, a line for each fault."""
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "kernelspec is not python3"
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"execution counts are {counts}, not 1 to {len(cells)}: run all cells in order"
    for number, cell in enumerate(cells, 1):
        yield from (f"cell {number}: {fault}" for fault in cell_faults(cell))


def cell_faults(cell: NotebookNode) -> Iterator[str]:
    if (lines := len(cell.source.strip().splitlines())) > MAX_LINES:
        yield f"{lines} lines of code, more than {MAX_LINES}"
    if not cell.source.strip():
        yield "empty"
    if NBVAL_MARK.search("\n".join([cell.source, *cell.metadata.get("tags", [])])):
        yield "marked to be passed over by nbval"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"stored error {output.ename}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"stderr {output.text!r}"
        data = output.get("data", {})
        texts = [output.get("text", ""), *(v for k, v in data.items() if k.startswith("text/"))]
        if found := ABSOLUTE_PATH.search("\n".join(texts)):
            yield f"absolute path {found[0]!r} in an output"
        if (widest := max(map(len, output.get("text", "").splitlines()), default=0)) > MAX_WIDTH:
            yield f"a printed line of {widest} characters, more than {MAX_WIDTH} on the page"
    images = sum(any(key.startswith("image/") for key in o.get("data", {})) for o in cell.outputs)
    if images:
        yield from figure_faults(cell.metadata.get("mystnb", {}), images)


def figure_faults(options: NotebookNode, images: int) -> Iterator[str]:
    if images > 1:
        yield f"{images} figures, more than one"
    for kind, key in (("figure", "caption"), ("figure", "name"), ("image", "alt")):
        if not options.get(kind, {}).get(key, "").strip():
            yield f"figure without metadata mystnb.{kind}.{key}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapter_is_stored_as_it_ran(path: Path) -> None:
    assert list(faults(nbformat.read(path, as_version=4))) == []


def test_every_notebook_is_a_chapter() -> None:
    written = {path for path in (ROOT / "book").rglob("*.ipynb") if "." not in path.parent.name}
    assert written == set(NOTEBOOKS)


def test_figure_names_are_unique() -> None:
    names = [
        cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
    ]
    used = [name for name in names if name]
    assert len(used) == len(set(used))


def present(values: xarray.DataArray, over: str) -> list[int]:
    """Return how many results there are at each point."""
    return values.count(over).values.ravel().tolist()


FEWEST = 20
"""Independent seeds, networks, recordings or runs behind each stored number of an ensemble."""
COUNTS: dict[str, Callable[[Any], list[int]]] = {
    "any_framework.json": lambda found: [len(networks) for networks in found.values()],
    # of 10 neurons; larger networks take minutes each, and the chapter prints how many there are
    "approximate.json": lambda found: [
        sum(r["n"] == 10 and r["width"] == w for r in found) for w in (0.1, 0.3, 0.6, 1.0, 1.5)
    ],
    "baselines.json": lambda found: [
        len(rows)
        for part in ("scores", "parity", "flux", "whole")
        for cells in found[part].values()
        for rows in cells.values()
    ],
    "canonical.json": lambda found: [cell["networks"] for cell in found],
    "comparison.json": lambda found: [found["recordings"]],
    "fit_coverage.json": lambda found: [len(cell["rows"]) for cell in found["cells"]],
    "fit_misfit.json": lambda found: [len(cell["rows"]) for cell in found["cells"]],
    "beyond_search.npz": lambda found: [v.shape[1] for k, v in found.items() if "random" in k],
    "estimators.json": lambda found: [found["networks"], found["recordings"]],
    "evolving.nc": lambda found: present(found.H, "seed"),
    "flux_and_period.nc": lambda found: present(found.I, "seed"),
    "gradient_race.nc": lambda found: present(found.evaluations, "run"),
    "ground_truth.json": lambda found: [len(networks) for networks in found.values()],
    "large_vowels.json": lambda found: [found["utterances"]],
    "networks_damage.nc": lambda found: present(found.share, "run"),
    "phase_diagrams.nc": lambda found: present(found.I, "repeat"),
    "spiking.nc": lambda found: present(found["rank"], "network"),
    "proxy_ensembles.nc": lambda found: present(found.c_rms, "network"),
    "trained.json": lambda found: [len(rows) for task in found.values() for rows in task.values()],
}
NO_ENSEMBLE = {
    "benchmarks.json": "times of one machine, which the page names",
    "beyond_norms.npz": "the best matrix of a search: a lower bound, whatever the runs",
    "beyond_shapes.npz": "exact fluxes of matrices that are named",
    "large_networks.json": "one network each, with the interval of its flux",
    "proxy_large.json": "two networks, for time and memory",
}
STORED = sorted({*(ROOT / "book" / "data").iterdir()} - {*(ROOT / "book" / "data").glob("*.py")})


def read_stored(path: Path) -> Any:
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return dict(np.load(path)) if path.suffix == ".npz" else xarray.load_dataset(path)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_stored_ensembles_are_large_enough(path: Path) -> None:
    assert (path.name in COUNTS) != (path.name in NO_ENSEMBLE), "say how many, or why it is none"
    if path.name in COUNTS:
        counts = COUNTS[path.name](read_stored(path))
        assert counts
        assert min(counts) >= FEWEST


def good_notebook() -> NotebookNode:
    """Return a small notebook without a fault: a number, a printed line, a figure."""
    number = new_output("execute_result", {"text/plain": "0.75"}, execution_count=1)
    printed = new_output("stream", text="flux 1.906\n")
    drawn = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    options = {"figure": {"caption": "A line.", "name": "fig-line"}, "image": {"alt": "A line."}}
    cells = [
        new_code_cell("1 - 0.25", execution_count=1, outputs=[number]),
        new_code_cell("print('flux', 1.906)", execution_count=2, outputs=[printed]),
        new_code_cell(
            "import matplotlib.pyplot as plt\n\nplt.plot([0, 1])\nplt.show()",
            execution_count=3,
            outputs=[new_output("display_data", drawn)],
            metadata={"mystnb": options},
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def clear_outputs(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.outputs, cell.execution_count = [], None


def run_out_of_order(notebook: NotebookNode) -> None:
    notebook.cells[0].execution_count = 7


def add_stderr(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs.append(new_output("stream", name="stderr", text="Warning"))


def add_error(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs.append(new_output("error", ename="ValueError", evalue=""))


def add_path(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs[0].text = "see /home/someone/notes"


def add_lines(notebook: NotebookNode) -> None:
    notebook.cells[0].source += "\n0" * MAX_LINES


def print_wide(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs[0].text = "1" * (MAX_WIDTH + 1)


def skip_cell(notebook: NotebookNode) -> None:
    notebook.cells[0].source = "# NBVAL_SKIP\n1 - 0.25"


def ignore_output(notebook: NotebookNode) -> None:
    notebook.cells[0].metadata.tags = ["nbval-ignore-output"]


def drop_alt(notebook: NotebookNode) -> None:
    notebook.cells[2].metadata.mystnb.image.alt = " "


def drop_caption(notebook: NotebookNode) -> None:
    del notebook.cells[2].metadata.mystnb.figure["caption"]


def drop_kernel(notebook: NotebookNode) -> None:
    del notebook.metadata["kernelspec"]


TAMPERINGS = [
    clear_outputs,
    run_out_of_order,
    add_stderr,
    add_error,
    add_path,
    add_lines,
    print_wide,
    skip_cell,
    ignore_output,
    drop_alt,
    drop_caption,
    drop_kernel,
]


def test_good_notebook_has_no_faults() -> None:
    assert list(faults(good_notebook())) == []


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_tampered_notebook_has_faults(tamper: Callable[[NotebookNode], None]) -> None:
    notebook = good_notebook()
    tamper(notebook)
    assert list(faults(notebook))


def test_nbval_reruns_every_cell(tmp_path: Path) -> None:
    good = good_notebook()
    wrong_number, wrong_text, cleared = (copy.deepcopy(good) for _ in range(3))
    wrong_number.cells[0].outputs[0].data["text/plain"] = "0.76"
    wrong_text.cells[1].outputs[0].text = "flux 1.907\n"
    clear_outputs(cleared)
    nbformat.write(good, tmp_path / "good.ipynb")
    nbformat.write(wrong_number, tmp_path / "wrong_number.ipynb")
    nbformat.write(wrong_text, tmp_path / "wrong_text.ipynb")
    nbformat.write(cleared, tmp_path / "cleared.ipynb")

    # the project's own options
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-rf", "."]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "2 failed, 10 passed" in done.stdout
    failed = re.findall(r"^FAILED \S*?(\w+)\.ipynb::Cell (\d)", done.stdout, flags=re.MULTILINE)
    # cleared outputs are the hole: that is why `faults` looks at them
    assert sorted(failed) == [("wrong_number", "0"), ("wrong_text", "1")]
