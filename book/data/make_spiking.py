"""Couplings and fluxes that fits find in spikes of networks of known coupling; writes spiking.nc.

python book/data/make_spiking.py [FOLDER]   half an hour on two cores

A run that was stopped goes on: its store lies in FOLDER, by default the current one.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import xarray
from scipy.stats import spearmanr

import flux

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
NETWORKS = 20
UNITS = 60
SECONDS = 600
WIDTHS = [0.003, 0.006, 0.012, 0.024]
# fluxes, which take minutes, of the first networks, at one width of the bins
WITH_FLUX, FLUX_WIDTH = 3, 1


def draw_coupling(rng):
    """Return jumps of log rates (60, 60): a tenth of the pairs, 12 units inhibit."""
    connected = rng.random((UNITS, UNITS)) < 0.1
    np.fill_diagonal(connected, False)
    coupling = rng.lognormal(-0.5, 0.4, (UNITS, UNITS)) * connected
    coupling[:, :12] *= -1.5
    return coupling


def spike(coupling, rng):
    """Return spikes (milliseconds, units): a unit rests for 3 ms, and then has its rate.

    A spike adds its coupling to the log rates of others one millisecond later, and this decays
    within about 5 ms. Rates without input are 3 to 20 Hz.
    """
    steps = 1000 * SECONDS
    log_rate = np.log(rng.uniform(0.003, 0.02, UNITS))
    fired = np.zeros((steps, UNITS), bool)
    drive, rest = np.zeros(UNITS), np.zeros(UNITS, int)
    for t in range(steps):
        chance = np.exp(np.minimum(log_rate + drive, -1.0))
        now = (rng.random(UNITS) < chance) & (rest == 0)
        fired[t] = now
        rest = np.where(now, 3, np.maximum(rest - 1, 0))
        drive *= 0.8
        if now.any():
            drive += coupling[:, now].sum(1)
    return fired


def found_couplings(coupling, x):
    """Return how many couplings are beyond 4 errors, and how many of these right; rank order."""
    fit = flux.fit_network(x, penalty=0, progress=False)
    off = ~np.eye(UNITS, dtype=bool)
    z, true = (fit.W / fit.W_se)[off], coupling[off]
    sure = np.abs(z) > 4
    right = sure & (np.sign(z) == np.sign(true))
    rank = spearmanr(fit.W[off][true != 0], true[true != 0]).statistic
    return sure.sum(), right.sum(), rank


def fluxes(x, rng):
    """Return the flux of a fit with its interval, and the p-values of its four checks."""
    found = flux.fitted_flux(x, rng=rng, simulations=20, progress=False)
    misfit = found.misfit
    return [found.I, found.lower, found.upper, misfit.two_steps, misfit.equal_time, misfit.drift,
            misfit.own_past]  # fmt: skip


def measure(*, network: int) -> dict[str, object]:
    """Couplings found at each width of the bins; fluxes as recorded, and with units shifted."""
    rng = np.random.default_rng([7, network])
    coupling = draw_coupling(rng)
    times = [np.flatnonzero(unit) / 1000 + 0.0005 for unit in spike(coupling, rng).T]
    binned = [flux.spike_trains(times, bin_width=w, start=0, stop=SECONDS) for w in WIDTHS]
    sure, right, rank = np.transpose([found_couplings(coupling, x) for x in binned])
    found = np.full((2, 7), np.nan)
    if network < WITH_FLUX:
        x = binned[FLUX_WIDTH]
        found[:] = [fluxes(x, rng), fluxes(flux.shift_neurons(x, rng=rng), rng)]
    on = np.array([(x > 0).mean() for x in binned])
    connected = int(np.count_nonzero(coupling))
    return {"on": on, "connected": connected, "sure": sure, "right": right, "rank": rank,
            "recorded": found[0], "shifted": found[1]}  # fmt: skip


def name_last(found: xarray.DataArray) -> xarray.DataArray:
    """Return an array whose last dimension, if it has two, is that of the widths or of values."""
    return found.rename(
        {dim: "width" if found.sizes[dim] == 4 else "value" for dim in found.dims[1:]}
    )


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)
    grid = {"network": range(NETWORKS)}
    found = flux.sweep(measure, grid, repeats=1, seed=None, store=FOLDER / "spiking.sqlite")
    found = found.isel(repeat=0, drop=True).map(name_last, keep_attrs=True)
    found = found.assign_attrs(widths=WIDTHS)
    found.to_netcdf(Path(__file__).with_name("spiking.nc"), engine="scipy")


if __name__ == "__main__":
    main()
