"""Signed permutations for tests of rooks: drawn ones, and those of given rings."""

from hypothesis import strategies as st


@st.composite
def signed_permutations(draw: st.DrawFn, largest: int) -> tuple[list[int], list[int]]:
    """Draw permutation and signs of up to `largest` neurons."""
    n = draw(st.integers(1, largest))
    permutation = draw(st.permutations(range(n)))
    signs = draw(st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n))
    return list(permutation), signs


def ring_map(rings: list[int], products: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Return permutation and signs of rings with these products of signs."""
    permutation, signs = [], []
    for ring, product in zip(rings, products, strict=True):
        start = len(permutation)
        permutation += [start + (k - 1) % ring for k in range(ring)]
        signs += [product] + [1] * (ring - 1)
    return permutation, signs


def partitions(n: int, largest: int) -> list[list[int]]:
    """Return all lists of falling parts, none above `largest`, that add up to n."""
    if n == 0:
        return [[]]
    return [
        [part, *rest]
        for part in range(min(n, largest), 0, -1)
        for rest in partitions(n - part, part)
    ]
