"""Relays that are known: all relay sets and knockouts of small networks; writes ground_truth.json.

    python book/data/make_ground_truth.py

takes some 15 minutes of one core. Cases already stored are kept.
"""

import json
import os
import warnings
from pathlib import Path

# a thread is enough: the networks are small
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

import flux

STORE = Path(__file__).with_name("ground_truth.json")
DIGITS, NODES, SEEDS = 8, 16, 20
DECAY = {"composite": 10.0, "weak decay": 0.1, "full": 1.0}
"""Weight decay of each kind of network; the first two are wired from one-digit networks."""
PIXELS, LABELS = load_digits(return_X_y=True)
IMAGES, DIGIT = PIXELS[LABELS < DIGITS] / 16, LABELS[LABELS < DIGITS]
OUT = flux.all_states(NODES) > 0
SIZE = OUT.sum(1)


def fit(x, y, hidden, decay, rng):
    """Return weights and biases of both layers of a trained tanh network."""
    trained = MLPClassifier(
        (hidden,), activation="tanh", solver="lbfgs", alpha=decay, max_iter=100,
        random_state=int(rng.integers(2**31)),
    ).fit(x, y)  # fmt: skip
    (W1, W2), (b1, b2) = trained.coefs_, trained.intercepts_
    return W1.T, b1, W2.T, b2


def wire(x, y, decay, rng):
    """Return a network of eight: two nodes each that say whether this is their digit."""
    layer, offset, readout, bias = [], [], np.zeros((DIGITS, NODES)), np.zeros(DIGITS)
    for c in range(DIGITS):
        # its digit as often as all others together
        shown = np.repeat(np.arange(len(y)), np.where(y == c, DIGITS - 1, 1))
        W1, b1, W2, b2 = fit(x[shown], y[shown] == c, 2, decay, rng)
        layer.append(W1)
        offset.append(b1)
        readout[c, 2 * c : 2 * c + 2], bias[c] = W2[0], b2[0]
    return np.concatenate(layer), np.concatenate(offset), readout, bias


def explained(wanted, *columns):
    """Return R^2 and the slopes of a linear regression; None where nothing varies."""
    if np.ptp(wanted) == 0:
        return None, None
    A = np.column_stack(columns) - np.mean(columns, 1)
    slopes = np.linalg.pinv(A.T @ A) @ (A.T @ wanted)
    return 1 - np.var(wanted - A @ slopes) / np.var(wanted), slopes


def unit(values):
    return (values - values.min()) / max(np.ptp(values), 1e-300)


def rounded(values, digits=4):
    return None if values is None else np.round(np.asarray(values, float), digits).tolist()


def regress(accuracy, found, single, pair):
    """Regress one concept's accuracies on what was knocked out, over all sets or reliable ones."""
    rows, every = {}, np.ones(len(OUT), bool)
    for name, sets in (("all", every), ("reliable", found.reliable)):
        if name == "reliable" and sets.all():
            break
        K, D, I = unit(accuracy[sets]), unit(SIZE[sets]), unit(found.I[sets])
        both, slopes = explained(K, D, I)
        rows[name] = {
            "size": rounded(explained(K, D)[0]),
            "I": rounded(explained(K, I)[0]),
            "both": rounded(both),
            "slopes": rounded(slopes),
            # what scores of single nodes explain, added up over the set
            "single": rounded(explained(K, D, OUT[sets] @ single)[0]),
        }
        if pair is not None:
            a, b = OUT[sets][:, pair].T
            rows[name]["truth"] = rounded(explained(K, D, a, b, a & b)[0])
    return rows


def see_unseen(xin, xout, Y, pair, seed):
    """Return the relay order, and what a wired pair relays, on images not used for training."""
    greedy = flux.relay_order(xin, xout, Y, rng=np.random.default_rng(seed), progress=False)
    found = flux.relay_information(xin, xout, Y, pair, progress=False)
    return {
        "order": greedy.order.tolist(),
        "reliable": int(greedy.reliable[-3]),
        "pair_I": rounded(found.I),
    }


def measure(kind, seed):
    rng = np.random.default_rng([list(DECAY).index(kind), seed])
    order = rng.permutation(len(DIGIT))
    train, test = order[: 2 * len(order) // 3], order[2 * len(order) // 3 :]
    x, y = IMAGES[train], DIGIT[train]
    if kind == "full":
        W1, b1, W2, b2 = fit(x, y, NODES, DECAY[kind], rng)
    else:
        W1, b1, W2, b2 = wire(x, y, DECAY[kind], rng)
    h, unseen = (np.tanh(IMAGES[part] @ W1.T + b1) for part in (train, test))
    answers = (h @ W2.T + b2).argmax(1)
    Y = flux.coarse_grain(h)
    instead = {"zero": 0.0, "mean": unseen.mean(0), "shuffle": rng.permutation(unseen)}
    accuracies = {
        mode: flux.knockout_accuracy(unseen, other, W2, b2, DIGIT[test], OUT, progress=False)
        for mode, other in instead.items()
    }
    concepts = []
    for c in range(DIGITS):
        xin, xout = y == c, answers == c
        greedy = flux.relay_order(xin, xout, Y, rng=rng, progress=False)
        single = flux.relay_scores(xin, xout, Y, progress=False)
        found = flux.all_relay_information(xin, xout, Y, progress=False)
        pair = None if kind == "full" else [2 * c, 2 * c + 1]
        # curve[k] is of the set of NODES - k nodes
        above = found.I - greedy.curve[NODES - SIZE]
        # a set of k nodes against the greedy k - 1, as in the notebook of 2023
        smaller = found.I - greedy.curve[np.minimum(NODES - SIZE + 1, NODES)]
        row = {
            "order": greedy.order.tolist(),
            "tied": int(greedy.tied[-3]),  # whether the last two were drawn by lot
            "reliable_steps": int(greedy.reliable.sum()),
            "reliable": rounded(found.reliable.mean()),
            "I": rounded([found.I[-1], greedy.curve[-3], greedy.curve[-2]]),
            "leak": rounded(found.leak),
            "above": rounded((above > 1e-9).mean(), 6),
            "above_smaller": rounded(((smaller > 1e-9) & (SIZE > 0)).mean(), 6),
            "most_above": rounded(above.max()),
            "modes": {
                mode: regress(a[:, c], found, single, pair) for mode, a in accuracies.items()
            },
            "accuracy": rounded(accuracies["zero"][0, c]),
        }
        if pair is not None:
            codes = [1 << pair[0], 1 << pair[1], (1 << pair[0]) | (1 << pair[1])]
            row["lost"] = {mode: rounded(a[0, c] - a[codes, c]) for mode, a in accuracies.items()}
            row["pair_I"] = rounded(found.I[codes])
            told = (unseen @ W2.T + b2).argmax(1) == c
            row["unseen"] = see_unseen(
                DIGIT[test] == c, told, flux.coarse_grain(unseen), pair, [seed, c]
            )
        concepts.append(row)
    return {
        "accuracy": rounded(((unseen @ W2.T + b2).argmax(1) == DIGIT[test]).mean()),
        "states": len(np.unique(Y, axis=0)),
        "samples": len(train),
        "concepts": concepts,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    stored = json.loads(STORE.read_text()) if STORE.exists() else {}
    cases = [
        (kind, seed)
        for kinds in (("composite", "full"), ("weak decay",))
        for seed in range(1, SEEDS + 1)
        for kind in kinds
        if str(seed) not in stored.get(kind, {})
    ]
    for kind, seed in tqdm(cases, "networks"):
        stored.setdefault(kind, {})[str(seed)] = measure(kind, seed)
        STORE.write_text(json.dumps(stored, separators=(",", ":"), sort_keys=True) + "\n")
