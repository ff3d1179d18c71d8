"""The house rules: layers, public names, docstrings, randomness, and the top folder."""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import FunctionType

import pytest
import yaml

import flux
from flux.relays import attribution, tasks, trained

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "flux").rglob("*.py"))
MAX_LINES = 400

# a room uses those before it, and no room of its own row; _base alone serves sweeps
ROOMS = ["_base", "model", "exact", "recordings", "large search attractors relays", "plots widgets"]
ORDER = {room: i for i, row in enumerate(ROOMS) for room in row.split()} | {"sweeps": 1}

# importing flux must not load these; the first three belong to plots and widgets alone
DRAWING = {"matplotlib", "ipywidgets", "anywidget"}
SLOW_TO_IMPORT = DRAWING | {"IPython", "jax", "joblib", "optax", "pandas", "sklearn", "xarray"}

# the fixed names and how they begin; keyword-only arguments follow the star
SIGNATURES = {
    "all_states": "n",
    "encode": "x",
    "decode": "codes n",
    "entropy": "p",
    "binary_entropy": "p",
    "mutual_information": "joint",
    "Flux": "I H D",
    "gaussian_weights": "n * rng width=1.0 density=1.0 balance=0.0",
    "nrooks": "n * rng strength",
    "weighing_matrix": "n k * strength",
    "design_flux": "n flux * rng",
    "rookness": "W",
    "row_overlap": "W",
    "on_probability": "W x b=None",
    "simulate": "W steps * rng b=None x0=None burn_in=0",
    "simulate_chains": "W steps chains * rng",
    "transition_matrix": "W b=None",
    "stationary_distribution": "W b=None",
    "exact_flux": "W b=None lag=1",
    "exact_correlation": "W b=None",
    "flux_gradient": "W b=None",
    "rms_correlation": "C",
    "lagged_correlation": "x lag=1",
    "sample_flux": "x * method='plugin' lag=1",
    "model_flux": "W x b=None * method='chao-wang-jost'",
    "fit_network": "x * lag=1 penalty=None norm='l2'",
    "NetworkFit": "W b W_se b_se log_likelihood heldout",
    "check_fit": "fit x * rng lag=1",
    "fitted_flux": "x * rng lag=1",
    "FittedFlux": "I H D I_se lower upper bias",
    "shift_neurons": "x * rng",
    "shuffle_trials": "x * rng",
    "jitter_spikes": "x window * rng",
    "flux_by_bin_width": "data widths * rng",
    "BinWidths": "width steps firing flux lower upper flux_per_second",
    "compare_flux": "x1 x2 * rng",
    "FluxComparison": "difference lower upper p_value",
    "evolve": "fitness W0 * rng",
    "evolve_cma": "fitness W0 * rng",
    "ascend": "W0 * bound norm='entry' starts=1 rng=None jobs=1",
    "Ascent": "W I evaluations runs",
    "Evolution": "W fitness history evaluations",
    "flux_interval": "W b=None * rng",
    "approximate_flux": "W b=None * rng",
    "ApproximateFlux": "I H D I_se",
    "canonical_flux": "x * lag=1",
    "CanonicalFlux": "gaussian binary correlations",
    "sweep": "function grid * repeats seed store=None",
    "successor_map": "W b=None",
    "find_attractors": "W b=None",
    "Attractors": "period basin representative ties",
    "mean_period": "attractors weight='attractor'",
    "sample_attractors": "W b=None * starts rng",
    "state_graph": "W b=None",
    "coarse_grain": "H method='kmeans2'",
    "relay_information": "xin xout Y relay",
    "all_relay_information": "xin xout Y",
    "RelaySets": "I states reliable leak I_in_out",
    "knockout_accuracy": "h instead weight bias y out",
    "relay_order": "xin xout Y * rng",
    "relay_scores": "xin xout Y * kind='single' rng=None",
    "RelayInformation": "I leak I_in_out states",
    "RelayOrder": "order curve null states reliable tied",
    "rook_periods": "permutation signs",
    "best_rooks": "n objective='attractor'",
    "memory_curve": "W lags b=None",
    "recall": "W written lags b=None",
    "pattern_generator": "period * strength rng n=None",
    "FluxInterval": "lower upper lower_se upper_se limited_by lower_estimate upper_estimate",
}

# these draw only if asked to, and then refuse to go without
RNG_IF_ASKED = {"ascend", "relay_scores"}

ALLOWED_AT_TOP = {
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-TEXT",
    "README.md",
    "_config.yml",
    "_toc.yml",
    "book",
    "flux",
    "postBuild",
    "pyproject.toml",
    "requirements.txt",
    "runtime.txt",
    "tests",
}

PUBLIC_FUNCTIONS = [
    pytest.param(getattr(flux, name), id=name)
    for name in flux.__all__
    if isinstance(getattr(flux, name), FunctionType)
]
# these are imported by themselves
PUBLIC_FUNCTIONS += [
    pytest.param(function, id=f"{module.__name__}.{name}")
    for module in (attribution, tasks, trained)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if name in getattr(module, "__all__", [])
    or (function.__module__ == module.__name__ and not name.startswith("_"))
]


def place(path: Path) -> str:
    """Return the dotted name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of each module that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


NAMES = [place(path) for path in MODULES]
USES = {name: {*NAMES} & {*imported(path)} for name, path in zip(NAMES, MODULES, strict=True)}

modules = pytest.mark.parametrize("path", MODULES, ids=place)
public_functions = pytest.mark.parametrize("function", PUBLIC_FUNCTIONS)


def test_rooms_use_those_below_them() -> None:
    for name, used in USES.items():
        room = name.split(".")[1]
        if room == "__init__":  # the door to all of them
            continue
        for other, *inner in (module.split(".")[1:] for module in used):
            if other != room:
                assert ORDER[other] < ORDER[room], f"{name} imports {other}"
                assert room != "sweeps" or other == "_base", f"{name} imports {other}"
                assert not "".join(inner).startswith("_"), f"{name} imports {inner} of {other}"


def test_no_imports_go_in_a_circle() -> None:
    TopologicalSorter(USES).prepare()


@modules
def test_only_plots_and_widgets_draw(path: Path) -> None:
    if place(path).split(".")[1] not in ("plots", "widgets"):
        assert DRAWING.isdisjoint(name.split(".")[0] for name in imported(path))


@modules
def test_module_is_short_and_says_what_it_is(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(path.read_text()))


@modules
def test_no_global_randomness(path: Path) -> None:
    allowed = {"BitGenerator", "Generator", "PCG64", "Philox", "SeedSequence", "default_rng"}
    used = re.findall(r"\b(?:np|numpy)\.random\.(\w+)", path.read_text())
    assert set(used) <= allowed
    assert "random" not in imported(path)


def test_import_is_light() -> None:
    code = f"import sys, flux; print(*({SLOW_TO_IMPORT!r} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_init_only_re_exports() -> None:
    body = ast.parse((ROOT / "flux" / "__init__.py").read_text()).body
    kinds = [type(node) for node in body]
    assert kinds == [ast.Expr, *[ast.ImportFrom] * (len(body) - 2), ast.Assign]
    exported = {a.name for node in body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert flux.__all__ == sorted(exported - {"__version__"})


@pytest.mark.parametrize("name", SIGNATURES)
def test_fixed_name_has_its_signature(name: str) -> None:
    assert name in flux.__all__
    assert (
        leading_parameters(getattr(flux, name), SIGNATURES[name].count(" ") + 1) == SIGNATURES[name]
    )


def leading_parameters(function: Callable[..., object], count: int) -> str:
    """Return the first `count` words of a signature, such as 'n * rng width=1.0'."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        is_free = parameter.default is parameter.empty
        words.append(parameter.name if is_free else f"{parameter.name}={parameter.default!r}")
    return " ".join(words[:count])


@public_functions
def test_rng_is_required_and_keyword_only(function: FunctionType) -> None:
    rng = inspect.signature(function).parameters.get("rng")
    assert rng is None or rng.kind is rng.KEYWORD_ONLY
    if rng is not None and function.__name__ not in RNG_IF_ASKED:
        assert rng.default is rng.empty


@pytest.mark.parametrize("name", flux.__all__)
def test_public_name_has_a_summary(name: str) -> None:
    documented = inspect.getdoc(getattr(flux, name)) or ""
    summary, *rest = documented.splitlines() or [""]
    assert summary.endswith("."), "the first line must be one whole sentence"
    assert len(rest) == 0 or rest[0] == ""


@public_functions
def test_public_function_is_documented(function: FunctionType) -> None:
    sections = docstring_sections(inspect.getdoc(function) or "")
    lines = sections.get("Parameters", "").splitlines()
    entries = [line for line in lines if line and not line.startswith(" ")]
    documented = [name for entry in entries for name in entry.split(" : ")[0].split(", ")]
    assert documented == list(inspect.signature(function).parameters)
    assert all(" : " in entry for entry in entries), "each parameter needs its type or shape"
    assert sections.get("Returns")
    assert sections.get("Raises")


def docstring_sections(text: str) -> dict[str, str]:
    """Return the body of each section of a NumPy docstring."""
    _, *parts = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    return {title: body.strip("\n") for title, body in zip(parts[::2], parts[1::2], strict=True)}


@public_functions
def test_public_function_is_annotated(function: FunctionType) -> None:
    signature = inspect.signature(function)
    assert signature.return_annotation is not signature.empty
    annotations = [parameter.annotation for parameter in signature.parameters.values()]
    assert inspect.Parameter.empty not in annotations


def test_top_folder() -> None:
    listed = tracked_files()
    unknown = {name.split("/")[0] for name in listed} - ALLOWED_AT_TOP
    assert {name for name in unknown if not name.startswith(".")} == set()


def test_no_built_or_large_files_are_tracked() -> None:
    listed = tracked_files()
    assert [name for name in listed if "_build/" in name or "__pycache__" in name] == []
    assert [name for name in listed if (ROOT / name).stat().st_size > 2_000_000] == []


def tracked_files() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


def test_readme_has_the_two_commands_of_the_gate() -> None:
    install = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && "
    commands = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("python3")
    ]
    assert commands == [
        install + ".venv/bin/jupyter-book build . -W -n --keep-going",
        install + ".venv/bin/pytest",
    ]
    # the gate reads them from the README and has none of its own
    gate = (ROOT / ".ci" / "run").read_text()
    assert "< <(grep '^python3 -m venv' README.md)" in gate
    assert "pip install" not in gate
    assert commands[0] in (ROOT / ".github" / "workflows" / "pages.yml").read_text()


def printed(chapter: str) -> str:
    """Return what the cells of a chapter print, without runs of spaces."""
    cells = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text())["cells"]
    lines = [
        line for cell in cells for out in cell.get("outputs", []) for line in out.get("text", [])
    ]
    return re.sub(" +", " ", "".join(lines))


@pytest.mark.parametrize(
    ("chapter", "finding", "told"),
    [
        ("beyond_rooks", "weights of 3.58, N-rooks need 4.33", [" 8 7 3.58 ", " 1 1 4.33 "]),
        ("following_gradient", "after 21 evaluations", ["gradient, input bound 5 6 8 18 21\n"]),
        ("following_gradient", "against 2421 ", ["width 0.1 287 436 665 1385 2421\n"]),
        ("from_recording", "the flux to 0.048 bit", [" 10 2000 dense 100 97 0.048 2.536\n"]),
        ("from_recording", "is off by 2.536", [" 10 2000 dense 100 97 0.048 2.536\n"]),
    ],
)
def test_numbers_of_the_readme_are_printed_by_chapters(
    chapter: str, finding: str, told: list[str]
) -> None:
    assert finding in " ".join((ROOT / "README.md").read_text().split())
    for line in told:
        assert line in printed(chapter)


def test_readme_lists_the_chapters_by_their_titles() -> None:
    readme = (ROOT / "README.md").read_text()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    for part in toc["parts"][:-1]:
        assert f"| {part['caption']} | " in readme
        for chapter in part["chapters"]:
            notebook = json.loads((ROOT / f"{chapter['file']}.ipynb").read_text())
            title = "".join(notebook["cells"][0]["source"]).splitlines()[0].removeprefix("# ")
            links = re.findall(rf"\[([^\]]+)\]\({re.escape(chapter['file'])}\.ipynb\)", readme)
            assert set(links) == {title}
    for target in re.findall(r"\]\(((?!https?:|\.\./\.\./)[^)]+)\)", readme):
        assert (ROOT / target).exists(), target


def test_versions_and_names_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert citation["version"] == project["version"]
    assert citation["title"] == config["title"]
    assert [author["name"] for author in citation["authors"]] == [config["author"]]
    assert project["authors"] == [{"name": config["author"]}]
    assert citation["license"] == [project["license"], "CC-BY-4.0"]
    assert citation["keywords"] == project["keywords"]


def test_requirements_are_exact() -> None:
    *pins, last = (ROOT / "requirements.txt").read_text().splitlines()
    assert last == "-e ."
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert pins == sorted(pins, key=str.lower)
    pinned = {pin.split("==")[0].lower() for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    library = {re.split(r"[<>=]", requirement)[0] for requirement in project["dependencies"]}
    assert library <= pinned
