"""The flux of spike trains against the width of the time bins."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_choice, check_count, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.types import Floats, Integers
from flux.recordings.entropies import FLUX_METHODS, FluxMethod
from flux.recordings.intervals import sample_flux_interval
from flux.recordings.spike_trains import spike_trains


class BinWidths(NamedTuple):
    """Flux of spike trains for each of several bin widths.

    Attributes
    ----------
    width : (k,) array
        Bin width in seconds.
    steps : (k,) int array
        Bins in the recording.
    firing : (k,) array
        Share of bins and neurons with a spike.
    flux, lower, upper : (k,) array
        Estimate and interval in bits per step, as `sample_flux_interval` gives them.
    flux_per_second, lower_per_second, upper_per_second : (k,) array
        The same divided by the width, in bits per second.
    resolvable : (k,) array
        The largest flux that the bins could tell apart, in bits per step.
    p_value : (k,) array
        Of the test against zero flux.
    warnings : tuple of str
        What was warned of at each width; empty where nothing was.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> times = np.sort(rng.random(300)) * 30
    >>> found = flux_by_bin_width([times, times + 0.02], [0.01, 0.02, 0.04], rng=rng)
    >>> float(found.width[found.lower_per_second.argmax()])
    0.02
    """

    width: Floats
    steps: Integers
    firing: Floats
    flux: Floats
    lower: Floats
    upper: Floats
    flux_per_second: Floats
    lower_per_second: Floats
    upper_per_second: Floats
    resolvable: Floats
    p_value: Floats
    warnings: tuple[str, ...]


def flux_by_bin_width(
    data: Any,
    widths: ArrayLike,
    *,
    rng: np.random.Generator,
    ids: ArrayLike | None = None,
    sampling_rate: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    row_width: float = 1.0,
    method: FluxMethod = "nsb",
    level: float = 0.95,
    resamples: int = 200,
    progress: bool = True,
) -> BinWidths:
    """Give the flux of spike trains, with its interval, for each of several bin widths.

    For each width w, `spike_trains` makes spins, and `sample_flux_interval` brackets their flux
    I per step. Equation :eq:`eq-fit-per-second` of the book: I / w is the flux per second.

    Parameters
    ----------
    data : list of 1-D arrays, mapping, 1-D array with `ids`, or (rows, n) array
        Spike times in seconds or a raster, all that `spike_trains` takes.
    widths : (k,) array
        Bin widths in seconds, each above 0.
    rng : numpy.random.Generator
        Source of randomness.
    ids, sampling_rate, start, stop, row_width : optional
        As for `spike_trains`.
    method : str
        As for `sample_flux`.
    level : float
        Confidence level of each interval, between 0 and 1.
    resamples : int
        Number of shuffles at each width.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    BinWidths
        One entry for each width.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value, or a width leaves too few bins.

    Notes
    -----
    The flux per second helps to choose a width, but is no rate at which information is made: I
    is shared between one step and the next, and does not add up over steps. Where states last
    for many bins, I / w grows without bound as bins get narrower; where spikes are brief, it falls
    to zero at both ends. Its maximum lies near the time at which neurons answer each other.

    The widths share their data, so the intervals are not independent; and the largest of many
    estimates is, by chance, too large.

    Examples
    --------
    A neuron that repeats another's spikes 20 ms later:

    >>> rng = np.random.default_rng(1)
    >>> times = np.sort(rng.random(300)) * 30
    >>> found = flux_by_bin_width([times, times + 0.02], [0.01, 0.02], rng=rng, resamples=40)
    >>> found.lower > 0.01
    array([False,  True])
    """
    check_rng(rng)
    check_choice("method", method, FLUX_METHODS)
    level = check_real("level", level, 1e-6, 1 - 1e-6)
    resamples = check_count("resamples", resamples, 20)
    width = as_array("widths", widths, "iuf").astype(np.float64)
    if width.ndim != 1 or not width.size or not np.all(np.isfinite(width) & (width > 0)):
        raise ArgumentError(
            f"widths must be a list of finite numbers above 0, but had shape {width.shape}"
            f" and reached from {width.min(initial=np.inf):g} to {width.max(initial=-np.inf):g}"
        )
    rows, texts = [], []
    with progress_bar("bin widths", width.size, unit="width", show=progress) as bar:
        for w in width.tolist():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                x = spike_trains(
                    data,
                    bin_width=w,
                    ids=ids,
                    sampling_rate=sampling_rate,
                    start=start,
                    stop=stop,
                    row_width=row_width,
                )
                if len(x) < 9:
                    raise ArgumentError(
                        f"widths must leave at least 9 bins, but {w:g} s left {len(x)}"
                    )
                found = sample_flux_interval(
                    x, rng=rng, method=method, level=level, resamples=resamples, progress=False
                )
            rows.append((len(x), float((x > 0).mean()), *found))
            texts.append("; ".join(str(one.message) for one in caught))
            bar.update()
    steps, firing, lower, upper, flux, p_value, _, resolvable = np.array(rows).T
    return BinWidths(
        width=width,
        steps=steps.astype(np.int64),
        firing=firing,
        flux=flux,
        lower=lower,
        upper=upper,
        flux_per_second=flux / width,
        lower_per_second=lower / width,
        upper_per_second=upper / width,
        resolvable=resolvable,
        p_value=p_value,
        warnings=tuple(texts),
    )
