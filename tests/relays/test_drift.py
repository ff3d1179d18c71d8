"""How profiles of scores drift and smear."""

import numpy as np
import pytest

import flux


def test_drift_by_hand():
    """Profiles (1, 0), (3, 1), (0, 2): over two nodes correlation is the sign of the slopes.

    Jaccard, one step later: min sums 1 and 1, max sums 4 and 5 (3 and 2).
    """
    found = flux.drift([[1, 0], [3, 1], [0, 2]])
    np.testing.assert_allclose(found.correlation, [1, -1], atol=1e-12)
    np.testing.assert_allclose(found.jaccard, [1 / 4, 1 / 5], atol=1e-12)
    np.testing.assert_array_equal(found.ceiling_jaccard, [1, 1])
    np.testing.assert_allclose(found.ceiling_correlation, [1, 1])
    far = flux.drift([[1, 0], [3, 1], [0, 2]], lag=2)
    np.testing.assert_allclose([*far.correlation, *far.jaccard], [-1, 0], atol=1e-12)


def test_drift_of_flat_and_negative_profiles():
    found = flux.drift([[-1, -2, -3], [1, 1, 1], [0, 0, 0]])
    assert np.isnan(found.correlation).all()
    assert found.jaccard.tolist() == [0, 0]
    assert np.isnan(flux.drift([[-1, -2], [-1, -2]]).jaccard).all()


def test_drift_from_other_samples():
    """Noise of equal size as the profile: of a profile that stays, half the correlation is left.

    The ceiling says so: the ratio of both is 1.
    """
    generator = np.random.default_rng(1)
    profile = generator.normal(size=20_000)
    scores, again = profile + generator.normal(size=(2, 4, 20_000))
    found = flux.drift(scores, 1, again)
    np.testing.assert_allclose(found.correlation, 0.5, atol=0.03)
    np.testing.assert_allclose(found.correlation / found.ceiling_correlation, 1, atol=0.06)
    np.testing.assert_allclose(found.jaccard / found.ceiling_jaccard, 1, atol=0.06)
    assert found.ceiling_jaccard.max() < 0.7


def test_smearedness():
    scores = np.array([[[1.0, 0.5], [0.0, 0.0]], [[0.25, 0.5], [-1.0, 2.0]]])
    assert flux.smearedness(scores).tolist() == [[0.25, 0.5], [-1.0, 0.0]]
    assert flux.smearedness(scores[:, 0]).tolist() == [0.25, 0.5]


def test_bad_scores():
    with pytest.raises(ValueError, match=r"scores must have shape \(steps, nodes\)"):
        flux.drift([1.0, 2.0])
    with pytest.raises(ValueError, match="lag must be an integer from 1 to 1"):
        flux.drift([[1.0, 2.0], [1.0, 2.0]], 2)
    with pytest.raises(ValueError, match=r"again must have shape \(2, 2\)"):
        flux.drift(np.eye(2), 1, np.eye(3))
    with pytest.raises(ValueError, match="scores must be finite"):
        flux.smearedness([[np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"scores must have shape \(concepts, ..., nodes\)"):
        flux.smearedness([1.0])
