"""Results of a sweep on disk: one SQLite file with one row for each finished task."""

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
from flux._base.errors import ArgumentError

TABLES = [
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE record (task INTEGER PRIMARY KEY, layout TEXT, data BLOB, checksum BLOB)",
    "CREATE TABLE failure (task INTEGER PRIMARY KEY, parameters TEXT, traceback TEXT)",
]


NOTES = {
    "fingerprint": " (its code, or something that it captures, has changed, or an older flux made"
    " the store: move it away to start anew)"
}
"""What is said of some differences beside them."""


class Record(NamedTuple):
    """One result: `layout` names its fields and their shapes, `data` holds their float64s."""

    task: int
    layout: str
    data: bytes


class Failure(NamedTuple):
    """A call that raised an error: its parameters, the repeat among them, and the traceback."""

    task: int
    parameters: dict[str, Any]
    traceback: str


@contextmanager
def open_store(
    path: str | PathLike[str], identity: Mapping[str, str], started: str
) -> Iterator[sqlite3.Connection]:
    """Open the store of the sweep `identity`, or make it; no other process can open it meanwhile.

    Every statement is its own transaction. With the journal ahead of the file (WAL) it outlives
    the death of the process; it may be lost, but never torn, if the machine loses power.
    """
    if not isinstance(path, (str, PathLike)) or str(path) in ("", ":memory:"):
        raise ArgumentError(
            f"store must be the path of a file, which keeps it, but was {short(path)}"
        )
    if not Path(path).absolute().parent.is_dir():
        raise ArgumentError(f"store must lie in a folder that exists, but was {str(path)!r}")
    try:
        connected = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    except (sqlite3.Error, ValueError) as error:
        raise ArgumentError(f"store {str(path)!r} cannot be read or written: {error}") from error
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
                about = {**identity, "started": started}
                store.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            store.execute("COMMIT")
            if _tables(store) != TABLES:
                raise ArgumentError(f"store {str(path)!r} is another database, or is damaged")
            _compare(path, dict(store.execute("SELECT name, value FROM about")), identity)
            yield store
        except sqlite3.DatabaseError as error:
            raise ArgumentError(f"store {str(path)!r} {_explain(error)}") from error


def _tables(store: sqlite3.Connection) -> list[str]:
    return [sql for (sql,) in store.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL")]


def _compare(
    path: str | PathLike[str], about: Mapping[str, str], identity: Mapping[str, str]
) -> None:
    other = [
        f"{name} was {short(about.get(name))} and is {short(value)}{NOTES.get(name, '')}"
        for name, value in identity.items()
        if about.get(name) != value
    ]
    if other:
        raise ArgumentError(f"store {str(path)!r} holds another sweep: {'; '.join(other)}")


def _explain(error: sqlite3.DatabaseError) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
        return "is open in another process: wait until that has ended"
    if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
        return "is not a store of sweep, or its beginning was overwritten"
    if error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT:
        return f"is damaged in more than single records ({error}): move it away to start anew"
    return f"cannot be read or written: {error}"


def started(store: sqlite3.Connection) -> str:
    """Return the date at which the sweep of a store was begun."""
    return str(store.execute("SELECT value FROM about WHERE name = 'started'").fetchone()[0])


def write_record(store: sqlite3.Connection, record: Record) -> None:
    """Store a result; it is on disk when this returns."""
    row = (*record, _checksum(record))
    store.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)


def write_failure(store: sqlite3.Connection, failure: Failure) -> None:
    """Store what went wrong; the task counts as not done."""
    row = (failure.task, json.dumps(failure.parameters), failure.traceback)
    store.execute("INSERT OR REPLACE INTO failure VALUES (?, ?, ?)", row)


def forget_failures(store: sqlite3.Connection) -> None:
    """Drop the failures of the last run, whose calls are tried again."""
    store.execute("DELETE FROM failure")


def read_records(store: sqlite3.Connection, n_tasks: int) -> Iterator[Record | int]:
    """Yield each stored result, and the bare task number of each that is damaged."""
    store.text_factory = bytes  # damaged text is no UTF-8
    for task, layout, data, checksum in store.execute("SELECT * FROM record"):
        if isinstance(layout, bytes) and isinstance(data, bytes) and 0 <= task < n_tasks:
            record = Record(task, layout.decode(errors="replace"), data)
            yield record if checksum == _checksum(record) else task
        else:
            yield task
    store.text_factory = str


def _checksum(record: Record) -> bytes:
    head = f"{record.task} {record.layout} ".encode()
    return hashlib.sha256(head + record.data).digest()
