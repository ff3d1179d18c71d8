"""Relays, drift and knockouts of trained networks; writes trained.json.

    python book/data/make_trained.py [FOLDER]

takes some 15 minutes of one core. Cases already stored are kept. FOLDER is the folder
JapaneseVowels of sktime (sktime/datasets/data), needed unless sktime is installed.
"""

import json
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

# a thread a process: the networks are small
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import numpy as np

import flux
from flux.relays import tasks, trained

STORE = Path(__file__).with_name("trained.json")
MADE_UP = {"memory": (tasks.memory_task, 20, 1), "block": (tasks.block_task, 20, 16)}
"""How sequences are drawn, the longest delay, and the step after which the inputs are silent."""
READ = {"digits": (8, 4), "vowels": (29, 4)}
"""Steps of a sequence, and those of the delay after it."""
KINDS = ("rnn", "gru", "lstm")
VARIANTS = {
    **{kind: (kind, "uniform", None) for kind in KINDS},
    "rnn, identity": ("rnn", "identity", None),
    **{f"{kind}, random delay": (kind, "uniform", 0) for kind in KINDS},
}
SEEDS = {"memory": 6, "block": 6, "digits": 3, "vowels": 3}
"""Networks of each kind; a third as many of a made-up task's other variants."""
LAGS = range(1, 11)
TOP = 8


def rounded(values, digits=4):
    return np.round(np.asarray(values, float), digits).tolist()


def learn(network, task, test, rng, goal, most):
    """Train until every question is answered with the accuracy `goal`, or `most` updates."""
    updates, right = 0, np.zeros(1)
    while updates < most and right.min() < goal:
        network = trained.train(network, task, rng=rng, updates=500, progress=False).network
        right = (trained.decisions(trained.record(network, test.x)) == test.y).mean(0)
        updates += 500
    return network, right, updates


def relays(network, task, times, rng, kinds=("single", "aggregated")):
    """Return scores (concepts, times, nodes) of each kind, and the share of reliable places."""
    recording = trained.record(network, task.x)
    answers = trained.decisions(recording)
    Y = flux.coarse_grain(recording.h[:, times])
    pairs = zip(*(tasks.concepts(v, task.classes).T for v in (task.y, answers)), strict=True)
    found = [
        [flux.relay_over_time(a, b, Y, rng=rng, kind=kind, progress=False) for kind in kinds]
        for a, b in pairs
    ]
    scores = {kind: np.stack([row[i].scores for row in found]) for i, kind in enumerate(kinds)}
    return scores, np.mean([row[0].reliable for row in found])


def drifts(scores, again):
    """Return the mean drift at each lag, and the ceiling, for each concept."""
    return {
        "lags": rounded(
            [
                [np.nanmean(flux.drift(a, lag, b).correlation) for lag in LAGS]
                for a, b in zip(scores, again, strict=True)
            ]
        ),
        "ceiling": rounded(
            [
                np.nanmean(flux.drift(a, 1, b).ceiling_correlation)
                for a, b in zip(scores, again, strict=True)
            ]
        ),
    }


def make_loss(network, test, rng):
    """Return a function: what the balanced accuracy of each concept loses by a knockout."""

    def accuracy(recording):
        told = tasks.concepts(trained.decisions(recording), test.classes)
        return np.array(
            [trained.balanced_accuracy(*pair) for pair in zip(truth.T, told.T, strict=True)]
        )

    def loss(nodes, time, **how):
        return whole - accuracy(trained.knockout(network, test.x, nodes, time, rng=rng, **how))

    truth = tasks.concepts(test.y, test.classes)
    whole = accuracy(trained.record(network, test.x))
    return loss


def knockouts(loss, scores, time, rng, **how):
    """Return the mean drop with own top, other concepts' top, random, and own bottom nodes."""
    ranks = scores.argsort(-1)
    tops = np.array([loss(rank[-TOP:], time, **how) for rank in ranks])
    chance = [loss(rng.permutation(scores.shape[1])[:TOP], time, **how) for _ in range(5)]
    bottom = [loss(rank[:TOP], time, **how)[concept] for concept, rank in enumerate(ranks)]
    own = np.eye(len(ranks), dtype=bool)
    return rounded([np.mean(part) for part in (tops[own], tops[~own], chance, bottom)])


def stale(loss, scores, time, place):
    """Return the drop at one time for top nodes found at the same step, one later, two ..."""
    return rounded(
        [
            np.mean([loss(row[age].argsort()[-TOP:], time)[c] for c, row in enumerate(scores)])
            for age in range(place, place + len(LAGS) + 1)
        ]
    )


def turning(recording, y, times):
    """Return the mean cosine between what a concept changes in h at successive steps."""
    found = []
    for answer in y.T:
        d = [recording.h[answer == 1][:, t].mean(0) - recording.h[answer == 0][:, t].mean(0)
             for t in times]  # fmt: skip
        unit = np.array(d) / np.linalg.norm(d, axis=1, keepdims=True)
        found.append(np.mean(np.sum(unit[:-1] * unit[1:], 1)))
    return rounded(found)


def state_flux(recording, times, rng):
    """Return flux and entropy of coarse-grained states, mean over steps, and the flux of chance.

    Chance: the plug-in flux if the successors are shuffled among sequences.
    """
    x = 2 * flux.coarse_grain(recording.h[:, times]) - 1
    rows = []
    for t in range(len(times) - 1):
        pairs = x[:, t : t + 2]
        shuffled = np.stack([pairs[:, 0], rng.permutation(pairs[:, 1])], 1)
        found = [flux.sample_flux(pairs, method=m) for m in ("plugin", "miller-madow")]
        rows.append([*(f.I for f in found), found[1].H, flux.sample_flux(shuffled).I])
    names = ("plugin", "miller_madow", "entropy", "chance")
    return dict(zip(names, rounded(np.mean(rows, 0)), strict=True))


def made_up(name, variant, seed):
    """Train on a made-up task and measure all there is."""
    draw, delay, silent = MADE_UP[name]
    kind, start, shortest = VARIANTS[variant]
    rng = np.random.default_rng([list(MADE_UP).index(name), list(VARIANTS).index(variant), seed])
    task = draw(4096, rng=rng, delay=delay, shortest=shortest)
    first, second, test = (draw(n, rng=rng, delay=delay) for n in (4096, 4096, 1024))
    network = trained.make_network(kind, task, rng=rng, start=start)
    network, right, updates = learn(network, task, test, rng, 0.995, 8000)
    times = np.arange(silent, silent + delay)
    scores, reliable = relays(network, first, times, rng)
    again, _ = relays(network, second, times, rng)
    loss = make_loss(network, test, rng)
    places, middle = [0, delay // 2, delay - 2], delay // 2
    row = {
        "updates": updates,
        "accuracy": rounded(right),
        "reliable": rounded(reliable),
        "drift": {kind: drifts(scores[kind], again[kind]) for kind in scores},
        "knockout": {
            kind: [knockouts(loss, s[:, p], times[p], rng) for p in places]
            for kind, s in scores.items()
        },
        "ways": {
            f"{mode}, {state}": knockouts(
                loss, scores["single"][:, middle], times[middle], rng, mode=mode, state=state
            )
            for mode in ("shuffle", "zero", "mean")
            for state in (("hc", "h") if kind == "lstm" else ("hc",))
        },
        "stale": stale(loss, scores["single"], times[2], 2),
        "smeared": rounded(np.mean(flux.smearedness(scores["single"])) / scores["single"].mean()),
        "cosine": turning(trained.record(network, first.x), first.y, times),
    }
    many = draw(20_000, rng=rng, delay=delay)
    row["flux"] = state_flux(trained.record(network, many.x), times, rng)
    if kind == "rnn":
        values = np.linalg.eigvals(np.asarray(network.cell.weight_hh, float))
        values = values[np.argsort(-np.abs(values))][:4]
        row["modes"] = [rounded(np.abs(values)), rounded(np.degrees(np.angle(values)), 1)]
    return row


def read(name, kind, seed, folder):
    """Train on a recorded data set; relays come from the training part, knockouts from the rest."""
    steps, delay = READ[name]
    rng = np.random.default_rng([10 + list(READ).index(name), KINDS.index(kind), seed])
    if name == "digits":
        whole = tasks.digit_rows(delay=delay)
        order = rng.permutation(len(whole.x))
        parts = order[:1198], order[1198:]
    else:
        whole = tasks.japanese_vowels(folder=folder, delay=delay)
        parts = np.arange(270), np.arange(270, 640)
    task, test = (tasks.take(whole, part) for part in parts)
    network = trained.make_network(kind, task, rng=rng)
    network, right, updates = learn(network, task, test, rng, 2.0, 3000)
    fitted = (trained.decisions(trained.record(network, task.x)) == task.y).mean()
    times = np.arange(steps - 1, steps + delay)
    scores, reliable = relays(network, task, times, rng)
    loss = make_loss(network, test, rng)
    return {
        "updates": updates,
        "accuracy": rounded(right),
        "fitted": rounded(fitted),
        "reliable": rounded(reliable),
        "drift": {
            kind: rounded(
                [
                    np.nanmean([flux.drift(row, lag).correlation.mean() for row in s])
                    for lag in range(1, delay + 1)
                ]
            )
            for kind, s in scores.items()
        },
        "knockout": {
            kind: [knockouts(loss, s[:, p], times[p], rng) for p in (0, delay // 2)]
            for kind, s in scores.items()
        },
        "smeared": rounded(np.mean(flux.smearedness(scores["single"])) / scores["single"].mean()),
        "scores": rounded(scores["single"][:, 0], 3),
    }


def measure(name, variant, seed, folder):
    warnings.simplefilter("ignore")
    if name in MADE_UP:
        return made_up(name, variant, seed)
    return read(name, variant, seed, folder)


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    stored = json.loads(STORE.read_text()) if STORE.exists() else {}
    cases = [
        (name, variant, seed)
        for name, seeds in SEEDS.items()
        for variant in (VARIANTS if name in MADE_UP else KINDS)
        for seed in range(1, (seeds // 3 if "," in variant else seeds) + 1)
        if str(seed) not in stored.get(name, {}).get(variant, {})
    ]
    # all first seeds first, so that a run cut short has some of each
    cases.sort(key=lambda case: (case[2], case[0] not in MADE_UP))
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        jobs = {pool.submit(measure, *case, folder): case for case in cases}
        for job in as_completed(jobs):
            name, variant, seed = jobs[job]
            stored.setdefault(name, {}).setdefault(variant, {})[str(seed)] = job.result()
            STORE.write_text(json.dumps(stored, separators=(",", ":"), sort_keys=True) + "\n")
