"""The steering tokens' level, against simulation and against what is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from distalign.statistics.mae import absolute_errors, expected_error
from distalign.statistics.tokens import (
    drawn_maes,
    expected_errors,
    poisson_binomial,
    token_deviations,
    token_floors,
)


def test_equal_trials_are_binomial() -> None:
    wanted = stats.binom.pmf(np.arange(201)[:, None], 200, [0.0, 0.003, 0.5, 1.0])
    pmf = poisson_binomial(np.tile([0.0, 0.003, 0.5, 1.0], (200, 1)))
    np.testing.assert_allclose(pmf, wanted, atol=1e-14)


def test_unequal_trials_by_hand() -> None:
    # 0.5 and 0.2: none 0.4, one 0.5 * 0.8 + 0.5 * 0.2 = 0.5, both 0.1.
    np.testing.assert_allclose(poisson_binomial([0.5, 0.2]), [0.4, 0.5, 0.1])


def test_expected_error_by_hand() -> None:
    # Shares 0, 1/2, 1 with 0.4, 0.5, 0.1 against 0.25: 0.1 + 0.125 + 0.075.
    rounds = [np.array([[0.5, 0.5], [0.2, 0.8]])]
    np.testing.assert_allclose(expected_errors(rounds, [[0.25, 0.75]]), [0.3])


def test_a_perfect_sampler_expects_its_floor() -> None:
    target = np.array([[0.2, 0.3, 0.5], [0.002, 0.008, 0.99]])
    rounds = [np.tile(row, (n, 1)) for row, n in zip(target, (100, 37), strict=True)]
    np.testing.assert_allclose(expected_errors(rounds, target), expected_error(target, [100, 37]))
    np.testing.assert_allclose(token_floors(rounds, target), expected_error(target, [100, 37]))
    np.testing.assert_allclose(token_deviations(rounds, target), 0, atol=1e-12)


def test_prompts_that_disagree_draw_less_noise_than_the_floor() -> None:
    # Half of the prompts always say one thing, half the other: no error, below any floor.
    rounds = [np.array([[1.0, 0.0], [0.0, 1.0]] * 50)]
    np.testing.assert_allclose(expected_errors(rounds, [[0.5, 0.5]]), 0, atol=1e-12)
    assert token_floors(rounds, [[0.5, 0.5]])[0] == pytest.approx(0.0398, abs=1e-4)


@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_expectation_and_range_are_those_of_draws(n_categories: int) -> None:
    rng = np.random.default_rng(n_categories)
    target = rng.dirichlet(np.full(n_categories, 2.0), size=6)
    rounds = [
        rng.dirichlet(8 * wanted + 0.1, size=n)
        for wanted, n in zip(target, (100, 100, 28, 60, 1, 100), strict=True)
    ]
    maes = [
        absolute_errors(
            [sum(rng.multinomial(1, p) for p in context) for context in rounds], target
        ).mean()
        for _ in range(400)
    ]
    expected = expected_errors(rounds, target).mean()
    assert np.mean(maes) == pytest.approx(expected, abs=4 * stats.sem(maes))
    simulated = drawn_maes(rounds, target, 4000, rng)
    assert simulated.mean() == pytest.approx(expected, abs=4 * stats.sem(simulated))
    assert stats.ks_2samp(maes, simulated).pvalue > 0.001


def test_deviation_is_of_the_mean_over_prompts() -> None:
    rounds = [np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.5, 0.5]])]
    np.testing.assert_allclose(token_deviations(rounds, [[0.5, 0.5], [0.25, 0.75]]), [0.1, 0.25])
