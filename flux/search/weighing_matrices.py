"""Weighing matrices: entries 0 and +-1, orthogonal rows, k entries a row.

`weighing_matrix` tries its constructions in the order of `CONSTRUCTIONS`. Each looks at (n, k)
and returns a function that builds the matrix, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import combinations_with_replacement
from math import inf, isqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, circulant

from flux._base.checks import check_count, check_real
from flux._base.errors import ArgumentError
from flux._base.integers import is_square, prime_power
from flux._base.memory import check_memory
from flux._base.types import Codes, Floats
from flux.search import _finite_fields as galois

Signs = NDArray[np.int8]
Builder = Callable[[], Signs]

LARGEST_PAIR = 11
"""Longest circulants of which pairs are searched: 3**11 rows take a fraction of a second."""
LARGEST_FOUR = 7
"""Longest circulants of which fours are searched."""


def weighing_matrix(n: int, k: int, *, strength: float) -> Floats:
    """Return a weighing matrix W(n, k): entries 0 and +-w, k a row, and W W^T = k w**2 1.

    Every neuron hears k others, equally strongly, and no two rows overlap: W(n, 1) are
    N-rooks, W(n, n - 1) conference matrices, W(n, n) Hadamard matrices. Equation
    :eq:`eq-bey-weighing` of the book.

    Parameters
    ----------
    n : int
        Number of neurons.
    k : int
        Number of weights that are not zero in each row (and column), 1 to `n`.
    strength : float
        Magnitude w of those weights.

    Returns
    -------
    (n, n) float64
        Weights; always the same matrix for the same `n` and `k`. Rows in another order make
        a weighing matrix too, but may make another flux.

    Raises
    ------
    ValueError
        If a parameter is out of its range, if there is no such matrix, or if none is known
        here; the message says which, and what can be built instead.
    TooLargeError
        If the matrix would not fit into memory.

    References
    ----------
    Geramita & Seberry (1979), Orthogonal Designs; Paley (1933), Journal of Mathematics and
    Physics 12, 311-320; Goethals & Seidel (1967), Canadian Journal of Mathematics 19, 1001-1010;
    (1970), Journal of the Australian Mathematical Society 11, 343-344.

    Examples
    --------
    >>> weighing_matrix(4, 3, strength=2.0)
    array([[ 0.,  2., -2.,  2.],
           [-2.,  0.,  2.,  2.],
           [ 2., -2.,  0.,  2.],
           [-2., -2., -2.,  0.]])
    """
    n = check_count("n", n, 1)
    k = check_count("k", k, 1, n)
    strength = check_real("strength", strength, 0.0)
    check_memory(17.0 * n * n, f"a dense weight matrix of n = {n} neurons", "use design_flux")
    build = find_design(n, k)
    if build is None:
        raise ArgumentError(_why_not(n, k))
    return strength * build().astype(np.float64)


@cache
def find_design(n: int, k: int) -> Builder | None:
    """Return the function that builds a W(n, k), or None."""
    if obstacle(n, k):
        return None
    builders = (construct(n, k) for construct in CONSTRUCTIONS)
    return next((build for build in builders if build), None)


def obstacle(n: int, k: int) -> str:
    """Return which known theorem excludes a W(n, k); an empty string if none does."""
    if n % 2 == 1:
        if not is_square(k):
            return "for odd n, k must be a square"
        if (n - k) ** 2 - (n - k) + 1 < n:
            return "for odd n, (n - k)**2 - (n - k) + 1 must be at least n"
    elif n % 4 == 2 and n > 2:
        if k == n:
            return "for k = n > 2, n must be divisible by 4"
        if not any(is_square(k - a * a) for a in range(isqrt(k) + 1)):
            return "for n = 2 modulo 4, k must be a sum of two squares"
    return ""


def split_order(n: int, k: int, largest: int) -> list[int] | None:
    """Return the fewest orders m <= `largest` that add up to n and have a W(m, k), or None."""
    orders = [m for m in range(k, min(n, largest) + 1) if find_design(m, k)]
    terms, last = [0.0], [0]  # for each sum: how many orders it takes, and one of them
    for total in range(1, n + 1):
        fewest = min(((1 + terms[total - m], m) for m in orders if m <= total), default=(inf, 0))
        terms.append(fewest[0])
        last.append(fewest[1])
    if terms[n] == inf:
        return None
    parts = []
    while n > 0:
        parts.append(last[n])
        n -= last[n]
    return parts


def _why_not(n: int, k: int) -> str:
    reason = obstacle(n, k)
    begin = f"there is no weighing matrix W({n}, {k}): {reason}"
    if not reason:
        begin = f"no weighing matrix W({n}, {k}) is known here, though one may exist"
    near_n = _nearest(n, range(k, n + 2 * k + 9), lambda m: find_design(m, k))
    near_k = _nearest(k, range(1, n + 1), lambda j: find_design(n, j))
    near = [f"W({m}, {k})" for m in near_n] + [f"W({n}, {j})" for j in near_k]
    return f"k must fit n, but k was {k} and n was {n}: {begin}. Nearest: {', '.join(near)}"


def _nearest(wanted: int, values: range, works: Callable[[int], object]) -> list[int]:
    """Return the nearest value below and the nearest above that work, as far as there are any."""
    below = (v for v in range(wanted - 1, values.start - 1, -1) if works(v))
    above = (v for v in range(wanted + 1, values.stop) if works(v))
    return [v for v in (next(below, None), next(above, None)) if v is not None]


def _identity(n: int, k: int) -> Builder | None:
    return (lambda: np.eye(n, dtype=np.int8)) if k == 1 else None


def _paley(n: int, k: int) -> Builder | None:
    """Conference matrices W(q + 1, q), skew for q = 3 mod 4 and symmetric for q = 1 mod 4."""
    q = n - 1
    if k != q or q % 2 == 0 or not prime_power(q):
        return None
    return lambda: _conference(q)


def _conference(q: int) -> Signs:
    """Return the characters of all determinants of two points of the projective line."""
    F = galois.galois_field(q)
    points = _projective_points(q, 2)
    x, y = points[:, None], points[None]
    product = galois.multiply(F, x[..., 1], y[..., 0])
    cross = galois.multiply(F, x[..., 0], y[..., 1])
    return galois.character(F, galois.add(F, cross, galois.negative(F, product)))


def _skew_conference(n: int) -> Builder | None:
    """W(n, n - 1) with S^T = -S: Paley's, and from each one of twice the order."""
    if n % 4 == 0 and prime_power(n - 1):
        return lambda: _conference(n - 1)
    half = _skew_conference(n // 2) if n % 8 == 0 else None
    if half is None:
        return (lambda: np.array([[0, 1], [-1, 0]], np.int8)) if n == 2 else None
    one = np.eye(n // 2, dtype=np.int8)
    return lambda: np.block([[half(), half() + one], [half() - one, -half()]])


def _doubled_skew(n: int, k: int) -> Builder | None:
    return _skew_conference(n) if k == n - 1 else None


def _hadamard(n: int, k: int) -> Builder | None:
    """W(n, n) from a skew S of that order (S + 1), or a symmetric C of half of it (Paley II)."""
    if k != n:
        return None
    if skew := _skew_conference(n):
        return lambda: skew() + np.eye(n, dtype=np.int8)
    half = n // 2
    if n % 4 != 0 or half % 4 != 2 or not (symmetric := _paley(half, half - 1)):
        return None
    one = np.eye(half, dtype=np.int8)
    return lambda: np.block(
        [[symmetric() + one, symmetric() - one], [symmetric() - one, -symmetric() - one]]
    )


def _projective(n: int, k: int) -> Builder | None:
    """W((q**d - 1) / (q - 1), q**(d - 1)) for odd q: the characters of all scalar products."""
    if not (power := prime_power(k)) or power[0] == 2:
        return None
    p, m = power
    for degree in range(1, m + 1):
        q, d = p**degree, m // degree + 1
        if m % degree == 0 and (q**d - 1) // (q - 1) == n:
            return lambda: _scalar_characters(q, d)
    return None


def _scalar_characters(q: int, d: int) -> Signs:
    F = galois.galois_field(q)
    x = _projective_points(q, d)
    total = np.zeros((len(x), len(x)), np.int64)
    for c in range(d):
        total = galois.add(F, total, galois.multiply(F, x[:, None, c], x[None, :, c]))
    return galois.character(F, total)


def _projective_points(q: int, d: int) -> Codes:
    """Return the vectors of GF(q)**d whose first coordinate that is not 0 is 1."""
    points = [
        np.concatenate([np.zeros(zeros, np.int64), [1], rest])
        for zeros in range(d)
        for rest in np.ndindex(*(q,) * (d - zeros - 1))
    ]
    return np.array(points, np.int64)


def _singer(n: int, k: int) -> Builder | None:
    """Circulant W(q**2 + q + 1, q**2): how often a line meets the oval -D, less one."""
    q = isqrt(k)
    if q * q != k or n != q * q + q + 1 or not prime_power(q):
        return None
    return lambda: _circulant_from_plane(q)


def _circulant_from_plane(q: int) -> Signs:
    F = galois.galois_field(q**3)
    v = q * q + q + 1
    i = np.arange(v)
    trace = galois.add(F, F.power[i], F.power[i * q % (q**3 - 1)])
    trace = galois.add(F, trace, F.power[i * q * q % (q**3 - 1)])
    line = np.flatnonzero(trace == 0)
    sums = np.bincount((line[:, None] + line).ravel() % v, minlength=v)
    return circulant(sums - 1).astype(np.int8)


def _two_circulants(n: int, k: int) -> Builder | None:
    """Two circulants with A A^T + B B^T = k 1 give [[A, B], [-B^T, A^T]]."""
    if n % 2 == 1 or n // 2 > LARGEST_PAIR:
        return None
    rows = _circulant_rows(n // 2)
    for key, a in rows.items():
        b = rows.get((k - key[0], *(-c for c in key[1:])))
        if b is not None:
            A, B = circulant(a), circulant(b)
            return lambda: np.block([[A, B], [-B.T, A.T]])
    return None


def _four_circulants(n: int, k: int) -> Builder | None:
    """Four circulants with A A^T + ... + D D^T = k 1 in the array of Goethals and Seidel."""
    if n % 4 != 0 or n // 4 > LARGEST_FOUR:
        return None
    rows = _circulant_rows(n // 4)
    pairs = {
        tuple(map(sum, zip(one, other, strict=True))): (rows[one], rows[other])
        for one, other in combinations_with_replacement(rows, 2)
    }
    for key, pair in pairs.items():
        rest = pairs.get((k - key[0], *(-c for c in key[1:])))
        if rest:
            four = [circulant(row) for row in (*pair, *rest)]
            return lambda: _goethals_seidel(*four)
    return None


def _goethals_seidel(A: Signs, B: Signs, C: Signs, D: Signs) -> Signs:
    b, c, d = B[:, ::-1], C[:, ::-1], D[:, ::-1]  # times the back-identity R
    bt, ct, dt = B.T[:, ::-1], C.T[:, ::-1], D.T[:, ::-1]
    return np.block([[A, b, c, d], [-b, A, dt, -ct], [-c, -dt, A, bt], [-d, ct, -bt, A]])


@cache
def _circulant_rows(m: int) -> dict[tuple[int, ...], Signs]:
    """Return a row of 0, +-1 for each pattern (entries, autocorrelations at 1, ..., m // 2)."""
    codes = np.arange(3**m)[:, None]
    rows = (codes // 3 ** np.arange(m) % 3 - 1).astype(np.int8)
    key = [(rows * np.roll(rows, shift, axis=1)).sum(1) for shift in range(m // 2 + 1)]
    patterns, first = np.unique(np.array(key).T, axis=0, return_index=True)
    return {tuple(p): rows[i] for p, i in zip(patterns.tolist(), first, strict=True)}


def _kronecker(n: int, k: int) -> Builder | None:
    """W(a, c) times W(n / a, k / c)."""
    for a in (a for a in range(2, isqrt(n) + 1) if n % a == 0):
        for c in (c for c in range(1, a + 1) if k % c == 0 and k // c <= n // a):
            one, other = find_design(a, c), find_design(n // a, k // c)
            if one and other:
                return partial(lambda A, B: np.kron(A(), B()), one, other)
    return None


def _one_more(n: int, k: int) -> Builder | None:
    """W(n / 2, k - 1) = A gives [[A, 1], [1, -A^T]]."""
    half = find_design(n // 2, k - 1) if n % 2 == 0 and 0 < k - 1 <= n // 2 else None
    if half is None:
        return None
    one = np.eye(n // 2, dtype=np.int8)
    return lambda: np.block([[half(), one], [one, -half().T]])


def _block_sum(n: int, k: int) -> Builder | None:
    """Smaller ones that do not hear one another."""
    orders = split_order(n, k, min(n - k, 4 * k + 16))
    if orders is None:
        return None
    blocks = [build for m in orders if (build := find_design(m, k))]
    return lambda: block_diag(*(build() for build in blocks))


CONSTRUCTIONS: list[Callable[[int, int], Builder | None]] = [
    _identity,
    _paley,
    _doubled_skew,
    _hadamard,
    _projective,
    _singer,
    _two_circulants,
    _four_circulants,
    _kronecker,
    _one_more,
    _block_sum,
]
