"""Results of a sweep on disk: one SQLite file with one row for each finished call."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from flux._base.checks import short
from flux._base.errors import FluxError

Place = tuple[int, ...]
"""Where a call stands in the grid, and its repeat: what growing a sweep does not change."""

TABLES = [
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE record (place TEXT PRIMARY KEY, layout TEXT, data BLOB, checksum BLOB)",
    "CREATE TABLE failure (place TEXT PRIMARY KEY, parameters TEXT, traceback TEXT)",
]
NOTES = {
    "fingerprint": " (its code, or something that it captures, has changed, or an older flux made"
    " the store)",
    "grid": " (it may grow at the end of each axis only)",
}
"""What is said of some differences beside them."""
LOST = (
    "cannot be read or written",
    "see whether the disk is full, or the file or its folder read-only; what is stored is kept",
)
NO_ACCESS = "cannot be read or written", "choose a folder and a file that can be written"
PROBLEMS = {
    sqlite3.SQLITE_BUSY: ("is open in another process", "wait until that has ended"),
    sqlite3.SQLITE_NOTADB: ("is not a store of sweep, or its beginning is lost", "move it away"),
    sqlite3.SQLITE_CORRUPT: ("is damaged in more than single records", "move it away"),
    sqlite3.SQLITE_READONLY: NO_ACCESS,
    sqlite3.SQLITE_CANTOPEN: NO_ACCESS,
}
"""What is wrong with a store, and what to do, by SQLite's code; `LOST` for all others."""


class StoreError(FluxError, OSError, ValueError):
    """The store of a sweep cannot be used; the message says which, why, and what to do.

    Examples
    --------
    >>> from flux import sweep
    >>> def noise(*, rng, width):
    ...     return width * rng.normal()
    >>> try:
    ...     sweep(noise, {"width": [1.0]}, repeats=1, seed=1, store="nowhere/noise.sqlite")
    ... except StoreError as error:
    ...     print(error)
    store 'nowhere/noise.sqlite' must lie in a folder that exists: make it, or choose another
    """


class Record(NamedTuple):
    """One result: `layout` names its fields and their shapes, `data` holds their float64s."""

    place: Place
    layout: str
    data: bytes


class Failure(NamedTuple):
    """A call that raised an error: its parameters, the repeat among them, and the traceback."""

    place: Place
    parameters: dict[str, Any]
    traceback: str


@contextmanager
def open_store(
    path: str | PathLike[str], identity: Mapping[str, str], date: str
) -> Iterator[tuple[sqlite3.Connection, str]]:
    """Open the store of a sweep, or make it, and yield it with the date when it was made.

    No other process can open it meanwhile. Of the sweep's `identity` only the grid may grow. The
    failures of the last run are forgotten, since their calls are tried again. Every statement is
    its own transaction. With the journal ahead of the file (WAL) it outlives the death of the
    process; it may be lost, but never torn, if the machine loses power.
    """
    if not isinstance(path, (str, PathLike)) or str(path) in ("", ":memory:"):
        raise StoreError(f"store must be the path of a file, which keeps it, but was {short(path)}")
    if not Path(path).absolute().parent.is_dir():
        raise StoreError(
            f"store {str(path)!r} must lie in a folder that exists: make it, or choose another"
        )
    try:
        connected = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    except (sqlite3.Error, ValueError) as error:
        raise StoreError(f"store {str(path)!r} {_explain(error)}") from error
    with closing(connected) as store:
        try:
            # exclusive, the journal needs no memory shared by processes: file systems of clusters
            # have none
            store.execute("PRAGMA locking_mode = EXCLUSIVE")
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("PRAGMA synchronous = NORMAL")
            store.execute("BEGIN EXCLUSIVE")
            if not _tables(store):
                for statement in TABLES:
                    store.execute(statement)
                about = {**identity, "started": date}
                store.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            store.execute("COMMIT")
            if _tables(store) != TABLES:
                raise StoreError(
                    f"store {str(path)!r} is another database, was made by an older flux, or is"
                    " damaged: move it away"
                )
            about = dict(store.execute("SELECT name, value FROM about"))
            grid = _longer(about.get("grid"), identity["grid"])
            if other := [
                f"{name} was {short(about.get(name))} and is {short(value)}{NOTES.get(name, '')}"
                for name, value in identity.items()
                if about.get(name) != value and not (name == "grid" and grid)
            ]:
                raise StoreError(
                    f"store {str(path)!r} holds another sweep: {'; '.join(other)}: choose another"
                    " path, or move it away to start anew"
                )
            store.execute("UPDATE about SET value = ? WHERE name = 'grid'", (grid,))
            store.execute("DELETE FROM failure")
            yield store, about.get("started", date)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"store {str(path)!r} {_explain(error)}") from error


def _tables(store: sqlite3.Connection) -> list[str]:
    return [sql for (sql,) in store.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL")]


def _longer(stored: str | None, asked: str) -> str:
    """Return the grid of which both are a beginning, axis by axis; "" if there is none."""
    try:
        old, new = json.loads(stored or "{}"), json.loads(asked)
        if list(old) != list(new):
            return ""
        for name, values in new.items():
            few, many = sorted((old[name], values), key=len)
            # as texts, since 1 and 1.0 are different arguments
            if json.dumps(few) != json.dumps(many[: len(few)]):
                return ""
            new[name] = many
    except (TypeError, ValueError):  # damaged
        return ""
    return json.dumps(new)


def _explain(error: Exception) -> str:
    # the lowest byte is the kind; the ValueError of a path that is none has no code
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
    problem, remedy = PROBLEMS.get(code, LOST)
    return f"{problem} ({error}): {remedy}"


def write(store: sqlite3.Connection, outcome: Record | Failure) -> None:
    """Store a result, or what went wrong in a call; it is on disk when this returns."""
    key = _key(outcome.place)
    if isinstance(outcome, Record):
        row = (key, outcome.layout, outcome.data, _checksum(outcome))
        store.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)
    else:
        text = json.dumps(outcome.parameters)
        store.execute("INSERT INTO failure VALUES (?, ?, ?)", (key, text, outcome.traceback))


def read_records(store: sqlite3.Connection) -> Iterator[Record | str]:
    """Yield each stored result; of those that are damaged, which are dropped, the bare place."""
    damaged = []
    store.text_factory = bytes  # damaged text is no UTF-8
    for row, *values in store.execute("SELECT rowid, * FROM record"):
        record = _restore(*values)
        if record is None:
            damaged.append((row,))
            place = values[0]
            yield place.decode(errors="replace") if isinstance(place, bytes) else short(place)
        else:
            yield record
    store.text_factory = str
    store.executemany("DELETE FROM record WHERE rowid = ?", damaged)


def _restore(place: Any, layout: Any, data: Any, checksum: Any) -> Record | None:
    try:
        record = Record(tuple(map(int, place.split(b","))), layout.decode(), data)
        return record if _checksum(record) == checksum else None
    except (AttributeError, TypeError, ValueError):  # of another type, or no UTF-8
        return None


def _key(place: Place) -> str:
    return ",".join(map(str, place))


def _checksum(record: Record) -> bytes:
    head = f"{_key(record.place)} {record.layout} ".encode()
    return hashlib.sha256(head + record.data).digest()
