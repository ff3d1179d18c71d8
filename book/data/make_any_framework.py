"""Relays and patches of state-space models and transformers; writes any_framework.json.

    python book/data/make_any_framework.py

takes some ten minutes of one core. Networks already stored are kept. The chapter trains one of
each kind in the same way.
"""

import json
import os
from pathlib import Path

# the networks are small
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

import flux
from flux.relays import tasks

STORE = Path(__file__).with_name("any_framework.json")
NAMES = ("keeps", "turns", "transformer")
"""State-space models whose nodes keep their sign, those whose nodes turn, and transformers."""
SEEDS = 20
SHARES = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 1)
"""Of all nodes: how many are patched."""
DRAWS = 5
"""Sets of random nodes of each size."""
TRIED = 400
"""Training samples in which each node is patched by itself."""
ROWS, DELAY = 8, 4


def draw(rng, **shapes):
    """Return normal weights, smaller where more are summed."""
    return {
        name: jnp.asarray(rng.normal(size=shape) / np.sqrt(shape[0]), jnp.float32)
        for name, shape in shapes.items()
    }


def fit(answer, weights, x, y, rng, rate, updates=1500, batch=128):
    """Train by Adam on the cross entropy of the answers."""
    optimizer = optax.adam(rate)

    def loss(weights, chosen):
        logits = answer(weights, x[chosen])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[chosen]).mean()

    def update(carry, chosen):
        weights, moments = carry
        change, moments = optimizer.update(jax.grad(loss)(weights, chosen), moments)
        return (optax.apply_updates(weights, change), moments), None

    x, y = jnp.asarray(x), jnp.asarray(y)
    start = (weights, optimizer.init(weights))
    batches = rng.integers(0, len(x), (updates, batch))
    (weights, _), _ = jax.jit(lambda *given: jax.lax.scan(update, *given))(start, batches)
    return weights


def keep(w, h, x):
    """Return the next state of a diagonal model with positive factors."""
    return jax.nn.sigmoid(w["keep"]) * h + x @ w["see"]


def turn(w, h, x):
    """Return the next state of a diagonal model with complex factors: first half real."""
    real, imaginary = jnp.split(h, 2, 1)
    size, angle = jax.nn.sigmoid(w["keep"]), w["angle"]
    turned = [
        size * (jnp.cos(angle) * real - jnp.sin(angle) * imaginary),
        size * (jnp.sin(angle) * real + jnp.cos(angle) * imaginary),
    ]
    return jnp.concatenate(turned, 1) + x @ w["see"]


def say(w, h):
    """Return the answers of a state-space model."""
    return jax.nn.relu(h @ w["mix"] + w["shift"]) @ w["say"]


def model(name, rng, x, y):
    """Return step and read of a trained state-space model, its nodes, and when it is patched."""
    n = 32
    step = keep if name == "keeps" else turn
    weights = draw(rng, see=(8, n), mix=(n, 64), say=(64, 10))
    factors = n if name == "keeps" else n // 2
    weights |= {
        "see": weights["see"] / 2,
        "keep": jnp.asarray(rng.uniform(-2, 3, factors), jnp.float32),
        "shift": jnp.zeros(64),
    }
    if name == "turns":
        weights["angle"] = jnp.asarray(rng.uniform(0, np.pi / 2, factors), jnp.float32)

    def answer(weights, x):
        h, _ = jax.lax.scan(
            lambda h, x: (step(weights, h, x), None), jnp.zeros((len(x), n)), x.swapaxes(0, 1)
        )
        return say(weights, h)

    weights = fit(answer, weights, x, y, rng, 1e-2)
    return jax.jit(lambda h, x: step(weights, h, x)), jax.jit(lambda h: say(weights, h)), n


def hidden(w, x):
    """Return MLP nodes and residual stream at each position, after attention to all of them."""
    e = x @ w["embed"] + w["place"]
    match = (e @ w["query"]) @ (e @ w["key"]).swapaxes(1, 2) / np.sqrt(e.shape[-1])
    r = e + jax.nn.softmax(match, -1) @ (e @ w["value"])
    return jax.nn.relu(r @ w["up"]), r


def transformer(rng, x, y):
    """Return the halves of a trained transformer, and its MLP nodes, which come first."""
    width, nodes = 16, 32
    square = (width, width)
    weights = draw(
        rng, embed=(8, width), query=square, key=square, value=square, up=(width, nodes),
        down=(nodes, width), say=(width, 10),
    )  # fmt: skip
    weights["place"] = jnp.asarray(0.3 * rng.normal(size=(ROWS, width)), jnp.float32)

    def answer(weights, mlp, r):
        return (r + mlp @ weights["down"]).mean(1) @ weights["say"]

    weights = fit(lambda w, x: answer(w, *hidden(w, x)), weights, x, y, rng, 3e-3)

    @jax.jit
    def step(h, x):
        return jnp.concatenate([part.reshape(len(x), -1) for part in hidden(weights, x)], 1)

    @jax.jit
    def read(h):
        mlp, r = jnp.split(h, [ROWS * nodes], 1)
        return answer(weights, mlp.reshape(-1, ROWS, nodes), r.reshape(-1, ROWS, width))

    return step, read, ROWS * nodes, ROWS * (nodes + width)


def scores_of(h, y, said):
    """Return relay scores (digits, nodes) of the states of one step."""
    Y = flux.coarse_grain(h)
    pairs = zip(*(tasks.concepts(v[:, None], 10).T for v in (y, said)), strict=True)
    return np.array([flux.relay_scores(*pair, Y, kind="single") for pair in pairs])


def study(name, seed):
    """Train one network; return its accuracies, drift, and where the answers go when patched."""
    rng = np.random.default_rng([seed, NAMES.index(name)])
    whole = tasks.digit_rows(delay=DELAY)
    order, y = rng.permutation(len(whole.x)), whole.y[:, 0]
    parts = order[:1198], order[1198:]
    if name == "transformer":
        shown = whole.x[:, :ROWS]
        step, read, n, size = transformer(rng, shown[parts[0]], y[parts[0]])
        x, time = shown[:, None], 0
    else:
        x, time = whole.x, ROWS - 1
        step, read, n = model(name, rng, x[parts[0]], y[parts[0]])
        size = n
    starts = [np.zeros((len(part), size), np.float32) for part in parts]
    runs = [flux.run_steps(step, read, h0, x[p]) for h0, p in zip(starts, parts, strict=True)]
    said = [run.logits[:, -1].argmax(1) for run in runs]
    right = [np.mean(told == y[part]) for told, part in zip(said, parts, strict=True)]
    states = runs[0].h[:, :, :n]
    scores = scores_of(states[:, time], y[parts[0]], said[0])
    some = rng.choice(parts[0], TRIED, replace=False)
    moved = effects(step, read, np.zeros((TRIED, size), np.float32), x[some], n, time, rng)
    ranks = {"top": scores.sum(0).argsort(), "moving": moved.argsort()}
    tested = (step, read, starts[1], x[parts[1]], said[1], y[parts[1]])
    found = {
        "accuracy": right,
        "agreement": np.corrcoef(scores.sum(0), moved)[0, 1],
        **where_answers_go(*tested, ranks, time, rng),
    }
    if name != "transformer":
        later = [scores] + [
            scores_of(states[:, t], y[parts[0]], said[0]) for t in range(ROWS, ROWS + DELAY)
        ]
        found["drift"] = [
            np.mean([flux.drift(digit, lag).correlation for digit in np.stack(later, 1)])
            for lag in (1, DELAY)
        ]
    else:
        found["stream"] = patched(*tested, np.arange(n, size), time, rng)
    return jax.tree.map(lambda v: round(float(v), 4), found)


def patched(step, read, h0, x, said, y, nodes, time, rng):
    """Return how many answers follow a donor of another answer, stay, and how many are right."""
    donor = rng.permutation(len(x))
    runs = flux.run_with_patch(step, read, h0, x, x[donor], nodes, time)
    told = runs.patched.logits[:, -1].argmax(1)
    differ = said != said[donor]
    return [
        np.mean(told[differ] == said[donor][differ]),
        np.mean(told[differ] == said[differ]),
        np.mean(told == y),
    ]


def effects(step, read, h0, x, n, time, rng):
    """Return how much the answers move, on average, if a node alone is patched."""
    found = []
    for node in range(n):
        runs = flux.run_with_patch(step, read, h0, x, x[rng.permutation(len(x))], [node], time)
        found.append(np.abs(runs.patched.logits[:, -1] - runs.clean.logits[:, -1]).mean())
    return np.array(found)


def where_answers_go(step, read, h0, x, said, y, ranks, time, rng):
    """Return, for each share of nodes, what patching the top, random and bottom ones does."""
    n = len(ranks["top"])
    found = {"top": [], "random": [], "bottom": [], "moving": []}
    for share in SHARES:
        k = round(share * n)
        sets = {
            "top": [ranks["top"][-k:]] * DRAWS,
            "random": [rng.permutation(n)[:k] for _ in range(DRAWS)],
            "bottom": [ranks["top"][:k]] * DRAWS,
            "moving": [ranks["moving"][-k:]] * DRAWS,
        }
        for which, drawn in sets.items():
            each = [patched(step, read, h0, x, said, y, nodes, time, rng) for nodes in drawn]
            found[which].append(np.mean(each, 0).tolist())
    return found


if __name__ == "__main__":
    stored = json.loads(STORE.read_text()) if STORE.exists() else {name: {} for name in NAMES}
    missing = [
        (seed, name) for seed in range(SEEDS) for name in NAMES if str(seed) not in stored[name]
    ]
    for seed, name in tqdm(missing, unit="network"):
        stored[name][str(seed)] = study(name, seed)
        partial = STORE.with_suffix(".part")
        partial.write_text(json.dumps(stored))
        partial.replace(STORE)
