"""Functions that sweeps hand to other processes, which must find them: a module on their path."""

import os
import signal
from pathlib import Path
from typing import NamedTuple

import numpy as np

import flux


class Measured(NamedTuple):
    I: float
    rows: np.ndarray


def measure(*, rng: np.random.Generator, width: float, n: int) -> Measured:
    W = flux.gaussian_weights(n, rng=rng, width=width)
    return Measured(flux.exact_flux(W).I, W[:2, :2])


def draw(*, rng: np.random.Generator, width: float, n: int) -> float:
    return width * rng.normal() + n


def draw_other(*, rng: np.random.Generator, width: float, n: int) -> float:
    return width * rng.normal() - n


def die_once(*, rng: np.random.Generator, width: float, n: int, mark: str) -> float:
    if (width, n) == (1.0, 3) and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(rng=rng, width=width, n=n)


def fail(*, rng: np.random.Generator, width: float, n: int, switch: str) -> float:
    if width == 1.0 and Path(switch).exists():
        raise ZeroDivisionError(f"cannot do n = {n}")
    return draw(rng=rng, width=width, n=n)


def noise(*, rng: np.random.Generator, x: float) -> float:
    return x * rng.normal()
