"""The interval for the true mean deviation: coverage by simulation, and the edges."""

import time

import numpy as np
import pytest

from distalign.statistics.deviation import deviation_interval
from distalign.statistics.mae import absolute_errors, expected_error

ROUNDS = 100


def room(target: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """How far p = target + t * direction stays a distribution, (..., C)."""
    limit = np.where(direction > 0, 1 - target, target)
    return (limit / np.maximum(np.abs(direction), 1e-12)).min(-1)


def true_shares(target: np.ndarray, shape: str, delta: float, rng) -> np.ndarray:
    """Random p with mean |p - target| = delta exactly, valid everywhere.

    Directions are random in each context. Sizes over contexts are equal, half-normal,
    exponential or, if sparse, equal in a fifth of the contexts (more where a fifth has not
    enough room) and 0 elsewhere. Where a size does not fit, the largest that does is taken.
    """
    n_contexts, n_categories = target.shape
    direction = rng.normal(size=(8, n_contexts, n_categories))
    direction[..., -1] -= direction.sum(-1) if n_categories == 2 else 0
    direction -= direction.mean(-1, keepdims=True)
    direction /= np.abs(direction).mean(-1, keepdims=True)
    limits = room(target, direction)
    size = {
        "equal": np.ones(n_contexts),
        "half-normal": np.abs(rng.normal(size=n_contexts)),
        "exponential": rng.exponential(size=n_contexts),
    }.get(shape)
    if size is None:
        order, n_off = rng.permutation(n_contexts), n_contexts // 5
        room_used = 0.75 * limits.max(0)[order].cumsum() / n_contexts
        n_off = max(n_off, int((room_used < delta).sum()) + 1)
        size = np.isin(np.arange(n_contexts), order[:n_off]).astype(float)

    def deviations(scale: float) -> np.ndarray:
        fits = limits >= scale * size
        pick = np.where(fits.any(0), fits.argmax(0), limits.argmax(0))
        each = np.arange(n_contexts)
        return np.minimum(scale * size, limits[pick, each])[:, None] * direction[pick, each]

    low, high = 0.0, 50.0
    for _ in range(50):
        middle = (low + high) / 2
        below = np.abs(deviations(middle)).mean() < delta
        low, high = (middle, high) if below else (low, middle)
    p = np.clip(target + deviations(high), 0, 1)
    assert np.abs(p - target).mean() == pytest.approx(delta, abs=1e-6)
    return p / p.sum(-1, keepdims=True)


def covered(target: np.ndarray, shape: str, floors: float, draws: int, rng) -> np.ndarray:
    """Whether the interval holds Delta, for 30 sets of true shares with `draws` runs each."""
    delta = floors * expected_error(target, [ROUNDS] * len(target)).mean()
    shares = [true_shares(target, shape, delta, rng) for _ in range(30)]
    counts = [rng.multinomial(ROUNDS, p, size=(draws, len(p))) for p in shares]
    interval = deviation_interval(np.concatenate(counts), target)
    return (interval.low <= delta + 1e-9) & (delta - 1e-9 <= interval.high)


@pytest.mark.parametrize("n_contexts", [14, 25])
@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_coverage(n_categories: int, n_contexts: int) -> None:
    rng = np.random.default_rng(n_contexts)
    target = rng.dirichlet(np.full(n_categories, 3.0), size=n_contexts)
    null = rng.multinomial(ROUNDS, target, size=(1500, n_contexts))
    assert (deviation_interval(null, target).low == 0).mean() >= 0.93
    for floors in (1, 2, 5):
        shapes = {
            shape: covered(target, shape, floors, 17, rng).mean()
            for shape in ("equal", "half-normal", "exponential")
        }
        assert 0.93 <= np.mean([*shapes.values()]) <= 0.97, (floors, shapes)
        assert min(shapes.values()) >= 0.90, (floors, shapes)
        # Few contexts far off are the hard case: see deviation_interval.
        assert covered(target, "sparse", floors, 10, rng).mean() >= 0.85, floors


def test_estimate_and_interval_of_plain_cases() -> None:
    fair = np.full((25, 2), 0.5)
    far = deviation_interval(np.full((25, 2), [90, 10]), fair)
    np.testing.assert_allclose(far.estimate, 0.4, atol=0.002)
    # Far from 0 the MAE is a mean of 25 binomial shares: 1.96 sqrt(0.9 * 0.1 / 2500).
    np.testing.assert_allclose([far.low, far.high], [0.388, 0.412], atol=0.002)
    none = deviation_interval(np.full((25, 2), [50, 50]), fair)
    assert none.estimate == none.low == 0


def test_estimate_has_not_the_upward_bias_of_the_mae() -> None:
    rng = np.random.default_rng(0)
    target = np.full((25, 2), 0.5)
    p = np.stack([true_shares(target, "half-normal", 0.04, rng) for _ in range(400)])
    counts = rng.multinomial(ROUNDS, p)
    assert np.median([absolute_errors(c, target).mean() for c in counts]) > 0.054
    assert np.median(deviation_interval(counts, target).estimate) == pytest.approx(0.04, abs=0.003)


def test_contexts_may_have_different_numbers_of_rounds() -> None:
    rng = np.random.default_rng(0)
    n = np.array([20, 50, 100, 80, 60] * 5)
    target = np.full((25, 2), 0.5)
    p = target + rng.choice([-1, 1], (25, 1)) * [0.05, -0.05]
    counts = rng.multinomial(n, p, size=(1000, 25))
    interval = deviation_interval(counts, target)
    hits = (interval.low <= 0.05) & (interval.high >= 0.05)
    assert 0.92 <= hits.mean() <= 0.98


@pytest.mark.parametrize(
    ("counts", "target"),
    [
        ([[1, 0]], [[0.5, 0.5]]),
        ([[100, 0], [50, 50]], [[0.0, 1.0], [0.5, 0.5]]),
        ([[100, 0, 0]] * 14, [[1.0, 0.0, 0.0]] * 14),
        ([[3, 1], [1, 0], [50, 50]], [[0.5, 0.5]] * 3),
    ],
)
def test_edges_stay_in_range(counts, target) -> None:
    with np.errstate(divide="raise", invalid="raise"):
        estimate, low, high = deviation_interval(counts, target)
    assert 0 <= low <= estimate <= high <= 1


def test_one_interval_takes_milliseconds() -> None:
    rng = np.random.default_rng(0)
    target = np.full((25, 5), 0.2)
    counts = rng.multinomial(ROUNDS, target)
    start = time.perf_counter()
    deviation_interval(counts, target)
    assert time.perf_counter() - start < 0.2
