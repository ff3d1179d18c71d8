"""Relays, drift and knockouts of trained networks; writes trained.json.

    python book/data/make_trained.py train FOLDER
    python book/data/make_trained.py measure FOLDER

The first trains networks and keeps their weights in FOLDER, the second measures them. Each takes
about an hour of one core. What is already there is kept, so that both go on where they stopped. The
cases are no grid and their results have no common shape, so flux.sweep would not make this shorter.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

# a thread a process: the networks are small
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import jax
import numpy as np
from tqdm import tqdm

import flux
from flux.relays import tasks, trained

STORE = Path(__file__).with_name("trained.json")
MADE_UP = {"memory": (tasks.memory_task, 1), "block": (tasks.block_task, 16)}
"""How sequences are drawn, and the step after which the inputs are silent."""
READ = {
    "digits": (tasks.digit_rows, 1198, 128),
    "vowels": (tasks.japanese_vowels, 270, 128),
    "motions": (tasks.basic_motions, 40, 32),
    "power": (tasks.italy_power_demand, 67, 32),
}
"""How sequences are read, how many are for training, and for one update."""
DELAY = {**dict.fromkeys(MADE_UP, 20), **dict.fromkeys(READ, 4)}
"""Steps between the last input and the answer, the most where they are drawn."""
KINDS = ("rnn", "gru", "lstm")
STARTS = [
    f"{kind}, {start}"
    for start in ("identity", "orthogonal", "forget")
    for kind in KINDS[start == "forget" :]
]
RANDOM = [f"{kind}, random delay" for kind in KINDS]
UNTRAINED = [f"{kind}, untrained" for kind in KINDS]
SIZES = {size: [f"{kind}, {size} nodes" for kind in KINDS] for size in (16, 64, 128)}
SEEDS = range(1, 21)
LAGS = range(1, 11)
TOP = 8
"""How many nodes are knocked out."""
PLAN = [
    ({"memory": KINDS, "block": KINDS, "digits": KINDS, "vowels": KINDS}, SEEDS),
    ({"motions": KINDS, "power": KINDS}, SEEDS),
    ({"memory": [*UNTRAINED, *RANDOM, *STARTS[:1], *STARTS[3:]]}, SEEDS),
    ({"memory": SIZES[16] + SIZES[64]}, SEEDS),
    ({"memory": STARTS[1:3], "block": [*RANDOM, "rnn, identity"]}, SEEDS),
    ({"memory": SIZES[128]}, SEEDS),
]
"""Which variants of networks, with which seeds; most wanted first."""
CASES = [
    (name, variant, seed)
    for wanted, seeds in PLAN
    for seed in seeds
    for name, variants in wanted.items()
    for variant in variants
]


class Case(NamedTuple):
    """A trained network and its sequences: to find relays in, to find them again, to test on.

    times : steps at which relays are looked for, from the last input to before the answer.
    """

    network: trained.TrainedNetwork
    updates: int
    first: tasks.Sequences
    again: tasks.Sequences
    test: tasks.Sequences
    times: np.ndarray


def make_rng(*key):
    return np.random.default_rng(list(", ".join(map(str, key)).encode()))


def new_network(name, variant, task, rng):
    kind, _, how = variant.partition(", ")
    hidden = int(how.split()[0]) if how.endswith("nodes") else 32
    start = how if variant in STARTS else "uniform"
    return trained.make_network(kind, task, rng=rng, hidden=hidden, start=start)


def parts(name, seed):
    """Return the sequences of a recorded data set that are for training, and the others."""
    read, training, _ = READ[name]
    whole = read(delay=DELAY[name])
    order = np.arange(len(whole.x))
    if name == "digits":  # the others come with a part for training
        order = make_rng(name, seed, "parts").permutation(order)
    return tasks.take(whole, order[:training]), tasks.take(whole, order[training:])


def learn(name, variant, seed):
    """Return a trained network and the number of updates.

    Made-up tasks: until every question is answered with an accuracy of 0.995, or 8000 updates.
    Recordings: until the loss is below 0.01 nats, or 3000 updates.
    """
    rng, batch = make_rng(name, variant, seed, "train"), 128
    if name in MADE_UP:
        draw = MADE_UP[name][0]
        shortest = 0 if variant in RANDOM else None
        task = draw(4096, rng=rng, delay=DELAY[name], shortest=shortest)
        check, most = draw(1024, rng=rng, delay=DELAY[name]), 8000
    else:
        (task, _), most, batch = parts(name, seed), 3000, READ[name][2]
    network = new_network(name, variant, task, rng)
    updates, done = 0, variant in UNTRAINED
    while updates < most and not done:
        network, losses = trained.train(
            network, task, rng=rng, updates=500, batch=batch, progress=False
        )
        updates += 500
        if name in MADE_UP:
            told = trained.decisions(trained.record(network, check.x))
            done = (told == check.y).mean(0).min() >= 0.995
        else:
            done = losses[-100:].mean() < 0.01
    return network, updates


def path_of(folder, name, variant, seed):
    return Path(folder) / f"{name}, {variant}, {seed}.npz"


def keep(folder, name, variant, seed):
    network, updates = learn(name, variant, seed)
    path = path_of(folder, name, variant, seed)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, *jax.tree.leaves(network), updates=updates)
    unfinished.replace(path)


def load(folder, name, variant, seed):
    """Return a Case: a network that was kept, and sequences that it has not been stopped on.

    Of a made-up task 4096 each to find relays in and 1024 for tests, all with the longest delay;
    of a recording the training part to find relays in, and the other both to find them again and
    for tests.
    """
    delay = DELAY[name]
    if name in MADE_UP:
        draw, silent = MADE_UP[name]
        rng = make_rng(name, variant, seed, "load")
        first, again, test = (draw(n, rng=rng, delay=delay) for n in (4096, 4096, 1024))
        times = np.arange(silent, silent + delay)
    else:
        first, test = parts(name, seed)
        again = test
        steps = first.x.shape[1]
        times = np.arange(steps - delay - 1, steps)
    skeleton = new_network(name, variant, first, np.random.default_rng(0))
    with np.load(path_of(folder, name, variant, seed)) as kept:
        leaves = [kept[f"arr_{i}"] for i in range(len(kept.files) - 1)]
        updates = int(kept["updates"])
    network = jax.tree.unflatten(jax.tree.structure(skeleton), map(jax.numpy.asarray, leaves))
    return Case(network, updates, first, again, test, times)


def train_all(folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for case in tqdm(CASES, "networks"):
        if not path_of(folder, *case).exists():
            keep(folder, *case)


def rounded(values, digits=4):
    """Return lists of numbers, None for what is no number."""
    found = np.round(np.asarray(values, float), digits)
    return np.where(np.isnan(found), None, found).tolist()


def labels(network, task):
    """Return states and, concept by concept, true labels and decisions."""
    recording = trained.record(network, task.x)
    truth = tasks.concepts(task.y, task.classes).T
    return recording, truth, tasks.concepts(trained.decisions(recording), task.classes).T


def single_scores(truth, told, Y):
    """Return single scores (concepts, steps, nodes) of coarse-grained states."""
    return np.array(
        [
            [flux.relay_scores(*pair, Y[:, t]) for t in range(Y.shape[1])]
            for pair in zip(truth, told, strict=True)
        ]
    )


def greedy(truth, told, Y, rng):
    """Return aggregated scores (concepts, nodes) at one step, and the share of reliable places."""
    found = [
        flux.relay_over_time(*pair, Y[:, None], rng=rng, kind="aggregated", progress=False)
        for pair in zip(truth, told, strict=True)
    ]
    return np.array([f.scores[0] for f in found]), np.mean([f.reliable for f in found])


def drifts(scores, again, lags):
    """Return the drift at each lag and the ceiling, means over steps and concepts."""
    pairs = list(zip(scores, again, strict=True))
    found = [[np.nanmean(flux.drift(a, k, b).correlation) for k in lags] for a, b in pairs]
    ceiling = [np.nanmean(flux.drift(a, 1, b).ceiling_correlation) for a, b in pairs]
    return {"lags": rounded(np.nanmean(found, 0)), "ceiling": rounded(np.nanmean(ceiling))}


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


def top_losses(loss, scores, time, **how):
    """Return what each concept (columns) loses without the top nodes of each (rows)."""
    return np.array([loss(rank[-TOP:], time, **how) for rank in scores.argsort(-1)])


def knockouts(loss, scores, time, rng):
    """Return mean losses by own top, other concepts' top, random and own bottom nodes, and tops."""
    tops = top_losses(loss, scores, time)
    own = np.eye(len(tops), dtype=bool)
    chance = [loss(rng.permutation(scores.shape[1])[:TOP], time) for _ in range(2)]
    bottom = [loss(rank[:TOP], time)[c] for c, rank in enumerate(scores.argsort(-1))]
    other = tops[~own].mean() if len(tops) > 1 else np.nan
    return rounded([tops[own].mean(), other, np.mean(chance), np.mean(bottom)]), tops


def stale(loss, scores, time, place):
    """Return the loss at one time by top nodes found at the same step, one later, two ..."""
    return rounded(
        [
            np.mean([loss(row[age].argsort()[-TOP:], time)[c] for c, row in enumerate(scores)])
            for age in range(place, place + len(LAGS) + 1)
        ]
    )


def turning(recording, truth, times):
    """Return what rotation predicts for the drift at each lag, means over concepts.

    one angle: cos 2 k phi from the mean cosine between a concept's vectors at successive steps;
    each angle: the mean of 2 cos^2 - 1 from the cosines between vectors k steps apart.
    """
    one, each = [], []
    for answer in truth:
        d = np.array(
            [
                recording.h[answer == 1][:, t].mean(0) - recording.h[answer == 0][:, t].mean(0)
                for t in times
            ]
        )
        unit = d / np.linalg.norm(d, axis=1, keepdims=True)
        cosines = [np.sum(unit[:-k] * unit[k:], 1) for k in LAGS]
        one.append(np.cos(2 * np.array(LAGS) * np.arccos(np.mean(cosines[0]))))
        each.append([np.mean(2 * np.square(c) - 1) for c in cosines])
    return {"one angle": rounded(np.mean(one, 0)), "each angle": rounded(np.mean(each, 0))}


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


def measure_made_up(case, name, variant, rng):
    """Return all there is to know of a network of a made-up task."""
    network, times = case.network, case.times
    (recording, truth, told), other = labels(network, case.first), labels(network, case.again)
    if variant in UNTRAINED:  # it decides nothing: scores say what a node knows of the truth
        told, other = truth, (other[0], other[1], other[1])
    Y = flux.coarse_grain(recording.h[:, times])
    scores = single_scores(truth, told, Y)
    again = single_scores(*other[1:], flux.coarse_grain(other[0].h[:, times]))
    right = trained.decisions(trained.record(network, case.test.x)) == case.test.y
    row = {
        "updates": case.updates,
        "accuracy": rounded(right.mean(0)),
        "drift": drifts(scores, again, LAGS),
        "predicted": turning(recording, truth, times),
        "best": rounded(scores.max(-1).mean(0), 3),
        "smeared": rounded(np.mean(flux.smearedness(scores)) / scores.mean()),
    }
    if variant in UNTRAINED:
        return row
    delay = len(times)
    places, middle = [0, delay // 2, delay - 2], delay // 2
    loss = make_loss(network, case.test, rng)
    row["knockout"] = [knockouts(loss, scores[:, p], times[p], rng)[0] for p in places]
    if name == "memory":
        row["stale"] = stale(loss, scores, times[2], 2)
    if "," not in variant:
        row["reliable"] = rounded(greedy(truth, told, Y[:, middle], rng)[1])
        row["ways"] = {
            f"{mode}, {state}": rounded(
                np.diag(
                    top_losses(loss, scores[:, middle], times[middle], mode=mode, state=state)
                ).mean()
            )
            for mode in ("shuffle", "zero", "mean")
            for state in (("hc", "h") if variant == "lstm" else ("hc",))
        }
    if variant.split(",")[0] == "rnn":
        values = np.linalg.eigvals(np.asarray(network.cell.weight_hh, float))
        values = values[np.argsort(-np.abs(values))][:4]
        row["modes"] = [rounded(np.abs(values)), rounded(np.degrees(np.angle(values)), 1)]
    if variant in (*KINDS, *RANDOM, "rnn, identity"):
        many = MADE_UP[name][0](10_000, rng=rng, delay=delay)
        row["flux"] = state_flux(trained.record(network, many.x), times, rng)
    return row


def known(recording, truth, told, steps, rng):
    """Return the best node's score as a share of the concept's bits, and the same by chance."""
    Y, bits = flux.coarse_grain(recording.h[:, steps]), flux.binary_entropy(truth.mean(1))
    others = rng.permutation(truth.shape[1])
    return [
        rounded((single_scores(*pair, Y).max(-1) / bits[:, None]).mean(0), 3)
        for pair in ((truth, told), (truth[:, others], told[:, others]))
    ]


def measure_read(case, rng):
    """Return the same for a recording: relays come from the training part, knockouts from tests."""
    network, times = case.network, case.times
    (recording, truth, told), other = labels(network, case.first), labels(network, case.test)
    Y = flux.coarse_grain(recording.h[:, times])
    scores = single_scores(truth, told, Y)
    again = single_scores(*other[1:], flux.coarse_grain(other[0].h[:, times]))
    loss = make_loss(network, case.test, rng)
    (first, tops), (later, _) = (knockouts(loss, scores[:, p], times[p], rng) for p in (0, 2))
    by_order, reliable = greedy(truth, told, Y[:, 0], rng)
    quarters = np.linspace(0, times[0], 5).round().astype(int)
    return {
        "updates": case.updates,
        "accuracy": rounded([np.mean(trained.decisions(other[0]) == case.test.y)]),
        "fitted": rounded(np.mean(trained.decisions(recording) == case.first.y)),
        "reliable": rounded(reliable),
        "drift": drifts(scores, again, range(1, len(times))),
        "same samples": drifts(scores, scores, range(1, len(times)))["lags"],
        "knockout": {
            "single": [first, later],
            "aggregated": [knockouts(loss, by_order, times[0], rng)[0]],
        },
        "matrix": rounded(tops, 3),
        "known": known(recording, truth, told, quarters, rng),
        "smeared": rounded(np.mean(flux.smearedness(scores)) / scores.mean()),
    }


def measure(folder, name, variant, seed):
    warnings.simplefilter("ignore")
    case = load(folder, name, variant, seed)
    rng = make_rng(name, variant, seed, "measure")
    if name in MADE_UP:
        # fewer than load hands out, since ensembles are averaged over networks
        first, again = (tasks.take(task, range(2048)) for task in (case.first, case.again))
        test = tasks.take(case.test, range(512))
        case = case._replace(first=first, again=again, test=test)
        return measure_made_up(case, name, variant, rng)
    return measure_read(case, rng)


def measure_all(folder):
    stored = json.loads(STORE.read_text()) if STORE.exists() else {}
    for name, variant, seed in tqdm(CASES, "measured"):
        rows = stored.setdefault(name, {}).setdefault(variant, {})
        if str(seed) not in rows and path_of(folder, name, variant, seed).exists():
            rows[str(seed)] = measure(folder, name, variant, seed)
            text = json.dumps(stored, separators=(",", ":"), sort_keys=True) + "\n"
            STORE.with_suffix(".part").write_text(text)
            STORE.with_suffix(".part").replace(STORE)


if __name__ == "__main__":
    {"train": train_all, "measure": measure_all}[sys.argv[1]](sys.argv[2])
