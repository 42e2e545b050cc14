"""The interval for the true mean deviation: coverage by simulation, and the edges."""

import time

import numpy as np
import pytest
from scipy import stats

from distalign.statistics.deviation import Deviation, deviation_interval
from distalign.statistics.mae import absolute_errors, expected_error

SHAPES = [
    "every category",
    "between two categories",
    "one category",
    "a fifth of the contexts",
    "one context",
    "collapsed",
]
TARGETS = ["even", "census", "random"]
ROUNDS = ["28", "100", "unequal"]


def targets(kind: str, n_contexts: int, n_categories: int, rng: np.random.Generator) -> np.ndarray:
    """Even; like a census, with a majority and small groups; random, with shares of 0.002."""
    if kind == "even":
        return np.full((n_contexts, n_categories), 1 / n_categories)
    if kind == "census":
        alpha = [0.8, 0.8] if n_categories == 2 else 9.0 / 2 ** np.arange(n_categories)
        return 0.98 * rng.dirichlet(alpha, size=n_contexts) + 0.02 / n_categories
    target = np.maximum(rng.dirichlet(np.ones(n_categories), size=n_contexts), 0.002)
    target[::3, -1] = 0.002
    target[:, 0] += 1 - target.sum(-1)
    return np.clip(target, 0.001, 1) / np.clip(target, 0.001, 1).sum(-1, keepdims=True)


def rounds(kind: str, n_contexts: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "unequal":
        return rng.choice([20, 50, 60, 80, 100], size=n_contexts)
    return np.full(n_contexts, int(kind))


def true_shares(target: np.ndarray, shape: str, delta: float, rng) -> np.ndarray:
    """Shares with a mean deviation of `delta`, or as much as the shape has room for.

    Mass goes from the first category to the second, or log-odds are added: normal ones in all
    contexts, in a fifth of them or in one; of one category, the same everywhere. A collapsed
    sampler says one category in each context and errs 0-30 % of the time, whatever delta is.
    """
    n_contexts, n_categories = target.shape
    if shape == "collapsed":
        drawn = rng.integers(n_categories, size=n_contexts)
        said = target.argmax(-1) if rng.random() < 0.5 else drawn
        errs = rng.uniform(0, 0.3, size=(n_contexts, 1))
        said = np.eye(n_categories)[said]
        return (1 - errs) * said + errs * (1 - said) / (n_categories - 1)
    odds = rng.normal(size=target.shape)
    if shape == "one category":
        odds = np.tile(np.eye(n_categories)[0], (n_contexts, 1))
    odds[
        {"a fifth of the contexts": n_contexts // 5, "one context": 1}.get(shape, n_contexts) :
    ] = 0

    def moved(size: float) -> np.ndarray:
        if shape == "between two categories":
            mass = np.minimum(size / 20, target[:, 0])
            return target + np.outer(mass, [-1, 1] + [0] * (n_categories - 2))
        shares = target * np.exp(size * odds)
        return shares / shares.sum(-1, keepdims=True)

    low, high = 0.0, 40.0
    for _ in range(50):
        middle = (low + high) / 2
        below = np.abs(moved(middle) - target).mean() < delta
        low, high = (middle, high) if below else (low, middle)
    shares = np.clip(moved(high), 0, 1)
    return shares / shares.sum(-1, keepdims=True)


def simulated(
    target: np.ndarray, n: np.ndarray, shape: str, floors: float, sets: int, draws: int, rng
) -> tuple[np.ndarray, Deviation]:
    """Delta and interval of `draws` runs for each of `sets` true shares; not (0, 0) ones."""
    delta = floors * expected_error(target, n).mean()
    shares = [true_shares(target, shape, delta, rng) for _ in range(sets)]
    counts = [rng.multinomial(n, p, size=(draws, len(p))) for p in shares]
    deltas = np.repeat([np.abs(p - target).mean() for p in shares], draws)
    return deltas, deviation_interval(np.concatenate(counts), target, rng)


def covered(delta: np.ndarray, interval: Deviation) -> np.ndarray:
    assert (interval.low < interval.high).all()  # never empty
    return (interval.low <= delta + 1e-9) & (delta - 1e-9 <= interval.high)


@pytest.mark.parametrize("shape", SHAPES)
def test_coverage_of_three_categories(shape: str) -> None:
    rng = np.random.default_rng(0)
    target, n = targets("random", 14, 3, rng), rounds("unequal", 14, rng)
    hits = [covered(*simulated(target, n, shape, f, 10, 5, rng)).mean() for f in (0, 0.5, 2)]
    assert np.mean(hits) >= 0.93


@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 0.9, 0.95, 0.98, 0.988, 0.995, 1.0])
def test_one_context_is_covered_exactly(share: float) -> None:
    """Over all outcomes of 100 rounds, each with its probability."""
    target, rng = np.array([[0.5, 0.5]]), np.random.default_rng(0)
    outcomes = np.arange(101)
    counts = np.stack([outcomes, 100 - outcomes], -1)[:, None]
    found = deviation_interval(counts, target, rng)
    delta = abs(share - 0.5)
    covered = (found.low <= delta + 1e-9) & (delta <= found.high + 1e-9)
    assert stats.binom.pmf(outcomes, 100, share) @ covered >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_coverage(n_categories: int, shape: str) -> None:
    """8 settings drawn from the whole list, 150 runs each; the table of docs/statistics.md."""
    rng = np.random.default_rng([n_categories, SHAPES.index(shape)])
    hits, widths = [], []
    for i in range(8):
        n_contexts = int(rng.choice([14, 25, 60]))
        target = targets(rng.choice(TARGETS), n_contexts, n_categories, rng)
        n, floors = rounds(rng.choice(ROUNDS), n_contexts, rng), [0, 0.5, 1, 5][i % 4]
        delta, interval = simulated(target, n, shape, floors, 15, 10, rng)
        hits.append(covered(delta, interval).mean())
        widths.append((interval.high - interval.low).mean() / expected_error(target, n).mean())
    print(f"| {n_categories} | {shape} | {min(hits):.3f} | {np.mean(hits):.3f}", end=" | ")
    print(f"{np.mean(widths):.2f} |")
    assert min(hits) >= 0.93 - 2.6 * np.sqrt(0.93 * 0.07 / 150)
    assert np.mean(hits) >= 0.93


def test_estimate_and_interval_of_plain_cases() -> None:
    rng = np.random.default_rng(0)
    fair = np.full((25, 2), 0.5)
    far = deviation_interval(np.full((25, 2), [90, 10]), fair, rng)
    # Far from 0 the MAE is a mean of 25 binomial shares: 1.96 sqrt(0.9 * 0.1 / 2500).
    np.testing.assert_allclose([*far], [0.4, 0.388, 0.412], atol=0.004)
    none = deviation_interval(np.full((25, 2), [50, 50]), fair, rng)
    assert none.estimate == none.low == 0
    # As regular as that, and yet no more sure than an ordinary draw of a perfect sampler.
    assert 0.03 < none.high < 0.05


@pytest.mark.parametrize("counts", [[100, 0], [99, 1]])
def test_a_sampler_that_always_says_one_thing_keeps_its_own_error(counts: list[int]) -> None:
    target = np.full((25, 2), [0.75, 0.25])
    counts = np.tile(counts, (25, 1))
    interval = deviation_interval(counts, target, np.random.default_rng(0))
    assert interval.low < absolute_errors(counts, target).mean() < interval.high


def test_estimate_has_not_the_upward_bias_of_the_mae() -> None:
    rng = np.random.default_rng(0)
    target, n = np.full((25, 2), 0.5), np.full(25, 100)
    for floors in (0.0, 1.0):
        delta, interval = simulated(target, n, "every category", floors, 20, 10, rng)
        bias = np.median(interval.estimate - delta) / expected_error(target, n).mean()
        assert abs(bias) < 0.4 < 1 - 0.5 * floors  # the MAE's is 1 and about 0.4


def test_same_generator_same_interval() -> None:
    counts, target = [[60, 40], [30, 60]], np.full((2, 2), 0.5)
    first, again, other = (
        deviation_interval(counts, target, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("counts", "target"),
    [
        ([[1, 0]], [[0.5, 0.5]]),
        ([[100, 0], [50, 50]], [[0.0, 1.0], [0.5, 0.5]]),
        ([[100, 0, 0]] * 14, [[1.0, 0.0, 0.0]] * 14),
        ([[0, 100]] * 14, [[1.0, 0.0]] * 14),
        ([[3, 1], [1, 0], [50, 50]], [[0.5, 0.5]] * 3),
    ],
)
def test_edges_stay_in_range(counts, target) -> None:
    with np.errstate(divide="raise", invalid="raise"):
        estimate, low, high = deviation_interval(counts, target, np.random.default_rng(0))
    assert 0 <= low <= estimate <= high <= 1
    assert low < high


def test_one_interval_takes_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    target = rng.dirichlet(np.ones(5), size=25)
    counts = rng.multinomial(100, target)
    start = time.process_time()
    deviation_interval(counts, target, rng)
    assert time.process_time() - start < 1
