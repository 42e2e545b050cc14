"""The true mean deviation: what would remain of the MAE with infinitely many rounds.

Delta = mean_c mean_k |p_ck - P*_ck| of FIXED contexts, p_ck being what the sampler really does.
The MAE overstates it by up to the floor, because |.| is not smooth at 0. By how much depends on
how the deviation is spread over the cells (c, k), which few rounds do not tell: so the interval
holds for every way to spread it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


def _bounds() -> Floats:
    """Coefficients of the three statistics, (B, 3): one bound on Delta each."""
    sizes = [0, 0.4, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5]
    others = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.5])
    others = np.concatenate([others, -others])
    pairs = [(0.0, 0.0), *((0.4 * b, 0.0) for b in others), *((0.0, b) for b in others)]
    return np.array([(a, *pair) for a in sizes for pair in pairs])


_COEFFICIENTS = _bounds()
_STEPS = np.linspace(0, 1, 50) ** 2
# Above 1.96, since the best of many bounds is taken.
_Z = 2.2
# Rounds that are added to each context before its noise is simulated: half as the target says,
# half even. A category that was never seen may still come.
_EXTRA = 1.0
FEW = 5
"""Contexts below which more are added and the noise is taken wider: there the normal quantile does
not hold, and one that is far off may show nothing else by chance."""


class Deviation(NamedTuple):
    """Estimate of Delta and its 95 % interval, each (...)."""

    estimate: Floats
    low: Floats
    high: Floats


def deviation_interval(
    counts: ArrayLike, target: ArrayLike, rng: np.random.Generator, resamples: int = 200
) -> Deviation:
    """Interval for Delta, each (...), from three statistics that every cell has (`_statistics`).

    For any three coefficients, each cell's |p - P*| lies between the statistics' expectation,
    so weighted, plus the least and plus the greatest difference of the two over all p in
    [0, 1]: both follow from the binomial distribution. Their means over cells bound Delta from
    what was observed, whatever p is. The noise of the observed is allowed for, and the best
    bounds of many coefficients are taken. The estimate is the middle of the best bounds without
    noise.

    It speaks of these contexts, prompts and this sampler: rounds are random, contexts are not.
    docs/statistics.md has its coverage by simulation.

    Args:
        counts: (..., C, K) valid rounds, at least one a context, and as many in all of `...`.
        target: (C, K).
        rng: of the multinomial draws that give the noise of the statistics.
    """
    counts, target = np.asarray(counts, int), np.asarray(target, float)
    n_contexts, n_categories = target.shape
    n = counts.sum(-1).reshape(-1, n_contexts)[0]
    observed = _statistics(counts / n[:, None], target, n[:, None]).mean((-2, -1))
    middle = np.einsum("bj,j...->...b", _COEFFICIENTS, observed)

    near = (target + 1 / n_categories) / 2
    extra = _EXTRA * max(1.0, FEW / n_contexts)
    z = _Z * max(1.0, 1 + (FEW - n_contexts) / 8)
    plug_in = (counts + extra * near) / (n[:, None] + extra)

    def noise(shares: Floats) -> Floats:
        """Standard error of each bound where these are the true shares, (..., B)."""
        draws = rng.multinomial(n, shares, size=(resamples, *shares.shape[:-1]))
        drawn = _statistics(draws / n[:, None], target, n[:, None]).mean(-1)
        drawn -= drawn.mean(1, keepdims=True)
        covariance = np.einsum("ir...c,jr...c->...ij", drawn, drawn) / resamples / n_contexts**2
        variance = np.einsum("bi,...ij,bj->...b", _COEFFICIENTS, covariance, _COEFFICIENTS)
        return np.sqrt(np.maximum(variance, 0))

    least, greatest, perfect = _differences(target, n)
    limit = 2 / n_categories
    estimate = ((least + middle).max(-1) + (greatest + middle).min(-1)) / 2
    estimate = np.clip(estimate, 0, limit)
    spread = noise(plug_in)
    low = np.clip((least + middle - z * spread).max(-1), 0, estimate)
    high = (greatest + middle + z * spread).min(-1)
    # A lucky draw, or rounds that are drawn together, prove no more than an ordinary draw of a
    # perfect sampler does.
    ordinary = (greatest + perfect + z * noise(target)).min()
    high = np.clip(np.maximum(high, ordinary), estimate, limit)
    return Deviation(estimate, low, high)


def _statistics(shares: Floats, target: Floats, n: Floats) -> Floats:
    """|x|, x^2 / w and w exp(-(x / w)^2 / 4.5) of x = share - P*, stacked first.

    w is about the standard error of x at the target. The third tells cells near their target
    from those far off, where the size needs no correction.
    """
    w = np.sqrt(target * (1 - target) / n) + 1 / (3 * n)
    x = shares - target
    return np.stack([np.abs(x), x**2 / w, w * np.exp(-((x / w) ** 2) / 4.5)])


def _differences(target: Floats, n: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Least and greatest |p - P*| less the weighted expectation, mean over cells, each (B,).

    The third is the weighted expectation of a perfect sampler.
    """
    rounds = np.broadcast_to(n[:, None], target.shape)
    cells = np.stack([target.ravel().round(12), rounds.ravel()], -1)
    cells, times = np.unique(cells, axis=0, return_counts=True)
    least, greatest, perfect = np.zeros((3, len(_COEFFICIENTS)))
    for (goal, n_rounds), weight in zip(cells, times / times.sum(), strict=True):
        p = np.concatenate([goal * (1 - _STEPS), goal + (1 - goal) * _STEPS])
        successes = np.arange(n_rounds + 1)
        chance = stats.binom.pmf(successes, n_rounds, p[:, None])
        statistics = _statistics(successes / n_rounds, goal, n_rounds)
        expected = _COEFFICIENTS @ (statistics @ chance.T)
        gap = np.abs(p - goal) - expected
        least += weight * gap.min(-1)
        greatest += weight * gap.max(-1)
        perfect += weight * expected[:, 0]  # the first p is the target
    return least, greatest, perfect
