"""Whole numbers of responses for shares (equation 6)."""

import numpy as np
from numpy.typing import ArrayLike


def largest_remainder(target: ArrayLike, n: int) -> list[int]:
    """N_k of equation 6, so that sum_k N_k = n and |N_k - n p_k| < 1.

    Ties go to the earlier category.
    """
    quotas = np.asarray(target, float) * n
    counts = np.floor(quotas + 1e-9).astype(int)
    # Rounded, so that remainders that differ by float noise alone count as ties.
    order = np.argsort(-(quotas - counts).round(9), kind="stable")
    counts[order[: n - counts.sum()]] += 1
    return counts.tolist()
