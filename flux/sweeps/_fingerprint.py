"""A fingerprint of a function and of all that it captures: the same in every process.

Code counts as bytecode, with its constants; its globals, helpers, closures, default arguments and
bound objects count by their content. What belongs to the standard library or to an installed
package counts by its name, as its version may change where its results do not.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import hashlib
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from flux._base.checks import short
from flux._base.errors import ArgumentError

_LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_LIBRARIES += [*site.getsitepackages(), site.getusersitepackages()]
_INSTALLED = ("<frozen", "frozen", "built-in", *(folder + os.sep for folder in _LIBRARIES))
_LOAD_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_PLAIN = (type(None), bool, int, float, complex, type(...), type(NotImplemented))
# what a class holds beside what its author wrote; sets among them have no order
_MADE_BY_PYTHON = {
    "__abstractmethods__", "__annotate_func__", "__annotations__", "__annotations_cache__",
    "__dataclass_fields__", "__dict__", "__doc__", "__firstlineno__", "__module__",
    "__orig_bases__", "__parameters__", "__static_attributes__", "__weakref__", "_abc_impl",
}  # fmt: skip


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a text that differs where the function, or anything that it captures, differs.

    Raises a ValueError where that cannot be told, as for open files and locks.
    """
    try:
        return _Reader().read(function, "function").hex()
    except RecursionError:
        raise ArgumentError(
            "function captures values that are nested too deeply to be told from others in a"
            " store: pass plain values in grid or by functools.partial, or leave store out"
        ) from None


class Refusal(ArgumentError):
    """Something that a function captures cannot be compared."""


class _Reader:
    """One reading. `open` are the values whose content is being read, for those in circles."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}
        # with the values themselves, so that no other gets their id
        self.known: dict[int, tuple[bytes, Any]] = {}

    def read(self, value: Any, place: str) -> bytes:
        """Return the digest of a value's content; `place` is what an error calls it."""
        if type(value) in _PLAIN:
            text = hex(value) if type(value) is int else repr(value)
            return _digest(type(value).__name__, [text.encode()])
        if type(value) is str:
            return _digest("str", [value.encode(errors="surrogatepass")])
        if type(value) is bytes:
            return _digest("bytes", [value])
        if id(value) in self.open:
            return _digest("circle", [str(self.open[id(value)]).encode()])
        if id(value) not in self.known:
            self.open[id(value)] = len(self.open)
            digest = _digest(type(value).__name__, self.parts(value, place))
            del self.open[id(value)]
            self.known[id(value)] = (digest, value)
        return self.known[id(value)][0]

    def parts(self, value: Any, place: str) -> Iterator[bytes]:
        """Yield the digests of what makes up a value."""
        name = _installed_name(value)
        if name:
            yield name.encode()
        elif isinstance(value, (tuple, list)) and type(value).__module__ == "builtins":
            for item in value:
                yield self.read(item, place)
        elif isinstance(value, (set, frozenset)):
            yield self.read(type(value), place)
            yield from sorted(self.read(item, place) for item in value)
        elif isinstance(value, Mapping) and type(value).__module__ == "builtins":
            for key, item in value.items():
                yield self.read(key, place)
                yield self.read(item, f"{place}[{short(key)}]")
        elif isinstance(value, CodeType):
            yield from self.code(value, place)
        elif isinstance(value, FunctionType):
            yield from self.function(value, place)
        elif isinstance(value, MethodType):
            yield self.read(value.__func__, place)
            yield self.read(value.__self__, f"{place}.__self__")
        elif isinstance(value, ModuleType):
            yield value.__name__.encode()
        elif isinstance(value, type):
            yield from self.type(value)
        elif isinstance(value, (staticmethod, classmethod, property)):
            wrapped = [value.fget, value.fset] if isinstance(value, property) else value.__func__
            yield self.read(wrapped, place)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, dict(sorted(value.keywords.items()))):
                yield self.read(part, place)
        elif isinstance(value, (np.ndarray, np.generic)):
            yield from self.array(value, place)
        elif sparse.issparse(value):
            whole = value.tocoo()
            for part in (value.shape, *whole.coords, whole.data):
                yield self.read(part, place)
        elif isinstance(value, PurePath):
            yield str(value).encode()
        elif isinstance(value, functools.cached_property):
            yield self.read(value.func, place)
        elif hasattr(value, "py_func"):  # compiled by numba
            yield self.read(value.py_func, place)
        else:
            yield from self.reduced(value, place)

    def function(self, function: FunctionType, place: str) -> Iterator[bytes]:
        name = function.__name__
        yield self.read(function.__code__, name)
        for default in (function.__defaults__, function.__kwdefaults__ or {}):
            yield self.read(default, f"a default argument of {name}")
        variables = function.__code__.co_freevars
        attributes = sorted({name for code in _nested(function.__code__) for name in code.co_names})
        for variable, cell in zip(variables, function.__closure__ or (), strict=True):
            content = cell.cell_contents if _is_filled(cell) else "empty"
            yield self.named(content, attributes, variable)
        yield self.read(dict(sorted(vars(function).items())), f"an attribute of {name}")
        if not _is_installed(function.__code__.co_filename):
            for variable, value in _globals(function):
                yield variable.encode()
                yield self.named(value, attributes, variable)

    def named(self, value: Any, attributes: Iterable[str], place: str) -> bytes:
        """Read a global; of one's own module what the code takes from it."""
        if not isinstance(value, ModuleType) or _is_installed_module(value.__name__):
            return self.read(value, place)
        if id(value) in self.open:
            return b"circle"
        self.open[id(value)] = len(self.open)
        taken = [name for name in attributes if name in vars(value)]
        parts = [self.named(vars(value)[name], attributes, f"{place}.{name}") for name in taken]
        del self.open[id(value)]
        return _digest(value.__name__, [name.encode() for name in taken] + parts)

    def code(self, code: CodeType, place: str) -> Iterator[bytes]:
        # neither lines nor the file: comments and moves change nothing
        yield code.co_code
        yield getattr(code, "co_exceptiontable", b"")
        numbers = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        for part in (numbers, *names, code.co_consts):
            yield self.read(part, place)

    def type(self, cls: type) -> Iterator[bytes]:
        yield cls.__qualname__.encode()
        for base in cls.__bases__:
            yield self.read(base, base.__name__)
        for name, member in sorted(vars(cls).items()):
            is_slot = type(member).__name__ in ("member_descriptor", "getset_descriptor")
            if name not in _MADE_BY_PYTHON and not is_slot:
                yield name.encode()
                yield self.read(member, f"{cls.__name__}.{name}")

    def array(self, value: Any, place: str) -> Iterator[bytes]:
        yield self.read(type(value), place)
        yield str((value.dtype, value.shape)).encode()
        if value.dtype.char in "gG":  # their memory has gaps
            yield repr([repr(one) for one in value.ravel()]).encode()
        elif value.dtype.kind in "OVT":
            yield self.read(value.tolist(), place)
        else:
            yield np.ascontiguousarray(np.ma.getdata(value)).tobytes()
        if isinstance(value, np.ma.MaskedArray):
            yield np.ma.getmaskarray(value).tobytes()

    def reduced(self, value: Any, place: str) -> Iterator[bytes]:
        """Yield the digests of what pickle would keep of a value."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            kept = reduce(value) if reduce else value.__reduce_ex__(4)
            if isinstance(kept, str):
                yield self.offered(value, kept)
                return
            function, args, state, *items = (*kept, None, None, None)[:5]
            state = dict(sorted(state.items())) if type(state) is dict else state
            parts = (function, args, state, *(one and list(one) for one in items))
            digests = [self.read(part, place) for part in parts]
        except Exception as error:
            if hasattr(value, "__wrapped__") and _is_installed_module(type(value).__module__):
                digests = [self.read(value.__wrapped__, place)]  # such as a cache of functools
            elif isinstance(error, (Refusal, RecursionError)):
                raise
            else:
                raise Refusal(
                    f"function uses {place}, {short(value)}, whose content cannot be compared, as"
                    " a store must: pass plain values in grid or by functools.partial, make it"
                    " inside the function, or leave store out"
                ) from None
        yield from digests

    def offered(self, value: Any, name: str) -> bytes:
        """Return the name of a value that an installed package offers, or raise a LookupError."""
        for place, module in list(sys.modules.items()):
            is_module = isinstance(module, ModuleType) and _is_installed_module(place)
            if is_module and vars(module).get(name) is value:
                return name.encode()
        raise LookupError(name)


def _digest(kind: str, parts: Iterable[bytes]) -> bytes:
    whole = hashlib.sha256(kind.encode())
    for part in parts:
        whole.update(f" {len(part)} ".encode() + part)
    return whole.digest()


def _globals(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the globals that a function reads, and the modules that it imports, by name."""
    given = function.__globals__
    for code in _nested(function.__code__):
        steps = list(dis.get_instructions(code))
        for i, step in enumerate(steps):
            if step.opname == "IMPORT_NAME":
                name = "." * steps[i - 2].argval + step.argval
                try:
                    whole = importlib.util.resolve_name(name, given.get("__package__"))
                    if not _is_installed_module(whole):
                        yield name, importlib.import_module(whole)
                except Exception:
                    continue  # an error of the call, if it comes to it
            elif step.opname in _LOAD_GLOBAL and step.argval in given:
                yield step.argval, given[step.argval]


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is cell.cell_contents
    except ValueError:
        return False


def _installed_name(value: Any) -> str:
    """Return the name by which an installed package offers a value; an empty one if none does."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(name, str):  # one of the objects that a package makes once and for all
        home = type(value).__module__
        offered = vars(sys.modules[home]) if home in sys.modules else {}
        if home in ("builtins", "numpy") or not _is_installed_module(home):
            return ""
        return next((f"{home}.{name}" for name, one in offered.items() if one is value), "")
    bound = getattr(value, "__self__", None)
    owner = getattr(value, "__objclass__", None)
    origin = getattr(value, "__module__", None) or getattr(bound, "__name__", None)
    home = str(origin or getattr(owner, "__module__", None))
    if not _is_installed_module(home):
        return ""
    reached: Any = sys.modules.get(home)
    for part in name.split("."):
        reached = getattr(reached, part, None)
    return f"{home}.{name}" if reached is value else ""


def _is_installed_module(name: str) -> bool:
    top = name.split(".")[0]
    if top == "flux":
        return True  # its version is part of the identity of a store
    return top != "__main__" and any(_is_installed(_origin(one)) for one in (name, top))


def _origin(name: str) -> str:
    """Return the file of a module, or another word for where it is from; "" if nobody knows."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    try:
        spec = spec or importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    return getattr(spec, "origin", None) or ""


def _is_installed(path: str) -> bool:
    return path.startswith(_INSTALLED)
