"""The picture of the rooms: what it shows is what lies in the folders, and what is imported."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import rooms
import test_structure
from rooms import PACKAGE, Lane, describe, draw, find_lanes, read_imports, read_rooms


def parsed(package: Path) -> ET.Element:
    # HTML needs no namespace
    return ET.fromstring(draw(package))


def texts(picture: ET.Element) -> list[str]:
    return [text.text or "" for text in picture.iter("text")]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a package in which `exact` rightly imports `model`."""
    folder = tmp_path / "flux"
    for name, text in {
        "__init__": "from flux.exact.law import solve",
        "exact/__init__": "",
        "exact/law": "from flux.model import states\nimport numpy",
        "exact/_chain": "from flux.exact import law",
        "model/__init__": "",
        "model/states": "import flux_of_another",
        "search/tried": "",
        "large/bounds": "",
        "plots": "def draw():\n    import flux.exact.law",
    }.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_rooms_are_the_folders() -> None:
    found = read_rooms(PACKAGE)
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    single = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert set(found) == folders | single
    for room in folders:
        files = {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}
        assert set(found[room]) == files
        assert set(texts(parsed(PACKAGE))) & folders == folders
    drawn = {word for line in texts(parsed(PACKAGE)) for word in re.findall(r"\w+", line)}
    assert drawn == set(found) | {name for files in found.values() for name in files}


def test_arrows_are_the_imports() -> None:
    written = set()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        lines = re.findall(r"^\s*(?:from|import) flux\.(\w+)", path.read_text(), re.MULTILINE)
        written |= {(room, other) for other in lines if other != room and room != "__init__"}
    assert read_imports(PACKAGE) == written
    lanes = find_lanes(list(read_rooms(PACKAGE)), written)
    assert {(user, lane.target) for lane in lanes for user in lane.users} == written
    assert not any(lane.wrong for lane in lanes)
    assert len(list(parsed(PACKAGE).iter("circle"))) == len(written)


def test_order_is_that_of_the_rule() -> None:
    assert [row for row in reversed(rooms.ROOMS) if row != "sweeps"] == test_structure.ROOMS


def test_rooms_are_explained() -> None:
    """The table of CONTRIBUTING.md names each once, from the ground up."""
    rows = re.findall(r"^\| (`.*?) \|", (PACKAGE.parent / "CONTRIBUTING.md").read_text(), re.M)
    named = [re.findall(r"\w+", row) for row in rows]
    assert [row for row in named if row != ["sweeps"]] == [
        row.split() for row in test_structure.ROOMS
    ]
    assert ["sweeps"] in named


def test_small_package(package: Path) -> None:
    assert read_rooms(package) == {
        "plots": [], "large": ["bounds"], "search": ["tried"], "exact": ["_chain", "law"],
        "model": ["states"],
    }  # fmt: skip
    assert read_imports(package) == {("exact", "model"), ("plots", "exact")}
    assert 'class="wrong"' not in draw(package)


@pytest.mark.parametrize(
    ("file", "used", "wrong"),
    [
        ("model/states", "exact.law", Lane("exact", ("model",), True)),
        ("search/tried", "large", Lane("large", ("search",), True)),
        ("model/states", "new.thing", Lane("new", ("model",), True)),
    ],
)
def test_wrong_import_is_drawn(package: Path, file: str, used: str, wrong: Lane) -> None:
    """Upward, of a neighbour, or of a room that nobody gave a place."""
    (package / "new").mkdir()
    (package / "new" / "thing.py").touch()
    (package / f"{file}.py").write_text(f"def later():\n    import flux.{used}")
    found, imports = list(read_rooms(package)), read_imports(package)
    assert [lane for lane in find_lanes(found, imports) if lane.wrong] == [wrong]
    (group,) = (g for g in parsed(package).iter("g") if g.get("class") == "wrong")
    assert len(list(group.iter("circle"))) == 1
    user = file.split("/")[0]
    assert re.search(rf"\b{user} imports [^.]*\b{wrong.target}\b", describe(found, imports))


def test_picture_is_described_and_narrow() -> None:
    """On a screen of 390 pixels it has its full size, so that its letters are 11.5 pixels high."""
    picture = parsed(PACKAGE)
    width = float((picture.get("viewBox") or "").split()[2])
    assert width <= 390 - 2 * 16
    assert picture.get("role") == "img"
    words = picture.get("aria-label") or ""
    assert "relays imports recordings, _base." in words
    assert all(f" {room} imports " in f" {words}" for room in read_rooms(PACKAGE))
    box = float(next(picture.iter("rect")).get("width") or 0)
    # monospaced letters of this size are 7 pixels wide
    assert max(map(len, texts(picture))) * 7 + 2 * rooms.MARGIN < box
