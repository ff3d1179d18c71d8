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
SIZES = {size: [f"{kind}, {size} nodes" for kind in KINDS] for size in (16, 64, 128, 256)}
SEEDS = range(1, 21)
PLAN = [
    ({"memory": KINDS, "block": KINDS, "digits": KINDS, "vowels": KINDS}, SEEDS),
    ({"motions": KINDS, "power": KINDS}, SEEDS),
    ({"memory": [*UNTRAINED, *RANDOM, *STARTS]}, SEEDS),
    ({"memory": SIZES[16] + SIZES[64]}, SEEDS),
    ({"block": [*UNTRAINED, *RANDOM, "rnn, identity"]}, SEEDS),
    ({"memory": SIZES[128]}, SEEDS),
    ({"memory": SIZES[256]}, SEEDS),
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


if __name__ == "__main__":
    train_all(sys.argv[2])
