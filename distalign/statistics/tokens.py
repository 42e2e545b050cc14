"""The level of the steering tokens without luck: what draws expect, and what no draw changes.

Each round i of a context has its own prompt and so its own probabilities P(k | x_i), restricted
to the K steering tokens: two-step decoding draws from these, however small their mass in the
whole vocabulary is. In plain decoding the mass counts too: the figures here are then of those
rounds that start with a token, and there are none where fewer than 90 % do. All of them hold for
independent draws without temperature, top-p or top-k, and for tokens: an answer that contradicts
its token, or that no one can read, moves the MAE of the answers and nothing here. `fidelity` and
`validity` say how many do.

`rounds` is a list of C arrays (N_c, K), one a context, and `target` is (C, K).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distalign.statistics.mae import expected_error

Floats = NDArray[np.float64]


def poisson_binomial(probabilities: ArrayLike) -> Floats:
    """Distribution of the number of successes in N unequal trials, exact.

    Adds one trial after the other; only positive terms are summed, so nothing cancels.

    Args:
        probabilities: (N, ...).

    Returns:
        (N + 1, ...), of 0 to N successes.
    """
    p = np.asarray(probabilities, float)
    pmf = np.zeros((len(p) + 1, *p.shape[1:]))
    pmf[0] = 1
    for i, success in enumerate(p, start=1):
        pmf[1 : i + 1] = pmf[1 : i + 1] * (1 - success) + pmf[:i] * success
        pmf[0] *= 1 - success
    return pmf


def expected_errors(rounds: Sequence[Floats], target: ArrayLike) -> Floats:
    """E mean_k |drawn share - P*_k| of each context, (C,): equation 12, expected instead of drawn.

    The tokens of category k are a Poisson-binomial count over the context's own rounds.
    """
    errors = []
    for p, wanted in zip(rounds, np.asarray(target, float), strict=True):
        shares = np.arange(len(p) + 1)[:, None] / len(p)
        errors.append((poisson_binomial(p) * np.abs(shares - wanted)).sum(0).mean())
    return np.array(errors)


def token_floors(rounds: Sequence[Floats], target: ArrayLike) -> Floats:
    """`expected_errors` of a perfect sampler with as many rounds, (C,)."""
    return expected_error(target, [len(p) for p in rounds])


def drawn_maes(
    rounds: Sequence[Floats], target: ArrayLike, draws: int, rng: np.random.Generator
) -> Floats:
    """The MAE of `draws` independent simulations of all rounds, (draws,)."""
    errors = np.zeros((len(rounds), draws))
    for i, (p, wanted) in enumerate(zip(rounds, np.asarray(target, float), strict=True)):
        cumulative = np.cumsum(p, axis=-1)
        u = rng.random((draws, len(p), 1)) * cumulative[:, -1:]
        index = (u >= cumulative[:, :-1]).sum(-1)
        shares = np.stack([(index == k).mean(-1) for k in range(len(wanted))], -1)
        errors[i] = np.abs(shares - wanted).mean(-1)
    return errors.mean(0)


def token_deviations(rounds: Sequence[Floats], target: ArrayLike) -> Floats:
    """mean_k |mean_x P(k | x) - P*_k| of each context, (C,): what infinitely many draws leave.

    The prompts are the rounds' own.
    """
    means = np.array([p.mean(0) for p in rounds])
    return np.abs(means - np.asarray(target, float)).mean(-1)
