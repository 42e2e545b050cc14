"""The MAE that is left once a judge's own errors, and what it could not read, are allowed for.

Arrays are (C, K): C contexts by K categories.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distalign.records.schemas import InputError

Floats = NDArray[np.float64]

# Jeffreys' prior: a category that was never misread so far may still be.
PRIOR = 0.5


class CorrectedError(NamedTuple):
    mae: float
    low: float
    high: float
    floor: float
    """Mean of `mae` for a perfect sampler read by this judge: correcting amplifies noise."""


def correct_shares(shares: ArrayLike, confusion: ArrayLike) -> Floats:
    """Shares of the true categories behind shares read by a judge, (..., C, K).

    A judge with P(read j | true k, readable) = R_kj reads q = s R of the readable texts, so
    s = q R^-1 (for two categories the estimator of Rogan and Gladen, 1978), moved to the
    nearest distribution. A judge that cannot tell categories apart leaves the smallest solution
    of the least-squares problem. Categories are not equally readable: with P(readable | k) =
    r_k, the shares of all texts are s_k / r_k over its sum. What else makes texts unreadable is
    taken to be as frequent in all categories.

    Args:
        shares: (..., C, K) shares of the valid readings; rows of nan stay so.
        confusion: (..., K, K + 1), true category by read category and, last, no valid reading;
            counts or rates.
    """
    shares, confusion = np.asarray(shares, float), np.asarray(confusion, float)
    valid = confusion[..., :-1]
    readable = valid.sum(-1, keepdims=True)
    readings = project_to_simplex(shares @ np.linalg.pinv(valid / readable))
    weights = np.swapaxes(confusion.sum(-1, keepdims=True) / readable, -1, -2)
    return readings * weights / (readings * weights).sum(-1, keepdims=True)


def project_to_simplex(points: ArrayLike) -> Floats:
    """Nearest distribution to each point of (..., K) in Euclidean distance.

    By sorting: Duchi et al., Efficient projections onto the l1-ball (2008), figure 1.
    """
    points = np.asarray(points, float)
    descending = -np.sort(-points, axis=-1)
    excess = descending.cumsum(-1) - 1
    ranks = np.arange(1, points.shape[-1] + 1)
    last = (descending * ranks > excess).sum(-1, keepdims=True)
    shift = np.take_along_axis(excess, np.maximum(last, 1) - 1, -1) / np.maximum(last, 1)
    return np.maximum(points - shift, 0)


def corrected_mae(
    counts: ArrayLike,
    target: ArrayLike,
    confusion: ArrayLike,
    resamples: int,
    rng: np.random.Generator,
) -> CorrectedError:
    """Equation 12 on corrected shares, with a 95 % interval.

    It estimates the MAE that a judge without error would find on as many rounds: noise of
    the rounds is not subtracted, and what correcting adds to it is in `floor`. The interval
    resamples each context's rounds and draws the judge's rates from their posterior, both at
    once. |.| makes such draws too high on average, and the estimate itself where judge and
    MAE are small: the lower bound is the basic bootstrap's, 2 mae - q, and the upper one the
    percentile q with the draws moved to have the estimate as their mean. tests/ holds a
    simulation of its coverage.

    The rates are taken to be those of the labelled texts, and equal in all contexts.

    Args:
        counts: (C, K) valid rounds as read. Contexts without one are left out.
        target: (C, K).
        confusion: (K, K + 1) labelled texts, true category by read category; the last column
            has those without a valid reading.

    Returns:
        All nan where no context has a valid round.

    Raises:
        InputError: no labelled text of some category was read as any category.
    """
    drawn, wanted = np.asarray(counts, int), np.asarray(target, float)
    labelled = np.asarray(confusion, int)
    if (labelled[:, :-1].sum(-1) == 0).any():
        raise InputError(
            f"judge's confusion matrix {labelled.tolist()}: a category without a valid reading "
            "cannot be corrected for; label more texts of it in data/judge"
        )
    kept = drawn.sum(-1) > 0
    if not kept.any():
        return CorrectedError(*[float("nan")] * 4)
    drawn, wanted = drawn[kept], wanted[kept]
    totals = drawn.sum(-1)
    shares = drawn / totals[:, None]
    mae = float(_mae(correct_shares(shares, labelled), wanted))
    rounds = rng.multinomial(totals, shares, size=(resamples, len(totals))) / totals[:, None]
    rates = rng.standard_gamma(labelled + PRIOR, size=(resamples, *labelled.shape))
    draws = _mae(correct_shares(rounds, rates), wanted)
    high = np.quantile(draws, 0.975)
    read = wanted @ (rates / rates.sum(-1, keepdims=True))[..., :-1]
    read /= read.sum(-1, keepdims=True)
    perfect = rng.multinomial(totals, read) / totals[:, None]
    floor = _mae(correct_shares(perfect, labelled), wanted).mean()
    bounds = max(0.0, 2 * mae - float(high)), mae + high - draws.mean()
    return CorrectedError(*(float(value) for value in (mae, *bounds, floor)))


def _mae(shares: Floats, target: Floats) -> Floats:
    return np.abs(shares - target).mean((-2, -1))


def mae_bounds(counts: ArrayLike, n_invalid: ArrayLike, target: ArrayLike) -> tuple[float, float]:
    """The least and the greatest MAE that the invalid responses could make, had they been read.

    With s the valid counts over all rounds of a context, the least distance fills deficits
    alone and leaves 2 sum_k max(s_k - p_k, 0) / K (which may split a round between
    categories); the greatest is convex in the assignment, so all go to one category.

    Args:
        counts: (C, K) valid rounds.
        n_invalid: (C,) invalid rounds. Contexts without any round are left out.
        target: (C, K).

    Returns:
        (low, high); both are the plain MAE where nothing is invalid, nan without rounds.
    """
    drawn, wanted = np.asarray(counts, float), np.asarray(target, float)
    unread = np.asarray(n_invalid, float)
    kept = drawn.sum(-1) + unread > 0
    if not kept.any():
        return float("nan"), float("nan")
    drawn, unread, wanted = drawn[kept], unread[kept, None], wanted[kept]
    totals = drawn.sum(-1, keepdims=True) + unread
    n_categories = wanted.shape[-1]
    least = 2 * np.maximum(drawn / totals - wanted, 0).sum(-1) / n_categories
    one_hot = np.eye(n_categories)[:, None] * unread
    greatest = np.abs((drawn + one_hot) / totals - wanted).mean(-1).max(0)
    return float(least.mean()), float(greatest.mean())
