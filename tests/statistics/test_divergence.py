import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from distalign.statistics.divergence import (
    expected_jensen_shannon,
    expected_total_variation,
    expected_wasserstein,
    jensen_shannon,
    total_variation,
    wasserstein,
)

COUNTS = [[3, 1, 0], [2, 3, 5], [0, 7, 0]]
TARGET = [[0.5, 0.25, 0.25], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]


def test_total_variation_by_hand() -> None:
    np.testing.assert_allclose(total_variation(COUNTS, TARGET), [0.25, 0, 1], atol=1e-12)


def test_jensen_shannon_is_scipys_squared() -> None:
    shares = np.array(COUNTS) / np.sum(COUNTS, -1, keepdims=True)
    expected = jensenshannon(shares, TARGET, base=2, axis=-1) ** 2
    np.testing.assert_allclose(jensen_shannon(COUNTS, TARGET), expected, atol=1e-12)
    assert jensen_shannon(COUNTS, TARGET)[2] == 1


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (total_variation, expected_total_variation),
        (jensen_shannon, expected_jensen_shannon),
    ],
)
def test_floors_are_means_over_perfect_samples(measure, expected) -> None:
    rng = np.random.default_rng(0)
    n = [100, 30, 1]
    draws = rng.multinomial(n, TARGET, size=(20_000, 3))
    means = [measure(draws[:, c], TARGET[c]).mean() for c in range(3)]
    np.testing.assert_allclose(expected(TARGET, n), means, rtol=0.02, atol=1e-12)


def test_wasserstein_by_hand_and_its_floor_by_every_outcome() -> None:
    # One step of three at the end, two steps for a quarter of the answers.
    target = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    counts = [[2, 2, 0], [0, 0, 4], [1, 1, 2]]
    np.testing.assert_allclose(wasserstein(counts, target), [0.125, 1, 0.025])
    n, exact = 4, 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            outcome = [a, b, n - a - b]
            chance = stats.multinomial.pmf(outcome, n, target[2])
            exact += chance * wasserstein([outcome], target[2:])[0]
    floors = expected_wasserstein(target, [4, 4, 4])
    np.testing.assert_allclose(floors[[1, 2]], [0, exact], atol=1e-12)
