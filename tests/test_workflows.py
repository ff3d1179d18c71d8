"""The workflows: actions by their hash, least rights, and nothing published that is not tested."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
ACTION = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# rights that a job may have beside reading the source
WRITES = {
    ("pages.yml", "build"): {"pages": "read"},
    ("pages.yml", "notebooks"): {"contents": "write"},
    ("pages.yml", "deploy"): {"pages": "write", "id-token": "write"},
    ("release.yml", "publish"): {"contents": "write"},
    # what it calls can have no more than this
    ("ci.yml", "pages"): {"contents": "write", "pages": "write", "id-token": "write"},
    ("ci.yml", "release"): {"contents": "write"},
}
PUBLISHING = {"pages", "release"}


def read(name: str) -> dict[str, Any]:
    found = yaml.safe_load((FOLDER / name).read_text())
    # YAML 1.1 reads on as true
    return {"on": found.pop(True), **found}


WORKFLOWS = {path.name: read(path.name) for path in sorted(FOLDER.glob("*.yml"))}
JOBS = [
    pytest.param(workflow, name, job, id=f"{workflow}-{name}")
    for workflow, found in WORKFLOWS.items()
    for name, job in found["jobs"].items()
]
jobs = pytest.mark.parametrize(("workflow", "name", "job"), JOBS)
CI = WORKFLOWS["ci.yml"]


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


def test_there_are_no_other_workflows() -> None:
    assert set(WORKFLOWS) == {"ci.yml", "pages.yml", "release.yml", "weekly.yml"}
    assert len(list(FOLDER.iterdir())) == len(WORKFLOWS)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_actions_are_pinned_by_hash(workflow: str) -> None:
    lines = (FOLDER / workflow).read_text().splitlines()
    used = [line.strip().removeprefix("- ") for line in lines if "uses:" in line]
    foreign = [line for line in used if not line.startswith("uses: ./")]
    assert [line for line in foreign if not ACTION.fullmatch(line)] == []


def test_an_action_has_one_hash() -> None:
    text = "".join((FOLDER / name).read_text() for name in WORKFLOWS)
    used = set(re.findall(r"uses: ([^.\s]\S*)@(\S+ # \S+)", text))
    assert len(used) == len({action for action, _ in used})


@jobs
def test_rights_are_the_least(workflow: str, name: str, job: dict[str, Any]) -> None:
    assert WORKFLOWS[workflow]["permissions"] == {}
    rights = dict(job.get("permissions", {}))
    extra = WRITES.get((workflow, name), {})
    if rights.get("contents") == "read":
        del rights["contents"]
    assert rights == extra


@jobs
def test_job_ends_and_leaves_no_credentials(workflow: str, name: str, job: dict[str, Any]) -> None:
    if "uses" in job:
        return
    assert 0 < job["timeout-minutes"] <= 90
    assert "latest" not in job["runs-on"]
    for step in job["steps"]:
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@jobs
def test_packages_are_cached_but_for_a_release(
    workflow: str, name: str, job: dict[str, Any]
) -> None:
    for step in job.get("steps", []):
        if "actions/setup-python@" in step.get("uses", ""):
            assert step["with"].get("cache") == (None if workflow == "release.yml" else "pip")


@jobs
def test_commands_hold_no_expressions(workflow: str, name: str, job: dict[str, Any]) -> None:
    """What others choose, the name of a branch for one, must not become part of a command."""
    for step in job.get("steps", []):
        assert "${{" not in step.get("run", "")


def test_a_change_is_tested_once() -> None:
    assert CI["on"]["push"]["branches"] == ["main"]
    assert "pull_request" in CI["on"]
    assert "pull_request_target" not in CI["on"]
    assert CI["concurrency"]["group"] == "ci-${{ github.ref }}"
    assert CI["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


@pytest.mark.parametrize("name", sorted(PUBLISHING))
def test_what_is_published_has_passed_all_jobs(name: str) -> None:
    job = CI["jobs"][name]
    assert set(job["needs"]) == set(CI["jobs"]) - PUBLISHING
    assert job["uses"] == f"./.github/workflows/{name}.yml"
    # and there is no other way to it
    assert WORKFLOWS[f"{name}.yml"]["on"] == {"workflow_call": None}
    assert (
        job["if"]
        == {
            "pages": "github.event_name == 'push' && github.ref == 'refs/heads/main'",
            "release": "startsWith(github.ref, 'refs/tags/v')",
        }[name]
    )


def test_pages_are_deployed_one_at_a_time() -> None:
    assert WORKFLOWS["pages.yml"]["jobs"]["deploy"]["concurrency"] == {"group": "pages"}


def test_plain_copies_are_there_before_the_pages_point_to_them() -> None:
    jobs = WORKFLOWS["pages.yml"]["jobs"]
    (build,) = (step for step in jobs["build"]["steps"] if "jupyter-book" in step.get("run", ""))
    branch = build["env"]["FLUX_NOTEBOOKS"]
    assert f'"$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" {branch}\n' in commands(jobs["notebooks"])
    assert set(jobs["deploy"]["needs"]) == {"build", "notebooks"}


def test_every_python_that_is_promised_is_tested() -> None:
    tested = {"3.11", *CI["jobs"]["versions"]["strategy"]["matrix"]["python"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = {
        found[1]
        for one in project["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one))
    }
    assert tested == promised
    assert project["requires-python"] == f">={min(promised, key=lambda v: int(v[2:]))}"


def test_other_systems_are_tried() -> None:
    job = CI["jobs"]["systems"]
    systems = job["strategy"]["matrix"]["system"]
    assert {one.split("-")[0] for one in systems} == {"macos", "windows"}
    for needed in ("import flux", "tests/exact/test_law.py", "book/exact_flux.ipynb"):
        assert needed in commands(job)


@jobs
def test_files_in_commands_exist(workflow: str, name: str, job: dict[str, Any]) -> None:
    for word in re.findall(
        r"(?<!\S)(?:\.ci|tests|book|flux)/[\w./]+", commands(job) if "steps" in job else ""
    ):
        assert (ROOT / word).exists(), word


def test_lowest_versions_are_those_of_the_project() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "lowest")], capture_output=True, text=True, check=True
    )
    pins = dict(line.split("==") for line in done.stdout.splitlines())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {f"{name}>={version}" for name, version in pins.items()} >= set(project["dependencies"])
    assert ".ci/lowest > lowest.txt" in commands(CI["jobs"]["lowest"])


def test_javascript_is_linted() -> None:
    (command,) = (step["run"] for step in CI["jobs"]["javascript"]["steps"] if "run" in step)
    found = re.fullmatch(r"npx --yes @biomejs/biome@([\d.]+) lint --error-on-warnings", command)
    assert found
    settings = (ROOT / ".biome.json").read_text()
    # the one that its settings are written for
    assert f"schemas/{found[1]}/schema.json" in settings
    for folder in ("flux/widgets/javascript", "book/_static"):
        assert f'"{folder}/*.js"' in settings
        assert list((ROOT / folder).glob("*.js"))


def test_a_release_is_the_version_that_its_tag_says() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = commands(WORKFLOWS["release.yml"]["jobs"]["build"])
    assert 'grep -qx "version = \\"${GITHUB_REF_NAME#v}\\"" pyproject.toml' in text
    assert f'\nversion = "{version}"\n' in (ROOT / "pyproject.toml").read_text()
    assert 'grep -q "^## ${GITHUB_REF_NAME#v} - 20" CHANGELOG.md' in text


def test_newest_change_is_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## ([\d.]+) - (\d{4}-\d\d-\d\d)$", text, flags=re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert versions[0] == (citation["version"], str(citation["date-released"]))
    assert versions == sorted(versions, key=lambda found: found[1], reverse=True)


def test_updates_are_looked_for() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {one["package-ecosystem"] for one in updates} == {"github-actions", "pip"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=str
)
def test_issue_forms_ask_for_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    questions = {one["id"]: one for one in form["body"]}
    assert len(questions) == len(form["body"])
    assert any(one.get("validations", {}).get("required") for one in questions.values())
