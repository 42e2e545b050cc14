"""Other distances beside the MAE, and what chance alone makes them: total variation,
Jensen-Shannon divergence, and Wasserstein-1 distance of ordered categories.

Arrays are (C, K): C contexts by K categories. Counts are of valid rounds only.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import rel_entr

from distalign.statistics.mae import absolute_errors, expected_error

Floats = NDArray[np.float64]


def total_variation(counts: ArrayLike, target: ArrayLike) -> Floats:
    """sum_k |share - target| / 2 of each context, shape (C,): K / 2 times its MAE."""
    return absolute_errors(counts, target) * np.shape(target)[-1] / 2


def expected_total_variation(target: ArrayLike, n_valid: ArrayLike) -> Floats:
    """The total variation that a perfect sampler expects of n_valid (C,) rounds, exact, (C,)."""
    return expected_error(target, n_valid) * np.shape(target)[-1] / 2


def jensen_shannon(counts: ArrayLike, target: ArrayLike) -> Floats:
    """Jensen-Shannon divergence in bits of shares and target, (C,), in [0, 1]; not its root.

    Every context has a valid round.
    """
    counts = np.asarray(counts, float)
    return _terms(counts / counts.sum(-1, keepdims=True), np.asarray(target, float)).sum(-1)


def expected_jensen_shannon(target: ArrayLike, n_valid: ArrayLike) -> Floats:
    """The divergence that a perfect sampler expects of n_valid (C,) rounds, (C,).

    Exact: a sum over categories, each of a binomial count.
    """
    means = []
    for p, n in zip(np.asarray(target, float), np.asarray(n_valid, int), strict=True):
        k = np.arange(n + 1)[:, None]
        means.append((stats.binom.pmf(k, n, p) * _terms(k / n, p)).sum())
    return np.array(means)


def wasserstein(counts: ArrayLike, target: ArrayLike) -> Floats:
    """Wasserstein-1 distance of each context over ordered categories one step apart, (C,).

    The mean over the K - 1 places between categories of the difference of the shares below: 1
    is all answers at the wrong end. Every context has a valid round. (Vallender, Calculation of
    the Wasserstein distance between probability distributions on the line, 1974.)
    """
    counts, target = np.asarray(counts, float), np.asarray(target, float)
    below = (counts / counts.sum(-1, keepdims=True) - target).cumsum(-1)[:, :-1]
    return np.abs(below).mean(-1)


def expected_wasserstein(target: ArrayLike, n_valid: ArrayLike) -> Floats:
    """The Wasserstein-1 distance that a perfect sampler expects of n_valid (C,) rounds, (C,).

    Exact: the number of rounds below each place is binomial.
    """
    below = np.clip(np.asarray(target, float).cumsum(-1)[:, :-1], 0, 1)
    return expected_error(below, n_valid)


def _terms(share: Floats, target: Floats) -> Floats:
    middle = (share + target) / 2
    return (rel_entr(share, middle) + rel_entr(target, middle)) / (2 * np.log(2))
