"""How far an observed distribution is from its target, and how sure that is.

Arrays are (C, K): C contexts by K categories. Counts are of valid rounds only.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

# Simulated samples as far off as the observed one: fewer say little of how rare they are.
_ENOUGH = 10


def absolute_errors(counts: ArrayLike, target: ArrayLike) -> Floats:
    """Equation 12 for each context: mean_k |P̂_k - P*_k|, shape (C,); nan without rounds."""
    counts, target = np.asarray(counts, float), np.asarray(target, float)
    totals = counts.sum(-1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    return np.abs(shares - target).mean(-1)


def expected_error(target: ArrayLike, n_valid: ArrayLike) -> Floats:
    """E mean_k |P̂_k - P*_k| of a perfect sampler, shape (C,); nan without rounds.

    De Moivre's closed form of the binomial mean deviation, with v = floor(np) + 1:
    E|P̂ - p| = 2 v (1 - p) C(n, v) p^v (1 - p)^(n - v) / n.

    Args:
        target: (C, K).
        n_valid: (C,) valid rounds of each context.
    """
    p = np.asarray(target, float)
    n = np.asarray(n_valid, float)[..., None]
    safe_n = np.maximum(n, 1)
    v = np.floor(safe_n * p + 1e-12) + 1
    deviation = 2 * v * (1 - p) * stats.binom.pmf(v, safe_n, p) / safe_n
    return np.where(n > 0, deviation, np.nan).mean(-1)


def paper_interval(
    counts: ArrayLike, target: ArrayLike, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The paper's 95 % percentile bootstrap of the MAE (appendix A.2.2).

    Rounds are resampled within each context. The MAE is not smooth where P̂ = P*, so this
    interval is biased upward and may exclude its own point estimate.

    Returns:
        (low, high); (nan, nan) where no context has a valid round.
    """
    drawn, wanted = np.asarray(counts, int), np.asarray(target, float)
    kept = drawn.sum(-1) > 0
    if not kept.any():
        return float("nan"), float("nan")
    drawn, wanted = drawn[kept], wanted[kept]
    totals = drawn.sum(-1)
    draws = rng.multinomial(totals, drawn / totals[:, None], size=(resamples, len(totals)))
    errors = np.abs(draws / totals[:, None] - wanted).mean(-1).mean(-1)
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


def mean_interval(errors: ArrayLike) -> tuple[float, float]:
    """95 % interval for the expected MAE over contexts like these, at this many rounds.

    Student's t over the contexts' errors, shape (C,): each carries its own round noise, so
    their spread holds both sources. Contexts without valid rounds are left out. No bound is
    below 0.
    """
    found = np.asarray(errors, float)
    found = found[~np.isnan(found)]
    if len(found) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(found) - 1) * stats.sem(found)
    return max(0.0, float(found.mean() - half)), float(found.mean() + half)


def fit_p_values(
    counts: ArrayLike, target: ArrayLike, resamples: int, rng: np.random.Generator
) -> Floats:
    """Multinomial goodness of fit of each context by the likelihood ratio G, shape (C,).

    Monte-Carlo, p = (1 + #{G* >= G}) / (1 + resamples), where enough simulated samples are as
    far off. Where they are not, the simulation cannot tell how small p is, and with many
    contexts no p would be small enough for `misaligned_contexts`: there it is the chi-squared
    tail with K - 1 degrees of freedom (Wilks, 1938), K counting targets above 0. p is 0 where
    an answer came that must not come.
    """
    counts, target = np.asarray(counts, int), np.asarray(target, float)
    totals = counts.sum(-1)
    draws = rng.multinomial(totals, target, size=(resamples, len(totals)))
    observed = _likelihood_ratio(counts, target)
    further = (_likelihood_ratio(draws, target) >= observed - 1e-9).sum(0)
    freedom = np.maximum((target > 0).sum(-1) - 1, 1)
    unresolved = np.minimum(stats.chi2.sf(observed, freedom), _ENOUGH / (1 + resamples))
    return np.where(further >= _ENOUGH, (1 + further) / (1 + resamples), unresolved)


def _likelihood_ratio(counts: NDArray, target: Floats) -> Floats:
    expected = target * counts.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):  # infinite where what has no share was answered
        ratio = np.divide(counts, expected, out=np.ones(counts.shape), where=counts > 0)
    return 2 * (counts * np.log(ratio)).sum(-1)


def misaligned_contexts(p_values: ArrayLike, rate: float = 0.05) -> int:
    """Contexts rejected by Benjamini-Hochberg at the given false-discovery rate."""
    return int((stats.false_discovery_control(p_values) <= rate).sum())


def paired_test(errors_a: ArrayLike, errors_b: ArrayLike, rng: np.random.Generator) -> float:
    """Two-sided p-value that A's and B's errors differ, paired by context.

    Sign-flip permutation test of the mean difference (exact up to 2^13 flips, else 9,999
    random ones). Contexts without valid rounds in either are left out; nan for fewer than
    two that are left.
    """
    a, b = np.asarray(errors_a, float), np.asarray(errors_b, float)
    kept = ~(np.isnan(a) | np.isnan(b))
    if kept.sum() < 2:
        return float("nan")
    result = stats.permutation_test(
        (a[kept], b[kept]),
        lambda x, y, axis: (x - y).mean(axis),
        permutation_type="samples",
        vectorized=True,
        rng=rng,
    )
    return float(result.pvalue)
