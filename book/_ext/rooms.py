"""Sphinx extension: the picture of the package's rooms, drawn from its imports at build time.

The directive ``{rooms}`` takes no options. Each room is a box with its files. An arrow leads to a
room from its right; the line behind it has a dot at each room that imports it. Imports against the
order of ROOMS, or of rooms beside one another, have lines of their own, dashed and red.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "flux"
ROOMS = (
    "plots widgets", "large search attractors relays", "recordings", "exact", "model", "sweeps",
    "_base",
)  # fmt: skip
"""From the top: each may import what lies below, and none of its own row."""

# in units of the picture, which are pixels on a narrow screen
WIDTH, LETTERS, LINE, GAP, LANE, MARGIN = 358, 34, 15, 10, 13, 8


class Lane(NamedTuple):
    """The line of what is imported: the room it leads to, and those that import it."""

    target: str
    users: tuple[str, ...]
    wrong: bool


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("rooms", Rooms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Rooms(SphinxDirective):
    """The picture, drawn anew when a file of the package changes."""

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        for path in PACKAGE.rglob("*.py"):
            self.env.note_dependency(str(path))
        return [nodes.raw("", draw(PACKAGE), format="html")]


def read_rooms(package: Path) -> dict[str, list[str]]:
    """Return the files of each room, the topmost room first; what is in no row comes last."""
    order = " ".join(ROOMS).split()
    files: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        if room != "__init__":
            files.setdefault(room, [])
            if path.stem not in (room, "__init__"):
                files[room].append(path.stem)
    return {room: files[room] for room in sorted(files, key=[*order, *sorted(files)].index)}


def read_imports(package: Path) -> set[tuple[str, str]]:
    """Return the pairs (room, room that it imports)."""
    pairs = {
        (room_of(path, package), name.split(".")[1])
        for path in package.rglob("*.py")
        for name in imported(path)
        if name.startswith(f"{package.name}.")
    }
    rooms = read_rooms(package)
    return {(a, b) for a, b in pairs if a != b and a in rooms and b in rooms}


def room_of(path: Path, package: Path) -> str:
    return path.relative_to(package).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of each module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def find_lanes(rooms: list[str], imports: set[tuple[str, str]]) -> list[Lane]:
    """Return the lines of a picture, those of the lowest rooms first."""
    row = {room: i for i, names in enumerate(ROOMS) for room in names.split()}
    lanes = []
    for target in reversed(rooms):
        users = [room for room in rooms if (room, target) in imports]
        wrong = [room for room in users if row.get(room, 99) >= row.get(target, -1)]
        right = [room for room in users if room not in wrong]
        lanes += [Lane(target, tuple(some), some is wrong) for some in (right, wrong) if some]
    return lanes


def describe(rooms: list[str], imports: set[tuple[str, str]]) -> str:
    """Return the picture in words, for those who do not see it.

    >>> describe(["large", "model"], {("large", "model")})
    'Rooms of flux from the top. large imports model. model imports no other room.'
    """
    sentences = ["Rooms of flux from the top."]
    for room in rooms:
        used = [other for other in rooms if (room, other) in imports]
        sentences.append(f"{room} imports {', '.join(used) or 'no other room'}.")
    return " ".join(sentences)


def draw(package: Path) -> str:
    """Return the picture as SVG, in the colours of the page."""
    files, imports = read_rooms(package), read_imports(package)
    rooms = list(files)
    lanes = find_lanes(rooms, imports)
    right = WIDTH - MARGIN - LANE * len(lanes)
    parts, middle, top = [], {}, 1
    for room, names in files.items():
        lines = textwrap.wrap(", ".join(names), LETTERS, break_on_hyphens=False)
        height = LINE * (1 + len(lines)) + 10
        middle[room] = top + height / 2
        parts.append(f'<rect x="1" y="{top}" width="{right - 1}" height="{height}" rx="4"/>')
        for i, line in enumerate([room, *lines]):
            kind = ' class="room"' if i == 0 else ""
            y = top + LINE * (i + 1)
            parts.append(f'<text{kind} x="{MARGIN}" y="{y}">{escape(line)}</text>')
        top += height + GAP
    for k, lane in enumerate(lanes):
        parts.append(_draw_lane(lane, right, right + LANE * (k + 1), k, len(lanes), middle))
    words = escape(describe(rooms, imports))
    return (
        f'<svg class="rooms" role="img" aria-label="{words}" viewBox="0 0 {WIDTH} {top - GAP + 1}">'
        f"{''.join(parts)}</svg>"
    )


def _draw_lane(
    lane: Lane, left: float, x: float, place: int, count: int, middle: dict[str, float]
) -> str:
    """Draw an arrow to a room, the line behind it, and a dot where each of its users joins."""

    def level(room: str) -> float:
        # side by side, so that no two lines of one room lie upon one another
        return middle[room] + 26 * ((place + 0.5) / count - 0.5)

    end = level(lane.target)
    levels = [end, *map(level, lane.users)]
    strokes = [f"M{x} {min(levels):.1f}V{max(levels):.1f}", f"M{x} {end:.1f}H{left + 2}"]
    strokes += [f"M{left} {y:.1f}H{x}" for y in levels[1:]]
    strokes += [f"M{left + 6} {end - 3:.1f}L{left + 1} {end:.1f}L{left + 6} {end + 3:.1f}"]
    dots = "".join(f'<circle cx="{x}" cy="{y:.1f}" r="2.5"/>' for y in levels[1:])
    kind = "wrong" if lane.wrong else f"lane{place % 2}"
    return f'<g class="{kind}"><path d="{"".join(strokes)}"/>{dots}</g>'
