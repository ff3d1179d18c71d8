"""Slow, independent references in plain Python: enumeration with mpmath, fractions; no flux."""

import itertools
import math
import operator
from collections import Counter
from fractions import Fraction
from functools import cache

import mpmath as mp
import numpy as np

mp.mp.dps = 50


@cache
def states(n):
    """All states as tuples of -1 and +1; neuron 0 is the fastest index."""
    return [spins[::-1] for spins in itertools.product((-1, 1), repeat=n)]


def on_probabilities(W, b):
    """Pr(y_i = +1 | x) and Pr(y_i = -1 | x) for all x."""
    n = len(W)
    fields = [
        [mp.fsum([mp.mpf(b[i])] + [mp.mpf(W[i][j]) * x[j] for j in range(n)]) for i in range(n)]
        for x in states(n)
    ]
    return [[(1 / (1 + mp.exp(-u)), 1 / (1 + mp.exp(u))) for u in row] for row in fields]


def transitions(W, b):
    n = len(W)
    P = []
    for row in on_probabilities(W, b):
        P.append(
            [mp.fprod(row[i][0] if y[i] > 0 else row[i][1] for i in range(n)) for y in states(n)]
        )
    return P


def stationary(P):
    """Grassmann-Taksar-Heyman elimination, from the first state up."""
    A = [list(row) for row in P]
    size = len(A)
    for k in range(size - 1):
        out = mp.fsum(A[k][k + 1 :])
        for i in range(k + 1, size):
            A[i][k] /= out
            factor = A[i][k]
            for j in range(k + 1, size):
                A[i][j] += factor * A[k][j]
    pi = [mp.mpf(0)] * size
    pi[-1] = mp.mpf(1)
    for k in range(size - 2, -1, -1):
        pi[k] = mp.fsum(pi[i] * A[i][k] for i in range(k + 1, size))
    total = mp.fsum(pi)
    return [p / total for p in pi]


def line_flux(sender, w, b, lag):
    """(I, H, D) of neurons that each hear one, E[y_i | x_j] = a_i + r_i x_j, in affine form."""
    n = len(sender)
    up = [mp.tanh((mp.mpf(b[i]) + mp.mpf(w[i])) / 2) for i in range(n)]
    down = [mp.tanh((mp.mpf(b[i]) - mp.mpf(w[i])) / 2) for i in range(n)]
    rise = [(u - d) / 2 for u, d in zip(up, down, strict=True)]
    shift = [(u + d) / 2 for u, d in zip(up, down, strict=True)]
    mean, origin, factor = [], [], []
    for i in range(n):
        path = [i]
        while sender[path[-1]] not in path:
            path.append(sender[path[-1]])
        enters = path.index(sender[path[-1]])
        ring = path[enters:]
        a, turn = mp.mpf(0), mp.mpf(1)
        for k in ring:
            a, turn = a + turn * shift[k], turn * rise[k]
        m = a / (1 - turn)
        for k in reversed(path[:enters]):
            m = shift[k] + rise[k] * m
        mean.append(m)
        steps = path[: min(lag, enters)]
        turns, rest = divmod(max(lag - enters, 0), len(ring))
        steps += ring[:rest]
        origin.append(sender[steps[-1]] if steps else i)
        factor.append(mp.fprod(rise[k] for k in steps) * turn**turns)

    def h2(m):
        return entropy([(1 + m) / 2, (1 - m) / 2])

    H = mp.fsum(map(h2, mean))
    D = mp.mpf(0)
    for i, j, r in zip(range(n), origin, factor, strict=True):
        for x in (-1, 1):
            D += (1 + x * mean[j]) / 2 * h2(mean[i] + r * (x - mean[j]))
    return H - D, H, D


def entropy(p):
    return -mp.fsum(q * mp.log(q, 2) for q in p if q > 0)


def flux(W, b=None, lag=1):
    """(I, H, D, stationary law, rms correlation, correlation matrix) of a small network.

    I comes from the joint law, as the mutual information, and not from H - D.
    """
    W = np.asarray(W, float)
    n = len(W)
    b = np.zeros(n) if b is None else np.asarray(b, float)
    P = transitions(W.tolist(), b.tolist())
    pi = stationary(P)
    later = P
    for _ in range(lag - 1):
        later = [
            [mp.fsum(row[m] * P[m][k] for m in range(len(P))) for k in range(len(P))]
            for row in later
        ]
    D = mp.fsum(p * entropy(row) for p, row in zip(pi, later, strict=True))
    I = mp.fsum(
        p * q * mp.log(q / pi[k], 2)
        for p, row in zip(pi, later, strict=True)
        for k, q in enumerate(row)
    )
    C = correlation(W.tolist(), b.tolist(), pi)
    rms = mp.sqrt(mp.fsum(c**2 for row in C for c in row) / n**2)
    return float(I), float(entropy(pi)), float(D), np.array(pi, float), float(rms), C


def correlation(W, b, pi):
    """Correlation of y_i with x_j from centred spins, 0 for a neuron that never changes."""
    n = len(W)
    on = [mp.fsum(p for p, x in zip(pi, states(n), strict=True) if x[i] > 0) for i in range(n)]
    off = [mp.fsum(p for p, x in zip(pi, states(n), strict=True) if x[i] < 0) for i in range(n)]
    rows = on_probabilities(W, b)

    def centred(i, spin):
        return 2 * off[i] if spin > 0 else -2 * on[i]

    C = [[mp.mpf(0)] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            covariance = mp.fsum(
                p
                * (rows[k][i][0] * centred(i, 1) + rows[k][i][1] * centred(i, -1))
                * centred(j, x[j])
                for k, (p, x) in enumerate(zip(pi, states(n), strict=True))
            )
            spread = 4 * mp.sqrt(on[i] * off[i] * on[j] * off[j])
            C[i][j] = covariance / spread if spread > 0 else mp.mpf(0)
    return C


def exact_successors(W: np.ndarray, b: np.ndarray, ties: str) -> tuple[list[int], np.ndarray]:
    """Return the zero-noise successor of each state from fractions, and (2**n, n) who is tied."""
    n = len(b)
    rows = [list(map(Fraction, [*W[i].tolist(), float(b[i])])) for i in range(n)]
    scales = [math.lcm(*(value.denominator for value in row)) for row in rows]
    whole = [[int(value * d) for value in row] for row, d in zip(rows, scales, strict=True)]
    tied = np.zeros((2**n, n), bool)
    codes = []
    for k in range(2**n):
        x = [1 if k >> i & 1 else -1 for i in range(n)]
        code = 0
        for i in range(n):
            u = sum(map(operator.mul, whole[i], [*x, 1]))
            tied[k, i] = u == 0
            is_up = u > 0 or (u == 0 and (ties == "up" or (ties == "keep" and x[i] > 0)))
            code |= is_up << i
        codes.append(code)
    return codes, tied


def walk_attractors(successor: list[int]) -> list[tuple[int, int, int]]:
    """Return (period, basin, smallest code) of each cycle, in the order of codes."""
    home: dict[int, int] = {}
    periods, basins = {}, Counter[int]()
    for start in range(len(successor)):
        path: dict[int, None] = {}
        state = start
        while state not in path and state not in home:
            path[state] = None
            state = successor[state]
        if state in path:
            visited = list(path)
            cycle = visited[visited.index(state) :]
            periods[min(cycle)] = len(cycle)
            label = min(cycle)
        else:
            label = home[state]
        home |= dict.fromkeys(path, label)
        basins[label] += len(path)
    return [(periods[label], basins[label], label) for label in sorted(periods)]


def recurrent_states(kind, weights, x, h, c):
    """h and c after each step of one sequence, from given ones, by the cells' equations.

    Plain: h' = tanh(W x + U h + b). Gated recurrent unit: r, z = sigmoid(...),
    n = tanh(W x + b + r (U h + b_n)), h' = (1 - z) n + z h. Long short-term memory:
    c' = f c + i g, h' = o tanh(c').
    """

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    w, u, b = (weights[name].astype(float) for name in ("weight_ih", "weight_hh", "bias"))
    states = []
    for shown in x.astype(float):
        if kind == "rnn":
            h = np.tanh(w @ shown + u @ h + b)
        elif kind == "gru":
            (r_in, z_in, n_in), (r_h, z_h, n_h) = np.split(w @ shown + b, 3), np.split(u @ h, 3)
            r, z = sigma(r_in + r_h), sigma(z_in + z_h)
            n = np.tanh(n_in + r * (n_h + weights["bias_n"]))
            h = (1 - z) * n + z * h
        else:
            i, f, g, o = np.split(w @ shown + u @ h + b, 4)
            c = sigma(f) * c + sigma(i) * np.tanh(g)
            h = sigma(o) * np.tanh(c)
        states.append((h, c))
    found = np.array(states)
    return found[:, 0], found[:, 1]


def relay_information(xin, xout, Y, relay):
    """(I_R, leak, I(in;out)) by the formula of eight entropies, counting tuples."""
    others = [j for j in range(len(Y[0])) if j not in set(relay)]
    every = range(len(Y[0]))

    def H(nodes, *labels):
        rows = [(*(row[j] for j in nodes), *label) for row, *label in zip(Y, *labels, strict=True)]
        return sum(m / len(Y) * math.log2(len(Y) / m) for m in Counter(rows).values())

    I_R = (
        -H(others)
        + H(others, xin)
        + H(every)
        + H(others, xout)
        - H(every, xin)
        - H(others, xin, xout)
        - H(every, xout)
        + H(every, xin, xout)
    )
    leak = H(every, xin) + H(every, xout) - H(every, xin, xout) - H(every)
    return I_R, leak, H([], xin) + H([], xout) - H([], xin, xout)


def random_word(key, counter):
    """SplitMix64 (Steele, Lea & Flood 2014), in Python's integers."""
    z = (key + counter * 0x9E3779B97F4A7C15) & (2**64 - 1)
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return z ^ (z >> 31)
