"""Random weights of many kinds, for tests that hold for all of them."""

import numpy as np

from flux import gaussian_weights, nrooks
from flux.attractors.zero_noise_map import TIE_RULES

DECISIONS = TIE_RULES[1:]
"""What to do about ties, but for raising an error."""


def ensembles(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    plain = gaussian_weights(n, rng=rng)
    return {
        "plain": plain,
        "wide": gaussian_weights(n, rng=rng, width=30.0),
        "sparse": gaussian_weights(n, rng=rng, density=0.2, balance=0.5),
        "inhibited": gaussian_weights(n, rng=rng, balance=-1.0),
        "dale": np.abs(plain) * rng.choice([-1.0, 1.0], n),
        "symmetric": plain + plain.T,
        "integers": rng.integers(-2, 3, (n, n)).astype(float),
        "tenths": 0.1 * rng.integers(-3, 4, (n, n)),
        "scales": plain * 10.0 ** rng.integers(-200, 200, (n, n)),
        # sums that differ beyond the first 61 bits only
        "decided late": rng.integers(-2, 3, (n, n)) * 2.0 ** rng.choice([0, -70], n),
        "rooks": nrooks(n, rng=rng, strength=5.0),
        "alone": np.diag(rng.normal(size=n)),
        "zero": np.zeros((n, n)),
    }
