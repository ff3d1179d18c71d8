"""Flux estimates of the JapaneseVowels recording; writes large_vowels.json.

    python book/data/make_vowels.py

The recording is that of the installed sktime; only the estimates are stored here.
"""

import json
import warnings
from pathlib import Path

import numpy as np

from flux.recordings.estimators import sample_flux
from flux.relays import tasks

METHODS = ("plugin", "miller-madow", "shuffle", "chao-wang-jost", "nsb")


def plugin_mean(x, y, channels, group, rng, repeats=20):
    """Return mean and spread of the plug-in flux with successors permuted within groups."""
    found = []
    for _ in range(repeats):
        order = np.lexsort((rng.random(len(y)), group))
        pairs = np.stack([x[np.argsort(group, kind="stable")], y[order]], 1)
        found.append(sample_flux(pairs[..., :channels]).I)
    return float(np.mean(found)), float(np.std(found))


def jackknife_se(pairs, group, parts=20):
    """Return the standard error of the plug-in flux, utterances left out in 20 parts."""
    found = np.array([sample_flux(pairs[group % parts != part]).I for part in range(parts)])
    return float(np.sqrt((parts - 1) * found.var()))


# shorter ones have zeros before their first frame
utterances = [utterance[utterance.any(1)] for utterance in tasks.japanese_vowels().x]
medians = np.median(np.concatenate(utterances), axis=0)
spins = [np.where(utterance > medians, 1, -1).astype(np.int8) for utterance in utterances]
x = np.concatenate([utterance[:-1] for utterance in spins])
y = np.concatenate([utterance[1:] for utterance in spins])
group = np.repeat(np.arange(len(spins)), [len(utterance) - 1 for utterance in spins])
everywhere = np.zeros(len(x), int)
# each pair is a chain of two steps, so that no pair spans two utterances
pairs = np.stack([x, y], 1)
rng = np.random.default_rng(1)
warnings.simplefilter("ignore")
rows = []
for channels in range(1, 13):
    seen = [
        len(np.unique(part, axis=0))
        for part in (x[:, :channels], pairs[..., :channels].reshape(len(x), -1))
    ]
    rows.append(
        {
            "channels": channels,
            "states": seen[0],
            "pairs": seen[1],
            "estimates": {m: sample_flux(pairs[..., :channels], method=m).I for m in METHODS},
            "H": sample_flux(pairs[..., :channels], method="nsb").H,
            "se": jackknife_se(pairs[..., :channels], group),
            "permuted": plugin_mean(x, y, channels, everywhere, rng),
            "permuted_within": plugin_mean(x, y, channels, group, rng),
        }
    )
result = {
    "utterances": len(spins),
    "steps": int(sum(map(len, spins))),
    "pairs": len(x),
    "shortest": min(map(len, spins)),
    "longest": max(map(len, spins)),
    "rows": rows,
}
Path(__file__).with_name("large_vowels.json").write_text(json.dumps(result, indent=1) + "\n")
