"""Relay scores against simpler scores, and the flux of hidden states; writes baselines.json.

    python book/data/make_baselines.py FOLDER

FOLDER holds the networks that `make_trained.py train FOLDER` makes. Takes some 15 minutes of one
core. Cases already stored are kept, and networks that are not there are left out. The parts have no
common shape, so flux.sweep would not make this shorter.
"""

import json
import os
import sys
import warnings
from functools import cache
from pathlib import Path

# a thread a process: the networks are small
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import make_trained
import numpy as np
from scipy.special import expit, log_softmax
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

import flux
from flux.relays import tasks, trained
from flux.relays.attribution import attributions

STORE = Path(__file__).with_name("baselines.json")
KINDS = ("rnn", "gru", "lstm")
TASKS = ("memory", "block", "digits", "vowels")
DELAYED = ("memory", "block")
SEEDS = range(1, 21)
POINTS = {"memory": 128, "block": 128, "digits": 32, "vowels": 32}
"""Of integrated gradients: over a long delay the slope on the way is a spike."""
DOSES = (1, 4, 8, 16, 24)
FEW = 8
"""Nodes whose states can be counted and whose fitted flux is exact, drawn at random."""
EVERY = 3
"""Every third step of the delay is looked at."""
SHOWN = 512
"""Sequences for knockouts, which cost most; half as many for gradients."""


def rounded(values, digits=4):
    return np.round(np.asarray(values, float), digits).tolist()


def make_rng(*key):
    return np.random.default_rng(list(", ".join(map(str, key)).encode()))


def alone(label, Y):
    """Return I(label; Y_j) of each binary node, in bits."""
    tables = [np.bincount(2 * label + node, minlength=4).reshape(2, 2) for node in Y.T]
    return np.array([flux.mutual_information(table / len(label)) for table in tables])


def best_pair(label, Y):
    """Return, for each binary node, the most that it and one other tell together, in bits."""
    n = Y.shape[1]
    told = np.zeros((n, n))
    for i, j in zip(*np.triu_indices(n, 1), strict=True):
        table = np.bincount(4 * label + 2 * Y[:, i] + Y[:, j], minlength=8).reshape(2, 4)
        told[i, j] = told[j, i] = flux.mutual_information(table / len(label))
    return told.max(1)


def probe(label, h):
    """Return the weights of a logistic regression on standardized states."""
    spread = h.std(0)
    z = (h - h.mean(0)) / np.where(spread > 0, spread, 1)
    return np.abs(LogisticRegression(max_iter=2000).fit(z, label).coef_[0])


def surprise(logits, y, ask):
    """Return the mean cross entropy of a yes-or-no question, in nats."""
    odds = ask(logits)
    return float(np.mean(np.logaddexp(0, np.where(y == 1, -odds, odds))))


def permutations(network, task, time, labels, questions, rng):
    """Return what shuffling each node adds to the cross entropy of each question."""
    x, y = task.x[:SHOWN], labels[:SHOWN].T
    before = trained.record(network, x).logits[:, -1]
    state = rng.bit_generator.state
    added = np.empty((len(questions), network.hidden))
    for node in range(network.hidden):
        rng.bit_generator.state = state  # one permutation for all nodes
        after = trained.knockout(network, x, [node], time, rng=rng).logits[:, -1]
        added[:, node] = [
            surprise(after, label, ask) - surprise(before, label, ask)
            for label, ask in zip(y, questions, strict=True)
        ]
    return added


def odds_of(question, answer):
    """Return a function: log odds of an answer against all others, from logits."""

    def ask(logits):
        logp = log_softmax(logits[:, question].astype(float), axis=-1)
        others = np.delete(logp, answer, axis=1)
        return logp[:, answer] - np.logaddexp.reduce(others, axis=1)

    return ask


def parity_odds(logits):
    """Return the log odds of unlike answers to the first two questions."""
    p, q = (expit(odds_of(question, 1)(logits)) for question in (0, 1))
    unlike = np.clip(p * (1 - q) + q * (1 - p), 1e-7, 1 - 1e-7)
    return np.log(unlike / (1 - unlike))


def relay_rankings(label, said, Y, rng):
    scores = {
        kind: flux.relay_scores(label, said, Y, kind=kind, rng=rng, progress=False)
        for kind in ("single", "aggregated", "shapley")
    }
    return {**scores, "label": alone(label, Y)}


def gradients(network, task, time, asked, points):
    question, answer = asked
    found = attributions(
        network, task.x[: SHOWN // 2], time, question=question, answer=answer, points=points
    )
    whole = np.abs(found.integrated_gradients.sum(1) + found.gap).sum()
    missed = np.abs(found.gap).sum() / whole
    return [*(np.abs(part).mean(0) for part in found[:2]), missed]


def rankings(case, time, points, rng):
    """Return scores (concepts, nodes) of each ranking; missed: what integration leaves out."""
    network, task = case.network, case.first
    recording = trained.record(network, task.x)
    h, answers = recording.h[:, time], trained.decisions(recording)
    Y = flux.coarse_grain(h, progress=False)
    truth, said = (tasks.concepts(v, task.classes) for v in (task.y, answers))
    weight = np.asarray(network.readout.weight)
    weight = weight.reshape(network.questions, network.classes, network.hidden)
    asked = [
        (concept, 1) if task.classes == 2 else divmod(concept, task.classes)
        for concept in range(truth.shape[1])
    ]
    questions = [odds_of(*one) for one in asked]
    by_permutation = permutations(network, task, time, truth, questions, rng)
    rows = []
    for concept, (label, told) in enumerate(zip(truth.T, said.T, strict=True)):
        question, answer = asked[concept]
        by_gradient, integrated, missed = gradients(network, task, time, asked[concept], points)
        others = np.delete(weight[question], answer, axis=0).mean(0)
        rows.append(
            {
                **relay_rankings(label, told, Y, rng),
                "probe": probe(label, h),
                "readout": np.abs(weight[question, answer] - others),
                "gradient": by_gradient,
                "integrated": integrated,
                "permutation": by_permutation[concept],
                "random": rng.random(network.hidden),
                "missed": missed,
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def make_loss(case, time, key, judge):
    """Return a function: what each concept's balanced accuracy loses; one permutation for all."""

    def accuracy(recording):
        told = judge(trained.decisions(recording), case.test.classes)
        return np.array(
            [trained.balanced_accuracy(*pair) for pair in zip(truth.T, told.T, strict=True)]
        )

    x, y = case.test.x[:SHOWN], case.test.y[:SHOWN]
    truth = judge(y, case.test.classes)
    whole = accuracy(trained.record(case.network, x))

    @cache
    def loss(nodes):
        rng = make_rng(*key, "knockout")
        return whole - accuracy(trained.knockout(case.network, x, nodes, time, rng=rng))

    return loss, whole


def dose_curves(scores, loss):
    """Return the mean loss of own and of other concepts by the top nodes of a ranking."""
    own, others = np.zeros((2, len(DOSES)))
    for concept, row in enumerate(scores):
        order = np.argsort(-row, kind="stable")
        lost = np.array([loss(tuple(sorted(order[:dose]))) for dose in DOSES])
        own += lost[:, concept] / len(scores)
        rest = np.delete(lost, concept, axis=1)
        others += (rest.mean(1) if rest.size else 0.0) / len(scores)
    return rounded([own, others])


def compare(case, key):
    time, rng = case.times[len(case.times) // 2], make_rng(*key, "scores")
    scores = rankings(case, time, POINTS[key[0]], rng)
    missed = scores.pop("missed").mean()
    agree = [
        spearmanr([scores[name][c] for name in scores], axis=1).statistic
        for c in range(len(scores["single"]))
    ]
    loss, whole = make_loss(case, time, key, tasks.concepts)
    apart = np.abs(scores["single"] - scores["label"]).max()
    return {
        "accuracy": rounded(whole.mean()),
        "names": list(scores),
        "agreement": rounded(np.nanmean(agree, axis=0), 3),
        "apart": rounded(apart, 6),
        "missed": rounded(missed),
        "doses": {name: dose_curves(values, loss) for name, values in scores.items()},
    }


def parity(values, classes):
    return (values[:, :1] != values[:, 1:2]).astype(int)


def compare_parity(case, key):
    """Ask whether the two coins differ, which no question of the network is about."""
    network, task = case.network, case.first
    time, rng = case.times[len(case.times) // 2], make_rng(*key, "parity")
    recording = trained.record(network, task.x)
    h, answers = recording.h[:, time], trained.decisions(recording)
    Y = flux.coarse_grain(h, progress=False)
    label, said = (parity(values, 2)[:, 0] for values in (task.y, answers))
    parts = [
        gradients(network, task, time, (question, 1), POINTS[key[0]])[1] for question in (0, 1)
    ]
    scores = {
        **relay_rankings(label, said, Y, rng),
        "pair": best_pair(label, Y),
        "parts": sum(alone(coin, Y) for coin in task.y.T),
        "probe": probe(label, h),
        "integrated": sum(parts),
        "permutation": permutations(network, task, time, label[:, None], [parity_odds], rng)[0],
        "random": rng.random(network.hidden),
    }
    loss, whole = make_loss(case, time, key, parity)
    order = flux.relay_order(label, said, Y, rng=rng, progress=False)
    return {
        "accuracy": rounded(whole.mean()),
        "most": {name: rounded(values.max()) for name, values in scores.items()},
        "reliable": rounded(order.reliable.mean()),
        "doses": {name: dose_curves(values[None], loss)[0] for name, values in scores.items()},
    }


def counted(x, y):
    """Return the flux from states x to y by counts, corrected and not, and the entropy of x."""
    pairs = np.stack([x, y], 1)
    corrected = flux.sample_flux(pairs, method="miller-madow")
    return np.array([flux.sample_flux(pairs).I, corrected.I, corrected.H])


def within(groups, x, y):
    """Return the same, given the group."""
    shares = {one: groups == one for one in np.unique(groups)}
    return sum(own.mean() * counted(x[own], y[own]) for own in shares.values())


def fitted(x, rng):
    """Return the flux of a fit and its interval, and whether one step made these states."""
    try:
        found = flux.fitted_flux(x, rng=rng, simulations=20, progress=False)
    except flux.FluxError as error:  # such as nodes that are copies of one another
        return {"refused": str(error)[:60]}
    return {"I": rounded([found.I, found.lower, found.upper]), "misfit": found.misfit.found}


def drifts(runs, parts, times, rng):
    """Return the mean drift of single scores at lags 1, 5 and 10."""
    rows = []
    for question in range(parts[0].y.shape[1]):
        scores = []
        for run, part in zip(runs, parts, strict=True):
            label, told = part.y[:, question], trained.decisions(run)[:, question]
            Y = flux.coarse_grain(run.h[:, times], progress=False).swapaxes(0, 1)
            scores.append([flux.relay_scores(label, told, one, progress=False) for one in Y])
        rows.append(
            [np.nanmean(flux.drift(scores[0], lag, scores[1]).correlation) for lag in (1, 5, 10)]
        )
    return np.mean(rows, 0)


def cut_states(case, nodes):
    """Return runs, states -1 and +1 of some nodes in the delay, and a number for each answer.

    A node has one threshold for the whole delay, as a fit that knows no time asks for.
    """
    parts = (case.first, case.again)
    runs = [trained.record(case.network, part.x) for part in parts]
    h = np.concatenate([run.h[:, case.times][..., nodes] for run in runs])
    low_high = flux.coarse_grain(h.reshape(-1, len(nodes)), progress=False)
    x = (2 * low_high - 1).reshape(h.shape).astype(np.int8)
    return runs, x, np.concatenate([part.y for part in parts]) @ [1, case.first.classes]


def over_steps(x, answer):
    """Return flux and entropy given the step, and given step and answer."""
    pairs = [(x[:, t], x[:, t + 1]) for t in range(0, x.shape[1] - 1, EVERY)]
    return {
        "step": rounded(np.mean([counted(*pair) for pair in pairs], 0)),
        "within": rounded(np.mean([within(answer, *pair) for pair in pairs], 0)),
    }


def state_flux(case, key):
    """Measure the flux of a few nodes' states, also whatever the step."""
    rng = make_rng(*key, "flux")
    nodes = np.sort(rng.permutation(case.network.hidden)[:FEW])
    runs, x, answer = cut_states(case, nodes)
    fit = flux.fit_network(x[:SHOWN], penalty=1.0, progress=False)
    return {
        "drift": rounded(drifts(runs, (case.first, case.again), case.times, rng)),
        **over_steps(x, answer),
        "pooled": rounded(counted(x[:, :-1].reshape(-1, FEW), x[:, 1:].reshape(-1, FEW))),
        "fitted": fitted(x[:SHOWN], rng),
        "heldout": rounded([fit.heldout, fit.independent]),
        "correlations": rounded(flux.canonical_flux(x).correlations),
    }


def whole_flux(case, key):
    """Measure the flux of all nodes' states, which can be counted where few are met."""
    _, x, answer = cut_states(case, np.arange(case.network.hidden))
    return over_steps(x, answer)


PARTS = {
    "scores": (compare, TASKS),
    "parity": (compare_parity, ("memory",)),
    "flux": (state_flux, DELAYED),
    "whole": (whole_flux, ("memory",)),
}


if __name__ == "__main__":
    folder = sys.argv[1]
    warnings.simplefilter("ignore")
    stored = json.loads(STORE.read_text()) if STORE.exists() else {"doses": DOSES}
    cases = [
        (part, name, kind, seed)
        for seed in SEEDS
        for part, (_, names) in PARTS.items()
        for name in names
        for kind in KINDS
        if str(seed) not in stored.get(part, {}).get(name, {}).get(kind, {})
        and make_trained.path_of(folder, name, kind, seed).exists()
    ]
    for part, *key in tqdm(cases, "networks"):
        name, kind, seed = key
        found = PARTS[part][0](make_trained.load(folder, *key), key)
        stored.setdefault(part, {}).setdefault(name, {}).setdefault(kind, {})[str(seed)] = found
        unfinished = STORE.with_suffix(".part")
        unfinished.write_text(json.dumps(stored, separators=(",", ":"), sort_keys=True) + "\n")
        unfinished.replace(STORE)
