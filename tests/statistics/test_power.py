import math

import numpy as np
import pytest
from scipy import stats

from distalign.statistics.power import rounds_needed


def test_one_fair_context_is_the_textbook_case() -> None:
    # Two-sided test of 1/2 against 0.6: n = (z_0.975 + z_0.8)^2 p (1 - p) / 0.1^2.
    z = stats.norm.ppf([0.975, 0.8]).sum()
    assert rounds_needed([0.5, 0.5], 0.1) == math.ceil(z**2 * 0.25 / 0.01)


@pytest.mark.parametrize(
    ("target", "moved", "deviation", "n_contexts"),
    [
        ([0.5, 0.5], [0.05, -0.05], 0.05, 14),
        # K = 3, TV 0.06, best hidden between halves: {0.5} and {0.3, 0.2} in proportion.
        ([0.5, 0.3, 0.2], [0.06, -0.036, -0.024], 0.04, 5),
    ],
)
def test_simulated_power_is_that_asked_for(target, moved, deviation, n_contexts) -> None:
    rng = np.random.default_rng(0)
    n, p = rounds_needed(target, deviation, n_contexts), np.array(target)
    assert np.abs(moved).mean() == pytest.approx(deviation)
    rejected = []
    for truth in (p + moved, p):
        draws = rng.multinomial(n, truth, size=(4000, n_contexts))
        statistic = ((draws - n * p) ** 2 / (n * p)).sum((-2, -1))
        p_values = stats.chi2.sf(statistic, n_contexts * (len(target) - 1))
        rejected.append((p_values <= 0.05).mean())
    np.testing.assert_allclose(rejected, [0.8, 0.05], atol=0.025)


def test_contexts_may_have_their_own_targets() -> None:
    skewed, fair = [0.9, 0.1], [0.5, 0.5]
    both = rounds_needed([skewed, fair], 0.02, n_contexts=2)
    assert rounds_needed(skewed, 0.02, 2) < both < rounds_needed(fair, 0.02, 2)


def test_impossible_deviations_are_refused() -> None:
    with pytest.raises(ValueError, match="no distribution"):
        rounds_needed([0.5, 0.5], 0.6)
    with pytest.raises(ValueError, match="no distribution"):
        rounds_needed([1.0, 0.0], 0.1)
