"""How many rounds it takes to see a deviation of a given size."""

import math
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats


def rounds_needed(
    target: ArrayLike,
    deviation: float,
    n_contexts: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int:
    """Valid rounds a context with which Pearson's test of all contexts together sees it.

    Every context deviates, in the way that is hardest to see: `deviation` = mean_k |p_k - P*_k|,
    moved between two groups of categories in proportion to the targets in each. The test's
    statistic sum_c sum_k n (share - P*)^2 / P* is then noncentral chi-squared with C (K - 1)
    degrees of freedom and noncentrality n sum_c TV^2 / (P*(A) P*(B)), TV = K deviation / 2.

    Args:
        target: (K,) of every context, or (n_contexts, K).

    Raises:
        ValueError: no distribution over the categories with a target above 0 is so far from it.
    """
    target = np.asarray(target, float)
    target = np.broadcast_to(target, (n_contexts, target.shape[-1]))
    per_round = sum(_hardest(row, deviation * target.shape[-1] / 2) for row in target)
    freedom = ((target > 0).sum(-1) - 1).sum()
    critical = stats.chi2.isf(alpha, freedom)

    def shortfall(noncentrality: float) -> float:
        return stats.ncx2.sf(critical, freedom, noncentrality) - power

    needed = optimize.brentq(shortfall, 1e-9, 10 * (critical + 10))
    return math.ceil(needed / per_round)


def _hardest(target: NDArray, variation: float) -> float:
    """Least TV^2 / (P(A) P(B)) over the groups A that can give away so much."""
    possible = target[target > 0]  # an answer that must not be is seen at once
    groups = np.array([*product([0.0, 1.0], repeat=len(possible))])[1:-1] @ possible
    groups = groups[groups >= variation]
    if not len(groups):
        raise ValueError(f"no distribution has a total variation of {variation:g} from {target}")
    return float((variation**2 / (groups * (1 - groups))).min())
