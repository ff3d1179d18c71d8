"""Stores know their functions: no store serves another one, whatever the difference is."""

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from flux import sweep
from flux.sweeps._fingerprint import fingerprint

HELPERS = """
import sys

SCALE = float(sys.argv[2])


def scaled(x):
    return SCALE * x


def unused(x):
    return SCALE / x
"""

# one function of each kind; what it captures is 1 or 2, and no line of text says so
SCRIPT = """
import dataclasses
import functools
import json
import sys
import types

import joblib
import numba
import numpy as np
import scipy.sparse

import flux
import helpers
from helpers import scaled

folder, version = sys.argv[1], float(sys.argv[2])
KINDS = {}


def kind(function):
    KINDS[function.__name__] = function
    return function


@kind
def default(rng, x, factor=version):
    return factor * x


@kind
def keyword_default(*, rng, x, factor=version):
    return factor * x


@kind
def default_array(*, rng, x, factor=np.array([version, 1.0])):
    return factor[0] * x


def close_over(factor):
    def inner(*, rng, x):
        return factor * x

    return inner


KINDS["closure"] = close_over(version)
KINDS["closure over an array"] = close_over(np.full(1, version))
KINDS["closure over a sparse array"] = close_over(scipy.sparse.csr_array([[version]]).sum())
KINDS["closure over a function"] = (lambda inner: lambda rng, x: inner(rng=rng, x=x))(
    close_over(version)
)
KINDS["lambda"] = (lambda rng, x: 1.0 * x, lambda rng, x: 2.0 * x)[version == 2]
KINDS["operator"] = (lambda rng, x: x * x, lambda rng, x: x + x)[version == 2]
KINDS["nested lambda"] = (
    lambda rng, x: (lambda: 1.0)(), lambda rng, x: (lambda: 2.0)()
)[version == 2]


def times(factor, *, rng, x, more=1.0):
    return factor * more * x


KINDS["partial"] = functools.partial(times, version)
KINDS["partial keyword"] = functools.partial(times, 1.0, more=version)
KINDS["nested partial"] = functools.partial(functools.partial(times, version), more=1.0)
KINDS["partial of a closure"] = functools.partial(close_over(version))
KINDS["partial with a function"] = functools.partial(
    lambda inner, rng, x: inner(rng=rng, x=x), close_over(version)
)


class Times:
    def __init__(self, factor):
        self.factor = factor

    def method(self, *, rng, x):
        return self.factor * x

    def __call__(self, *, rng, x):
        return self.factor * x


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, *, rng, x):
        return self.factor * x


class Nested:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, *, rng, x):
        return self.inner(rng=rng, x=x)


@dataclasses.dataclass
class Data:
    factor: float = version

    def __call__(self, *, rng, x):
        return self.factor * x


class Base:
    factor = version


class Child(Base):
    @classmethod
    def method(cls, *, rng, x):
        return cls.factor * x

    def __call__(self, *, rng, x):
        return self.factor * x


KINDS["bound method"] = Times(version).method
KINDS["object"] = Times(version)
KINDS["object in an object"] = Nested(Times(version))
KINDS["object with slots"] = Slotted(version)
KINDS["dataclass"] = Data()
KINDS["class attribute of a base"] = Child()
KINDS["class method"] = Child.method
KINDS["method of another class"] = (Times(1.0), Times(2.0))[version == 2].method

NUMBER, ARRAY, TABLE = version, np.full(2, version), {"a": {1: [version]}}
NAMES = {"one", "two", "three"} | ({"four"} if version == 2 else set())
SPACE = types.SimpleNamespace(factor=version)


@kind
def global_number(*, rng, x):
    return NUMBER * x


@kind
def global_array(*, rng, x):
    return ARRAY[0] * x


@kind
def global_dict(*, rng, x):
    return TABLE["a"][1][0] * x


@kind
def global_set(*, rng, x):
    return len(NAMES) * x


@kind
def global_namespace(*, rng, x):
    return SPACE.factor * x


if version == 1:

    def helper(x):
        return 1.0 * x

    class Helper:
        def act(self, x):
            return 1.0 * x

    @numba.njit
    def compiled(x):
        return 1.0 * x

else:

    def helper(x):
        return 2.0 * x

    class Helper:
        def act(self, x):
            return 2.0 * x

    @numba.njit
    def compiled(x):
        return 2.0 * x


def indirect(x):
    return helper(x) if x > -1 else turning(x)


def turning(x):
    return indirect(-x)


cached = functools.cache(helper)


@kind
def calls_helper(*, rng, x):
    return helper(x)


@kind
def calls_in_circles(*, rng, x):
    return indirect(x)


@kind
def calls_in_comprehension(*, rng, x):
    return sum([(lambda one: helper(one))(one) for one in [x]])


@kind
def calls_class(*, rng, x):
    return Helper().act(x)


@kind
def calls_cached(*, rng, x):
    return cached(x)


@kind
def calls_compiled(*, rng, x):
    return compiled(x)


@kind
def calls_module(*, rng, x):
    return helpers.scaled(x)


@kind
def calls_imported(*, rng, x):
    return scaled(x)


@kind
def imports_inside(*, rng, x):
    from helpers import scaled as inner

    return inner(x)


@kind
def function_attribute(*, rng, x):
    return function_attribute.factor * x


function_attribute.factor = version


@functools.wraps(calls_helper)
def wrapped(*, rng, x):
    return times(version, rng=rng, x=x)


KINDS["wrapped"] = wrapped


if sys.argv[3] == "stored":
    joblib.Parallel = None  # to call a function fails
found = {}
with joblib.parallel_config(n_jobs=1):
    for number, (name, function) in enumerate(KINDS.items()):
        try:
            one = flux.sweep(
                function, {"x": [1.0]}, repeats=1, seed=1, store=f"{folder}/{number}.store"
            )
            found[name] = float(one.result.item())
        except Exception as error:
            found[name] = str(error)
print(json.dumps(found))
"""


def run_script(folder: Path, version: int, mode: str, hash_seed: str) -> dict[str, Any]:
    command = [sys.executable, "script.py", str(folder), str(version), mode]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_stores_serve_their_function_and_no_other(tmp_path: Path) -> None:
    """Four sessions: the first makes a store for each kind of function, the others read them."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "helpers.py").write_text(HELPERS)
    made = run_script(tmp_path, 1, "new", "1")
    assert len(made) > 35
    assert [name for name, value in made.items() if not isinstance(value, float)] == []
    assert run_script(tmp_path, 1, "stored", "2") == made
    others = run_script(tmp_path, 2, "stored", "3")
    served = [name for name, value in others.items() if "fingerprint was" not in str(value)]
    assert served == []
    # comments, lines and what is not called change nothing
    (tmp_path / "script.py").write_text("# moved\n\n" + SCRIPT)
    (tmp_path / "helpers.py").write_text(HELPERS.replace("SCALE / x", "2 / x"))
    assert run_script(tmp_path, 1, "stored", "4") == made


def lasting(*, rng: np.random.Generator, x: float, factor: float = 1.0) -> float:
    return factor * x


@pytest.mark.parametrize(
    "make",
    [
        lambda: lasting,
        lambda: functools.partial(lasting, factor=2.0),
        lambda: functools.partial(lasting, factor=np.longdouble(1) / 3),
        lambda: functools.partial(lasting, factor=np.array(["a", "b"], object)),
        lambda: functools.partial(lasting, factor=np.zeros(2, [("a", "i1"), ("b", "f8")])),
        lambda: functools.partial(lasting, factor=np.ma.masked_array([1.0, 2.0], [0, 1])),
        lambda: functools.partial(lasting, factor=Path("somewhere")),
        lambda: functools.partial(lasting, factor=np.random.default_rng(3)),
        lambda: np.random.default_rng(3).normal,
        lambda: np.random.normal,
        lambda: np.vectorize(lambda x: x + 1),
    ],
)
def test_equal_functions_have_equal_fingerprints(make: Callable[[], Any]) -> None:
    assert fingerprint(make()) == fingerprint(make())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0.0, -0.0),
        (True, 1),
        ("1", b"1"),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        (["ab", "c"], ["a", "bc"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.ones(2), np.ones(2, np.float32)),
        (np.ones((2, 3)), np.ones((3, 2))),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), np.ma.masked_array([1.0, 2.0], [1, 0])),
        (np.random.default_rng(1), np.random.default_rng(2)),
        ([10**5000], [10**5000 + 1]),
        (np.vectorize(lambda x: x + 1), np.vectorize(lambda x: x + 2)),
    ],
)
def test_other_values_have_other_fingerprints(one: Any, other: Any) -> None:
    first, second = (functools.partial(lasting, factor=value) for value in (one, other))
    assert fingerprint(first) != fingerprint(second)


@pytest.mark.parametrize(
    "captured",
    [
        threading.Lock(),
        memoryview(b"some"),
        (one for one in [1]),
        np.frompyfunc(lambda x: x, 1, 1),
    ],
)
def test_what_cannot_be_compared_is_refused(captured: Any, tmp_path: Path) -> None:
    def function(*, rng: np.random.Generator, x: float) -> float:
        return x if captured is not None else 0.0

    with joblib.parallel_config("threading", n_jobs=1):
        assert sweep(function, {"x": [1.0]}, repeats=1, seed=1).result.item() == 1.0
        message = r"function uses captured, .* pass plain values in grid or by functools\.partial"
        with pytest.raises(ValueError, match=message) as caught:
            sweep(function, {"x": [1.0]}, repeats=1, seed=1, store=tmp_path / "store")
    assert len(str(caught.value)) < 500
    assert not (tmp_path / "store").exists()


def test_endless_nesting_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        fingerprint(functools.partial(lasting, factor=deep))


def test_a_value_that_holds_itself_is_read() -> None:
    circle: list[Any] = [1]
    circle.append(circle)
    assert fingerprint(functools.partial(lasting, factor=circle))
